/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include "tree.h"

#include "../../helper/plugstack.h"

static char top[64];

static int setup(void **state)
{
	(void)state;
	strcpy(top, tree_make());
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	tree_remove(top);
	return 0;
}

static int read_it(struct sb_plugstack *p, struct sb_err *err)
{
	return sb_plugstack_read(p, tree_path(top, "plugstack.conf"), "our.so",
				 err);
}

static void test_lines(void **state)
{
	struct sb_plugstack p;
	struct sb_err err;

	(void)state;
	tree_file(top, "plugstack.conf",
		  "# required our.so\n"
		  "required /usr/lib/slurm/other.so x=our.so\n"
		  "\toptional  our.so # conf=/no\n"
		  "\n"
		  "required /x/our.so conf=/a/b strange conf=/c\n"
		  "required /x/not-our.so\n");
	assert_int_equal(read_it(&p, &err), 0);
	assert_int_equal(p.n, 2);
	assert_int_equal(p.lines[0].line, 3);
	assert_int_equal(p.lines[0].required, 0);
	assert_string_equal(p.lines[0].plugin, "our.so");
	assert_null(p.lines[0].conf);
	assert_null(p.lines[0].strange);
	assert_int_equal(p.lines[1].line, 5);
	assert_int_equal(p.lines[1].required, 1);
	assert_string_equal(p.lines[1].conf, "/c");
	assert_string_equal(p.lines[1].strange, "strange");
	assert_null(p.broken);
	sb_plugstack_free(&p);
}

/* A glob, relative to its file; in its order; one that matches nothing. */
static void test_include(void **state)
{
	struct sb_plugstack p;
	struct sb_err err;

	(void)state;
	tree_dir(top, "d");
	tree_file(top, "plugstack.conf",
		  "include d/*.conf\ninclude /nonesuch/*\n"
		  "include d/missing\n");
	tree_file(top, "d/b.conf", "required our.so");
	tree_file(top, "d/a.conf", "optional our.so\ninclude deeper\n");
	tree_file(top, "d/c.txt", "required our.so\n");
	tree_file(top, "d/deeper", "required dir/our.so\n");
	assert_int_equal(read_it(&p, &err), 0);
	assert_int_equal(p.n, 3);
	assert_contains(p.lines[0].file, "/d/a.conf");
	assert_contains(p.lines[1].file, "/d/deeper");
	assert_contains(p.lines[2].file, "/d/b.conf");
	sb_plugstack_free(&p);
}

static void test_broken(void **state)
{
	struct sb_plugstack p;
	struct sb_err err;

	(void)state;
	tree_file(top, "plugstack.conf",
		  "ok\nrequire our.so\nrequired our.so\n");
	assert_int_equal(read_it(&p, &err), 0);
	assert_int_equal(p.n, 1);
	assert_contains(p.broken, "plugstack.conf:1");
	sb_plugstack_free(&p);
}

static void test_none(void **state)
{
	struct sb_plugstack p;
	struct sb_err err;

	(void)state;
	assert_int_equal(read_it(&p, &err), 0);
	assert_int_equal(p.n, 0);
	sb_plugstack_free(&p);
	tree_dir(top, "plugstack.conf");
	assert_int_equal(read_it(&p, &err), -1);
	sb_plugstack_free(&p);
}

static void test_endless(void **state)
{
	struct sb_plugstack p;
	struct sb_err err;

	(void)state;
	tree_file(top, "plugstack.conf", "include plugstack.conf\n");
	assert_int_equal(read_it(&p, &err), -1);
	assert_contains(err.text, "too deep");
	sb_plugstack_free(&p);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_lines), T(test_include), T(test_broken),
		T(test_none),  T(test_endless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
