/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which components of a heterogeneous job may go together. */
#include "unit.h"

#include "../../spank/het.h"

static struct sb_err err;

/* 0 where components with each bundle ("" none) may go together. */
static int check(const char *a, const char *b, const char *c)
{
	const char *bundles[] = {a, b, c};
	struct sb_het h = {0};
	int rc = 0;

	for (int i = 0; i < 3 && !rc && bundles[i]; i++) {
		char *own = *bundles[i] ? strdup(bundles[i]) : NULL;

		rc = sb_het_check(&h, own, &err);
		/* Nothing may be remembered by address. */
		if (own)
			memset(own, 'x', strlen(own));
		free(own);
	}
	free(h.first);
	return rc;
}

static void test_same(void **state)
{
	(void)state;
	assert_int_equal(check("/a", NULL, NULL), 0);
	assert_int_equal(check("", NULL, NULL), 0);
	assert_int_equal(check("", "", ""), 0);
	assert_int_equal(check("/a", "/a", "/a"), 0);
}

static void refused(const char *a, const char *b, const char *c,
		    const char *why)
{
	char text[1024];

	assert_int_equal(check(a, b, c), -1);
	snprintf(text, sizeof(text),
		 "--container: must be the same for all components of a "
		 "heterogeneous job: %s",
		 why);
	assert_string_equal(err.text, text);
}

static void test_different(void **state)
{
	(void)state;
	refused("/a", "/b", NULL, "/a and /b");
	refused("/a", "/a", "/b", "/a and /b");
	refused("", "/a", NULL, "none and /a");
	refused("/a", "", NULL, "/a and none");
	refused("", "", "/b", "none and /b");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same),
		cmocka_unit_test(test_different),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
