/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The layer, made for real, each time in a child with its own namespaces. */
#define _GNU_SOURCE
#include "tree.h"

#include "../../helper/fdio.h"
#include "../../helper/layer.h"
#include "../../helper/userns.h"
#include "../../spank/contract.h"
#include "../../spank/proc.h"
#include "../../spank/reap.h"

#include <errno.h>
#include <grp.h>
#include <sys/prctl.h>
#include <sys/vfs.h>
#include <sys/wait.h>

#define NOBODY 65534
#define SKIP 77

/* The root file system, the step directory, WritablePath: all in a directory of
 * the test's. What is tested removes trees, and root's tests may remove any:
 * one that goes a level too far must not find itself in /tmp. */
static char base[64], rootfs[80], step[80], store[80];

static int setup(void **state)
{
	(void)state;
	strcpy(base, tree_make());
	assert_int_equal(chmod(base, 0755), 0);
	strcpy(rootfs, tree_path(base, "rootfs"));
	strcpy(step, tree_path(base, "step"));
	strcpy(store, tree_path(base, "store"));
	tree_dir(base, "rootfs");
	tree_dir(base, "step");
	tree_dir(base, "store");
	tree_dir(rootfs, "etc");
	tree_file(rootfs, "etc/passwd", "x");
	tree_dir(rootfs, "srv");
	assert_int_equal(chmod(tree_path(rootfs, "srv"), 0711), 0);
	tree_link(rootfs, "abs", "/srv");
	tree_link(rootfs, "rel", "srv");
	tree_link(rootfs, "up", "../../../../srv");
	tree_link(rootfs, "etc/resolv.conf", "../run/systemd/resolv.conf");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	tree_remove(base);
	return 0;
}

/* ---- what a child does ---- */

/* Ends the child: it must not go on with the tests. */
#define CHECK(what)                                                            \
	do {                                                                   \
		if (!(what)) {                                                 \
			fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, \
				#what, strerror(errno));                       \
			_exit(1);                                              \
		}                                                              \
	} while (0)

/* In the child, inside its namespaces: of has what every layer needs, l is
 * zero. */
typedef void child_fn(struct sb_layer_of *of, struct sb_layer *l);

static void enter(int own)
{
	struct sb_err err = {.text = ""};

	if (!own && !geteuid()) {
		CHECK(!setgroups(0, NULL) &&
		      !setresgid(NOBODY, NOBODY, NOBODY));
		CHECK(!setresuid(NOBODY, NOBODY, NOBODY));
		/* or /proc/self stays root's */
		CHECK(!prctl(PR_SET_DUMPABLE, 1));
	}
	if (!sb_userns_enter(&err))
		return;
	print_message("no user namespace here: %s\n", err.text);
	fflush(NULL);
	_exit(SKIP);
}

static void child(int own, child_fn *fn)
{
	struct sb_layer l = {.root = NULL};
	struct sb_taskdir dir;
	struct sb_layer_of of = {
		.rootfs = rootfs, .dir = &dir, .name = "1.2.0.0", .node = "n1"};
	struct sb_err err = {.text = ""};

	enter(own);
	CHECK(!sb_taskdir_open(&dir, step, 0, &err));
	of.rootfs_fd = open(rootfs, O_PATH | O_DIRECTORY | O_CLOEXEC);
	CHECK(of.rootfs_fd >= 0);
	fn(&of, &l);
	sb_layer_close(&l);
	close(of.rootfs_fd);
	sb_taskdir_close(&dir);
	_exit(0);
}

/*
 * own: the root file system is the user's, as is everything else. Otherwise it
 * is root's, where the tests run as root; where not, it is at least read-only.
 */
static void in_child(int own, child_fn *fn)
{
	int status;
	pid_t pid;

	if (!own && !geteuid())
		assert_true(!chown(step, NOBODY, NOBODY) &&
			    !chown(store, NOBODY, NOBODY));
	pid = fork();
	assert_true(pid >= 0);
	if (!pid)
		child(own, fn);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == SKIP)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void make(struct sb_layer_of *of, struct sb_layer *l)
{
	struct sb_err err = {.text = ""};

	if (!sb_layer_make(l, of, &err))
		return;
	fprintf(stderr, "%s\n", err.text);
	/* Linux < 5.11 has no overlayfs for users. */
	_exit(strstr(err.text, "fuse-overlayfs is not installed") ? SKIP : 1);
}

