/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is removed with the step, and what never is. */
#define _GNU_SOURCE
#include "tree.h"
#include "reap.h"
#include "silent.h"

#include "../../spank/contract.h"
#include "../../spank/proc.h"
#include "../../spank/reap.h"

#include <dirent.h>
#include <errno.h>
#include <sys/wait.h>

/* The step directory, and where a writable container's data lie: in a directory
 * of the test's, so that what goes a level too far removes no more than that.
 */
static char base[64], step[80], store[80];

static int setup(void **state)
{
	(void)state;
	strcpy(base, tree_make());
	strcpy(step, tree_path(base, "step"));
	strcpy(store, tree_path(base, "store"));
	tree_dir(base, "step");
	tree_dir(base, "store");
	tree_dir(step, "task-0");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	if (!getuid())
		assert_int_equal(seteuid(0), 0);
	tree_remove(base);
	return 0;
}

static int is_there(const char *top, const char *name)
{
	struct stat st;

	return !lstat(tree_path(top, name), &st);
}

/* ---- sb_reap_tree ---- */

static int reap_tree(const char *name)
{
	int fd = open(store, O_PATH | O_DIRECTORY | O_CLOEXEC), rc;

	rc = sb_reap_tree(fd, name);
	close(fd);
	return rc;
}

static void test_tree(void **state)
{
	(void)state;
	tree_dir(store, "a");
	tree_dir(store, "a/b");
	tree_dir(store, "a/b/c");
	tree_dir(store, "a/work");
	tree_file(store, "a/b/f", "x");
	tree_file(store, "beside", "x");
	tree_link(store, "a/up", "..");
	tree_link(store, "a/beside", tree_path(store, "beside"));
	/* as overlayfs leaves its own */
	tree_dir(store, "a/work/incompat");
	tree_dir(store, "a/work/incompat/volatile");
	tree_file(store, "a/work/incompat/volatile/dirty", "");
	assert_int_equal(chmod(tree_path(store, "a/work/incompat/volatile"), 0),
			 0);
	assert_int_equal(chmod(tree_path(store, "a/work/incompat"), 0), 0);
	assert_int_equal(chmod(tree_path(store, "a/work"), 0), 0);
	assert_int_equal(reap_tree("a"), 0);
	assert_false(is_there(store, "a"));
	assert_true(is_there(store, "beside"));
	/* what is not there is gone */
	assert_int_equal(reap_tree("a"), 0);
}

static void test_tree_unreadable(void **state)
{
	(void)state;
	tree_dir(store, "a");
	tree_file(store, "a/f", "x");
	assert_int_equal(chmod(tree_path(store, "a"), 0), 0);
	assert_int_equal(reap_tree("a"), 0);
	assert_false(is_there(store, "a"));
}

/* More levels than are held open at once. */
static void test_tree_deep(void **state)
{
	int at, next;

	(void)state;
	tree_dir(store, "a");
	at = open(tree_path(store, "a"), O_RDONLY | O_DIRECTORY);
	for (int i = 0; i < 100; i++) {
		assert_int_equal(mkdirat(at, "deep", 0700), 0);
		next = openat(at, "deep", O_RDONLY | O_DIRECTORY);
		assert_true(next >= 0);
		close(at);
		at = next;
	}
	close(at);
	assert_int_equal(reap_tree("a"), 0);
	assert_false(is_there(store, "a"));
}

static void test_tree_refused(void **state)
{
	(void)state;
	tree_file(store, "file", "x");
	tree_dir(store, "dir");
	tree_file(store, "dir/f", "x");
	tree_link(store, "link", "dir");
	assert_int_equal(reap_tree("file"), -1);
	assert_int_equal(reap_tree("link"), -1);
	assert_true(is_there(store, "file"));
	assert_true(is_there(store, "link"));
	assert_true(is_there(store, "dir/f"));
	if (geteuid()) {
		print_message("only root can make another's directory\n");
		skip();
	}
	assert_int_equal(chown(tree_path(store, "dir"), 65534, 65534), 0);
	assert_int_equal(reap_tree("dir"), -1);
	assert_true(is_there(store, "dir/f"));
}

/* ---- a writable container's data ---- */

static int reap_all(char *said, size_t size)
{
	return unit_reap(step, 0, said, size);
}

/* Everything in the step directory is gone, and nobody complained. */
static void reaped(void)
{
	char said[256];

	assert_int_equal(reap_all(said, sizeof(said)), SB_REAP_DONE);
	assert_string_equal(said, "");
	assert_int_equal(rmdir(step), 0);
	assert_int_equal(mkdir(step, 0700), 0);
	tree_dir(step, "task-0");
}

