/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include "../../helper/form.h"
#include "../../helper/names.h"

/* What is said of the document; "" if it is well. */
static const char *said(const char *text)
{
	static struct sb_err err;
	struct sb_json doc;

	err = (struct sb_err){.text = ""};
	if (sb_json_parse(&doc, text, strlen(text), &err) < 0)
		fail_msg("%s: %s", text, err.text);
	if (sb_names_check(doc.root, &err) < 0)
		assert_int_equal(err.code, 125);
	else
		assert_string_equal(err.text, "");
	sb_json_free(&doc);
	return err.text;
}

#define WRONG(text, where, name)                                               \
	assert_string_equal(said(text), "config.json: " where                  \
					": a runtime may take it for " name)
#define GOOD(text) assert_string_equal(said(text), "")

static void fault_6_case(void **state)
{
	(void)state;
	WRONG("{\"Process\":{}}", "Process", "process");
	WRONG("{\"process\":{},\"PROCESS\":null}", "PROCESS", "process");
	WRONG("{\"ociversion\":\"1\"}", "ociversion", "ociVersion");
	WRONG("{\"root\":{\"Path\":\"/\"}}", "root.Path", "path");
	WRONG("{\"process\":{\"Args\":[]}}", "process.Args", "args");
	WRONG("{\"process\":{\"user\":{\"UID\":0}}}", "process.user.UID",
	      "uid");
	WRONG("{\"process\":{\"consoleSize\":{\"Width\":1}}}",
	      "process.consoleSize.Width", "width");
	WRONG("{\"process\":{\"capabilities\":{\"Ambient\":[]}}}",
	      "process.capabilities.Ambient", "ambient");
	WRONG("{\"mounts\":[{},{\"Source\":\"/\"}]}", "mounts[1].Source",
	      "source");
	WRONG("{\"hooks\":{\"createruntime\":[]}}", "hooks.createruntime",
	      "createRuntime");
	WRONG("{\"linux\":{\"Namespaces\":[]}}", "linux.Namespaces",
	      "namespaces");
	WRONG("{\"linux\":{\"Resources\":[]}}", "linux.Resources", "resources");
	WRONG("{\"linux\":{\"namespaces\":[{\"Path\":\"/\"}]}}",
	      "linux.namespaces[0].Path", "path");
	WRONG("{\"linux\":{\"devices\":[{\"filemode\":1}]}}",
	      "linux.devices[0].filemode", "fileMode");
	WRONG("{\"linux\":{\"personality\":{\"Domain\":1}}}",
	      "linux.personality.Domain", "domain");
	WRONG("{\"linux\":{\"seccomp\":{\"ListenerPath\":1}}}",
	      "linux.seccomp.ListenerPath", "listenerPath");
	WRONG("{\"linux\":{\"seccomp\":{\"syscalls\":[{\"Action\":1}]}}}",
	      "linux.seccomp.syscalls[0].Action", "action");
	WRONG("{\"linux\":{\"seccomp\":{\"syscalls\":[{\"args\":[{},"
	      "{\"valuetwo\":1}]}]}}}",
	      "linux.seccomp.syscalls[0].args[1].valuetwo", "valueTwo");
}

static void fault_6_every_kind_of_hook(void **state)
{
	char text[128], want[160];

	(void)state;
	for (int i = 0; i < SB_FORM_HOOKS; i++) {
		snprintf(text, sizeof(text),
			 "{\"hooks\":{\"%s\":[{\"pAth\":\"/\"}]}}",
			 sb_form_hooks[i]);
		snprintf(want, sizeof(want),
			 "config.json: hooks.%s[0].pAth: a runtime may take it "
			 "for path",
			 sb_form_hooks[i]);
		assert_string_equal(said(text), want);
	}
}

/* Unicode folds two letters to ASCII ones. */
static void fault_6_other_letters(void **state)
{
	(void)state;
	WRONG("{\"hook\\u017f\":{}}", "hook\xc5\xbf", "hooks");
	WRONG("{\"hoo\\u212As\":{}}", "hoo\xe2\x84\xaas", "hooks");
	WRONG("{\"hoo\xe2\x84\xaa\xc5\xbf\":{}}", "hoo\xe2\x84\xaa\xc5\xbf",
	      "hooks");
	WRONG("{\"linux\":{\"ma\xc5\xbf\xe2\x84\xaa"
	      "edPath\xc5\xbf\":[]}}",
	      "linux.ma\xc5\xbf\xe2\x84\xaa"
	      "edPath\xc5\xbf",
	      "maskedPaths");
	/* Others look so, or are one byte off. */
	GOOD("{\"r\\u043e\\u043et\":{},\"hook\\u0160\":1,\"\\u0130\":1,"
	     "\"hook\\u017e\":1,\"hoo\\u212Bs\":1,\"hooks\\u0301\":1}");
}

/* What is no field, or free to have any name, is left alone. */
static void test_others_are_free(void **state)
{
	(void)state;
	GOOD("{\"annotations\":{\"Process\":\"a\",\"Annotations\":\"b\"},"
	     "\"linux\":{\"sysctl\":{\"Kernel.Sem\":\"1\",\"Type\":\"2\"}}}");
	GOOD("{\"x\":{\"Process\":{}},\"procesS2\":1,\"procesx\":1,\"\":1,"
	     "\"Env\":[],\"Path\":\"/\",\"process\":{\"Root\":1,\"x\":"
	     "{\"Args\":[]}},\"mounts\":[{\"Type2\":1},[{\"Type\":1}],7]}");
	/* Not what it must be: form.c's to say. */
	GOOD("{\"process\":[{\"Args\":[]}],\"mounts\":{\"Type\":1},"
	     "\"linux\":null}");
	GOOD("[{\"Process\":{}}]");
	GOOD("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[{\"Process\":1}"
	     "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]");
}

/* All that reads the form reads the names. */
static void test_form(void **state)
{
	static const char text[] = "{\"HOOKS\":{}}";
	struct sb_err err = {.text = ""};
	struct sb_json doc;

	(void)state;
	assert_int_equal(sb_json_parse(&doc, text, strlen(text), &err), 0);
	assert_int_equal(sb_form_check(&doc, &err), -1);
	assert_string_equal(err.text, "config.json: HOOKS: a runtime may take "
				      "it for hooks");
	sb_json_free(&doc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fault_6_case),
		cmocka_unit_test(fault_6_every_kind_of_hook),
		cmocka_unit_test(fault_6_other_letters),
		cmocka_unit_test(test_others_are_free),
		cmocka_unit_test(test_form),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
