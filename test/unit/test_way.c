/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include "tree.h"

#include "../../helper/way.h"
#include "../../spank/contract.h"

#include <limits.h>
#include <sys/stat.h>

static char base[64];

static int setup(void **state)
{
	(void)state;
	strcpy(base, tree_make());
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	tree_remove(base);
	return 0;
}

/* What is said of the path; "" if it is well. */
static const char *said(const char *path)
{
	static struct sb_err err;

	err = (struct sb_err){.text = ""};
	if (sb_way_check(path, &err) < 0)
		assert_int_equal(err.code, SB_NOEXEC);
	else
		assert_string_equal(err.text, "");
	return err.text;
}

static void test_system(void **state)
{
	(void)state;
	assert_string_equal(said("/bin/sh"), "");
	assert_string_equal(said("//./bin/../bin/.//sh"), "");
	assert_string_equal(said("/../usr/bin/env"), "");
	assert_string_equal(said("/"), "");
	assert_string_equal(said("/nonexistent/x"),
			    "runtime /nonexistent/x: No such file or "
			    "directory");
}

static void test_too_long(void **state)
{
	static char path[2 * PATH_MAX];

	(void)state;
	memset(path, '/', PATH_MAX - 4);
	strcpy(path + PATH_MAX - 8, "bin/sh");
	assert_string_equal(said(path), "");
	memset(path, '/', sizeof(path) - 1);
	assert_contains(said(path), "File name too long");
	for (size_t i = 0; i < PATH_MAX - 2; i += 2)
		memcpy(path + i, "/.", 3);
	assert_string_equal(said(path), "");
}

static void make_link(const char *name, const char *to)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/%s", base, name);
	assert_int_equal(symlink(to, path), 0);
}

/* Of a tree that is root's, if the test is. */
static void fault_30_links(void **state)
{
	char path[96], want[256], to[96];

	(void)state;
	if (geteuid())
		skip();
	assert_int_equal(mkdir(tree_path(base, "open"), 0755), 0);
	make_link("one", "/bin/sh");
	make_link("two", "../../../../../../bin/./sh");
	make_link("loop", "loop");
	make_link("open/link", "../one");
	make_link("through", "open/link");
	snprintf(path, sizeof(path), "%s/one", base);
	assert_string_equal(said(path), "");
	snprintf(path, sizeof(path), "%s/two", base);
	assert_string_equal(said(path), "");
	snprintf(path, sizeof(path), "%s/through", base);
	assert_string_equal(said(path), "");
	snprintf(path, sizeof(path), "%s/loop", base);
	assert_contains(said(path), "Too many levels of symbolic links");
	/* Somebody else's, on the way from a link to another. */
	snprintf(to, sizeof(to), "%s/open", base);
	snprintf(path, sizeof(path), "%s/through", base);
	assert_int_equal(chown(to, 65534, 65534), 0);
	snprintf(want, sizeof(want),
		 "runtime %s: its directory %s must be root's and not for all "
		 "to write",
		 path, to);
	assert_string_equal(said(path), want);
	/* For all to write. */
	assert_int_equal(chown(to, 0, 0), 0);
	assert_int_equal(chmod(to, 0777), 0);
	assert_string_equal(said(path), want);
	assert_int_equal(chmod(to, 01777), 0);
	assert_string_equal(said(path), "");
	/* There anybody may have made a link. */
	strcat(to, "/link");
	assert_int_equal(lchown(to, 65534, 65534), 0);
	snprintf(want, sizeof(want), "runtime %s: its link %s must be root's",
		 path, to);
	assert_string_equal(said(path), want);
	/* Taken back, it is not gone through. */
	snprintf(path, sizeof(path), "%s/open/../one", base);
	assert_string_equal(said(path), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_system),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(fault_30_links),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
