/* SPDX-License-Identifier: GPL-2.0-or-later */
/* linux.seccomp made into a program: what is refused, what the kernel then
 * does. */
#define _GNU_SOURCE
#include "unit.h"

#include "../../helper/json.h"
#include "../../helper/seccomp.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* The document; text is no valid JSON: the test is wrong. */
static struct sb_json parse(const char *text)
{
	struct sb_json doc;
	struct sb_err err;

	if (sb_json_parse(&doc, text, strlen(text), &err) < 0)
		fail_msg("%s: %s", text, err.text);
	return doc;
}

static struct sb_seccomp_src source(const struct sb_json *doc)
{
	return (struct sb_seccomp_src){doc->root, doc->mark, "linux.seccomp"};
}

/* Compiles text to a memfd, which the caller closes. */
static int compile(const char *text, struct sb_seccomp *out,
		   struct sb_strv *skipped)
{
	struct sb_json doc = parse(text);
	struct sb_seccomp_src src = source(&doc);
	int fd = memfd_create("filter", MFD_CLOEXEC);
	struct sb_err err;

	assert_true(fd >= 0);
	if (sb_seccomp_compile(&src, fd, out, skipped, &err) < 0)
		fail_msg("%s: %s", text, err.text);
	sb_json_free(&doc);
	return fd;
}

/* What check and compile say of text must both contain why. */
static void refused(const char *text, const char *why)
{
	struct sb_json doc = parse(text);
	struct sb_seccomp_src src = source(&doc);
	int fd = memfd_create("filter", MFD_CLOEXEC);
	struct sb_seccomp out;
	struct sb_err err = {.text = ""};

	assert_int_equal(sb_seccomp_check(&src, NULL, &err), -1);
	assert_contains(err.text, why);
	err.text[0] = '\0';
	assert_int_equal(sb_seccomp_compile(&src, fd, &out, NULL, &err), -1);
	assert_contains(err.text, why);
	close(fd);
	sb_json_free(&doc);
}

#define TOP "\"defaultAction\":\"SCMP_ACT_ALLOW\""
#define ONE(rule) "{" TOP ",\"syscalls\":[" rule "]}"
#define RULE(rest)                                                             \
	ONE("{\"names\":[\"getpid\"],\"action\":\"SCMP_ACT_ERRNO\"," rest "}")
#define ARG(arg) RULE("\"args\":[" arg "]")

