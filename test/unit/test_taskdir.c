/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
/* The task's directory, and what empties it. */
#include "reap.h"
#include "tree.h"

#include "../../helper/report.h"
#include "../../helper/taskdir.h"
#include "../../spank/contract.h"
#include "../../spank/reap.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

static char base[64];

static int setup(void **state)
{
	(void)state;
	strcpy(base, "/tmp/stepbox-unit-XXXXXX");
	return mkdtemp(base) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	return rmdir(base);
}

static int reap_all(int keep, char *said, size_t size)
{
	return unit_reap(base, keep, said, size);
}

static void test_made_and_emptied(void **state)
{
	struct sb_taskdir t;
	struct sb_err err = {.text = ""};
	char said[256];
	struct stat st;

	(void)state;
	assert_int_equal(sb_taskdir_open(&t, base, 3, &err), 0);
	assert_int_equal(sb_taskdir_touch(&t, "f", &err), 0);
	assert_int_equal(fstatat(t.fd, "f", &st, 0), 0);
	assert_true(sb_taskdir_first(&t, "a message"));
	assert_false(sb_taskdir_first(&t, "a message"));
	assert_true(sb_taskdir_first(&t, "another"));
	sb_taskdir_close(&t);
	assert_int_equal(reap_all(0, said, sizeof(said)), SB_REAP_DONE);
	assert_string_equal(said, "");
}

static void test_not_ours(void **state)
{
	struct sb_taskdir t;
	struct sb_err err = {.text = ""};

	(void)state;
	chmod(base, 0777);
	assert_int_equal(sb_taskdir_open(&t, base, 0, &err), -1);
	assert_contains(err.text, "writable by nobody else");
	sb_taskdir_close(&t);
	assert_int_equal(sb_taskdir_open(&t, "/nonexistent/d", 0, &err), -1);
	assert_contains(err.text, "/nonexistent/d");
	sb_taskdir_close(&t);
	chmod(base, 0700);
}

/* By hand: a directory of our own that is gone afterwards. */
static void test_temporary(void **state)
{
	struct sb_taskdir t;
	struct sb_err err = {.text = ""};
	char path[128];

	(void)state;
	setenv("XDG_RUNTIME_DIR", base, 1);
	assert_int_equal(sb_taskdir_open(&t, NULL, 0, &err), 0);
	snprintf(path, sizeof(path), "%s", t.step);
	assert_int_equal(strncmp(path, base, strlen(base)), 0);
	sb_taskdir_close(&t);
	assert_int_equal(access(path, F_OK), -1);
}

static int is_there(const char *name)
{
	char path[160];

	snprintf(path, sizeof(path), "%s/%s", base, name);
	return !access(path, F_OK);
}

/* What was left in name: a task's directory with a file, so old. */
static void leave(const char *name, long age)
{
	struct timeval t[2] = {{.tv_sec = time(NULL) - age}};
	char path[160];

	t[1] = t[0];
	tree_dir(base, name);
	snprintf(path, sizeof(path), "%s/task-0", name);
	tree_dir(base, path);
	snprintf(path, sizeof(path), "%s/task-0/config.json", name);
	tree_file(base, path, "{}");
	snprintf(path, sizeof(path), "%s/%s", base, name);
	assert_int_equal(utimes(path, t), 0);
}

/* The next one removes what others have left, but not what is in use, new, to
 * stay, or no such thing. */
