/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stepbox's init: the first process of a container, between the runtime and
 * the user's command. As PID 1 a program would ignore SIGTERM and collect
 * zombies; and when the runtime is killed its container would live on. So this
 * stands in: forwards every signal once, reaps, passes status and signal on,
 * and dies with the process that started it. Of the runtime's root it makes the
 * job's user again, in a user namespace of his own, and it loads the seccomp
 * filters last, since they may forbid just that.
 *
 * Where all tasks on a node share a container, it is that container's process
 * (-H, hold.h), and once more what each task passes through when it has entered
 * it (-x): then it does all of this but to stand in.
 *
 * By another name it is Slurm's client program of that name (slurmclient.h).
 *
 * It is linked statically and bound into the container, whose libraries may be
 * any or none; it uses no stdio and no heap.
 */
#define _GNU_SOURCE
#include "../spank/contract.h"
#include "hold.h"
#include "tty.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

/* Told by the kernel when the parent dies, where we are not PID 1 and may tidy
 * up before we go. Should anybody but the parent send it, it is forwarded like
 * others. */
#define SIG_ORPHANED SIGRTMAX

static struct {
	const char *where;   /* -N: "node n1, task 0", for messages */
	const char *cwd;     /* -c: go there if it exists here */
	const char *status;  /* -r: the file that gets the wait status */
	const char *files;   /* -f: the soft limit of open files */
	const char *workdir; /* -w: go there, or fail */
	const char *ids;     /* -u UID:GID: whom to be, in place of root */
	const char *caps;    /* -k BOUNDING:INHERITABLE:AMBIENT:PERMITTED */
	const char *enter;   /* -j FD: the user namespace in which to be that */
	const char *hold;    /* -H DIR: hold a container that others enter */
	const char *tasks;   /* -T: so many of them */
	const char *parent;  /* -P: whoever starts them */
	const char *domain;  /* -d: the execution domain, personality(2) */
	int direct;	     /* -x: become the command */
	int no_new_privs;    /* -n */
	int quiet;	     /* -q: another task says what all would */
	int fallback;	     /* -s: /bin/sh if the command is missing */
	int terminal;	     /* -t: standard input is to control us */
} opt;

static void say(const char *a, const char *b, const char *c, const char *d)
{
	const char *parts[] = {"stepbox: ", a, b, c, d, " (", opt.where, ")\n"};
	const struct sigaction ignore = {.sa_handler = SIG_IGN};
	struct sigaction before;
	char line[2048];
	size_t n = 0;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		for (const char *p = parts[i]; p && *p && n < sizeof(line); p++)
			line[n++] = (*p < ' ' && *p != '\n') ? '?' : *p;
	/* That nobody reads it any more does not end the command. */
	sigaction(SIGPIPE, &ignore, &before);
	(void)!write(STDERR_FILENO, line, n);
	/* Blocked, it waits all the same, until it is ignored anew. */
	sigaction(SIGPIPE, &ignore, NULL);
	sigaction(SIGPIPE, &before, NULL);
}

/* The kernel's words for capabilities and filters (capget(2), seccomp(2)): musl
 * comes without the kernel's headers. */
#define CAP_VERSION 0x20080522
struct cap_head {
	unsigned int version;
	int pid;
};
struct cap_data {
	unsigned int effective, permitted, inheritable;
};
#define MAX_CODE 4096
struct instruction {
	unsigned short code;
	unsigned char jt, jf;
	unsigned int k;
};

/* A seccomp filter: -p PATH, a file as filter.c writes it, or -p FD, one that
 * is open. */
#define MAX_FILTERS 2
static struct {
	const char *path;
	unsigned int head[2]; /* flags, nothing */
	struct instruction code[MAX_CODE];
	struct {
		unsigned short len;
		struct instruction *filter;
	} program;
} filters[MAX_FILTERS];
static int n_filters;

static int number(const char *s)
{
	int v = 0;

	while (*s >= '0' && *s <= '9' && v < INT_MAX / 10 - 1)
		v = 10 * v + (*s++ - '0');
	return v;
}

static void add_filter(const char *path)
{
	if (n_filters == MAX_FILTERS)
		_exit(SB_FAIL);
	filters[n_filters++].path = path;
}