static void test_refused(void **state)
{
	static const char *const table[][2] = {
		{"[]", "linux.seccomp: not an object"},
		{"{}", "linux.seccomp.defaultAction: missing"},
		{"{\"defaultAction\":1}", "defaultAction: not a string"},
		{"{\"defaultAction\":\"SCMP_ACT_NO\"}",
		 "defaultAction: \"SCMP_ACT_NO\" is not known"},
		{"{\"defaultAction\":\"\"}", "\"\" is not known"},
		{"{\"defaultAction\":\"SCMP_ACT_NOTIFY\"}", "needs an agent"},
		{"{" TOP ",\"defaultErrnoRet\":1}",
		 "linux.seccomp.defaultErrnoRet: its action takes no errno"},
		{"{\"defaultAction\":\"SCMP_ACT_ERRNO\","
		 "\"defaultErrnoRet\":4096}",
		 "defaultErrnoRet: not a number from 0 to 4095"},
		{"{\"defaultAction\":\"SCMP_ACT_ERRNO\","
		 "\"defaultErrnoRet\":\"1\"}",
		 "not a number from 0"},
		{"{\"defaultAction\":\"SCMP_ACT_TRACE\","
		 "\"defaultErrnoRet\":65536}",
		 "not a number from 0 to 65535"},
		{"{" TOP ",\"architectures\":\"SCMP_ARCH_X86\"}",
		 "linux.seccomp.architectures: not an array"},
		{"{" TOP ",\"architectures\":[1]}",
		 "architectures[0]: not a string"},
		{"{" TOP ",\"architectures\":[\"SCMP_ARCH_X86\",\"Z80\"]}",
		 "architectures[1]: not known"},
		{"{" TOP ",\"architectures\":[\"SCMP_ARCH_Z80\"]}",
		 "architectures[0]: not known"},
		{"{" TOP ",\"architectures\":[\"SCMP_ARCH_\"]}", "not known"},
		{"{" TOP ",\"flags\":{}}", "linux.seccomp.flags: not an array"},
		{"{" TOP ",\"flags\":[\"SECCOMP_FILTER_FLAG_NEW_LISTENER\"]}",
		 "flags[0]: not known"},
		{"{" TOP ",\"flags\":[null]}", "flags[0]: not known"},
		{"{" TOP ",\"syscalls\":{}}", "syscalls: not an array"},
		{ONE("1"), "linux.seccomp.syscalls[0]: not an object"},
		{ONE("{\"action\":\"SCMP_ACT_ERRNO\"}"),
		 "linux.seccomp.syscalls[0].names: missing"},
		{ONE("{\"names\":[],\"action\":\"SCMP_ACT_ERRNO\"}"),
		 "syscalls[0].names: missing"},
		{ONE("{\"names\":\"read\",\"action\":\"SCMP_ACT_ERRNO\"}"),
		 "names: not an array"},
		{ONE("{\"names\":[\"read\",7],\"action\":\"SCMP_ACT_ERRNO\"}"),
		 "syscalls[0].names[1]: not a name"},
		{ONE("{\"names\":[\"\"],\"action\":\"SCMP_ACT_ERRNO\"}"),
		 "names[0]: not a name"},
		{ONE("{\"names\":[\"read\"]}"), "syscalls[0].action: missing"},
		{ONE("{\"names\":[\"read\"],\"action\":\"SCMP_ACT_NOTIFY\"}"),
		 "needs an agent"},
		{ONE("{\"names\":[\"read\"],\"action\":\"SCMP_ACT_KILL\","
		     "\"errnoRet\":1}"),
		 "syscalls[0].errnoRet: its action takes no errno"},
		{RULE("\"errnoRet\":-1"), "errnoRet: not a number"},
		{RULE("\"errnoRet\":1.5"), "errnoRet: not a number"},
		{RULE("\"args\":{}"), "syscalls[0].args: not an array"},
		{ARG("5"), "syscalls[0].args[0]: not an object"},
		{ARG("{}"), "syscalls[0].args[0].index: missing"},
		{ARG("{\"index\":6}"), "index: not a number from 0 to 5"},
		{ARG("{\"index\":0}"), "args[0].op: missing"},
		{ARG("{\"index\":0,\"op\":\"SCMP_CMP_EQ\"}"),
		 "args[0].value: missing"},
		{ARG("{\"index\":0,\"op\":\"==\",\"value\":1}"),
		 "args[0].op: \"==\" is not known"},
		{ARG("{\"index\":0,\"op\":\"SCMP_CMP_EQ\",\"value\":-1}"),
		 "args[0].value: not a number from 0 to 18446744073709551615"},
		{ARG("{\"index\":0,\"op\":\"SCMP_CMP_EQ\",\"value\":1.5}"),
		 "value: not a number"},
		{ARG("{\"index\":0,\"op\":\"SCMP_CMP_EQ\",\"value\":-0}"),
		 "value: not a number"},
		{ARG("{\"index\":0,\"op\":\"SCMP_CMP_EQ\","
		     "\"value\":18446744073709551616}"),
		 "value: not a number"},
		{ARG("{\"index\":0,\"op\":\"SCMP_CMP_EQ\",\"value\":\"1\"}"),
		 "value: not a number"},
		{ARG("{\"index\":0,\"op\":\"SCMP_CMP_EQ\",\"value\":1,"
		     "\"valueTwo\":[]}"),
		 "args[0].valueTwo: not a number"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
		refused(table[i][0], table[i][1]);
}

/* Compiling text fails, with why. */
static void uncompiled(const char *text, const char *why)
{
	struct sb_json doc = parse(text);
	struct sb_seccomp_src src = source(&doc);
	int fd = memfd_create("filter", MFD_CLOEXEC);
	struct sb_seccomp out;
	struct sb_err err = {.text = ""};

	assert_int_equal(sb_seccomp_compile(&src, fd, &out, NULL, &err), -1);
	assert_contains(err.text, why);
	close(fd);
	sb_json_free(&doc);
}

/* Only a compiler can see it. */
static void test_contradiction(void **state)
{
	(void)state;
	uncompiled(ONE("{\"names\":[\"getpid\"],\"action\":"
		       "\"SCMP_ACT_ERRNO\"},{\"names\":[\"getpid\"],"
		       "\"action\":\"SCMP_ACT_ERRNO\",\"args\":[{\"index\":"
		       "0,\"op\":\"SCMP_CMP_EQ\",\"value\":1}]},"
		       "{\"names\":[\"getppid\"],\"action\":"
		       "\"SCMP_ACT_ERRNO\",\"args\":[{\"index\":"
		       "0,\"op\":\"SCMP_CMP_EQ\",\"value\":1}]},"
		       "{\"names\":[\"getppid\"],\"action\":"
		       "\"SCMP_ACT_TRAP\",\"args\":[{\"index\":"
		       "0,\"op\":\"SCMP_CMP_EQ\",\"value\":1}]}"),
		   "linux.seccomp.syscalls[3]: getppid: "
		   "contradicts a rule before it");
}

static void test_skipped(void **state)
{
	struct sb_strv skipped = {0};
	struct sb_seccomp out;
	int fd = compile("{" TOP ",\"x\":1,\"listenerPath\":\"/s\","
			 "\"architectures\":null,\"syscalls\":[{\"names\":"
			 "[\"no_such_call\",\"getpid\",\"nor_this\"],"
			 "\"action\":\"SCMP_ACT_ERRNO\",\"args\":null}]}",
			 &out, &skipped);

	(void)state;
	close(fd);
	assert_int_equal(skipped.n, 2);
	assert_string_equal(skipped.v[0], "no_such_call");
	assert_string_equal(skipped.v[1], "nor_this");
	sb_strv_free(&skipped);
	/* of the other byte order than one of them, this machine is */
	fd = compile("{" TOP ",\"architectures\":[\"SCMP_ARCH_S390X\","
		     "\"SCMP_ARCH_MIPSEL64\"]}",
		     &out, &skipped);
	close(fd);
	assert_int_equal(skipped.n, 1);
	assert_contains(skipped.v[0], "SCMP_ARCH_");
	sb_strv_free(&skipped);
}

static void test_flags(void **state)
{
	struct sb_seccomp out;

	(void)state;
	close(compile("{" TOP "}", &out, NULL));
	assert_int_equal(out.flags, SECCOMP_FILTER_FLAG_SPEC_ALLOW);
	assert_true(out.len > 0);
	close(compile("{" TOP ",\"flags\":[]}", &out, NULL));
	assert_int_equal(out.flags, 0);
	close(compile("{" TOP ",\"flags\":[\"SECCOMP_FILTER_FLAG_LOG\","
		      "\"SECCOMP_FILTER_FLAG_TSYNC\","
		      "\"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV\"]}",
		      &out, NULL));
	assert_int_equal(out.flags,
			 SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_TSYNC);
}

/* Rules without end: refused, and soon. */
static void test_too_large(void **state)
{
	static char text[1 << 20];
	size_t n;

	(void)state;
	n = sprintf(text, "{" TOP ",\"syscalls\":[");
	for (int i = 0; i < 5000; i++)
		n += sprintf(text + n,
			     "%s{\"names\":[\"ioctl\"],\"action\":"
			     "\"SCMP_ACT_ERRNO\",\"args\":[{\"index\":1,"
			     "\"op\":\"SCMP_CMP_EQ\",\"value\":%d}]}",
			     i ? "," : "", i);
	sprintf(text + n, "]}");
	uncompiled(text, "the kernel takes 4096");
}

/* A file that cannot be written to. */
static void test_no_file(void **state)
{
	struct sb_json doc = parse("{\"defaultAction\":\"SCMP_ACT_ALLOW\"}");
	struct sb_seccomp_src src = source(&doc);
	int fd = open("/dev/null", O_RDONLY);
	struct sb_seccomp out;
	struct sb_err err = {.text = ""};

	(void)state;
	assert_int_equal(sb_seccomp_compile(&src, fd, &out, NULL, &err), -1);
	assert_contains(err.text, "linux.seccomp: no program: ");
	close(fd);
	sb_json_free(&doc);
}

/* A call and what must come of it. */
struct probe {
	long nr, arg[3];
	int want; /* errno; 0: none; -1: death by SIGSYS */
};

#define KILLED (-1)

static void load(int fd, const struct sb_seccomp *s)
{
	static struct sock_filter code[BPF_MAXINSNS];
	struct sock_fprog prog = {.len = s->len, .filter = code};

	if (pread(fd, code, sizeof(code), 0) !=
		    (ssize_t)(s->len * sizeof(*code)) ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, s->flags, &prog) < 0)
		_exit(100);
}

/* In a child that has the filter: the errno that p gets. */
static int try(int fd, const struct sb_seccomp *s, const struct probe *p)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		long rc;

		signal(SIGSYS, SIG_DFL);
		load(fd, s);
		rc = syscall(p->nr, p->arg[0], p->arg[1], p->arg[2], 0L, 0L,
			     0L);
		syscall(SYS_exit_group, rc < 0 ? errno : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status)) {
		assert_int_equal(WTERMSIG(status), SIGSYS);
		return KILLED;
	}
	assert_int_not_equal(WEXITSTATUS(status), 100);
	return WEXITSTATUS(status);
}

