/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include "../../helper/form.h"

/* What is said of the document; "" if it is well. */
static const char *said(const char *text)
{
	static struct sb_err err;
	struct sb_json doc;

	err = (struct sb_err){.text = ""};
	if (sb_json_parse(&doc, text, strlen(text), &err) < 0)
		fail_msg("%s: %s", text, err.text);
	if (!sb_form_check(&doc, &err))
		assert_string_equal(err.text, "");
	else
		assert_int_equal(err.code, 125);
	sb_json_free(&doc);
	return err.text;
}

#define WRONG(text, why) assert_string_equal(said(text), "config.json: " why)
#define GOOD(text) assert_string_equal(said(text), "")

/* A value of each type; the first is null. */
static const char *const values[] = {"null", "{}",    "[]", "\"x\"",
				     "true", "false", "7"};

/* Each field with a value of each type, at its place in a document ("%s"). */
static const struct {
	const char *text, *path;
	const char *good; /* which of values, by their first letters */
} fields[] = {
	{"{\"ociVersion\":%s}", "ociVersion", "n\""},
	{"{\"root\":%s}", "root", "n{"},
	{"{\"root\":{\"readonly\":%s}}", "root.readonly", "ntf"},
	{"{\"process\":%s}", "process", "n{"},
	{"{\"process\":{\"terminal\":%s}}", "process.terminal", "ntf"},
	{"{\"process\":{\"args\":%s}}", "process.args", "n["},
	{"{\"process\":{\"args\":[\"a\",%s]}}", "process.args[1]", "\""},
	{"{\"process\":{\"env\":%s}}", "process.env", "n["},
	{"{\"process\":{\"env\":[%s]}}", "process.env[0]", "\""},
	{"{\"process\":{\"cwd\":%s}}", "process.cwd", "n\""},
	{"{\"process\":{\"noNewPrivileges\":%s}}", "process.noNewPrivileges",
	 "ntf"},
	{"{\"process\":{\"capabilities\":%s}}", "process.capabilities", "n{"},
	{"{\"process\":{\"capabilities\":{\"ambient\":%s}}}",
	 "process.capabilities.ambient", "n["},
	{"{\"process\":{\"capabilities\":{\"ambient\":[%s]}}}",
	 "process.capabilities.ambient[0]", "\""},
	{"{\"mounts\":%s}", "mounts", "n["},
	{"{\"mounts\":[{\"destination\":\"/\",\"type\":%s}]}", "mounts[0].type",
	 "n\""},
	{"{\"mounts\":[{\"destination\":\"/\",\"source\":%s}]}",
	 "mounts[0].source", "n\""},
	{"{\"mounts\":[{\"destination\":\"/\",\"options\":%s}]}",
	 "mounts[0].options", "n["},
	{"{\"mounts\":[{\"destination\":\"/\",\"options\":[%s]}]}",
	 "mounts[0].options[0]", "\""},
	{"{\"hooks\":%s}", "hooks", "n{"},
	{"{\"hooks\":{\"prestart\":%s}}", "hooks.prestart", "n["},
	{"{\"hooks\":{\"createRuntime\":[{\"path\":\"/\",\"args\":%s}]}}",
	 "hooks.createRuntime[0].args", "n["},
	{"{\"hooks\":{\"createContainer\":[{\"path\":\"/\",\"args\":[%s]}]}}",
	 "hooks.createContainer[0].args[0]", "\""},
	{"{\"hooks\":{\"startContainer\":[{\"path\":\"/\",\"env\":%s}]}}",
	 "hooks.startContainer[0].env", "n["},
	{"{\"hooks\":{\"poststart\":[{\"path\":\"/\",\"env\":[%s]}]}}",
	 "hooks.poststart[0].env[0]", "\""},
	{"{\"hooks\":{\"poststop\":[{\"path\":\"/\",\"timeout\":%s}]}}",
	 "hooks.poststop[0].timeout", "n7"},
	{"{\"annotations\":%s}", "annotations", "n{"},
	{"{\"annotations\":{\"a.b\":%s}}", "annotations.a.b", "n\""},
	{"{\"linux\":%s}", "linux", "n{"},
	{"{\"linux\":{\"namespaces\":%s}}", "linux.namespaces", "n["},
	{"{\"linux\":{\"namespaces\":[{\"type\":\"pid\",\"path\":%s}]}}",
	 "linux.namespaces[0].path", "n\""},
	{"{\"linux\":{\"devices\":%s}}", "linux.devices", "n["},
	{"{\"linux\":{\"devices\":[{\"path\":\"/\",\"type\":%s}]}}",
	 "linux.devices[0].type", "n\""},
	{"{\"linux\":{\"devices\":[{\"path\":\"/\",\"major\":%s}]}}",
	 "linux.devices[0].major", "n7"},
	{"{\"linux\":{\"sysctl\":%s}}", "linux.sysctl", "n{"},
	{"{\"linux\":{\"sysctl\":{\"kernel.sem\":%s}}}",
	 "linux.sysctl.kernel.sem", "n\""},
	{"{\"linux\":{\"rootfsPropagation\":%s}}", "linux.rootfsPropagation",
	 "n\""},
	{"{\"linux\":{\"maskedPaths\":%s}}", "linux.maskedPaths", "n["},
	{"{\"linux\":{\"maskedPaths\":[%s]}}", "linux.maskedPaths[0]", "\""},
	{"{\"linux\":{\"readonlyPaths\":%s}}", "linux.readonlyPaths", "n["},
	{"{\"linux\":{\"readonlyPaths\":[%s]}}", "linux.readonlyPaths[0]",
	 "\""},
	{"{\"linux\":{\"personality\":{\"domain\":\"L\",\"flags\":%s}}}",
	 "linux.personality.flags", "n["},
};

