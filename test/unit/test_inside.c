/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include "tree.h"

#include "../../helper/inside.h"
#include "../../spank/contract.h"

static struct sb_job job;
static struct sb_conf conf;
static struct sb_bundle bundle;
static struct sb_taskdir dir;
static struct sb_mounts mounts;
static struct sb_strv notes;
static struct sb_inside in;
static char base[64], script[96];

static int setup(void **state)
{
	(void)state;
	unsetenv("SSH_AUTH_SOCK");
	unsetenv("DISPLAY");
	strcpy(base, tree_make());
	strcpy(script, tree_path(base, "slurm_script"));
	tree_file(base, "slurm_script", "");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	tree_remove(base);
	return 0;
}

static void setup_plan(const char *config, uint32_t step, const char *command)
{
	static char bundle_path[] = "/b";
	struct sb_err err = {.text = ""};

	job = (struct sb_job){.step = step, .uid = 1000, .gid = 100};
	sb_strv_add(&job.cmd, command);
	sb_strv_add(&job.cmd, "an arg");
	conf = (struct sb_conf){.init = SB_INIT_NO, .mode = SB_MODE_RUN};
	bundle = (struct sb_bundle){.path = bundle_path};
	if (sb_json_parse(&bundle.config, config, strlen(config), &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(sb_taskdir_open(&dir, NULL, 0, &err), 0);
}

static struct sb_inside_of plain(void)
{
	return (struct sb_inside_of){
		.job = &job,
		.conf = &conf,
		.bundle = &bundle,
		.dir = &dir,
		.mode = conf.mode,
		.where = "node n1, task 0",
	};
}

static int plan_of(const struct sb_inside_of *of, struct sb_err *err)
{
	return sb_inside_plan(&in, &mounts, of, &notes, err);
}

static void plan(void)
{
	struct sb_inside_of of = plain();
	struct sb_err err = {.text = ""};

	if (plan_of(&of, &err) < 0)
		fail_msg("%s", err.text);
}

static void done(void)
{
	sb_inside_free(&in);
	sb_mounts_free(&mounts);
	sb_strv_free(&notes);
	sb_strv_free(&job.cmd);
	sb_json_free(&bundle.config);
	sb_taskdir_close(&dir);
}

/* The index of a word of process.args, which must be before "--"; or -1. */
static int option(const char *word)
{
	for (size_t i = 1; i < in.args.n && strcmp(in.args.v[i], "--"); i++)
		if (!strcmp(in.args.v[i], word))
			return i;
	return -1;
}

/* The i-th mount. */
static void shown(size_t i, const char *source, const char *destination)
{
	assert_true(i < mounts.n);
	assert_string_equal(mounts.list[i].source, source);
	assert_string_equal(mounts.list[i].destination, destination);
}

#define DEV "{\"mounts\":[{\"destination\":\"/dev\",\"type\":\"tmpfs\"}]}"

static void test_no_init(void **state)
{
	(void)state;
	setup_plan(DEV, 0, "ls");
	plan();
	assert_false(in.init);
	assert_false(in.identity);
	assert_null(in.path);
	assert_int_equal(in.filter.how, SB_SPEC_SECCOMP_KEEP);
	assert_int_equal(in.args.n, 2);
	assert_string_equal(in.args.v[0], "ls");
	assert_string_equal(in.args.v[1], "an arg");
	assert_int_equal(mounts.n, 0);
	done();
}

static void test_batch_script(void **state)
{
	(void)state;
	setup_plan(DEV, SB_STEP_BATCH, script);
	plan();
	assert_string_equal(in.args.v[0], "/dev/stepbox/slurm_script");
	assert_string_equal(in.args.v[1], "an arg");
	assert_int_equal(mounts.n, 1);
	shown(0, script, "/dev/stepbox/slurm_script");
	assert_true(mounts.list[0].file);
	done();
	/* A step's command of that name is the user's own. */
	setup_plan(DEV, 3, "/home/a/slurm_script");
	plan();
	assert_string_equal(in.args.v[0], "/home/a/slurm_script");
	assert_int_equal(mounts.n, 0);
	done();
	/* Nor is a batch step's other command the script. */
	setup_plan(DEV, SB_STEP_BATCH, "slurm_script");
	plan();
	assert_string_equal(in.args.v[0], "slurm_script");
	done();
	setup_plan(DEV, SB_STEP_BATCH, "/nonexistent/slurm_script");
	{
		struct sb_inside_of of = plain();
		struct sb_err err = {.text = ""};

		assert_int_equal(plan_of(&of, &err), -1);
		assert_contains(err.text, "/nonexistent/slurm_script: No such");
	}
	done();
}

/* It keeps its name: some programs go by it. */
static void test_broadcast(void **state)
{
	(void)state;
	setup_plan(DEV, 3, script);
	job.bcast = 1;
	plan();
	assert_string_equal(in.args.v[0], "/dev/stepbox/bcast/slurm_script");
	assert_string_equal(in.args.v[1], "an arg");
	assert_int_equal(mounts.n, 1);
	shown(0, script, "/dev/stepbox/bcast/slurm_script");
	assert_true(mounts.list[0].file);
	done();
	/* Only what has been put on the node. */
	setup_plan(DEV, 3, "ls");
	job.bcast = 1;
	plan();
	assert_string_equal(in.args.v[0], "ls");
	assert_int_equal(mounts.n, 0);
	done();
	setup_plan(DEV, 3, script);
	job.bcast = -1;
	plan();
	assert_string_equal(in.args.v[0], script);
	assert_int_equal(mounts.n, 0);
	done();
	setup_plan(DEV, 3, "/nonexistent/x");
	job.bcast = 1;
	{
		struct sb_inside_of of = plain();
		struct sb_err err = {.text = ""};

		assert_int_equal(plan_of(&of, &err), -1);
		assert_contains(err.text, "/nonexistent/x: No such");
	}
	done();
}

/* A container that mounts no tmpfs gets one. */
static void test_own_place(void **state)
{
	(void)state;
	setup_plan("{}", SB_STEP_BATCH, script);
	plan();
	assert_string_equal(in.place, "/.stepbox/stepbox");
	assert_string_equal(in.args.v[0], "/.stepbox/stepbox/slurm_script");
	assert_int_equal(mounts.n, 2);
	shown(0, "tmpfs", "/.stepbox");
	assert_string_equal(mounts.list[0].type, "tmpfs");
	shown(1, script, "/.stepbox/stepbox/slurm_script");
	done();
	setup_plan("{}", 0, "ls");
	conf.init = SB_INIT_AUTO;
	plan();
	assert_true(in.init);
	shown(0, "tmpfs", "/.stepbox");
	shown(1, SB_INIT_PATH, "/.stepbox/stepbox/init");
	done();
	/* What the user mounts over is no place of ours. */
	setup_plan(DEV, 0, "ls");
	{
		struct sb_err err = {.text = ""};

		assert_int_equal(sb_mounts_tmpfs(&mounts, "/dev", "", &err), 0);
	}
	plan();
	assert_string_equal(in.place, "/.stepbox/stepbox");
	done();
}

static void test_init(void **state)
{
	(void)state;
	setup_plan(DEV, 3, "ls");
	conf.init = SB_INIT_YES;
	job.cwd = "/work";
	plan();
	assert_true(in.init);
	assert_true(in.identity);
	assert_int_equal(in.filter.how, SB_SPEC_SECCOMP_OURS);
	assert_int_equal(mounts.n, 1);
	shown(0, SB_INIT_PATH, "/dev/stepbox/init");
	assert_string_equal(in.args.v[0], "/dev/stepbox/init");
	assert_string_equal(in.args.v[option("-N") + 1], "node n1, task 0");
	assert_string_equal(in.args.v[option("-c") + 1], "/work");
	assert_string_equal(in.args.v[option("-u") + 1], "1000:100");
	assert_string_equal(in.args.v[option("-k") + 1], "0:0:0:0");
	assert_true(option("-f") > 0);
	assert_int_equal(option("-w"), -1);
	assert_int_equal(option("-q"), -1);
	assert_int_equal(option("-s"), -1);
	assert_int_equal(option("-t"), -1);
	assert_int_equal(option("-r"), -1);
	assert_int_equal(option("-p"), -1);
	assert_string_equal(in.args.v[in.args.n - 3], "--");
	assert_string_equal(in.args.v[in.args.n - 2], "ls");
	assert_string_equal(in.args.v[in.args.n - 1], "an arg");
	done();
}

static void test_init_options(void **state)
{
	struct sb_err err = {.text = ""};
	struct sb_inside_of of;
	char status[200];

	(void)state;
	setup_plan(
		"{\"mounts\":[{\"destination\":\"/dev\",\"type\":\"tmpfs\"}],"
		"\"process\":{\"capabilities\":{\"bounding\":[\"CAP_KILL\","
		"\"CAP_CHOWN\"],\"inheritable\":[\"CAP_KILL\"],"
		"\"effective\":[\"CAP_SYSLOG\"],"
		"\"ambient\":[\"CAP_NET_RAW\"]}}}",
		SB_STEP_INTERACTIVE, "ls");
	conf.init = SB_INIT_AUTO;
	conf.mode = SB_MODE_CREATE;
	job.cwd = "/work";
	job.rank = 7;
	of = plain();
	of.workdir = "/there";
	of.terminal = 1;
	if (plan_of(&of, &err) < 0)
		fail_msg("%s", err.text);
	assert_string_equal(in.args.v[option("-w") + 1], "/there");
	assert_int_equal(option("-c"), -1);
	assert_true(option("-q") > 0);
	assert_true(option("-s") > 0);
	assert_true(option("-t") > 0);
	assert_string_equal(in.args.v[option("-k") + 1], "21:20:2000:0");
	assert_string_equal(in.args.v[option("-r") + 1], "/dev/stepbox/status");
	/* where the init writes the status, the helper reads it */
	snprintf(status, sizeof(status), "%s/status", dir.path);
	shown(1, status, "/dev/stepbox/status");
	assert_int_equal(access(status, W_OK), 0);
	done();
}

/* Root inside: no inner user namespace, no filter of ours. */
static void test_root(void **state)
{
	struct sb_err err = {.text = ""};
	struct sb_inside_of of;

	(void)state;
	for (int i = 0; i < 2; i++) {
		setup_plan(DEV, 0, "ls");
		conf.init = SB_INIT_YES;
		of = plain();
		of.remap_root = i;
		job.uid = i ? 1000 : 0;
		assert_int_equal(plan_of(&of, &err), 0);
		assert_true(in.init);
		assert_false(in.identity);
		assert_int_equal(option("-u"), -1);
		assert_int_equal(option("-k"), -1);
		assert_int_equal(in.filter.how, SB_SPEC_SECCOMP_KEEP);
		done();
	}
}

#define FILTER                                                                 \
	"{\"mounts\":[{\"destination\":\"/dev\",\"type\":\"tmpfs\"}],"         \
	"\"linux\":{\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ALLOW\","        \
	"\"syscalls\":[{\"names\":[\"mkdir\",\"no_such_call\"],"               \
	"\"action\":\"SCMP_ACT_ERRNO\"}]}}}"

/* The bundle's filter is our init's business, if the init can load it. */
static void test_filter(void **state)
{
	const char *path;
	struct stat st;

	(void)state;
	setup_plan(FILTER, 0, "ls");
	conf.init = SB_INIT_YES;
	plan();
	assert_int_equal(in.filter.how, SB_SPEC_SECCOMP_OURS);
	assert_string_equal(in.args.v[option("-p") + 1],
			    "/dev/stepbox/seccomp-bundle");
	path = tree_path(dir.step, "seccomp-bundle");
	shown(1, path, "/dev/stepbox/seccomp-bundle");
	assert_int_equal(stat(path, &st), 0);
	assert_true(st.st_size > 8 && st.st_size % 8 == 0);
	assert_int_equal(notes.n, 1);
	assert_contains(notes.v[0], "no_such_call");
	done();
	setup_plan(FILTER, 0, "ls");
	plan();
	assert_int_equal(in.filter.how, SB_SPEC_SECCOMP_KEEP);
	assert_null(in.filter.profile);
	assert_int_equal(mounts.n, 0);
	done();
}

/* The step's other tasks take what the first has compiled. */
static void test_filter_once(void **state)
{
	(void)state;
	setup_plan(FILTER, 0, "ls");
	conf.init = SB_INIT_YES;
	tree_file(dir.step, "seccomp-bundle", "compiled");
	plan();
	assert_string_equal(in.args.v[option("-p") + 1],
			    "/dev/stepbox/seccomp-bundle");
	assert_int_equal(notes.n, 0);
	{
		struct stat st;

		assert_int_equal(stat(mounts.list[1].source, &st), 0);
		assert_int_equal(st.st_size, strlen("compiled"));
	}
	done();
}

/* Where the runtime loads it, it is looked at all the same. */
static void fault_16_runtimes_filter(void **state)
{
	static const char *const bad[][2] = {
		{"{\"defaultAction\":\"SCMP_ACT_NOTIFY\"}",
		 "linux.seccomp.defaultAction: SCMP_ACT_NOTIFY needs an agent"},
		{"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{"
		 "\"names\":[\"mkdir\"],\"action\":\"SCMP_ACT_NOTIFY\"}]}",
		 "linux.seccomp.syscalls[0].action: SCMP_ACT_NOTIFY"},
		{"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":{}}",
		 "linux.seccomp.syscalls: not an array"},
		{"[]", "linux.seccomp: not an object"},
	};
	char text[256];

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(bad) / sizeof(*bad); i++) {
		struct sb_err err = {.text = ""};
		struct sb_inside_of of;

		snprintf(text, sizeof(text), "{\"linux\":{\"seccomp\":%s}}",
			 bad[i / 2][0]);
		setup_plan(text, 0, "ls");
		of = plain();
		/* Without the init, and as root. */
		if (i % 2) {
			conf.init = SB_INIT_YES;
			of.remap_root = 1;
		}
		assert_int_equal(plan_of(&of, &err), -1);
		assert_contains(err.text, "bundle /b: config.json: ");
		assert_contains(err.text, bad[i / 2][1]);
		done();
	}
}

