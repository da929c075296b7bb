/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include "tree.h"

#include "../../helper/conf.h"

static void load(struct sb_conf *c, const char *text)
{
	struct sb_err err = {.text = ""};
	const char *path = unit_file(text);

	if (sb_conf_load(c, path, NULL, &err) < 0)
		fail_msg("%s", err.text);
	unlink(path);
}

static void refused(const char *text, const char *why)
{
	struct sb_conf c;
	struct sb_err err = {.text = ""};
	const char *path = unit_file(text);

	assert_int_equal(sb_conf_load(&c, path, NULL, &err), -1);
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
	if (sb_conf_load(&c, SRCDIR "/conf/stepbox.conf", NULL, &err) < 0)
		fail_msg("%s", err.text);
	assert_string_equal(c.runtime, "crun");
	assert_contains(c.pattern[SB_OP_RUN], "crun");
	sb_conf_free(&c);
}

static void test_defaults(void **state)
{
	struct sb_conf c;

	(void)state;
	load(&c, RUN3);
	assert_int_equal(c.init, SB_INIT_AUTO);
	assert_true(c.passwd_entry);
	assert_false(c.mount_home);
	assert_false(c.writable);
	assert_false(c.slurm_client);
	assert_null(c.runtime);
	assert_null(c.container_path);
	assert_null(c.writable_path);
	assert_null(c.seccomp_profile);
	assert_int_equal(c.mounts.n, 0);
	assert_int_equal(c.env_set.n, 0);
	assert_int_equal(c.bundle_paths.n, 0);
	assert_int_equal(c.allow_runtimes.n, 0);
	assert_int_equal(c.bundle_timeout, 60);
	sb_conf_free(&c);
	load(&c, RUN3 "BundleTimeout=86400\n");
	assert_int_equal(c.bundle_timeout, 86400);
	sb_conf_free(&c);
	load(&c, RUN3 "bundletimeout=0\n");
	assert_int_equal(c.bundle_timeout, 0);
	sb_conf_free(&c);
}

/* Lists grow, in order. Of two backslashes the file's grammar takes one. */
static void test_lists(void **state)
{
	struct sb_conf c;

	(void)state;
	load(&c, RUN3
	     "Mount=/a:/b:ro mount=tmpfs:/t\n"
	     "Mount=\"$HOME/a\\\\,b:/c d\" Mount=umount:/dev/shm\n"
	     "EnvSet=A=1 EnvSet=_b2=x=y envset=\"C=with, blanks\" EnvSet=E=\n"
	     "BundlePath=/images BundlePath=/home\n"
	     "AllowRuntime=runc,youki AllowRuntime=\"a.b, c-d ,,e_f\"\n");
	assert_int_equal(c.mounts.n, 4);
	assert_string_equal(c.mounts.v[0], "/a:/b:ro");
	assert_string_equal(c.mounts.v[1], "tmpfs:/t");
	assert_string_equal(c.mounts.v[2], "$HOME/a\\,b:/c d");
	assert_string_equal(c.mounts.v[3], "umount:/dev/shm");
	assert_int_equal(c.env_set.n, 4);
	assert_string_equal(c.env_set.v[0], "A=1");
	assert_string_equal(c.env_set.v[1], "_b2=x=y");
	assert_string_equal(c.env_set.v[2], "C=with, blanks");
	assert_string_equal(c.env_set.v[3], "E=");
	assert_int_equal(c.bundle_paths.n, 2);
	assert_string_equal(c.bundle_paths.v[0], "/images");
	assert_string_equal(c.bundle_paths.v[1], "/home");
	assert_int_equal(c.allow_runtimes.n, 5);
	assert_string_equal(c.allow_runtimes.v[0], "runc");
	assert_string_equal(c.allow_runtimes.v[2], "a.b");
	assert_string_equal(c.allow_runtimes.v[4], "e_f");
	sb_conf_free(&c);
}

static void test_switches(void **state)
{
	struct sb_conf c;

	(void)state;
	load(&c, RUN3 "MountHome=yes WritableDefault=TRUE SlurmClient=on "
		      "PasswdEntry=no WritablePath=/scratch/%u\n");
	assert_true(c.mount_home);
	assert_true(c.writable);
	assert_true(c.slurm_client);
	assert_false(c.passwd_entry);
	assert_string_equal(c.writable_path, "/scratch/%u");
	sb_conf_free(&c);
	load(&c, RUN3 "MountHome=yes WritableDefault=1 SlurmClient=yes\n"
		      "MountHome=no WritableDefault=0 SlurmClient=off\n"
		      "PasswdEntry=no PasswdEntry=yes WritablePath=/a "
		      "WritablePath=$TMPDIR\n");
	assert_false(c.mount_home);
	assert_false(c.writable);
	assert_false(c.slurm_client);
	assert_true(c.passwd_entry);
	assert_string_equal(c.writable_path, "$TMPDIR");
	sb_conf_free(&c);
}

