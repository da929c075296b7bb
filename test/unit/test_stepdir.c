/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Root's side of step directories: many places, and what is kept. */
#define _GNU_SOURCE
#include "tree.h"
#include "silent.h"

#include "../../spank/contract.h"
#include "../../spank/stepdir.h"

#include <sys/wait.h>
#include <time.h>

#define NOBODY 65534

static char base[64];
static struct sb_err err;
static const struct sb_user user = {.uid = NOBODY, .gid = NOBODY};

/* Where every directory on the way is root's. */
static int setup(void **state)
{
	(void)state;
	*base = '\0';
	if (geteuid())
		return 0;
	strcpy(base, "/run/stepbox-unit-XXXXXX");
	assert_non_null(mkdtemp(base));
	return chmod(base, 0755);
}

static int teardown(void **state)
{
	(void)state;
	if (*base)
		tree_remove(base);
	return 0;
}

static int is_there(const char *name)
{
	struct stat st;

	return !lstat(tree_path(base, name), &st);
}

/* ---- many places ---- */

static char seen[512];

static void see(void *arg, char *path)
{
	(void)arg;
	assert_int_equal(strncmp(path, base, strlen(base)), 0);
	strcat(seen, path + strlen(base));
	strcat(seen, " ");
}

static void sees(const char *pattern, const char *const *want, size_t n)
{
	size_t len = 0;

	*seen = '\0';
	sb_stepdir_each(tree_path(base, pattern), see, NULL);
	for (size_t i = 0; i < n; i++) {
		assert_contains(seen, want[i]);
		len += strlen(want[i]) + 1;
	}
	assert_int_equal(strlen(seen), len);
}

static void test_each(void **state)
{
	static const char *const all[] = {"/a/n1", "/b*/n1", "/link/n1"};
	static const char *const dirs[] = {"a", "b*", ".c", "theirs", "open"};
	char path[64];

	(void)state;
	tree_need_root();
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		tree_dir(base, dirs[i]);
		snprintf(path, sizeof(path), "%s/n1", dirs[i]);
		tree_dir(base, path);
	}
	tree_file(base, "file", "");
	tree_link(base, "link", "a");
	/* What a user may have put something in. */
	assert_int_equal(chown(tree_path(base, "theirs"), NOBODY, 0), 0);
	assert_int_equal(chmod(tree_path(base, "open"), 0777), 0);
	tree_dir(base, "a/n2");
	sees("*/n1", all, 3);
	sees("b\\*//n1", all + 1, 1);
	sees("?/n[1]", all, 1);
	sees("a/n1", all, 1);
	sees("none/n1", NULL, 0);
	sees("theirs/n1", NULL, 0);
}

static void test_prune(void **state)
{
	char path[80];

	(void)state;
	tree_need_root();
	tree_dir(base, "x");
	tree_dir(base, "x/y");
	tree_dir(base, "x/y/n1");
	tree_dir(base, "x/y/n1/.owner");
	tree_dir(base, "x/y/n1/.trash");
	tree_file(base, "x/y/n1/.owner/1.0.0", "");
	snprintf(path, sizeof(path), "%s/x/y", base);
	sb_stepdir_prune(path, "n1", 2);
	assert_true(is_there("x/y/n1/.owner/1.0.0"));
	assert_int_equal(unlink(tree_path(base, "x/y/n1/.owner/1.0.0")), 0);
	tree_dir(base, "x/z");
	/* As far as it goes, and no further than it may. */
	sb_stepdir_prune(path, "n1", 2);
	assert_false(is_there("x/y"));
	assert_true(is_there("x/z"));
	assert_int_equal(rmdir(tree_path(base, "x/z")), 0);
	tree_dir(base, "x/y");
	sb_stepdir_prune(path, "n1", 1);
	assert_true(is_there("x"));
	sb_stepdir_prune(path, "n1", 2);
	assert_false(is_there("x"));
	assert_true(is_there(""));
}

/* ---- what is kept ---- */

static int node;
static char became[256];

static void found(const char *name, int what, const char *text)
{
	(void)text;
	snprintf(became + strlen(became), sizeof(became) - strlen(became),
		 "%.6s %d\n", name, what);
}

/* As a slurmstepd of its own, which is dead then: makes JOB.0.0 with a file in
 * it, and with keep keeps that. */