static void probe(const char *text, const struct probe *p, size_t n)
{
	struct sb_seccomp s;
	int fd = compile(text, &s, NULL);

	for (size_t i = 0; i < n; i++) {
		int got = try(fd, &s, p + i);

		if (got != p[i].want)
			fail_msg("%s: call %ld (%ld, %ld, %ld): errno %d, "
				 "not %d",
				 text, p[i].nr, p[i].arg[0], p[i].arg[1],
				 p[i].arg[2], got, p[i].want);
	}
	close(fd);
}

#define PROBE(text, ...)                                                       \
	do {                                                                   \
		static const struct probe p_[] = {__VA_ARGS__};                \
		probe(text, p_, sizeof(p_) / sizeof(*p_));                     \
	} while (0)

/* prctl(99999...) is nothing; without a filter it is EINVAL. */
#define CALL(action, arg)                                                      \
	"{\"names\":[\"prctl\"],\"action\":\"SCMP_ACT_" action                 \
	"\",\"args\":[" arg "]}"
#define COND(i, op, rest)                                                      \
	"{\"index\":" #i ",\"op\":\"SCMP_CMP_" op "\",\"value\":" rest "}"

static void test_actions(void **state)
{
	(void)state;
	PROBE("{" TOP ",\"syscalls\":["
	      "{\"names\":[\"getppid\"],\"action\":\"SCMP_ACT_ERRNO\","
	      "\"errnoRet\":42},"
	      "{\"names\":[\"getuid\"],\"action\":\"SCMP_ACT_ERRNO\"},"
	      "{\"names\":[\"getgid\"],\"action\":\"SCMP_ACT_KILL_PROCESS\"},"
	      "{\"names\":[\"geteuid\"],\"action\":\"SCMP_ACT_TRAP\"},"
	      "{\"names\":[\"getegid\"],\"action\":\"SCMP_ACT_TRACE\"},"
	      "{\"names\":[\"getsid\"],\"action\":\"SCMP_ACT_KILL\"},"
	      "{\"names\":[\"getpgid\"],\"action\":\"SCMP_ACT_LOG\"},"
	      "{\"names\":[\"getpid\"],\"action\":\"SCMP_ACT_ALLOW\"}]}",
	      {SYS_getppid, {0}, 42}, {SYS_getuid, {0}, EPERM},
	      {SYS_getgid, {0}, KILLED}, {SYS_geteuid, {0}, KILLED},
	      /* nobody traces it */
	      {SYS_getegid, {0}, ENOSYS}, {SYS_getsid, {0}, KILLED},
	      {SYS_getpgid, {0}, 0}, {SYS_getpid, {0}, 0});
}

