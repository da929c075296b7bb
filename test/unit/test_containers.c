/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a step's reports say of its containers, and what of that is true. */
#define _GNU_SOURCE
#include "tree.h"

#include "../../helper/containers.h"
#include "../../helper/mem.h"
#include "../../helper/report.h"
#include "../../spank/contract.h"
#include "../../spank/proc.h"

#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

static char base[64];
static struct sb_container seen[4];
static int n_seen;

static int setup(void **state)
{
	(void)state;
	strcpy(base, tree_make());
	return 0;
}

static void forget(void)
{
	while (n_seen)
		free(seen[--n_seen].tasks);
}

static int teardown(void **state)
{
	(void)state;
	forget();
	tree_remove(base);
	return 0;
}

static int see(const struct sb_container *c, void *arg)
{
	(void)arg;
	assert_true(n_seen < 4);
	return sb_container_copy(&seen[n_seen++], c);
}

static void look(void)
{
	int dir = open(base, O_PATH | O_DIRECTORY);
	struct sb_err err = {.text = ""};

	forget();
	if (sb_containers_each(dir, see, NULL, &err))
		fail_msg("%s", err.text);
	close(dir);
}

static unsigned long long start_of(pid_t pid)
{
	struct sb_proc p;

	assert_int_equal(sb_proc_read(pid, &p), 0);
	return p.start;
}

static void write_report(const char *name, const struct sb_report *r)
{
	int dir = open(tree_path(base, name), O_PATH | O_DIRECTORY);
	struct sb_err err = {.text = ""};

	if (sb_report_write(dir, r, &err) < 0)
		fail_msg("%s", err.text);
	close(dir);
}

/* What report.c writes is read. */
static void test_own(void **state)
{
	static char runtime[] = "crun";
	struct sb_report r = {.runtime = runtime,
			      .how = "create",
			      .bundle = "/b\npid 1 1",
			      .task = 2,
			      .rank = 7,
			      .pid = getppid(),
			      .container = getpid(),
			      .began = sb_report_now()};
	long long now = time(NULL);

	(void)state;
	tree_dir(base, "task-2");
	tree_dir(base, "other");
	write_report("task-2", &r);
	look();
	assert_int_equal(n_seen, 1);
	assert_false(seen[0].shared);
	assert_string_equal(seen[0].runtime, "crun");
	assert_string_equal(seen[0].mode, "create");
	assert_string_equal(seen[0].bundle, "/b\\012pid 1 1");
	assert_int_equal(seen[0].pid, getpid());
	assert_int_equal(seen[0].start, start_of(getpid()));
	assert_int_equal(seen[0].server, getppid());
	assert_false(seen[0].has_status);
	assert_true(seen[0].since >= now - 2 && seen[0].since <= now + 2);
	assert_int_equal(seen[0].n, 1);
	assert_int_equal(seen[0].tasks[0].task, 2);
	assert_int_equal(seen[0].tasks[0].rank, 7);
	assert_int_equal(seen[0].tasks[0].pid, getpid());
	assert_true(sb_container_lives(&seen[0]));
	r.ended = sb_report_now();
	r.status = 5 << 8;
	write_report("task-2", &r);
	look();
	assert_true(seen[0].has_status);
	assert_int_equal(WEXITSTATUS(seen[0].status), 5);
	assert_int_equal(seen[0].tasks[0].pid, 0);
	assert_false(sb_container_lives(&seen[0]));
}

/* What a user writes there is for root's terminal, too. */
static void test_bytes(void **state)
{
	(void)state;
	tree_dir(base, "task-0");
	tree_file(base, "task-0/state",
		  "log x\nruntime crun\033[31mX \001create\n"
		  "bundle /\033]0;a\007\\012\177\302\233\377\303\251/b\n");
	look();
	assert_string_equal(seen[0].runtime, "crun\\033[31mX");
	assert_string_equal(seen[0].mode, "\\001create");
	assert_string_equal(
		seen[0].bundle,
		"/\\033]0;a\\007\\012\\177\\302\\233\\377\303\251/b");
}

