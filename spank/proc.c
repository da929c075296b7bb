/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Processes by pid and start time, without allocation. */
#define _GNU_SOURCE
#include "proc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define MAX_CHILDREN 64

/* The mount that a descriptor is of; 0 if that cannot be told. */
static long long mount_of(int fd)
{
	static const char field[] = "\nmnt_id:\t";
	char path[40], text[512];
	const char *s;

	sb_proc_name(path, "/proc/self/fdinfo/", fd);
	if (sb_proc_slurp(AT_FDCWD, path, text, sizeof(text)) <= 0 ||
	    !(s = strstr(text, field)))
		return 0;
	s += strlen(field);
	return sb_proc_number(&s, INT_MAX);
}

/* Before Linux 5.6. With O_PATH, what is opened is not asked. */
static int open_old(int dir, const char *name, int flags)
{
	int path =
		openat(dir, name,
		       O_PATH | O_NOFOLLOW | O_CLOEXEC | (flags & O_DIRECTORY));
	struct stat st = {.st_mode = 0};
	char link[40];
	int fd = -1;

	if (path < 0)
		return -1;
	if (mount_of(path) != mount_of(dir)) {
		errno = EXDEV;
	} else if (!fstat(path, &st) && S_ISLNK(st.st_mode)) {
		errno = ELOOP;
	} else if (flags & O_PATH) {
		return path;
	} else {
		sb_proc_name(link, "/proc/self/fd/", path);
		fd = open(link, flags | O_CLOEXEC);
	}
	close(path);
	return fd;
}

int sb_proc_open(int dir, const char *name, int flags)
{
	struct open_how how = {
		.flags = flags | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS,
	};
	int fd = syscall(__NR_openat2, dir, name, &how, sizeof(how));

	return fd < 0 && errno == ENOSYS ? open_old(dir, name, flags) : fd;
}

ssize_t sb_proc_slurp(int dirfd, const char *path, char *buf, size_t size)
{
	const int flags = O_RDONLY | O_NONBLOCK;
	int fd = dirfd == AT_FDCWD
			 ? openat(dirfd, path, flags | O_CLOEXEC | O_NOFOLLOW)
			 : sb_proc_open(dirfd, path, flags);
	size_t fill = 0;
	ssize_t n = 0;

	if (fd < 0)
		return -1;
	while (fill < size - 1) {
		n = read(fd, buf + fill, size - 1 - fill);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		fill += n;
	}
	close(fd);
	buf[fill] = '\0';
	return n < 0 ? -1 : (ssize_t)fill;
}

long long sb_proc_number(const char **s, unsigned long long max)
{
	unsigned long long v = 0;
	const char *p = *s;

	if (*p < '0' || *p > '9')
		return -1;
	for (; *p >= '0' && *p <= '9'; p++) {
		if (v > (max - (*p - '0')) / 10)
			return -1;
		v = v * 10 + (*p - '0');
	}
	*s = p;
	return v;
}

char *sb_proc_name(char *buf, const char *prefix, unsigned long long v)
{
	size_t at = strlen(prefix);
	char digits[20];
	int n = 0;

	memcpy(buf, prefix, at);
	do
		digits[n++] = '0' + v % 10;
	while (v /= 10);
	while (n)
		buf[at++] = digits[--n];
	buf[at] = '\0';
	return buf;
}

/* "/proc/<pid>/<what>" without stdio, which may take locks. */
static const char *proc_path(char buf[64], pid_t pid, const char *what)
{
	size_t at = strlen(sb_proc_name(buf, "/proc/", pid));

	buf[at] = '/';
	memcpy(buf + at + 1, what, strlen(what) + 1);
	return buf;
}

int sb_proc_read(pid_t pid, struct sb_proc *p)
{
	char buf[1024], path[64];
	const char *s;

	if (pid <= 0 || sb_proc_slurp(AT_FDCWD, proc_path(path, pid, "stat"),
				      buf, sizeof(buf)) <= 0)
		return -1;
	/* The name (field 2) may hold blanks and ')': the last one ends it. */
	s = strrchr(buf, ')');
	if (!s || s[1] != ' ' || !s[2])
		return -1;
	p->state = s[2];
	s += 3;
	for (int field = 4; field < 22; field++) {
		s += strspn(s, " ");
		if (field == 4) {
			const char *at = s;
			p->ppid = sb_proc_number(&at, INT_MAX);
		}
		s += strcspn(s, " ");
	}
	s += strspn(s, " ");
	p->start = sb_proc_number(&s, INT64_MAX);
	return 0;
}

int sb_proc_is(pid_t pid, unsigned long long start)
{
	struct sb_proc p;

	return !sb_proc_read(pid, &p) && p.start == start && p.state != 'Z' &&
	       p.state != 'X';
}

static int pidfd_open(pid_t pid)
{
	return syscall(SYS_pidfd_open, pid, 0);
}