static void step_of(const struct sb_user *of, uint32_t job, const char *file,
		    int keep)
{
	struct sb_stepdir sd = {.node = node, .fd = -1};
	char text[SB_REPORT_MAX + 1], path[64];
	int status;
	pid_t pid = fork();

	if (!pid) {
		if (sb_stepdir_make(&sd, job, 0, 0, of, &err) < 0)
			_exit(1);
		snprintf(path, sizeof(path), "n1/%s/%s", sd.name, file);
		tree_file(base, path, "");
		_exit(keep && sb_stepdir_keep(&sd, of, 0, text) < 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void step(const char *file, int keep)
{
	step_of(&user, 7, file, keep);
}

static void sweeps(uint32_t job, int keep, const char *want)
{
	struct sb_sweep s = {.job = job, .keep = keep, .found = found};

	*became = '\0';
	sb_stepdir_sweep(node, &s);
	assert_string_equal(became, want);
}

static void open_node(void)
{
	tree_need_root();
	node = sb_stepdir_open_node(base, "n1", 1, &err);
	if (node < 0)
		fail_msg("%s", err.text);
}

static void test_keep(void **state)
{
	(void)state;
	open_node();
	step("a", 1);
	assert_true(is_there("n1/7.0.0/a"));
	assert_true(is_there("n1/.kept/7.0.0"));
	assert_false(is_there("n1/.owner/7.0.0"));
	sweeps(0, 0, "");
	sb_stepdir_unkeep(node, 8);
	sweeps(0, 0, "");
	assert_true(is_there("n1/7.0.0/a"));
	sb_stepdir_unkeep(node, 7);
	sweeps(0, 0, "7.0.0 0\n");
	assert_false(is_there("n1/7.0.0"));
	assert_false(is_there("n1/.kept"));
	close(node);
}

/* Another step of that name: the old one goes, by way of the trash. */
static void test_kept_name_again(void **state)
{
	(void)state;
	open_node();
	step("a", 1);
	step("b", 1);
	assert_true(is_there("n1/7.0.0/b"));
	assert_false(is_there("n1/7.0.0/a"));
	sweeps(0, 1, "7.0.0. 0\n");
	assert_true(is_there("n1/7.0.0/b"));
	sb_stepdir_unkeep(node, 0);
	sweeps(0, 0, "7.0.0 0\n");
	assert_false(is_there("n1/7.0.0"));
	close(node);
}

/* What a dead slurmstepd left, with DisableCleanup and without. */
static void test_sweep_keeps(void **state)
{
	(void)state;
	open_node();
	step("a", 0);
	sweeps(8, 1, "");
	sweeps(7, 1, "7.0.0 2\n");
	assert_true(is_there("n1/7.0.0/a"));
	sweeps(7, 1, "");
	sb_stepdir_unkeep(node, 7);
	sweeps(7, 0, "7.0.0 0\n");
	assert_false(is_there("n1/7.0.0"));
	close(node);
}

/* ---- what waits for the user's next step ---- */

#define USER_DIR "n1/user.65534"

static void user_file(const char *name)
{
	if (!is_there(USER_DIR)) {
		tree_dir(base, USER_DIR);
		assert_int_equal(
			chown(tree_path(base, USER_DIR), NOBODY, NOBODY), 0);
	}
	tree_file(base, name, "");
}

/* A step ends, said gets what its child had to say. */
static void step_ends(uint32_t job, int killed, char *said)
{
	struct sb_stepdir sd = {.node = node, .fd = -1};
	char name[64];

	if (sb_stepdir_make(&sd, job, 0, 0, &user, &err) < 0)
		fail_msg("%s", err.text);
	snprintf(name, sizeof(name), "n1/%u.0.0/task-0", job);
	tree_dir(base, name);
	assert_int_equal(chown(tree_path(base, name), NOBODY, NOBODY), 0);
	strcat(name, "/" SB_FILE_DELETE);
	tree_file(base, name, "/bin/true");
	assert_int_equal(sb_stepdir_remove(&sd, &user, killed, said), 0);
}

/* With the user's last step goes what is no record; records stay. */
static void test_pending(void **state)
{
	char said[SB_REPORT_MAX + 1];

	(void)state;
	open_node();
	user_file(USER_DIR "/junk");
	step("a", 0);
	step_ends(8, 0, said);
	assert_true(is_there(USER_DIR "/junk"));
	sweeps(7, 0, "7.0.0 0\n");
	assert_false(is_there(USER_DIR));
	user_file(USER_DIR "/junk");
	step_ends(8, 1, said);
	assert_string_equal(said, "");
	assert_true(is_there(USER_DIR "/8.0.0.task-0"));
	assert_false(is_there(USER_DIR "/junk"));
	user_file(USER_DIR "/junk");
	sweeps(7, 0, "");
	assert_true(is_there(USER_DIR "/junk"));
	sweeps(0, 0, "");
	assert_false(is_there(USER_DIR "/junk"));
	assert_true(is_there(USER_DIR "/8.0.0.task-0"));
	assert_int_equal(unlink(tree_path(base, USER_DIR "/8.0.0.task-0")), 0);
	sweeps(0, 0, "");
	assert_false(is_there(USER_DIR));
	close(node);
}

static void test_pending_impossible(void **state)
{
	char said[SB_REPORT_MAX + 1];

	(void)state;
	open_node();
	tree_file(base, USER_DIR, "");
	step_ends(8, 1, said);
	assert_string_equal(said,
			    "a RunTimeDelete could not be kept for later\n");
	close(node);
}

static int make_mounted(void)
{
	/* Where the mount is seen. */
	struct sb_stepdir sd = {
		.node = sb_stepdir_open_node(base, "n1", 0, &err), .fd = -1};

	return sb_stepdir_make(&sd, 7, 0, 0, &user, &err) != -1 ||
	       !strstr(err.text,
		       "step directory 7.0.0: Device or resource busy");
}

/* With a user's mount on the old one, which never answers. */
static void test_make_mounted(void **state)
{
	(void)state;
	open_node();
	step("a", 0);
	silent_try(tree_path(base, "n1/7.0.0"), NULL, make_mounted, 0);
	silent_try(tree_path(base, "n1/7.0.0"), NULL, make_mounted, 1);
	assert_true(is_there("n1/.owner/7.0.0"));
	close(node);
}

/* A record that a slurmstepd is about to rename into place is let be; one that
 * it never will goes. */
static void test_new_record(void **state)
{
	const struct timespec old[2] = {{.tv_sec = time(NULL) - 100},
					{.tv_sec = time(NULL) - 100}};

	(void)state;
	open_node();
	step("a", 0);
	assert_int_equal(rename(tree_path(base, "n1/.owner/7.0.0"),
				tree_path(base, "n1/.owner/7.0.0.tmp")),
			 0);
	tree_file(base, "n1/.owner/8.0.0.tmp", "65534 655");
	sweeps(0, 0, "");
	assert_true(is_there("n1/.owner/7.0.0.tmp"));
	assert_true(is_there("n1/.owner/8.0.0.tmp"));
	assert_int_equal(utimensat(AT_FDCWD,
				   tree_path(base, "n1/.owner/8.0.0.tmp"), old,
				   0),
			 0);
	sweeps(0, 0, "");
	assert_true(is_there("n1/.owner/7.0.0.tmp"));
	assert_false(is_there("n1/.owner/8.0.0.tmp"));
	close(node);
}

/* ---- time ---- */

/* A step whose child waits, as root's view is that of silent_try: its data are
 * where nobody answers. */
static void slow_step(const struct sb_user *of, uint32_t job)
{
	char name[64];

	step_of(of, job, "a", 0);
	snprintf(name, sizeof(name), "n1/%u.0.0/task-0", job);
	tree_dir(base, name);
	assert_int_equal(chown(tree_path(base, name), of->uid, 0), 0);
	strcat(name, "/" SB_FILE_LAYER);
	tree_file(base, name, tree_path(base, "silent/" SB_LAYER_PREFIX "x"));
}

/* A sweep that may take so long. Returns whether it did not take longer. */
static int sweep_for(struct sb_sweep *s, int ms)
{
	long long began = sb_now_ms();

	*became = '\0';
	s->end = began + ms;
	s->found = found;
	sb_stepdir_sweep(node, s);
	/* The machine may be busy. */
	return sb_now_ms() - began < ms + 10000;
}

/* A child that does not come back has no more time than the sweep, and what is
 * left waits. */
static int in_time(void)
{
	struct sb_sweep s = {.job = 7};

	return !sweep_for(&s, 3000) || strcmp(became, "7.0.0 1\n") || s.skipped;
}

static void test_in_time(void **state)
{
	(void)state;
	open_node();
	slow_step(&user, 7);
	tree_dir(base, "silent");
	silent_try(tree_path(base, "silent"), NULL, in_time, 0);
	close(node);
}

/* One user's that does not end keeps from his others, not from another's; and
 * what is in the trash comes after what is not. */
static int in_turn(void)
{
	struct sb_sweep s = {.job = 0};
	static const char last[] = "9.0.0. 0\n";

	if (!sweep_for(&s, 10000) || s.skipped != 1)
		return 1;
	return !strstr(became, "6.0.0 1\n") + !strstr(became, "7.0.0 1\n") !=
		       1 ||
	       !strstr(became, "8.0.0 0\n") || !strstr(became, "9.0.0 0\n") ||
	       strcmp(became + strlen(became) - strlen(last), last);
}

static void test_in_turn(void **state)
{
	static const struct sb_user other = {.uid = NOBODY - 1,
					     .gid = NOBODY - 1};

	(void)state;
	open_node();
	/* The one in the trash, by one that is made in its place. */
	step_of(&other, 9, "a", 0);
	step_of(&other, 9, "a", 0);
	slow_step(&user, 7);
	slow_step(&user, 6);
	step_of(&other, 8, "a", 0);
	tree_dir(base, "silent");
	silent_try(tree_path(base, "silent"), NULL, in_turn, 0);
	close(node);
}

/* Nothing is begun that could not be waited for. */
static void test_no_time(void **state)
{
	struct sb_sweep s = {.job = 7};

	(void)state;
	open_node();
	step("a", 0);
	assert_true(sweep_for(&s, 0));
	assert_string_equal(became, "");
	assert_int_equal(s.skipped, 1);
	assert_true(is_there("n1/7.0.0/a"));
	sweeps(7, 0, "7.0.0 0\n");
	close(node);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_each),
		TEST(test_prune),
		TEST(test_keep),
		TEST(test_kept_name_again),
		TEST(test_sweep_keeps),
		TEST(test_pending),
		TEST(test_pending_impossible),
		TEST(test_make_mounted),
		TEST(test_new_record),
		TEST(test_in_time),
		TEST(test_in_turn),
		TEST(test_no_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