/* Returns the command's place in argv. */
static char **read_options(char **argv)
{
	const struct {
		char c;
		const char **to;
	} words[] = {
		{'N', &opt.where},   {'c', &opt.cwd},	{'r', &opt.status},
		{'f', &opt.files},   {'u', &opt.ids},	{'k', &opt.caps},
		{'w', &opt.workdir}, {'H', &opt.hold},	{'T', &opt.tasks},
		{'P', &opt.parent},  {'j', &opt.enter}, {'d', &opt.domain},
	};
	static const struct {
		char c;
		int *to;
	} flags[] = {
		{'q', &opt.quiet},	  {'s', &opt.fallback},
		{'t', &opt.terminal},	  {'x', &opt.direct},
		{'n', &opt.no_new_privs},
	};

	opt.where = "container";
	for (argv++; *argv && **argv == '-'; argv++) {
		char c = (*argv)[1];
		int is_flag = 0;

		if (c == '-')
			return argv + 1;
		for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
			if (flags[i].c == c)
				is_flag = *flags[i].to = 1;
		if (is_flag || !argv[1])
			continue;
		argv++;
		if (c == 'p')
			add_filter(*argv);
		for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
			if (words[i].c == c)
				*words[i].to = *argv;
	}
	return argv;
}

static void __attribute__((noreturn))
fail(const char *what, const char *on, const char *why)
{
	say(what, on, ": ", why);
	_exit(SB_FAIL);
}

/* ---- Slurm's client ---- */

/* What slurmclient.c wrote: the host's dynamic loader, and its directories. */
static void __attribute__((noreturn)) become_client(char *self, char **argv)
{
	static char *words[65536];
	char *slash = strrchr(self, '/'), *path;
	char recipe[8192], file[PATH_MAX], library[] = "--library-path",
					   inhibit[] = "--inhibit-cache";
	size_t dir = slash + 1 - self, n = 0;
	ssize_t len = -1;
	int fd;

	opt.where = "container";
	if (dir + 16 + strlen(slash) > sizeof(file))
		fail("command ", self, "the path is too long");
	memcpy(file, self, dir);
	memcpy(file + dir, ".loader", sizeof(".loader"));
	fd = open(file, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		len = read(fd, recipe, sizeof(recipe) - 1);
	recipe[len < 0 ? 0 : len] = '\0';
	path = strchr(recipe, '\n');
	if (!path)
		fail("command ", self, "Slurm's client is not shown here");
	*path++ = '\0';
	memcpy(file + dir, ".host", 5);
	memcpy(file + dir + 5, slash, strlen(slash) + 1);
	words[n++] = recipe;
	words[n++] = inhibit;
	words[n++] = library;
	words[n++] = path;
	words[n++] = file;
	while (*++argv) {
		if (n == sizeof(words) / sizeof(words[0]) - 1)
			fail("command ", self, "too many arguments");
		words[n++] = *argv;
	}
	words[n] = NULL;
	execve(recipe, words, environ);
	fail("command ", recipe, strerror(errno));
}

/* ---- who the command is ---- */

static void write_map(const char *file, const char *id)
{
	char line[40];
	size_t n = 0;
	int fd = open(file, O_WRONLY | O_CLOEXEC);

	while (*id >= '0' && *id <= '9' && n < 12)
		line[n++] = *id++;
	memcpy(line + n, " 0 1\n", 5);
	if (fd < 0 || write(fd, line, n + 5) < 0)
		fail("user namespace: ", file, strerror(errno));
	close(fd);
}

/* The runtime's root is the job's user outside: one more namespace, in which he
 * has his own number again; in a shared container the one that its own process
 * has made. Groups can be set in neither. */
static void become_user(void)
{
	const char *gid = opt.ids ? strchr(opt.ids, ':') : NULL;

	if (opt.enter) {
		if (setns(number(opt.enter), CLONE_NEWUSER) < 0)
			fail("user namespace: ", "the inner one",
			     strerror(errno));
		close(number(opt.enter));
	}
	if (!gid)
		return;
	if (unshare(CLONE_NEWUSER) < 0)
		fail("user namespace: ", "the inner one", strerror(errno));
	write_map("/proc/self/gid_map", gid + 1);
	write_map("/proc/self/uid_map", opt.ids);
}

static unsigned long long hex(const char **s)
{
	unsigned long long v = 0;

	for (; **s && **s != ':'; (*s)++)
		v = v << 4 | (**s <= '9' ? **s - '0' : **s - 'a' + 10);
	*s += **s == ':';
	return v;
}

/*
 * What config.json grants (runtime-spec, config.md, capabilities): a new user
 * namespace gives all. Permitted and effective are what exec makes of these for
 * a user who is not root: capabilities(7).
 */
static void limit_capabilities(void)
{
	struct cap_head head = {CAP_VERSION, 0};
	struct cap_data data[2];
	unsigned long long bounding, inheritable, ambient, permitted;
	const char *s = opt.caps;

	if (!s)
		return;
	bounding = hex(&s);
	inheritable = hex(&s);
	ambient = hex(&s);
	permitted = hex(&s);
	if (syscall(SYS_capget, &head, data) < 0)
		fail("capabilities: ", "capget", strerror(errno));
	for (int i = 0; i < 64; i++)
		if (!(bounding >> i & 1) &&
		    prctl(PR_CAPBSET_DROP, i, 0, 0, 0) < 0) {
			if (errno == EINVAL) /* beyond the last one */
				break;
			fail("capabilities: ", "bounding set", strerror(errno));
		}
	inheritable &= data[0].permitted | (unsigned long long)data[1].permitted
						   << 32;
	data[0].inheritable = inheritable;
	data[1].inheritable = inheritable >> 32;
	/* Then root gains none by execve(2), and must not have more before. */
	if (opt.no_new_privs) {
		data[0].permitted &= permitted;
		data[1].permitted &= permitted >> 32;
		data[0].effective = data[0].permitted;
		data[1].effective = data[1].permitted;
	}
	if (syscall(SYS_capset, &head, data) < 0)
		fail("capabilities: ", "capset", strerror(errno));
	/* Not beyond what is permitted and inheritable. */
	for (int i = 0; i < 64; i++)
		if (ambient & inheritable & 1ULL << i)
			prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, i, 0, 0);
}