/* Numbers that are other processes' by now. */
static void test_reused(void **state)
{
	char text[256];

	(void)state;
	tree_dir(base, "task-0");
	snprintf(text, sizeof(text), "log x\npid %d %llu\ncontainer %d\n",
		 getpid(), start_of(getpid()) + 1, getpid());
	tree_file(base, "task-0/state", text);
	look();
	assert_int_equal(seen[0].pid, 0);
	assert_false(sb_container_lives(&seen[0]));
	/* The runtime's word, without a start time: not ours, in our mount
	 * namespace. */
	snprintf(text, sizeof(text), "pid %d %llu\n", getppid(),
		 start_of(getppid()));
	tree_file(base, "task-0/state", text);
	snprintf(text, sizeof(text), "%d\n", getpid());
	tree_file(base, "task-0/pid", text);
	look();
	assert_int_equal(seen[0].pid, 0);
	assert_int_equal(seen[0].server, getppid());
}

/* The process that the runtime's file names is elsewhere, and young enough. */
static void test_pid_file(void **state)
{
	char text[256];
	int ready[2];
	pid_t pid;
	char c;

	(void)state;
	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (!pid) {
		if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
			_exit(77);
		if (write(ready[1], "", 1) == 1)
			pause();
		_exit(0);
	}
	close(ready[1]);
	if (read(ready[0], &c, 1) != 1) {
		waitpid(pid, NULL, 0);
		close(ready[0]);
		skip();
	}
	close(ready[0]);
	tree_dir(base, "task-0");
	snprintf(text, sizeof(text), "pid %d %llu\n", getpid(),
		 start_of(getpid()));
	tree_file(base, "task-0/state", text);
	snprintf(text, sizeof(text), "%d", pid);
	tree_file(base, "task-0/pid", text);
	look();
	assert_int_equal(seen[0].pid, pid);
	assert_int_equal(seen[0].server, getpid());
	/* Without the file it is the child that lives elsewhere. */
	assert_int_equal(unlink(tree_path(base, "task-0/pid")), 0);
	look();
	assert_int_equal(seen[0].pid, pid);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	look();
	assert_int_equal(seen[0].pid, 0);
	assert_true(sb_container_lives(&seen[0]));
}

static void test_shared(void **state)
{
	char text[512];

	(void)state;
	tree_dir(base, "task-3.node");
	look();
	assert_int_equal(n_seen, 1);
	assert_true(seen[0].shared);
	assert_int_equal(seen[0].n, 0);
	snprintf(text, sizeof(text),
		 "pid %d %llu 1 9\nnonsense\npid 1 x\npid %d %llu 0 8\n"
		 "pid %d %llu 2",
		 getpid(), start_of(getpid()), getppid(),
		 start_of(getppid()) + 1, getpid(), start_of(getpid()));
	tree_file(base, "task-3.node/joined", text);
	look();
	assert_int_equal(seen[0].n, 2);
	assert_int_equal(seen[0].tasks[0].rank, 8);
	assert_int_equal(seen[0].tasks[0].pid, 0);
	assert_int_equal(seen[0].tasks[1].rank, 9);
	assert_int_equal(seen[0].tasks[1].task, 1);
	assert_int_equal(seen[0].tasks[1].pid, getpid());
	assert_true(seen[0].tasks[1].since >= time(NULL) - 600 &&
		    seen[0].tasks[1].since <= time(NULL) + 1);
}

/* Whatever a user leaves there, nobody waits or fails. */
static void test_odd(void **state)
{
	(void)state;
	tree_dir(base, "task-0");
	tree_dir(base, "task-1");
	tree_dir(base, "task-2.node");
	tree_file(base, "task-3", "");
	tree_link(base, "task-4", "task-0");
	assert_int_equal(mkfifo(tree_path(base, "task-0/state"), 0600), 0);
	tree_dir(base, "task-1/state");
	assert_int_equal(mkfifo(tree_path(base, "task-2.node/joined"), 0600),
			 0);
	look();
	assert_int_equal(n_seen, 3);
	for (int i = 0; i < n_seen; i++)
		assert_false(sb_container_lives(&seen[i]));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_own),	   TEST(test_reused), TEST(test_pid_file),
		TEST(test_shared), TEST(test_odd),    TEST(test_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
