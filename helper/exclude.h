/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The regular expressions of EnvExclude and RunTimeEnvExclude: what a site may
 * write, and what it matches. */
#ifndef SB_EXCLUDE_H
#define SB_EXCLUDE_H

#include "../spank/err.h"

#include <regex.h>

/* Compiles text, the value of EnvExclude or RunTimeEnvExclude, which key names:
 * an extended regular expression (regex(7)). Returns 0, and exclude is to be
 * released with regfree; or -1 with err set. */
int sb_exclude_compile(regex_t *exclude, const char *key, const char *text,
		       struct sb_err *err);

/* Whether exclude, which may be NULL, matches "NAME=VALUE": 1 or 0; -1 when
 * memory runs out, as regexec(3) takes some. */
int sb_exclude_match(const regex_t *exclude, const char *var);

#endif
