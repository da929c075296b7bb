/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What config.json says to whoever enters; the init's words. */
#define _GNU_SOURCE
#include "unit.h"

#include "../../helper/enter.h"
#include "../../helper/json.h"
#include "../../helper/ownwords.h"
#include "../../spank/contract.h"

static struct sb_err err;

static void check(const char *config, const char *want, int seccomp)
{
	struct sb_strv words = {0};
	struct sb_json doc;
	const json_t *runtimes;
	char text[512] = "";

	assert_int_equal(sb_json_parse(&doc, config, strlen(config), &err), 0);
	assert_int_equal(sb_ownwords(doc.root, &words, &runtimes, &err), 0);
	for (size_t i = 0; i < words.n; i++)
		strcat(strcat(text, i ? " " : ""), words.v[i]);
	assert_string_equal(text, want);
	assert_int_equal(!!runtimes, seccomp);
	sb_strv_free(&words);
	sb_json_free(&doc);
}

static void test_init(void **state)
{
	(void)state;
	check("{\"process\":{\"args\":[\"/dev/stepbox/init\",\"-N\",\"x\","
	      "\"-w\",\"-k\",\"-q\",\"-s\",\"-t\",\"-r\",\"/s\",\"-u\",\"1:1\","
	      "\"-k\",\"1:2:3:4\",\"-p\",\"/a\",\"-p\",\"/b\",\"-f\",\"9\","
	      "\"--\",\"-k\",\"no\"],\"noNewPrivileges\":true,"
	      "\"capabilities\":{\"bounding\":[\"CAP_SETFCAP\"]}}}",
	      "-n -k 1:2:3:4 -p /a -p /b", 0);
	/* As root: what the runtime does. */
	check("{\"process\":{\"args\":[\"/dev/stepbox/init\",\"-N\",\"x\","
	      "\"--\",\"sh\"],\"capabilities\":{\"bounding\":[\"CAP_KILL\"],"
	      "\"permitted\":[\"CAP_CHOWN\"]}},"
	      "\"linux\":{\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ALLOW\"}}}",
	      "-k 20:0:0:1", 1);
}

static void test_personality(void **state)
{
	(void)state;
	check("{\"linux\":{\"personality\":{\"domain\":\"LINUX32\"}}}",
	      "-d 8 -k 0:0:0:0", 0);
	check("{\"linux\":{\"personality\":{\"domain\":\"LINUX\"}}}",
	      "-d 0 -k 0:0:0:0", 0);
	check("{\"linux\":{\"personality\":{\"domain\":\"linux\"}}}",
	      "-k 0:0:0:0", 0);
	check("{\"linux\":{\"personality\":null}}", "-k 0:0:0:0", 0);
}

static void test_no_init(void **state)
{
	(void)state;
	check("{\"process\":{\"args\":[\"sh\",\"-k\",\"1\"]}}", "-k 0:0:0:0",
	      0);
	/* A command of that name. */
	check("{\"process\":{\"args\":[\"/sbin/init\",\"-k\",\"1\"]}}",
	      "-k 0:0:0:0", 0);
	check("{}", "-k 0:0:0:0", 0);
	check("{\"process\":{\"args\":[1,null]}}", "-k 0:0:0:0", 0);
}

static void test_entry(void **state)
{
	struct sb_strv words = {0}, args = {0};
	struct sb_entry e = {
		.init = "/i", .where = "here", .inner = -1, .words = &words};
	char text[256] = "";

	(void)state;
	sb_strv_add(&words, "-n");
	assert_int_equal(sb_entry_words(&e, &args, &err), 0);
	e.workdir = "/w";
	e.quiet = e.terminal = e.identify = 1;
	e.uid = 5;
	e.gid = 6;
	e.inner = 7;
	assert_int_equal(sb_entry_words(&e, &args, &err), 0);
	for (size_t i = 0; i < args.n; i++)
		strcat(strcat(text, i ? " " : ""), args.v[i]);
	assert_string_equal(text,
			    "/i -x -N here -n -- "
			    "/i -x -N here -w /w -q -t -u 5:6 -j 7 -n --");
	sb_strv_free(&words);
	sb_strv_free(&args);
}

/* Of a process in our own namespaces there is none to enter; of one that has
 * ended none at all. */
static void test_spaces(void **state)
{
	struct sb_spaces s;

	(void)state;
	assert_int_equal(sb_spaces_open(&s, getpid(), 1, SB_SPACE_ANY, &err),
			 1);
	sb_spaces_close(&s);
	for (int i = 0; i < SB_SPACES; i++)
		assert_int_equal(s.fd[i], -1);
	assert_int_equal(sb_spaces_open(&s, 0x3fffffff, 1, SB_SPACE_ANY, &err),
			 1);
	sb_spaces_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_init),
		cmocka_unit_test(test_personality),
		cmocka_unit_test(test_no_init),
		cmocka_unit_test(test_entry),
		cmocka_unit_test(test_spaces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