static void refused(struct sb_layer_of *of, struct sb_layer *l, const char *why)
{
	struct sb_err err = {.text = ""};

	CHECK(sb_layer_make(l, of, &err) < 0);
	if (strstr(err.text, why))
		return;
	fprintf(stderr, "\"%s\" is not in \"%s\"\n", why, err.text);
	_exit(1);
}

/* tree.h's functions end a test, and not a child. */
static void change(const char *top, const char *name)
{
	int fd = open(tree_path(top, name), O_WRONLY | O_CREAT | O_TRUNC, 0600);

	CHECK(fd >= 0 && write(fd, "y", 1) == 1);
	CHECK(!close(fd));
}

static mode_t mode(const char *top, const char *name)
{
	struct stat st;

	return lstat(tree_path(top, name), &st) < 0 ? 0 : st.st_mode;
}

/* A number that changes with whatever is in the tree. */
static unsigned long fingerprint;

static int add_entry(const char *path, const struct stat *st, int type,
		     struct FTW *at)
{
	(void)type, (void)at;
	for (; *path; path++)
		fingerprint = fingerprint * 31 + (unsigned char)*path;
	fingerprint = fingerprint * 31 + st->st_mode;
	fingerprint = fingerprint * 31 + st->st_size;
	fingerprint = fingerprint * 31 + st->st_mtim.tv_nsec;
	fingerprint = fingerprint * 31 + st->st_ctim.tv_nsec;
	return 0;
}

static unsigned long tree_print(const char *top)
{
	fingerprint = 0;
	assert_int_equal(nftw(top, add_entry, 16, FTW_PHYS), 0);
	return fingerprint;
}

/* ---- mount points ---- */

static const struct sb_layer_point points[] = {
	{.path = "/new/dir/deep"},
	{.path = "/etc/new.conf", .file = 1},
	{.path = "/abs/a"},
	{.path = "/rel/b/c", .file = 1},
	{.path = "/up/d"},
	{.path = "/srv"},
	{.path = "/etc/resolv.conf", .file = 1},
	{.path = "/new/dir/deep"},
	{.path = "//etc//new//"},
};

static int is_fuse(const char *path)
{
	struct statfs fs;

	return !statfs(path, &fs) && fs.f_type == 0x65735546;
}

static void check_points(struct sb_layer_of *of, struct sb_layer *l)
{
	of->points = points;
	of->n_points = sizeof(points) / sizeof(points[0]);
	make(of, l);
	CHECK(l->root && !strncmp(l->root, step, strlen(step)));
	CHECK(l->data && !is_fuse(l->root));
	CHECK(S_ISDIR(mode(l->root, "new/dir/deep")));
	CHECK(S_ISREG(mode(l->root, "etc/new.conf")));
	CHECK(S_ISDIR(mode(l->root, "etc/new")));
	/* a link leads on to what it led to */
	CHECK(S_ISLNK(mode(l->root, "abs")) && S_ISLNK(mode(l->root, "rel")));
	CHECK(S_ISDIR(mode(l->root, "srv/a")));
	CHECK(S_ISDIR(mode(l->root, "srv/b")));
	CHECK(S_ISREG(mode(l->root, "srv/b/c")));
	CHECK(S_ISDIR(mode(l->root, "srv/d")));
	/* one that leads nowhere is no mount point: a file is in its place */
	CHECK(S_ISREG(mode(l->root, "etc/resolv.conf")));
	/* directories that were there keep their modes and entries */
	CHECK(mode(l->root, "srv") == (S_IFDIR | 0711));
	CHECK(mode(l->root, "etc") == mode(rootfs, "etc"));
	CHECK(mode(l->root, ".") == mode(rootfs, "."));
	CHECK(S_ISREG(mode(l->root, "etc/passwd")));
	CHECK(access(tree_path(step, "task-0/" SB_FILE_LAYER), F_OK) < 0);
}

static void test_points_of_others(void **state)
{
	unsigned long before = tree_print(rootfs);

	(void)state;
	in_child(0, check_points);
	assert_true(tree_print(rootfs) == before);
}

static void test_points_of_own(void **state)
{
	unsigned long before = tree_print(rootfs);

	(void)state;
	in_child(1, check_points);
	assert_true(tree_print(rootfs) == before);
}

