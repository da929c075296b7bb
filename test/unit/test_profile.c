/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Seccomp profiles of a site, and the one we ship. */
#define _GNU_SOURCE
#include "bpf.h"
#include "unit.h"

#include "../../helper/buf.h"
#include "../../helper/profile.h"
#include "../../helper/seccomp.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>

static const char *const caps[] = {"CAP_CHOWN", "CAP_SYS_ADMIN"};

static struct sb_profile_for amd64(void)
{
	return (struct sb_profile_for){.arch = "amd64",
				       .kernel_major = 5,
				       .kernel_minor = 4,
				       .caps = caps,
				       .n_caps = 2};
}

/* What text resolves to, compact, which the caller frees; or NULL. */
static char *resolve(const char *text, const struct sb_profile_for *f,
		     struct sb_err *err)
{
	struct sb_json doc, out;
	char *dump = NULL;
	size_t len;

	if (sb_json_parse(&doc, text, strlen(text), err) < 0)
		fail_msg("%s: %s", text, err->text);
	out = doc;
	out.root = sb_profile_resolve(&doc, f, err);
	if (f->mark)
		strcpy(out.mark, f->mark);
	if (out.root)
		dump = sb_json_dump(&out, &len, err);
	sb_json_free(&out);
	sb_json_free(&doc);
	return dump;
}

static void becomes_for(const char *text, const struct sb_profile_for *f,
			const char *want)
{
	struct sb_err err = {.text = ""};
	char *got = resolve(text, f, &err);

	if (!got)
		fail_msg("%s: %s", text, err.text);
	assert_string_equal(got, want);
	free(got);
}

static void becomes(const char *text, const char *want)
{
	struct sb_profile_for f = amd64();

	becomes_for(text, &f, want);
}

static void refused(const char *text, const char *why)
{
	struct sb_profile_for f = amd64();
	struct sb_err err = {.text = ""};
	char *got = resolve(text, &f, &err);

	if (got)
		fail_msg("not refused: %s", text);
	assert_contains(err.text, why);
}

#define TOP "\"defaultAction\":\"SCMP_ACT_ALLOW\""
#define RULES(rules) "{" TOP ",\"syscalls\":[" rules "]}"
#define RULE(rest)                                                             \
	RULES("{\"names\":[\"getpid\"],\"action\":\"SCMP_ACT_LOG\"" rest "}")
#define KEPT RULE("")
#define GONE RULES("")

static void test_top(void **state)
{
	(void)state;
	becomes("{" TOP "}", "{" TOP ",\"syscalls\":[]}");
	becomes("{" TOP ",\"syscalls\":null,\"archMap\":null,"
		"\"comment\":\"c\"}",
		"{" TOP ",\"syscalls\":[]}");
	becomes("{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":38,"
		"\"flags\":[\"SECCOMP_FILTER_FLAG_LOG\"],"
		"\"listenerPath\":\"/p\",\"listenerMetadata\":\"m\","
		"\"architectures\":[\"SCMP_ARCH_X86\"]}",
		"{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":38,"
		"\"architectures\":[\"SCMP_ARCH_X86\"],"
		"\"flags\":[\"SECCOMP_FILTER_FLAG_LOG\"],"
		"\"listenerPath\":\"/p\",\"listenerMetadata\":\"m\","
		"\"syscalls\":[]}");
	/* the name wins */
	becomes("{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":1,"
		"\"defaultErrno\":\"ENOSYS\"}",
		"{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":38,"
		"\"syscalls\":[]}");
}

#define MAP                                                                    \
	"{" TOP ",\"archMap\":[{\"architecture\":\"SCMP_ARCH_AARCH64\","       \
	"\"subArchitectures\":[\"SCMP_ARCH_ARM\"]},"                           \
	"{\"architecture\":\"SCMP_ARCH_X86_64\","                              \
	"\"subArchitectures\":[\"SCMP_ARCH_X86\",\"SCMP_ARCH_X32\"]},"         \
	"{\"architecture\":\"SCMP_ARCH_RISCV64\",\"subArchitectures\":null}]}"

