/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which steps have a directory on this machine: nodes and records. */
#define _GNU_SOURCE
#include "tree.h"

#include "../../helper/find.h"
#include "../../helper/mem.h"
#include "../../helper/steps.h"
#include "../../spank/contract.h"
#include "../../spank/proc.h"

static char base[64];
static struct sb_steps steps;
static struct sb_err err;

static int setup(void **state)
{
	(void)state;
	strcpy(base, tree_make());
	unsetenv("SLURMD_NODENAME");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	sb_steps_free(&steps);
	tree_remove(base);
	return 0;
}

static void make_node(const char *dir)
{
	char records[128];

	tree_dir(base, dir);
	snprintf(records, sizeof(records), "%s/" SB_OWNER_DIR, dir);
	tree_dir(base, records);
}

/* A step directory of the caller's, with a record that says uid. */
static void make_step(const char *node, const char *name, uid_t uid, int dead)
{
	char path[128], text[256];
	struct sb_owner o;
	int dir;

	snprintf(path, sizeof(path), "%s/%s", node, name);
	tree_dir(base, path);
	snprintf(path, sizeof(path), "%s/" SB_OWNER_DIR "/%s", node, name);
	sb_owner_line(text, sizeof(text), uid, uid);
	tree_file(base, path, text);
	if (!dead)
		return;
	dir = open(base, O_PATH | O_DIRECTORY);
	assert_int_equal(sb_owner_read(dir, path, &o), 0);
	close(dir);
	snprintf(text, sizeof(text), "%u %u %d %llu %llu %s\n", uid, uid, o.pid,
		 o.start + 1, o.pidns, o.boot);
	tree_file(base, path, text);
}

static const char *pattern(const char *below)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s%s", base, below);
	return path;
}

static void find(const char *path, uid_t uid)
{
	sb_steps_free(&steps);
	if (sb_steps_find(&steps, path, uid, &err) < 0)
		fail_msg("%s", err.text);
}

static void test_order(void **state)
{
	static const char *const want[] = {
		"n1 9.0.0",	      "n1 10.0.0", "n1 10.0.1",
		"n1 10.4294967291.0", "n2 1.0.0",  "n10 1.0.0",
	};
	char text[64];

	(void)state;
	make_node("n1");
	make_node("n2");
	make_node("n10");
	make_step("n10", "1.0.0", 77, 0);
	make_step("n2", "1.0.0", 77, 0);
	make_step("n1", "10.4294967291.0", 77, 0);
	make_step("n1", "10.0.1", 77, 1);
	make_step("n1", "10.0.0", 77, 0);
	make_step("n1", "9.0.0", 77, 0);
	make_step("n1", "8.0.0", 78, 0);
	find(pattern(""), 77);
	assert_int_equal(steps.n, ARRAY_SIZE(want));
	for (size_t i = 0; i < steps.n; i++) {
		snprintf(text, sizeof(text), "%s %s", sb_step_node(&steps.v[i]),
			 steps.v[i].name);
		assert_string_equal(text, want[i]);
		assert_int_equal(steps.v[i].dead, i == 2);
	}
	find(pattern(""), 0);
	assert_int_equal(steps.n, ARRAY_SIZE(want) + 1);
	find(pattern(""), 79);
	assert_int_equal(steps.n, 0);
}

/* What lies beside records and is none. */
static void test_nonsense(void **state)
{
	(void)state;
	make_node("n1");
	tree_file(base, "n1/" SB_OWNER_DIR "/1.0.0", "nonsense\n");
	tree_file(base, "n1/" SB_OWNER_DIR "/1.0", "77 77 1 1 1 b\n");
	tree_file(base, "n1/" SB_OWNER_DIR "/1.0.0.18f", "77 77 1 1 1 b\n");
	tree_file(base, "n1/" SB_OWNER_DIR "/01.0.0", "77 77 1 1 1 b\n");
	tree_file(base, "n1/" SB_OWNER_DIR "/1.0.0.tmp", "77 77 1 1 1 b\n");
	tree_link(base, "n1/" SB_OWNER_DIR "/2.0.0", "1.0");
	find(pattern(""), 0);
	assert_int_equal(steps.n, 0);
	/* No node: no records, or such as another could write. */
	tree_dir(base, "n2");
	make_node("n3");
	make_step("n3", "1.0.0", 77, 0);
	assert_int_equal(chmod(tree_path(base, "n3/" SB_OWNER_DIR), 0777), 0);
	tree_link(base, "n4", "n1");
	find(pattern(""), 0);
	assert_int_equal(steps.n, 0);
	find("/nonesuch", 0);
	assert_int_equal(steps.n, 0);
}