/* A file with a text, in place of what is there, and where nothing is. */
static void check_copies(struct sb_layer_of *of, struct sb_layer *l)
{
	char source[128];
	const struct sb_layer_point copies[] = {
		{.path = "/etc/passwd", .source = source},
		{.path = "/rel/x/copy", .source = source},
	};
	const struct sb_layer_point none[] = {
		{.path = "/etc/passwd", .source = "/nonexistent/file"},
	};
	struct sb_err err = {.text = ""};
	size_t len;
	char *text;

	strcpy(source, tree_path(step, "text"));
	change(step, "text");
	of->points = copies;
	of->n_points = 2;
	make(of, l);
	for (int i = 0; i < 2; i++) {
		text = sb_fdio_read(AT_FDCWD,
				    tree_path(l->root, copies[i].path + 1), 99,
				    "copy", &len, &err);
		CHECK(text && !strcmp(text, "y"));
		free(text);
		CHECK(mode(l->root, copies[i].path) == (S_IFREG | 0644));
	}
	CHECK(S_ISREG(mode(l->root, "srv/x/copy")));
	CHECK(mode(l->root, "etc") == mode(rootfs, "etc"));
	CHECK(!unlink(source));
	sb_layer_close(l);
	of->points = none;
	of->n_points = 1;
	refused(of, l, "/etc/passwd: ");
}

static void test_copies(void **state)
{
	unsigned long before = tree_print(rootfs);

	(void)state;
	in_child(0, check_copies);
	assert_true(tree_print(rootfs) == before);
}

static void check_closed(struct sb_layer_of *of, struct sb_layer *l)
{
	make(of, l);
	CHECK(!mkdir(tree_path(l->root, "x"), 0700) || errno == EACCES);
	CHECK(S_ISREG(mode(step, "task-0/rootfs/etc/passwd")));
	sb_layer_close(l);
	CHECK(!l->root && !l->data);
	CHECK(!mode(step, "task-0/rootfs/etc/passwd"));
	CHECK(!mode(step, "task-0/layer/upper"));
	/* twice is no harm */
	sb_layer_close(l);
}

static void test_closed(void **state)
{
	(void)state;
	in_child(0, check_closed);
	/* mount points of the layer's own are left, both empty */
	assert_int_equal(rmdir(tree_path(step, "task-0/rootfs")), 0);
	assert_int_equal(rmdir(tree_path(step, "task-0/layer")), 0);
}

/* ---- writable ---- */

static char record[512];

static const char *read_record(const struct sb_layer_of *of)
{
	struct sb_err err = {.text = ""};
	size_t len;
	char *text = sb_fdio_read(of->dir->fd, SB_FILE_LAYER,
				  sizeof(record) - 1, "record", &len, &err);

	CHECK(text);
	strcpy(record, text);
	free(text);
	return record;
}

static void check_store(struct sb_layer_of *of, struct sb_layer *l)
{
	char boot[40], start[160];

	of->store = store;
	of->points = points;
	of->n_points = 1;
	make(of, l);
	CHECK(!l->data && !is_fuse(l->root));
	CHECK(S_ISDIR(mode(l->root, "new/dir/deep")));
	/* what is changed is in the store, in a directory that says whose */
	sb_proc_boot(boot);
	snprintf(start, sizeof(start), "%s/" SB_LAYER_PREFIX "n1.%.8s.1.2.0.0.",
		 store, boot);
	CHECK(!strncmp(read_record(of), start, strlen(start)));
	CHECK(mode(record, ".") == (S_IFDIR | 0700));
	change(l->root, "etc/passwd");
	change(l->root, "new/f");
	CHECK(!unlink(tree_path(l->root, "rel")));
	CHECK(S_ISREG(mode(record, "upper/etc/passwd")));
	CHECK(S_ISREG(mode(record, "upper/new/f")));
	CHECK(!mode(l->root, "rel"));
	sb_layer_close(l);
	CHECK(S_ISREG(mode(record, "upper/new/f")));
}

/* They go with the step directory. */
static void reap(void)
{
	struct sb_reap all = {.name = "1.2.0", .task = -1};
	int fd = open(step, O_PATH | O_DIRECTORY | O_CLOEXEC);

	assert_int_equal(sb_reap(fd, -1, &all), SB_REAP_DONE);
	close(fd);
	/* both are empty: rmdir takes nothing else */
	assert_int_equal(rmdir(step), 0);
	assert_int_equal(rmdir(store), 0);
}

