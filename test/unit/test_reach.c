/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include "tree.h"

#include "../../helper/reach.h"

#include <errno.h>
#include <sys/wait.h>

static int first_free(void)
{
	int fd = dup(STDERR_FILENO);

	close(fd);
	return fd;
}

/* What answers, well or not, is no matter of time; nothing is left. That one
 * does not answer only a real file system shows (test/slurm/faults-bundle). */
static void test_answers(void **state)
{
	const char *top = tree_make();
	struct sb_err err = {.text = ""};
	int fd = first_free();

	(void)state;
	assert_int_equal(sb_reach_bundle(top, 60, &err), 0);
	tree_file(top, "config.json", "{\"root\":{\"path\":\".\"}}");
	assert_int_equal(sb_reach_bundle(top, 60, &err), 0);
	assert_int_equal(sb_reach_bundle("/nonesuch", 60, &err), 0);
	assert_int_equal(sb_reach_bundle("", 60, &err), 0);
	assert_int_equal(sb_reach_bundle(top, 0, &err), 0);
	assert_string_equal(err.text, "");
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	assert_int_equal(first_free(), fd);
	tree_remove(top);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_answers)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
