/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Variables and letters in a path that a user typed. */
#include "unit.h"

#include "../../helper/expand.h"

#include <limits.h>

static char *env[] = {
	"HOME=/home/alice", "EMPTY=",	  "_X1=under", "PWD=/stale", "HOMER=no",
	"NESTED=$HOME/%u",  "NOT_A_PAIR", "9=nine",    NULL,
};

static struct sb_values values(void)
{
	struct sb_values v = {.argv = NULL};

	v.letter['u'] = "alice";
	v.letter['j'] = "12";
	v.letter['n'] = "$HOME%u";
	v.letter['p'] = "4294967295";
	return v;
}

static void expands_with(const struct sb_values *v, const char *text,
			 const char *want)
{
	struct sb_err err = {.text = ""};
	char *got = sb_expand(text, env, v, &err);

	if (!got)
		fail_msg("%s: %s", text, err.text);
	assert_string_equal(got, want);
	free(got);
}

static void expands(const char *text, const char *want)
{
	struct sb_values v = values();

	expands_with(&v, text, want);
}

static void refused(const char *text, const char *why)
{
	struct sb_values v = values();
	struct sb_err err = {.text = ""};

	assert_null(sb_expand(text, env, &v, &err));
	assert_string_equal(err.text, why);
	assert_int_equal(err.code, 125);
}

static void test_variables(void **state)
{
	(void)state;
	expands("", "");
	expands("/plain/path", "/plain/path");
	expands("$HOME", "/home/alice");
	expands("$HOME/data", "/home/alice/data");
	expands("${HOME}/data", "/home/alice/data");
	expands("${HOME}r/$_X1-$EMPTY.x", "/home/alicer/under-.x");
	expands("$HOME$HOME", "/home/alice/home/alice");
	expands("$HOME${_X1}", "/home/aliceunder");
	expands("$HOMER", "no");
}

static void test_dollar_stays(void **state)
{
	(void)state;
	expands("$", "$");
	expands("a$", "a$");
	expands("$$", "$");
	expands("$/x", "$/x");
	expands("$9", "$9");
	expands("$-$.$ $}", "$-$.$ $}");
	expands("$$HOME", "$HOME");
	expands("$$$HOME", "$/home/alice");
	expands("$%u", "$alice");
	expands("$\xc3\xa9", "$\xc3\xa9");
	expands("}{", "}{");
	expands("\\$HOME", "\\/home/alice");
}

static void test_letters(void **state)
{
	(void)state;
	expands("/scratch/%u/%j", "/scratch/alice/12");
	expands("%%", "%");
	expands("%%u", "%u");
	expands("%%%u", "%alice");
	expands("100%%", "100%");
}

/* A value is no text to expand. */
static void test_once(void **state)
{
	(void)state;
	expands("$NESTED", "$HOME/%u");
	expands("%n", "$HOME%u");
}

static void test_pwd(void **state)
{
	struct sb_values v = values();

	(void)state;
	expands("$PWD/x", "/stale/x");
	v.letter['Z'] = "/work/dir";
	expands_with(&v, "$PWD/x", "/work/dir/x");
	expands_with(&v, "${PWD}%Z", "/work/dir/work/dir");
}

static void test_no_environment(void **state)
{
	struct sb_values v = values();
	struct sb_err err = {.text = ""};
	char *got;

	(void)state;
	assert_null(sb_expand("$PWD", NULL, &v, &err));
	assert_contains(err.text, "$PWD: not set");
	v.letter['Z'] = "/w";
	got = sb_expand("$PWD", NULL, &v, &err);
	assert_string_equal(got, "/w");
	free(got);
}

static void test_refused(void **state)
{
	static const char unset[] = "$FOO: not set in the job's environment";
	static const char percent[] =
		"%: no letter follows (%% is a percent sign)";

	(void)state;
	refused("$FOO", unset);
	refused("/a/$FOO/b", unset);
	refused("${FOO}", unset);
	refused("$HOM", "$HOM: not set in the job's environment");
	refused("$NOT_A_PAIR", "$NOT_A_PAIR: not set in the job's environment");
	refused("%q", "%q: no such letter (%% is a percent sign)");
	refused("%@", "%@: no such letter (%% is a percent sign)");
	refused("%p", "%p: no such letter (%% is a percent sign)");
	refused("%Z", "%Z: not known here");
	refused("100%", percent);
	refused("100% x", percent);
	refused("%\xc3\xa9", percent);
	refused("%\n", percent);
	refused("${FOO", "${FOO: no closing brace");
	refused("${", "${: no closing brace");
	refused("${}", "${}: not the name of a variable");
	refused("${9}", "${9}: not the name of a variable");
	refused("${HOME:-/x}", "${HOME:-/x}: not the name of a variable");
	refused("${HOME ${X}", "${HOME ${X}: not the name of a variable");
}

/* Every letter of oci.conf(5) but two is known. */
static void test_every_letter(void **state)
{
	struct sb_values v = {.argv = NULL};
	struct sb_err err;
	char text[3] = "%";

	(void)state;
	for (int c = 0; c < 128; c++)
		v.letter[c] = "x";
	for (int c = 1; c < 256; c++) {
		char *got;

		text[1] = c;
		got = sb_expand(text, env, &v, &err);
		assert_int_equal(got != NULL,
				 strchr("%bejmnrstuUZ", c) && c < 128);
		free(got);
	}
}

static void test_too_long(void **state)
{
	static char text[2 * PATH_MAX], big[5 + PATH_MAX] = "BIG=/";
	char *with_big[] = {big, NULL};
	struct sb_values v = values();
	struct sb_err err = {.text = ""};
	char *got;

	(void)state;
	memset(text, 'x', PATH_MAX - 1);
	expands(text, text);
	strcat(text, "%u");
	assert_null(sb_expand(text, env, &v, &err));
	assert_contains(err.text, "xxx: longer than 4095 bytes");
	memset(text, 'x', sizeof(text) - 1);
	assert_null(sb_expand(text, env, &v, &err));
	assert_contains(err.text, "xxx: longer than 4095 bytes");

	memset(big + 4, 'y', PATH_MAX - 1);
	got = sb_expand("$BIG", with_big, &v, &err);
	assert_int_equal(strlen(got), PATH_MAX - 1);
	free(got);
	assert_null(sb_expand("$BIG/", with_big, &v, &err));
	assert_string_equal(err.text, "$BIG/: longer than 4095 bytes");
}

/* The reason is told however long the text is. */
static void test_long_names(void **state)
{
	static char text[3000];
	struct sb_values v = values();
	struct sb_err err = {.text = ""};

	(void)state;
	memset(text, 'N', sizeof(text) - 1);
	memcpy(text, "$", 1);
	assert_null(sb_expand(text, env, &v, &err));
	assert_contains(err.text, "NNN: not set");
	memcpy(text, "${", 2);
	assert_null(sb_expand(text, env, &v, &err));
	assert_contains(err.text, "NNN: no closing brace");
	memcpy(text + sizeof(text) - 3, "-}", 2);
	assert_null(sb_expand(text, env, &v, &err));
	assert_contains(err.text, "NNN}: not the name");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_variables),
		cmocka_unit_test(test_dollar_stays),
		cmocka_unit_test(test_letters),
		cmocka_unit_test(test_once),
		cmocka_unit_test(test_pwd),
		cmocka_unit_test(test_no_environment),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_every_letter),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_long_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
