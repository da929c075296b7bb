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
	return (struct sb_spec){
		.args = args, .env = env, .rootfs = "/r", .readonly = -1};
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
	struct sb_spec s = plain();

	(void)state;
	s.terminal = 1;
	edited("{\"ociVersion\":\"1.3.0\",\"process\":{\"user\":{\"uid\":0},"
	       "\"args\":[\"sh\"],\"env\":[\"Z=1\"],\"cwd\":\"/w\","
	       "\"commandLine\":\"x\","
	       "\"terminal\":false,\"consoleSize\":{\"height\":1}},"
	       "\"root\":{\"path\":\"rootfs\",\"readonly\":true},"
	       "\"mounts\":[{\"destination\":\"/proc\"}],\"linux\":{}}",
	       &s,
	       "{\"ociVersion\":\"1.0.2\",\"process\":{\"user\":{\"uid\":0},"
	       "\"args\":[\"/bin/x\",\"a b\"],\"env\":[\"A=1\",\"B=x\\ny\"],"
	       "\"cwd\":\"/w\",\"terminal\":true},"
	       "\"root\":{\"path\":\"/r\",\"readonly\":true},"
	       "\"mounts\":[{\"destination\":\"/proc\"}],\"linux\":{}}");
}

static void test_made(void **state)
{
	struct sb_spec s = plain();

	(void)state;
	edited("{}", &s,
	       "{\"ociVersion\":\"1.0.2\",\"process\":{\"args\":[\"/bin/"
	       "x\",\"a b\"],"
	       "\"env\":[\"A=1\",\"B=x\\ny\"],\"terminal\":false,"
	       "\"cwd\":\"/\"},\"root\":{\"path\":\"/r\"},\"linux\":{}}");
	/* Written by Go's programs for none. */
	edited("{\"process\":{\"cwd\":null}}", &s,
	       "{\"process\":{\"cwd\":\"/\",\"args\":[\"/bin/x\",\"a b\"],"
	       "\"env\":[\"A=1\",\"B=x\\ny\"],\"terminal\":false},"
	       "\"ociVersion\":\"1.0.2\",\"root\":{\"path\":\"/r\"},"
	       "\"linux\":{}}");
	s.cwd = "/home/a";
	edited("{\"ociVersion\":7,\"process\":{\"cwd\":\"/w\"}}", &s,
	       "{\"ociVersion\":\"1.0.2\",\"process\":{\"cwd\":\"/home/a\","
	       "\"args\":[\"/bin/x\",\"a b\"],\"env\":[\"A=1\",\"B=x\\ny\"],"
	       "\"terminal\":false},\"root\":{\"path\":\"/r\"},"
	       "\"linux\":{}}");
}

/* The value at a JSON path of names, as text; the caller frees it. */
static char *part(const char *text, const struct sb_spec *s, const char *a,
		  const char *b)
{
	struct sb_err err = {.text = ""};
	char *out = edit(text, s, &err), *found;
	json_t *j;

	if (!out)
		fail_msg("%s", err.text);
	j = json_loads(out, 0, NULL);
	found = json_dumps(json_object_get(json_object_get(j, a), b),
			   JSON_COMPACT | JSON_ENCODE_ANY);
	json_decref(j);
	free(out);
	return found;
}

#define PART(text, s, a, b, want)                                              \
	do {                                                                   \
		char *part_ = part(text, s, a, b);                             \
		assert_non_null(part_);                                        \
		assert_string_equal(part_, want);                              \
		free(part_);                                                   \
	} while (0)

#define NO_PART(text, s, a, b) assert_null(part(text, s, a, b))

static void test_terminal_size(void **state)
{
	struct sb_spec s = plain();

	(void)state;
	s.rows = 24;
	s.columns = 80;
	NO_PART("{}", &s, "process", "consoleSize");
	s.terminal = 1;
	PART("{\"process\":{\"consoleSize\":7}}", &s, "process", "consoleSize",
	     "{\"height\":24,\"width\":80}");
	s.columns = 0;
	NO_PART("{\"process\":{\"consoleSize\":7}}", &s, "process",
		"consoleSize");
}

