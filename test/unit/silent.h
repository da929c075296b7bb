/* SPDX-License-Identifier: GPL-2.0-or-later */
/* File systems that never answer, as a user may mount some. Define _GNU_SOURCE
 * before anything. */
#ifndef UNIT_SILENT_H
#define UNIT_SILENT_H

#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* Mounts such a one on path. Returns 0, or -1 with errno set. */
static inline int silent_mount(const char *path, const char *mode)
{
	int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	char options[128];

	if (fd < 0)
		return -1;
	snprintf(options, sizeof(options),
		 "fd=%d,rootmode=%s,user_id=0,group_id=0,allow_other", fd,
		 mode);
	/* The descriptor stays: nobody reads from it. */
	return mount("silent", path, "fuse", MS_NOSUID | MS_NODEV, options);
}

/* Whether the kernel can tell that a name is a mount without asking it. */
static inline int silent_is_seen(void)
{
	struct open_how how = {.flags = O_PATH};
	int fd = syscall(__NR_openat2, AT_FDCWD, "/", &how, sizeof(how));

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/*
 * Has fn do its work, in a mount namespace of its own, where path is such a
 * directory and file (or NULL) such a file. Fails where it returns other than
 * 0, or waits.
 */
static inline void silent_try(const char *path, const char *file,
			      int (*fn)(void))
{
	int status;
	pid_t pid;

	if (geteuid() || !silent_is_seen()) {
		print_message("only root can mount, and openat2 tell\n");
		skip();
	}
	pid = fork();
	if (!pid) {
		if (unshare(CLONE_NEWNS) < 0 ||
		    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		    silent_mount(path, "40000") < 0 ||
		    (file && silent_mount(file, "100000") < 0))
			_exit(77);
		alarm(20);
		_exit(fn() ? 1 : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
		print_message("no FUSE here\n");
		skip();
	}
	assert_int_equal(status, 0);
}

#endif
