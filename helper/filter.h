/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which seccomp filters a container gets, and who loads them. */
#ifndef SB_FILTER_H
#define SB_FILTER_H

#include "../spank/err.h"
#include "bundle.h"
#include "conf.h"
#include "mounts.h"
#include "seccomp.h"
#include "spec.h"
#include "taskdir.h"

struct sb_filter {
	enum sb_spec_seccomp how;
	json_t *profile;      /* owned; what the runtime is to apply */
	struct sb_strv words; /* the init's options */
};

struct sb_filter_of {
	const struct sb_conf *conf;
	struct sb_bundle *bundle;
	const struct sb_taskdir *dir;
	/* Where the init finds its programs; NULL: it loads none, the runtime
	 * applies one profile. */
	const char *place;
};

/*
 * The site's profile (SeccompProfile=) and the bundle's hold both, if our init
 * loads them: as programs, after everything that a profile may forbid, as the
 * command would be started under it. Where the runtime applies it, there is one
 * only, and the site's goes before the bundle's. The bundle's is edited in its
 * document: a null and an agent to ask (listenerPath) are taken out. notes gets
 * what is not said as an error: unknown system calls, a profile that is
 * replaced, an agent.
 *
 * Returns 0, or -1 with err set: a profile cannot be read or compiled, or has
 * not the form it must have. Release
 * with sb_filter_free, also after an error.
 */
int sb_filter_plan(struct sb_filter *f, struct sb_mounts *m,
		   const struct sb_filter_of *of, struct sb_strv *notes,
		   struct sb_err *err);

/* Compiles a profile as the init reads it: flags, then the program. skipped as
 * for sb_seccomp_compile. Returns 0, or -1 with err set. */
int sb_filter_program(const struct sb_seccomp_src *src, struct sb_buf *b,
		      struct sb_strv *skipped, struct sb_err *err);

void sb_filter_free(struct sb_filter *f);

#endif