static void test_readonly(void **state)
{
	static const char *const bundles[] = {
		"{}", "{\"root\":{\"readonly\":true}}",
		"{\"root\":{\"readonly\":false}}"};
	struct sb_spec s = plain();

	(void)state;
	NO_PART(bundles[0], &s, "root", "readonly");
	PART(bundles[1], &s, "root", "readonly", "true");
	PART(bundles[2], &s, "root", "readonly", "false");
	for (int i = 0; i < 3; i++) {
		s.readonly = 1;
		PART(bundles[i], &s, "root", "readonly", "true");
		s.readonly = 0;
		PART(bundles[i], &s, "root", "readonly", "false");
	}
}

/* Our init needs one capability to make the user himself again. */
static void test_identity(void **state)
{
	static const char text[] =
		"{\"process\":{\"capabilities\":{\"bounding\":[\"CAP_KILL\"],"
		"\"inheritable\":[\"CAP_KILL\"],\"ambient\":[\"CAP_KILL\"]}}}";
	struct sb_spec s = plain();

	(void)state;
	PART(text, &s, "process", "capabilities",
	     "{\"bounding\":[\"CAP_KILL\"],\"inheritable\":[\"CAP_KILL\"],"
	     "\"ambient\":[\"CAP_KILL\"]}");
	NO_PART("{}", &s, "process", "capabilities");
	s.identity = 1;
	PART(text, &s, "process", "capabilities",
	     "{\"bounding\":[\"CAP_SETFCAP\"],\"effective\":[\"CAP_SETFCAP\"],"
	     "\"permitted\":[\"CAP_SETFCAP\"]}");
	PART("{}", &s, "process", "capabilities",
	     "{\"bounding\":[\"CAP_SETFCAP\"],\"effective\":[\"CAP_SETFCAP\"],"
	     "\"permitted\":[\"CAP_SETFCAP\"]}");
}

static void test_seccomp(void **state)
{
	static const char text[] = "{\"linux\":{\"seccomp\":{\"a\":1}}}";
	struct sb_spec s = plain();

	(void)state;
	PART(text, &s, "linux", "seccomp", "{\"a\":1}");
	s.seccomp = SB_SPEC_SECCOMP_OURS;
	NO_PART(text, &s, "linux", "seccomp");
	NO_PART("{}", &s, "linux", "seccomp");
	s.seccomp = SB_SPEC_SECCOMP_SET;
	s.profile = json_pack("{s:i}", "b", 2);
	PART(text, &s, "linux", "seccomp", "{\"b\":2}");
	PART("{}", &s, "linux", "seccomp", "{\"b\":2}");
	/* borrowed: it is still ours alone */
	assert_int_equal(s.profile->refcount, 1);
	json_decref(s.profile);
}

/* What no edit names reaches the runtime as it was. */
static void test_unknown_kept(void **state)
{
	struct sb_spec s = plain();

	(void)state;
	edited("{\"ociVersion\":\"1.0.2\",\"x-new\":[1.50,{\"k\":null}],"
	       "\"process\":{\"rlimits\":["
	       "{\"type\":\"RLIMIT_CORE\",\"hard\":18446744073709551615,"
	       "\"soft\":18446744073709551615}],\"novel\":1e400},"
	       "\"linux\":{\"seccomp\":{\"syscalls\":[]},\"newer\":true}}",
	       &s,
	       "{\"ociVersion\":\"1.0.2\",\"x-new\":[1.50,{\"k\":null}],"
	       "\"process\":{\"rlimits\":["
	       "{\"type\":\"RLIMIT_CORE\",\"hard\":18446744073709551615,"
	       "\"soft\":18446744073709551615}],\"novel\":1e400,"
	       "\"args\":[\"/bin/x\",\"a b\"],\"env\":[\"A=1\",\"B=x\\ny\"],"
	       "\"terminal\":false,\"cwd\":\"/\"},"
	       "\"linux\":{\"seccomp\":{\"syscalls\":[]},\"newer\":true},"
	       "\"root\":{\"path\":\"/r\"}}");
}