static void test_arch_map(void **state)
{
	struct sb_profile_for f = amd64();

	(void)state;
	becomes(MAP, "{" TOP ",\"architectures\":[\"SCMP_ARCH_X86_64\","
		     "\"SCMP_ARCH_X86\",\"SCMP_ARCH_X32\"],\"syscalls\":[]}");
	f.arch = "arm64";
	becomes_for(MAP, &f,
		    "{" TOP ",\"architectures\":[\"SCMP_ARCH_AARCH64\","
		    "\"SCMP_ARCH_ARM\"],\"syscalls\":[]}");
	f.arch = "riscv64";
	becomes_for(MAP, &f,
		    "{" TOP ",\"architectures\":[\"SCMP_ARCH_RISCV64\"],"
		    "\"syscalls\":[]}");
	f.arch = "ppc64le";
	becomes_for(MAP, &f, "{" TOP ",\"syscalls\":[]}");
	f.arch = "vax";
	becomes_for(MAP, &f, "{" TOP ",\"syscalls\":[]}");
}

static void test_rules(void **state)
{
	(void)state;
	becomes(RULE(",\"comment\":\"c\",\"includes\":{},\"excludes\":null,"
		     "\"args\":null"),
		KEPT);
	becomes(RULES("{\"name\":\"getpid\",\"action\":\"SCMP_ACT_LOG\"}"),
		KEPT);
	becomes(RULES("{\"names\":[\"read\"],\"action\":\"SCMP_ACT_ERRNO\","
		      "\"errno\":\"EACCES\",\"errnoRet\":1,\"args\":[{"
		      "\"index\":0,\"value\":1,\"valueTwo\":0,"
		      "\"op\":\"SCMP_CMP_EQ\"}]}"),
		RULES("{\"names\":[\"read\"],\"action\":\"SCMP_ACT_ERRNO\","
		      "\"errnoRet\":13,\"args\":[{"
		      "\"index\":0,\"value\":1,\"valueTwo\":0,"
		      "\"op\":\"SCMP_CMP_EQ\"}]}"));
	becomes(RULES("{\"names\":[\"read\"],\"action\":\"SCMP_ACT_ERRNO\","
		      "\"errno\":\"7\"}"),
		RULES("{\"names\":[\"read\"],\"action\":\"SCMP_ACT_ERRNO\","
		      "\"errnoRet\":7}"));
	becomes(RULES("{\"names\":[\"read\"],\"action\":\"SCMP_ACT_ERRNO\","
		      "\"errno\":\"\",\"errnoRet\":1}"),
		RULES("{\"names\":[\"read\"],\"action\":\"SCMP_ACT_ERRNO\","
		      "\"errnoRet\":1}"));
}

static void test_conditions(void **state)
{
	/* for amd64, Linux 5.4, CAP_CHOWN and CAP_SYS_ADMIN */
	static const char *const met[] = {
		"\"caps\":[\"CAP_CHOWN\"]",
		"\"caps\":[\"CAP_CHOWN\",\"CAP_SYS_ADMIN\"]",
		"\"arches\":[\"arm64\",\"amd64\"]",
		"\"minKernel\":\"5.4\"",
		"\"minKernel\":\"4.8\"",
		"\"minKernel\":\"3.19\"",
		"\"minKernel\":\"\"",
		"\"caps\":[],\"arches\":null",
		"\"caps\":[\"CAP_CHOWN\"],\"minKernel\":\"5.0\"",
	};
	static const char *const unmet[] = {
		"\"caps\":[\"CAP_BPF\"]",
		"\"caps\":[\"CAP_CHOWN\",\"CAP_BPF\"]",
		"\"caps\":[\"CAP_SYS_ADMI\"]",
		"\"arches\":[\"arm64\"]",
		"\"arches\":[\"x86_64\"]",
		"\"minKernel\":\"5.5\"",
		"\"minKernel\":\"6.0\"",
		"\"minKernel\":\"5.10\"",
		"\"caps\":[\"CAP_CHOWN\"],\"arches\":[\"s390\"]",
	};
	char text[512];

	(void)state;
	for (size_t i = 0; i < sizeof(met) / sizeof(*met); i++) {
		snprintf(text, sizeof(text), RULE(",\"includes\":{%s}"),
			 met[i]);
		becomes(text, KEPT);
	}
	for (size_t i = 0; i < sizeof(unmet) / sizeof(*unmet); i++) {
		snprintf(text, sizeof(text), RULE(",\"includes\":{%s}"),
			 unmet[i]);
		becomes(text, GONE);
	}
	becomes(RULE(",\"excludes\":{\"caps\":[\"CAP_BPF\"]}"), KEPT);
	/* one is enough */
	becomes(RULE(",\"excludes\":{\"caps\":[\"CAP_BPF\",\"CAP_CHOWN\"]}"),
		GONE);
	becomes(RULE(",\"excludes\":{\"arches\":[\"amd64\"]}"), GONE);
	becomes(RULE(",\"excludes\":{\"arches\":[\"arm\"]}"), KEPT);
	becomes(RULE(",\"excludes\":{\"minKernel\":\"5.4\"}"), GONE);
	becomes(RULE(",\"excludes\":{\"minKernel\":\"5.5\"}"), KEPT);
	becomes(RULE(",\"includes\":{\"caps\":[\"CAP_CHOWN\"]},"
		     "\"excludes\":{\"arches\":[\"amd64\"]}"),
		GONE);
}