static void test_seccomp_profile(void **state)
{
	struct sb_conf c;

	(void)state;
	load(&c, RUN3 "SeccompProfile=Default\n");
	assert_string_equal(c.seccomp_profile, SB_SECCOMP_DEFAULT);
	sb_conf_free(&c);
	load(&c, RUN3 "SeccompProfile=/etc/p.json\n");
	assert_string_equal(c.seccomp_profile, "/etc/p.json");
	sb_conf_free(&c);
	load(&c, RUN3 "SeccompProfile=/etc/p.json SeccompProfile=NONE\n");
	assert_null(c.seccomp_profile);
	sb_conf_free(&c);
	refused("SeccompProfile=p.json", "SeccompProfile=p.json: not absolute");
}

static void test_new_refused(void **state)
{
	(void)state;
	refused("Mount=a:/b", ":1: Mount=a:/b: ");
	refused("Mount=/a:b", ":1: Mount=/a:b: ");
	refused("Mount=/a:/b:nonesuch", "nonesuch");
	refused("Mount=/a:/b,/c:/d", "one mount to a line");
	refused("\nMount=\"\"", ":2: Mount=");
	refused("EnvSet=A", "EnvSet=A: not NAME=VALUE");
	refused("EnvSet==1", "not NAME=VALUE");
	refused("EnvSet=1A=1", "not NAME=VALUE");
	refused("EnvSet=A-B=1", "not NAME=VALUE");
	refused("EnvSet=SLURM_STEPBOX_DIR=/x", "not NAME=VALUE");
	refused("BundlePath=images", "BundlePath=images: not absolute");
	refused("BundleTimeout=86401", "not 0 to 86400 seconds");
	refused("BundleTimeout=-1", "not 0 to 86400 seconds");
	refused("BundleTimeout=1m", "BundleTimeout=1m: not 0 to");
	refused("BundleTimeout=4294967297", "not 0 to 86400 seconds");
	refused("WritablePath=scratch", "WritablePath=scratch: not absolute");
	refused("AllowRuntime=a,../b", "\"../b\" is not the name");
	refused("AllowRuntime=.a", "\".a\" is not the name");
	refused("MountHome=perhaps", "MountHome=perhaps: neither yes nor no");
	refused("WritableDefault=2", "WritableDefault=2");
	refused("PasswdEntry=x", "PasswdEntry=x");
	refused("SlurmClient=x", "SlurmClient=x");
}

/* ---- runtimes: the site's, the user's ---- */

static char dir[64], conf_path[80];

static int make_site(void **state)
{
	(void)state;
	strcpy(dir, tree_make());
	strcpy(conf_path, tree_path(dir, "stepbox.conf"));
	tree_dir(dir, "stepbox.runtimes");
	return 0;
}

static int remove_site(void **state)
{
	(void)state;
	tree_remove(dir);
	return 0;
}

static void put(const char *name, const char *text)
{
	tree_file(dir, name, text);
}

#define OWN "RunTimeRun=\"own %b\" RunTimeKill=own RunTimeDelete=own\n"

static void load_site(struct sb_conf *c, const char *runtime)
{
	struct sb_err err = {.text = ""};

	if (sb_conf_load(c, conf_path, runtime, &err) < 0)
		fail_msg("%s", err.text);
}

/* Beside the configuration, by the name in Runtime=; before a shipped one. */
static void test_site_description(void **state)
{
	struct sb_conf c;

	(void)state;
	put("stepbox.conf", "Runtime=own\n");
	put("stepbox.runtimes/own.conf", OWN);
	load_site(&c, NULL);
	assert_string_equal(c.runtime, "own");
	assert_string_equal(c.pattern[SB_OP_RUN], "own %b");
	assert_int_equal(c.mode, SB_MODE_RUN);
	sb_conf_free(&c);
	put("stepbox.conf", "Runtime=crun\n");
	load_site(&c, NULL);
	assert_string_not_equal(c.pattern[SB_OP_RUN], "own %b");
	sb_conf_free(&c);
	put("stepbox.runtimes/crun.conf", OWN);
	load_site(&c, NULL);
	assert_string_equal(c.pattern[SB_OP_RUN], "own %b");
	sb_conf_free(&c);
	/* the site's patterns go before the description's */
	put("stepbox.conf", "Runtime=own RunTimeKill=mine\n");
	load_site(&c, NULL);
	assert_string_equal(c.pattern[SB_OP_KILL], "mine");
	assert_string_equal(c.pattern[SB_OP_DELETE], "own");
	sb_conf_free(&c);
}

