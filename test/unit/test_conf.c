/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include "tree.h"

#include "../../helper/conf.h"
#include "../../spank/keyval.h"

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

/* What takes glibc all time, memory or stack. */
static void test_costly(void **state)
{
	static const char *const costly[] = {
		"^A=+++++++++++++++++++++++++++++++++",
		"((a{999}){999}){9}",
		"(a{4294967297}){4294967297}",
		"(){4294967297}",
		"a{9,}{99}{9}{9}",
		"((((((a$)*)+)+)+)+)+",
		"(^a[]*)]|b)*+++++",
		"(((a+)+)+$).++*+++++++",
		"(^|(^||$){5})*",
		"A|($)+",
		"(\\\\bA){2}",
		"$0*****",
		"([[:alpha:])*]^|[[.].]]b)+",
		"((((((a)*)*)*)*)*)*",
		"^^^^^^^^^^^^^^^^^^^^",
		"()()()()()()()()()()",
		"((a*|b*)(a*|b*)(a*|b*)(a*|b*)(a*|b*)(a*|b*))*",
		"(|a)(|a)(|a)(|a)(|a)(|a)(|a)(|a)(|a)(|a)",
		"((((((((((((((((((((((((((((((((((((((((((((((((((((",
	};
	char text[256];

	(void)state;
	for (size_t i = 0; i < sizeof(costly) / sizeof(costly[0]); i++) {
		snprintf(text, sizeof(text), "%s=\"%s\"",
			 i % 2 ? "EnvExclude" : "RunTimeEnvExclude", costly[i]);
		refused(text, "too much is repeated or nested");
	}
}

/* What sites may well write. */
static void test_cheap(void **state)
{
	static const char *const cheap[] = {
		"^((SLURM|[])(+*?{}]+)_[A-Z]{1,64})+=",
		"(^A|^B$)?(C+)*(D{2,9})+\\(E\\)+|F=$",
		"^(SLURM_CONF|SLURM_CONF_SERVER)=",
		"(^|_)(TOKEN|SECRET|PASSWORD|KEY)(_|=|$)",
		"^(LS_COLORS|LESS.*|XDG_.*|.*_PROXY|.*_proxy|LC_.*|LANG)=",
		"^.*A.*B.*C.*D.*E.*=",
		"^(A(B(C(D)?)?)?)?=",
		"^[A-Z_]{2,40}=[^:]*(:[^:]+)*:?$",
		"^[[:alpha:])^*({9999}]+[]^{999}[=a=](:)]{9}=",
		"^A{,3}=|^B{3,}=|^C{3}=|^$|()|a||b",
	};
	char text[256];
	struct sb_conf c;

	(void)state;
	for (size_t i = 0; i < sizeof(cheap) / sizeof(cheap[0]); i++) {
		snprintf(text, sizeof(text), "%sEnvExclude=\"%s\"\n", RUN3,
			 cheap[i]);
		load(&c, text);
		assert_non_null(sb_conf_env_exclude(&c));
		sb_conf_free(&c);
	}
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

/* ---- oci.conf's own ---- */

static void test_env_file(void **state)
{
	static const struct {
		const char *text;
		enum sb_env_file how;
	} rows[] = {
		{"", SB_ENV_FILE_AUTO},
		{"CreateEnvFile=null", SB_ENV_FILE_NUL},
		{"CreateEnvFile=TRUE", SB_ENV_FILE_NUL},
		{"CreateEnvFile=Y", SB_ENV_FILE_NUL},
		{"CreateEnvFile=yes", SB_ENV_FILE_NUL},
		{"CreateEnvFile=1", SB_ENV_FILE_NUL},
		{"CreateEnvFile=NewLine", SB_ENV_FILE_NEWLINE},
		{"CreateEnvFile=disabled", SB_ENV_FILE_NONE},
		{"CreateEnvFile=false", SB_ENV_FILE_NONE},
		{"CreateEnvFile=n", SB_ENV_FILE_NONE},
		{"CreateEnvFile=No", SB_ENV_FILE_NONE},
		{"CreateEnvFile=null CreateEnvFile=0", SB_ENV_FILE_NONE},
	};
	struct sb_conf c;
	char text[256];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(text, sizeof(text), "%s%s\n", RUN3, rows[i].text);
		load(&c, text);
		assert_int_equal(c.env_file, rows[i].how);
		sb_conf_free(&c);
	}
	/* booleans elsewhere, but not here */
	refused("CreateEnvFile=on",
		":1: CreateEnvFile=on: not null, newline or disabled");
	refused("CreateEnvFile=\"\"", "CreateEnvFile=: not null");
}

