/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The process of a container that all tasks on a node share. */
#define _GNU_SOURCE
#include "hold.h"

#include "../spank/contract.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#ifndef SYS_pidfd_open /* musl < 1.2 */
#define SYS_pidfd_open 434
#endif
#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif

/* More than Slurm starts on a node (slurm.conf, MaxTasksPerNode: 65533 at most,
 * 512 by default): those beyond are not watched. */
#define MAX_TASKS 4096

/* What an orphan's first task may take to come. */
#define FIRST_MS 10000

enum { JOIN, PARENT, TASKS };

static struct {
	struct pollfd p[TASKS + MAX_TASKS];
	int n;	  /* of p */
	int came; /* tasks so far */
	int lost; /* some cannot be watched */
} hold;

static int open_in(int dir, const char *name, int flags)
{
	return openat(dir, name, flags | O_CLOEXEC | O_NONBLOCK);
}

/* A task's standard input and output are its own business, and whoever reads
 * them waits until the last one has closed them. */
static void drop_descriptors(void)
{
	int null = open("/dev/null", O_RDWR);

	for (int fd = 0; fd < 3; fd++)
		if (null < 0 || dup2(null, fd) < 0)
			close(fd);
	if (null > 2)
		close(null);
}

static void raise_limit(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) < 0)
		return;
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
}

static void watch(pid_t pid)
{
	int fd = syscall(SYS_pidfd_open, pid, 0);

	hold.came++;
	/* It has gone already; EINVAL, since 6.14 ENOENT, while it goes
	 * (kernel/fork.c, pidfd_prepare). */
	if (fd < 0 && pid > 0 &&
	    (errno == ESRCH || errno == EINVAL || errno == ENOENT))
		return;
	if (fd < 0 || hold.n == TASKS + MAX_TASKS) {
		hold.lost = 1;
		return;
	}
	hold.p[hold.n++] = (struct pollfd){.fd = fd, .events = POLLIN};
}

static void take_pids(void)
{
	pid_t pids[64];
	ssize_t n;

	while ((n = read(hold.p[JOIN].fd, pids, sizeof(pids))) > 0)
		for (size_t i = 0; i < n / sizeof(pids[0]); i++)
			watch(pids[i]);
}

static void forget_ended(void)
{
	for (int i = hold.n - 1; i >= TASKS; i--)
		if (hold.p[i].revents) {
			close(hold.p[i].fd);
			hold.p[i] = hold.p[--hold.n];
		}
}

/* ---- the end ---- */

/* Kills the process with this directory in /proc if it is in our mount
 * namespace; returns whether it was. */
static int kill_if_here(const struct stat *here, const char *name)
{
	char path[64];
	pid_t pid = strtol(name, NULL, 10);
	struct stat st;
	int fd, rc = 0;

	if (pid <= 1 || pid == getpid() || strlen(name) > 16)
		return 0;
	memcpy(path, "/proc/", 6);
	memcpy(path + 6, name, strlen(name));
	memcpy(path + 6 + strlen(name), "/ns/mnt", sizeof("/ns/mnt"));
	/* Open first, look then: what is seen is what fd stands for. */
	fd = syscall(SYS_pidfd_open, pid, 0);
	/* Of others than the user it cannot be told: EACCES. */
	if (!stat(path, &st) && st.st_ino == here->st_ino &&
	    st.st_dev == here->st_dev)
		rc = fd < 0 ? !kill(pid, SIGKILL)
			    : !syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL,
				       0);
	if (fd >= 0)
		close(fd);
	return rc;
}

static int kill_all_here(const struct stat *here)
{
	char buf[4096] __attribute__((aligned(8)));
	int fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC), found = 0;
	long len;

	/* Not readdir(3), which takes memory from the heap. */
	while ((len = syscall(SYS_getdents64, fd, buf, sizeof(buf))) > 0)
		for (long at = 0; at < len;) {
			struct dirent *d = (void *)(buf + at);

			at += d->d_reclen;
			found += kill_if_here(here, d->d_name);
		}
	close(fd);
	return found;
}

/* As PID 1's end would in a pid namespace: whatever the tasks have left behind
 * in the container ends with it. */
static void __attribute__((noreturn)) leave(void)
{
	struct timespec nap = {.tv_nsec = 1000000};
	struct stat here;

	if (stat("/proc/self/ns/mnt", &here) < 0)
		_exit(0);
	for (int i = 0; i < 1000 && kill_all_here(&here); i++)
		nanosleep(&nap, NULL);
	_exit(0);
}

void sb_hold(const char *dir, int expected, pid_t parent)
{
	int at = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), ready;
	int orphan, n;

	raise_limit();
	/* Read and write: it must not end with the first task that closes it.
	 */
	hold.p[JOIN].fd = open_in(at, SB_HOLD_JOIN, O_RDWR);
	hold.p[PARENT].fd =
		parent > 0 ? syscall(SYS_pidfd_open, parent, 0) : -1;
	/* Before it could be watched. */
	orphan = parent > 0 && hold.p[PARENT].fd < 0 && errno == ESRCH;
	hold.p[JOIN].events = hold.p[PARENT].events = POLLIN;
	hold.n = TASKS;
	ready = open_in(at, SB_HOLD_READY, O_WRONLY);
	close(at);
	if (hold.p[JOIN].fd < 0 || ready < 0)
		_exit(SB_FAIL);
	drop_descriptors();
	setsid();
	if (write(ready, "", 1) != 1)
		_exit(SB_FAIL);
	close(ready);
	for (;;) {
		if (hold.n == TASKS && !hold.lost &&
		    (hold.came >= expected || (orphan && hold.came)))
			leave();
		/* Who had us made is about to come, if it still lives. */
		n = poll(hold.p, hold.n, orphan && !hold.came ? FIRST_MS : -1);
		if (!n)
			leave();
		if (n < 0 && errno != EINTR)
			_exit(SB_FAIL);
		if (hold.p[JOIN].revents)
			take_pids();
		forget_ended();
		if (hold.p[PARENT].revents) {
			close(hold.p[PARENT].fd);
			hold.p[PARENT].fd = -1;
			orphan = 1;
		}
	}
}
