/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include "unit.h"

#include "../../helper/conf.h"
#include "../../helper/job.h"
#include "../../spank/contract.h"

#include <getopt.h>

static void clean(void)
{
	static const char *const names[] = {
		SB_ENV_BUNDLE,	   SB_ENV_CONF,	      SB_ENV_DIR,
		SB_ENV_STEP,	   SB_ENV_ARGV0,      SB_ENV_MOUNTS,
		SB_ENV_WORKDIR,	   SB_ENV_KEEP,	      SB_ENV_RUNTIME,
		SB_ENV_MOUNT_HOME, SB_ENV_MOUNT_CWD,  SB_ENV_REMAP_ROOT,
		SB_ENV_WRITABLE,   SB_ENV_BCAST,      "SLURM_LOCALID",
		SB_ENV_PER,	   SB_ENV_TASKS,      "SLURM_PROCID",
		SB_ENV_DEBUG,	   "SLURMD_NODENAME", "SLURM_JOB_USER",
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
	assert_int_equal(j.verbose, 1);
	assert_int_equal(j.cmd.n, 2);
	assert_string_equal(j.cmd.v[1], "-l");
	sb_job_free(&j);
	assert_int_equal(READ(&j, &err, "run", "--bundle=/b", "-vv", "ls"), 0);
	assert_int_equal(j.verbose, 2);
	sb_job_free(&j);
	assert_int_equal(READ(&j, &err, "run", "--bundle=/b", "--debug", "ls"),
			 0);
	assert_int_equal(j.verbose, 2);
	sb_job_free(&j);
	setenv(SB_ENV_DEBUG, "yes", 1);
	assert_int_equal(READ(&j, &err, "run", "--bundle=/b", "-v", "ls"), 0);
	assert_int_equal(j.verbose, 2);
	sb_job_free(&j);
	assert_int_equal(
		READ(&j, &err, "run", "--bundle=/b", "--debug=no", "ls"), 0);
	assert_int_equal(j.verbose, 0);
	sb_job_free(&j);
	unsetenv(SB_ENV_DEBUG);
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

static void test_new_options(void **state)
{
	struct sb_job j;
	struct sb_err err = {.text = ""};

	(void)state;
	clean();
	assert_int_equal(READ(&j, &err, "run", "--bundle=/b", "ls"), 0);
	assert_null(j.mounts);
	assert_null(j.workdir);
	assert_null(j.keep);
	assert_null(j.runtime);
	sb_job_free(&j);
	setenv(SB_ENV_MOUNTS, "/a:/b", 1);
	setenv(SB_ENV_WORKDIR, "$HOME", 1);
	setenv(SB_ENV_KEEP, "A,B", 1);
	setenv(SB_ENV_RUNTIME, "runc", 1);
	assert_int_equal(READ(&j, &err, "run", "--bundle=/b", "ls"), 0);
	assert_string_equal(j.mounts, "/a:/b");
	assert_string_equal(j.workdir, "$HOME");
	assert_string_equal(j.keep, "A,B");
	assert_string_equal(j.runtime, "runc");
	sb_job_free(&j);
	assert_int_equal(READ(&j, &err, "run", "--bundle=/b", "--mounts",
			      "/c:/d", "--workdir=/w", "--env=C",
			      "--runtime=crun", "ls", "--env=D"),
			 0);
	assert_string_equal(j.mounts, "/c:/d");
	assert_string_equal(j.workdir, "/w");
	assert_string_equal(j.keep, "C");
	assert_string_equal(j.runtime, "crun");
	assert_int_equal(j.cmd.n, 2);
	sb_job_free(&j);
	clean();
}

/* Each alone, so that none can stand for another. */
static void test_switches(void **state)
{
	static const struct {
		const char *option, *env;
		size_t at;
	} all[] = {
		{"mount-home", SB_ENV_MOUNT_HOME,
		 offsetof(struct sb_job, mount_home)},
		{"mount-cwd", SB_ENV_MOUNT_CWD,
		 offsetof(struct sb_job, mount_cwd)},
		{"remap-root", SB_ENV_REMAP_ROOT,
		 offsetof(struct sb_job, remap_root)},
		{"writable", SB_ENV_WRITABLE,
		 offsetof(struct sb_job, writable)},
		{"bcast", SB_ENV_BCAST, offsetof(struct sb_job, bcast)},
	};
	/* environment, command line, result */
	static const struct {
		const char *env, *word;
		int value;
	} cases[] = {
		{NULL, NULL, -1},  {"yes", NULL, 1},  {"no", NULL, 0},
		{NULL, "", 1},	   {NULL, "=no", 0},  {NULL, "=yes", 1},
		{"no", "", 1},	   {"yes", "=no", 0}, {"no", "=TRUE", 1},
		{"bad", "=no", 0},
	};
	struct sb_job j;
	struct sb_err err = {.text = ""};
	char word[64];

	(void)state;
	for (size_t i = 0; i < 5 * sizeof(cases) / sizeof(cases[0]); i++) {
		int c = i / 5, o = i % 5;

		clean();
		snprintf(word, sizeof(word), "--%s%s", all[o].option,
			 cases[c].word ? cases[c].word : "");
		if (cases[c].env)
			setenv(all[o].env, cases[c].env, 1);
		assert_int_equal(READ(&j, &err, "run",
				      cases[c].word ? word : "-v",
				      "--bundle=/b", "ls"),
				 0);
		for (int k = 0; k < 5; k++)
			assert_int_equal(
				*(int *)(void *)((char *)&j + all[k].at),
				k == o ? cases[c].value : -1);
		sb_job_free(&j);
	}
	clean();
}

static void test_slurm(void **state)
{
	struct sb_job j;
	struct sb_err err = {.text = ""};
	char here[4096];

	(void)state;
	clean();
	assert_int_equal(READ(&j, &err, "run", "--bundle=/b", "ls"), 0);
	assert_int_equal(gethostname(here, sizeof(here)), 0);
	assert_string_equal(j.node, here);
	assert_int_equal(j.uid, geteuid());
	assert_int_equal(j.gid, getegid());
	assert_string_equal(j.cwd, getcwd(here, sizeof(here)));
	assert_int_equal(j.rank, 0);
	sb_job_free(&j);
	setenv("SLURMD_NODENAME", "n1", 1);
	setenv("SLURM_PROCID", "70000", 1);
	setenv("SLURM_LOCALID", "x", 1);
	setenv("SLURM_JOB_USER", "ann", 1);
	assert_int_equal(READ(&j, &err, "run", "--bundle=/b", "ls"), 0);
	assert_string_equal(j.node, "n1");
	assert_string_equal(j.user, "ann");
	assert_int_equal(j.rank, 70000);
	assert_int_equal(j.task, 0);
	sb_job_free(&j);
	clean();
}

/* Every option, and its twin, is in --help. */
static void test_usage(void **state)
{
	static const char *const words[] = {
		"--bundle=",	   "--conf=",	      "--dir=",
		"--step=",	   "--mounts=",	      "--workdir=",
		"--env=",	   "--runtime=",      "--mount-home[",
		"--mount-cwd[",	   "--remap-root[",   "--writable[",
		"--bcast[",	   SB_ENV_BCAST,      SB_ENV_BUNDLE,
		SB_ENV_CONF,	   SB_ENV_DIR,	      SB_ENV_STEP,
		SB_ENV_MOUNTS,	   SB_ENV_WORKDIR,    SB_ENV_KEEP,
		SB_ENV_RUNTIME,	   SB_ENV_MOUNT_HOME, SB_ENV_MOUNT_CWD,
		SB_ENV_REMAP_ROOT, SB_ENV_WRITABLE,
	};
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	(void)state;
	assert_non_null(f);
	sb_job_usage(f, 0);
	fclose(f);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		assert_contains(text, words[i]);
	free(text);
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
	clean();
}

/* srun --bcast=DIR/: the name that slurmstepd would have put there. */
static void test_bcast(void **state)
{
	struct sb_job j;
	struct sb_err err = {.text = ""};

	(void)state;
	clean();
	setenv("SLURMD_NODENAME", "n1", 1);
	assert_int_equal(READ(&j, &err, "run", "--bundle=/b", "--step=3.4.5",
			      "--", "/tmp/", "b/"),
			 0);
	assert_string_equal(j.cmd.v[0], "/tmp/slurm_bcast_3.4_n1");
	assert_string_equal(j.cmd.v[1], "b/");
	assert_int_equal(j.bcast, 1);
	sb_job_free(&j);
	assert_int_equal(READ(&j, &err, "run", "--bundle=/b", "--step=3.4.5",
			      "--bcast", "/tmp/a"),
			 0);
	assert_string_equal(j.cmd.v[0], "/tmp/a");
	assert_int_equal(j.bcast, 1);
	sb_job_free(&j);
	/* By hand there is no step to name it after. */
	assert_int_equal(READ(&j, &err, "run", "--bundle=/b", "/tmp/"), 0);
	assert_string_equal(j.cmd.v[0], "/tmp/");
	assert_int_equal(j.bcast, -1);
	sb_job_free(&j);
	clean();
}

static void test_in_place_bcast(void **state)
{
	struct sb_job j;
	struct sb_err err = {.text = ""};

	(void)state;
	clean();
	setenv(SB_ENV_BUNDLE, "/b", 1);
	setenv(SB_ENV_STEP, "3.4.5", 1);
	setenv("SLURMD_NODENAME", "n1", 1);
	setenv(SB_ENV_ARGV0, "/tmp/", 1);
	assert_int_equal(READ(&j, &err, "/usr/bin/stepbox", "a"), 0);
	assert_string_equal(j.cmd.v[0], "/tmp/slurm_bcast_3.4_n1");
	sb_job_free(&j);
	clean();
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

static void test_sharing(void **state)
{
	struct sb_job j;
	struct sb_err err = {.text = ""};

	(void)state;
	clean();
	assert_int_equal(READ(&j, &err, "run", "--bundle=/b", "ls"), 0);
	assert_int_equal(j.per, -1);
	assert_int_equal(j.tasks, 0);
	sb_job_free(&j);
	setenv(SB_ENV_PER, "node", 1);
	setenv(SB_ENV_TASKS, "128", 1);
	assert_int_equal(READ(&j, &err, "run", "--bundle=/b", "ls"), 0);
	assert_int_equal(j.per, SB_PER_NODE);
	assert_int_equal(j.tasks, 128);
	sb_job_free(&j);
	assert_int_equal(
		READ(&j, &err, "run", "--bundle=/b", "--per", "task", "ls"), 0);
	assert_int_equal(j.per, SB_PER_TASK);
	sb_job_free(&j);
	clean();
}

#define SHOW(j, err, ...) job_show(j, err, (char *[]){__VA_ARGS__, NULL})

static int job_show(struct sb_job *j, struct sb_err *err, char **argv)
{
	int argc = 0;

	while (argv[argc])
		argc++;
	optind = 0;
	return sb_job_read_show(j, argc, argv, err);
}

/* show takes the bundle as a word, with options before and behind it. */
static void test_show(void **state)
{
	struct sb_job j;
	struct sb_err err = {.text = ""};

	(void)state;
	clean();
	assert_int_equal(SHOW(&j, &err, "show", "-v", "/b", "--json", "--conf",
			      "/c", "--", "ls", "--json"),
			 0);
	assert_string_equal(j.bundle, "/b");
	assert_string_equal(j.conf, "/c");
	assert_true(j.json && j.verbose);
	assert_int_equal(j.cmd.n, 2);
	sb_job_free(&j);
	assert_int_equal(SHOW(&j, &err, "show", "/b", "ls", "--json"), 0);
	assert_false(j.json);
	assert_string_equal(j.cmd.v[0], "ls");
	sb_job_free(&j);
	/* What stands behind -- is the command's. */
	assert_int_equal(SHOW(&j, &err, "show", "--color=never", "--", "ls"),
			 0);
	assert_null(j.bundle);
	assert_string_equal(j.color, "never");
	assert_string_equal(j.cmd.v[0], "ls");
	sb_job_free(&j);
	setenv(SB_ENV_BUNDLE, "/twin", 1);
	assert_int_equal(SHOW(&j, &err, "show", "ls"), 0);
	assert_string_equal(j.bundle, "/twin");
	assert_string_equal(j.cmd.v[0], "ls");
	sb_job_free(&j);
	clean();
	assert_int_equal(READ(&j, &err, "run", "--bundle=/b", "--json", "ls"),
			 -1);
	assert_contains(err.text, "--json: no such option (see stepbox run");
	sb_job_free(&j);
}

static void test_workdir(void **state)
{
	static char *env[] = {(char *)"RUN=run7", NULL};
	struct sb_values v = {.letter = {['j'] = "42"}};
	struct sb_job j = {0};
	struct sb_err err;
	char *path = (char *)"?";

	(void)state;
	assert_int_equal(sb_job_workdir(&j, env, &v, &path, &err), 0);
	assert_null(path);
	j.workdir = "/scratch/%j/$RUN";
	assert_int_equal(sb_job_workdir(&j, env, &v, &path, &err), 0);
	assert_string_equal(path, "/scratch/42/run7");
	free(path);
	j.workdir = "$RUN";
	assert_int_equal(sb_job_workdir(&j, env, &v, &path, &err), -1);
	assert_string_equal(err.text, "--container-workdir=run7: not absolute");
	assert_null(path);
	j.workdir = "/$NONE";
	assert_int_equal(sb_job_workdir(&j, env, &v, &path, &err), -1);
	assert_contains(err.text, "--container-workdir: $NONE: not set");
	assert_null(path);
}

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
	REFUSED("--writable=perhaps: neither yes nor no", "run", "--bundle=/b",
		"--writable=perhaps", "ls");
	REFUSED("--mount-home=", "run", "--bundle=/b", "--mount-home=", "ls");
	REFUSED("needs a value", "run", "--bundle=/b", "--mounts");
	REFUSED("--per=core: neither node nor task", "run", "--bundle=/b",
		"--per=core", "ls");
	REFUSED("--tasks=many: not a number", "run", "--bundle=/b",
		"--tasks=many", "ls");
	REFUSED("--tasks=4x: not a number", "run", "--bundle=/b", "--tasks=4x",
		"ls");
	setenv(SB_ENV_REMAP_ROOT, "", 1);
	REFUSED("--remap-root=: neither", "run", "--bundle=/b", "ls");
	setenv(SB_ENV_REMAP_ROOT, "2", 1);
	REFUSED("--remap-root=2: neither", "run", "--bundle=/b", "ls");
	clean();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_twins),
		cmocka_unit_test(test_new_options),
		cmocka_unit_test(test_switches),
		cmocka_unit_test(test_slurm),
		cmocka_unit_test(test_usage),
		cmocka_unit_test(test_in_place),
		cmocka_unit_test(test_bcast),
		cmocka_unit_test(test_in_place_bcast),
		cmocka_unit_test(test_sharing),
		cmocka_unit_test(test_show),
		cmocka_unit_test(test_workdir),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