/* Conditions name some architectures as libseccomp does. */
static void test_arch_names(void **state)
{
	struct sb_profile_for f = amd64();

	(void)state;
	f.arch = "386";
	becomes_for(RULE(",\"includes\":{\"arches\":[\"x86\"]}"), &f, KEPT);
	becomes_for(RULE(",\"includes\":{\"arches\":[\"386\"]}"), &f, KEPT);
	f.arch = "loong64";
	becomes_for(RULE(",\"includes\":{\"arches\":[\"loongarch64\"]}"), &f,
		    KEPT);
}

/* A number that carries a mark keeps its value in another document. */
static void test_marks(void **state)
{
	struct sb_profile_for f = amd64();
	const char *text = RULES(
		"{\"names\":[\"read\"],\"action\":\"SCMP_ACT_LOG\",\"args\":[{"
		"\"index\":0,\"value\":18446744073709551615,\"valueTwo\":"
		"9223372036854775808,\"op\":\"SCMP_CMP_MASKED_EQ\"}]}");

	(void)state;
	becomes(text, text);
	f.mark = "0123456789abcdef0123456789abcdef";
	becomes_for(text, &f, text);
}

static void test_refused(void **state)
{
	static const char *const table[][2] = {
		{"[]", "profile: not an object"},
		{"{}", "defaultAction: missing"},
		{"{\"defaultAction\":\"ALLOW\"}",
		 "defaultAction: \"ALLOW\" is not known"},
		{"{" TOP ",\"sysCalls\":[]}", "sysCalls: not known"},
		{"{" TOP ",\"defaultErrno\":5}", "defaultErrno: not a string"},
		{"{" TOP ",\"defaultErrno\":\"EPERM\"}",
		 "defaultErrnoRet: its action takes no errno"},
		{"{" TOP ",\"defaultErrno\":\"EPREM\"}",
		 "defaultErrno: no error of this name"},
		{"{" TOP ",\"comment\":5}", "comment: not a string"},
		{"{" TOP ",\"flags\":\"\"}", "flags: not an array"},
		{"{" TOP ",\"flags\":[\"X\"]}", "flags[0]: not known"},
		{"{" TOP ",\"listenerPath\":1}", "listenerPath: not a string"},
		{"{" TOP ",\"listenerMetadata\":1}",
		 "listenerMetadata: not a string"},
		{"{" TOP ",\"architectures\":[1]}",
		 "architectures[0]: not a string"},
		{"{" TOP ",\"architectures\":[\"Z80\"]}",
		 "architectures[0]: not known"},
		{"{" TOP ",\"architectures\":[\"SCMP_ARCH_X86\"],"
		 "\"archMap\":[{\"architecture\":\"SCMP_ARCH_X86\"}]}",
		 "archMap: not beside architectures"},
		{"{" TOP ",\"archMap\":{}}", "archMap: not an array"},
		{"{" TOP ",\"archMap\":[5]}", "archMap[0]: not an object"},
		{"{" TOP ",\"archMap\":[{}]}",
		 "archMap[0].architecture: missing"},
		{"{" TOP ",\"archMap\":[{\"arch\":\"x\"}]}",
		 "archMap[0].arch: not known"},
		{"{" TOP ",\"archMap\":[{\"architecture\":\"SCMP_ARCH_X86\","
		 "\"subArchitectures\":[0]}]}",
		 "archMap[0].subArchitectures[0]: not a string"},
		{"{" TOP ",\"syscalls\":{}}", "syscalls: not an array"},
		{RULES("7"), "syscalls[0]: not an object"},
		{RULES("{\"names\":[\"a\"],\"action\":\"SCMP_ACT_LOG\"},{}"),
		 "syscalls[1].action: missing"},
		{RULES("{\"action\":\"SCMP_ACT_LOG\"}"),
		 "syscalls[0].names: missing"},
		{RULES("{\"name\":\"\",\"action\":\"SCMP_ACT_LOG\"}"),
		 "syscalls[0].names: missing"},
		{RULE(",\"name\":\"read\""),
		 "syscalls[0].name: not beside names"},
		{RULE(",\"name\":5"), "syscalls[0].name: not a string"},
		{RULE(",\"include\":{}"), "syscalls[0].include: not known"},
		{RULE(",\"comment\":[]"), "syscalls[0].comment: not a string"},
		{RULE(",\"errno\":\"EPERM\""),
		 "syscalls[0].errnoRet: its action takes no errno"},
		{RULE(",\"args\":[{\"index\":9}]"),
		 "syscalls[0].args[0].index: not a number from 0 to 5"},
		{RULE(",\"includes\":[]"),
		 "syscalls[0].includes: not an object"},
		{RULE(",\"includes\":{\"cap\":[]}"),
		 "syscalls[0].includes.cap: not known"},
		{RULE(",\"excludes\":{\"caps\":\"CAP_CHOWN\"}"),
		 "syscalls[0].excludes.caps: not an array"},
		{RULE(",\"excludes\":{\"caps\":[\"CHOWN\"]}"),
		 "syscalls[0].excludes.caps[0]: not a capability"},
		{RULE(",\"includes\":{\"arches\":[5]}"),
		 "syscalls[0].includes.arches[0]: not a string"},
		{RULE(",\"includes\":{\"minKernel\":5}"),
		 "syscalls[0].includes.minKernel: not a string"},
		{RULE(",\"includes\":{\"minKernel\":\"5\"}"),
		 "minKernel: not a MAJOR.MINOR"},
		{RULE(",\"includes\":{\"minKernel\":\"5.\"}"),
		 "minKernel: not a MAJOR.MINOR"},
		{RULE(",\"includes\":{\"minKernel\":\"5.4.1\"}"),
		 "minKernel: not a MAJOR.MINOR"},
		{RULE(",\"includes\":{\"minKernel\":\" 5.4\"}"),
		 "minKernel: not a MAJOR.MINOR"},
		{RULE(",\"includes\":{\"minKernel\":\"5.-4\"}"),
		 "minKernel: not a MAJOR.MINOR"},
		/* also where the rule is not for us */
		{RULES("{\"names\":[\"read\"],\"action\":\"X\","
		       "\"excludes\":{\"arches\":[\"amd64\"]}}"),
		 "syscalls[0].action: \"X\" is not known"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
		refused(table[i][0], table[i][1]);
}

static void test_load(void **state)
{
	const char *path = unit_file("{\"a\":1,}");
	struct sb_err err;
	struct sb_json doc;

	(void)state;
	assert_int_equal(sb_profile_load(path, &doc, &err), -1);
	assert_contains(err.text, path);
	assert_contains(err.text, ": 1:8: ");
	unlink(path);
	assert_int_equal(sb_profile_load(path, &doc, &err), -1);
	assert_contains(err.text, "No such file");
	assert_int_equal(sb_profile_load("/", &doc, &err), -1);
	assert_contains(err.text, "/: ");
}

/* The profile we ship, compiled for this machine and these capabilities. */
static int compile_ours(const char *const *bounding, size_t n,
			struct sb_seccomp *out, struct sb_strv *skipped)
{
	struct sb_profile_for f;
	struct sb_seccomp_src src = {.what = "linux.seccomp"};
	int fd = memfd_create("filter", MFD_CLOEXEC);
	struct sb_json doc;
	struct sb_err err;
	json_t *made;

	if (sb_profile_load(SRCDIR "/conf/seccomp.json", &doc, &err) < 0 ||
	    sb_profile_here(&f, &err) < 0)
		fail_msg("%s", err.text);
	f.caps = bounding;
	f.n_caps = n;
	made = sb_profile_resolve(&doc, &f, &err);
	if (!made)
		fail_msg("%s", err.text);
	src.json = made;
	src.mark = doc.mark;
	if (sb_seccomp_compile(&src, fd, out, skipped, &err) < 0)
		fail_msg("%s", err.text);
	json_decref(made);
	sb_json_free(&doc);
	return fd;
}

/* What libseccomp 2.5.1 does not know, which is the oldest we build with: a
 * newer one may know it or not. Any other unknown name is a slip. */
static const char *const newer[] = {
	/* Linux 5.9 to 5.17 */
	"close_range",
	"process_madvise",
	"epoll_pwait2",
	"mount_setattr",
	"quotactl_fd",
	"landlock_create_ruleset",
	"landlock_add_rule",
	"landlock_restrict_self",
	"memfd_secret",
	"process_mrelease",
	"futex_waitv",
	"set_mempolicy_home_node",
	/* Linux 6 */
	"cachestat",
	"fchmodat2",
	"map_shadow_stack",
	"futex_wake",
	"futex_wait",
	"futex_requeue",
	"statmount",
	"listmount",
	"lsm_get_self_attr",
	"lsm_set_self_attr",
	"lsm_list_modules",
	"riscv_hwprobe",
	"mseal",
	"uretprobe",
	"uprobe",
	"setxattrat",
	"getxattrat",
	"listxattrat",
	"removexattrat",
	"open_tree_attr",
	"file_getattr",
	"file_setattr",
	/* Linux 7 */
	"rseq_slice_yield",
	/* in libseccomp since 2.6 only, whatever their age */
	"atomic_barrier",
	"atomic_cmpxchg_32",
	"getpagesize",
};

static void test_ours_names(void **state)
{
	struct sb_strv skipped = {0};
	struct sb_seccomp s;

	(void)state;
	close(compile_ours(NULL, 0, &s, &skipped));
	assert_true(s.len > 0);
	for (size_t i = 0; i < skipped.n; i++) {
		size_t k = 0;

		while (k < sizeof(newer) / sizeof(*newer) &&
		       strcmp(newer[k], skipped.v[i]))
			k++;
		if (k == sizeof(newer) / sizeof(*newer))
			fail_msg("%s: no such system call", skipped.v[i]);
	}
	sb_strv_free(&skipped);
}

/* It must stand for every architecture it maps, with and without privilege. */
static void test_ours_elsewhere(void **state)
{
	static const char *const arch[] = {"amd64", "arm64",   "ppc64le",
					   "s390x", "riscv64", "loong64"};
	struct sb_profile_for f = amd64();
	struct sb_json doc;
	struct sb_err err;

	(void)state;
	assert_int_equal(
		sb_profile_load(SRCDIR "/conf/seccomp.json", &doc, &err), 0);
	for (size_t i = 0; i < 2 * sizeof(arch) / sizeof(*arch); i++) {
		json_t *made;

		f.arch = arch[i / 2];
		f.n_caps = i % 2 ? 2 : 0;
		made = sb_profile_resolve(&doc, &f, &err);
		if (!made)
			fail_msg("%s: %s", f.arch, err.text);
		assert_true(json_array_size(json_object_get(
				    made, "architectures")) > 0);
		json_decref(made);
	}
	sb_json_free(&doc);
}

struct probe {
	long nr, arg[3];
	int want; /* the errno; 0 for none */
};

static int try(int fd, const struct sb_seccomp *s, const struct probe *p)
{
	static struct sock_filter code[BPF_MAXINSNS];
	struct sock_fprog prog = {.len = s->len, .filter = code};
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		long rc;

		if (pread(fd, code, sizeof(code), 0) <= 0 ||
		    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
		    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, s->flags,
			    &prog) < 0)
			_exit(200);
		rc = syscall(p->nr, p->arg[0], p->arg[1], p->arg[2], 0L, 0L,
			     0L);
		syscall(SYS_exit_group, rc < 0 ? errno : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!WIFEXITED(status) || WEXITSTATUS(status) == 200)
		fail_msg("call %ld: status %x", p->nr, status);
	return WEXITSTATUS(status);
}

/* What the kernel would say to these calls by itself differs from what the
 * filter says. */
static void test_ours_works(void **state)
{
	static const struct probe table[] = {
		{SYS_getpid, {0}, 0},
		{SYS_kcmp, {0}, ESRCH},
		{SYS_process_vm_readv, {0}, 0},
		{SYS_add_key, {0}, EFAULT},
		{SYS_mbind, {0}, 0},
		{SYS_swapon, {0}, EPERM},
		{SYS_mount, {0}, EPERM},
		{SYS_init_module, {0}, EPERM},
		{SYS_io_uring_setup, {0}, EPERM},
		{SYS_setns, {-1}, EPERM},
		{SYS_clone3, {0}, ENOSYS},
		{SYS_unshare, {CLONE_FS}, 0},
		{SYS_unshare, {CLONE_NEWUSER}, EPERM},
		{SYS_unshare, {CLONE_NEWUSER | CLONE_NEWNS}, EPERM},
		{SYS_unshare, {CLONE_NEWNET | CLONE_FS}, EPERM},
		{SYS_clone, {CLONE_NEWUSER | SIGCHLD}, EPERM},
		{SYS_socket, {AF_UNIX, SOCK_STREAM, 0}, 0},
		{SYS_socket, {38, SOCK_STREAM, 0}, ENOSYS},
		{SYS_socket, {40, SOCK_STREAM, 0}, ENOSYS},
		{SYS_personality, {0xffffffff}, 0},
		{SYS_personality, {0x40000}, 0},
		{SYS_personality, {0x400000}, ENOSYS},
		{SYS_userfaultfd, {0}, EPERM},
		{SYS_syslog, {-1}, EPERM},
		{9999, {0}, ENOSYS},
	};
	struct sb_seccomp s;
	int fd = compile_ours(NULL, 0, &s, NULL);

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		int got = try(fd, &s, table + i);

		if (got != table[i].want)
			fail_msg("call %ld (%ld): errno %d, not %d",
				 table[i].nr, table[i].arg[0], got,
				 table[i].want);
	}
	close(fd);
}