static void fault_8_wrong_types(void **state)
{
	char text[256], want[256];
	const char *hole;

	(void)state;
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
		for (size_t k = 0; k < sizeof(values) / sizeof(*values); k++) {
			hole = strstr(fields[i].text, "%s");
			snprintf(text, sizeof(text), "%.*s%s%s",
				 (int)(hole - fields[i].text), fields[i].text,
				 values[k], hole + 2);
			if (strchr(fields[i].good, *values[k])) {
				GOOD(text);
				continue;
			}
			snprintf(want, sizeof(want), "config.json: %s: not ",
				 fields[i].path);
			if (strncmp(said(text), want, strlen(want)))
				fail_msg("%s: %s", text, said(text));
		}
}

static void fault_8_what_is_said(void **state)
{
	(void)state;
	WRONG("{\"process\":{\"args\":\"sh\"}}", "process.args: not a list");
	WRONG("{\"process\":{\"env\":[\"A=1\",7]}}",
	      "process.env[1]: not a string");
	WRONG("{\"mounts\":{}}", "mounts: not a list");
	WRONG("{\"process\":null,\"root\":[]}", "root: not an object");
	WRONG("{\"root\":{\"readonly\":\"true\"}}",
	      "root.readonly: not true or false");
	WRONG("{\"hooks\":{\"prestart\":[{\"path\":\"/\"},null]}}",
	      "hooks.prestart[1]: not an object");
	WRONG("{\"hooks\":{\"poststop\":[{\"args\":[]}]}}",
	      "hooks.poststop[0].path: missing");
	WRONG("{\"mounts\":[{\"destination\":\"/\"},7]}",
	      "mounts[1]: not an object");
	WRONG("{\"mounts\":[{\"type\":\"tmpfs\"}]}",
	      "mounts[0].destination: missing");
	WRONG("{\"linux\":{\"personality\":{}}}",
	      "linux.personality.domain: missing");
}

/* Whatever its size, a whole number is one; a fraction is none, and a string
 * that looks like the mark of another document is a string. */
static void fault_7_numbers(void **state)
{
	static const char hook[] =
		"{\"hooks\":{\"prestart\":[{\"path\":\"/\",\"timeout\":%s}]}}";
	static const char *const good[] = {"0", "9007199254740993",
					   "18446744073709551615",
					   "18446744073709551616", "-0"};
	static const char *const bad[] = {"0.1", "1e999", "1.0", "-0.0",
					  "\"18446744073709551615\""};
	char text[128];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		snprintf(text, sizeof(text), hook, good[i]);
		GOOD(text);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		snprintf(text, sizeof(text), hook, bad[i]);
		WRONG(text, "hooks.prestart[0].timeout: not a whole number");
	}
	WRONG("{\"process\":{\"args\":[18446744073709551615]}}",
	      "process.args[0]: not a string");
}

/* What is unknown, replaced or dropped may be anything. */
static void fault_9_unknown_fields(void **state)
{
	(void)state;
	GOOD("{\"annotations\":{\"a]\":null}}");
	GOOD("{\"x\":[{}],\"hooks\":{\"x\":7},\"linux\":{\"x\":null,"
	     "\"resources\":7,\"seccomp\":[]},\"process\":{\"user\":\"me\","
	     "\"rlimits\":\"none\"},\"mounts\":[{\"destination\":\"/x\","
	     "\"x\":[1.5]}],\"hostname\":{}}");
}

/* The longest name there is does no harm. */
static void test_long_names(void **state)
{
	static char text[5000];
	char *p = text + sprintf(text, "{\"annotations\":{\"");

	(void)state;
	memset(p, 'a', 4000);
	strcpy(p + 4000, "\":7,\"b\":\"x\"}}");
	assert_contains(said(text), "config.json: annotations.aaa");
	assert_contains(said(text), "a: not a string");
	strcpy(p + 4000, "\":\"x\",\"b\":7}}");
	WRONG(text, "annotations.b: not a string");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fault_7_numbers),
		cmocka_unit_test(fault_8_wrong_types),
		cmocka_unit_test(fault_8_what_is_said),
		cmocka_unit_test(fault_9_unknown_fields),
		cmocka_unit_test(test_long_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