/* Each operator, at and about the value, and beyond 32 bits. */
static void test_operators(void **state)
{
	(void)state;
	PROBE(ONE(CALL("ERRNO", COND(1, "EQ", "5"))),
	      {SYS_prctl, {99999, 5}, EPERM}, {SYS_prctl, {99999, 4}, EINVAL},
	      {SYS_prctl, {99999, 0x100000005}, EINVAL},
	      {SYS_prctl, {5, 77}, EINVAL});
	PROBE(ONE(CALL("ERRNO", COND(1, "NE", "5"))),
	      {SYS_prctl, {99999, 5}, EINVAL}, {SYS_prctl, {99999, 4}, EPERM},
	      {SYS_prctl, {99999, 0x100000005}, EPERM});
	PROBE(ONE(CALL("ERRNO", COND(1, "LT", "4294967301"))),
	      {SYS_prctl, {99999, 0x100000004}, EPERM},
	      {SYS_prctl, {99999, 0x100000005}, EINVAL},
	      {SYS_prctl, {99999, 6}, EPERM}, {SYS_prctl, {99999, -1}, EINVAL});
	PROBE(ONE(CALL("ERRNO", COND(1, "LE", "4294967301"))),
	      {SYS_prctl, {99999, 0x100000005}, EPERM},
	      {SYS_prctl, {99999, 0x100000006}, EINVAL},
	      {SYS_prctl, {99999, 0x200000000}, EINVAL});
	PROBE(ONE(CALL("ERRNO", COND(1, "GT", "4294967301"))),
	      {SYS_prctl, {99999, 0x100000005}, EINVAL},
	      {SYS_prctl, {99999, 0x100000006}, EPERM},
	      {SYS_prctl, {99999, 0x200000000}, EPERM},
	      {SYS_prctl, {99999, 7}, EINVAL});
	PROBE(ONE(CALL("ERRNO", COND(1, "GE", "4294967301"))),
	      {SYS_prctl, {99999, 0x100000005}, EPERM},
	      {SYS_prctl, {99999, 0x100000004}, EINVAL},
	      {SYS_prctl, {99999, -1}, EPERM});
	PROBE(ONE(CALL("ERRNO", COND(1, "MASKED_EQ",
				     "12884901903,\"valueTwo\":"
				     "4294967301"))),
	      {SYS_prctl, {99999, 0x100000005}, EPERM},
	      {SYS_prctl, {99999, 0xf00000105}, EINVAL},
	      {SYS_prctl, {99999, 0x100000105}, EPERM},
	      {SYS_prctl, {99999, 0x500000ff5}, EPERM},
	      {SYS_prctl, {99999, 5}, EINVAL});
}

