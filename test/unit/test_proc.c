/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include "../../spank/proc.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

static void test_self(void **state)
{
	struct sb_proc p;
	char boot[40];

	(void)state;
	/* A name that looks like the fields behind it. */
	prctl(PR_SET_NAME, "a) R 1 (b");
	assert_int_equal(sb_proc_read(getpid(), &p), 0);
	assert_int_equal(p.ppid, getppid());
	assert_int_equal(p.state, 'R');
	assert_true(p.start > 0);
	assert_true(sb_proc_is(getpid(), p.start));
	assert_false(sb_proc_is(getpid(), p.start + 1));
	assert_int_equal(sb_proc_read(0, &p), -1);
	assert_int_equal(sb_proc_elsewhere(getpid()), 0);
	assert_true(sb_proc_pidns() > 0);
	sb_proc_boot(boot);
	assert_int_equal(strlen(boot), 36);
}

static void test_kill(void **state)
{
	struct sb_proc p;
	pid_t pid, kids[4];
	int status, ready[2];

	(void)state;
	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (!pid) {
		if (!fork())
			(void)!write(ready[1], "x", 1);
		pause();
		_exit(0);
	}
	assert_int_equal(read(ready[0], kids, 1), 1);
	assert_int_equal(sb_proc_children(pid, kids, 4), 1);
	assert_int_equal(sb_proc_read(pid, &p), 0);
	assert_int_equal(sb_proc_kill(pid, p.start + 1), 0);
	assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
	/* it and its child */
	assert_int_equal(sb_proc_kill(pid, p.start), 2);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(sb_proc_kill(pid, p.start), 0);
	assert_int_equal(sb_proc_kill(1, 0), 0);
}

static void test_number(void **state)
{
	const char *s = "42 x";

	(void)state;
	assert_int_equal(sb_proc_number(&s, 100), 42);
	assert_string_equal(s, " x");
	s = "101";
	assert_int_equal(sb_proc_number(&s, 100), -1);
	s = "-1";
	assert_int_equal(sb_proc_number(&s, 100), -1);
	s = "99999999999999999999999999";
	assert_int_equal(sb_proc_number(&s, INT64_MAX), -1);
	s = "9223372036854775807";
	assert_true(sb_proc_number(&s, INT64_MAX) == INT64_MAX);
}

static void test_slurp(void **state)
{
	const char *path = unit_file("0123456789");
	char buf[5];

	(void)state;
	assert_int_equal(sb_proc_slurp(AT_FDCWD, path, buf, sizeof(buf)), 4);
	assert_string_equal(buf, "0123");
	unlink(path);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	assert_int_equal(sb_proc_slurp(AT_FDCWD, path, buf, sizeof(buf)), -1);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_self),
		cmocka_unit_test(test_kill),
		cmocka_unit_test(test_number),
		cmocka_unit_test(test_slurp),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
