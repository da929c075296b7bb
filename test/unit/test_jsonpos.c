/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include "unit.h"

#include "../../helper/jsonpos.h"

static const char text[] = "{\n"				       /* 1 */
			   "  \"mounts\": [\n"			       /* 2 */
			   "    {\"a\": \"}]\\\"\", \"b\": -1.5e3},\n" /* 3 */
			   "    {\n"				       /* 4 */
			   "      \"source\": \"x\",\n"		       /* 5 */
			   "      \"options\": [\"ro\",\n"	       /* 6 */
			   "         [1, {}], true,\n"		       /* 7 */
			   "         \"last\"]\n"		       /* 8 */
			   "    }\n"				       /* 9 */
			   "  ],\n"				       /* 10 */
			   "  \"mount\": null,\n"		       /* 11 */
			   "  \"process\":\n"			       /* 12 */
			   "    {\"cwd\": \"/\"}\n"		       /* 13 */
			   "}\n";

static unsigned int line(const char *path)
{
	return sb_jsonpos_line(text, strlen(text), path);
}

static void test_found(void **state)
{
	(void)state;
	assert_int_equal(line("mounts"), 2);
	assert_int_equal(line("mounts[0]"), 3);
	assert_int_equal(line("mounts[0].b"), 3);
	assert_int_equal(line("mounts[1]"), 4);
	assert_int_equal(line("mounts[1].source"), 5);
	assert_int_equal(line("mounts[1].options"), 6);
	assert_int_equal(line("mounts[1].options[1]"), 7);
	assert_int_equal(line("mounts[1].options[1][1]"), 7);
	assert_int_equal(line("mounts[1].options[3]"), 8);
	assert_int_equal(line("mount"), 11);
	assert_int_equal(line("process"), 12);
	assert_int_equal(line("process.cwd"), 13);
}

/* What is not there: the last that is. */
static void test_missing(void **state)
{
	(void)state;
	assert_int_equal(line("process.args"), 12);
	assert_int_equal(line("process.cwd.x[3]"), 13);
	assert_int_equal(line("mounts[7].source"), 2);
	assert_int_equal(line("mounts[1].options[9]"), 6);
	assert_int_equal(line("root.path"), 0);
	assert_int_equal(line(""), 0);
	assert_int_equal(line("[0]"), 0);
	assert_int_equal(line("mounts..x"), 2);
}

/* Texts that are no JSON, cut anywhere: it ends, within the text (ASan). */
static void test_cut(void **state)
{
	(void)state;
	for (size_t n = 0; n < strlen(text); n++) {
		char *part = malloc(n + 1);

		memcpy(part, text, n);
		sb_jsonpos_line(part, n, "mounts[1].options[1][1]");
		sb_jsonpos_line(part, n, "process.cwd");
		free(part);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_found),
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
