/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include "../../helper/spec.h"

static char *args[] = {"/bin/x", "a b", NULL};
static char *env[] = {"A=1", "B=x\ny", NULL};

/* The document after the edits, compact; the caller frees it. */
static char *edit(const char *text, const struct sb_spec *s, struct sb_err *err)
{
	struct sb_json doc;
	char *out = NULL;
	size_t len;

	assert_int_equal(sb_json_parse(&doc, text, strlen(text), err), 0);
	if (!sb_spec_edit(doc.root, s, err))
		out = sb_json_dump(&doc, &len, err);
	sb_json_free(&doc);
	return out;
}

static struct sb_spec plain(void)
{
	return (struct sb_spec){.args = args, .env = env, .rootfs = "/r"};
}

static void edited(const char *text, const struct sb_spec *s, const char *want)
{
	struct sb_err err = {.text = ""};
	char *out = edit(text, s, &err);

	if (!out)
		fail_msg("%s", err.text);
	assert_string_equal(out, want);
	free(out);
}

static void refused(const char *text, const struct sb_spec *s, const char *why)
{
	struct sb_err err = {.text = ""};
	char *out = edit(text, s, &err);

	assert_null(out);
	assert_contains(err.text, why);
}

static void test_all(void **state)
{
	struct sb_spec_mount mount = {"/host/box", "/dev/stepbox"};
	struct sb_spec s = plain();

	(void)state;
	s.mounts = &mount;
	s.n_mounts = 1;
	s.terminal = 1;
	edited("{\"ociVersion\":\"1.0.2\",\"process\":{\"user\":{\"uid\":0},"
	       "\"args\":[\"sh\"],\"env\":[\"Z=1\"],\"cwd\":\"/w\","
	       "\"terminal\":false,\"consoleSize\":{\"height\":1}},"
	       "\"root\":{\"path\":\"rootfs\",\"readonly\":true},"
	       "\"mounts\":[{\"destination\":\"/proc\"}]}",
	       &s,
	       "{\"ociVersion\":\"1.0.2\",\"process\":{\"user\":{\"uid\":0},"
	       "\"args\":[\"/bin/x\",\"a b\"],\"env\":[\"A=1\",\"B=x\\ny\"],"
	       "\"cwd\":\"/w\",\"terminal\":true},"
	       "\"root\":{\"path\":\"/r\",\"readonly\":true},"
	       "\"mounts\":[{\"destination\":\"/proc\"},"
	       "{\"destination\":\"/dev/stepbox\",\"type\":\"bind\","
	       "\"source\":\"/host/box\",\"options\":[\"bind\"]}]}");
}

static void test_made(void **state)
{
	struct sb_spec s = plain();

	(void)state;
	edited("{}", &s,
	       "{\"process\":{\"args\":[\"/bin/x\",\"a b\"],"
	       "\"env\":[\"A=1\",\"B=x\\ny\"],\"terminal\":false,"
	       "\"cwd\":\"/\"},\"root\":{\"path\":\"/r\"}}");
	s.cwd = "/home/a";
	edited("{\"process\":{\"cwd\":\"/w\"}}", &s,
	       "{\"process\":{\"cwd\":\"/home/a\","
	       "\"args\":[\"/bin/x\",\"a b\"],\"env\":[\"A=1\",\"B=x\\ny\"],"
	       "\"terminal\":false},\"root\":{\"path\":\"/r\"}}");
}

/* What no edit names reaches the runtime as it was. */
static void test_unknown_kept(void **state)
{
	struct sb_spec s = plain();

	(void)state;
	edited("{\"x-new\":[1.50,{\"k\":null}],\"process\":{\"rlimits\":["
	       "{\"type\":\"RLIMIT_CORE\",\"hard\":18446744073709551615,"
	       "\"soft\":18446744073709551615}],\"novel\":1e400},"
	       "\"linux\":{\"seccomp\":{\"syscalls\":[]},\"newer\":true}}",
	       &s,
	       "{\"x-new\":[1.50,{\"k\":null}],\"process\":{\"rlimits\":["
	       "{\"type\":\"RLIMIT_CORE\",\"hard\":18446744073709551615,"
	       "\"soft\":18446744073709551615}],\"novel\":1e400,"
	       "\"args\":[\"/bin/x\",\"a b\"],\"env\":[\"A=1\",\"B=x\\ny\"],"
	       "\"terminal\":false,\"cwd\":\"/\"},"
	       "\"linux\":{\"seccomp\":{\"syscalls\":[]},\"newer\":true},"
	       "\"root\":{\"path\":\"/r\"}}");
}

