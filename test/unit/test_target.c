/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JOB.STEP.TASK, and names of signals. */
#define _GNU_SOURCE
#include "unit.h"

#include "../../helper/killverb.h"
#include "../../helper/target.h"
#include "../../spank/contract.h"

#include <signal.h>

static struct sb_target t;
static struct sb_err err;

static void test_parse(void **state)
{
	(void)state;
	assert_int_equal(sb_target_parse(&t, "17", &err), 0);
	assert_int_equal(t.job, 17);
	assert_false(t.has_step);
	assert_false(t.has_task);
	assert_int_equal(sb_target_parse(&t, "17.0", &err), 0);
	assert_true(t.has_step);
	assert_int_equal(t.step, 0);
	assert_int_equal(sb_target_parse(&t, "17.batch.3", &err), 0);
	assert_int_equal(t.step, SB_STEP_BATCH);
	assert_true(t.has_task);
	assert_int_equal(t.task, 3);
	assert_int_equal(sb_target_parse(&t, "1.interactive", &err), 0);
	assert_int_equal(t.step, SB_STEP_INTERACTIVE);
	assert_int_equal(sb_target_parse(&t, "1.4294967291", &err), 0);
	assert_int_equal(t.step, SB_STEP_BATCH);
}

static void test_mistakes(void **state)
{
	static const char *const bad[] = {
		"",    "0",    "x",	     "-1",	 "1.",	     "1..2",
		"1.x", "1.0.", "1.0.batch",  "1.0.1.",	 "1.batch2", "1.0.1.1",
		" 1",  "1 ",   "4294967296", "1.batchx",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(sb_target_parse(&t, bad[i], &err), -1);
		assert_contains(err.text, "not JOB[.STEP[.TASK]]");
		assert_int_equal(err.code, SB_FAIL);
	}
}

static void test_name(void **state)
{
	char buf[32];

	(void)state;
	assert_string_equal(sb_target_name(buf, 5, 0), "5.0");
	assert_string_equal(sb_target_name(buf, 4294967295U, SB_STEP_BATCH),
			    "4294967295.batch");
	assert_string_equal(
		sb_target_name(buf, 4294967295U, SB_STEP_INTERACTIVE),
		"4294967295.interactive");
}

static void test_signals(void **state)
{
	(void)state;
	assert_int_equal(sb_killverb_signal("TERM"), SIGTERM);
	assert_int_equal(sb_killverb_signal("sigusr1"), SIGUSR1);
	assert_int_equal(sb_killverb_signal("SIGKILL"), SIGKILL);
	assert_int_equal(sb_killverb_signal("9"), 9);
	assert_int_equal(sb_killverb_signal("0"), 0);
	assert_int_equal(sb_killverb_signal("SIG"), -1);
	assert_int_equal(sb_killverb_signal(""), -1);
	assert_int_equal(sb_killverb_signal("9x"), -1);
	assert_int_equal(sb_killverb_signal("999"), -1);
	assert_int_equal(sb_killverb_signal("TERMINATE"), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_name),
		cmocka_unit_test(test_signals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