static void read_filters(void)
{
	for (int i = 0; i < n_filters; i++) {
		const size_t head = sizeof(filters[i].head),
			     one = sizeof(filters[i].code[0]);
		const char *path = filters[i].path;
		int fd = *path == '/' ? open(path, O_RDONLY | O_CLOEXEC)
				      : number(path);
		ssize_t n;

		if (fd < 0 || read(fd, filters[i].head, head) != (ssize_t)head)
			fail("seccomp: ", filters[i].path, strerror(errno));
		n = read(fd, filters[i].code, sizeof(filters[i].code));
		if (n <= 0 || n % one)
			fail("seccomp: ", filters[i].path, "no program");
		close(fd);
		filters[i].program.len = n / one;
		filters[i].program.filter = filters[i].code;
	}
}

/* Flags that an older kernel lacks change nothing of what is allowed. */
static void load_filters(void)
{
	for (int i = 0; i < n_filters; i++) {
		if (!syscall(SYS_seccomp, 1 /* SET_MODE_FILTER */,
			     filters[i].head[0], &filters[i].program))
			continue;
		if (errno != EINVAL || !filters[i].head[0] ||
		    syscall(SYS_seccomp, 1, 0, &filters[i].program))
			fail("seccomp: ", filters[i].path, strerror(errno));
	}
}

/* ---- the command ---- */

/* A file that is there and is not found: what it needs is missing. Says so and
 * ends; returns where path is not there. */
static void blame_interpreter(const char *path)
{
	char buf[256] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n;

	if (fd < 0)
		return;
	n = read(fd, buf, sizeof(buf) - 1);
	close(fd);
	if (n > 2 && buf[0] == '#' && buf[1] == '!') {
		char *name = buf + 2 + strspn(buf + 2, " \t");

		name[strcspn(name, " \t\r\n")] = '\0';
		say(path, ": its interpreter ", name,
		    " is not in the container");
	} else {
		say(path, ": its dynamic loader is not in the container", "",
		    "");
	}
	_exit(SB_NOEXEC);
}

/* Looks the command up in the container's PATH, as execvp(3) does, but runs
 * no shell on what has no "#!" (nor does Slurm). Returns with errno set. */
static void try_path(char **argv)
{
	const char *path = getenv("PATH"), *p;
	size_t len = strlen(argv[0]);
	char full[PATH_MAX];
	int denied = 0;

	if (!path)
		path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:"
		       "/sbin:/bin";
	for (p = path;; p++) {
		size_t dir = strcspn(p, ":");

		if (dir + len + 2 <= sizeof(full)) {
			memcpy(full, p, dir);
			full[dir] = '/';
			memcpy(full + dir + !!dir, argv[0], len + 1);
			execve(full, argv, environ);
			if (errno == ENOENT)
				blame_interpreter(full);
			else if (errno == EACCES)
				denied = 1;
			else if (errno != ENOTDIR)
				return;
		}
		p += dir;
		if (!*p)
			break;
	}
	errno = denied ? EACCES : ENOENT;
}