/* There is nobody to ask, whoever loads it. */
static void fault_16_no_agent(void **state)
{
	const json_t *filter;

	(void)state;
	for (int i = 0; i < 2; i++) {
		setup_plan("{\"linux\":{\"seccomp\":{\"defaultAction\":"
			   "\"SCMP_ACT_ALLOW\",\"listenerPath\":\"/s\","
			   "\"listenerMetadata\":7,\"x\":1}}}",
			   0, "ls");
		conf.init = i ? SB_INIT_YES : SB_INIT_NO;
		plan();
		assert_int_equal(notes.n, 2);
		assert_contains(notes.v[0], "linux.seccomp.listenerPath: drop");
		assert_contains(notes.v[1], "linux.seccomp.listenerMetadata");
		filter = json_object_get(
			json_object_get(bundle.config.root, "linux"),
			"seccomp");
		assert_int_equal(json_object_size(filter), 2);
		done();
	}
}

/* null is none, whoever would load it. */
static void test_null_filter(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		setup_plan("{\"linux\":{\"seccomp\":null,\"x\":1}}", 0, "ls");
		conf.init = i ? SB_INIT_YES : SB_INIT_NO;
		plan();
		assert_int_equal(notes.n, 0);
		assert_int_equal(in.filter.words.n, 0);
		assert_int_equal(json_object_size(json_object_get(
					 bundle.config.root, "linux")),
				 1);
		done();
	}
}

