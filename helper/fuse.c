/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuse-overlayfs, where the kernel's own overlay will not do. */
#define _GNU_SOURCE
#include "fuse.h"

#include "../spank/contract.h"
#include "../spank/proc.h"
#include "await.h"
#include "fdio.h"
#include "mem.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

#define LOG "fuse.log"
#define MAGIC 0x65735546 /* statfs(2), FUSE_SUPER_MAGIC */
#define SECONDS 20

/* The watcher's descriptors: where they come from, and to whom they matter. */
struct ends {
	int caller; /* a pidfd of the caller */
	int talk; /* a socket; the caller shuts it to end us, we with our end */
	int hold; /* the caller's end: his execve(2) closes it, and ends nothing
		   */
	int log;
};

static void __attribute__((noreturn))
become_fuse(const struct sb_fuse_of *of, pid_t watcher)
{
	char name[] = "fuse-overlayfs", foreground[] = "-f", o[] = "-o";
	char options[256], root[PATH_MAX], path[] = "PATH=" SB_RUNTIME_PATH;
	char *argv[] = {name, foreground, o, options, root, NULL};
	char *env[] = {path, NULL};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != watcher)
		_exit(SB_FAIL);
	/* By descriptor: in a path ':' and ',' would have a meaning. */
	snprintf(options, sizeof(options),
		 "lowerdir=/proc/self/fd/%d,upperdir=/proc/self/fd/%d,"
		 "workdir=/proc/self/fd/%d,squash_to_root",
		 of->lower, of->upper, of->work);
	snprintf(root, sizeof(root), "%s", of->root);
	fcntl(of->lower, F_SETFD, 0);
	fcntl(of->upper, F_SETFD, 0);
	fcntl(of->work, F_SETFD, 0);
	execve(of->program, argv, env);
	_exit(SB_NOEXEC);
}

/* What the caller has open is not to stay open for as long as we are here. */
static void close_others(const struct sb_fuse_of *of, const struct ends *e)
{
	const int keep[] = {of->lower, of->upper, of->work, e->caller,
			    e->talk,   e->hold,	  e->log};

	for (int fd = 3; fd < 1024; fd++) {
		size_t i = 0;

		while (i < ARRAY_SIZE(keep) && keep[i] != fd)
			i++;
		if (i == ARRAY_SIZE(keep))
			close(fd);
	}
}

/* For slurmstepd's plugin, which must see to our end. */
static void name_self(int dir)
{
	char text[64];
	struct sb_proc p;
	struct sb_err ignored;
	int n;

	if (sb_proc_read(getpid(), &p) < 0)
		return;
	n = snprintf(text, sizeof(text), "pid %d %llu\n", getpid(), p.start);
	sb_fdio_write(dir, SB_FILE_SERVERS, text, n, &ignored);
}

/* sb_fuse_follow: whether that is what has come. */
static int follow_other(struct pollfd *p)
{
	pid_t pid;

	if (!p[1].revents || p[2].revents ||
	    read(p[1].fd, &pid, sizeof(pid)) != sizeof(pid))
		return 0;
	p[0].fd = syscall(SYS_pidfd_open, pid, 0);
	p[1].fd = -1;
	return p[0].fd >= 0;
}

/*
 * Stands between: the caller's death is known by a pidfd, since he is no parent
 * of ours any more; ours kills the program.
 */
static void __attribute__((noreturn))
watch(const struct sb_fuse_of *of, const struct ends *e)
{
	struct pollfd p[3] = {{.fd = e->caller, .events = POLLIN},
			      {.fd = e->talk, .events = POLLIN}};
	pid_t self = getpid(), pid;
	int null;

	name_self(of->dir);

	/* What Slurm or a terminal sends to the whole step is for the command.
	 * libfuse leaves alone what is ignored. The step's output is not to be
	 * held open. */
	for (int sig = 1; sig < NSIG; sig++)
		if (sig != SIGCHLD)
			signal(sig, SIG_IGN);
	setsid();
	close_others(of, e);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (dup2(null, 0) < 0 || dup2(e->log, 1) < 0 || dup2(e->log, 2) < 0)
		_exit(SB_FAIL);
	pid = fork();
	if (!pid)
		become_fuse(of, self);
	p[2].fd = pid < 0 ? -1 : syscall(SYS_pidfd_open, pid, 0);
	p[2].events = POLLIN;
	while (p[2].fd >= 0 &&
	       ((poll(p, 3, -1) < 0 && errno == EINTR) || follow_other(p)))
		;
	if (pid > 0) {
		kill(pid, SIGKILL);
		sb_await(pid, NULL);
	}
	_exit(0);
}

