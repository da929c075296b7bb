/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The plugin in srun, sbatch and salloc: what its hooks take, publish and
 * refuse, with whatever of Slurm's calls fails. */
#define _GNU_SOURCE
#include "standins.h"

#include <errno.h>

/* The command line that the plugin finds. */
static const char *line;
static size_t line_len;

static FILE *fake_fopen(const char *path, const char *mode)
{
	assert_string_equal(path, "/proc/self/cmdline");
	(void)mode;
	/* An empty one cannot be read by it. */
	return line_len ? fmemopen((void *)line, line_len, "r") : NULL;
}

#define fopen fake_fopen
#include "../../spank/client.c"
#undef fopen

#include "../../spank/plugin.c"

#include "tree.h"

#define PREFIX "SLURM_STEPBOX_"

static char base[64], conf[128];
static char *conf_arg[] = {conf};
static spank_t sp;

/* A program of Slurm's with this command line, words ended by NUL bytes. */
static void is_run(spank_context_t context, const char *program,
		   const char *words, size_t len)
{
	fake.context = context;
	program_invocation_short_name = (char *)program;
	line = words;
	line_len = len - 1;
}

#define IS_RUN(context, program, words)                                        \
	is_run(context, program, words, sizeof(words))

/* A program begins with nothing of another's but the environment. */
static void start(void)
{
	for (int i = 0; i < SB_OPTION_COUNT; i++)
		free(options.given[i].value);
	memset(&options, 0, sizeof(options));
	free(components.first);
	memset(&components, 0, sizeof(components));
	keep = 0;
	fake_forget();
	IS_RUN(S_CTX_LOCAL, "srun", "srun\0hostname\0");
}

static void begin(void)
{
	start();
	clearenv();
	setenv("PATH", "/bin:/usr/bin", 1);
	setenv("SLURM_CONF", tree_path(base, "slurm.conf"), 1);
}

static int setup(void **state)
{
	(void)state;
	strcpy(base, tree_make());
	snprintf(conf, sizeof(conf), "conf=%s/stepbox.conf", base);
	tree_file(base, "stepbox.conf", "Runtime=crun\n");
	begin();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	begin();
	tree_remove(base);
	return 0;
}

static int option(const char *name)
{
	for (int i = 0; i < fake.n_options; i++)
		if (!strcmp(fake.options[i].name, name))
			return i;
	fail_msg("--%s is not registered", name);
	return -1;
}

static int give(const char *name, const char *value)
{
	const struct spank_option *o = &fake.options[option(name)];

	return o->cb(o->val, value, 0);
}

static int post(void)
{
	return slurm_spank_init_post_opt(sp, 1, conf_arg);
}

/* Slurm's part: --container, between the two hooks. */
static void want(const char *bundle)
{
	if (SB_SLURM_HAS_CONTAINER)
		setenv("SLURM_CONTAINER", bundle, 1);
	else
		assert_int_equal(give("container", bundle), 0);
}

static void is_set(const char *name, const char *value)
{
	const char *got = getenv(name);

	if (!got || strcmp(got, value) != 0)
		fail_msg("%s is %s, not %s", name, got ? got : "not set",
			 value);
}

static int has_ours(void)
{
	for (char **e = environ; *e; e++)
		if (!strncmp(*e, PREFIX, strlen(PREFIX)))
			return 1;
	return 0;
}

/* ---- a plain step, and a request ---- */

static void test_plain(void **state)
{
	(void)state;
	setenv("SLURM_CONTAINER", "/of/another/step", 1);
	setenv(PREFIX "REQUEST", "/of/another/step", 1);
	setenv(PREFIX "MOUNTS", "/x:/y", 1);
	setenv(PREFIX, "", 1);
	setenv("SLURM_STEPBOXES", "stay", 1);
	assert_int_equal(slurm_spank_init(sp, 1, conf_arg), 0);
	assert_null(getenv("SLURM_CONTAINER"));
	assert_false(has_ours());
	is_set("SLURM_STEPBOXES", "stay");
	assert_int_equal(post(), 0);
	assert_int_equal(slurm_spank_local_user_init(sp, 1, conf_arg), 0);
	assert_int_equal(slurm_spank_exit(sp, 1, conf_arg), 0);
	assert_false(has_ours());
	assert_string_equal(fake.log, "");
	assert_null(fake.control[0]);
}

