/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Called by slurmstepd as its OCI runtime: conf/oci.conf. */
#ifndef SB_HANDOFF_H
#define SB_HANDOFF_H

#include "../spank/err.h"
#include "buf.h"

#include <stdint.h>

/* What slurmstepd's shell was told. */
struct sb_handoff {
	uint32_t job, step;
	char *env;	     /* the file with the task's environment; owned */
	struct sb_strv args; /* the command and its arguments */
	char *bundle;	     /* as --container named it; owned */
};

/*
 * Parses what follows the '#' in oci.conf's RunTimeRun, where slurmstepd has
 * put in its values:
 *
 *   step=JOB.STEP env=PATH bundle=PATH args='WORD' ['WORD'...]
 *
 * text is all of the shell's command line. A quote in a WORD is what slurmstepd
 * makes of it. Returns 0, or -1 with err set: it is not this. Release with
 * sb_handoff_free, also after an error.
 */
int sb_handoff_parse(const char *text, struct sb_handoff *h,
		     struct sb_err *err);

void sb_handoff_free(struct sb_handoff *h);

/*
 * Makes env, the content of slurmstepd's file (each variable ended by a NUL
 * byte), the environment of this process, which refers to it from then on.
 * Returns 0, or -1 with err set: it is not such a file.
 */
int sb_handoff_environ(char *env, size_t len, struct sb_err *err);

/* The verb: argv[1] is the text. Becomes the runtime, or returns an exit code.
 */
int sb_handoff(int argc, char **argv);

#endif
