/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The user namespace that a container is made in. */
#define _GNU_SOURCE
#include "userns.h"

#include "../spank/contract.h"
#include "../spank/proc.h"
#include "fdio.h"
#include "mem.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>

#define CGROUPS "/sys/fs/cgroup"

#ifndef AT_RECURSIVE /* glibc < 2.33 */
#define AT_RECURSIVE 0x8000
#endif

/* What is known to forbid user namespaces, and when it does. */
static const struct {
	const char *file;
	long forbids; /* the value that does */
	const char *name;
} switches[] = {
	{"/proc/sys/user/max_user_namespaces", 0, "user.max_user_namespaces"},
	{"/proc/sys/kernel/unprivileged_userns_clone", 0,
	 "kernel.unprivileged_userns_clone"},
	{"/proc/sys/kernel/apparmor_restrict_unprivileged_userns", 1,
	 "kernel.apparmor_restrict_unprivileged_userns"},
};

static int refused(const char *what, struct sb_err *err)
{
	int errnum = errno;
	char text[32];

	/* That is a limit of the job's. */
	if (errnum == EMFILE || errnum == ENFILE || errnum == ENOMEM)
		return sb_fail(err, SB_FAIL, "%s: %s", what, strerror(errnum));
	for (size_t i = 0; i < ARRAY_SIZE(switches); i++)
		if (sb_proc_slurp(AT_FDCWD, switches[i].file, text,
				  sizeof(text)) > 0 &&
		    strtol(text, NULL, 10) == switches[i].forbids)
			return sb_fail(err, SB_FAIL,
				       "%s: %s: this node forbids user "
				       "namespaces: sysctl %s is %ld",
				       what, strerror(errnum), switches[i].name,
				       switches[i].forbids);
	return sb_fail(err, SB_FAIL,
		       "%s: %s: this node forbids user namespaces (a security "
		       "module, a limit or a chroot): try unshare -Ur true",
		       what, strerror(errnum));
}

static int write_map(const char *name, const char *text)
{
	_cleanup_fd_ int fd = open(name, O_WRONLY | O_CLOEXEC);

	return fd < 0 ? -1 : sb_fdio_write_all(fd, text, strlen(text));
}

static int map_ids(uid_t uid, gid_t gid, struct sb_err *err)
{
	static const char everybody[] = "0 0 4294967295\n";
	char map[32];

	/* Root may have all ids of its own namespace, if it has them all. */
	if (!uid && !write_map("/proc/self/gid_map", everybody) &&
	    !write_map("/proc/self/uid_map", everybody))
		return 0;
	/* Whoever could drop a group could read what it is kept from:
	 * user_namespaces(7). */
	if (write_map("/proc/self/setgroups", "deny") < 0 && errno != ENOENT)
		return refused("/proc/self/setgroups", err);
	snprintf(map, sizeof(map), "0 %u 1\n", gid);
	if (write_map("/proc/self/gid_map", map) < 0)
		return refused("/proc/self/gid_map", err);
	snprintf(map, sizeof(map), "0 %u 1\n", uid);
	if (write_map("/proc/self/uid_map", map) < 0)
		return refused("/proc/self/uid_map", err);
	return 0;
}

/* Linux < 5.12: mount by mount. The kernel keeps the other flags locked. */
static void remount_each(void)
{
	static const struct {
		unsigned long have, keep;
	} flags[] = {
		{ST_NOSUID, MS_NOSUID},	  {ST_NODEV, MS_NODEV},
		{ST_NOEXEC, MS_NOEXEC},	  {ST_RELATIME, MS_RELATIME},
		{ST_NOATIME, MS_NOATIME},
	};
	DIR *d = opendir(CGROUPS);
	char path[PATH_MAX];
	struct dirent *e;
	struct statvfs fs;

	while (d && (e = readdir(d))) {
		unsigned long keep = 0;

		if (!strcmp(e->d_name, ".."))
			continue;
		snprintf(path, sizeof(path), CGROUPS "/%s", e->d_name);
		if (statvfs(path, &fs) < 0)
			continue;
		for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
			if (fs.f_flag & flags[i].have)
				keep |= flags[i].keep;
		/* Fails for what is no mount: no matter. */
		(void)!mount(NULL, path, NULL,
			     MS_REMOUNT | MS_BIND | MS_RDONLY | keep, NULL);
	}
	if (d)
		closedir(d);
}

/*
 * runc has no switch against cgroups of its own: it would move the container
 * out of the step's, where proctrack/cgroup signals and kills. From a read-only
 * tree a rootless one goes on where it is (runc, libcontainer/cgroups/fs).
 */
void sb_userns_freeze_cgroups(void)
{
	struct {
		unsigned long long set, clear, propagation, userns;
	} attr = {.set = 1 /* MOUNT_ATTR_RDONLY */};

	if (syscall(442 /* mount_setattr */, AT_FDCWD, CGROUPS, AT_RECURSIVE,
		    &attr, sizeof(attr)) < 0 &&
	    errno == ENOSYS)
		remount_each();
}

int sb_userns_enter(struct sb_err *err)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();

	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
		return refused("user namespace", err);
	if (map_ids(uid, gid, err) < 0)
		return -1;
	sb_userns_freeze_cgroups();
	return 0;
}
