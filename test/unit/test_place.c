/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ContainerPath's letters. */
#include "unit.h"

#include "../../spank/place.h"

static struct sb_err err;
static char path[64];

static const struct sb_place whole = {
	.node = "n1",
	.job = 7,
	.user = "alice",
	.step = 4294967291u,
	.uid = 2001,
};

static void expands(const char *pattern, const char *want)
{
	assert_int_equal(sb_place_check(pattern, &err), 0);
	if (sb_place_expand(path, sizeof(path), pattern, &whole, &err) < 0)
		fail_msg("%s", err.text);
	assert_string_equal(path, want);
}

static void test_expand(void **state)
{
	(void)state;
	expands("/run/x", "/run/x");
	expands("/a/%n/%%", "/a/n1/%");
	expands("/a/%u/%U.%j/%s", "/a/alice/2001.7/4294967291");
	expands("/a%%n", "/a%n");
	/* It ends before the component that names the task. */
	expands("/a/%j/x%t/%u", "/a/7");
	expands("/a/b/%t", "/a/b");
	expands("/%t", "/");
	expands("/a/%%t/b", "/a/%t/b");
}

static void test_too_long(void **state)
{
	(void)state;
	assert_int_equal(sb_place_expand(path, 8, "/abcdefg", &whole, &err),
			 -1);
	assert_contains(err.text, "too long");
	assert_int_equal(sb_place_expand(path, 6, "/a/%u", &whole, &err), -1);
	assert_contains(err.text, "too long");
	assert_int_equal(sb_place_expand(path, 10, "/a/%u", &whole, &err), 0);
	assert_int_equal(sb_place_glob(path, 6, "/a/%j", &whole), -1);
}

static void refused(const char *pattern, const char *why)
{
	assert_int_equal(sb_place_check(pattern, &err), -1);
	assert_contains(err.text, why);
	assert_contains(err.text, pattern);
}

static void test_refused(void **state)
{
	(void)state;
	refused("a", "not absolute");
	refused("%n/a", "not absolute");
	refused("", "not absolute");
	refused("/a/%b", ": %b: the user writes it");
	refused("/a/%n/%r", ": %r: the user writes it");
	refused("/a/%Z", ": %Z: the user writes it");
	refused("/a/%@", ": %@: the user writes it");
	refused("/a/%e", ": %e: not known before");
	refused("/a/%m", ": %m: not known before");
	refused("/a/%p", ": %p: not known before");
	refused("/a/%q", ": %q: no such letter");
	refused("/a/%%%", ": %: no such letter");
}

/* A name that would lead elsewhere. */
static void test_names(void **state)
{
	static const char *const names[] = {"", ".", "..", ".x", "a/b"};
	struct sb_place of = whole;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		of.user = names[i];
		assert_int_equal(
			sb_place_expand(path, sizeof(path), "/a/%u", &of, &err),
			-1);
		assert_contains(err.text, "cannot be a directory's name");
		assert_int_equal(
			sb_place_expand(path, sizeof(path), "/a/%U", &of, &err),
			0);
	}
}

static void globs(const char *pattern, const struct sb_place *of,
		  const char *want)
{
	assert_int_equal(sb_place_glob(path, sizeof(path), pattern, of), 0);
	assert_string_equal(path, want);
}

static void test_glob(void **state)
{
	const struct sb_place any = {.job = 0};
	const struct sb_place node = {.node = "n[1]"};
	const struct sb_place job = {.node = "n1", .job = 7};

	(void)state;
	globs("/run/x", &any, "/run/x/*");
	globs("/run/%u/%j.%s/%n", &any, "/run/*/*.*/*/*");
	globs("/run/%u/%n", &node, "/run/*/n\\[1]/n\\[1]");
	globs("/run/%u/%j.%s", &job, "/run/*/7.*/n1");
	globs("/run*?[\\%%/%t/x", &job, "/run\\*\\?\\[\\\\%/n1");
}

static void test_levels(void **state)
{
	(void)state;
	assert_false(sb_place_varies("/run/%n/x"));
	assert_false(sb_place_varies("/run/%%u"));
	assert_true(sb_place_varies("/run/%u"));
	assert_int_equal(sb_place_levels("/run/x/%n", "/run/x/n1"), 0);
	assert_int_equal(sb_place_levels("/run/%u", "/run/alice"), 1);
	assert_int_equal(sb_place_levels("/run/x%u/%n/%t", "/run/xalice/n1"),
			 2);
	assert_int_equal(sb_place_levels("/run//a/%j/", "/run//a/7/"), 1);
	assert_int_equal(sb_place_levels("/run/%n/%j", "/run/n1/7"), 1);
	assert_int_equal(sb_place_levels("/%j", "/7"), 1);
	assert_int_equal(sb_place_levels("/run/%t/%u", "/run"), 0);
	assert_true(sb_place_has("/%%%u", 'u'));
	assert_false(sb_place_has("/%%u", 'u'));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_expand),	cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_refused), cmocka_unit_test(test_names),
		cmocka_unit_test(test_glob),	cmocka_unit_test(test_levels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