/* Only what describes a runtime, and that in the file's own lines. */
static void test_bad_description(void **state)
{
	struct sb_conf c;
	struct sb_err err = {.text = ""};

	(void)state;
	put("stepbox.conf", "Runtime=own\n");
	put("stepbox.runtimes/own.conf", OWN "Mount=/a:/b\n");
	assert_int_equal(sb_conf_load(&c, conf_path, NULL, &err), -1);
	assert_contains(err.text, "own.conf:2: Mount does not belong");
	sb_conf_free(&c);
	put("stepbox.runtimes/own.conf", OWN "\nRuntime=crun\n");
	assert_int_equal(sb_conf_load(&c, conf_path, NULL, &err), -1);
	assert_contains(err.text, "own.conf:3: Runtime does not belong");
	sb_conf_free(&c);
	put("stepbox.runtimes/own.conf", "RunTimeRun=x RunTimeKill=x\n");
	assert_int_equal(sb_conf_load(&c, conf_path, NULL, &err), -1);
	assert_contains(err.text, "RunTimeDelete is missing");
	assert_contains(err.text, conf_path);
	sb_conf_free(&c);
}

/* --container-runtime. */
static void test_wanted_runtime(void **state)
{
	struct sb_conf c;
	struct sb_err err = {.text = ""};

	(void)state;
	put("stepbox.conf", "Runtime=crun AllowRuntime=runc,own\n"
			    "RunTimeRun=\"site %b\"\n");
	put("stepbox.runtimes/own.conf", OWN);
	/* the site's own: its patterns hold */
	load_site(&c, "crun");
	assert_string_equal(c.runtime, "crun");
	assert_string_equal(c.pattern[SB_OP_RUN], "site %b");
	sb_conf_free(&c);
	/* another: they do not */
	load_site(&c, "own");
	assert_string_equal(c.runtime, "own");
	assert_string_equal(c.pattern[SB_OP_RUN], "own %b");
	sb_conf_free(&c);
	load_site(&c, "runc");
	assert_contains(c.pattern[SB_OP_RUN], "runc");
	sb_conf_free(&c);
	assert_int_equal(sb_conf_load(&c, conf_path, "youki", &err), -1);
	assert_contains(err.text, "--container-runtime=youki: not one of");
	sb_conf_free(&c);
	assert_int_equal(sb_conf_load(&c, conf_path, "run", &err), -1);
	sb_conf_free(&c);
	assert_int_equal(sb_conf_load(&c, conf_path, "../own", &err), -1);
	sb_conf_free(&c);
	put("stepbox.conf", RUN3);
	assert_int_equal(sb_conf_load(&c, conf_path, "runc", &err), -1);
	assert_contains(err.text, "AllowRuntime");
	sb_conf_free(&c);
}

static void test_sharing(void **state)
{
	struct sb_conf c;
	struct sb_err err = {.text = ""};

	(void)state;
	put("stepbox.conf", "Runtime=crun\n");
	load_site(&c, NULL);
	assert_int_equal(c.per, SB_PER_NODE);
	assert_int_equal(c.join, SB_JOIN_AUTO);
	assert_contains(c.pattern[SB_OP_EXEC],
			"exec --preserve-fds=%f --process=%x");
	sb_conf_free(&c);
	put("stepbox.conf", "Runtime=runc\nContainerPer=TASK\n"
			    "ContainerJoin=exec\nRunTimeExec=\"e %x\"\n"
			    "EnvExclude=\"^A=\"\n");
	load_site(&c, NULL);
	assert_int_equal(c.per, SB_PER_TASK);
	assert_int_equal(c.join, SB_JOIN_EXEC);
	assert_string_equal(c.pattern[SB_OP_EXEC], "e %x");
	assert_string_equal(c.env_exclude_text, "^A=");
	sb_conf_free(&c);
	put("stepbox.conf", "Runtime=crun\nRunTimeRun=\"e %x\"\n");
	assert_int_equal(sb_conf_load(&c, conf_path, NULL, &err), -1);
	assert_contains(err.text, "%x is for RunTimeExec alone");
	sb_conf_free(&c);
	put("stepbox.conf", "Runtime=crun\nContainerJoin=door\n");
	assert_int_equal(sb_conf_load(&c, conf_path, NULL, &err), -1);
	assert_contains(err.text, "ContainerJoin=door: neither namespaces nor "
				  "exec");
	sb_conf_free(&c);
}

#define SITE_TEST(f) cmocka_unit_test_setup_teardown(f, make_site, remove_site)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_patterns),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_shipped),
		cmocka_unit_test(test_example),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_switches),
		cmocka_unit_test(test_seccomp_profile),
		cmocka_unit_test(test_new_refused),
		SITE_TEST(test_site_description),
		SITE_TEST(test_bad_description),
		SITE_TEST(test_wanted_runtime),
		SITE_TEST(test_sharing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
