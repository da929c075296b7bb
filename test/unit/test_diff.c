/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include "unit.h"

#include "../../helper/diff.h"

static void is_diff(const char *a, const char *b, const char *expected)
{
	struct sb_buf out = {0};
	struct sb_err err;

	assert_int_equal(sb_diff(a, b, "a", "b", &out, &err), 0);
	assert_string_equal(out.data ? out.data : "", expected);
	sb_buf_free(&out);
}

/* The expected texts are diff(1)'s own. */
static void test_forms(void **state)
{
	(void)state;
	is_diff("", "", "");
	is_diff("x\ny\n", "x\ny\n", "");
	is_diff("", "x\n", "--- a\n+++ b\n@@ -0,0 +1 @@\n+x\n");
	is_diff("x\n", "", "--- a\n+++ b\n@@ -1 +0,0 @@\n-x\n");
	is_diff("1\n2\n3\n4\n5\n6\n", "1\n2\n3\n4\nV\n6\n",
		"--- a\n+++ b\n@@ -2,5 +2,5 @@\n 2\n 3\n 4\n-5\n+V\n 6\n");
	is_diff("x\n\n", "x\n", "--- a\n+++ b\n@@ -1,2 +1 @@\n x\n-\n");
}

/* Six lines between two changes are shown, seven are not. */
static void test_hunks(void **state)
{
	(void)state;
	is_diff("A\n1\n2\n3\n4\n5\n6\nB\n", "a\n1\n2\n3\n4\n5\n6\nb\n",
		"--- a\n+++ b\n@@ -1,8 +1,8 @@\n-A\n+a\n 1\n 2\n 3\n 4\n 5\n "
		"6\n-B\n+b\n");
	is_diff("A\n1\n2\n3\n4\n5\n6\n7\nB\n", "a\n1\n2\n3\n4\n5\n6\n7\nb\n",
		"--- a\n+++ b\n@@ -1,4 +1,4 @@\n-A\n+a\n 1\n 2\n 3\n"
		"@@ -6,4 +6,4 @@\n 5\n 6\n 7\n-B\n+b\n");
}

/* Appends what a hunk says of b to out; moves *a over the lines of a. */
static void patch(const char *diff, const char *a, struct sb_buf *out)
{
	unsigned int at = 0, from, line = 1;

	for (const char *p = diff, *end; *p; p = end + 1) {
		end = strchr(p, '\n');
		if (!strncmp(p, "--- ", 4) || !strncmp(p, "+++ ", 4))
			continue;
		if (*p == '@') {
			assert_int_equal(sscanf(p, "@@ -%u", &from), 1);
			/* An empty range names the line before it. */
			if (!strncmp(strpbrk(p + 4, ", "), ",0", 2))
				from++;
			for (; line < from; line++) {
				size_t n = strcspn(a + at, "\n") + 1;

				sb_buf_add(out, a + at, n);
				at += n;
			}
			continue;
		}
		if (*p != '-')
			sb_buf_add(out, p + 1, end - p);
		if (*p != '+') {
			assert_memory_equal(a + at, p + 1, end - p);
			at += end - p;
			line++;
		}
	}
	sb_buf_puts(out, a + at);
}

static void make_text(unsigned int *seed, char *to)
{
	for (int n = rand_r(seed) % 40; n > 0; n--) {
		*to++ = 'a' + rand_r(seed) % 4;
		*to++ = '\n';
	}
	*to = '\0';
}

/* What the difference says of a is true, and it makes b. */
static void test_apply(void **state)
{
	unsigned int seed = 4711;
	char a[128], b[128];
	struct sb_err err;

	(void)state;
	for (int i = 0; i < 3000; i++) {
		struct sb_buf diff = {0}, made = {0};

		make_text(&seed, a);
		make_text(&seed, b);
		assert_int_equal(sb_diff(a, b, "a", "b", &diff, &err), 0);
		patch(diff.data ? diff.data : "", a, &made);
		assert_string_equal(made.data ? made.data : "", b);
		sb_buf_free(&diff);
		sb_buf_free(&made);
	}
}

/* Beyond the bound of changes it is still a difference. */
static void test_huge(void **state)
{
	struct sb_buf a = {0}, b = {0}, diff = {0}, made = {0};
	struct sb_err err;
	char line[32];

	(void)state;
	for (int i = 0; i < 5000; i++) {
		snprintf(line, sizeof(line), "a%d\n", i);
		sb_buf_puts(&a, line);
		*line = 'b';
		sb_buf_puts(&b, line);
	}
	assert_int_equal(sb_diff(a.data, b.data, "a", "b", &diff, &err), 0);
	assert_contains(diff.data, "@@ -1,5000 +1,5000 @@");
	patch(diff.data, a.data, &made);
	assert_string_equal(made.data, b.data);
	sb_buf_free(&a);
	sb_buf_free(&b);
	sb_buf_free(&diff);
	sb_buf_free(&made);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_hunks),
		cmocka_unit_test(test_apply),
		cmocka_unit_test(test_huge),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
