/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The checks of a node: by doing, in child processes, what a step will do.
 * Called by root, they do it as somebody without privilege, since that is whom
 * a node's switches and limits hold for.
 */
#define _GNU_SOURCE
#include "check.h"

#include "../spank/contract.h"
#include "../spank/proc.h"
#include "../spank/reap.h"
#include "await.h"
#include "elf.h"
#include "env.h"
#include "fdio.h"
#include "mem.h"
#include "run.h"
#include "runtime.h"
#include "userns.h"

#include <fcntl.h>
#include <getopt.h>
#include <grp.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <time.h>

#define NOBODY 65534
/* Far beyond what any machine needs. */
#define CHILD_SECONDS 60
#define VERSION_SECONDS 10

#define CGROUPS "/sys/fs/cgroup"
#define CGROUP2_MAGIC 0x63677270

struct node {
	struct sb_runtime rt;
	int works; /* user namespaces */
	int crun;  /* RunTimeRun or RunTimeCreate is crun's */
};

/* ---- children ---- */

typedef int child_fn(void *arg, struct sb_err *err);

/* Whom the node's limits hold for. Root of a user namespace in which there is
 * nobody else has no more rights than that already. */
static int become_nobody(struct sb_err *err)
{
	if (geteuid())
		return 0;
	if (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
	    setresuid(NOBODY, NOBODY, NOBODY) < 0)
		return errno == EINVAL || errno == EPERM
			       ? 0
			       : sb_fail(err, SB_FAIL, "setresuid: %s",
					 strerror(errno));
	/* The maps of a user namespace are in /proc/self. */
	prctl(PR_SET_DUMPABLE, 1);
	return 0;
}

static void __attribute__((noreturn)) child(child_fn *fn, void *arg, int report)
{
	struct sb_err err = {.text = ""};
	int rc;

	setpgid(0, 0);
	rc = become_nobody(&err) < 0 ? -1 : fn(arg, &err);
	if (rc < 0 && write(report, err.text, strlen(err.text)) < 0)
		_exit(2);
	_exit(rc < 0 ? 1 : 0);
}

/* Runs fn in a child, as nobody where we are root. Returns what it did, with
 * err set as it did. */
static int in_child(child_fn *fn, void *arg, struct sb_err *err)
{
	int fds[2], status = 0;
	struct pollfd pfd;
	ssize_t n = -1;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return sb_fail(err, SB_FAIL, "pipe: %s", strerror(errno));
	fflush(stdout);
	pid = fork();
	if (!pid)
		child(fn, arg, fds[1]);
	close(fds[1]);
	pfd = (struct pollfd){.fd = fds[0], .events = POLLIN};
	if (pid > 0 && poll(&pfd, 1, CHILD_SECONDS * 1000) > 0)
		n = read(fds[0], err->text, sizeof(err->text) - 1);
	close(fds[0]);
	if (pid < 0)
		return sb_fail(err, SB_FAIL, "fork: %s", strerror(errno));
	if (n < 0) {
		kill(-pid, SIGKILL);
		kill(pid, SIGKILL);
	}
	sb_await(pid, &status);
	if (n < 0)
		return sb_fail(err, SB_FAIL, "no answer in %d s",
			       CHILD_SECONDS);
	err->text[n] = '\0';
	if (n)
		return -1;
	return status ? sb_fail(err, SB_FAIL, "the check itself died") : 0;
}

/* ---- the kernel ---- */

static void check_kernel(struct sb_check *c, void *state)
{
	unsigned int major = 0, minor = 0;
	struct utsname u;

	(void)state;
	if (uname(&u) < 0 || sscanf(u.release, "%u.%u", &major, &minor) != 2)
		return;
	if (major < 5 || (major == 5 && minor < 3))
		sb_check_warn(c, "Use Linux 5.11 or later.",
			      "Linux %s: no pidfd (5.3): a runtime that hangs "
			      "is waited for; no overlay for users (5.11)",
			      u.release);
	else if (major == 5 && minor < 11)
		sb_check_warn(c,
			      "Use Linux 5.11 or later, or install "
			      "fuse-overlayfs.",
			      "Linux %s: no overlay for users (5.11)",
			      u.release);
	else
		sb_check_ok(c, "Linux %s", u.release);
}

