/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include "tree.h"

#include "../../helper/mounts.h"

#include <sys/statvfs.h>

static struct sb_mounts mounts;
static char base[64];

static int setup(void **state)
{
	(void)state;
	strcpy(base, tree_make());
	tree_dir(base, "dir");
	tree_file(base, "file", "x");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	sb_mounts_free(&mounts);
	tree_remove(base);
	return 0;
}

/* Paths: $B is the test's directory. */
static int parse(const char *text, struct sb_err *err)
{
	char var[80];
	char *env[] = {var,	 "REL=rel",	  "UP=/a/../b",	 "ROOT=//./",
		       "EMPTY=", "LIST=/x,/y:/z", "SLASH=/n//m", NULL};
	const struct sb_values values = {
		.letter = {['j'] = "77", ['u'] = NULL}};
	const struct sb_mounts_names names = {
		.env = env, .values = &values, .rootfs_fd = -1};

	snprintf(var, sizeof(var), "B=%s", base);
	return sb_mounts_parse(&mounts, text, "--what", &names, err);
}

static void parsed(const char *text)
{
	struct sb_err err = {.text = ""};

	if (parse(text, &err) < 0)
		fail_msg("%s", err.text);
}

static void refused(const char *text, const char *why)
{
	struct sb_err err = {.text = ""};

	assert_int_equal(parse(text, &err), -1);
	assert_int_equal(strncmp(err.text, "--what: ", 8), 0);
	assert_contains(err.text, why);
}

/* The i-th mount; options begin so, the node's own flags may follow. */
static void is(size_t i, const char *source, const char *destination,
	       const char *type, const char *options, int file)
{
	const struct sb_spec_mount *m = &mounts.list[i];

	assert_true(i < mounts.n);
	assert_string_equal(m->source, source);
	assert_string_equal(m->destination, destination);
	assert_string_equal(m->type, type);
	assert_int_equal(strncmp(m->options, options, strlen(options)), 0);
	assert_int_equal(!!m->file, file);
}

static void test_parse(void **state)
{
	(void)state;
	parsed("$B/dir,${B}/file:/f/./%j//x/,$B/dir:/d:ro+bind,"
	       "tmpfs:/t:size=1m,umount:/dev/shm/,umount:$SLASH");
	assert_int_equal(mounts.n, 4);
	is(0, tree_path(base, "dir"), tree_path(base, "dir"), "bind", "rbind",
	   0);
	is(1, tree_path(base, "file"), "/f/77/x", "bind", "rbind", 1);
	is(2, tree_path(base, "dir"), "/d", "bind", "", 0);
	assert_contains(mounts.list[2].options, "bind");
	assert_contains(mounts.list[2].options, "ro");
	is(3, "tmpfs", "/t", "tmpfs", "", 0);
	assert_contains(mounts.list[3].options, "size=1m");
	assert_contains(mounts.list[3].options, "nosuid");
	assert_int_equal(mounts.umounts.n, 2);
	assert_string_equal(mounts.umounts.v[0], "/dev/shm");
	assert_string_equal(mounts.umounts.v[1], "/n/m");
	/* a second list comes behind the first */
	parsed("tmpfs:/second");
	is(4, "tmpfs", "/second", "tmpfs", "", 0);
	parsed("");
	assert_int_equal(mounts.n, 5);
}

/* A value is no grammar: it can make no second mount. */
static void test_value_is_no_list(void **state)
{
	(void)state;
	refused("$LIST:/b", "/x,: No such file");
	assert_int_equal(mounts.n, 0);
	parsed("tmpfs:$LIST");
	assert_int_equal(mounts.n, 1);
	is(0, "tmpfs", "/x,/y:/z", "tmpfs", "", 0);
}

static void test_many(void **state)
{
	char text[64];

	(void)state;
	for (int i = 0; i < 300; i++) {
		snprintf(text, sizeof(text), "tmpfs:/t%d", i);
		parsed(text);
	}
	assert_int_equal(mounts.n, 300);
	is(0, "tmpfs", "/t0", "tmpfs", "", 0);
	is(299, "tmpfs", "/t299", "tmpfs", "", 0);
}

static void test_missing(void **state)
{
	(void)state;
	/* the part that is lacking is named */
	refused("$B/none/deep:/b", tree_path(base, "none: No such file"));
	refused("$B/file/x:/b", "Not a directory");
	assert_int_equal(mounts.n, 0);
	parsed("$B/none:/b:optional,$B/dir:/c:optional");
	assert_int_equal(mounts.n, 1);
	is(0, tree_path(base, "dir"), "/c", "bind", "rbind", 0);
	/* optional excuses a missing source, and nothing else */
	refused("$NONE:/b:optional", "$NONE: not set");
	refused("$B/dir:/b:optional+x-create=file", "is a directory");
}

