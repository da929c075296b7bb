/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The plugin in slurmstepd and slurmd, which run it as root: what its hooks do
 * with what a job says of itself, with whatever of Slurm's calls fails. Built
 * twice: for a Slurm that takes words before a task's, and for one whose argv
 * has to be overwritten.
 */
#define _GNU_SOURCE
#include "standins.h"

#include "../../spank/plugin.c"
#include "../../spank/step.c"

#include "tree.h"

#include <dirent.h>

#define NOBODY 65534
#define PREFIX "SLURM_STEPBOX_"

#ifdef UNIT_PREPENDS
#define PREPENDS 1
#else
#define PREPENDS 0
#endif

static char base[64], conf[128];
static char *conf_arg[] = {conf};
static spank_t sp;
static char *words[] = {(char *)"./prog", (char *)"-x", NULL};

/* A new slurmstepd, for a step of nobody's. */
static void start(void)
{
	if (step.dir.fd >= 0)
		close(step.dir.fd);
	if (step.dir.node >= 0)
		close(step.dir.node);
	memset(&step, 0, sizeof(step));
	step.dir.node = step.dir.fd = -1;
	fake_forget();
	fake.context = S_CTX_REMOTE;
	fake.uid = fake.gid = NOBODY;
	fake.job = 7;
	fake.step = 1;
	fake.tasks = 1;
	words[0] = (char *)"./prog";
	fake.argc = 2;
	fake.argv = words;
}

/* Below /run, where every directory on the way is root's. */
static int setup(void **state)
{
	char text[256];

	(void)state;
	*base = '\0';
	start();
	if (geteuid())
		return 0;
	strcpy(base, "/run/stepbox-unit-XXXXXX");
	assert_non_null(mkdtemp(base));
	assert_int_equal(chmod(base, 0755), 0);
	snprintf(conf, sizeof(conf), "conf=%s/stepbox.conf", base);
	snprintf(text, sizeof(text), "ContainerPath=%s/place\n", base);
	tree_file(base, "stepbox.conf", text);
	setenv("SLURM_CONF", tree_path(base, "slurm.conf"), 1);
	setenv("SLURMD_NODENAME", "n1", 1);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	start();
	if (*base)
		tree_remove(base);
	return 0;
}

static void configure(const char *more)
{
	char text[512];

	snprintf(text, sizeof(text), "ContainerPath=%s/place\n%s\n", base,
		 more);
	tree_file(base, "stepbox.conf", text);
}

static void request(const char *bundle, const char *mark)
{
	if (bundle)
		fake_set(fake.env, SB_ENV_CONTAINER, bundle);
	if (mark)
		fake_set(fake.env, SB_ENV_REQUEST, mark);
}

/* The hooks before a task. Never a failure: it would drain the node. */
static void begin(void)
{
	assert_int_equal(slurm_spank_init(sp, 1, conf_arg), 0);
	assert_int_equal(slurm_spank_init_post_opt(sp, 1, conf_arg), 0);
}

static void end(void)
{
	assert_int_equal(slurm_spank_task_exit(sp, 1, conf_arg), 0);
	assert_int_equal(slurm_spank_exit(sp, 1, conf_arg), 0);
}

/*
 * The hook in the task's own process: its exit code and what it has written;
 * -1 where it goes on to execute the command.
 */