/* 2^64-1 needs the mark. */
static void test_large_value(void **state)
{
	(void)state;
	PROBE(ONE(CALL("ERRNO", COND(1, "EQ", "18446744073709551615"))),
	      {SYS_prctl, {99999, -1}, EPERM}, {SYS_prctl, {99999, 1}, EINVAL},
	      {SYS_prctl, {99999, 0xffffffff}, EINVAL});
}

static void test_several_conditions(void **state)
{
	(void)state;
	/* on different arguments: and */
	PROBE(ONE(CALL("ERRNO", COND(1, "EQ", "5") "," COND(2, "EQ", "6"))),
	      {SYS_prctl, {99999, 5, 6}, EPERM},
	      {SYS_prctl, {99999, 5, 7}, EINVAL},
	      {SYS_prctl, {99999, 4, 6}, EINVAL});
	/* on one: or */
	PROBE(ONE(CALL("ERRNO", COND(1, "EQ", "5") "," COND(1, "EQ", "6"))),
	      {SYS_prctl, {99999, 5}, EPERM}, {SYS_prctl, {99999, 6}, EPERM},
	      {SYS_prctl, {99999, 7}, EINVAL});
	/* more than there are arguments */
	PROBE(ONE(CALL(
		      "ERRNO",
		      COND(1, "EQ", "1") "," COND(1, "EQ", "2") "," COND(1, "EQ", "3") "," COND(
			      1, "EQ",
			      "4") "," COND(1, "EQ",
					    "5") "," COND(1, "EQ",
							  "6") "," COND(1, "EQ",
									"7"))),
	      {SYS_prctl, {99999, 7}, EPERM}, {SYS_prctl, {99999, 8}, EINVAL});
	/* rules that differ in what they do */
	PROBE(ONE(CALL("ERRNO", COND(1, "EQ", "5")) "," CALL(
		      "KILL_PROCESS", COND(1, "EQ", "6"))),
	      {SYS_prctl, {99999, 5}, EPERM}, {SYS_prctl, {99999, 6}, KILLED},
	      {SYS_prctl, {99999, 7}, EINVAL});
}

