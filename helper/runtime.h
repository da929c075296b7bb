/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls of the OCI runtime: which program, which words, which environment,
 * and how long it may take. */
#ifndef SB_RUNTIME_H
#define SB_RUNTIME_H

#include "../spank/err.h"
#include "conf.h"
#include "pattern.h"

#include <signal.h>
#include <sys/types.h>

struct sb_runtime {
	const struct sb_conf *conf; /* borrowed */
	struct sb_values values;
	struct sb_strv env;
};

/*
 * Makes an operation's words; the first is an absolute path. A bare name is
 * looked up in the compiled-in path, never in the user's; the program must be
 * root's and writable by root alone. Returns 0, or -1 with err set (code
 * SB_NOENT or SB_NOEXEC for the program).
 */
int sb_runtime_words(const struct sb_runtime *rt, enum sb_op op,
		     struct sb_strv *words, struct sb_err *err);

/* Becomes the program: returns only with an error, -1 with err set. */
int sb_runtime_exec(char **words, char **env, struct sb_err *err);

/*
 * Runs words and waits at most seconds, then kills it. If out is not NULL, its
 * standard input and output are /dev/null and a file, of which at most size - 1
 * bytes go to out, terminated; else it has the caller's three (a container
 * inherits them). Its signal mask is mask. Returns its wait status, or -1 with
 * err set.
 */
int sb_runtime_call(char **words, char **env, const sigset_t *mask, int seconds,
		    char *out, size_t size, struct sb_err *err);

#endif