static void test_disable_hooks(void **state)
{
	struct sb_conf c;

	(void)state;
	load(&c, RUN3 "DisableHooks=prestart DisableHooks=\"poststop, "
		      "CREATERUNTIME,,startContainer\"\n");
	assert_int_equal(c.disable_hooks.n, 3);
	assert_string_equal(c.disable_hooks.v[0], "poststop");
	assert_string_equal(c.disable_hooks.v[1], "createRuntime");
	assert_string_equal(c.disable_hooks.v[2], "startContainer");
	sb_conf_free(&c);
	load(&c, RUN3 "DisableHooks=\"\"\n");
	assert_int_equal(c.disable_hooks.n, 0);
	sb_conf_free(&c);
	refused("DisableHooks=poststop,prestop",
		":1: DisableHooks: prestop: no kind of hooks: prestart, "
		"createRuntime, createContainer, startContainer, poststart, "
		"poststop");
}

static void test_places(void **state)
{
	struct sb_conf c;

	(void)state;
	load(&c, RUN3 "MountSpoolDir=/var/run/slurm/%t DisableCleanup=yes\n");
	assert_string_equal(c.mount_spool_dir, "/var/run/slurm/%t");
	assert_true(c.disable_cleanup);
	sb_conf_free(&c);
	load(&c, RUN3 "MountSpoolDir=%m DisableCleanup=yes "
		      "DisableCleanup=false\n");
	assert_string_equal(c.mount_spool_dir, "%m");
	assert_false(c.disable_cleanup);
	sb_conf_free(&c);
	refused("MountSpoolDir=slurm", ":1: MountSpoolDir=slurm: not absolute");
	refused("MountSpoolDir=/x/%q", ":1: MountSpoolDir=/x/%q: %q: no such");
	refused("MountSpoolDir=/x/%", "no letter follows");
	refused("DisableCleanup=perhaps", "neither yes nor no");
}

static void test_debug_keys(void **state)
{
	struct sb_conf c;

	(void)state;
	load(&c, RUN3);
	assert_int_equal(c.stdio_debug, 0);
	assert_int_equal(c.remarks.n, 0);
	sb_conf_free(&c);
	load(&c, RUN3 "StdIODebug=Debug2 FileDebug=debug5 SyslogDebug=0\n"
		      "DebugFlags=Steps,script,NO_CONF_HASH\n");
	assert_int_equal(c.stdio_debug, 6);
	assert_int_equal(c.remarks.n, 1);
	assert_contains(c.remarks.v[0], ":3: DebugFlags: not used");
	sb_conf_free(&c);
	load(&c, RUN3 "StdIODebug=5\n");
	assert_int_equal(c.stdio_debug, SB_LEVEL_DEBUG);
	sb_conf_free(&c);
	refused("StdIODebug=loud", ":1: StdIODebug=loud: no level");
	refused("FileDebug=10", "FileDebug=10: no level");
	refused("SyslogDebug=debug6", "SyslogDebug=debug6: no level");
	refused("DebugFlags=Steps,Stepps", "DebugFlags: Stepps: no debug flag");
}

/* What only scrun reads is taken, and said; so is a key that comes twice. */
static void test_remarks(void **state)
{
	struct sb_conf c;

	(void)state;
	load(&c, RUN3 "SrunPath=/opt/bin/srun\nSrunArgs=--mpi=none\n"
		      "srunargs=\"-n 2\"\nInit=no\ninit=yes\n"
		      "Mount=/a:/b Mount=/c:/d\n");
	assert_int_equal(c.remarks.n, 3);
	assert_contains(c.remarks.v[0], ":2: SrunPath: not used");
	assert_contains(c.remarks.v[1], ":3: SrunArgs: not used");
	assert_contains(c.remarks.v[2],
			":6: Init: stands here again: the last one counts");
	assert_int_equal(c.init, SB_INIT_YES);
	sb_conf_free(&c);
}