/* The helper's, and in it the one that the init makes. */
static int try_userns(void *arg, struct sb_err *err)
{
	(void)arg;
	if (sb_userns_enter(err) < 0)
		return -1;
	if (unshare(CLONE_NEWUSER) < 0)
		return sb_fail(err, SB_FAIL, "a user namespace in another: %s",
			       strerror(errno));
	return 0;
}

/* Each container has one of each, and two of the first. */
static void check_limits(struct sb_check *c)
{
	static const char *const kinds[] = {"user", "mnt", "pid", "ipc"};
	long tasks = sysconf(_SC_NPROCESSORS_ONLN), limit;
	char path[80], text[32];

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		snprintf(path, sizeof(path), "/proc/sys/user/max_%s_namespaces",
			 kinds[i]);
		if (sb_proc_slurp(AT_FDCWD, path, text, sizeof(text)) <= 0)
			continue;
		limit = strtol(text, NULL, 10);
		if (limit >= (i ? 1 : 2) * tasks)
			continue;
		snprintf(path, sizeof(path),
			 "sysctl user.max_%s_namespaces=%ld, or more.",
			 kinds[i], 16 * tasks);
		sb_check_warn(c, path,
			      "user.max_%s_namespaces is %ld: too few for a "
			      "task on each of %ld CPUs",
			      kinds[i], limit, tasks);
	}
}

static void check_userns(struct sb_check *c, void *state)
{
	struct node *n = state;
	struct sb_err err;

	n->works = !in_child(try_userns, NULL, &err);
	if (!n->works) {
		sb_check_fail(c,
			      "Set the sysctl that is named, or a profile that "
			      "allows stepbox userns "
			      "(apparmor_restrict_unprivileged_userns); not in "
			      "a chroot.",
			      "%s", err.text);
		return;
	}
	check_limits(c);
	if (!c->worst)
		sb_check_ok(c, "allowed%s", geteuid() ? "" : ", to users too");
	else
		sb_check_ok(c, "allowed");
}

/* ---- cgroups ---- */

static int is_cgroup2(const char *path)
{
	struct statfs fs;

	return !statfs(path, &fs) && fs.f_type == CGROUP2_MAGIC;
}