static void test_create(void **state)
{
	(void)state;
	parsed("$B/dir:/a:x-create=dir,$B/file:/b:x-create=file,"
	       "$B/file:/c:x-create=auto");
	assert_int_equal(mounts.n, 3);
	assert_false(mounts.list[0].file);
	assert_true(mounts.list[1].file);
	assert_true(mounts.list[2].file);
	for (int i = 0; i < 3; i++)
		assert_null(strstr(mounts.list[i].options, "x-create"));
	refused("$B/dir:/a:x-create=file", "is a directory, against x-create");
	refused("$B/file:/a:x-create=dir",
		"is not a directory, against x-create");
}

static void test_refused(void **state)
{
	(void)state;
	refused("$REL:/b", "rel: ");
	refused("$B/dir:$REL", "rel: not absolute");
	refused("$B/dir:$EMPTY", "not absolute");
	refused("$EMPTY$B/dir:$UP", "\"..\"");
	refused("$B/dir:$ROOT", "whole container");
	refused("umount:$ROOT", "whole container");
	refused("umount:$REL", "not absolute");
	refused("$B/dir:/proc", "destination /proc: only /proc itself");
	refused("tmpfs:/proc", "destination /proc: only /proc itself");
	refused("umount:/proc", "destination /proc: only /proc itself");
	refused("umount:/./dev/", "umount:/dev: no container can do without");
	refused("$B/dir:/%q", "%q: no such letter");
	refused("$B/dir:/%u", "%u: not known here");
	refused("$B/dir:/a,", "empty");
	refused("dir", "not absolute");
}

/* A relative path that exists all the same is not mounted. */
static void test_relative_exists(void **state)
{
	(void)state;
	assert_int_equal(chdir(base), 0);
	assert_int_equal(mkdir("rel", 0700), 0);
	refused("$REL:/b", "rel: not absolute");
	assert_int_equal(mounts.n, 0);
	assert_int_equal(chdir("/"), 0);
}

/* What the node's mount has is locked in a user namespace. */
static void test_locked_flags(void **state)
{
	static const struct {
		unsigned long flag;
		const char *name;
	} flags[] = {{ST_RDONLY, ",ro"},
		     {ST_NOSUID, ",nosuid"},
		     {ST_NODEV, ",nodev"},
		     {ST_NOEXEC, ",noexec"}};
	struct sb_err err = {.text = ""};
	struct statvfs fs;

	(void)state;
	assert_int_equal(statvfs("/proc/version", &fs), 0);
	assert_int_equal(
		sb_mounts_bind(&mounts, "/proc/version", "/v", "bind", &err),
		0);
	is(0, "/proc/version", "/v", "bind", "bind", 1);
	for (int i = 0; i < 4; i++)
		assert_int_equal(
			!!strstr(mounts.list[0].options, flags[i].name),
			!!(fs.f_flag & flags[i].flag));
	assert_int_equal(
		sb_mounts_bind(&mounts, "/nonexistent", "/v", "bind", &err),
		-1);
	assert_contains(err.text, "mount of /nonexistent: No such file");
	assert_int_equal(mounts.n, 1);
}

static void test_cover(void **state)
{
	(void)state;
	assert_false(sb_mounts_cover(&mounts, "/a"));
	parsed("tmpfs:/a/b,tmpfs:/c");
	assert_true(sb_mounts_cover(&mounts, "/a/b"));
	assert_true(sb_mounts_cover(&mounts, "/a/b/c"));
	assert_true(sb_mounts_cover(&mounts, "/c/d"));
	assert_false(sb_mounts_cover(&mounts, "/a"));
	assert_false(sb_mounts_cover(&mounts, "/a/bc"));
	assert_false(sb_mounts_cover(&mounts, "/"));
}

static void test_path(void **state)
{
	const char *a = sb_mounts_path(&mounts, "/a", "b"), *b = NULL;

	(void)state;
	/* it stays where it is when more are added */
	for (int i = 0; i < 100; i++)
		b = sb_mounts_path(&mounts, a, "c");
	assert_string_equal(a, "/a/b");
	assert_string_equal(b, "/a/b/c");
}

/* ---- what the root file system lacks ---- */

#define LACKING_MAX 256