#define GUIDE SRCDIR "/test/unit/data/oci.conf/"

/*
 * The blocks of Slurm's guide (doc/html/containers.shtml) from 21.08 to 26.05,
 * as they are there; those that changed are named after the first release that
 * has them so. Up to 22.05.3 two had RunTimeQuery twice, which is a remark.
 */
static void test_guide(void **state)
{
	static const struct {
		const char *name;
		enum sb_mode mode;
		int env, remarks;
	} blocks[] = {
		{"21.08-runc-create", SB_MODE_CREATE, 0, 0},
		{"21.08-runc-run", SB_MODE_RUN, 0, 1},
		{"22.05.4-runc-run", SB_MODE_RUN, 0, 0},
		{"21.08-crun-create", SB_MODE_CREATE, 0, 0},
		{"21.08-crun-run", SB_MODE_RUN, 0, 0},
		{"21.08-nvidia-create", SB_MODE_CREATE, 0, 0},
		{"21.08-nvidia-run", SB_MODE_RUN, 0, 1},
		{"22.05.4-nvidia-run", SB_MODE_RUN, 0, 0},
		{"runc-create", SB_MODE_CREATE, 1, 0},
		{"runc-run", SB_MODE_RUN, 1, 0},
		{"crun-create", SB_MODE_CREATE, 1, 0},
		{"crun-run", SB_MODE_RUN, 1, 0},
		{"nvidia-create", SB_MODE_CREATE, 1, 0},
		{"nvidia-run", SB_MODE_RUN, 1, 0},
		{"singularity-oci", SB_MODE_RUN, 1, 0},
	};
	struct sb_conf c;
	struct sb_err err = {.text = ""};
	char path[256];

	(void)state;
	for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++) {
		snprintf(path, sizeof(path), GUIDE "%s.conf", blocks[i].name);
		if (sb_conf_load(&c, path, NULL, &err) < 0)
			fail_msg("%s", err.text);
		assert_int_equal(c.mode, blocks[i].mode);
		if (blocks[i].env)
			assert_string_equal(c.env_exclude_text,
					    "^(SLURM_CONF|SLURM_CONF_SERVER)=");
		else
			assert_null(c.env_exclude_text);
		assert_int_equal(c.has_runtime_env_exclude, blocks[i].env);
		assert_non_null(c.pattern[SB_OP_QUERY]);
		assert_int_equal(c.remarks.n, blocks[i].remarks);
		if (blocks[i].remarks)
			assert_contains(c.remarks.v[0],
					":2: RunTimeQuery: stands here again");
		sb_conf_free(&c);
	}
}

/*
 * Slurm goes on reading and names each line that is wrong, and then slurmstepd
 * ends (s_p_parse_file and get_oci_conf): we end at the first of them. Its
 * block for Singularity 3.8 has keys of an older oci.conf, unknown to every
 * release, up to 25.05.0; and the last line's closing quote is missing to this
 * day.
 */
static void test_guide_refused_at_slurms_first_bad_line(void **state)
{
	static const struct {
		const char *name, *why;
	} blocks[] = {
		{"21.08-singularity-hpcng",
		 "21.08-singularity-hpcng.conf:1: unknown key OCIRunTimeQuery"},
		{"23.02-singularity-hpcng",
		 "23.02-singularity-hpcng.conf:3: unknown key OCIRunTimeQuery"},
		{"singularity-hpcng",
		 "singularity-hpcng.conf:7: not KEY=VALUE"},
	};
	struct sb_conf c;
	struct sb_err err = {.text = ""};
	char path[256];

	(void)state;
	for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++) {
		snprintf(path, sizeof(path), GUIDE "%s.conf", blocks[i].name);
		assert_int_equal(sb_conf_load(&c, path, NULL, &err), -1);
		assert_contains(err.text, blocks[i].why);
		sb_conf_free(&c);
	}
}

