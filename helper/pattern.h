/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * RunTime* command patterns: oci.conf(5)'s letters after %, made into words
 * before anything is substituted, so that a value can never become two words
 * or a shell's business.
 */
#ifndef SB_PATTERN_H
#define SB_PATTERN_H

#include "../spank/err.h"
#include "buf.h"

/* What the letters stand for; all borrowed. A letter without a value is
 * replaced by "". */
struct sb_values {
	const char *letter[128]; /* indexed by the letter itself */
	char **argv;		 /* %@ */
};

/* Whether the pattern needs a shell: it has a character that only a shell
 * gives a meaning to. */
int sb_pattern_needs_shell(const char *pattern);

/* Whether the pattern uses %letter. */
int sb_pattern_uses(const char *pattern, char letter);

/* Checks letters and quotes. Returns 0, or -1 with err set. */
int sb_pattern_check(const char *pattern, struct sb_err *err);

/*
 * Makes the command's words: of a pattern that needs a shell, "/bin/sh", "-c"
 * and a text in which variables stand for the values, and if it has %@, "sh"
 * and the arguments. Adds them to out. Returns 0, or -1 with err set. The
 * pattern has passed sb_pattern_check.
 */
int sb_pattern_expand(const char *pattern, const struct sb_values *v,
		      struct sb_strv *out, struct sb_err *err);

#endif
