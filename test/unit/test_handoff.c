/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include "unit.h"

#include "../../helper/handoff.h"

#define HEAD "/bin/sh-cIFS= && exec /usr/bin/stepbox handoff $(x) # "

static struct sb_handoff h;

static int teardown(void **state)
{
	(void)state;
	sb_handoff_free(&h);
	return 0;
}

static void parsed(const char *text)
{
	struct sb_err err = {.text = ""};

	sb_handoff_free(&h);
	if (sb_handoff_parse(text, &h, &err) < 0)
		fail_msg("%s", err.text);
}

static void refused(const char *text, const char *why)
{
	struct sb_err err = {.text = ""};

	sb_handoff_free(&h);
	assert_int_equal(sb_handoff_parse(text, &h, &err), -1);
	assert_contains(err.text, why);
}

static void test_parse(void **state)
{
	(void)state;
	parsed(HEAD "step=7.4294967291 env=/s p/oci-job7-0/task-0/environment "
		    "bundle=/images/a b args='/bin/sh' '-c' ''");
	assert_int_equal(h.job, 7);
	assert_int_equal(h.step, 4294967291U);
	assert_string_equal(h.env, "/s p/oci-job7-0/task-0/environment");
	assert_int_equal(h.args.n, 3);
	assert_string_equal(h.args.v[0], "/bin/sh");
	assert_string_equal(h.args.v[2], "");
	assert_string_equal(h.bundle, "/images/a b");
}

/* What slurmstepd (container.c, _pattern_argv()) makes of words: doubled as
 * 24.11.5 has it, else as 26.05.5. */
static void encode(char *to, const char *const *words, int doubled)
{
	for (; *words; words++) {
		*to++ = '\'';
		for (const char *c = *words; *c; c++) {
			if (*c == '\'')
				to = stpcpy(to, doubled ? "'\"'\"'" : "'\"'\"");
			*to++ = *c;
		}
		*to++ = '\'';
		if (words[1])
			*to++ = ' ';
	}
	*to = '\0';
}

static void test_any_word_comes_back(void **state)
{
	static const char *const words[] = {
		"it's",	 "'",	       "''",	"' '",	    "a'",
		"'a",	 "'\"'\"''",   "'\"'",	"\"",	    "' bundle=/x",
		"a' 'b", "x\ny # z",   "\\",	"\\'",	    " ",
		"",	 "# step=1.2", "$(id)", " args=' ", NULL,
	};

	(void)state;
	for (int doubled = 0; doubled < 2; doubled++) {
		char text[2048] = HEAD "step=1.0 env=/e bundle=/b' 'c args=";

		encode(text + strlen(text), words, doubled);
		parsed(text);
		assert_int_equal(h.args.n,
				 sizeof(words) / sizeof(words[0]) - 1);
		for (size_t i = 0; words[i]; i++)
			assert_string_equal(h.args.v[i], words[i]);
		assert_string_equal(h.bundle, "/b' 'c");
	}
}

/* The i-th word of the letters. */
static void spell(char *to, unsigned int i)
{
	static const char letters[] = " '\"a";

	for (; i; i /= 5)
		if (i % 5)
			*to++ = letters[i % 5 - 1];
	*to = '\0';
}

/* Two words of up to four such letters each: right, or refused, but never
 * another command. */
static void test_no_word_becomes_another(void **state)
{
	char a[8], b[8], text[256];
	const char *const words[] = {a, b, NULL};
	unsigned int refusals = 0;
	struct sb_err err;

	(void)state;
	for (unsigned int i = 0; i < 2 * 625 * 625; i++) {
		spell(a, i / 2 % 625);
		spell(b, i / 2 / 625);
		strcpy(text, HEAD "step=1.0 env=/e bundle=/b args=");
		encode(text + strlen(text), words, i % 2);
		if (sb_handoff_parse(text, &h, &err) < 0) {
			refusals++;
			assert_contains(err.text, "one way");
		} else if (h.args.n != 2 || strcmp(h.args.v[0], a) ||
			   strcmp(h.args.v[1], b)) {
			fail_msg("%s", text);
		}
		sb_handoff_free(&h);
	}
	assert_int_equal(refusals, 0);
}

static void test_refused(void **state)
{
	(void)state;
	refused("", "# step=");
	refused("/bin/sh-cexec stepbox handoff", "# step=");
	refused(HEAD "step=x.0 env=/e bundle=/b args='a'", "step=%j.%s");
	refused(HEAD "step=1.99999999999 env=/e bundle=/b args='a'", "step=");
	refused(HEAD "step=1.0 bundle=/b args='a'", "env=%e");
	refused(HEAD "step=1.0 env=/e args='a'", "env=%e");
	refused(HEAD "step=1.0 env=/e bundle=/b", "bundle=%b");
	/* %@ of no command. */
	refused(HEAD "step=1.0 env=/e bundle=/b args=\"/bin/false\"",
		"args=%@");
	refused(HEAD "step=1.0 env=/e bundle=/b args='a", "args=%@");
	refused(HEAD "step=1.0 env=/e bundle=/b args='a' 'b", "args=%@");
	refused(HEAD "step=1.0 env=/e bundle=/b args='a'b'c'", "args=%@");
	refused(HEAD "step=1.0 env=/e bundle=/b args='a' ", "args=%@");
}

static void test_environ(void **state)
{
	static char text[] = "A=1\0B=x\ny\0C=";
	static char newline[] = "A=1\nB=2\n";
	char **old = environ;
	struct sb_err err;

	(void)state;
	assert_int_equal(sb_handoff_environ(text, sizeof(text), &err), 0);
	assert_string_equal(environ[0], "A=1");
	assert_string_equal(environ[1], "B=x\ny");
	assert_string_equal(getenv("C"), "");
	assert_null(environ[3]);
	free(environ);
	environ = old;
	/* CreateEnvFile=newline, or nothing at all. */
	assert_int_equal(sb_handoff_environ(newline, sizeof(newline) - 1, &err),
			 -1);
	assert_contains(err.text, "CreateEnvFile=null");
	assert_int_equal(sb_handoff_environ(newline, 0, &err), -1);
	assert_ptr_equal(environ, old);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_parse, teardown),
		cmocka_unit_test_teardown(test_any_word_comes_back, teardown),
		cmocka_unit_test_teardown(test_no_word_becomes_another,
					  teardown),
		cmocka_unit_test_teardown(test_refused, teardown),
		cmocka_unit_test(test_environ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