static int task(char *said, size_t size)
{
	int out[2], status;
	ssize_t n;
	pid_t pid;

	assert_int_equal(pipe(out), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		dup2(out[1], STDERR_FILENO);
		_exit(slurm_spank_task_init(sp, 1, conf_arg) ? 201 : 200);
	}
	close(out[1]);
	n = read(out[0], said, size - 1);
	said[n < 0 ? 0 : n] = '\0';
	close(out[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status) == 200 ? -1 : WEXITSTATUS(status);
}

static void refused(const char *why)
{
	char said[2048];

	assert_int_equal(task(said, sizeof(said)), SB_FAIL);
	assert_int_equal(strncmp(said, "stepbox: ", 9), 0);
	assert_contains(said, why);
	/* one line that a terminal can show */
	for (const char *c = said; *c; c++)
		assert_true((unsigned char)*c >= 0x20 || (*c == '\n' && !c[1]));
	assert_contains(said, " (node n1)\n");
}

static void goes_on(void)
{
	char said[2048];

	assert_int_equal(task(said, sizeof(said)), -1);
	assert_string_equal(said, "");
}

static int is_there(const char *name)
{
	struct stat st;

	return !lstat(tree_path(base, name), &st);
}

static int free_fd(void)
{
	int fd = open("/dev/null", O_PATH | O_CLOEXEC);

	assert_true(fd >= 0);
	close(fd);
	return fd;
}

/* ---- a step that wants nothing ---- */

static void test_plain(void **state)
{
	int fd = free_fd();

	(void)state;
	tree_need_root();
	begin();
	goes_on();
	end();
	assert_false(is_there("place"));
	assert_string_equal(fake.log, "");
	assert_null(fake.env[0]);
	assert_int_equal(free_fd(), fd);
}

/* ---- one that does ---- */

static void test_request(void **state)
{
	int fd = free_fd();
	struct stat st;
	char dir[256];

	(void)state;
	tree_need_root();
	request("/my bundle", "/my bundle");
	fake_set(fake.env, "SLURM_RESTART_COUNT", "3");
	fake.tasks = 4;
	begin();
	snprintf(dir, sizeof(dir), "%s", tree_path(base, "place/n1/7.1.3"));
	assert_string_equal(fake_get(fake.env, SB_ENV_DIR), dir);
	assert_string_equal(fake_get(fake.env, SB_ENV_STEP), "7.1.3");
	assert_string_equal(fake_get(fake.env, SB_ENV_TASKS), "4");
	assert_string_equal(fake_get(fake.env, SB_ENV_BUNDLE), "/my bundle");
	assert_string_equal(fake_get(fake.env, SB_ENV_CONF), conf + 5);
	assert_int_equal(stat(dir, &st), 0);
	assert_int_equal(st.st_uid, NOBODY);
	assert_int_equal(st.st_mode & 07777, 0700);
	end();
	assert_false(is_there("place/n1/7.1.3"));
	assert_int_equal(fake.n_errors, 0);
	start();
	assert_int_equal(free_fd(), fd);
}

/* In this process: what slurmstepd goes on to execute. */
static void test_hand_over(void **state)
{
	(void)state;
	tree_need_root();
	request("/b", "/b");
	fake_set(fake.env, SB_ENV_ARGV0, "the job's own");
	begin();
	assert_int_equal(slurm_spank_task_init(sp, 1, conf_arg), 0);
	if (PREPENDS) {
		assert_int_equal(fake.n_prepended, 3);
		assert_string_equal(fake.prepended[0], SB_HELPER_PATH);
		assert_string_equal(fake.prepended[1], "run");
		assert_string_equal(fake.prepended[2], "--");
		assert_null(fake_get(fake.env, SB_ENV_ARGV0));
		assert_string_equal(words[0], "./prog");
	} else {
		assert_string_equal(words[0], SB_HELPER_PATH);
		assert_string_equal(words[1], "-x");
		assert_string_equal(fake_get(fake.env, SB_ENV_ARGV0), "./prog");
		free(words[0]);
	}
	end();
}

static void test_no_command(void **state)
{
	(void)state;
	tree_need_root();
	request("/b", "/b");
	begin();
	fake.argc = 0;
	if (PREPENDS)
		goes_on();
	else
		refused("does not say what to run");
	fake.argc = 1;
	fake.argv = words + 2; /* NULL */
	if (!PREPENDS)
		refused("does not say what to run");
	end();
}

/* ---- a job that says what it likes ---- */

static void test_policy(void **state)
{
	(void)state;
	tree_need_root();
	request("/b", NULL);
	begin();
	refused("came without stepbox's mark");
	assert_false(is_there("place"));
	start();
	request("/b", "/other");
	begin();
	refused("came without stepbox's mark");
	start();
	request(NULL, "/b");
	begin();
	goes_on();
	assert_string_equal(fake_get(fake.env, SB_ENV_CONTAINER), "/b");
	end();
	start();
	configure("TrustSlurmContainer=yes");
	request("/b", NULL);
	begin();
	goes_on();
	end();
	start();
	fake.uid = fake.gid = 0;
	request("/b", "/b");
	begin();
	refused("a job of root");
	start();
	configure("AllowRoot=yes");
	fake.uid = fake.gid = 0;
	request("/b", "/b");
	begin();
	goes_on();
	end();
	assert_false(is_there("place/n1/7.1.0"));
}

static void test_hostile_request(void **state)
{
	static char huge[PATH_MAX + 10];

	(void)state;
	tree_need_root();
	memset(huge, '/', sizeof(huge) - 1);
	request(huge, "/b");
	begin();
	refused("SLURM_CONTAINER: longer than");
	start();
	request("/b", huge);
	begin();
	refused("SLURM_STEPBOX_REQUEST: longer than");
	start();
	request("/b\n\x1b[2Jerror: x%s%n", "/b");
	begin();
	refused("SLURM_CONTAINER=/b\\");
	start();
	/* One that fits to a byte is the helper's to judge. */
	huge[PATH_MAX - 1] = '\0';
	request(huge, huge);
	begin();
	goes_on();
	end();
	assert_false(is_there("place/n1/7.1.0"));
	assert_int_equal(fake.n_errors, 0);
}

/* It only tells this user's directories apart; it names none but his. */
static void test_hostile_restart(void **state)
{
	static const char *const values[] = {
		"-1",
		"+1",
		" 1",
		"1 ",
		"0x1",
		"99999999999",
		"18446744073709551617",
		"1/..",
		"../../x",
		"\n",
		"1.2",
		"",
	};

	(void)state;
	tree_need_root();
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		start();
		request("/b", "/b");
		fake_set(fake.env, "SLURM_RESTART_COUNT", values[i]);
		begin();
		assert_string_equal(fake_get(fake.env, SB_ENV_STEP), "7.1.0");
		assert_true(is_there("place/n1/7.1.0"));
		end();
	}
	start();
	request("/b", "/b");
	fake_set(fake.env, "SLURM_RESTART_COUNT", "4294967295");
	fake.job = fake.step = UINT32_MAX;
	begin();
	assert_string_equal(fake_get(fake.env, SB_ENV_STEP),
			    "4294967295.4294967295.4294967295");
	end();
}

