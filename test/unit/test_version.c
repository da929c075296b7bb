/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a runtime says of its own version, and what `check` makes of it. */
#define _GNU_SOURCE
#include "unit.h"

#include "../../helper/check.h"

static char said[4096];

static void __attribute__((format(printf, 2, 3)))
mock_ok(struct sb_check *c, const char *fmt, ...)
{
	va_list args;

	(void)c;
	va_start(args, fmt);
	vsnprintf(said, sizeof(said), fmt, args);
	va_end(args);
}

static void __attribute__((format(printf, 3, 4)))
mock_bad(struct sb_check *c, const char *remedy, const char *fmt, ...)
{
	va_list args;

	(void)remedy;
	c->failures++;
	va_start(args, fmt);
	vsnprintf(said, sizeof(said), fmt, args);
	va_end(args);
}

#define sb_check_ok mock_ok
#define sb_check_warn mock_bad
#define sb_check_fail mock_bad
#include "../../helper/check_node.c"

static void test_parse(void **state)
{
	static const struct {
		const char *text;
		unsigned int v;
	} table[] = {
		{"crun version 1.8.1\ncommit: f8a096be", V(1, 8, 1)},
		{"runc version 1.1.5+ds1\ncommit: 1.1.5+ds1-1+deb12u1\n",
		 V(1, 1, 5)},
		{"runc version 1.0.0~rc93+ds1\n", V(1, 0, 0)},
		{"youki version 0.5", V(0, 5, 0)},
		{"crun version 999.999.999", V(999, 999, 999)},
		{"version 001.002.003", V(1, 2, 3)},
	};
	unsigned int v;

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		assert_int_equal(parse_version(table[i].text, &v), 0);
		assert_int_equal(v, table[i].v);
	}
}

static void test_hostile(void **state)
{
	static const char *const table[] = {
		"",
		"version",
		"version ",
		"version 1",
		"version .1",
		"version x.y",
		"crun VERSION 1.2",
		"crun version 1000.1",
		"crun version 1.1000.0",
		"crun version 1.2.1000",
		"crun version -1.2",
		"crun version 1.-2",
		"crun version 4294967297.1",
		"crun version 99999999999999999999.1",
		"crun version 18446744073709551617.0.0",
		"version \n",
		"1.2.3 version",
	};
	unsigned int v = 7;

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (!parse_version(table[i], &v))
			fail_msg("\"%s\": %u", table[i], v);
	assert_int_equal(v, 7);
}

static void test_judge(void **state)
{
	struct sb_check c = {.bundle = NULL};

	(void)state;
	judge_version(&c, "runc", "runc version 1.1.5", V(1, 1, 5));
	assert_int_equal(c.failures, 1);
	assert_contains(said, "CVE-2024-21626");
	c.failures = 0;
	judge_version(&c, "runc", "runc version 999.0", V(999, 0, 0));
	assert_int_equal(c.failures, 0);
	judge_version(&c, "nobodys", "%s%n%s", V(0, 0, 0));
	assert_int_equal(c.failures, 0);
	assert_contains(said, "%s%n%s");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_judge),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
