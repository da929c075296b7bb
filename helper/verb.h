/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the verbs about running containers share: options, messages, and the
 * caller's steps. */
#ifndef SB_VERB_H
#define SB_VERB_H

#include "steps.h"

struct option;

/* getopt_long(3) with words for mistakes: returns the next option's value; 0
 * when there are no more; -1 with err set. letters begins with "+:". */
int sb_verb_option(int argc, char **argv, const char *letters,
		   const struct option *options, struct sb_err *err);

/* Says err as the verb's. Returns its exit code. */
int sb_verb_failed(const char *verb, const struct sb_err *err);

/* ContainerPath of the configuration conf as it stands there; NULL: not set.
 * The caller frees it, also after an error. Returns 0, or -1 with err set. */
int sb_verb_path(char **path, const char *conf, struct sb_err *err);

/* The caller's steps, or as root everybody's, below the ContainerPath of the
 * configuration conf. Returns 0, or -1 with err set. Release as
 * sb_steps_find's, also after an error. */
int sb_verb_steps(struct sb_steps *steps, const char *conf, struct sb_err *err);

#endif