/* S_JOB_ARGV of srun --multi-prog before 23.11: a file's name and its text. */
static void test_multi_prog(void **state)
{
	static const struct {
		const char *text;
		int refused;
	} table[] = {
		{"0 hostname\n", 1},
		{"# x\n\n 0-3,5 a\n", 1},
		{"* a\n", 1},
		{"#\n#\n#", 0},
		{"\n", 0},
		{"0\n", 0},
		{"hostname\n0 a", 0},
		{"0 hostname", 0},
		{" \t 0:2\ta b\n", 1},
	};

	(void)state;
	tree_need_root();
	if (PREPENDS)
		skip();
	configure("TrustSlurmContainer=yes");
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		char *argv[] = {(char *)"/nowhere", (char *)table[i].text,
				NULL};

		start();
		request("/b", NULL);
		fake.argv = argv;
		begin();
		if (table[i].refused)
			refused("--multi-prog");
		else
			goes_on();
		end();
	}
}

/* ---- a site that is not as it should be ---- */

static void test_site(void **state)
{
	(void)state;
	tree_need_root();
	configure("AllowRoot=perhaps");
	request("/b", "/b");
	begin();
	refused("AllowRoot=perhaps");
	start();
	configure("");
	assert_int_equal(chmod(conf + 5, 0666), 0);
	request("/b", "/b");
	begin();
	refused("stepbox.conf");
	start();
	unlink(conf + 5);
	request("/b", "/b");
	begin();
	refused("stepbox.conf: No such file");
	start();
	configure("");
	/* Anybody could have put something there. */
	tree_dir(base, "place");
	assert_int_equal(chmod(tree_path(base, "place"), 01777), 0);
	request("/b", "/b");
	begin();
	refused("must be root's");
	start();
	configure("ContainerPath=/x/%u");
	fake.uid = 4000000000U;
	request("/b", "/b");
	begin();
	refused("uid 4000000000 has no name");
}