/* Kills what pidfd stands for; waits for its end. Without pidfds (Linux <
 * 5.3) pid was just checked, and the race with its reuse is lived with. */
static int end_process(int pidfd, pid_t pid)
{
	struct pollfd pfd = {.fd = pidfd, .events = POLLIN};
	struct timespec nap = {.tv_nsec = 20 * 1000000L};

	if (pidfd >= 0) {
		if (syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0) < 0)
			return errno == ESRCH ? 0 : -1;
		return poll(&pfd, 1, 2000) == 1 ? 0 : -1;
	}
	if (kill(pid, SIGKILL) < 0)
		return errno == ESRCH ? 0 : -1;
	for (int i = 0; i < 100; i++) {
		struct sb_proc p;

		if (sb_proc_read(pid, &p) < 0 || p.state == 'Z')
			return 0;
		nanosleep(&nap, NULL);
	}
	return -1;
}

/* Reads the children of one thread: "PID PID ...", proc_tid_children(5). */
static int thread_children(int taskfd, const char *tid, pid_t *pids, int n,
			   int max)
{
	char path[64], buf[1024];
	const char *s = buf;

	if (strlen(tid) > 16)
		return n;
	memcpy(path, tid, strlen(tid));
	memcpy(path + strlen(tid), "/children", sizeof("/children"));
	if (sb_proc_slurp(taskfd, path, buf, sizeof(buf)) <= 0)
		return n;
	while (*s && n < max) {
		long long pid = sb_proc_number(&s, INT_MAX);

		if (pid <= 0)
			break;
		pids[n++] = pid;
		s += strspn(s, " ");
	}
	return n;
}

int sb_proc_children(pid_t pid, pid_t *pids, int max)
{
	char path[64], buf[4096];
	int fd, n = 0;
	long len;

	fd = open(proc_path(path, pid, "task"),
		  O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	/* getdents64 and not readdir, which allocates. */
	while ((len = syscall(SYS_getdents64, fd, buf, sizeof(buf))) > 0) {
		for (long at = 0; at < len;) {
			struct dirent64 *d = (void *)(buf + at);

			if (d->d_name[0] != '.')
				n = thread_children(fd, d->d_name, pids, n,
						    max);
			at += d->d_reclen;
		}
	}
	close(fd);
	return n;
}

int sb_proc_kill(pid_t pid, unsigned long long start)
{
	pid_t kids[MAX_CHILDREN];
	int pidfd, rc = 0, n;
	struct sb_proc p;

	if (pid <= 1 || pid == getpid())
		return 0;
	pidfd = pidfd_open(pid);
	/* Open first, look then: what is seen is what the pidfd stands for. */
	if ((pidfd < 0 && errno != ENOSYS) || sb_proc_read(pid, &p) < 0 ||
	    (start && p.start != start) || p.state == 'Z') {
		if (pidfd >= 0)
			close(pidfd);
		return 0;
	}
	n = sb_proc_children(pid, kids, MAX_CHILDREN);
	for (int i = 0; i < n; i++) {
		int kid = pidfd_open(kids[i]);

		if (!sb_proc_read(kids[i], &p) && p.ppid == pid &&
		    (kid >= 0 || errno == ENOSYS) && rc >= 0)
			rc = end_process(kid, kids[i]) < 0 ? -1 : rc + 1;
		if (kid >= 0)
			close(kid);
	}
	if (end_process(pidfd, pid) < 0)
		rc = -1;
	if (pidfd >= 0)
		close(pidfd);
	return rc < 0 ? -1 : rc + 1;
}

int sb_proc_wait(pid_t pid, unsigned long long start, int ms)
{
	int fd = pidfd_open(pid);
	struct pollfd pfd = {.fd = fd, .events = POLLIN};
	struct timespec nap = {.tv_nsec = 1000000};

	for (; fd < 0 && ms > 0 && sb_proc_is(pid, start); ms--)
		nanosleep(&nap, NULL);
	if (fd >= 0 && sb_proc_is(pid, start))
		poll(&pfd, 1, ms);
	if (fd >= 0)
		close(fd);
	return sb_proc_is(pid, start) ? -1 : 0;
}

int sb_proc_elsewhere(pid_t pid)
{
	char path[64];
	struct stat a, b;

	if (stat("/proc/self/ns/mnt", &a) < 0 ||
	    stat(proc_path(path, pid, "ns/mnt"), &b) < 0)
		return -1;
	return a.st_ino != b.st_ino || a.st_dev != b.st_dev;
}

void sb_proc_boot(char id[40])
{
	if (sb_proc_slurp(AT_FDCWD, "/proc/sys/kernel/random/boot_id", id, 40) <
	    0)
		id[0] = '\0';
	id[strcspn(id, "\n")] = '\0';
}

unsigned long long sb_proc_pidns(void)
{
	struct stat st;

	return stat("/proc/self/ns/pid", &st) < 0 ? 0 : st.st_ino;
}