static void record(const char *text)
{
	tree_file(step, "task-0/" SB_FILE_LAYER, text);
}

static void test_layer(void **state)
{
	(void)state;
	tree_dir(store, "stepbox.n1.x");
	tree_dir(store, "stepbox.n1.x/upper");
	tree_file(store, "stepbox.n1.x/upper/f", "x");
	tree_dir(store, "stepbox.n1.y");
	tree_dir(store, "stepbox.n1.z");
	record(tree_path(store, "stepbox.n1.x"));
	tree_dir(step, "task-1");
	tree_file(step, "task-1/" SB_FILE_LAYER,
		  tree_path(store, "stepbox.n1.y"));
	reaped();
	assert_false(is_there(store, "stepbox.n1.x"));
	assert_false(is_there(store, "stepbox.n1.y"));
	assert_true(is_there(store, "stepbox.n1.z"));
}

/* DisableCleanup: what lies elsewhere goes, what was generated stays. */
static void test_keep_files(void **state)
{
	struct sb_reap r = {
		.name = "1.0.0", .task = SB_REAP_ALL, .keep_files = 1};
	int fd;

	(void)state;
	tree_dir(store, "stepbox.n1.x");
	record(tree_path(store, "stepbox.n1.x"));
	tree_file(step, "task-0/config.json", "{}");
	tree_file(step, "said-1", "");
	fd = open(step, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(sb_reap(fd, STDOUT_FILENO, &r), SB_REAP_DONE);
	close(fd);
	assert_false(is_there(store, "stepbox.n1.x"));
	assert_true(is_there(step, "task-0/config.json"));
	assert_true(is_there(step, "said-1"));
	reaped();
}

/* It was written down before it was made, or was removed by somebody else. */
static void test_layer_gone(void **state)
{
	(void)state;
	record(tree_path(store, "stepbox.n1.none"));
	reaped();
	record(tree_path(store, "none/stepbox.n1.none"));
	reaped();
}

/* Names that are not ours: a user may write what he likes. */
static void test_layer_not_ours(void **state)
{
	static const char *const names[] = {
		"precious",	"stepboxx",    "stepbox.a/precious",
		"stepbox.a/..", "stepbox.a/.", "stepbox.a/",
	};

	(void)state;
	tree_dir(store, "precious");
	tree_dir(store, "stepboxx");
	tree_dir(store, "stepbox.a");
	tree_dir(store, "stepbox.a/precious");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		record(tree_path(store, names[i]));
		reaped();
	}
	/* relative: to what? */
	assert_int_equal(chdir(store), 0);
	record("stepbox.a");
	reaped();
	record("./stepbox.a");
	reaped();
	record("");
	reaped();
	record("/");
	reaped();
	assert_int_equal(chdir("/"), 0);
	assert_true(is_there(store, "precious"));
	assert_true(is_there(store, "stepboxx"));
	assert_true(is_there(store, "stepbox.a/precious"));
	/* a record that is a link is no record */
	tree_file(store, "list", tree_path(store, "stepbox.a"));
	tree_link(step, "task-0/" SB_FILE_LAYER, tree_path(store, "list"));
	reaped();
	assert_true(is_there(store, "stepbox.a/precious"));
}

/* A link or another user's directory by the right name stays, and so does what
 * lies there. */
static void test_layer_others(void **state)
{
	char said[256];

	(void)state;
	tree_dir(store, "precious");
	tree_file(store, "precious/f", "x");
	tree_link(store, "stepbox.link", "precious");
	record(tree_path(store, "stepbox.link"));
	reap_all(said, sizeof(said));
	assert_true(is_there(store, "stepbox.link"));
	assert_true(is_there(store, "precious/f"));
	if (geteuid()) {
		print_message("only root can make another's directory\n");
		skip();
	}
	tree_dir(step, "task-0");
	tree_dir(store, "stepbox.other");
	tree_file(store, "stepbox.other/f", "x");
	assert_int_equal(chown(tree_path(store, "stepbox.other"), 65534, 65534),
			 0);
	record(tree_path(store, "stepbox.other"));
	reap_all(said, sizeof(said));
	assert_true(is_there(store, "stepbox.other/f"));
}

/* Nothing resists root. */
static void become_nobody(void)
{
	static const char layer[] = "task-0/" SB_FILE_LAYER;
	const char *const own[] = {".", "task-0", layer};
	static const char *const data[] = {".", "stepbox.a", "stepbox.a/f"};

	if (geteuid())
		return;
	assert_int_equal(chown(base, 65534, 65534), 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(chown(tree_path(step, own[i]), 65534, 65534),
				 0);
		assert_int_equal(chown(tree_path(store, data[i]), 65534, 65534),
				 0);
	}
	assert_int_equal(seteuid(65534), 0);
}

