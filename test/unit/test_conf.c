/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include "../../helper/conf.h"

static void load(struct sb_conf *c, const char *text)
{
	struct sb_err err = {.text = ""};
	const char *path = unit_file(text);

	if (sb_conf_load(c, path, &err) < 0)
		fail_msg("%s", err.text);
	unlink(path);
}

static void refused(const char *text, const char *why)
{
	struct sb_conf c;
	struct sb_err err = {.text = ""};
	const char *path = unit_file(text);

	assert_int_equal(sb_conf_load(&c, path, &err), -1);
	assert_contains(err.text, path);
	assert_contains(err.text, why);
	unlink(path);
	sb_conf_free(&c);
}

#define RUN3 "RunTimeRun=\"x %b\" RunTimeKill=\"x\" RunTimeDelete=\"x\"\n"
#define CREATE5                                                                \
	"RunTimeCreate=\"x\" RunTimeStart=\"x\" RunTimeQuery=\"x\" "           \
	"RunTimeKill=\"x\" RunTimeDelete=\"x\"\n"

static void test_patterns(void **state)
{
	struct sb_conf c;

	(void)state;
	load(&c, RUN3);
	assert_int_equal(c.mode, SB_MODE_RUN);
	assert_string_equal(c.pattern[SB_OP_RUN], "x %b");
	assert_null(c.pattern[SB_OP_QUERY]);
	sb_conf_free(&c);
	load(&c, CREATE5);
	assert_int_equal(c.mode, SB_MODE_CREATE);
	sb_conf_free(&c);
	load(&c, RUN3 CREATE5 "RunTimeMode=create\n");
	assert_int_equal(c.mode, SB_MODE_CREATE);
	sb_conf_free(&c);
}

static void test_keys(void **state)
{
	struct sb_conf c;

	(void)state;
	load(&c, RUN3 "init=no CONTAINERPATH=/x EnvExclude=\"^A=\"\n"
		      "EnvExclude=\"^B=\" RunTimeEnvExclude=c AllowRoot=yes\n");
	assert_int_equal(c.init, SB_INIT_NO);
	assert_string_equal(c.container_path, "/x");
	/* the last one of a kind wins, as in oci.conf */
	assert_int_equal(regexec(&c.env_exclude, "B=1", 0, NULL, 0), 0);
	assert_int_not_equal(regexec(&c.env_exclude, "A=1", 0, NULL, 0), 0);
	assert_true(c.has_runtime_env_exclude);
	sb_conf_free(&c);
}

static void test_refused(void **state)
{
	(void)state;
	refused("", "no runtime");
	refused(RUN3 "Foo=1\n", ":2: unknown key Foo");
	refused("RunTimeRun=\"x %q\"", ":1: RunTimeRun: %q");
	refused("RunTimeRun=x RunTimeKill=x", "RunTimeDelete is missing");
	refused("RunTimeCreate=x RunTimeKill=x RunTimeDelete=x",
		"RunTimeStart is missing");
	refused(RUN3 CREATE5, "exclude each other");
	refused("Init=perhaps", ":1: Init=perhaps");
	refused("AllowRoot=2", ":1: AllowRoot=2");
	refused("EnvExclude=\"(\"", ":1: EnvExclude");
	refused("ContainerPath=run/x", "not absolute");
	refused("Runtime=../x", "not the name of a runtime");
	refused("Runtime=nonesuch", "Runtime=nonesuch");
	refused("RunTimeMode=x", ":1: RunTimeMode");
}

/* What we ship is whole, for either mode. */
static void test_shipped(void **state)
{
	static const char *const names[] = {"crun", "runc"};
	struct sb_conf c;
	char text[256];

	(void)state;
	for (int i = 0; i < 4; i++) {
		snprintf(text, sizeof(text),
			 "Include " SRCDIR "/conf/runtimes/%s.conf\n"
			 "RunTimeMode=%s\n",
			 names[i / 2], i % 2 ? "create" : "run");
		load(&c, text);
		assert_int_equal(c.mode, i % 2 ? SB_MODE_CREATE : SB_MODE_RUN);
		for (int op = 0; op < SB_OPS; op++)
			assert_non_null(c.pattern[op]);
		sb_conf_free(&c);
	}
}

static void test_example(void **state)
{
	struct sb_conf c = {.runtime = NULL};
	struct sb_err err = {.text = ""};

	(void)state;
	/* All but the runtime's own file, which is not installed here. */
	if (!sb_conf_load(&c, SRCDIR "/conf/stepbox.conf", &err))
		assert_string_equal(c.runtime, "crun");
	else
		assert_contains(err.text, "Runtime=crun");
	sb_conf_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_patterns), cmocka_unit_test(test_keys),
		cmocka_unit_test(test_refused),	 cmocka_unit_test(test_shipped),
		cmocka_unit_test(test_example),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