/* Two conditions, and two rules. */
#define AND(a, b) a "," b
#define TWO(a, b) ONE(a "," b)

/* Rules that libseccomp (2.5, 2.6) must not have in one program: it would go
 * round with the first pair for ever, and say something else to calls that are
 * asked about in the other two. */
static void test_apart(void **state)
{
	(void)state;
	PROBE(TWO(CALL("ERRNO", AND(COND(1, "GT", "40"), COND(2, "NE", "7"))),
		  CALL("ERRNO",
		       AND(COND(1, "GT", "40"), COND(0, "NE", "99999")))),
	      {SYS_prctl, {99999, 41, 7}, EINVAL},
	      {SYS_prctl, {99998, 41, 7}, EPERM},
	      {SYS_prctl, {99999, 41, 8}, EPERM},
	      {SYS_prctl, {99999, 40, 8}, EINVAL});
	PROBE(TWO(CALL("ERRNO", AND(COND(1, "GT", "40"), COND(2, "NE", "7"))),
		  CALL("ERRNO", AND(COND(1, "GT", "41"), COND(2, "EQ", "7")))),
	      {SYS_prctl, {99999, 41, 7}, EINVAL},
	      {SYS_prctl, {99999, 41, 6}, EPERM},
	      {SYS_prctl, {99999, 42, 7}, EPERM},
	      {SYS_prctl, {99999, 40, 6}, EINVAL});
	PROBE(TWO(CALL("ERRNO", COND(1, "GT", "4294967296")),
		  CALL("ERRNO", COND(1, "LE", "7"))),
	      {SYS_prctl, {99999, 7}, EPERM}, {SYS_prctl, {99999, 8}, EINVAL},
	      {SYS_prctl, {99999, 0x100000000}, EINVAL},
	      {SYS_prctl, {99999, 0x100000001}, EPERM});
	/* one that asks less comes first */
	PROBE(TWO(CALL("ERRNO", AND(COND(1, "EQ", "5"), COND(2, "EQ", "6"))),
		  CALL("KILL_PROCESS", COND(1, "EQ", "5"))),
	      {SYS_prctl, {99999, 5, 6}, KILLED},
	      {SYS_prctl, {99999, 4, 6}, EINVAL});
	/* a default action that libseccomp also has for what is not ours */
	PROBE("{\"defaultAction\":\"SCMP_ACT_KILL\",\"syscalls\":[{\"names\":"
	      "[\"exit_group\"],\"action\":\"SCMP_ACT_ALLOW\"}," AND(
		      CALL("ALLOW",
			   AND(COND(1, "NE", "5"), COND(2, "EQ", "6"))),
		      CALL("ERRNO",
			   AND(COND(1, "EQ", "5"), COND(2, "EQ", "6")))) "]}",
	      {SYS_prctl, {99999, 4, 6}, EINVAL},
	      {SYS_prctl, {99999, 5, 6}, EPERM},
	      {SYS_prctl, {99999, 5, 7}, KILLED}, {SYS_getppid, {0}, KILLED});
#ifdef __x86_64__
	PROBE("{" TOP ",\"architectures\":[\"SCMP_ARCH_X86\",\"SCMP_ARCH_X32\"]"
	      ",\"syscalls\":[" CALL("ERRNO", AND(COND(1, "NE", "5"),
						  COND(2, "EQ", "6"))) "]}",
	      {SYS_prctl, {99999, 4, 6}, EPERM},
	      {0x40000000 + SYS_prctl, {99999, 4, 6}, EPERM},
	      {SYS_prctl, {99999, 5, 6}, EINVAL});
#endif
}