static void test_request(void **state)
{
	(void)state;
	slurm_spank_init(sp, 1, conf_arg);
	assert_int_equal(fake.n_options, SB_SLURM_HAS_CONTAINER
						 ? SB_OPTION_COUNT - 1
						 : SB_OPTION_COUNT);
	assert_int_equal(give("container-mounts", "/a:/b:ro"), 0);
	assert_int_equal(give("container-writable", NULL), 0);
	want("/my bundle");
	setenv("_SLURM_SPANK_OPTION_stepbox_container_mounts", "/a:/b:ro", 1);
	fake_set(fake.control, "_SLURM_SPANK_OPTION_stepbox_container_writable",
		 "yes");
	assert_int_equal(post(), 0);
	is_set(PREFIX "REQUEST", "/my bundle");
	is_set(PREFIX "MOUNTS", "/a:/b:ro");
	is_set(PREFIX "WRITABLE", "yes");
	assert_null(getenv(PREFIX "INTERACTIVE"));
	assert_string_equal(fake_get(fake.control, "STEPBOX_CONTAINER"),
			    "/my bundle");
	/* or each srun inside of a batch job would have them */
	assert_null(getenv("_SLURM_SPANK_OPTION_stepbox_container_mounts"));
	assert_null(fake_get(fake.control,
			     "_SLURM_SPANK_OPTION_stepbox_container_writable"));
	assert_string_equal(fake.log, "");
}

static void test_option_alone(void **state)
{
	(void)state;
	slurm_spank_init(sp, 1, conf_arg);
	assert_int_equal(give("container-per", "task"), 0);
	assert_int_equal(post(), -1);
	assert_contains(fake.log, "--container-per: needs --container");
	assert_null(getenv(PREFIX "REQUEST"));
}

/* slurmstepd calls the same callbacks: nothing is taken there. */
static void test_remote(void **state)
{
	(void)state;
	fake.context = S_CTX_REMOTE;
	fake_set(fake.env, PREFIX "REQUEST", "/b");
	assert_int_equal(slurm_spank_init(sp, 1, conf_arg), 0);
	assert_true(fake.n_options > 0);
	for (int i = 0; i < fake.n_options; i++)
		assert_int_equal(
			fake.options[i].cb(fake.options[i].val, "\n\x1b", 1),
			0);
	assert_null(sb_option_any(&options));
	fake.n_options = 0;
	fake_unset(fake.env, PREFIX "REQUEST");
	assert_int_equal(slurm_spank_init(sp, 1, conf_arg), 0);
	assert_int_equal(fake.n_options, 0);
}

/* ---- hostile values ---- */

static void refused(const char *name, const char *value)
{
	size_t len = strlen(fake.log);

	assert_int_equal(give(name, value), -1);
	assert_contains(fake.log + len, "error: stepbox: --container");
	/* a line that a terminal can show */
	assert_true(strlen(fake.log + len) < 4 * sizeof(struct sb_err));
	fake.log[len] = '\0';
}

static void test_hostile_options(void **state)
{
	static const char *const names[] = {
		"container-mounts",  "container-workdir", "container-env",
		"container-runtime", "container-per",
	};
	static char huge[200 << 10];
	char text[16] = "/a:/b";

	(void)state;
	memset(huge, 'a', sizeof(huge) - 1);
	*huge = '/';
	slurm_spank_init(sp, 1, conf_arg);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		refused(names[i], huge);
		refused(names[i], "");
		refused(names[i], NULL);
		refused(names[i], "a\nerror: all is lost");
		refused(names[i], "\x1b]0;title\a");
		refused(names[i], "/a\x7f");
		refused(names[i], "%s%n%s:\\,");
		refused(names[i], "../../etc");
		for (int c = 1; c < 0x20; c++) {
			text[2] = c;
			refused(names[i], text);
		}
	}
	assert_null(sb_option_any(&options));
	assert_int_equal(post(), 0);
	assert_false(has_ours());
}

/* What the bundle is called is the user's business, but a message is a line. */
static void test_hostile_bundle(void **state)
{
	static const char bundle[] = "/b\x1b[2J\nerror: x%s%n";

	(void)state;
	if (!SB_SLURM_HAS_CONTAINER)
		skip();
	slurm_spank_init(sp, 1, conf_arg);
	want(bundle);
	assert_int_equal(post(), 0);
	is_set(PREFIX "REQUEST", bundle);
	/* of another component, which names another */
	want("/c\n\x1b");
	post();
}

