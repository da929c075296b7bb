/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include "tree.h"

#include "../../helper/view.h"

#include <errno.h>

static char top[64];
static struct sb_view view;
static json_t *mounts;

/* A root file system as images have it: /bin is a link, links are absolute;
 * and a directory of the node's bound at /opt. */
static int setup(void **state)
{
	(void)state;
	strcpy(top, tree_make());
	tree_dir(top, "rootfs");
	tree_dir(top, "rootfs/usr");
	tree_dir(top, "rootfs/usr/bin");
	tree_dir(top, "rootfs/opt");
	tree_dir(top, "node");
	tree_file(top, "node/tool", "");
	tree_file(top, "rootfs/usr/bin/sh", "");
	tree_file(top, "rootfs/usr/bin/plain", "");
	tree_link(top, "rootfs/bin", "usr/bin");
	tree_link(top, "rootfs/usr/bin/awk", "/alternatives/../etc-awk");
	tree_link(top, "rootfs/etc-awk", "/opt/tool");
	tree_dir(top, "rootfs/alternatives");
	tree_link(top, "rootfs/loop", "/loop");
	tree_link(top, "rootfs/out", "../../../../../../usr/bin/sh");
	chmod(tree_path(top, "rootfs/usr/bin/sh"), 0755);
	chmod(tree_path(top, "node/tool"), 0755);
	mounts = json_pack("[{s:s,s:s,s:s},{s:s,s:s,s:s}]", "destination",
			   "/proc", "type", "proc", "source", "proc",
			   "destination", "/opt", "type", "bind", "source",
			   tree_path(top, "node"));
	view.rootfs_fd = open(tree_path(top, "rootfs"), O_PATH | O_DIRECTORY);
	view.mounts = mounts;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	close(view.rootfs_fd);
	json_decref(mounts);
	tree_remove(top);
	return 0;
}

static const char *find(const char *path)
{
	static struct sb_seen seen;

	errno = 0;
	return sb_view_find(&view, path, &seen) < 0 ? NULL : seen.inside;
}

static void test_links(void **state)
{
	struct sb_seen seen;

	(void)state;
	assert_string_equal(find("/bin/sh"), "/usr/bin/sh");
	assert_string_equal(find("//bin/./..//bin/sh"), "/usr/bin/sh");
	/* Nothing leads out. */
	assert_string_equal(find("/out"), "/usr/bin/sh");
	assert_string_equal(find("/../.."), "");
	assert_null(find("/loop"));
	assert_int_equal(errno, ELOOP);
	assert_null(find("/bin/nonesuch"));
	assert_int_equal(errno, ENOENT);
	assert_null(find("/bin/sh/x"));
	assert_int_equal(errno, ENOTDIR);
	assert_int_equal(sb_view_find(&view, "/bin/sh", &seen), 0);
	assert_string_equal(seen.node, "./usr/bin/sh");
}

static void test_mounts(void **state)
{
	struct sb_seen seen;
	int fd;

	(void)state;
	assert_string_equal(find("/bin/awk"), "/opt/tool");
	assert_int_equal(sb_view_find(&view, "/bin/awk", &seen), 0);
	assert_string_equal(seen.node, tree_path(top, "node/tool"));
	fd = sb_view_open(&view, &seen, O_RDONLY);
	assert_true(fd >= 0);
	close(fd);
	assert_null(find("/opt/other"));
	assert_int_equal(errno, ENOENT);
	assert_null(find("/proc/self"));
	assert_int_equal(errno, EXDEV);
}

static void test_command(void **state)
{
	struct sb_seen seen;

	(void)state;
	assert_int_equal(sb_view_command(&view, "sh", "/x:/bin", &seen), 0);
	assert_string_equal(seen.inside, "/usr/bin/sh");
	assert_int_equal(sb_view_command(&view, "sh", NULL, &seen), 0);
	assert_int_equal(sb_view_command(&view, "tool", "/bin:/opt", &seen), 0);
	assert_int_equal(sb_view_command(&view, "tool", "/bin", &seen), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(sb_view_command(&view, "plain", "/bin:/opt", &seen),
			 -1);
	assert_int_equal(errno, EACCES);
	assert_int_equal(sb_view_command(&view, "/usr/bin", NULL, &seen), -1);
	assert_int_equal(errno, EACCES);
	assert_int_equal(sb_view_command(&view, "x", "/bin:/proc/x", &seen),
			 -1);
	assert_int_equal(errno, EXDEV);
}

static void test_long(void **state)
{
	char path[9000];

	(void)state;
	memset(path, 'x', sizeof(path));
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	assert_null(find(path));
	assert_int_equal(errno, ENAMETOOLONG);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

static void test_bound_root(void **state)
{
	struct sb_view bound = view;
	struct sb_seen seen;

	(void)state;
	bound.mounts = json_pack("[{s:s,s:s,s:s}]", "destination", "/", "type",
				 "bind", "source", tree_path(top, "node"));
	assert_int_equal(sb_view_find(&bound, "/tool", &seen), 0);
	assert_string_equal(seen.inside, "/tool");
	assert_string_equal(seen.node, tree_path(top, "node/tool"));
	assert_int_equal(sb_view_find(&bound, "/usr", &seen), -1);
	json_decref((json_t *)bound.mounts);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_links), T(test_mounts),	   T(test_command),
		T(test_long),  T(test_bound_root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