static void test_bad_filter(void **state)
{
	struct sb_err err = {.text = ""};
	struct sb_inside_of of;

	(void)state;
	setup_plan("{\"linux\":{\"seccomp\":{\"defaultAction\":\"X\"}}}", 0,
		   "ls");
	conf.init = SB_INIT_YES;
	of = plain();
	assert_int_equal(plan_of(&of, &err), -1);
	assert_contains(err.text, "bundle /b: config.json: linux.seccomp");
	assert_true(access(tree_path(dir.step, "seccomp-bundle"), F_OK) < 0);
	done();
}

/* The site's goes first, and where there can be one only it is the one. */
static void test_site_filter(void **state)
{
	char profile[] = SRCDIR "/conf/seccomp.json";
	int first;

	(void)state;
	setup_plan(FILTER, 0, "ls");
	conf.init = SB_INIT_YES;
	conf.seccomp_profile = profile;
	plan();
	first = option("-p");
	assert_contains(in.args.v[first + 1], "/seccomp-site");
	assert_string_equal(in.args.v[first + 2], "-p");
	assert_contains(in.args.v[first + 3], "/seccomp-bundle");
	done();
	setup_plan(FILTER, 0, "ls");
	conf.seccomp_profile = profile;
	plan();
	assert_int_equal(in.filter.how, SB_SPEC_SECCOMP_SET);
	assert_non_null(in.filter.profile);
	assert_contains(notes.v[0], "the site's profile");
	done();
	setup_plan(DEV, 0, "ls");
	conf.seccomp_profile = "/nonexistent/p.json";
	{
		struct sb_inside_of of = plain();
		struct sb_err err = {.text = ""};

		assert_int_equal(plan_of(&of, &err), -1);
		assert_contains(err.text, "SeccompProfile: /nonexistent");
	}
	done();
}