static void test_cgroup(void **state)
{
	struct sb_spec s = plain();
	struct sb_err err;
	char *out;

	(void)state;
	out = edit("{\"linux\":{\"cgroupsPath\":\"/../x\","
		   "\"resources\":{\"memory\":{\"limit\":1}},\"namespaces\":[]"
		   "}}",
		   &s, &err);
	assert_non_null(out);
	assert_contains(out, "\"linux\":{\"namespaces\":[]}");
	free(out);
}

static void test_refused(void **state)
{
	struct sb_spec_mount mount = {"/a", "/b"};
	struct sb_spec s = plain();
	char *bad_args[] = {"ok", "caf\xe9", NULL};
	char *bad_env[] = {"GOOD=1", "BAD=\xc0\x80", NULL};

	(void)state;
	refused("{\"process\":[]}", &s, "process: not an object");
	refused("{\"root\":1}", &s, "root: not an object");
	refused("{\"linux\":1}", &s, "linux: not an object");
	refused("{\"process\":{\"cwd\":\"x\"}}", &s, "process.cwd");
	refused("{\"process\":{\"cwd\":\"/proc/self/fd/7\"}}", &s,
		"process.cwd");
	refused("{\"process\":{\"cwd\":1}}", &s, "process.cwd");
	s.mounts = &mount;
	s.n_mounts = 1;
	refused("{\"mounts\":{}}", &s, "mounts: not a list");
	s.args = bad_args;
	refused("{}", &s, "argument \"caf");
	s = plain();
	s.env = bad_env;
	refused("{}", &s, "environment variable BAD:");
}

/* RFC 3629's borders. */
static void test_utf8(void **state)
{
	static const char *const good[] = {
		"\xc2\x80",	"\xdf\xbf",	    "\xe0\xa0\x80",
		"\xed\x9f\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"};
	static const char *const bad[] = {"\x80",
					  "\xc1\xbf",
					  "\xe0\x9f\xbf",
					  "\xed\xa0\x80",
					  "\xf0\x8f\xbf\xbf",
					  "\xf4\x90\x80\x80",
					  "\xf5\x80\x80\x80",
					  "\xe2\x82",
					  "\xc2"};
	struct sb_spec s = plain();
	char *a[] = {NULL, NULL};
	struct sb_err err;

	(void)state;
	s.args = a;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		char *out;

		a[0] = (char *)good[i];
		out = edit("{}", &s, &err);
		assert_non_null(out);
		free(out);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		a[0] = (char *)bad[i];
		refused("{}", &s, "UTF-8");
	}
}

static json_t *doc(const char *text)
{
	json_t *j = json_loads(text, 0, NULL);

	assert_non_null(j);
	return j;
}

static void test_questions(void **state)
{
	json_t *j =
		doc("{\"mounts\":[{\"destination\":\"/tmp\",\"type\":"
		    "\"tmpfs\"},{\"destination\":\"/dev\",\"type\":"
		    "\"tmpfs\"},{\"destination\":\"/x\",\"type\":\"bind\"}"
		    "],\"process\":{\"rlimits\":[{\"type\":\"RLIMIT_NOFILE\"}]"
		    "}}");
	struct sb_strv env_list = {0};
	struct sb_err err;

	(void)state;
	assert_string_equal(sb_spec_tmpfs(j), "/dev");
	assert_true(sb_spec_has_rlimit(j, "RLIMIT_NOFILE"));
	assert_false(sb_spec_has_rlimit(j, "RLIMIT_CORE"));
	json_decref(j);
	j = doc("{\"mounts\":[{\"destination\":\"/run\",\"type\":\"tmpfs\"}],"
		"\"process\":{\"env\":[\"A=1\",\"B\"]}}");
	assert_string_equal(sb_spec_tmpfs(j), "/run");
	assert_false(sb_spec_has_rlimit(j, "RLIMIT_NOFILE"));
	assert_int_equal(sb_spec_env(j, &env_list, &err), 0);
	assert_int_equal(env_list.n, 2);
	sb_strv_free(&env_list);
	json_decref(j);
	j = doc("{\"process\":{\"env\":[\"A=1\",2]}}");
	assert_null(sb_spec_tmpfs(j));
	assert_int_equal(sb_spec_env(j, &env_list, &err), -1);
	assert_contains(err.text, "process.env[1]");
	sb_strv_free(&env_list);
	json_decref(j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_made),
		cmocka_unit_test(test_unknown_kept),
		cmocka_unit_test(test_cgroup),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_questions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
