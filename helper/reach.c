/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether a bundle's file system answers. */
#define _GNU_SOURCE
#include "reach.h"

#include "../spank/contract.h"
#include "await.h"
#include "bundle.h"
#include "mem.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>

/* How long a killed child may take to go, in ms. */
#define GRACE 1000

/* If it stays, srun is not to wait for the end of its output, nor another task
 * for a lock. */
static void close_others(int end)
{
	if (dup2(end, 0) < 0)
		_exit(SB_FAIL);
	if (syscall(__NR_close_range, 1, ~0U, 0) < 0)
		for (int fd = 1; fd < 1024; fd++)
			close(fd);
}

/* Its end closes the pipe, which is all that is waited for. */
static void __attribute__((noreturn))
probe(const char *path, int end, pid_t parent)
{
	struct sb_bundle b;
	struct sb_err ignored;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(SB_FAIL);
	close_others(end);
	sb_bundle_open(&b, path, &ignored);
	_exit(0);
}

static long long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

/* Whether the pipe's other end has closed within so many ms. */
static int closes(int fd, long long ms)
{
	struct pollfd p = {.fd = fd};
	long long end = now() + ms;
	int n;

	while ((n = poll(&p, 1, ms)) < 0 && errno == EINTR) {
		ms = end - now();
		if (ms < 0)
			ms = 0;
	}
	return n > 0;
}

int sb_reach_bundle(const char *path, unsigned int seconds, struct sb_err *err)
{
	_cleanup_fd_ int ours = -1, theirs = -1;
	pid_t parent = getpid(), pid;
	int ends[2];

	if (!seconds)
		return 0;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return sb_fail(err, SB_FAIL, "pipe: %s", strerror(errno));
	ours = ends[0];
	theirs = ends[1];
	pid = fork();
	if (pid < 0)
		return sb_fail(err, SB_FAIL, "fork: %s", strerror(errno));
	if (!pid)
		probe(path, theirs, parent);
	close(steal_fd(&theirs));
	if (closes(ours, seconds * 1000LL)) {
		sb_await(pid, NULL);
		return 0;
	}
	kill(pid, SIGKILL);
	if (closes(ours, GRACE))
		sb_await(pid, NULL);
	return sb_fail(err, SB_FAIL,
		       "bundle %s: its file system has not answered for %u s "
		       "(BundleTimeout)",
		       path, seconds);
}
