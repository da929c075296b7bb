/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include "tree.h"

#include "../../helper/envfile.h"

static char dir[64];
static int fd = -1;
static struct sb_strv left;

static int setup(void **state)
{
	(void)state;
	strcpy(dir, tree_make());
	fd = open(dir, O_PATH | O_DIRECTORY);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	close(fd);
	sb_strv_free(&left);
	tree_remove(dir);
	return 0;
}

static char *vars[] = {"A=1", "EMPTY=", "F()=() {\n x\n}", "B=2 ", NULL};

/* The file's len bytes must be these. */
static void holds(const char *want, size_t len)
{
	char got[256];
	FILE *f = fopen(tree_path(dir, SB_ENVFILE_NAME), "r");
	size_t n;

	assert_non_null(f);
	n = fread(got, 1, sizeof(got), f);
	fclose(f);
	assert_int_equal(n, len);
	assert_memory_equal(got, want, len);
}

static void write_as(char **env, enum sb_env_file how)
{
	struct sb_err err = {.text = ""};

	if (sb_envfile_write(fd, env, how, &left, &err) < 0)
		fail_msg("%s", err.text);
}

static void test_nul(void **state)
{
	static const char want[] = "A=1\0EMPTY=\0F()=() {\n x\n}\0B=2 ";
	struct stat st;

	(void)state;
	umask(0);
	write_as(vars, SB_ENV_FILE_NUL);
	holds(want, sizeof(want));
	assert_int_equal(left.n, 0);
	assert_int_equal(stat(tree_path(dir, SB_ENVFILE_NAME), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

static void test_newline(void **state)
{
	(void)state;
	write_as(vars, SB_ENV_FILE_NEWLINE);
	holds("A=1\nEMPTY=\nB=2 \n", 16);
	assert_int_equal(left.n, 1);
	assert_string_equal(left.v[0], "F()");
}

static void test_none(void **state)
{
	(void)state;
	write_as(vars, SB_ENV_FILE_NONE);
	write_as(vars, SB_ENV_FILE_AUTO);
	assert_int_equal(access(tree_path(dir, SB_ENVFILE_NAME), F_OK), -1);
	write_as(NULL, SB_ENV_FILE_NUL);
	holds("", 0);
}

static void test_fails(void **state)
{
	struct sb_err err = {.text = ""};

	(void)state;
	assert_int_equal(
		sb_envfile_write(-1, vars, SB_ENV_FILE_NUL, &left, &err), -1);
	assert_contains(err.text, "environment: ");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_nul),
		TEST(test_newline),
		TEST(test_none),
		TEST(test_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
