/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include "../../spank/contract.h"
#include "../../spank/keyval.h"
#include "../fuzz/grammar.h"

#include <sys/stat.h>

static char got[4096];

static int collect(void *arg, const char *key, const char *value,
		   const struct sb_kv_pos *pos, struct sb_err *err)
{
	(void)arg;
	if (!strcmp(key, "Bad"))
		return sb_fail(err, SB_FAIL, "no such thing");
	sprintf(got + strlen(got), "%u:%s=<%s>\n", pos->line, key, value);
	return 0;
}

static int parse(const char *text, struct sb_err *err)
{
	*got = '\0';
	return sb_kv_parse("f", text, strlen(text), collect, NULL, err);
}

static int tell(void *arg, const char *key, const char *value,
		const struct sb_kv_pos *pos, struct sb_err *err)
{
	(void)err;
	grammar_tell(arg, pos->line, key, strlen(key), value, strlen(value));
	return 0;
}

/* By Slurm's way of reading it is the same. */
static void read_again(const char *text)
{
	struct sb_err err = {.text = ""};
	struct sb_buf ours = {0}, slurms = {0};
	unsigned int line = 0;
	int rc = sb_kv_parse("f", text, strlen(text), tell, &ours, &err);
	enum grammar_end how = grammar_read(text, strlen(text), &slurms, &line);
	char where[32];

	if (how != GRAMMAR_INCLUDE) {
		assert_int_equal(rc, how == GRAMMAR_GOOD ? 0 : -1);
		assert_int_equal(ours.len, slurms.len);
		assert_true(!ours.len || !strcmp(ours.data, slurms.data));
		snprintf(where, sizeof(where), "f:%u: ", line);
		assert_true(!rc || !strncmp(err.text, where, strlen(where)));
	}
	sb_buf_free(&ours);
	sb_buf_free(&slurms);
}

static void good(const char *text, const char *want)
{
	struct sb_err err = {.text = ""};

	if (parse(text, &err) < 0)
		fail_msg("%s", err.text);
	assert_string_equal(got, want);
	read_again(text);
}

static void bad(const char *text, const char *where)
{
	struct sb_err err = {.text = ""};

	assert_int_equal(parse(text, &err), -1);
	assert_int_equal(err.code, SB_FAIL);
	assert_contains(err.text, where);
	read_again(text);
}

static void test_pairs(void **state)
{
	(void)state;
	good("", "");
	good("\n\n# only a comment\n", "");
	good("A=1 B=2\nC = x", "1:A=<1>\n1:B=<2>\n2:C=<x>\n");
	good("A=\"b c\" D=e", "1:A=<b c>\n1:D=<e>\n");
	good("A=\"\"", "1:A=<>\n");
	good("A=1\r\nB=2\r\n", "1:A=<1>\n2:B=<2>\n");
	good("A=x=y", "1:A=<x=y>\n");
}

/* Slurm, parse_config.c: a # ends the line even inside quotes, unless \#. */
static void test_comment(void **state)
{
	(void)state;
	good("A=1 # B=2", "1:A=<1>\n");
	good("A=\"x\\#y\"", "1:A=<x#y>\n");
	good("A=\\\\#comment", "1:A=<\\>\n");
	bad("A=\"x#y\"", "f:1");
}

static void test_continuation(void **state)
{
	(void)state;
	good("A=1 \\\nB=2\nC=3", "1:A=<1>\n1:B=<2>\n3:C=<3>\n");
	good("A=1\\  \n2", "1:A=<12>\n");
	good("A=1\\\\\nB=2", "1:A=<1\\>\n2:B=<2>\n");
	/* also one of nothing */
	good("\\\nA=1\nB=2", "1:A=<1>\n3:B=<2>\n");
}

/* Slurm's keyvalue_pattern has them; for strings, booleans and lists nobody
 * asks which it was. */
static void test_operators(void **state)
{
	(void)state;
	good("A+=1 B -=2 C*= 3 D/=\"x\"",
	     "1:A=<1>\n1:B=<2>\n1:C=<3>\n1:D=<x>\n");
	good("A=+1 B==2", "1:A=<+1>\n1:B=<=2>\n");
}

static void test_quotes(void **state)
{
	(void)state;
	/* a backslash is gone before quotes are looked at */
	good("A=x\\\"y", "1:A=<x\"y>\n");
	bad("A=\"x\\\"y\"", "f:1");
	good("A=it's B='c", "1:A=<it's>\n1:B=<'c>\n");
	good("A=\"it's \\# not\"", "1:A=<it's # not>\n");
	/* a quoted value may go on in the next line */
	good("A=\"b \\\n c\" D=1", "1:A=<b  c>\n1:D=<1>\n");
	/* what stands behind a backslash at the very end */
	good("A=1 \\", "1:A=<1>\n");
	/* a comment ends a continuation */
	good("A=1 # x \\\nB=2", "1:A=<1>\n2:B=<2>\n");
}