static void test_hostile_input(void **state)
{
	(void)state;
	setenv("SRUN_CONTAINER_MOUNTS", "/a:/b:\x1b[31mro", 1);
	slurm_spank_init(sp, 1, conf_arg);
	want("/b");
	assert_int_equal(post(), -1);
	assert_contains(fake.log, "SRUN_CONTAINER_MOUNTS=");
	assert_null(getenv(PREFIX "REQUEST"));
}

/* ---- which program it is ---- */

static void test_sbatch(void **state)
{
	(void)state;
	IS_RUN(S_CTX_ALLOCATOR, "sbatch",
	       "sbatch\0--container-workdir=/line\0job.sh\0");
	setenv("SBATCH_CONTAINER_WORKDIR", "/input", 1);
	setenv("SBATCH_CONTAINER_PER", "node", 1);
	slurm_spank_init(sp, 1, conf_arg);
	/* this one is on the command line, the other in the script */
	assert_int_equal(give("container-workdir", "/line"), 0);
	assert_int_equal(give("container-per", "task"), 0);
	want("/b");
	assert_int_equal(post(), 0);
	is_set(PREFIX "WORKDIR", "/line");
	is_set(PREFIX "PER", "node");
	assert_null(getenv(PREFIX "INTERACTIVE"));
}

static void test_salloc_and_its_srun(void **state)
{
	(void)state;
	IS_RUN(S_CTX_ALLOCATOR, "salloc", "salloc\0");
#if !SB_SLURM_HAS_CONTAINER
	fake_conf.launch_params = (char *)"use_interactive_step";
#endif
	slurm_spank_init(sp, 1, conf_arg);
	assert_int_equal(give("container-remap-root", NULL), 0);
	want("/b");
	assert_int_equal(post(), 0);
	is_set(PREFIX "INTERACTIVE", "1");
	is_set(PREFIX "REMAP_ROOT", "yes");

	start();
	IS_RUN(S_CTX_LOCAL, "srun", "srun\0--interactive\0bash\0");
	slurm_spank_init(sp, 1, conf_arg);
	assert_null(getenv(PREFIX "INTERACTIVE"));
	assert_null(getenv(PREFIX "REQUEST"));
	is_set(PREFIX "REMAP_ROOT", "yes");
	if (SB_SLURM_HAS_CONTAINER)
		want("/b");
	assert_int_equal(post(), 0);
	is_set(PREFIX "REQUEST", "/b");

	/* one that the step's shell starts is no such */
	start();
	IS_RUN(S_CTX_LOCAL, "srun", "srun\0--interactive\0bash\0");
	slurm_spank_init(sp, 1, conf_arg);
	assert_false(has_ours());
}

#if !SB_SLURM_HAS_CONTAINER
static void test_salloc_without_interactive_step(void **state)
{
	(void)state;
	IS_RUN(S_CTX_ALLOCATOR, "salloc", "salloc\0");
	fake_conf.launch_params = NULL;
	slurm_spank_init(sp, 1, conf_arg);
	want("/b");
	assert_int_equal(post(), -1);
	assert_contains(fake.log, "use_interactive_step");
}
#endif

/* Slurm's own record is not there: which component names what is unknown. */
static void test_components(void **state)
{
	(void)state;
	slurm_spank_init(sp, 1, conf_arg);
	want("/b");
	assert_int_equal(post(), 0);
	if (!SB_SLURM_HAS_CONTAINER) {
		want("/c");
		assert_int_equal(post(), -1);
		assert_contains(fake.log, "/b and /c");
		return;
	}
	assert_int_equal(post(), -1);
	assert_contains(fake.log, "heterogeneous");
	/* not configured: Slurm's own business */
	conf[0] = 'x';
	assert_int_equal(post(), access(SB_CONF_PATH, F_OK) < 0 ? 0 : -1);
}

/* ---- with the command at hand ---- */