/* For runtimes that are no OCI runtimes, unchanged. */
static void test_blocks_ignoring(void **state)
{
	static const struct {
		const char *name;
		enum sb_env_file env_file;
		const char *kill, *delete;
	} blocks[] = {
		{"charliecloud", SB_ENV_FILE_NEWLINE, "kill -s SIGTERM %p",
		 "kill -s SIGKILL %p"},
		{"enroot", SB_ENV_FILE_NEWLINE, "kill -s SIGINT %p",
		 "kill -s SIGTERM %p"},
		{"multiple-runtimes", SB_ENV_FILE_AUTO, "kill -s SIGTERM %p",
		 "kill -s SIGKILL %p"},
		{"singularity-native", SB_ENV_FILE_AUTO, "kill -s SIGTERM %p",
		 "kill -s SIGKILL %p"},
		{"23.11-singularity-native", SB_ENV_FILE_AUTO,
		 "kill -s SIGTERM %p", "kill -s SIGKILL %p"},
	};
	struct sb_conf c;
	struct sb_err err = {.text = ""};
	char path[256];

	(void)state;
	for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++) {
		snprintf(path, sizeof(path), GUIDE "%s.conf", blocks[i].name);
		if (sb_conf_load(&c, path, NULL, &err) < 0)
			fail_msg("%s", err.text);
		assert_true(c.ignore_config);
		assert_int_equal(c.mode, SB_MODE_RUN);
		assert_int_equal(c.env_file, blocks[i].env_file);
		assert_string_equal(c.pattern[SB_OP_KILL], blocks[i].kill);
		assert_string_equal(c.pattern[SB_OP_DELETE], blocks[i].delete);
		assert_false(sb_conf_has_create(&c));
		sb_conf_free(&c);
	}
}

/* What takes a config.json is refused, and not left out. */
static void test_ignoring(void **state)
{
	static const char *const in_vain[][2] = {
		{"Mount=/a:/b", "Mount is"},
		{"MountHome=yes", "MountHome is"},
		{"Init=yes", "Init=yes is"},
		{"SeccompProfile=default", "SeccompProfile is"},
		{"SlurmClient=yes", "SlurmClient is"},
		{"WritableDefault=yes", "WritableDefault is"},
	};
	char text[256], want[64];
	struct sb_conf c;

	(void)state;
	for (size_t i = 0; i < sizeof(in_vain) / sizeof(in_vain[0]); i++) {
		snprintf(text, sizeof(text), "%sIgnoreFileConfigJson=1\n%s\n",
			 RUN3, in_vain[i][0]);
		snprintf(want, sizeof(want), "IgnoreFileConfigJson: %s",
			 in_vain[i][1]);
		refused(text, want);
	}
	refused(CREATE5 "IgnoreFileConfigJson=yes",
		"RunTimeCreate and RunTimeStart are for bundles");
	refused("RunTimeCreate=x IgnoreFileConfigJson=yes",
		"RunTimeCreate and RunTimeStart are for bundles");
	refused(RUN3 "RunTimeMode=create IgnoreFileConfigJson=yes",
		"RunTimeCreate and RunTimeStart are for bundles");
	refused("Runtime=crun IgnoreFileConfigJson=yes",
		"Runtime=crun: IgnoreFileConfigJson: it is an OCI runtime");
	load(&c, "Runtime=crun\n" RUN3 "IgnoreFileConfigJson=yes\nInit=no\n");
	assert_true(c.ignore_config);
	assert_false(sb_conf_has_create(&c));
	sb_conf_free(&c);
	load(&c, "Runtime=charliecloud\n");
	assert_true(c.ignore_config);
	assert_int_equal(c.env_file, SB_ENV_FILE_NEWLINE);
	sb_conf_free(&c);
	load(&c, RUN3 "IgnoreFileConfigJson=yes IgnoreFileConfigJson=no\n");
	assert_false(c.ignore_config);
	sb_conf_free(&c);
}

/* With IgnoreFileConfigJson Slurm takes any set: of what there is only
 * RunTimeRun, RunTimeKill and RunTimeDelete can be of use. */