static void test_oci_conf(void **state)
{
	(void)state;
	tree_need_root();
	if (!SB_SLURM_HAS_CONTAINER)
		skip();
	tree_file(base, "oci.conf", "RunTimeRun=\"/usr/bin/crun run %n\"\n");
	request("/b", NULL);
	begin();
	goes_on();
	assert_contains(fake.log, "--container is left to Slurm");
	start();
	tree_file(base, "oci.conf", "RunTimeRun=\"exec /bin/stepbox run\"\n");
	request("/b", NULL);
	begin();
	goes_on();
	assert_false(is_there("place"));
	start();
	request("/b", "/b");
	begin();
	assert_true(is_there("place/n1/7.1.0"));
	assert_int_equal(slurm_spank_task_init(sp, 1, conf_arg), 0);
	assert_int_equal(fake.n_prepended, PREPENDS ? 3 : 0);
	assert_string_equal(words[0], "./prog");
	end();
}

/* ---- the end ---- */

/* What a user may leave in his directory. */
static void litter(const char *dir)
{
	char task[160], shared[160];

	snprintf(task, sizeof(task), "%s/task-0", dir);
	snprintf(shared, sizeof(shared), "%s/task-0.node", dir);
	tree_dir(dir, "task-0");
	tree_dir(dir, "task-0.node");
	tree_dir(dir, "task-99999999999");
	tree_dir(dir, "task-1");
	tree_file(task, "state",
		  "log \x1b[31mred\x07%s%n\r\nlog two\npid 1 1\npid -5 1\n"
		  "pid 0 0\npid 99999999999999999999 5\npid 2147483647 7\n");
	tree_file(task, "servers", "pid 2147483646 1\n");
	tree_file(task, "pid", "2147483647");
	tree_file(task, "layer-data", "/etc/stepbox.x");
	tree_link(task, "link", "/");
	tree_file(shared, "joined", "pid 1 2 3 4\npid\npid \n");
	tree_link(shared, "state", "/proc/self/mem");
	tree_link(dir, "shared", "/dev/zero");
	/* Nobody ever writes into it. */
	assert_int_equal(mkfifo(tree_path(dir, "task-1/state"), 0600), 0);
	tree_link(dir, "task-2", "/");
}

static void test_hostile_litter(void **state)
{
	int status[] = {0, 9, 137 << 8, 125 << 8};
	int fd = free_fd();
	char dir[128];

	(void)state;
	tree_need_root();
	for (size_t i = 0; i < sizeof(status) / sizeof(status[0]); i++) {
		start();
		request("/b", "/b");
		fake.status = status[i];
		fake.tasks = 1 + i % 2;
		begin();
		snprintf(dir, sizeof(dir), "%s/place/n1/7.1.0", base);
		assert_int_equal(seteuid(NOBODY), 0);
		litter(dir);
		assert_int_equal(seteuid(0), 0);
		end();
		assert_false(is_there("place/n1/7.1.0"));
		assert_int_equal(fake.n_errors, 0);
	}
	start();
	assert_int_equal(free_fd(), fd);
}

static void test_kept(void **state)
{
	(void)state;
	tree_need_root();
	configure("DisableCleanup=yes");
	request("/b", "/b");
	begin();
	end();
	assert_true(is_there("place/n1/7.1.0"));
	assert_contains(fake.log, "stays (DisableCleanup)");
	assert_int_equal(fake.n_errors, 0);
}

/* A directory whose slurmstepd is no more: its record is of a process of long
 * ago. */
static void orphan(void)
{
	char boot[64] = "", text[256];
	FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");

	assert_non_null(f);
	assert_non_null(fgets(boot, sizeof(boot), f));
	fclose(f);
	request("/b", "/b");
	begin();
	boot[0] = boot[0] == '0' ? '1' : '0';
	boot[strcspn(boot, "\n")] = '\0';
	f = fopen(tree_path(base, "place/n1/.owner/7.1.0"), "re");
	assert_non_null(f);
	assert_non_null(fgets(text, sizeof(text), f));
	fclose(f);
	/* of another boot */
	for (char *at = text; *at; at++)
		if (!strncmp(at, boot + 1, strlen(boot) - 1))
			at[-1] = boot[0];
	tree_file(base, "place/n1/.owner/7.1.0", text);
	start();
	fake.context = S_CTX_JOB_SCRIPT;
}