static void test_command(void **state)
{
	char text[] = "0 hostname\n", path[256];
	char *words[] = {path, text, NULL};

	(void)state;
	snprintf(path, sizeof(path), "%s", tree_path(base, "multi"));
	tree_file(base, "multi", text);
	fake.argc = 2;
	fake.argv = words;
	/* a plain step may be any */
	assert_int_equal(slurm_spank_local_user_init(sp, 1, conf_arg), 0);
	setenv(PREFIX "REQUEST", "/b", 1);
	assert_int_equal(slurm_spank_local_user_init(sp, 1, conf_arg), -1);
	assert_contains(fake.log, "--multi-prog");
	*text = '1';
	assert_int_equal(slurm_spank_local_user_init(sp, 1, conf_arg), 0);
	strcpy(path, "/nowhere");
	assert_int_equal(slurm_spank_local_user_init(sp, 1, conf_arg), 0);
	strcpy(path, "/");
	assert_int_equal(slurm_spank_local_user_init(sp, 1, conf_arg), 0);
	assert_null(getenv(PREFIX "BCAST"));
	IS_RUN(S_CTX_LOCAL, "srun", "srun\0--bcast=/x\0/nowhere\0text\0");
	assert_int_equal(slurm_spank_local_user_init(sp, 1, conf_arg), 0);
	is_set(PREFIX "BCAST", "yes");
}

static void test_pmix(void **state)
{
	(void)state;
	setenv(PREFIX "REQUEST", "/b", 1);
	setenv("SLURM_MPI_TYPE", "pmix_v4", 1);
	assert_int_equal(slurm_spank_local_user_init(sp, 1, conf_arg), 0);
	assert_int_equal(fake.n_errors, SB_SLURM_HANDS_PMIX_OFF ? 1 : 0);
	tree_file(base, "oci.conf", "RunTimeRun=stepbox run\n");
	assert_int_equal(slurm_spank_local_user_init(sp, 1, conf_arg), 0);
	assert_int_equal(fake.n_errors, SB_SLURM_HANDS_PMIX_OFF ? 1 : 0);
}

/* ---- whatever fails ---- */

/* All hooks of one program. Returns whether it may go on. */
static int all_hooks(void)
{
	char *words[] = {(char *)"hostname", (char *)"-f", NULL};

	fake.argc = 2;
	fake.argv = words;
	if (slurm_spank_init(sp, 1, conf_arg))
		return 0;
	for (int i = 0; i < fake.n_options; i++)
		if (!strcmp(fake.options[i].name, "container-debug"))
			fake.options[i].cb(fake.options[i].val, NULL, 0);
	if (SB_SLURM_HAS_CONTAINER)
		want("/b");
	else
		sb_option_give(&options, SB_OPTION_CONTAINER, "/b",
			       SB_OPTION_LINE, &(struct sb_err){.text = ""});
	return !post() && !slurm_spank_local_user_init(sp, 1, conf_arg) &&
	       !slurm_spank_exit(sp, 1, conf_arg);
}

static void test_failures(void **state)
{
	int n = 0;

	(void)state;
	do {
		begin();
		fake.fail = ++n;
		/* A client that goes on has told the nodes; and nothing that
		 * may fail here is worth a step. */
		assert_true(all_hooks());
		is_set(PREFIX "REQUEST", "/b");
		assert_string_equal(fake.log, "");
	} while (fake.calls >= n);
	assert_true(n > SB_OPTION_COUNT);
}

/* Other programs of Slurm's, and contexts that we do not know. */
static void test_other_contexts(void **state)
{
	(void)state;
	setenv(PREFIX "REQUEST", "/b", 1);
	for (int i = 0; i < 12; i++) {
		fake.context = i;
		if (i == S_CTX_LOCAL || i == S_CTX_ALLOCATOR ||
		    i == S_CTX_REMOTE || i == S_CTX_SLURMD)
			continue;
		assert_int_equal(slurm_spank_init(sp, 0, NULL), 0);
		assert_int_equal(slurm_spank_init_post_opt(sp, 0, NULL), 0);
		assert_int_equal(slurm_spank_exit(sp, 0, NULL), 0);
		assert_int_equal(slurm_spank_slurmd_exit(sp, 0, NULL), 0);
	}
	is_set(PREFIX "REQUEST", "/b");
	assert_int_equal(fake.n_options, 0);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_plain),
		TEST(test_request),
		TEST(test_option_alone),
		TEST(test_remote),
		TEST(test_hostile_options),
		TEST(test_hostile_bundle),
		TEST(test_hostile_input),
		TEST(test_sbatch),
		TEST(test_salloc_and_its_srun),
#if !SB_SLURM_HAS_CONTAINER
		TEST(test_salloc_without_interactive_step),
#endif
		TEST(test_components),
		TEST(test_command),
		TEST(test_pmix),
		TEST(test_failures),
		TEST(test_other_contexts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
