/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include "../../helper/hooks.h"
#include "../../helper/ocikeys.h"

static struct sb_strv kinds, notes;

static int teardown(void **state)
{
	(void)state;
	sb_strv_free(&kinds);
	sb_strv_free(&notes);
	return 0;
}

/* DisableHooks=NAMED on before gives after. */
static void edits(const char *before, const char *named, const char *after)
{
	json_t *doc = json_loads(before, 0, NULL);
	json_t *want = json_loads(after, 0, NULL);
	struct sb_err err = {.text = ""};

	assert_non_null(doc);
	assert_non_null(want);
	assert_int_equal(sb_ocikeys_hooks(named, &kinds, &err), 0);
	if (sb_hooks_disable(doc, &kinds, &notes, &err) < 0)
		fail_msg("%s", err.text);
	assert_true(json_equal(doc, want));
	json_decref(doc);
	json_decref(want);
}

#define HOOK "[{\"path\":\"/x\"}]"

static void test_removes(void **state)
{
	(void)state;
	/* The first of the list too, which Slurm's own passes over. */
	edits("{\"hooks\":{\"prestart\":" HOOK ",\"poststop\":" HOOK
	      ",\"poststart\":" HOOK "},\"x\":1}",
	      "prestart,poststop",
	      "{\"hooks\":{\"poststart\":" HOOK "},\"x\":1}");
	assert_int_equal(notes.n, 2);
	assert_string_equal(notes.v[0],
			    "hooks.prestart: dropped: DisableHooks");
	assert_string_equal(notes.v[1],
			    "hooks.poststop: dropped: DisableHooks");
}

static void test_nothing_there(void **state)
{
	(void)state;
	edits("{}", "prestart", "{}");
	edits("{\"hooks\":null}", "prestart", "{\"hooks\":null}");
	edits("{\"hooks\":{\"createRuntime\":" HOOK "}}", "poststop",
	      "{\"hooks\":{\"createRuntime\":" HOOK "}}");
	assert_int_equal(notes.n, 0);
}

/* What is not looked at need not be right: the runtime will say so. */
static void test_wrong(void **state)
{
	json_t *doc = json_loads("{\"hooks\":[]}", 0, NULL);
	struct sb_err err = {.text = ""};

	(void)state;
	assert_int_equal(sb_hooks_disable(doc, &kinds, &notes, &err), 0);
	assert_int_equal(sb_ocikeys_hooks("prestart", &kinds, &err), 0);
	assert_int_equal(sb_hooks_disable(doc, &kinds, &notes, &err), -1);
	assert_contains(err.text, "hooks");
	json_decref(doc);
}

#define TEST(f) cmocka_unit_test_teardown(f, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_removes),
		TEST(test_nothing_there),
		TEST(test_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
