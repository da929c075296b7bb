/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who holds a shared container: what comes through its FIFO, which each process
 * in the container can write to. */
#define _GNU_SOURCE
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "../../helper/hold.c"

static int out;

static int setup(void **state)
{
	int fds[2];

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
	memset(&hold, 0, sizeof(hold));
	hold.p[JOIN].fd = fds[0];
	hold.p[PARENT].fd = -1;
	hold.n = TASKS;
	out = fds[1];
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	for (int i = TASKS; i < hold.n; i++)
		close(hold.p[i].fd);
	close(hold.p[JOIN].fd);
	close(out);
	return 0;
}

static void send(const void *data, size_t len)
{
	assert_int_equal(write(out, data, len), len);
	take_pids();
}

static void send_pid(pid_t pid)
{
	send(&pid, sizeof(pid));
}

static void test_task(void **state)
{
	int gate[2];
	pid_t pid;

	(void)state;
	assert_int_equal(pipe2(gate, O_CLOEXEC), 0);
	pid = fork();
	if (!pid) {
		char c;

		close(gate[1]);
		_exit(read(gate[0], &c, 1));
	}
	send_pid(pid);
	assert_int_equal(hold.came, 1);
	assert_int_equal(hold.n, TASKS + 1);
	assert_int_equal(poll(hold.p + TASKS, 1, 0), 0);
	forget_ended();
	assert_int_equal(hold.n, TASKS + 1);
	close(gate[0]);
	close(gate[1]);
	assert_int_equal(poll(hold.p + TASKS, 1, 60000), 1);
	forget_ended();
	assert_int_equal(hold.n, TASKS);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	/* Come and gone before anybody looked. */
	send_pid(pid);
	assert_int_equal(hold.came, 2);
	assert_int_equal(hold.n, TASKS);
	assert_int_equal(hold.lost, 0);
}

/* The container then stays for the step, whose end takes it. */
static void test_no_pids(void **state)
{
	static const pid_t pids[] = {0, -1, INT_MIN};

	(void)state;
	for (size_t i = 0; i < sizeof(pids) / sizeof(pids[0]); i++) {
		hold.lost = 0;
		send_pid(pids[i]);
		assert_int_equal(hold.n, TASKS);
		assert_int_equal(hold.lost, 1);
	}
	hold.lost = 0;
	send_pid(INT_MAX);
	assert_int_equal(hold.lost, 0);
	assert_int_equal(hold.came, 4);
}

static void test_torn(void **state)
{
	static const char bytes[3];

	(void)state;
	send(bytes, sizeof(bytes));
	assert_int_equal(hold.came, 0);
	assert_int_equal(hold.n, TASKS);
}

/* More than can be watched, by descriptors or by room. */
static void test_flood(void **state)
{
	struct rlimit old, few;
	pid_t pids[512];

	(void)state;
	for (size_t i = 0; i < 512; i++)
		pids[i] = getpid();
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	few = old;
	few.rlim_cur = 64;
	setrlimit(RLIMIT_NOFILE, &few);
	send(pids, sizeof(pids));
	assert_int_equal(hold.came, 512);
	assert_true(hold.n < TASKS + 64);
	assert_int_equal(hold.lost, 1);
	raise_limit();
	for (int i = 0; i < 10; i++)
		send(pids, sizeof(pids));
	assert_true(hold.n <= TASKS + MAX_TASKS);
	assert_int_equal(hold.came, 11 * 512);
	setrlimit(RLIMIT_NOFILE, &old);
}

/* Names in /proc that are no process in here: this namespace has no number 0.
 */
static void test_nobody_is_killed(void **state)
{
	static const char *const names[] = {
		"",
		"self",
		"-1",
		"0",
		"1",
		"1x",
		"99999999999999999999",
		"net",
		"2147483648",
		"4294967297",
		"./../1",
		" 2",
	};
	const struct stat nowhere = {.st_ino = 0};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_int_equal(kill_if_here(&nowhere, names[i]), 0);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_task),  TEST(test_no_pids),	       TEST(test_torn),
		TEST(test_flood), TEST(test_nobody_is_killed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
