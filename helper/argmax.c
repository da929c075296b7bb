/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How much a program can be given. */
#include "argmax.h"

#include "../spank/contract.h"

#include <string.h>
#include <unistd.h>

/* A quarter of the stack, but at most so much: 3/4 of the 8 MiB that a stack
 * has by default. */
#define MOST (6UL << 20)

/* Of a single one, with its NUL byte: MAX_ARG_STRLEN. */
#define MOST_PAGES 32

/* The bytes that the strings take, and their pointers; the longest alone goes
 * to *longest, "" for none. */
static size_t size_of(char **strings, const char **longest)
{
	size_t sum = 0, most = 0;

	*longest = "";
	for (; strings && *strings; strings++) {
		size_t n = strlen(*strings) + 1;

		sum += n + sizeof(*strings);
		if (n <= most)
			continue;
		most = n;
		*longest = *strings;
	}
	return sum;
}

/* Of a variable's name so much as a message has room for. */
static int name_length(const char *var)
{
	size_t n = strcspn(var, "=");

	return n < 128 ? (int)n : 128;
}

static int check_longest(const char *arg, const char *var, struct sb_err *err)
{
	size_t most = (size_t)MOST_PAGES * sysconf(_SC_PAGESIZE);

	if (strlen(arg) >= most)
		return sb_fail(err, SB_FAIL,
			       "argument \"%.32s...\": has %zu bytes: a "
			       "program takes no more than %zu",
			       arg, strlen(arg), most - 1);
	if (strlen(var) >= most)
		return sb_fail(err, SB_FAIL,
			       "environment variable %.*s: has %zu bytes: a "
			       "program takes no more than %zu",
			       name_length(var), var, strlen(var), most - 1);
	return 0;
}

int sb_argmax_check(char **args, char **env, struct sb_err *err)
{
	const char *arg, *var;
	size_t of_args = size_of(args, &arg), of_env = size_of(env, &var);
	/* It has a least value; -1, of no limit, is most of all. */
	size_t most = sysconf(_SC_ARG_MAX);

	if (check_longest(arg, var, err) < 0)
		return -1;
	if (most > MOST)
		most = MOST;
	if (args && *args)
		of_args += strlen(*args) + 1;
	if (of_args + of_env <= most)
		return 0;
	/* No sum, which each task would have another of, and all a line. */
	return sb_fail(err, SB_FAIL,
		       "arguments and environment are too long: under the "
		       "stack limit (ulimit -s) a program takes no more than "
		       "%zu KiB; %s%.*s",
		       most / 1024,
		       of_args < of_env ? "the longest variable is "
					: "most of it are arguments",
		       of_args < of_env ? name_length(var) : 0,
		       of_args < of_env ? var : "");
}