static void test_letters(void **state)
{
	(void)state;
	tree_dir(base, "of-a");
	tree_dir(base, "of-b");
	make_node("of-a/a");
	make_node("of-b/a");
	make_step("of-a/a", "1.0.0", 77, 0);
	make_step("of-b/a", "2.0.0", 77, 0);
	find(pattern("/of-%n"), 77);
	assert_int_equal(steps.n, 1);
	assert_int_equal(steps.v[0].job, 1);
	/* What glob(7) would take for its own. */
	tree_dir(base, "x[1]*%");
	make_node("x[1]*%/n");
	make_step("x[1]*%/n", "3.0.0", 77, 0);
	tree_dir(base, "x1");
	make_node("x1/n");
	make_step("x1/n", "4.0.0", 77, 0);
	find(pattern("/x[1]*%%"), 77);
	assert_int_equal(steps.n, 1);
	assert_int_equal(steps.v[0].job, 3);
}

/* A place for each user and job: all are found. */
static void test_places(void **state)
{
	(void)state;
	tree_dir(base, "alice");
	tree_dir(base, "alice/7");
	tree_dir(base, "bob");
	tree_dir(base, "bob/8");
	make_node("alice/7/n1");
	make_node("bob/8/n2");
	make_step("alice/7/n1", "7.0.0", 77, 0);
	make_step("bob/8/n2", "8.0.0", 77, 0);
	tree_dir(base, "bob/9");
	tree_dir(base, "bob/9/n1"); /* without records */
	find(pattern("/%u/%j"), 77);
	assert_int_equal(steps.n, 2);
	assert_int_equal(steps.v[0].job, 7);
	assert_string_equal(sb_step_node(&steps.v[1]), "n2");
	find(pattern("/%u/%j/%t/x"), 77);
	assert_int_equal(steps.n, 2);
	find(pattern("/%u"), 77);
	assert_int_equal(steps.n, 0);
}

/* Into another's step, which root has in the list, nobody looks. */
static void test_find_another(void **state)
{
	const struct sb_target target = {.job = 5}, own = {.job = 6};
	struct sb_found f;
	uid_t other = geteuid() + 77;

	(void)state;
	make_node("n1");
	make_step("n1", "5.0.0", other, 0);
	tree_dir(base, "n1/5.0.0/task-0");
	if (!geteuid())
		assert_int_equal(chown(tree_path(base, "n1/5.0.0"), other, 0),
				 0);
	make_step("n1", "6.0.0", geteuid(), 0);
	find(pattern(""), 0);
	assert_int_equal(steps.n, 2);
	assert_int_equal(sb_find(&f, &target, &steps, &err), -1);
	assert_contains(err.text, "the container is another's: runuser -u '#");
	sb_found_free(&f);
	assert_int_equal(sb_find(&f, &own, &steps, &err), -1);
	assert_contains(err.text, "no container of yours");
	sb_found_free(&f);
}

static void test_named(void **state)
{
	struct sb_strv nodes = {0};

	(void)state;
	make_node("n7");
	setenv("SLURMD_NODENAME", "n7", 1);
	assert_int_equal(sb_steps_nodes(&nodes, pattern(""), &err), 0);
	/* Once, though it is both listed and named. */
	assert_int_equal(nodes.n, 1);
	assert_string_equal(nodes.v[0], pattern("/n7"));
	sb_strv_free(&nodes);
	setenv("SLURMD_NODENAME", "../n7", 1);
	assert_int_equal(sb_steps_nodes(&nodes, pattern(""), &err), 0);
	assert_int_equal(nodes.n, 1);
	sb_strv_free(&nodes);
}

static void test_open(void **state)
{
	int fd;

	(void)state;
	make_node("n1");
	make_step("n1", "1.0.0", geteuid(), 0);
	make_step("n1", "2.0.0", geteuid() + 1, 0);
	tree_file(base, "n1/3.0.0", "");
	find(pattern(""), 0);
	assert_int_equal(steps.n, 2);
	fd = sb_step_open(&steps.v[0]);
	assert_true(fd >= 0);
	close(fd);
	/* Not whose it is said to be. */
	assert_int_equal(sb_step_open(&steps.v[1]), -1);
	assert_int_equal(rmdir(tree_path(base, "n1/1.0.0")), 0);
	tree_link(base, "n1/1.0.0", "2.0.0");
	assert_int_equal(sb_step_open(&steps.v[0]), -1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_order),	 TEST(test_nonsense),
		TEST(test_letters),	 TEST(test_places),
		TEST(test_named),	 TEST(test_open),
		TEST(test_find_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