static void test_sets_ignoring(void **state)
{
	static const char *const sets[] = {
		"",
		"RunTimeKill=x",
		"RunTimeDelete=x",
		"RunTimeQuery=x RunTimeCreate=x",
		("RunTimeCreate=x RunTimeStart=x RunTimeQuery=x RunTimeKill=x "
		 "RunTimeDelete=x"),
	};
	struct sb_conf c;
	char text[256];

	(void)state;
	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		snprintf(text, sizeof(text),
			 "IgnoreFileConfigJson=true\nRunTimeRun=\"r %%b\" %s\n",
			 sets[i]);
		load(&c, text);
		assert_int_equal(c.mode, SB_MODE_RUN);
		assert_string_equal(c.pattern[SB_OP_RUN], "r %b");
		assert_int_equal(!!c.pattern[SB_OP_KILL],
				 !!strstr(sets[i], "Kill"));
		assert_int_equal(!!c.pattern[SB_OP_DELETE],
				 !!strstr(sets[i], "Delete"));
		assert_null(c.pattern[SB_OP_CREATE]);
		assert_null(c.pattern[SB_OP_START]);
		assert_null(c.pattern[SB_OP_QUERY]);
		assert_false(sb_conf_has_create(&c));
		sb_conf_free(&c);
	}
	refused("IgnoreFileConfigJson=true RunTimeKill=x RunTimeDelete=x",
		"no runtime");
	refused("IgnoreFileConfigJson=true RunTimeMode=run RunTimeKill=x",
		"RunTimeRun is missing");
}

/* oci.conf's sets, and what is missing of one. */
static void test_sets(void **state)
{
	struct sb_conf c;

	(void)state;
	load(&c, RUN3 "RunTimeQuery=x\n");
	assert_int_equal(c.mode, SB_MODE_RUN);
	sb_conf_free(&c);
	refused("RunTimeRun=x RunTimeDelete=x", "RunTimeKill is missing");
	refused("RunTimeRun=x RunTimeKill=x", "RunTimeDelete is missing");
	refused("RunTimeKill=x RunTimeDelete=x RunTimeQuery=x", "no runtime");
	refused(RUN3 "RunTimeCreate=x", "exclude each other");
	refused(RUN3 "RunTimeStart=x", "exclude each other");
	refused("RunTimeStart=x RunTimeQuery=x RunTimeKill=x RunTimeDelete=x",
		"RunTimeCreate is missing");
	refused("RunTimeCreate=x RunTimeQuery=x RunTimeKill=x RunTimeDelete=x",
		"RunTimeStart is missing");
	refused("RunTimeCreate=x RunTimeStart=x RunTimeKill=x RunTimeDelete=x",
		"RunTimeQuery is missing");
	refused("RunTimeCreate=x RunTimeStart=x RunTimeQuery=x RunTimeDelete=x",
		"RunTimeKill is missing");
	refused("RunTimeCreate=x RunTimeStart=x RunTimeQuery=x RunTimeKill=x",
		"RunTimeDelete is missing");
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

static void test_description_environment(void **state)
{
	struct sb_conf c;

	(void)state;
	put("stepbox.conf", "Runtime=own\n");
	put("stepbox.runtimes/own.conf", OWN "RunTimeEnvExclude=\"^A=\"\n");
	load_site(&c, NULL);
	assert_true(c.has_runtime_env_exclude);
	assert_int_equal(regexec(&c.runtime_env_exclude, "A=", 0, NULL, 0), 0);
	sb_conf_free(&c);
	put("stepbox.conf", "Runtime=own RunTimeEnvExclude=\"^B=\"\n");
	load_site(&c, NULL);
	assert_int_equal(regexec(&c.runtime_env_exclude, "B=", 0, NULL, 0), 0);
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
		cmocka_unit_test(test_costly),
		cmocka_unit_test(test_cheap),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_shipped),
		cmocka_unit_test(test_example),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_switches),
		cmocka_unit_test(test_seccomp_profile),
		cmocka_unit_test(test_new_refused),
		cmocka_unit_test(test_env_file),
		cmocka_unit_test(test_disable_hooks),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_debug_keys),
		cmocka_unit_test(test_remarks),
		cmocka_unit_test(test_guide),
		cmocka_unit_test(test_guide_refused_at_slurms_first_bad_line),
		cmocka_unit_test(test_blocks_ignoring),
		cmocka_unit_test(test_ignoring),
		cmocka_unit_test(test_sets),
		cmocka_unit_test(test_sets_ignoring),
		SITE_TEST(test_site_description),
		SITE_TEST(test_description_environment),
		SITE_TEST(test_bad_description),
		SITE_TEST(test_wanted_runtime),
		SITE_TEST(test_sharing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