static const char *exec_error(int errnum)
{
	switch (errnum) {
	case ENOENT:
	case ENOTDIR:
		return ": not found in the container";
	case EACCES:
		return ": Permission denied";
	case E2BIG:
		return ": arguments and environment are too long";
	case ENOEXEC:
		return ": neither a program for this machine nor a script "
		       "with #!";
	default:
		return ": cannot be executed";
	}
}

static void __attribute__((noreturn)) run_command(char **argv)
{
	char path[] = "/bin/sh", *sh[] = {path, NULL};
	int saved;

	errno = ENOENT;
	if (strchr(argv[0], '/'))
		execve(argv[0], argv, environ);
	else if (*argv[0])
		try_path(argv);
	saved = errno;
	if (saved == ENOENT && strchr(argv[0], '/'))
		blame_interpreter(argv[0]);
	if (saved == ENOENT && opt.fallback) {
		if (!opt.quiet)
			say(argv[0],
			    " is not in the container: ", "you get /bin/sh",
			    "");
		execve(sh[0], sh, environ);
	}
	say("command ", argv[0], exec_error(saved), "");
	_exit(saved == ENOENT || saved == ENOTDIR ? SB_NOENT : SB_NOEXEC);
}

static void go_to_cwd(void)
{
	char here[PATH_MAX];

	if (opt.workdir && chdir(opt.workdir) < 0)
		fail("working directory ", opt.workdir, strerror(errno));
	if (!opt.cwd || !chdir(opt.cwd) || opt.quiet)
		return;
	say(opt.cwd, " is not in the container: working directory is ",
	    getcwd(here, sizeof(here)) ? here : "?", "");
}

/* The job's own limit, whatever the runtime made of it for itself. */
static void restore_limit(void)
{
	struct rlimit files;

	if (!opt.files || getrlimit(RLIMIT_NOFILE, &files) < 0)
		return;
	files.rlim_cur = strtoull(opt.files, NULL, 10);
	if (files.rlim_cur <= files.rlim_max)
		setrlimit(RLIMIT_NOFILE, &files);
}

static void take_terminal(void)
{
	setsid();
	ioctl(STDIN_FILENO, TIOCSCTTY, 0);
}

static void __attribute__((noreturn))
become_command(char **argv, const sigset_t *mask)
{
	if (opt.no_new_privs)
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	limit_capabilities();
	load_filters();
	sigprocmask(SIG_SETMASK, mask, NULL);
	run_command(argv);
}

static pid_t start(char **argv, const sigset_t *mask)
{
	/* It needs no memory of its own until it executes or ends. */
	/* NOLINTNEXTLINE(clang-analyzer-security.insecureAPI.vfork) */
	pid_t pid = vfork();

	if (pid)
		return pid;
	/* A group of its own: `kill 0` in a script is not for us. On a
	 * terminal the command leads the session, as it does without a
	 * container: with us as leader nobody would continue it after ^Z.
	 * System calls alone: Linux allows those after a vfork(2). */
	/* NOLINTBEGIN(clang-analyzer-unix.Vfork) */
	if (opt.terminal)
		take_terminal();
	else
		setpgid(0, 0);
	become_command(argv, mask);
	/* NOLINTEND(clang-analyzer-unix.Vfork) */
}

/* ---- until it ends ---- */

static int reap(pid_t main_pid, int *status)
{
	int ended = 0, st;
	pid_t pid;

	while ((pid = waitpid(-1, &st, WNOHANG)) > 0) {
		if (pid != main_pid)
			continue;
		ended = 1;
		*status = st;
	}
	return ended;
}

/* Returns the command's wait status; -1 when the parent has died. */
static int serve(pid_t pid, pid_t parent, const sigset_t *all)
{
	siginfo_t info;
	int status, sig;

	for (;;) {
		sig = sigwaitinfo(all, &info);
		if (sig == SIGCHLD) {
			if (reap(pid, &status))
				return status;
		} else if (sig == SIG_ORPHANED && getpid() != 1 &&
			   getppid() != parent) {
			return -1;
		} else if (sig == SIG_ORPHANED && getpid() != 1 &&
			   info.si_pid == parent) {
			/* The kernel says it for each thread of a runtime that
			 * ends, not just for the last; the command would die of
			 * it. */
			continue;
		} else if (sig > 0 && sig != SIGTTIN && sig != SIGTTOU) {
			kill(pid, sig);
		}
	}
}