static void test_store(void **state)
{
	unsigned long before = tree_print(rootfs);

	(void)state;
	in_child(1, check_store);
	assert_true(tree_print(rootfs) == before);
	reap();
}

static void put_store(const char *name)
{
	char upper[128];

	snprintf(upper, sizeof(upper), "%s/upper", name);
	tree_dir(store, name);
	tree_dir(store, upper);
}

static void check_sweep(struct sb_layer_of *of, struct sb_layer *l)
{
	of->store = store;
	make(of, l);
}

/* What earlier boots of this node left is swept, and nothing else. */
static void test_store_swept(void **state)
{
	static const char *const stay[] = {"stepbox.n2.00000000.1.2.0.0.x",
					   "stepbox.n10.00000000.a",
					   "other.n1.00000000.a", "stepbox.n1"};
	char boot[40], ours[80];

	(void)state;
	sb_proc_boot(boot);
	snprintf(ours, sizeof(ours), "stepbox.n1.%.8s.9.9.0.0.x", boot);
	tree_file(base, "beside", "x");
	put_store("stepbox.n1.00000000.1.2.0.0.x");
	put_store(ours);
	for (int i = 0; i < 4; i++)
		put_store(stay[i]);
	tree_dir(store, "precious");
	tree_link(store, "stepbox.n1.11111111.link", "precious");
	in_child(1, check_sweep);
	assert_false(mode(store, "stepbox.n1.00000000.1.2.0.0.x"));
	assert_true(S_ISDIR(mode(store, ours)));
	for (int i = 0; i < 4; i++)
		assert_true(S_ISDIR(mode(store, stay[i])));
	assert_true(S_ISDIR(mode(store, "precious")));
	assert_true(S_ISREG(mode(base, "beside")));
}

/* Files of others can be changed through fuse-overlayfs only. */
static void check_no_fuse(struct sb_layer_of *of, struct sb_layer *l)
{
	of->store = store;
	refused(of, l, "fuse-overlayfs is not installed");
	sb_layer_close(l);
	/* whatever was begun is written down */
	CHECK(S_ISDIR(mode(read_record(of), ".")));
	of->fuse = "/bin/false";
	refused(of, l, "fuse-overlayfs: it ended without a word");
	sb_layer_close(l);
}

static void check_fuse(struct sb_layer_of *of, struct sb_layer *l)
{
	of->store = store;
	of->fuse = "/usr/bin/fuse-overlayfs";
	if (access(of->fuse, X_OK) < 0 ||
	    access("/dev/fuse", R_OK | W_OK) < 0) {
		print_message("no %s or no /dev/fuse here\n", of->fuse);
		fflush(NULL);
		_exit(SKIP);
	}
	make(of, l);
	CHECK(is_fuse(l->root));
	change(l->root, "etc/passwd");
	CHECK(!mkdir(tree_path(l->root, "srv/new"), 0700));
	CHECK(S_ISREG(mode(read_record(of), "upper/etc/passwd")));
}

static void with_others(child_fn *fn)
{
	unsigned long before = tree_print(rootfs);

	if (geteuid()) {
		print_message("only root has a tree that is another's\n");
		skip();
	}
	in_child(0, fn);
	assert_true(tree_print(rootfs) == before);
}

static void test_no_fuse(void **state)
{
	(void)state;
	with_others(check_no_fuse);
}

static void test_fuse(void **state)
{
	(void)state;
	with_others(check_fuse);
}

static void check_refused(struct sb_layer_of *of, struct sb_layer *l)
{
	of->store = "/nonexistent/store";
	refused(of, l, "WritablePath /nonexistent/store: No such file");
	sb_layer_close(l);
	of->store = "/proc";
	refused(of, l, "WritablePath /proc: ");
	sb_layer_close(l);
	CHECK(of->store && !l->root && !l->data);
}

static void test_refused(void **state)
{
	(void)state;
	in_child(1, check_refused);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_points_of_others),
		TEST(test_points_of_own),
		TEST(test_copies),
		TEST(test_closed),
		TEST(test_store),
		TEST(test_store_swept),
		TEST(test_no_fuse),
		TEST(test_fuse),
		TEST(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
