/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is said to fit is measured by the kernel: execve(2) of a program. */
#define _GNU_SOURCE
#include "unit.h"

#include "../../helper/argmax.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* Strings of 1,000 bytes with their NUL byte, at most; pointers are 8 more. */
#define PIECE 1000
#define PIECES 8000

static char *env[PIECES + 1], *args[] = {"/bin/true", NULL};
static char memory[PIECES][PIECE];

/* Makes env so large that with args it all is sum bytes, pointers included. */
static void fill(size_t sum)
{
	size_t fixed = 2 * sizeof("/bin/true") + sizeof(char *), n = 0;

	for (sum -= fixed; sum; n++) {
		size_t len = sum > 2 * PIECE ? PIECE - sizeof(char *)
			     : sum > PIECE   ? sum / 2 - sizeof(char *)
					     : sum - sizeof(char *);

		assert_true(n < PIECES && len > 2 && len <= PIECE);
		memset(memory[n], 'x', len - 1);
		memory[n][1] = '=';
		memory[n][len - 1] = '\0';
		env[n] = memory[n];
		sum -= len + sizeof(char *);
	}
	env[n] = NULL;
}

/* What a process of that stack limit finds: 1 for the check's yes, 2 for the
 * kernel's; and says *err. */
static int verdicts(rlim_t stack, char **a, char **e)
{
	struct rlimit limit = {stack, RLIM_INFINITY};
	int status, ok;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		struct sb_err err = {.text = ""};

		setrlimit(RLIMIT_STACK, &limit);
		ok = !sb_argmax_check(a, e, &err);
		pid = fork();
		if (!pid) {
			execve(a[0], a, e);
			_exit(100);
		}
		if (pid < 0 || waitpid(pid, &status, 0) != pid)
			_exit(99);
		if (WIFEXITED(status) && !WEXITSTATUS(status))
			ok |= 2;
		_exit(ok);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void test_sum(void **state)
{
	/* execve(2): a quarter, at least 128 KiB, at most 6 MiB. */
	static const struct {
		rlim_t stack;
		size_t most;
	} limits[] = {
		{256 << 10, 128 << 10},
		{1 << 20, 256 << 10},
		{8 << 20, 2 << 20},
		{RLIM_INFINITY, 6 << 20},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		fill(limits[i].most - 4096);
		assert_int_equal(verdicts(limits[i].stack, args, env), 3);
		fill(limits[i].most);
		assert_int_equal(verdicts(limits[i].stack, args, env), 3);
		fill(limits[i].most + 1);
		assert_int_equal(verdicts(limits[i].stack, args, env) & 1, 0);
		/* Older kernels did not count the path. */
		fill(limits[i].most + 64);
		assert_int_equal(verdicts(limits[i].stack, args, env), 0);
	}
}

static void test_blame(void **state)
{
	struct rlimit limit = {256 << 10, RLIM_INFINITY};
	struct sb_err err = {.text = ""};

	(void)state;
	fill(140000);
	env[1][1] = 'x';
	memcpy(env[0], "LONG=", 5);
	/* A process may lower its own. */
	assert_int_equal(setrlimit(RLIMIT_STACK, &limit), 0);
	assert_int_equal(sb_argmax_check(args, env, &err), -1);
	assert_non_null(strstr(err.text, "no more than 128 KiB; the longest "
					 "variable is LONG"));
	assert_int_equal(sb_argmax_check(env, args, &err), -1);
	assert_non_null(strstr(err.text, "128 KiB; most of it are arguments"));
}

static void test_one(void **state)
{
	size_t most = (size_t)32 * sysconf(_SC_PAGESIZE);
	char *one = malloc(most + 1);
	char *with[] = {args[0], one, NULL}, *none[] = {NULL};
	char *vars[] = {"A=1", one, NULL};
	struct sb_err err = {.text = ""};

	(void)state;
	memset(one, 'x', most);
	memcpy(one, "LONG=", 5);
	one[most - 1] = '\0';
	assert_int_equal(verdicts(8 << 20, with, none), 3);
	assert_int_equal(verdicts(8 << 20, args, vars), 3);
	one[most - 1] = 'x';
	one[most] = '\0';
	assert_int_equal(verdicts(8 << 20, with, none), 0);
	assert_int_equal(verdicts(8 << 20, args, vars), 0);
	assert_int_equal(sb_argmax_check(args, vars, &err), -1);
	assert_non_null(strstr(err.text, "environment variable LONG: has "));
	assert_int_equal(sb_argmax_check(with, none, &err), -1);
	assert_non_null(strstr(err.text, "argument \"LONG=xxx"));
	assert_int_equal(sb_argmax_check(args, NULL, &err), 0);
	free(one);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sum),
		cmocka_unit_test(test_one),
		cmocka_unit_test(test_blame),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