/* crun, cgroup.c: "cgroups in hybrid mode not supported". */
static void check_hybrid(struct sb_check *c, const struct node *n)
{
	char text[256];

	if (sb_proc_slurp(AT_FDCWD, CGROUPS "/unified/cgroup.controllers", text,
			  sizeof(text)) < 0)
		text[0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	if (*text && n->crun)
		sb_check_fail(c,
			      "Boot with systemd.unified_cgroup_hierarchy=1, "
			      "or use runc.",
			      "hybrid, with controllers in the v2 tree (%s): "
			      "crun refuses that",
			      text);
	else
		sb_check_ok(c, "v1, with a v2 tree beside it");
}

static void check_cgroup(struct sb_check *c, void *state)
{
	if (is_cgroup2(CGROUPS))
		sb_check_ok(c, "v2");
	else if (is_cgroup2(CGROUPS "/unified"))
		check_hybrid(c, state);
	else if (!access(CGROUPS, F_OK))
		sb_check_ok(c, "v1");
	else
		sb_check_warn(c, "Mount cgroup2 there.",
			      CGROUPS " is missing: runtimes may not run");
}

/* ---- layers ---- */

/* As layer.c does it. */
static int try_overlay(void *arg, struct sb_err *err)
{
	static const char *const dirs[] = {"lower", "upper", "work", "root"};

	(void)arg;
	if (sb_userns_enter(err) < 0)
		return -1;
	if (mount("tmpfs", "/tmp", "tmpfs", 0, "mode=755") < 0 ||
	    chdir("/tmp") < 0)
		return sb_fail(err, SB_FAIL, "tmpfs: %s", strerror(errno));
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
		if (mkdir(dirs[i], 0755) < 0)
			return sb_fail(err, SB_FAIL, "mkdir: %s",
				       strerror(errno));
	if (mount("overlay", "root", "overlay", 0,
		  "lowerdir=lower,upperdir=upper,workdir=work,userxattr,"
		  "volatile") < 0)
		return sb_fail(err, SB_FAIL, "overlay: %s", strerror(errno));
	return 0;
}

static void check_overlay(struct sb_check *c, void *state)
{
	const struct node *n = state;
	struct sb_err err;

	if (!n->works)
		return;
	if (in_child(try_overlay, NULL, &err) < 0)
		sb_check_warn(c,
			      "modprobe overlay; Linux 5.11 or later; else "
			      "fuse-overlayfs does it.",
			      "not for users: %s: mount points that an image "
			      "lacks need it",
			      err.text);
	else
		sb_check_ok(c, "in user namespaces too");
}

static void check_fuse(struct sb_check *c, void *state)
{
	struct sb_err err;
	_cleanup_free_ char *program =
		sb_runtime_program("fuse-overlayfs", &err);
	struct stat st;

	(void)state;
	if (!program)
		sb_check_warn(c, "Install fuse-overlayfs.",
			      "fuse-overlayfs is not installed, or not "
			      "root's: no --container-writable for images of "
			      "others");
	else if (stat("/dev/fuse", &st) < 0 || (st.st_mode & 06) != 06)
		sb_check_warn(c,
			      "modprobe fuse; chmod 666 /dev/fuse (udev does "
			      "that).",
			      "/dev/fuse is missing, or not for all users: no "
			      "--container-writable for images of others");
	else
		sb_check_ok(c, "%s", program);
}

/* ---- programs ---- */

static void check_init(struct sb_check *c, void *state)
{
	(void)state;
	if (c->rules.init == SB_INIT_NO)
		sb_check_warn(c, "Init=auto.",
			      "Init=no: users are root inside, and programs "
			      "may ignore SIGTERM");
	else if (access(SB_INIT_PATH, X_OK) < 0)
		sb_check_fail(c, "Install it: meson install.", "%s: %s",
			      SB_INIT_PATH, strerror(errno));
	else
		sb_check_ok(c, "%s", SB_INIT_PATH);
}

static void check_runtime(struct sb_check *c, void *state)
{
	struct node *n = state;
	const char *base, *program;
	struct sb_err err;

	if (!c->has_rules) {
		sb_check_warn(c, "stepbox check --conf says more.",
			      "not known which: %s", c->why_not);
		return;
	}
	n->rt.conf = &c->rules;
	if (sb_runtime_find(&n->rt, c->rules.writable, &err) < 0) {
		sb_check_fail(c,
			      "Install it, or correct Runtime= or RunTime*= in "
			      "stepbox.conf.",
			      "%s", err.text);
		return;
	}
	program = n->rt.program[c->rules.mode == SB_MODE_RUN ? SB_OP_RUN
							     : SB_OP_CREATE];
	base = strrchr(program, '/');
	n->crun = base && !strcmp(base, "/crun");
	sb_check_ok(c, "%s", program);
}

/* What a release's own notes say it repaired (NEWS of crun, CHANGELOG.md of
 * runc): from and before are versions, one number each. */
#define V(a, b, c) ((a)*1000000 + (b)*1000 + (c))
static const struct {
	const char *program;
	unsigned int from, before;
	const char *what;
} known_bad[] = {
	{"crun", 0, V(1, 4, 4), "CVE-2022-27650"},
	{"crun", 0, V(1, 28, 0), "CVE-2026-47766"},
	{"runc", 0, V(1, 1, 12), "CVE-2024-21626"},
	{"runc", 0, V(1, 2, 8), "CVE-2025-31133, -52565 and -52881"},
	{"runc", V(1, 3, 0), V(1, 3, 3), "CVE-2025-31133, -52565 and -52881"},
	{"runc", 0, V(1, 3, 6), "CVE-2026-41579"},
	{"runc", V(1, 4, 0), V(1, 4, 3), "CVE-2026-41579"},
};

/* "crun version 1.8.1\n...", "runc version 1.1.5+ds1\n..." */
static int parse_version(const char *text, unsigned int *v)
{
	const char *p = strstr(text, "version ");
	long long part[3] = {0};

	if (!p)
		return -1;
	p += strlen("version ");
	for (int i = 0; i < 3; i++) {
		part[i] = sb_proc_number(&p, 999);
		if (part[i] < 0 || (!i && *p != '.'))
			return -1;
		if (*p != '.')
			break;
		p++;
	}
	*v = V(part[0], part[1], part[2]);
	return 0;
}

static void judge_version(struct sb_check *c, const char *base,
			  const char *line, unsigned int v)
{
	_cleanup_buf_ struct sb_buf bad = {0};

	for (size_t i = 0; i < ARRAY_SIZE(known_bad); i++)
		if (!strcmp(base, known_bad[i].program) &&
		    v >= known_bad[i].from && v < known_bad[i].before) {
			if (bad.len)
				sb_buf_puts(&bad, ", ");
			sb_buf_puts(&bad, known_bad[i].what);
		}
	if (bad.len && !bad.failed)
		sb_check_warn(c,
			      "Update it; or see that your distribution has "
			      "mended these in this version.",
			      "%s: later releases repaired %s", line, bad.data);
	else
		sb_check_ok(c, "%s", line);
}

static void check_version(struct sb_check *c, void *state)
{
	struct node *n = state;
	enum sb_op op = c->rules.mode == SB_MODE_RUN ? SB_OP_RUN : SB_OP_CREATE;
	char *program = n->rt.program[op], *base, out[1024];
	char *words[] = {program, (char *)"--version", NULL};
	char *env[] = {(char *)"PATH=" SB_RUNTIME_PATH, NULL};
	struct sb_err err = {.text = "it says nothing"};
	unsigned int v;
	sigset_t none;
	int rc;

	base = program ? strrchr(program, '/') : NULL;
	if (!base || (strcmp(base, "/crun") && strcmp(base, "/runc")))
		return;
	sigemptyset(&none);
	rc = sb_runtime_call(words, env, &none, VERSION_SECONDS, out,
			     sizeof(out), &err);
	if (rc || parse_version(out, &v) < 0) {
		out[strcspn(out, "\n")] = '\0';
		sb_check_warn(c, "Run it by hand, as the user.",
			      "%s --version: %s", program,
			      *out ? out : err.text);
		return;
	}
	out[strcspn(out, "\n")] = '\0';
	judge_version(c, base + 1, out, v);
}

/* ---- a container ---- */

struct trial {
	const struct sb_check *c;
	char dir[64]; /* the bundle, and what else it takes */
	char self[PATH_MAX];
	int libraries; /* this program needs the node's */
};

static int write_file(const struct trial *t, const char *name, const char *text,
		      struct sb_err *err)
{
	char path[PATH_MAX];
	_cleanup_fd_ int fd = -1;

	snprintf(path, sizeof(path), "%s/%s", t->dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0 || sb_fdio_write_all(fd, text, strlen(text)) < 0)
		return sb_fail(err, SB_FAIL, "%s: %s", path, strerror(errno));
	return 0;
}

/* A root file system with all mount points and nothing else. */
static int make_bundle(struct trial *t, struct sb_err *err)
{
	static const char *const dirs[] = {
		"step",		"rootfs",     "rootfs/dev", "rootfs/proc",
		"rootfs/sys",	"rootfs/etc", "rootfs/usr", "rootfs/lib",
		"rootfs/lib64", "rootfs/tmp",
	};
	static const char config[] =
		"{\"ociVersion\":\"1.0.2\",\"root\":{\"path\":\"rootfs\"},"
		"\"process\":{\"cwd\":\"/\",\"user\":{\"uid\":0,\"gid\":0}},"
		"\"linux\":{\"namespaces\":[{\"type\":\"pid\"},{\"type\":"
		"\"mount\"},{\"type\":\"ipc\"}]}}";
	char path[PATH_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		snprintf(path, sizeof(path), "%s/%s", t->dir, dirs[i]);
		if (mkdir(path, i ? 0755 : 0700) < 0)
			return sb_fail(err, SB_FAIL, "%s: %s", path,
				       strerror(errno));
	}
	if (write_file(t, "config.json", config, err) < 0)
		return -1;
	return write_file(t, "rootfs/stepbox", "", err);
}

/* The site's configuration, but the bundle may lie where it does, and what is
 * told is the program's own. */
static int make_conf(const struct trial *t, struct sb_err *err)
{
	char text[2 * PATH_MAX], real[PATH_MAX], link[PATH_MAX + 32], *slash;

	if (!realpath(t->c->conf, real))
		return sb_fail(err, SB_FAIL, "%s: %s", t->c->conf,
			       strerror(errno));
	snprintf(text, sizeof(text),
		 "Include %s\nBundlePath=%s\nStdIODebug=quiet\n", real, t->dir);
	slash = strrchr(real, '/');
	*slash = '\0';
	snprintf(link, sizeof(link), "%s/stepbox.runtimes", real);
	snprintf(real, sizeof(real), "%s/stepbox.runtimes", t->dir);
	if (symlink(link, real) < 0)
		return sb_fail(err, SB_FAIL, "%s: %s", real, strerror(errno));
	return write_file(t, "stepbox.conf", text, err);
}

/* Nothing of a step that we may be in. */
static void clean_environment(void)
{
	for (char **e = environ; *e;) {
		char name[128];

		snprintf(name, sizeof(name), "%.*s", (int)strcspn(*e, "="), *e);
		if (strncmp(name, SB_ENV_PREFIX, strlen(SB_ENV_PREFIX)) ||
		    unsetenv(name) < 0)
			e++;
		else
			e = environ;
	}
	unsetenv("XDG_RUNTIME_DIR"); /* root's, perhaps */
}

static void __attribute__((noreturn)) run_trial(const struct trial *t, int out)
{
	char bundle[96], conf[96], dir[96], mounts[PATH_MAX + 128];
	char *argv[] = {(char *)"run",
			bundle,
			conf,
			dir,
			mounts,
			(char *)"--mount-home=no",
			(char *)"--writable=no",
			(char *)"--",
			(char *)"/stepbox",
			(char *)"version",
			NULL};
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	snprintf(bundle, sizeof(bundle), "--bundle=%s", t->dir);
	snprintf(conf, sizeof(conf), "--conf=%s/stepbox.conf", t->dir);
	/* Its own would stay if it had to be killed. */
	snprintf(dir, sizeof(dir), "--dir=%s/step", t->dir);
	snprintf(mounts, sizeof(mounts), "--mounts=%s:/stepbox:ro%s", t->self,
		 t->libraries ? ",/usr:/usr:ro+optional,/lib:/lib:ro+optional,"
				"/lib64:/lib64:ro+optional"
			      : "");
	if (dup2(null, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0 ||
	    chdir("/") < 0)
		_exit(SB_FAIL);
	clean_environment();
	optind = 0;
	_exit(sb_run(10, argv));
}

/* Whether this very program runs by itself, wherever it is shown. */
static int needs_libraries(const char *self)
{
	char head[4096];
	_cleanup_fd_ int fd = open(self, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, head, sizeof(head));
	struct sb_elf elf;

	return n > 0 && !sb_elf_open(&elf, head, n) && sb_elf_interpreter(&elf);
}

static int watch_trial(struct trial *t, struct sb_err *err)
{
	_cleanup_fd_ int out = memfd_create("output", MFD_CLOEXEC);
	char text[900];
	int status = 0;
	ssize_t n;
	pid_t pid;

	pid = out < 0 ? -1 : fork();
	if (!pid)
		run_trial(t, out);
	if (pid < 0)
		return sb_fail(err, SB_FAIL, "fork: %s", strerror(errno));
	sb_await(pid, &status);
	n = pread(out, text, sizeof(text) - 1, 0);
	text[n < 0 ? 0 : n] = '\0';
	if (!status && strstr(text, "stepbox " SB_VERSION))
		return 0;
	for (char *p = text; *p; p++)
		if (*p == '\n')
			*p = p[1] ? ';' : '\0';
	return sb_fail(err, SB_FAIL, "%s %d: %s",
		       WIFSIGNALED(status) ? "signal" : "exit code",
		       WIFSIGNALED(status) ? WTERMSIG(status)
					   : WEXITSTATUS(status),
		       *text ? text : "nothing was said");
}

/* Also after one that was killed: then that is all that is left of it. */
static int clean_trial(void *arg, struct sb_err *err)
{
	const struct trial *t = arg;
	_cleanup_fd_ int tmp = open("/tmp", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (!*t->dir || !sb_reap_tree(tmp, strrchr(t->dir, '/') + 1) ||
	    access(t->dir, F_OK) < 0)
		return 0;
	return sb_fail(err, SB_FAIL, "%s: cannot be removed", t->dir);
}

static int try_container(void *arg, struct sb_err *err)
{
	struct trial *t = arg;
	ssize_t n = readlink("/proc/self/exe", t->self, sizeof(t->self) - 1);
	char dir[] = "/tmp/stepbox-check-XXXXXX";

	umask(022);
	if (n < 0)
		return sb_fail(err, SB_FAIL, "/proc/self/exe: %s",
			       strerror(errno));
	t->self[n] = '\0';
	t->libraries = needs_libraries(t->self);
	if (!mkdtemp(dir))
		return sb_fail(err, SB_FAIL, "%s: %s", dir, strerror(errno));
	snprintf(t->dir, sizeof(t->dir), "%s", dir);
	if (make_bundle(t, err) < 0 || make_conf(t, err) < 0)
		return -1;
	return watch_trial(t, err);
}

static int run_container(struct sb_check *c, struct sb_err *err)
{
	/* Seen by both: whose directory is to be removed. */
	struct trial *t = mmap(NULL, sizeof(*t), PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct sb_err cleaning;
	int rc;

	if (t == MAP_FAILED)
		return sb_no_memory(err);
	t->c = c;
	rc = in_child(try_container, t, err);
	if (in_child(clean_trial, t, &cleaning) < 0 && !rc) {
		*err = cleaning;
		rc = -1;
	}
	munmap(t, sizeof(*t));
	return rc;
}

static void check_container(struct sb_check *c, void *state)
{
	const struct node *n = state;
	struct timespec a, b;
	struct sb_err err;

	/* What a runtime takes that takes no bundle, only itself knows. */
	if (!n->works || !n->rt.conf || c->rules.ignore_config)
		return;
	clock_gettime(CLOCK_MONOTONIC, &a);
	if (run_container(c, &err) < 0) {
		sb_check_fail(c,
			      "See the other findings, and this line in "
			      "stepbox(1), DIAGNOSTICS; as a user, stepbox "
			      "run -v.",
			      "%s", err.text);
		return;
	}
	clock_gettime(CLOCK_MONOTONIC, &b);
	sb_check_ok(c, "one was made, ran and is gone, in %ld ms%s",
		    (b.tv_sec - a.tv_sec) * 1000 +
			    (b.tv_nsec - a.tv_nsec) / 1000000,
		    geteuid() ? "" : ", as uid 65534");
}

/* The runtime is known before its cgroups are judged. */
static const struct sb_check_row rows[] = {
	{"kernel", check_kernel},	{"userns", check_userns},
	{"overlay", check_overlay},	{"fuse", check_fuse},
	{"init", check_init},		{"runtime", check_runtime},
	{"version", check_version},	{"cgroup", check_cgroup},
	{"container", check_container},
};

void sb_check_node(struct sb_check *c)
{
	struct node n = {.works = 0};

	sb_check_rows(c, rows, ARRAY_SIZE(rows), &n);
	sb_runtime_free(&n.rt);
}
