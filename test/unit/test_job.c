/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include "../../helper/job.h"
#include "../../spank/contract.h"

#include <getopt.h>

static void clean(void)
{
	static const char *const names[] = {
		SB_ENV_BUNDLE, SB_ENV_CONF,	SB_ENV_DIR,	SB_ENV_STEP,
		SB_ENV_ARGV0,  "SLURM_LOCALID", "SLURM_PROCID",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unsetenv(names[i]);
	optind = 0;
}

static int job_read(struct sb_job *j, struct sb_err *err, char **argv)
{
	int argc = 0;

	while (argv[argc])
		argc++;
	optind = 0;
	return sb_job_read(j, argc, argv, err);
}

#define READ(j, err, ...) job_read(j, err, (char *[]){__VA_ARGS__, NULL})

static void test_options(void **state)
{
	struct sb_job j;
	struct sb_err err = {.text = ""};

	(void)state;
	clean();
	assert_int_equal(READ(&j, &err, "run", "--bundle=/b", "--conf", "/c",
			      "--step", "1.4294967291.2", "-v", "ls", "-l"),
			 0);
	assert_string_equal(j.bundle, "/b");
	assert_string_equal(j.conf, "/c");
	assert_int_equal(j.step, SB_STEP_BATCH);
	assert_int_equal(j.restart, 2);
	assert_true(j.verbose);
	assert_int_equal(j.cmd.n, 2);
	assert_string_equal(j.cmd.v[1], "-l");
	sb_job_free(&j);
	assert_int_equal(READ(&j, &err, "run", "--bundle=/b", "--", "--x"), 0);
	assert_string_equal(j.cmd.v[0], "--x");
	assert_null(j.dir);
	sb_job_free(&j);
}

/* Each option has its twin; the option wins. */
static void test_twins(void **state)
{
	struct sb_job j;
	struct sb_err err = {.text = ""};

	(void)state;
	clean();
	setenv(SB_ENV_BUNDLE, "/env", 1);
	setenv(SB_ENV_DIR, "/dir", 1);
	setenv(SB_ENV_CONF, "/conf", 1);
	setenv(SB_ENV_STEP, "3.4.5", 1);
	setenv("SLURM_LOCALID", "7", 1);
	assert_int_equal(READ(&j, &err, "run", "--dir=/other", "ls"), 0);
	assert_string_equal(j.bundle, "/env");
	assert_string_equal(j.dir, "/other");
	assert_string_equal(j.conf, "/conf");
	assert_int_equal(j.job, 3);
	assert_int_equal(j.step, 4);
	assert_int_equal(j.task, 7);
	sb_job_free(&j);
}

/* In place of a command: nothing on the command line is ours. */
static void test_in_place(void **state)
{
	struct sb_job j;
	struct sb_err err = {.text = ""};

	(void)state;
	clean();
	setenv(SB_ENV_BUNDLE, "/b", 1);
	setenv(SB_ENV_ARGV0, "grep", 1);
	assert_int_equal(READ(&j, &err, "/usr/bin/stepbox", "--help", "-v", ""),
			 0);
	assert_int_equal(j.cmd.n, 4);
	assert_string_equal(j.cmd.v[0], "grep");
	assert_string_equal(j.cmd.v[1], "--help");
	assert_string_equal(j.cmd.v[3], "");
	sb_job_free(&j);
}

static void refused(const char *why, char **argv)
{
	struct sb_job j;
	struct sb_err err = {.text = ""};

	assert_int_equal(job_read(&j, &err, argv), -1);
	assert_contains(err.text, why);
	sb_job_free(&j);
}

#define REFUSED(why, ...) refused(why, (char *[]){__VA_ARGS__, NULL})

static void test_refused(void **state)
{
	(void)state;
	clean();
	REFUSED("no bundle", "run", "ls");
	REFUSED("no command", "run", "--bundle=/b");
	REFUSED("no such option", "run", "--nonesuch", "ls");
	REFUSED("needs a value", "run", "--bundle");
	REFUSED("JOB.STEP.RESTART", "run", "--bundle=/b", "--step=1.2", "ls");
	REFUSED("JOB.STEP.RESTART", "run", "--bundle=/b", "--step=1.2.-3", "x");
	REFUSED("JOB.STEP.RESTART", "run", "--bundle=/b",
		"--step=1.2.4294967296", "x");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_twins),
		cmocka_unit_test(test_in_place),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
