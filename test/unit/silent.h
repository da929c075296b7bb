/* SPDX-License-Identifier: GPL-2.0-or-later */
/* File systems that never answer, as a user may mount some. Define _GNU_SOURCE
 * before anything. */
#ifndef UNIT_SILENT_H
#define UNIT_SILENT_H

#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
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

/* As before Linux 5.6: there is no openat2. */
static inline int silent_old_kernel(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_openat2, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = {4, code};

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
			       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER,
				     &program) < 0
		       ? -1
		       : 0;
}

/*
 * Has fn do its work, in a mount namespace of its own, where path is such a
 * directory and file (or NULL) such a file. Fails where it returns other than
 * 0, or waits. old: see silent_old_kernel.
 */
static inline void silent_try(const char *path, const char *file,
			      int (*fn)(void), int old)
{
	int status;
	pid_t pid;

	if (geteuid()) {
		print_message("only root can mount\n");
		skip();
	}
	pid = fork();
	if (!pid) {
		if (unshare(CLONE_NEWNS) < 0 ||
		    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		    silent_mount(path, "40000") < 0 ||
		    (file && silent_mount(file, "100000") < 0) ||
		    (old && silent_old_kernel() < 0))
			_exit(77);
		alarm(60);
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
