/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include "../../helper/pattern.h"

#include <sys/wait.h>

static char arg0[] = "echo", arg1[] = "a b", arg2[] = "it's $HOME \"x\"";
static char *args[] = {arg0, arg1, arg2, NULL};

static struct sb_values values(void)
{
	struct sb_values v = {.argv = args};

	v.letter['b'] = "/bundles/my bundle";
	v.letter['u'] = "o'neil; rm -rf /";
	v.letter['j'] = "12";
	v.letter['x'] = "`id>&2`$(id)\\";
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

/* What /bin/sh makes of it. */
static void shell_says(const char *pattern, const char *want)
{
	struct sb_values v = values();
	struct sb_strv out = {0};
	struct sb_err err = {.text = ""};
	char got[4096] = "";
	int fds[2], status;
	size_t n = 0;
	ssize_t more;
	pid_t pid;

	if (sb_pattern_check(pattern, &err) < 0)
		fail_msg("%s: %s", pattern, err.text);
	assert_int_equal(sb_pattern_expand(pattern, &v, &out, &err), 0);
	assert_string_equal(out.v[0], "/bin/sh");
	assert_string_equal(out.v[1], "-c");
	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (!pid) {
		dup2(fds[1], STDOUT_FILENO);
		close(fds[0]);
		close(fds[1]);
		execv(out.v[0], out.v);
		_exit(127);
	}
	close(fds[1]);
	while ((more = read(fds[0], got + n, sizeof(got) - 1 - n)) > 0)
		n += more;
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (strcmp(got, want) || status)
		fail_msg("%s\n%s\nsays %s instead of %s (%d)", pattern,
			 out.v[2], got, want, status);
	sb_strv_free(&out);
}

/* A value stays one word for the shell too: sh itself is asked. */
static void test_shell(void **state)
{
	static const char *const rows[][2] = {
		{"printf '<%%s>' %b %u; :", "</bundles/my bundle>"
					    "<o'neil; rm -rf />"},
		{"printf '<%%s>' \"%u\"; :", "<o'neil; rm -rf />"},
		{"printf '<%%s>' '%u'; :", "<o'neil; rm -rf />"},
		{"printf '<%%s>' %@; :", "<echo><a b><it's $HOME \"x\">"},
		{"printf '<%%s>' \"%@\"; :", "<echo a b it's $HOME \"x\">"},
		{"printf '<%%s>' '%@'; :", "<echo a b it's $HOME \"x\">"},
		{"X=1; printf '<%%s>' \"$X\" x%j", "<1><x12>"},
		{"printf '<%%s>' x%j'y' \\%j \\\\; :", "<x12y><%j><\\>"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		shell_says(rows[i][0], rows[i][1]);
}

/* Nor is it the shell's language where quotes begin anew, or do not count. */
static void test_shell_nested(void **state)
{
	static const char *const rows[][2] = {
		{"printf '<%%s>' \"$(printf %%s %b)\"", "</bundles/my bundle>"},
		{"printf '<%%s>' \"$(printf %%s \"%b\")\"",
		 "</bundles/my bundle>"},
		{"printf '<%%s>' \"$(printf '%%s' '%u')\"",
		 "<o'neil; rm -rf />"},
		{"printf '<%%s>' \"`printf %%s %x`\"", "<`id>&2`$(id)\\>"},
		{"printf '<%%s>' $(printf '[%%s]' %@)",
		 "<[echo][a><b][it's><$HOME><\"x\"]>"},
		{"cat <<E\n%x %u\nE\n", "\"`id>&2`$(id)\\\" "
					"\"o'neil; rm -rf /\"\n"},
		{"printf '<%%s>' \"${none-%x}\" $((1 + (%j))) (", NULL},
		{"printf '<%%s>' \"${none-%x}\" $((1 + (12)))",
		 "<`id>&2`$(id)\\><13>"},
		{"(printf '<%%s>' \"a)\" %x)", "<a)><`id>&2`$(id)\\>"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i][1])
			shell_says(rows[i][0], rows[i][1]);
		else
			refused(rows[i][0], "not closed");
}

/* The shell makes room for the program, if that is all there is to it. */
static void test_shell_exec(void **state)
{
	static const struct {
		const char *pattern;
		int exec;
	} rows[] = {
		{"env A=$(whoami) ch-run %r -- %@", 1},
		{"/usr/bin/env A=\"$(a; b)\" 'c;d' \\; `e | f` >g", 1},
		{"  a *", 1},
		{"a $(b); c", 0},
		{"a \"$(b)\"; c", 0},
		{"a $b | c", 0},
		{"a $b & c", 0},
		{"a $b && c", 0},
		{"(a $b)", 0},
		{"a $b # c", 0},
		{"A=$b c", 0},
		{"$a b", 0},
		{"exec a $b", 0},
		{"cd $HOME", 0},
		{"if $a; then b; fi", 0},
		{"\"a\" $b", 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sb_values v = values();
		struct sb_strv out = {0};
		struct sb_err err;

		assert_int_equal(
			sb_pattern_expand(rows[i].pattern, &v, &out, &err), 0);
		if (!strstr(out.v[2], "exec ") != !rows[i].exec &&
		    strncmp(rows[i].pattern, "exec", 4))
			fail_msg("%s: %s", rows[i].pattern, out.v[2]);
		assert_null(strstr(out.v[2], "exec exec"));
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
	refused("a $(b", "a ( is not closed");
	refused("a `b", "a ` is not closed");
	refused("a \"$(b \"c)\"", "a ( is not closed");
	refused("a (((((((((((((((((", "nested too deep");
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
		cmocka_unit_test(test_shell_nested),
		cmocka_unit_test(test_shell_exec),
		cmocka_unit_test(test_no_arguments),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_needs_shell),
		cmocka_unit_test(test_uses),
		cmocka_unit_test(test_letters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