/* In whatever order the conditions stand. */
static void test_apart_contradicts(void **state)
{
	(void)state;
	uncompiled(
		TWO(AND(CALL("ERRNO",
			     AND(COND(1, "EQ", "5"), COND(2, "NE", "6"))),
			CALL("ERRNO",
			     AND(COND(2, "NE", "6"), COND(1, "EQ", "5")))),
		    CALL("TRAP", AND(COND(2, "NE", "6"), COND(1, "EQ", "5")))),
		"linux.seccomp.syscalls[2]: prctl: contradicts a rule "
		"before it");
	close(compile(
		TWO(CALL("ERRNO", AND(COND(1, "EQ", "5"), COND(2, "NE", "6"))),
		    CALL("TRAP", AND(COND(1, "EQ", "5"), COND(2, "NE", "7")))),
		&(struct sb_seccomp){0}, NULL));
}

static void test_apart_too_many(void **state)
{
	static char text[1 << 17];

	(void)state;
	for (int rules = 400; rules <= 600; rules += 200) {
		size_t n = sprintf(text, "{" TOP ",\"syscalls\":[");

		for (int i = 0; i < rules; i++)
			n += sprintf(
				text + n,
				"%s" CALL("ERRNO", AND(COND(1, "EQ", "5"),
						       COND(2, "NE", "%d"))),
				i ? "," : "", i);
		sprintf(text + n, "]}");
		uncompiled(text,
			   rules == 400
				   ? "linux.seccomp: too large: its program has"
				   : "linux.seccomp.syscalls[512]: prctl: "
				     "too large: the kernel takes 4096 "
				     "instructions");
	}
}

#define LIST(def, extra)                                                       \
	"{\"defaultAction\":\"SCMP_ACT_" def "\"" extra                        \
	",\"syscalls\":[{\"names\":[\"exit_group\",\"getpid\",\"getrandom\"]," \
	"\"action\":\"SCMP_ACT_ALLOW\"}]}"

/* What is newer than the rules is not there; what is older is denied. */
static void test_newer(void **state)
{
	(void)state;
	PROBE(LIST("ERRNO", ""), {SYS_getpid, {0}, 0},
	      {SYS_getppid, {0}, EPERM}, {SYS_getrandom, {0}, 0},
	      {SYS_getrandom + 1, {0}, ENOSYS}, {9999, {0}, ENOSYS});
	PROBE(LIST("KILL_PROCESS", ""), {SYS_getppid, {0}, KILLED},
	      {9999, {0}, ENOSYS}, {SYS_getpid, {0}, 0});
	PROBE(LIST("ERRNO", ",\"defaultErrnoRet\":38"),
	      {SYS_getppid, {0}, ENOSYS}, {9999, {0}, ENOSYS},
	      {SYS_getpid, {0}, 0});
	PROBE(LIST("TRACE", ""), {9999, {0}, ENOSYS}, {SYS_getpid, {0}, 0});
#ifdef __x86_64__
	/* x32's calls are no news, but are not known here either */
	PROBE(LIST("ERRNO", ""), {0x40000000 + SYS_getpid, {0}, KILLED});
	PROBE(LIST("ERRNO", ",\"architectures\":[\"SCMP_ARCH_X86_64\","
			    "\"SCMP_ARCH_X86\",\"SCMP_ARCH_X32\"]"),
	      {0x40000000 + SYS_getppid, {0}, EPERM},
	      {0x40000000 + 9999, {0}, ENOSYS}, {9999, {0}, ENOSYS},
	      {SYS_getppid, {0}, EPERM}, {SYS_getpid, {0}, 0});
#endif
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_contradiction),
		cmocka_unit_test(test_skipped),
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_no_file),
		cmocka_unit_test(test_actions),
		cmocka_unit_test(test_operators),
		cmocka_unit_test(test_large_value),
		cmocka_unit_test(test_several_conditions),
		cmocka_unit_test(test_apart),
		cmocka_unit_test(test_apart_contradicts),
		cmocka_unit_test(test_apart_too_many),
		cmocka_unit_test(test_newer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