static void test_ours_with_privilege(void **state)
{
	/* EFAULT and EBADF: the kernel's own */
	static const struct probe table[] = {
		{SYS_clone3, {0}, EINVAL},	  {SYS_setns, {-1}, EBADF},
		{SYS_chroot, {0}, EPERM},	  {SYS_swapon, {0}, EPERM},
		{SYS_io_uring_setup, {0}, EPERM},
	};
	struct sb_seccomp s;
	int fd = compile_ours(caps, 2, &s, NULL);

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
		assert_int_equal(try(fd, &s, table + i), table[i].want);
	close(fd);
}

#ifdef __x86_64__
/* What the program says to a call. */
static uint32_t run(const struct sock_filter *p, const struct sb_seccomp *s,
		    const struct seccomp_data *d)
{
	uint32_t action = 0;

	assert_int_equal(bpf_run(p, s->len, d, &action), 0);
	return action;
}

/* Reads the program; static. */
static const struct sock_filter *program(int fd, const struct sb_seccomp *s)
{
	static struct sock_filter code[BPF_MAXINSNS];

	assert_int_equal(pread(fd, code, sizeof(code), 0),
			 s->len * sizeof(*code));
	close(fd);
	return code;
}

/* What one rule gives. */
static int64_t gives(const json_t *rule)
{
	if (json_object_get(rule, "args"))
		return -1;
	if (!strcmp(json_string_value(json_object_get(rule, "action")),
		    "SCMP_ACT_ALLOW"))
		return SECCOMP_RET_ALLOW;
	return SECCOMP_RET_ERRNO |
	       json_integer_value(json_object_get(rule, "errnoRet"));
}