/* Whoever comes later must find what could not be removed now. */
static void test_layer_resists(void **state)
{
	char said[256];

	(void)state;
	tree_dir(store, "stepbox.a");
	tree_file(store, "stepbox.a/f", "x");
	record(tree_path(store, "stepbox.a"));
	become_nobody();
	assert_int_equal(chmod(store, 0500), 0);
	assert_int_equal(reap_all(said, sizeof(said)), SB_REAP_LEFT);
	assert_contains(said, "task-0: its writable data cannot be removed");
	assert_true(is_there(step, "task-0/" SB_FILE_LAYER));
	assert_int_equal(chmod(store, 0700), 0);
	reaped();
	assert_false(is_there(store, "stepbox.a"));
}

/* ---- a container that tasks share ---- */

static pid_t sleeper(const char *list, const char *more)
{
	pid_t pid = fork();
	struct sb_proc p;
	char text[128];

	if (!pid) {
		pause();
		_exit(0);
	}
	assert_int_equal(sb_proc_read(pid, &p), 0);
	snprintf(text, sizeof(text), "pid %d %llu%s\n", pid, p.start, more);
	tree_file(step, list, text);
	return pid;
}

static int has_ended(pid_t pid)
{
	return waitpid(pid, NULL, WNOHANG) == pid;
}

/* What a task was making for all ends with it, unless it is theirs by now. */
static void test_shared_not_yet(void **state)
{
	char said[256];
	pid_t pid;

	(void)state;
	tree_dir(step, "task-3.node");
	pid = sleeper("task-3.node/state", "");
	tree_file(step, SB_FILE_SHARED, "ready task-3.node 9\n");
	assert_int_equal(unit_reap_task(step, 3, 0, said, sizeof(said)),
			 SB_REAP_DONE);
	assert_false(has_ended(pid));
	tree_file(step, SB_FILE_SHARED, "ready task-4.node 9\n");
	assert_int_equal(unit_reap_task(step, 3, 0, said, sizeof(said)),
			 SB_REAP_DONE);
	assert_true(has_ended(pid));
	assert_string_equal(said, "");
}

/* Nor does it end where it was theirs before another took its place. */
static void test_shared_replaced(void **state)
{
	char said[256];
	pid_t joined;

	(void)state;
	tree_dir(step, "task-3.node");
	joined = sleeper("task-3.node/" SB_FILE_JOINED, " 7 7");
	tree_file(step, SB_FILE_SHARED, "ready task-4.node 9\n");
	assert_int_equal(unit_reap_task(step, 3, 0, said, sizeof(said)),
			 SB_REAP_DONE);
	assert_false(has_ended(joined));
	assert_int_equal(
		unit_reap_task(step, SB_REAP_ALL, 0, said, sizeof(said)),
		SB_REAP_DONE);
	assert_true(has_ended(joined));
}

/* With the last task: what does not end by itself is killed, and that said. */
static void test_shared_end(void **state)
{
	char said[256];
	pid_t pid, own, joined;

	(void)state;
	tree_dir(step, "task-3.node");
	own = sleeper("task-0/state", "");
	pid = sleeper("task-3.node/state", "");
	joined = sleeper("task-3.node/" SB_FILE_JOINED, " 7 7");
	assert_int_equal(
		unit_reap_task(step, SB_REAP_SHARED, 0, said, sizeof(said)),
		SB_REAP_DONE);
	assert_contains(said, "task-3.node: did not end with its tasks");
	assert_true(has_ended(pid));
	assert_true(has_ended(joined));
	/* That one is another's business. */
	assert_false(has_ended(own));
	assert_int_equal(
		unit_reap_task(step, SB_REAP_ALL, 0, said, sizeof(said)),
		SB_REAP_DONE);
	assert_true(has_ended(own));
	assert_false(is_there(step, "task-3.node"));
}

/* ---- what waits for the user's next step ---- */