/* As a grandchild, which whoever reaps orphans here has for a child. */
static int start(const struct sb_fuse_of *of, const struct ends *e)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		pid = fork();
		if (!pid)
			watch(of, e);
		_exit(pid < 0);
	}
	return pid > 0 && !sb_await(pid, &status) && !status ? 0 : -1;
}

/* Why it ended: the last line that it wrote. */
static int failed(int log, struct sb_err *err)
{
	char text[1024];
	ssize_t n = pread(log, text, sizeof(text) - 1, 0);
	char *line;

	text[n < 0 ? 0 : n] = '\0';
	while (n > 0 && text[n - 1] == '\n')
		text[--n] = '\0';
	line = strrchr(text, '\n');
	line = line ? line + 1 : text;
	return sb_fail(
		err, SB_FAIL, "%s%s",
		strncmp(line, "fuse-overlayfs: ", 16) ? "fuse-overlayfs: " : "",
		*line ? line : "it ended without a word");
}

static int is_mounted(const char *root)
{
	struct statfs fs;

	return !statfs(root, &fs) && fs.f_type == MAGIC;
}

/* Nothing tells when a mount is there: mountinfo's poll(2) does not see it in
 * all kernels that have FUSE in user namespaces. */
static int wait_for_mount(const char *root, int talk, int log,
			  struct sb_err *err)
{
	struct pollfd p = {.fd = talk, .events = POLLIN};

	for (int ms = 0; !is_mounted(root); ms++) {
		if (ms > SECONDS * 1000)
			return sb_fail(err, SB_FAIL,
				       "fuse-overlayfs: no mount in %d s",
				       SECONDS);
		if (poll(&p, 1, 1) > 0 && !is_mounted(root))
			return failed(log, err);
	}
	return 0;
}

int sb_fuse_mount(const struct sb_fuse_of *of, struct sb_err *err)
{
	_cleanup_fd_ int caller = -1, talk = -1, theirs = -1, log = -1;
	int ends[2];

	if (!of->program)
		return sb_fail(err, SB_FAIL,
			       "fuse-overlayfs is not installed on this node");
	caller = syscall(SYS_pidfd_open, getpid(), 0);
	if (caller < 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return sb_fail(err, SB_FAIL, "fuse-overlayfs: %s",
			       strerror(errno));
	talk = ends[0];
	theirs = ends[1];
	log = openat(of->dir, LOG,
		     O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (log < 0)
		return sb_fail(err, SB_FAIL, "step directory: %s: %s", LOG,
			       strerror(errno));
	if (start(of, &(struct ends){caller, theirs, talk, log}) < 0)
		return sb_fail(err, SB_FAIL, "fork: %s", strerror(errno));
	close(steal_fd(&theirs));
	if (wait_for_mount(of->root, talk, log, err) < 0)
		return -1;
	return steal_fd(&talk);
}

int sb_fuse_follow(int fd, pid_t pid, struct sb_err *err)
{
	/* What is left in the socket can still be read when we have gone. */
	if (send(fd, &pid, sizeof(pid), MSG_NOSIGNAL) != sizeof(pid))
		return sb_fail(err, SB_FAIL, "fuse-overlayfs: %s",
			       strerror(errno));
	return 0;
}

void sb_fuse_stop(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	/* Its end of the socket goes when it goes. */
	shutdown(fd, SHUT_WR);
	poll(&p, 1, SECONDS * 1000);
	close(fd);
}