static void test_client_wants_init(void **state)
{
	struct sb_err err = {.text = ""};
	struct sb_inside_of of;

	(void)state;
	setup_plan(DEV, 0, "ls");
	conf.slurm_client = 1;
	of = plain();
	assert_int_equal(plan_of(&of, &err), -1);
	assert_contains(err.text, "SlurmClient=yes does not go with Init=no");
	done();
}

/* The container's process holds it; what tasks need to enter is beside. */
static void test_shared(void **state)
{
	struct sb_err err = {.text = ""};
	struct sb_inside_of of;
	int at;

	(void)state;
	setup_plan("{\"process\":{\"noNewPrivileges\":true,\"capabilities\":{"
		   "\"bounding\":[\"CAP_CHOWN\"]}},\"linux\":{\"personality\":{"
		   "\"domain\":\"LINUX32\"}},\"mounts\":[{"
		   "\"destination\":\"/dev\",\"type\":\"tmpfs\"}]}",
		   0, "ls");
	conf.init = SB_INIT_AUTO;
	of = plain();
	of.mode = SB_MODE_CREATE;
	of.shared = 64;
	of.parent = 4711;
	of.terminal = 1;
	assert_int_equal(mkdirat(dir.fd, "hold", 0700), 0);
	if (plan_of(&of, &err) < 0)
		fail_msg("%s", err.text);
	assert_string_equal(in.args.v[0], "/dev/stepbox/init");
	at = option("-H");
	assert_true(at > 0);
	assert_string_equal(in.args.v[at + 1], "/dev/stepbox/hold");
	at = option("-T");
	assert_string_equal(in.args.v[at + 1], "64");
	at = option("-P");
	assert_string_equal(in.args.v[at + 1], "4711");
	at = option("-u");
	assert_string_equal(in.args.v[at + 1], "1000:100");
	assert_int_equal(option("-r"), -1);
	assert_int_equal(option("-t"), -1);
	assert_int_equal(option("ls"), -1);
	assert_int_equal(in.join.n, 5);
	assert_string_equal(in.join.v[0], "-n");
	assert_string_equal(in.join.v[1], "-d");
	assert_string_equal(in.join.v[2], "8");
	assert_string_equal(in.join.v[3], "-k");
	assert_string_equal(in.join.v[4], "1:0:0:0");
	assert_string_equal(in.program, "/dev/stepbox/init");
	assert_string_equal(in.terminals, "/dev/stepbox/pts");
	done();
	/* By the runtime's exec each makes himself the user. */
	setup_plan(DEV, 0, "ls");
	conf.join = SB_JOIN_EXEC;
	of = plain();
	of.mode = SB_MODE_CREATE;
	of.shared = 2;
	assert_int_equal(mkdirat(dir.fd, "hold", 0700), 0);
	if (plan_of(&of, &err) < 0)
		fail_msg("%s", err.text);
	/* Init=no: root inside; the process that holds is ours all the same. */
	assert_int_equal(option("-u"), -1);
	assert_true(in.init);
	assert_false(in.identity);
	done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_init),
		cmocka_unit_test(test_batch_script),
		cmocka_unit_test(test_broadcast),
		cmocka_unit_test(test_own_place),
		cmocka_unit_test(test_init),
		cmocka_unit_test(test_init_options),
		cmocka_unit_test(test_root),
		cmocka_unit_test(test_filter),
		cmocka_unit_test(test_filter_once),
		cmocka_unit_test(fault_16_runtimes_filter),
		cmocka_unit_test(fault_16_no_agent),
		cmocka_unit_test(test_null_filter),
		cmocka_unit_test(test_bad_filter),
		cmocka_unit_test(test_site_filter),
		cmocka_unit_test(test_client_wants_init),
		cmocka_unit_test(test_shared),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