static void test_refused(void **state)
{
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

/* The node's own may be of any bytes. */
static void test_paths_that_are_no_utf8(void **state)
{
	struct sb_spec s = plain();

	(void)state;
	s.cwd = "/caf\xe9";
	refused("{}", &s,
		"working directory /caf\xe9: holds bytes that are no UTF-8");
	s.cwd = NULL;
	s.rootfs = "/caf\xe9";
	refused("{}", &s,
		"root file system /caf\xe9: holds bytes that are no UTF-8");
}

static json_t *doc(const char *text)
{
	json_t *j = json_loads(text, 0, NULL);

	assert_non_null(j);
	return j;
}

/* The mounts after adding list; the caller frees them. */
static char *mounts(const char *text, const struct sb_spec_mount *list,
		    size_t n, char **umounts, struct sb_err *err)
{
	json_t *j = doc(text);
	char *out = NULL;

	if (!sb_spec_mounts(j, list, n, umounts, err))
		out = json_dumps(json_object_get(j, "mounts"), JSON_COMPACT);
	json_decref(j);
	return out;
}

static void mounted(const char *text, const struct sb_spec_mount *list,
		    size_t n, char **umounts, const char *want)
{
	struct sb_err err = {.text = ""};
	char *out = mounts(text, list, n, umounts, &err);

	if (!out)
		fail_msg("%s", err.text);
	assert_string_equal(out, want);
	free(out);
}

static void test_mounts(void **state)
{
	const struct sb_spec_mount two[] = {
		{.source = "/host/box",
		 .destination = "/dev/stepbox",
		 .type = "bind",
		 .options = "bind,ro",
		 .file = 1},
		{.source = "tmpfs",
		 .destination = "/t",
		 .type = "tmpfs",
		 .options = ""},
	};

	(void)state;
	mounted("{\"mounts\":[{\"destination\":\"/proc\",\"new\":1}]}", two, 2,
		NULL,
		"[{\"destination\":\"/proc\",\"new\":1},"
		"{\"destination\":\"/dev/stepbox\",\"type\":\"bind\","
		"\"source\":\"/host/box\",\"options\":[\"bind\",\"ro\"]},"
		"{\"destination\":\"/t\",\"type\":\"tmpfs\","
		"\"source\":\"tmpfs\",\"options\":[]}]");
	/* a list is made where there is none */
	mounted("{}", NULL, 0, NULL, "[]");
	mounted("{}", two + 1, 1, NULL,
		"[{\"destination\":\"/t\",\"type\":\"tmpfs\","
		"\"source\":\"tmpfs\",\"options\":[]}]");
}

#define FIVE                                                                   \
	"{\"mounts\":[{\"destination\":\"/a\"},{\"destination\":\"/a/b\"},"    \
	"{\"destination\":\"/ab\"},{\"destination\":\"/a/"                     \
	"\"},{\"type\":\"x\"}]}"

static void test_umounts(void **state)
{
	const struct sb_spec_mount again = {.source = "/s",
					    .destination = "/a",
					    .type = "bind",
					    .options = "bind"};
	char *a[] = {"/a", NULL}, *b[] = {"/a/b", "/ab", NULL};
	char *all[] = {"/", NULL}, *none[] = {"/a/b/c", NULL};

	(void)state;
	mounted(FIVE, NULL, 0, a,
		"[{\"destination\":\"/ab\"},{\"type\":\"x\"}]");
	mounted(FIVE, NULL, 0, b,
		"[{\"destination\":\"/a\"},{\"destination\":\"/a/\"},"
		"{\"type\":\"x\"}]");
	mounted(FIVE, NULL, 0, all, "[{\"type\":\"x\"}]");
	mounted(FIVE, NULL, 0, none,
		"[{\"destination\":\"/a\"},{\"destination\":\"/a/b\"},"
		"{\"destination\":\"/ab\"},{\"destination\":\"/a/\"},"
		"{\"type\":\"x\"}]");
	/* what is added is not what was there */
	mounted("{\"mounts\":[{\"destination\":\"/a\"}]}", &again, 1, a,
		"[{\"destination\":\"/a\",\"type\":\"bind\","
		"\"source\":\"/s\",\"options\":[\"bind\"]}]");
}

static void test_mounts_refused(void **state)
{
	struct sb_spec_mount m = {.source = "/caf\xe9",
				  .destination = "/b",
				  .type = "bind",
				  .options = "bind"};
	struct sb_err err = {.text = ""};

	(void)state;
	assert_null(mounts("{\"mounts\":{}}", NULL, 0, NULL, &err));
	assert_contains(err.text, "mounts: not a list");
	assert_null(mounts("{}", &m, 1, NULL, &err));
	assert_contains(err.text, "UTF-8");
	m.source = "/a";
	m.destination = "/caf\xe9";
	assert_null(mounts("{}", &m, 1, NULL, &err));
	assert_contains(err.text, "UTF-8");
}

static int is_taken(const void *arg, const char *path)
{
	return arg && !strcmp(arg, path);
}

static void test_tmpfs(void **state)
{
	json_t *j = doc("{\"mounts\":[{\"destination\":\"/tmp\",\"type\":"
			"\"tmpfs\"},{\"destination\":\"/dev\",\"type\":"
			"\"tmpfs\"},{\"destination\":\"/x\",\"type\":\"bind\"}"
			"]}");

	(void)state;
	assert_string_equal(sb_spec_tmpfs(j, is_taken, NULL), "/dev");
	assert_string_equal(sb_spec_tmpfs(j, is_taken, "/dev"), "/tmp");
	assert_string_equal(sb_spec_tmpfs(j, is_taken, "/x"), "/dev");
	json_decref(j);
	j = doc("{\"mounts\":[{\"destination\":\"/run\",\"type\":\"tmpfs\"}]}");
	assert_string_equal(sb_spec_tmpfs(j, is_taken, NULL), "/run");
	assert_null(sb_spec_tmpfs(j, is_taken, "/run"));
	json_decref(j);
	/* none that a file could lie below */
	j = doc("{\"mounts\":[{\"destination\":\"/\",\"type\":\"tmpfs\"},"
		"{\"destination\":\"rel\",\"type\":\"tmpfs\"},"
		"{\"destination\":\"/dev\",\"type\":\"bind\"},"
		"{\"destination\":\"/n\"},{\"type\":\"tmpfs\"},7]}");
	assert_null(sb_spec_tmpfs(j, is_taken, NULL));
	json_decref(j);
	j = doc("{}");
	assert_null(sb_spec_tmpfs(j, is_taken, NULL));
	json_decref(j);
}

static void test_covers(void **state)
{
	json_t *j = doc("{\"mounts\":[{\"destination\":\"/etc/\"},"
			"{\"destination\":\"/a/b\"},{}]}");

	(void)state;
	assert_true(sb_spec_covers(j, "/etc"));
	assert_true(sb_spec_covers(j, "/etc/passwd"));
	assert_true(sb_spec_covers(j, "/a/b/c"));
	assert_false(sb_spec_covers(j, "/a"));
	assert_false(sb_spec_covers(j, "/a/bc"));
	assert_false(sb_spec_covers(j, "/etcetera"));
	json_decref(j);
	j = doc("{}");
	assert_false(sb_spec_covers(j, "/etc"));
	json_decref(j);
}

static void test_env(void **state)
{
	json_t *j = doc("{\"process\":{\"env\":[\"A=1\",\"B\"]}}");
	struct sb_strv list = {0};
	struct sb_err err;

	(void)state;
	assert_int_equal(sb_spec_env(j, &list, &err), 0);
	assert_int_equal(list.n, 2);
	sb_strv_free(&list);
	json_decref(j);
	j = doc("{\"process\":{\"env\":[\"A=1\",2]}}");
	assert_int_equal(sb_spec_env(j, &list, &err), -1);
	assert_contains(err.text, "process.env[1]");
	sb_strv_free(&list);
	json_decref(j);
	j = doc("{\"process\":{\"env\":{}}}");
	assert_int_equal(sb_spec_env(j, &list, &err), -1);
	assert_contains(err.text, "process.env: not a list");
	json_decref(j);
	j = doc("{}");
	assert_int_equal(sb_spec_env(j, &list, &err), 0);
	assert_int_equal(list.n, 0);
	json_decref(j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_made),
		cmocka_unit_test(test_terminal_size),
		cmocka_unit_test(test_readonly),
		cmocka_unit_test(test_identity),
		cmocka_unit_test(test_seccomp),
		cmocka_unit_test(test_unknown_kept),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_paths_that_are_no_utf8),
		cmocka_unit_test(test_mounts),
		cmocka_unit_test(test_umounts),
		cmocka_unit_test(test_mounts_refused),
		cmocka_unit_test(test_tmpfs),
		cmocka_unit_test(test_covers),
		cmocka_unit_test(test_env),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
