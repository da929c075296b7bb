/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What it takes to get into a container that is there. */
#define _GNU_SOURCE
#include "enter.h"

#include "../spank/contract.h"
#include "../spank/proc.h"
#include "mem.h"

#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

/* How far a runtime's child may be: crun has one, runc's is its own. */
#define DEPTH 3

static const struct {
	const char *name;
	int type;
} kind[SB_SPACES] = {
	[SB_SPACE_IPC] = {"ipc", CLONE_NEWIPC},
	[SB_SPACE_UTS] = {"uts", CLONE_NEWUTS},
	[SB_SPACE_NET] = {"net", CLONE_NEWNET},
	[SB_SPACE_CGROUP] = {"cgroup", CLONE_NEWCGROUP},
	[SB_SPACE_PID] = {"pid", CLONE_NEWPID},
	[SB_SPACE_MNT] = {"mnt", CLONE_NEWNS},
};

static int open_space(const char *process, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%s/ns/%s", process, name);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static int same(int a, int b)
{
	struct stat x, y;

	return !fstat(a, &x) && !fstat(b, &y) && x.st_dev == y.st_dev &&
	       x.st_ino == y.st_ino;
}

/* Closes *fd if it is what the caller is in already. */
static void drop_own(int *fd, const char *name)
{
	_cleanup_fd_ int own = open_space("self", name);

	if (*fd >= 0 && own >= 0 && same(*fd, own)) {
		close(*fd);
		*fd = -1;
	}
}

static int failed(pid_t pid, struct sb_err *err)
{
	return sb_fail(err, SB_FAIL, "namespaces of the container (pid %d): %s",
		       pid, strerror(errno));
}

/* The descriptors are taken first, then it is seen whose they are: the process
 * may have ended, and its number be another's. */
int sb_spaces_open(struct sb_spaces *s, pid_t pid, unsigned long long start,
		   unsigned int kinds, struct sb_err *err)
{
	char process[16];
	int missing = 0, errnum = 0;

	*s = (struct sb_spaces)SB_SPACES_NONE;
	snprintf(process, sizeof(process), "%d", pid);
	for (int i = 0; i < SB_SPACES; i++)
		if (kinds >> i & 1) {
			s->fd[i] = open_space(process, kind[i].name);
			missing |= s->fd[i] < 0;
			errnum = s->fd[i] < 0 ? errno : errnum;
		}
	s->inner = open_space(process, "user");
	if (!sb_proc_is(pid, start))
		return 1;
	/* One that is about to end has none any more, and is no zombie yet. */
	if (missing && (errnum == ENOENT || errnum == ESRCH))
		return 1;
	if (missing)
		errno = errnum;
	if (missing || s->inner < 0)
		return failed(pid, err);
	s->outer = ioctl(s->fd[SB_SPACE_MNT], NS_GET_USERNS);
	if (s->outer < 0)
		return failed(pid, err);
	if (same(s->inner, s->outer)) {
		close(s->inner);
		s->inner = -1;
	}
	drop_own(&s->outer, "user");
	for (int i = 0; i < SB_SPACES; i++)
		drop_own(&s->fd[i], kind[i].name);
	return 0;
}

static int enter(int *fd, int type, const char *name, struct sb_err *err)
{
	if (*fd < 0)
		return 0;
	if (setns(*fd, type) < 0)
		return sb_fail(err, SB_FAIL,
			       "%s namespace of the container: %s", name,
			       strerror(errno));
	close(*fd);
	*fd = -1;
	return 0;
}

int sb_spaces_enter(struct sb_spaces *s, unsigned int kinds, struct sb_err *err)
{
	int rc = enter(&s->outer, CLONE_NEWUSER, "user", err);

	for (int i = 0; !rc && i < SB_SPACES; i++)
		if (kinds >> i & 1)
			rc = enter(&s->fd[i], kind[i].type, kind[i].name, err);
	return rc;
}

void sb_spaces_close(struct sb_spaces *s)
{
	sb_cleanup_fd(&s->outer);
	sb_cleanup_fd(&s->inner);
	for (int i = 0; i < SB_SPACES; i++)
		sb_cleanup_fd(&s->fd[i]);
	*s = (struct sb_spaces)SB_SPACES_NONE;
}

static int is_inside(int mnt, pid_t pid)
{
	struct stat a, b;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", pid);
	return !fstat(mnt, &a) && !stat(path, &b) && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

pid_t sb_enter_inside(int mnt, pid_t pid, unsigned long long *start)
{
	struct sb_proc p;

	for (int i = 0; i < DEPTH && !sb_proc_read(pid, &p); i++) {
		if (is_inside(mnt, pid)) {
			*start = p.start;
			return pid;
		}
		if (sb_proc_children(pid, &pid, 1) != 1)
			break;
	}
	return 0;
}

int sb_entry_words(const struct sb_entry *e, struct sb_strv *args,
		   struct sb_err *err)
{
	char ids[32], inner[16];
	const struct {
		const char *option, *value; /* NULL: none is needed */
		int wanted;
	} options[] = {
		{"-x", NULL, 1},
		{"-N", e->where, 1},
		{"-w", e->workdir, e->workdir != NULL},
		{"-c", e->cwd, e->cwd != NULL},
		{"-q", NULL, e->quiet},
		{"-t", NULL, e->terminal},
		{"-u", ids, e->identify},
		{"-j", inner, e->inner >= 0},
	};

	snprintf(ids, sizeof(ids), "%u:%u", e->uid, e->gid);
	snprintf(inner, sizeof(inner), "%d", e->inner);
	sb_strv_add(args, e->init);
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		if (!options[i].wanted)
			continue;
		sb_strv_add(args, options[i].option);
		if (options[i].value)
			sb_strv_add(args, options[i].value);
	}
	for (size_t i = 0; i < e->words->n; i++)
		sb_strv_add(args, e->words->v[i]);
	sb_strv_add(args, "--");
	return args->failed ? sb_no_memory(err) : 0;
}
