/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include "../../helper/pattern.h"

static char arg0[] = "echo", arg1[] = "a b", arg2[] = "it's $HOME \"x\"";
static char *args[] = {arg0, arg1, arg2, NULL};

static struct sb_values values(void)
{
	struct sb_values v = {.argv = args};

	v.letter['b'] = "/bundles/my bundle";
	v.letter['u'] = "o'neil; rm -rf /";
	v.letter['j'] = "12";
	return v;
}

/* The words joined by '|'. */
static void expands(const char *pattern, const char *want)
{
	struct sb_values v = values();
	struct sb_strv out = {0};
	struct sb_err err = {.text = ""};
	char got[4096] = "";

	if (sb_pattern_check(pattern, &err) < 0 ||
	    sb_pattern_expand(pattern, &v, &out, &err) < 0)
		fail_msg("%s: %s", pattern, err.text);
	for (size_t i = 0; i < out.n; i++) {
		strcat(got, i ? "|" : "");
		strcat(got, out.v[i]);
	}
	assert_string_equal(got, want);
	sb_strv_free(&out);
}

static void refused(const char *pattern, const char *why)
{
	struct sb_err err = {.text = ""};

	assert_int_equal(sb_pattern_check(pattern, &err), -1);
	assert_contains(err.text, why);
}

static void test_words(void **state)
{
	(void)state;
	expands("crun run -b %b %j.%u", "crun|run|-b|/bundles/my bundle|"
					"12.o'neil; rm -rf /");
	expands("a 'b c' \"d %j\" e\\ f", "a|b c|d 12|e f");
	expands("a '' %j%%", "a||12%");
	/* in double quotes a backslash quotes but a few: POSIX, XCU 2.2.3 */
	expands("a \"b\\c \\\" \\\\ %j\"", "a|b\\c \" \\ 12");
	expands("  a\tb  ", "a|b");
	expands("a %Z", "a|");
	expands("x %@", "x|echo|a b|it's $HOME \"x\"");
}

/* A value stays one word for the shell too: sh itself is asked. */
static void test_shell(void **state)
{
	static const struct {
		const char *pattern, *want;
	} rows[] = {
		{"printf '<%%s>' %b %u; :", "</bundles/my bundle>"
					    "<o'neil; rm -rf />"},
		{"printf '<%%s>' \"%u\"; :", "<o'neil; rm -rf />"},
		{"printf '<%%s>' '%u'; :", "<o'neil; rm -rf />"},
		{"printf '<%%s>' %@; :", "<echo><a b><it's $HOME \"x\">"},
		{"X=1; printf '<%%s>' \"$X\" x%j", "<1><x12>"},
	};
	struct sb_values v = values();

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sb_strv out = {0};
		struct sb_err err = {.text = ""};
		char got[256] = "", file[64], command[4096];
		FILE *f;

		assert_int_equal(sb_pattern_check(rows[i].pattern, &err), 0);
		assert_int_equal(
			sb_pattern_expand(rows[i].pattern, &v, &out, &err), 0);
		assert_int_equal(out.n, 3);
		assert_string_equal(out.v[0], "/bin/sh");
		strcpy(file, unit_file(out.v[2]));
		snprintf(command, sizeof(command), "/bin/sh %s", file);
		f = popen(command, "r");
		assert_non_null(f);
		assert_true(fread(got, 1, sizeof(got) - 1, f) > 0);
		pclose(f);
		unlink(file);
		assert_string_equal(got, rows[i].want);
		sb_strv_free(&out);
	}
}

static void test_no_arguments(void **state)
{
	struct sb_values v = {.argv = NULL};
	struct sb_strv out = {0};
	struct sb_err err;

	(void)state;
	assert_int_equal(sb_pattern_expand("x %@", &v, &out, &err), 0);
	assert_string_equal(out.v[1], "/bin/false");
	sb_strv_free(&out);
}

static void test_refused(void **state)
{
	(void)state;
	refused("crun %q", "%q");
	refused("crun %", "% ");
	refused("crun 'x", "not closed");
	refused("", "no command");
	refused("  ", "no command");
	refused("run x%@", "word of its own");
	refused("run \"%@\"", "word of its own");
	refused("run \"a %@ b\"", "word of its own");
}

static void test_needs_shell(void **state)
{
	(void)state;
	assert_false(sb_pattern_needs_shell("crun --root=%m/x run -b %b id"));
	assert_false(sb_pattern_needs_shell("kill -s SIGTERM %p"));
	assert_true(sb_pattern_needs_shell("env USER=$(whoami) ch-run %r"));
	assert_true(sb_pattern_needs_shell("a | b"));
}

static void test_uses(void **state)
{
	(void)state;
	assert_true(sb_pattern_uses("a %b", 'b'));
	assert_false(sb_pattern_uses("a %%b", 'b'));
	assert_true(sb_pattern_uses("a %%%b", 'b'));
	assert_false(sb_pattern_uses("a", 'b'));
}

/* Every letter of oci.conf(5) is accepted, and two of ours. */
static void test_letters(void **state)
{
	const char *letters = "%@befjmnprstuUZx";
	struct sb_err err;
	char pattern[8];

	(void)state;
	for (int c = 33; c < 127; c++) {
		snprintf(pattern, sizeof(pattern), "a %%%c", c);
		assert_int_equal(sb_pattern_check(pattern, &err),
				 strchr(letters, c) ? 0 : -1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_shell),
		cmocka_unit_test(test_no_arguments),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_needs_shell),
		cmocka_unit_test(test_uses),
		cmocka_unit_test(test_letters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
