/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include "../../helper/json.h"

/* Parsed and dumped again, the text is the same (compact, key order kept). */
static void round_trip(const char *text)
{
	struct sb_json doc;
	struct sb_err err = {.text = ""};
	char *out;
	size_t len;

	if (sb_json_parse(&doc, text, strlen(text), &err) < 0)
		fail_msg("%s: %s", text, err.text);
	out = sb_json_dump(&doc, &len, &err);
	assert_non_null(out);
	assert_string_equal(out, text);
	assert_int_equal(len, strlen(text));
	free(out);
	sb_json_free(&doc);
}

static void refused(const char *text, size_t len, const char *why)
{
	struct sb_json doc;
	struct sb_err err = {.text = ""};

	if (!sb_json_parse(&doc, text, len, &err))
		fail_msg("accepted: %s", text);
	assert_contains(err.text, why);
	sb_json_free(&doc);
}

#define REFUSED(text, why) refused(text, strlen(text), why)

static void test_numbers(void **state)
{
	(void)state;
	round_trip("{\"hard\":18446744073709551615,\"soft\":1024}");
	round_trip("[9223372036854775807,-9223372036854775808,"
		   "9223372036854775808,-9223372036854775809]");
	round_trip("[0.1,1e999,-0,-0.0,1E-3,9007199254740993,1.0]");
	round_trip("[123456789012345678,1234567890123456789]");
	round_trip("[0,-1,10]");
}

static void test_text(void **state)
{
	(void)state;
	round_trip("{\"z\":1,\"a\":{\"b\":[true,false,null]},\"\":\"\"}");
	round_trip("{\"x\":\"18446744073709551615\",\"1.5\":\"-0\"}");
	round_trip("[\"a\\\"1.5\\\"\",\"\\\\\",\"1e5\"]");
	round_trip("[\"caf\xc3\xa9 \xf0\x9f\x90\x9a\"]");
	round_trip("[]");
}

static void test_refused(void **state)
{
	(void)state;
	REFUSED("", "1:1: the file is empty");
	REFUSED("{", "1:");
	REFUSED("{\"a\":1}x", "1:");
	REFUSED("{\"a\":1}{}", "1:");
	REFUSED("\xef\xbb\xbf{}", "1:1: begins with a byte order mark");
	REFUSED("{\"a\":1,\n\"a\":2}", "2:");
	REFUSED("[01]", "1:");
	REFUSED("[1.]", "1:");
	REFUSED("[.5]", "1:");
	REFUSED("[1.5x]", "1:");
	REFUSED("{1.5:2}", "1:");
	REFUSED("[-]", "1:");
	REFUSED("[+1]", "1:");
	REFUSED("[0x10]", "1:");
	REFUSED("[NaN]", "1:");
	REFUSED("[99999999999999999999.]", "1:");
	REFUSED("[\"\\u0000\"]", "1:");
	REFUSED("[\"\\ud800\"]", "1:");
	REFUSED("[\"\xff\"]", "1:");
	REFUSED("[\"a", "1:");
	REFUSED("[\"a\\", "1:");
	refused("[1]\0[2]", 7, "1:");
}

static void test_depth(void **state)
{
	char deep[2 * SB_JSON_MAX_DEPTH + 8];
	char *huge = malloc(200001);

	(void)state;
	memset(deep, '[', SB_JSON_MAX_DEPTH);
	memset(deep + SB_JSON_MAX_DEPTH, ']', SB_JSON_MAX_DEPTH);
	deep[2 * SB_JSON_MAX_DEPTH] = '\0';
	round_trip(deep);
	memset(huge, '[', 200000);
	huge[200000] = '\0';
	REFUSED(huge, "nested too deep");
	free(huge);
}

/* What jansson makes of a carried number is no number; edits must not trip
 * over it, and it survives beside changed neighbours. */
static void test_edited(void **state)
{
	const char *text = "{\"a\":18446744073709551615,\"b\":1}";
	struct sb_json doc;
	struct sb_err err;
	char *out;
	size_t len;

	(void)state;
	assert_int_equal(sb_json_parse(&doc, text, strlen(text), &err), 0);
	json_object_set_new(doc.root, "b", json_string("\"x\\"));
	out = sb_json_dump(&doc, &len, &err);
	assert_string_equal(out, "{\"a\":18446744073709551615,"
				 "\"b\":\"\\\"x\\\\\"}");
	free(out);
	sb_json_free(&doc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers), cmocka_unit_test(test_text),
		cmocka_unit_test(test_refused), cmocka_unit_test(test_depth),
		cmocka_unit_test(test_edited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