static int entries(const char *path)
{
	DIR *d = opendir(path);
	int n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

/* Only what a step may have put there. */
static void test_pending(void **state)
{
	static const char *const stay[] = {"1.2.0.task-0", "1.2.0.task-3.node"};
	static const char *const go[] = {
		"junk",		"1.2.0",	 "1.2.0.tas-0",
		"1.2.task-0.0", ".1.2.0.task-0", "4294967296.2.0.task-0",
	};
	char said[64];

	(void)state;
	for (size_t i = 0; i < sizeof(stay) / sizeof(stay[0]); i++)
		tree_file(store, stay[i], "/bin/true");
	for (size_t i = 0; i < sizeof(go) / sizeof(go[0]); i++)
		tree_file(store, go[i], "/bin/true");
	tree_file(store, "1.2.0.task-1", "");
	assert_int_equal(truncate(tree_path(store, "1.2.0.task-1"), 65537), 0);
	tree_dir(store, "1.2.0.task-2");
	tree_dir(store, "1.2.0.task-2/a");
	tree_file(store, "1.2.0.task-2/a/b", "");
	tree_link(store, "1.2.0.task-4", "1.2.0.task-0");
	assert_int_equal(chmod(store, 0), 0);
	assert_int_equal(
		unit_reap_task(store, SB_REAP_PENDING, 0, said, sizeof(said)),
		SB_REAP_DONE);
	assert_int_equal(entries(store), 2);
	for (size_t i = 0; i < sizeof(stay) / sizeof(stay[0]); i++)
		assert_true(is_there(store, stay[i]));
}

static void test_pending_many(void **state)
{
	char name[32], said[64];

	(void)state;
	for (int i = 0; i < 1100; i++) {
		snprintf(name, sizeof(name), "1.2.0.task-%d", i);
		tree_file(store, name, "");
	}
	unit_reap_task(store, SB_REAP_PENDING, 0, said, sizeof(said));
	assert_int_equal(entries(store), 1024);
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "2.2.0.task-%d", i);
		tree_file(store, name, "");
		assert_int_equal(truncate(tree_path(store, name), 65536), 0);
	}
	unit_reap_task(store, SB_REAP_PENDING, 0, said, sizeof(said));
	assert_true(entries(store) >= 16 && entries(store) <= 1024);
	for (int i = 0; i < 1100; i++) {
		snprintf(name, sizeof(name), "1.2.0.task-%d", i);
		unlink(tree_path(store, name));
	}
	/* A MiB in all. */
	assert_true(entries(store) <= 16);
}

/* ---- what a user has mounted, and that never answers ---- */

static int reap_mounted(void)
{
	char said[256];

	return unit_reap(step, SB_KEEP_ALL, said, sizeof(said)) !=
		       SB_REAP_LEFT ||
	       is_there(step, "task-1/b");
}

/* The rest goes. */
static void silent_directory(int old)
{
	tree_dir(step, "task-0/mounted");
	tree_dir(step, "task-1");
	tree_file(step, "task-1/b", "x");
	tree_file(step, "task-1/" SB_FILE_DELETE, "");
	silent_try(tree_path(step, "task-0/mounted"),
		   tree_path(step, "task-1/" SB_FILE_DELETE), reap_mounted,
		   old);
}

static void test_silent_directory(void **state)
{
	(void)state;
	silent_directory(0);
}

static void test_silent_directory_old(void **state)
{
	(void)state;
	silent_directory(1);
}

static void silent_task(int old)
{
	tree_dir(step, "task-1");
	tree_file(step, "task-1/b", "x");
	tree_file(step, "task-1/" SB_FILE_STATE, "");
	silent_try(tree_path(step, "task-0"),
		   tree_path(step, "task-1/" SB_FILE_STATE), reap_mounted, old);
}

static void test_silent_task(void **state)
{
	(void)state;
	silent_task(0);
}

static void test_silent_task_old(void **state)
{
	(void)state;
	silent_task(1);
}

static void silent_layer(int old)
{
	tree_dir(step, "task-0/mounted");
	tree_dir(step, "task-1");
	tree_file(step, "task-1/b", "x");
	tree_file(step, "task-1/" SB_FILE_LAYER, "");
	silent_try(tree_path(step, "task-0/mounted"),
		   tree_path(step, "task-1/" SB_FILE_LAYER), reap_mounted, old);
}

static void test_silent_layer(void **state)
{
	(void)state;
	silent_layer(0);
}

static void test_silent_layer_old(void **state)
{
	(void)state;
	silent_layer(1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_tree),
		TEST(test_tree_unreadable),
		TEST(test_tree_deep),
		TEST(test_tree_refused),
		TEST(test_layer),
		TEST(test_keep_files),
		TEST(test_layer_gone),
		TEST(test_layer_not_ours),
		TEST(test_layer_others),
		TEST(test_layer_resists),
		TEST(test_shared_not_yet),
		TEST(test_shared_replaced),
		TEST(test_shared_end),
		TEST(test_pending),
		TEST(test_pending_many),
		TEST(test_silent_directory),
		TEST(test_silent_directory_old),
		TEST(test_silent_task),
		TEST(test_silent_task_old),
		TEST(test_silent_layer),
		TEST(test_silent_layer_old),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
