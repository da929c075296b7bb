/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which task makes the container that all share. */
#define _GNU_SOURCE
#include "tree.h"

#include "../../helper/share.h"
#include "../../spank/contract.h"

#include <signal.h>
#include <sys/wait.h>

static char base[64];
static int dir;

static int setup(void **state)
{
	(void)state;
	strcpy(base, tree_make());
	dir = open(base, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return dir < 0 ? -1 : 0;
}

static int teardown(void **state)
{
	(void)state;
	close(dir);
	tree_remove(base);
	return 0;
}

static struct sb_share share(void)
{
	return (struct sb_share){.dir = dir, .lock = -1};
}

static enum sb_share_state find(struct sb_share *s)
{
	enum sb_share_state state = -1;
	struct sb_err err = {.text = ""};

	if (sb_share_find(s, &state, &err) < 0)
		fail_msg("%s", err.text);
	return state;
}

static void publish(struct sb_share *s, enum sb_share_state state)
{
	struct sb_err err = {.text = ""};

	if (sb_share_publish(s, state, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(s->lock, -1);
}

static void test_words(void **state)
{
	struct sb_share s = share();

	(void)state;
	assert_int_equal(find(&s), SB_SHARE_MAKE);
	strcpy(s.name, "task-3.node");
	publish(&s, SB_SHARE_READY);
	s = share();
	assert_int_equal(find(&s), SB_SHARE_READY);
	assert_string_equal(s.name, "task-3.node");
	publish(&s, SB_SHARE_TASK);
	assert_int_equal(find(&s), SB_SHARE_TASK);
	s.code = 127;
	publish(&s, SB_SHARE_FAILED);
	s = share();
	assert_int_equal(find(&s), SB_SHARE_FAILED);
	assert_int_equal(s.code, 127);
	sb_share_close(&s);
}

/* What is no word of ours is as good as nothing. */
static void test_nonsense(void **state)
{
	static const char *const texts[] = {
		"",	      "ready \n", "ready ../task-1\n",
		"ready ..\n", "tasks\n",  "ready a/b\n",
		"task",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct sb_share s = share();

		tree_file(base, SB_FILE_SHARED, texts[i]);
		assert_int_equal(find(&s), SB_SHARE_MAKE);
		sb_share_close(&s);
	}
}

/* What cannot be written (a full file system) is told all the same. */
static void test_unwritten(void **state)
{
	struct sb_share s = share();
	struct sb_err err = {.text = ""};

	(void)state;
	tree_dir(base, SB_FILE_SHARED);
	tree_file(base, SB_FILE_SHARED "/f", "");
	assert_int_equal(find(&s), SB_SHARE_MAKE);
	s.code = 127;
	assert_int_equal(sb_share_publish(&s, SB_SHARE_FAILED, &err), 0);
	s = share();
	assert_int_equal(find(&s), SB_SHARE_FAILED);
	assert_int_equal(s.code, 127);
	tree_file(base, SB_FILE_SHARED ".lock", "");
	s = share();
	assert_int_equal(find(&s), SB_SHARE_MAKE);
	assert_int_equal(sb_share_publish(&s, SB_SHARE_READY, &err), -1);
	assert_contains(err.text, "step directory: shared: ");
	s = share();
	assert_int_equal(find(&s), SB_SHARE_FAILED);
	assert_int_equal(s.code, 125);
}

static void test_again(void **state)
{
	struct sb_share s = share();
	enum sb_share_state now = -1;
	struct sb_err err;

	(void)state;
	assert_int_equal(find(&s), SB_SHARE_MAKE);
	strcpy(s.name, "task-1.node");
	publish(&s, SB_SHARE_READY);
	assert_int_equal(sb_share_again(&s, &now, &err), 0);
	assert_int_equal(now, SB_SHARE_MAKE);
	strcpy(s.name, "task-2.node");
	publish(&s, SB_SHARE_READY);
	/* Another has been made meanwhile, by another task or the same. */
	s.maker = 5;
	assert_int_equal(sb_share_again(&s, &now, &err), 0);
	assert_int_equal(now, SB_SHARE_READY);
	strcpy(s.name, "task-1.node");
	assert_int_equal(sb_share_again(&s, &now, &err), 0);
	assert_int_equal(now, SB_SHARE_READY);
	assert_string_equal(s.name, "task-2.node");
	sb_share_close(&s);
}

/* Forks a maker, which has the lock once this returns. It publishes when told
 * to by the pipe, or dies. */
static pid_t maker(int *tell, int holds_child)
{
	int ready[2], go[2];
	pid_t pid;
	char c;

	assert_int_equal(pipe(ready), 0);
	assert_int_equal(pipe(go), 0);
	pid = fork();
	if (!pid) {
		struct sb_share s = share();
		struct sb_err err;

		close(go[1]);
		if (find(&s) != SB_SHARE_MAKE)
			_exit(1);
		/* What a maker starts must not keep the lock. */
		if (holds_child && !fork()) {
			pause();
			_exit(0);
		}
		if (write(ready[1], "", 1) != 1 || read(go[0], &c, 1) != 1)
			_exit(2);
		strcpy(s.name, "task-0.node");
		_exit(sb_share_publish(&s, SB_SHARE_READY, &err) ? 3 : 0);
	}
	close(go[0]);
	close(ready[1]);
	assert_int_equal(read(ready[0], &c, 1), 1);
	close(ready[0]);
	*tell = go[1];
	return pid;
}

static pid_t waiter(enum sb_share_state want)
{
	pid_t pid = fork();

	if (!pid) {
		struct sb_share s = share();

		_exit(find(&s) == want ? 0 : 1);
	}
	return pid;
}

static void ended_well(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_others_wait(void **state)
{
	pid_t made, waits[3];
	int tell;

	(void)state;
	made = maker(&tell, 0);
	for (int i = 0; i < 3; i++)
		waits[i] = waiter(SB_SHARE_READY);
	usleep(20000);
	for (int i = 0; i < 3; i++)
		assert_int_equal(waitpid(waits[i], NULL, WNOHANG), 0);
	assert_int_equal(write(tell, "", 1), 1);
	ended_well(made);
	for (int i = 0; i < 3; i++)
		ended_well(waits[i]);
	close(tell);
}

static void test_maker_dies(void **state)
{
	struct sb_share s = share();
	pid_t made, waits;
	int tell, status;

	(void)state;
	made = maker(&tell, 1);
	waits = waiter(SB_SHARE_MAKE);
	kill(made, SIGKILL);
	assert_int_equal(waitpid(made, &status, 0), made);
	ended_well(waits);
	/* That one is gone too, and so it is our turn. */
	assert_int_equal(find(&s), SB_SHARE_MAKE);
	sb_share_close(&s);
	close(tell);
	/* The maker's own child: in our group, and waiting for a signal. */
	signal(SIGTERM, SIG_IGN);
	kill(0, SIGTERM);
	signal(SIGTERM, SIG_DFL);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_words),	TEST(test_nonsense),
		TEST(test_again),	TEST(test_unwritten),
		TEST(test_others_wait), TEST(test_maker_dies),
	};

	setpgid(0, 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