static void test_temporary_left(void **state)
{
	struct sb_taskdir t, used;
	struct sb_err err = {.text = ""};
	struct timeval old[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
	char path[160], said[256];

	(void)state;
	setenv("XDG_RUNTIME_DIR", base, 1);
	leave("stepbox-dead00", 100);
	leave("stepbox-new000", 0);
	leave("stepbox-other-", 100);
	leave("stepbox-longer0", 100);
	leave("stepbox-kept00", 100);
	tree_file(base, "stepbox-kept00/kept", "");
	snprintf(path, sizeof(path), "%s/stepbox-kept00", base);
	assert_int_equal(utimes(path, old), 0);
	assert_int_equal(sb_taskdir_open(&used, NULL, 0, &err), 0);
	assert_int_equal(utimes(used.step, old), 0);
	assert_int_equal(sb_taskdir_open(&t, NULL, 0, &err), 0);
	assert_int_equal(access(used.path, F_OK), 0);
	sb_taskdir_close(&t);
	sb_taskdir_close(&used);
	assert_false(is_there("stepbox-dead00"));
	assert_true(is_there("stepbox-other-/task-0/config.json"));
	assert_true(is_there("stepbox-new000/task-0/config.json"));
	assert_true(is_there("stepbox-longer0/task-0/config.json"));
	assert_true(is_there("stepbox-kept00/task-0/config.json"));
	assert_int_equal(reap_all(0, said, sizeof(said)), SB_REAP_DONE);
}

/* Links, FIFOs, unreadable and very deep directories, odd names. */
static void test_hostile_tree(void **state)
{
	char outside[64], said[256];
	int at, next;

	(void)state;
	strcpy(outside, unit_file("keep me"));
	at = open(base, O_RDONLY | O_DIRECTORY);
	assert_int_equal(symlinkat(outside, at, "link"), 0);
	assert_int_equal(symlinkat("/etc", at, "task-1"), 0);
	assert_int_equal(mkfifoat(at, "fifo", 0), 0);
	assert_int_equal(mkdirat(at, "task-2", 0700), 0);
	assert_int_equal(mkdirat(at, "task-2/work", 0700), 0);
	assert_int_equal(mkdirat(at, "task-2/work/work", 0), 0);
	assert_int_equal(mkdirat(at, "\n \x01 -rf", 0700), 0);
	assert_int_equal(fchmodat(at, "task-2/work", 0, 0), 0);
	for (int i = 0; i < 200; i++) {
		assert_int_equal(mkdirat(at, "deep", 0700), 0);
		next = openat(at, "deep", O_RDONLY | O_DIRECTORY);
		assert_true(next >= 0);
		close(at);
		at = next;
	}
	close(at);
	assert_int_equal(reap_all(0, said, sizeof(said)), SB_REAP_DONE);
	assert_int_equal(access(outside, F_OK), 0);
	unlink(outside);
}

/* A process that a report names is killed, with its children, but only if it
 * began when the report says. */
static void test_kills_named(void **state)
{
	struct sb_report r = {.runtime = "x", .how = "run", .began = 1};
	struct sb_taskdir t;
	struct sb_err err = {.text = ""};
	char said[256];
	int status;
	pid_t pid;

	(void)state;
	pid = fork();
	if (!pid) {
		pause();
		_exit(0);
	}
	assert_int_equal(sb_taskdir_open(&t, base, 0, &err), 0);
	r.pid = pid;
	assert_int_equal(sb_report_write(t.fd, &r, &err), 0);
	sb_taskdir_close(&t);
	assert_int_equal(reap_all(0, said, sizeof(said)), SB_REAP_DONE);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_contains(said, "task 0: x run, pid ");
}

static void test_spares_reused_pid(void **state)
{
	struct sb_taskdir t;
	struct sb_err err = {.text = ""};
	char said[256], text[64];
	int fd, status;
	pid_t pid;

	(void)state;
	pid = fork();
	if (!pid) {
		pause();
		_exit(0);
	}
	assert_int_equal(sb_taskdir_open(&t, base, 0, &err), 0);
	snprintf(text, sizeof(text), "pid %d 1\npid x\npid 1 1\npid", pid);
	fd = openat(t.fd, SB_FILE_STATE, O_CREAT | O_WRONLY, 0600);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	/* And a pid file alone names nothing surely. */
	snprintf(text, sizeof(text), "%d", pid);
	fd = openat(t.fd, SB_FILE_PID, O_CREAT | O_WRONLY, 0600);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	sb_taskdir_close(&t);
	assert_int_equal(reap_all(0, said, sizeof(said)), SB_REAP_DONE);
	assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
}

static void test_keeps_deletes(void **state)
{
	struct sb_taskdir t;
	struct sb_err err = {.text = ""};
	char said[256];
	int fd;

	(void)state;
	assert_int_equal(sb_taskdir_open(&t, base, 0, &err), 0);
	fd = openat(t.fd, SB_FILE_DELETE, O_CREAT | O_WRONLY, 0600);
	close(fd);
	/* Nothing may be removed before root has made room for it. */
	assert_int_equal(reap_all(1, said, sizeof(said)), SB_REAP_NEEDS_EXTRA);
	assert_int_equal(faccessat(t.fd, SB_FILE_DELETE, F_OK, 0), 0);
	/* One that was not needed is not kept; one that has failed is. */
	assert_int_equal(renameat(t.fd, SB_FILE_DELETE, t.fd, SB_FILE_AGAIN),
			 0);
	assert_int_equal(reap_all(SB_KEEP_FAILED, said, sizeof(said)),
			 SB_REAP_NEEDS_EXTRA);
	assert_int_equal(renameat(t.fd, SB_FILE_AGAIN, t.fd, SB_FILE_DELETE),
			 0);
	sb_taskdir_close(&t);
	assert_int_equal(reap_all(SB_KEEP_FAILED, said, sizeof(said)),
			 SB_REAP_DONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_made_and_emptied, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_not_ours, setup, teardown),
		cmocka_unit_test_setup_teardown(test_temporary_left, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_temporary, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_hostile_tree, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_kills_named, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_spares_reused_pid, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_keeps_deletes, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
