/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stepbox's init: the first process of a container, between the runtime and
 * the user's command. As PID 1 a program would ignore SIGTERM and collect
 * zombies; and when the runtime is killed its container would live on. So this
 * stands in: forwards every signal once, reaps, passes status and signal on,
 * and dies with the process that started it.
 *
 * It is linked statically and bound into the container, whose libraries may be
 * any or none; it uses no stdio and no heap.
 */
#define _GNU_SOURCE
#include "../spank/contract.h"
#include "tty.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

/* Told by the kernel when the parent dies, where we are not PID 1 and may tidy
 * up before we go. Should anybody send it, it is forwarded like others. */
#define SIG_ORPHANED SIGRTMAX

static struct {
	const char *where;  /* -N: "node n1, task 0", for messages */
	const char *cwd;    /* -c: go there if it exists here */
	const char *status; /* -r: the file that gets the wait status */
	const char *files;  /* -f: the soft limit of open files */
	int quiet;	    /* -q: another task says what all would */
	int fallback;	    /* -s: /bin/sh if the command is missing */
	int terminal;	    /* -t: standard input is to control us */
} opt;

static void say(const char *a, const char *b, const char *c, const char *d)
{
	const char *parts[] = {"stepbox: ", a, b, c, d, " (", opt.where, ")\n"};
	char line[2048];
	size_t n = 0;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		for (const char *p = parts[i]; p && *p && n < sizeof(line); p++)
			line[n++] = (*p < ' ' && *p != '\n') ? '?' : *p;
	(void)!write(STDERR_FILENO, line, n);
}

static int number(const char *s)
{
	int v = 0;

	while (*s >= '0' && *s <= '9' && v < INT_MAX / 10 - 1)
		v = 10 * v + (*s++ - '0');
	return v;
}

/* Returns the command's place in argv. */
static char **read_options(char **argv)
{
	opt.where = "container";
	for (argv++; *argv && **argv == '-'; argv++) {
		char c = (*argv)[1];

		if (c == '-')
			return argv + 1;
		opt.quiet |= c == 'q';
		opt.fallback |= c == 's';
		opt.terminal |= c == 't';
		if (!strchr("Ncrf", c) || !argv[1])
			continue;
		argv++;
		if (c == 'N')
			opt.where = *argv;
		else if (c == 'c')
			opt.cwd = *argv;
		else if (c == 'f')
			opt.files = *argv;
		else
			opt.status = *argv;
	}
	return argv;
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

static pid_t start(char **argv, const sigset_t *mask)
{
	/* It needs no memory of its own until it executes or ends. */
	pid_t pid = vfork();

	if (pid)
		return pid;
	/* A group of its own: `kill 0` in a script is not for us. On a
	 * terminal the command leads the session, as it does without a
	 * container: with us as leader nobody would continue it after ^Z. */
	if (opt.terminal) {
		setsid();
		ioctl(STDIN_FILENO, TIOCSCTTY, 0);
	} else {
		setpgid(0, 0);
	}
	sigprocmask(SIG_SETMASK, mask, NULL);
	run_command(argv);
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
	int status, sig;

	for (;;) {
		sig = sigwaitinfo(all, NULL);
		if (sig == SIGCHLD) {
			if (reap(pid, &status))
				return status;
		} else if (sig == SIG_ORPHANED && getpid() != 1 &&
			   getppid() != parent) {
			return -1;
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
		while (n == (ssize_t)sizeof(buf) - 1 && n > 1 &&
		       buf[n - 1] != ' ')
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

int main(int argc, char **argv)
{
	pid_t pid, parent = getppid();
	sigset_t all, mask;
	int status;

	(void)argc;
	argv = read_options(argv);
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &mask);
	signal(SIGCHLD, SIG_DFL);
	prctl(PR_SET_PDEATHSIG, getpid() == 1 ? SIGKILL : SIG_ORPHANED);
	if (getpid() != 1)
		prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
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