static void test_case_and_blanks(void **state)
{
	(void)state;
	good("\t a.b_C9\t=\t1\v\n", "1:a.b_C9=<1>\n");
	good("A\v=\f1\r\v\fB\r=2", "1:A=<1>\n1:B=<2>\n");
	good("Include_=1\nincluded=2", "1:Include_=<1>\n2:included=<2>\n");
}

static void test_errors(void **state)
{
	(void)state;
	bad("A", "f:1");
	bad("A=", "f:1");
	bad("\nA=\"x", "f:2");
	bad("A=\"x\"y", "f:1");
	bad("=1", "f:1");
	bad("A=1\nBad=2", "f:2: no such thing");
	bad("A%=1", "f:1");
	bad("A+ =1", "f:1");
	bad("A++=1", "f:1");
	/* As printed in a guide of Slurm's: the closing quote is missing. */
	bad("X=\"y\"\nRunTimeDelete=\"sudo singularity oci delete %n.%u\n",
	    "f:2");
}

static void test_nul(void **state)
{
	struct sb_err err;

	(void)state;
	assert_int_equal(sb_kv_parse("f", "A=1\0B=2", 7, collect, NULL, &err),
			 -1);
	assert_contains(err.text, "NUL");
}

static void test_include(void **state)
{
	char outer[128];
	struct sb_err err = {.text = ""};
	const char *path = unit_file("In=1\n");
	char inner[64];

	(void)state;
	strcpy(inner, path);
	snprintf(outer, sizeof(outer), "A=1\nInclude %s\nB=2\n", inner);
	good(outer, "1:A=<1>\n1:In=<1>\n3:B=<2>\n");
	unlink(inner);
	assert_int_equal(parse(outer, &err), -1);
	assert_contains(err.text, "f:2");
	assert_contains(err.text, "No such file");
}

static void test_include_itself(void **state)
{
	struct sb_err err;
	char text[128], path[64];
	FILE *f;

	(void)state;
	strcpy(path, unit_file(""));
	snprintf(text, sizeof(text), "Include %s\n", path);
	f = fopen(path, "w");
	fputs(text, f);
	fclose(f);
	assert_int_equal(sb_kv_read(path, SB_KV_ANY, collect, NULL, &err), -1);
	assert_contains(err.text, "nested too deep");
	unlink(path);
}

/* Relative to the file that names it, at any depth, else to the first; a loop
 * of two. */
static void test_include_nested(void **state)
{
	struct sb_err err = {.text = ""};
	char dir[] = "/tmp/stepbox-unit-XXXXXX", path[64];
	static const struct {
		const char *name, *text;
	} files[] = {
		{"a", "A=1\nINCLUDE sub/b\nA=2\n"},
		{"sub/b", "  include c   # beside it\nB=1\nInclude d\n"},
		{"sub/c", "C=1\n"},
		{"c", "C=0\n"},
		{"d", "D=1\nInclude sub/e\n"},
		{"sub/e", "Include sub/f\n"},
		{"sub/f", "F=1\n"},
		{"z", "Include sub/g\n"},
		{"sub/g", "Include h\n"},
		{"x", "Include y\n"},
		{"y", "Y=1\nInclude x\n"},
	};

	(void)state;
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chdir(dir), 0);
	assert_int_equal(mkdir("sub", 0755), 0);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		FILE *f = fopen(files[i].name, "w");

		fputs(files[i].text, f);
		fclose(f);
	}
	assert_int_equal(chdir("/"), 0);
	*got = '\0';
	snprintf(path, sizeof(path), "%s/a", dir);
	if (sb_kv_read(path, SB_KV_ANY, collect, NULL, &err) < 0)
		fail_msg("%s", err.text);
	assert_string_equal(got, "1:A=<1>\n1:C=<1>\n2:B=<1>\n1:D=<1>\n"
				 "1:F=<1>\n3:A=<2>\n");
	snprintf(path, sizeof(path), "%s/z", dir);
	assert_int_equal(sb_kv_read(path, SB_KV_ANY, collect, NULL, &err), -1);
	assert_contains(err.text, "/sub/g:1: ");
	assert_contains(err.text, "/h: No such file");
	snprintf(path, sizeof(path), "%s/x", dir);
	*got = '\0';
	assert_int_equal(sb_kv_read(path, SB_KV_ANY, collect, NULL, &err), -1);
	assert_contains(err.text, "nested too deep");
	assert_contains(err.text, "/x:1: ");
	assert_int_equal(chdir(dir), 0);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		unlink(files[i].name);
	rmdir("sub");
	assert_int_equal(chdir("/"), 0);
	rmdir(dir);
}