/* What the document says to a call by name; -1: it depends on arguments. */
static int64_t expect(const json_t *rules, uint32_t token, int nr)
{
	char *name = seccomp_syscall_resolve_num_arch(token, nr);
	int64_t want = SECCOMP_RET_ERRNO | ENOSYS;

	for (size_t i = 0; name && i < json_array_size(rules); i++) {
		const json_t *rule = json_array_get(rules, i);
		const json_t *names = json_object_get(rule, "names");

		for (size_t k = 0; k < json_array_size(names); k++)
			if (!strcmp(json_string_value(json_array_get(names, k)),
				    name))
				want = gives(rule);
	}
	free(name);
	return want;
}

/* Every call of every architecture gets what the file says. */
static void test_ours_all_calls(void **state)
{
	static const struct {
		uint32_t token, audit, base;
	} table[] = {
		{SCMP_ARCH_X86_64, AUDIT_ARCH_X86_64, 0},
		{SCMP_ARCH_X86, AUDIT_ARCH_I386, 0},
		{SCMP_ARCH_X32, AUDIT_ARCH_X86_64, 0x40000000},
	};
	struct sb_profile_for f = amd64();
	const struct sock_filter *code;
	struct sb_seccomp s;
	struct sb_json doc;
	struct sb_err err;
	json_t *made;

	(void)state;
	assert_int_equal(
		sb_profile_load(SRCDIR "/conf/seccomp.json", &doc, &err), 0);
	assert_int_equal(sb_profile_here(&f, &err), 0);
	made = sb_profile_resolve(&doc, &f, &err);
	assert_non_null(made);
	code = program(compile_ours(NULL, 0, &s, NULL), &s);
	for (size_t i = 0; i < 3 * 600; i++) {
		struct seccomp_data d = {.arch = table[i / 600].audit};
		int64_t want;

		d.nr = table[i / 600].base + i % 600;
		want = expect(json_object_get(made, "syscalls"),
			      table[i / 600].token, d.nr);
		if (want >= 0 && run(code, &s, &d) != want)
			fail_msg("arch %x call %d: %x, not %x", d.arch, d.nr,
				 run(code, &s, &d), (unsigned int)want);
	}
	json_decref(made);
	sb_json_free(&doc);
}