static void test_epilog(void **state)
{
	(void)state;
	tree_need_root();
	orphan();
	fake.job = 8;
	assert_int_equal(slurm_spank_job_epilog(sp, 1, conf_arg), 0);
	assert_true(is_there("place/n1/7.1.0"));
	fake.job = 0;
	assert_int_equal(slurm_spank_job_epilog(sp, 1, conf_arg), 0);
	fake.job = 7;
	fake.unknown = S_JOB_ID;
	assert_int_equal(slurm_spank_job_epilog(sp, 1, conf_arg), 0);
	assert_true(is_there("place/n1/7.1.0"));
	fake.unknown = -1;
	assert_int_equal(slurm_spank_job_epilog(sp, 1, conf_arg), 0);
	assert_false(is_there("place/n1/7.1.0"));
	assert_contains(fake.log, "7.1.0: its slurmstepd was gone: cleaned up");
	assert_int_equal(fake.n_errors, 0);
}

/* slurmd's start, where each user has a place of his own. */
static void test_slurmd(void **state)
{
	char text[256], dir[256];

	(void)state;
	tree_need_root();
	snprintf(text, sizeof(text), "ContainerPath=%s/place/%%U/%%j\n", base);
	tree_file(base, "stepbox.conf", text);
	snprintf(dir, sizeof(dir), "place/65534/7/%s/7.1.0",
		 sb_node_of_slurmd());
	setenv("SLURMD_NODENAME", sb_node_of_slurmd(), 1);
	request("/b", "/b");
	begin();
	assert_true(is_there(dir));
	start();
	fake.context = S_CTX_SLURMD;
	assert_int_equal(slurm_spank_init(sp, 1, conf_arg), 0);
	/* its slurmstepd, this process, lives */
	assert_true(is_there(dir));
	unlink(conf + 5);
	assert_int_equal(slurm_spank_init(sp, 1, conf_arg), 0);
	assert_int_equal(slurm_spank_slurmd_exit(sp, 1, conf_arg), 0);
	assert_int_equal(fake.n_errors, 0);
}

/* ---- whatever fails ---- */

enum phase { BEGIN, TASK, END, PHASES };

static void fail_in(enum phase now, enum phase phase, int n)
{
	fake.calls = 0;
	fake.fail = now == phase ? n : 0;
}

/* A whole step in which the n-th call of a phase fails. Its task runs in a
 * container, or does not run: nothing else. */
static void one_failure(enum phase phase, int n)
{
	char said[2048];
	int rc;

	start();
	request("/b", "/b");
	fail_in(BEGIN, phase, n);
	begin();
	assert_true(step.wanted);
	fail_in(TASK, phase, n);
	rc = task(said, sizeof(said));
	if (rc >= 0) {
		assert_int_equal(rc, SB_FAIL);
		assert_int_equal(strncmp(said, "stepbox: ", 9), 0);
		assert_contains(said, "\n");
	}
	fake.status = 9;
	fail_in(END, phase, n);
	end();
	assert_int_equal(slurm_spank_job_epilog(sp, 1, conf_arg), 0);
	assert_int_equal(fake.n_errors, 0);
	assert_false(is_there("place/n1/7.1.0"));
}

static void test_failures(void **state)
{
	int fd = free_fd(), refusals = 0;

	(void)state;
	tree_need_root();
	for (int phase = 0; phase < PHASES; phase++)
		for (int n = 1; n < 40; n++) {
			one_failure(phase, n);
			refusals += step.refused;
		}
	/* user, group, groups, job, step, variables */
	assert_true(refusals > 8);
	start();
	assert_int_equal(free_fd(), fd);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_plain),
		TEST(test_request),
		TEST(test_hand_over),
		TEST(test_no_command),
		TEST(test_policy),
		TEST(test_hostile_request),
		TEST(test_hostile_restart),
		TEST(test_multi_prog),
		TEST(test_site),
		TEST(test_oci_conf),
		TEST(test_hostile_litter),
		TEST(test_kept),
		TEST(test_epilog),
		TEST(test_slurmd),
		TEST(test_failures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
