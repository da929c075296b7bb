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
	char *program[SB_OPS]; /* absolute; see sb_runtime_find */
	/* For --debug: gets a line before and after each call. NULL: nobody
	 * wants to know. */
	void (*tell)(void *arg, const char *text);
	void *tell_arg;
	char process[16]; /* what %p stands for, "" while there is none */
};

/*
 * Says which process %p of RunTimeKill and RunTimeDelete stands for; 0: none.
 * It must be a child of the caller's that was not waited for, so that nobody
 * else can have its number.
 */
void sb_runtime_process(struct sb_runtime *rt, pid_t pid);

/* Whether the runtime keeps state outside the step directory, as far as
 * RunTimeDelete tells: it names nothing that lies in there. */
int sb_runtime_state_outside(const struct sb_conf *conf);

/*
 * Finds the programs of the operations that conf's mode has, and if create, if
 * there are any, also those of SB_MODE_CREATE, before the user
 * namespace is entered: in there nobody can tell who owns them. Returns 0, or
 * -1 with err set (code SB_NOENT or SB_NOEXEC). Release with sb_runtime_free,
 * also after an error.
 */
int sb_runtime_find(struct sb_runtime *rt, int create, struct sb_err *err);

void sb_runtime_free(struct sb_runtime *rt);

/*
 * Finds a program that a site has installed for its containers: as an absolute
 * path, or by name in the compiled-in path, never in the user's. It must be
 * root's and writable by root alone. Returns its path, which the caller frees;
 * or NULL with err set (code SB_NOENT or SB_NOEXEC).
 */
char *sb_runtime_program(const char *name, struct sb_err *err);

/*
 * Makes an operation's words; the first is what sb_runtime_find found. Returns
 * 0, or -1 with err set.
 */
int sb_runtime_words(const struct sb_runtime *rt, enum sb_op op,
		     struct sb_strv *words, struct sb_err *err);

/* Tells, if rt has somebody to tell, that these are an operation's words. */
void sb_runtime_tell(const struct sb_runtime *rt, enum sb_op op, char **words);

/*
 * An operation as a side call: sb_runtime_words and sb_runtime_call. Returns
 * what that returns. One that is for %p alone is not called where there is no
 * such process: that succeeds.
 */
int sb_runtime_do(const struct sb_runtime *rt, enum sb_op op,
		  const sigset_t *mask, int seconds, char *out, size_t size,
		  struct sb_err *err);

/* Makes rt's environment of the caller's, as rt's configuration has it. Returns
 * 0, or -1 with err set. */
int sb_runtime_environ(struct sb_runtime *rt, struct sb_err *err);

/* The same for a runtime that hands it on to the command, whose environment is
 * to be env (sb_env_direct). */
int sb_runtime_environ_direct(struct sb_runtime *rt, char **env,
			      struct sb_err *err);

/* Becomes the program, with no other descriptors than those below first:
 * returns only with an error, -1 with err set. */
int sb_runtime_execute(char **words, char **env, int first, struct sb_err *err);

/* The same, with those that it is to have for the command: sb_mpi_fd. */
int sb_runtime_exec(char **words, char **env, struct sb_err *err);

/*
 * Runs words and waits at most seconds, then kills it. If out is not NULL, its
 * standard input and output are /dev/null and a file, of which at most size - 1
 * bytes go to out, terminated, and what it has started is killed with it; else
 * it has the caller's three (a container inherits them). Its signal mask is
 * mask. Returns its wait status, or -1 with err set.
 */
int sb_runtime_call(char **words, char **env, const sigset_t *mask, int seconds,
		    char *out, size_t size, struct sb_err *err);

#endif