/* Ends every descendant: as their subreaper we inherit each one's children. As
 * PID 1 the kernel does this when we go. */
static void end_descendants(void)
{
	char path[] = "/proc/thread-self/children", buf[4096];
	struct timespec nap = {.tv_nsec = 1000000};

	for (int i = 0; i < 1000; i++) {
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		ssize_t n = fd < 0 ? -1 : read(fd, buf, sizeof(buf) - 1);

		if (fd >= 0)
			close(fd);
		if (n <= 0)
			return;
		/* A pid that was cut off would be another process's. */
		if (n == (ssize_t)sizeof(buf) - 1)
			while (n > 0 && buf[n - 1] != ' ')
				n--;
		buf[n] = '\0';
		for (char *p = buf; *p; p += strcspn(p, " "), p += *p == ' ')
			if (number(p) > 1)
				kill(number(p), SIGKILL);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		nanosleep(&nap, NULL);
	}
}

static void __attribute__((noreturn)) finish(int status)
{
	sigset_t set;
	int sig = WTERMSIG(status), fd;

	if (opt.status) {
		fd = open(opt.status, O_WRONLY | O_CLOEXEC);
		if (fd < 0 ||
		    write(fd, &status, sizeof(status)) != sizeof(status))
			say("cannot write the command's status to ", opt.status,
			    "", "");
	}
	if (!WIFSIGNALED(status))
		_exit(WEXITSTATUS(status));
	/* No core of ours beside the command's. */
	prctl(PR_SET_DUMPABLE, 0);
	if (getpid() != 1) {
		signal(sig, SIG_DFL);
		sigemptyset(&set);
		sigaddset(&set, sig);
		sigprocmask(SIG_UNBLOCK, &set, NULL);
		raise(sig);
	}
	_exit(128 + sig);
}

/* In a container that others share: the task's own process stays what it is. */
static void __attribute__((noreturn)) run_directly(char **argv)
{
	sigset_t mask;

	/* With -t in a session that has no terminal yet (RunTimeExec). */
	if (opt.terminal)
		take_terminal();
	go_to_cwd();
	/* What a runtime has done for those that it starts. */
	if (opt.domain && personality(number(opt.domain)) < 0)
		fail("personality: ", opt.domain, strerror(errno));
	sigprocmask(SIG_SETMASK, NULL, &mask);
	become_command(argv, &mask);
}

int main(int argc, char **argv)
{
	pid_t pid, parent = getppid();
	sigset_t all, mask;
	/* NOLINTNEXTLINE(performance-no-int-to-ptr): the vector's way */
	char *self = (char *)getauxval(AT_EXECFN);
	int status;

	(void)argc;
	if (self && strchr(self, '/') && strcmp(strrchr(self, '/'), "/init"))
		become_client(self, argv);
	argv = read_options(argv);
	if (opt.direct) {
		read_filters();
		become_user();
		run_directly(argv);
	}
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &mask);
	signal(SIGCHLD, SIG_DFL);
	read_filters();
	become_user();
	if (opt.hold)
		sb_hold(opt.hold, number(opt.tasks), number(opt.parent));
	/* Not before: a change of credentials may clear it, prctl(2). */
	prctl(PR_SET_PDEATHSIG, getpid() == 1 ? SIGKILL : SIG_ORPHANED);
	if (getpid() != 1)
		prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	/* It died before it was watched: nobody will tell. */
	if (getpid() != 1 && getppid() != parent)
		_exit(SB_FAIL);
	if (!*argv) {
		say("no command", "", "", "");
		_exit(SB_FAIL);
	}
	/* Where the runtime gave it to us (RunTimeRun): the command's it is. */
	if (opt.terminal)
		sb_tty_release();
	go_to_cwd();
	restore_limit();
	pid = start(argv, &mask);
	if (pid < 0) {
		say("fork failed", "", "", "");
		_exit(SB_FAIL);
	}
	status = serve(pid, parent, &all);
	if (getpid() != 1)
		end_descendants();
	finish(status < 0 ? SIGKILL : status);
}
