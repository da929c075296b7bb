/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a task must know to enter a container: written and read. */
#define _GNU_SOURCE
#include "tree.h"

#include "../../helper/recipe.h"
#include "../../spank/contract.h"

static char base[64];
static struct sb_taskdir dir;

static int setup(void **state)
{
	struct sb_err err;

	(void)state;
	strcpy(base, tree_make());
	return sb_taskdir_open(&dir, base, 4, &err);
}

static int teardown(void **state)
{
	(void)state;
	sb_taskdir_close(&dir);
	tree_remove(base);
	return 0;
}

static struct sb_job job = {.task = 4, .verbose = 2};
static char exclude[] = "^SECRET=", cwd[] = "/srv";
static struct sb_conf conf = {.env_exclude_text = exclude};

static struct sb_plan plan(const char *config)
{
	struct sb_plan p = {.job = &job, .conf = &conf, .dir = &dir};
	struct sb_err err;

	assert_int_equal(
		sb_json_parse(&p.bundle.config, config, strlen(config), &err),
		0);
	p.inside.program = "/dev/stepbox/init";
	p.inside.terminals = "/dev/stepbox/pts";
	p.inside.identity = 1;
	sb_strv_add(&p.inside.join, "-k");
	sb_strv_add(&p.inside.join, "1:2:3:4");
	sb_strv_add(&p.theirs, "PATH=/b\"in\n");
	sb_strv_add(&p.site, "A=b");
	p.shell_inside = 1;
	p.cwd = cwd;
	return p;
}

static void free_plan(struct sb_plan *p)
{
	sb_strv_free(&p->inside.join);
	sb_strv_free(&p->theirs);
	sb_strv_free(&p->site);
	sb_json_free(&p->bundle.config);
}

static void test_written_and_read(void **state)
{
	struct sb_plan p =
		plan("{\"linux\":{\"namespaces\":[{\"type\":\"mount\"},"
		     "{\"type\":\"ipc\"}]}}");
	struct sb_recipe r;
	struct sb_err err = {.text = ""};

	(void)state;
	assert_int_equal(sb_recipe_write(&p, getpid(), 0, &err), 0);
	if (sb_recipe_read(&r, dir.fd, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(r.pid, getpid());
	assert_true(r.start > 0);
	assert_int_equal(r.task, 4);
	assert_int_equal(r.verbose, 2);
	assert_false(r.exec);
	assert_true(r.ipc);
	assert_true(r.identity);
	assert_string_equal(r.program, "/dev/stepbox/init");
	assert_int_equal(r.words.n, 2);
	assert_string_equal(r.words.v[1], "1:2:3:4");
	assert_string_equal(r.bundle_env.v[0], "PATH=/b\"in\n");
	assert_string_equal(r.site_env.v[0], "A=b");
	assert_string_equal(r.env_exclude, "^SECRET=");
	assert_true(r.shell_inside);
	assert_string_equal(r.cwd, "/srv");
	assert_string_equal(r.terminals, "/dev/stepbox/pts");
	assert_null(r.path);
	assert_null(r.command);
	assert_null(r.command_inside);
	sb_recipe_free(&r);
	free_plan(&p);
}

static void test_options(void **state)
{
	struct sb_plan p = plan("{}");
	struct sb_recipe r;
	struct sb_err err;

	(void)state;
	p.inside.path = "/dev/stepbox/bin";
	p.inside.command = "/spool/slurm_script";
	p.inside.command_inside = "/dev/stepbox/slurm_script";
	p.inside.identity = 0;
	p.inside.terminals = NULL;
	assert_int_equal(sb_recipe_write(&p, getpid(), 1, &err), 0);
	assert_int_equal(sb_recipe_read(&r, dir.fd, &err), 0);
	assert_true(r.exec);
	assert_false(r.ipc);
	assert_false(r.identity);
	assert_null(r.terminals);
	assert_string_equal(r.path, "/dev/stepbox/bin");
	assert_string_equal(r.command, "/spool/slurm_script");
	sb_recipe_free(&r);
	/* A container that has ended, and text that JSON cannot carry. */
	assert_int_equal(sb_recipe_write(&p, 0x3fffffff, 0, &err), -1);
	assert_contains(err.text, "has ended");
	sb_strv_add(&p.site, "B=\xff");
	assert_int_equal(sb_recipe_write(&p, getpid(), 0, &err), -1);
	assert_contains(err.text, "UTF-8");
	free_plan(&p);
}

static void test_nonsense(void **state)
{
	static const char *const texts[] = {
		"",
		"{}",
		"[]",
		"{\"pid\":1}",
		"{\"pid\":2,\"start\":5,\"task\":0,\"exec\":false,\"ipc\":true,"
		"\"identity\":true,\"program\":\"/i\",\"shell_inside\":true,"
		"\"cwd\":\"/"
		"\",\"words\":[1],\"bundle_env\":[],\"site_env\":[]}",
		"{\"pid\":0,\"start\":5,\"task\":0,\"exec\":false,\"ipc\":true,"
		"\"identity\":true,\"program\":\"/i\",\"shell_inside\":true,"
		"\"cwd\":\"/\",\"words\":[],\"bundle_env\":[],\"site_env\":[]}",
	};
	struct sb_recipe r;
	struct sb_err err;

	(void)state;
	assert_int_equal(sb_recipe_read(&r, dir.fd, &err), -1);
	sb_recipe_free(&r);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		tree_file(base, "task-4/recipe.json", texts[i]);
		assert_int_equal(sb_recipe_read(&r, dir.fd, &err), -1);
		sb_recipe_free(&r);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_written_and_read),
		TEST(test_options),
		TEST(test_nonsense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