static void test_no_file(void **state)
{
	struct sb_err err;

	(void)state;
	assert_int_equal(
		sb_kv_read("/nonexistent/x", SB_KV_ANY, collect, NULL, &err),
		-1);
	assert_contains(err.text, "/nonexistent/x: No such file");
	assert_int_equal(sb_kv_read("/", SB_KV_ANY, collect, NULL, &err), -1);
	assert_contains(err.text, "not a regular file");
	assert_int_equal(
		sb_kv_read("/dev/zero", SB_KV_ANY, collect, NULL, &err), -1);
	assert_contains(err.text, "not a regular file");
}

static void test_bool(void **state)
{
	(void)state;
	assert_int_equal(sb_kv_bool("YES"), 1);
	assert_int_equal(sb_kv_bool("true"), 1);
	assert_int_equal(sb_kv_bool("No"), 0);
	assert_int_equal(sb_kv_bool("0"), 0);
	assert_int_equal(sb_kv_bool("maybe"), -1);
	assert_int_equal(sb_kv_bool(""), -1);
}

static void test_level(void **state)
{
	(void)state;
	assert_int_equal(sb_kv_level("quiet"), 0);
	assert_int_equal(sb_kv_level("VERBOSE"), SB_LEVEL_VERBOSE);
	assert_int_equal(sb_kv_level("debug"), SB_LEVEL_DEBUG);
	assert_int_equal(sb_kv_level("debug5"), 9);
	assert_int_equal(sb_kv_level("7"), 7);
	assert_int_equal(sb_kv_level("10"), -1);
	assert_int_equal(sb_kv_level("debug6"), -1);
	assert_int_equal(sb_kv_level(""), -1);
}

static void test_escape(void **state)
{
	char buf[16];

	(void)state;
	assert_int_equal(sb_escape(buf, sizeof(buf),
				   "a\n\x1b"
				   "b"),
			 10);
	assert_string_equal(buf, "a\\012\\033b");
	assert_int_equal(sb_escape(buf, 4, "abcdef"), 3);
	assert_string_equal(buf, "abc");
	sb_escape(buf, 6, "ab\n");
	assert_string_equal(buf, "ab");
	/* A letter stays, whole or not at all; C1's CSI and a stray byte go. */
	sb_escape(buf, sizeof(buf), "\xc3\xbc\xc2\x9b\xff");
	assert_string_equal(buf, "\xc3\xbc\\302\\233\\377");
	assert_int_equal(sb_escape(buf, 3, "a\xc3\xbc"), 1);
	sb_escape(buf, sizeof(buf), "\xc2");
	assert_string_equal(buf, "\\302");
}

/* The reason stands at the end. */
static void test_long_errors(void **state)
{
	static char path[150000];
	struct sb_err err;

	(void)state;
	memset(path, 'x', sizeof(path) - 1);
	assert_int_equal(sb_fail(&err, 7, "bundle %s: why", path), -1);
	assert_int_equal(err.code, 7);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	assert_int_equal(strncmp(err.text, "bundle xxx", 10), 0);
	assert_contains(err.text, "xxx...xxx");
	assert_contains(err.text, "xxx: why");
	sb_fail(&err, 8, "why");
	sb_wrap(&err, "bundle %s", path);
	assert_int_equal(err.code, 8);
	assert_contains(err.text, "bundle xxx");
	assert_contains(err.text, "xxx: why");
	sb_wrap(&err, "on top");
	assert_contains(err.text, "on top: bundle xxx");
	assert_contains(err.text, "xxx: why");
	/* To the byte. */
	memset(path, 'y', sizeof(err.text));
	path[sizeof(err.text) - 1] = '\0';
	sb_fail(&err, 7, "%s", path);
	assert_string_equal(err.text, path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pairs),
		cmocka_unit_test(test_comment),
		cmocka_unit_test(test_continuation),
		cmocka_unit_test(test_operators),
		cmocka_unit_test(test_quotes),
		cmocka_unit_test(test_case_and_blanks),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_nul),
		cmocka_unit_test(test_include),
		cmocka_unit_test(test_include_itself),
		cmocka_unit_test(test_include_nested),
		cmocka_unit_test(test_no_file),
		cmocka_unit_test(test_bool),
		cmocka_unit_test(test_level),
		cmocka_unit_test(test_escape),
		cmocka_unit_test(test_long_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