/* Paths that lack, a file's with "=f", joined by blanks. */
static char *lacking(const char *config)
{
	static char text[LACKING_MAX];
	struct sb_layer_point *points = NULL;
	struct sb_err err = {.text = ""};
	int fd = open(base, O_PATH | O_DIRECTORY | O_CLOEXEC);
	json_t *j = json_loads(config, 0, NULL);
	size_t n = 0, at = 0;

	assert_non_null(j);
	if (sb_mounts_lacking(j, fd, &points, &n, &err) < 0)
		fail_msg("%s", err.text);
	*text = '\0';
	for (size_t i = 0; i < n; i++)
		at += snprintf(text + at, sizeof(text) - at, "%s%s%s",
			       i ? " " : "", points[i].path,
			       points[i].file ? "=f" : "");
	assert_true(at < sizeof(text));
	free(points);
	json_decref(j);
	close(fd);
	return text;
}

#define MOUNTS(list) "{\"mounts\":[" list "]}"
#define TMPFS(dest) "{\"destination\":\"" dest "\",\"type\":\"tmpfs\"}"
#define BIND(src, dest)                                                        \
	"{\"destination\":\"" dest "\",\"type\":\"bind\",\"source\":\"" src    \
	"\"}"

static void test_lacking(void **state)
{
	(void)state;
	assert_string_equal(lacking("{}"), "");
	assert_string_equal(lacking(MOUNTS(TMPFS("/dir"))), "");
	assert_string_equal(lacking(MOUNTS(TMPFS("/none") "," TMPFS("/dir/x"))),
			    "/none /dir/x");
	/* neither a relative one nor what has none is a point of ours */
	assert_string_equal(
		lacking(MOUNTS(TMPFS("rel") ",{},7," TMPFS("/dir"))), "");
	/* a device is a file, and its mount may come before it or after */
	assert_string_equal(
		lacking("{\"linux\":{\"devices\":[{\"path\":\"/opt/"
			"null\"},{\"path\""
			":\"/dir/null\"},{\"path\":\"/file\"},{\"path\":\"/"
			"none/a\"},"
			"{\"path\":\"rel\"},{},7]},\"mounts\":[" TMPFS(
				"/none") "]}"),
		"/none /opt/null=f /dir/null=f");
}

/* What an earlier mount covers is made in that, by the runtime. */
static void test_lacking_below(void **state)
{
	(void)state;
	assert_string_equal(lacking(MOUNTS(TMPFS("/dir") "," TMPFS("/dir/x"))),
			    "");
	assert_string_equal(
		lacking(MOUNTS(TMPFS("/none/") "," TMPFS("/none/x/y"))),
		"/none/");
	/* a later one covers nothing yet */
	assert_string_equal(lacking(MOUNTS(TMPFS("/dir/x") "," TMPFS("/dir"))),
			    "/dir/x");
	assert_string_equal(lacking(MOUNTS(TMPFS("/dir") "," TMPFS("/dirx"))),
			    "/dirx");
}

static void test_lacking_file(void **state)
{
	(void)state;
	assert_string_equal(
		lacking(MOUNTS(BIND("/etc/passwd", "/f") "," BIND(
			"/etc", "/d") "," BIND("/nonexistent", "/n"))),
		"/f=f /d /n");
	/* a bind says so by its type or by an option */
	assert_string_equal(
		lacking(MOUNTS("{\"destination\":\"/f\",\"type\":\"none\","
			       "\"source\":\"/etc/passwd\",\"options\":"
			       "[\"ro\",\"rbind\"]},"
			       "{\"destination\":\"/g\",\"type\":\"proc\","
			       "\"source\":\"/etc/passwd\"}")),
		"/f=f /g");
}

/* Links mean what they mean inside. */
static void test_lacking_links(void **state)
{
	(void)state;
	tree_link(base, "to-dir", "/dir");
	tree_link(base, "to-etc", "/etc");
	tree_link(base, "up", "../../../../etc");
	tree_link(base, "loop", "loop");
	assert_string_equal(lacking(MOUNTS(TMPFS("/to-dir"))), "");
	assert_string_equal(lacking(MOUNTS(TMPFS("/to-dir/x"))), "/to-dir/x");
	/* the host has these, the container has not */
	assert_string_equal(lacking(MOUNTS(TMPFS("/to-etc"))), "/to-etc");
	assert_string_equal(lacking(MOUNTS(TMPFS("/up/passwd"))), "/up/passwd");
	assert_string_equal(lacking(MOUNTS(TMPFS("/loop/x"))), "/loop/x");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_parse),
		TEST(test_value_is_no_list),
		TEST(test_many),
		TEST(test_missing),
		TEST(test_create),
		TEST(test_refused),
		TEST(test_relative_exists),
		TEST(test_locked_flags),
		TEST(test_cover),
		TEST(test_path),
		TEST(test_lacking),
		TEST(test_lacking_below),
		TEST(test_lacking_file),
		TEST(test_lacking_links),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
