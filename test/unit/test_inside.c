/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include "../../helper/inside.h"
#include "../../spank/contract.h"

static struct sb_job job;
static struct sb_conf conf;
static struct sb_bundle bundle;
static struct sb_taskdir dir;

static void setup_plan(const char *config, uint32_t step, const char *command)
{
	static char bundle_path[] = "/b", dir_path[] = "/d/task-0";

	job = (struct sb_job){.step = step};
	sb_strv_add(&job.cmd, command);
	sb_strv_add(&job.cmd, "an arg");
	conf = (struct sb_conf){.init = SB_INIT_NO, .mode = SB_MODE_RUN};
	bundle = (struct sb_bundle){.path = bundle_path};
	bundle.config.root = json_loads(config, 0, NULL);
	assert_non_null(bundle.config.root);
	dir = (struct sb_taskdir){.path = dir_path};
}

static int plan(struct sb_inside *in, struct sb_err *err)
{
	const struct sb_inside_of of = {
		.job = &job,
		.conf = &conf,
		.bundle = &bundle,
		.dir = &dir,
		.where = "node n1, task 0",
	};

	return sb_inside_plan(in, &of, err);
}

static void done(struct sb_inside *in)
{
	sb_inside_free(in);
	sb_strv_free(&job.cmd);
	json_decref(bundle.config.root);
}

#define DEV "{\"mounts\":[{\"destination\":\"/dev\",\"type\":\"tmpfs\"}]}"

static void test_no_init(void **state)
{
	struct sb_inside in;
	struct sb_err err = {.text = ""};

	(void)state;
	setup_plan(DEV, 0, "ls");
	assert_int_equal(plan(&in, &err), 0);
	assert_false(in.init);
	assert_int_equal(in.args.n, 2);
	assert_string_equal(in.args.v[0], "ls");
	assert_string_equal(in.args.v[1], "an arg");
	assert_int_equal(in.n_mounts, 0);
	done(&in);
}

static void test_batch_script(void **state)
{
	struct sb_inside in;
	struct sb_err err = {.text = ""};

	(void)state;
	setup_plan(DEV, SB_STEP_BATCH,
		   "/var/spool/slurmd/job00001/slurm_script");
	assert_int_equal(plan(&in, &err), 0);
	assert_string_equal(in.args.v[0], "/dev/stepbox/slurm_script");
	assert_int_equal(in.n_mounts, 1);
	assert_string_equal(in.mounts[0].source,
			    "/var/spool/slurmd/job00001/slurm_script");
	assert_string_equal(in.mounts[0].destination,
			    "/dev/stepbox/slurm_script");
	done(&in);
	/* A step's command of that name is the user's own. */
	setup_plan(DEV, 3, "/home/a/slurm_script");
	assert_int_equal(plan(&in, &err), 0);
	assert_string_equal(in.args.v[0], "/home/a/slurm_script");
	done(&in);
}

static void test_nowhere_to_show(void **state)
{
	struct sb_inside in;
	struct sb_err err = {.text = ""};

	(void)state;
	setup_plan("{}", SB_STEP_BATCH, "/var/spool/x/slurm_script");
	assert_int_equal(plan(&in, &err), -1);
	assert_contains(err.text, "batch script: config.json of /b mounts no");
	done(&in);
	setup_plan("{}", 0, "ls");
	conf.init = SB_INIT_YES;
	assert_int_equal(plan(&in, &err), -1);
	assert_contains(err.text, "Init=yes");
	done(&in);
	setup_plan("{}", 0, "ls");
	conf.init = SB_INIT_AUTO;
	assert_int_equal(plan(&in, &err), 0);
	assert_false(in.init);
	assert_int_equal(in.n_mounts, 0);
	assert_string_equal(in.args.v[0], "ls");
	done(&in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_init),
		cmocka_unit_test(test_batch_script),
		cmocka_unit_test(test_nowhere_to_show),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