/* What belongs to no architecture of the profile; a tracer's -1. */
static void test_ours_other_calls(void **state)
{
	struct seccomp_data d = {.nr = 20, .arch = AUDIT_ARCH_AARCH64};
	const struct sock_filter *code;
	struct sb_seccomp s;

	(void)state;
	code = program(compile_ours(NULL, 0, &s, NULL), &s);
	assert_int_equal(run(code, &s, &d), SECCOMP_RET_KILL);
	d.nr = -1;
	d.arch = AUDIT_ARCH_X86_64;
	assert_int_equal(run(code, &s, &d), SECCOMP_RET_ERRNO | ENOSYS);
	d.arch = AUDIT_ARCH_I386;
	assert_int_equal(run(code, &s, &d), SECCOMP_RET_ERRNO | ENOSYS);
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_top),
		cmocka_unit_test(test_arch_map),
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_conditions),
		cmocka_unit_test(test_arch_names),
		cmocka_unit_test(test_marks),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_load),
		cmocka_unit_test(test_ours_names),
		cmocka_unit_test(test_ours_elsewhere),
		cmocka_unit_test(test_ours_works),
		cmocka_unit_test(test_ours_with_privilege),
#ifdef __x86_64__
		cmocka_unit_test(test_ours_all_calls),
		cmocka_unit_test(test_ours_other_calls),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
