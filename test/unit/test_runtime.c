/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include "../../helper/runtime.h"

#include <sys/wait.h>

/* What RunTimeDelete=/bin/echo %p says; "" where it is not called. */
static int echo(struct sb_runtime *rt, char *out, size_t size)
{
	struct sb_err err = {.text = ""};
	sigset_t none;

	sigemptyset(&none);
	*out = '\0';
	return sb_runtime_do(rt, SB_OP_DELETE, &none, 60, out, size, &err);
}

/*
 * There is none: the number that stands for that is -1 to kill(1), and that all
 * of the user's processes.
 */
static void test_no_process(void **state)
{
	static char pattern[] = "/bin/echo %p", program[] = "/bin/echo";
	static const struct sb_conf conf = {.pattern[SB_OP_DELETE] = pattern};
	struct sb_runtime rt = {.conf = &conf,
				.program[SB_OP_DELETE] = program};
	char out[64], want[64];

	(void)state;
	assert_int_equal(echo(&rt, out, sizeof(out)), 0);
	assert_string_equal(out, "");
	sb_runtime_process(&rt, getpid());
	snprintf(want, sizeof(want), "%d\n", getpid());
	assert_int_equal(echo(&rt, out, sizeof(out)), 0);
	assert_string_equal(out, want);
	sb_runtime_process(&rt, 0);
	assert_int_equal(echo(&rt, out, sizeof(out)), 0);
	assert_string_equal(out, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
