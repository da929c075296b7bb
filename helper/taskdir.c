/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The task's directory below the step directory. */
#define _GNU_SOURCE
#include "taskdir.h"

#include "../spank/contract.h"
#include "../spank/reap.h"
#include "mem.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

/* ---- a run by hand ---- */

#define TEMPORARY "stepbox-XXXXXX"
#define PREFIX_LENGTH (sizeof("stepbox-") - 1)
#define KEPT "kept"
/* A new one is not locked at once. */
#define GRACE_SECONDS 60

/* mkdtemp(3): letters and digits. */
static int is_temporary(const char *name)
{
	size_t len = PREFIX_LENGTH;

	if (strlen(name) != strlen(TEMPORARY) || strncmp(name, TEMPORARY, len))
		return 0;
	while (isalnum((unsigned char)name[len]))
		len++;
	return !name[len];
}

static void remove_left(int base, const char *name)
{
	const struct sb_reap all = {.name = "", .task = SB_REAP_ALL};
	_cleanup_fd_ int fd = openat(
		base, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || st.st_uid != geteuid() ||
	    st.st_mtime > time(NULL) - GRACE_SECONDS ||
	    !faccessat(fd, KEPT, F_OK, 0) || flock(fd, LOCK_EX | LOCK_NB) < 0)
		return;
	sb_reap(fd, -1, (void *)&all);
	unlinkat(base, name, AT_REMOVEDIR);
}

static void remove_all_left(const char *base)
{
	DIR *d = opendir(base);
	struct dirent *e;

	while (d && (e = readdir(d)))
		if (is_temporary(e->d_name))
			remove_left(dirfd(d), e->d_name);
	if (d)
		closedir(d);
}

static int make_temporary(struct sb_taskdir *t, struct sb_err *err)
{
	const char *base = getenv("XDG_RUNTIME_DIR");

	if (!base || access(base, W_OK) < 0)
		base = "/tmp";
	remove_all_left(base);
	if (asprintf(&t->step, "%s/" TEMPORARY, base) < 0) {
		t->step = NULL;
		return sb_no_memory(err);
	}
	if (!mkdtemp(t->step))
		return sb_fail(err, SB_FAIL, "step directory %s: %s", t->step,
			       strerror(errno));
	t->temporary = 1;
	/* A file system without locks has none to be taken for free, either. */
	t->lock =
		open(t->step, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (t->lock >= 0)
		flock(t->lock, LOCK_EX | LOCK_NB);
	return 0;
}

void sb_taskdir_keep(struct sb_taskdir *t)
{
	int fd = openat(t->step_fd, KEPT,
			O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd >= 0)
		close(fd);
	t->keep = 1;
}

/* ---- any ---- */

static int open_step(struct sb_taskdir *t, struct sb_err *err)
{
	struct stat st;

	t->step_fd =
		open(t->step, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (t->step_fd < 0 || fstat(t->step_fd, &st) < 0)
		return sb_fail(err, SB_FAIL, "step directory %s: %s", t->step,
			       strerror(errno));
	if (st.st_uid != geteuid() || st.st_mode & 022)
		return sb_fail(err, SB_FAIL,
			       "step directory %s: must be the job user's and "
			       "writable by nobody else",
			       t->step);
	return 0;
}

int sb_taskdir_make(struct sb_taskdir *t, unsigned int task, int shared,
		    struct sb_err *err)
{
	char name[40];

	snprintf(name, sizeof(name), SB_TASK_PREFIX "%u%s", task,
		 shared ? SB_NODE_SUFFIX : "");
	if (asprintf(&t->path, "%s/%s", t->step, name) < 0) {
		t->path = NULL;
		return sb_no_memory(err);
	}
	if (!mkdirat(t->step_fd, name, 0700) || errno == EEXIST)
		t->fd = openat(t->step_fd, name,
			       O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (t->fd < 0)
		return sb_fail(err, SB_FAIL, "step directory %s: %s", t->path,
			       strerror(errno));
	return 0;
}

int sb_taskdir_touch(const struct sb_taskdir *t, const char *name,
		     struct sb_err *err)
{
	int fd = openat(t->fd, name,
			O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
			0600);

	if (fd < 0)
		return sb_fail(err, SB_FAIL, "step directory %s: %s: %s",
			       t->path, name, strerror(errno));
	close(fd);
	return 0;
}

int sb_taskdir_step(struct sb_taskdir *t, const char *step, struct sb_err *err)
{
	*t = (struct sb_taskdir)SB_TASKDIR_NONE;
	if (step && !(t->step = strdup(step)))
		return sb_no_memory(err);
	if (!step && make_temporary(t, err) < 0)
		return -1;
	return open_step(t, err);
}

int sb_taskdir_open(struct sb_taskdir *t, const char *step, unsigned int task,
		    struct sb_err *err)
{
	if (sb_taskdir_step(t, step, err) < 0)
		return -1;
	return sb_taskdir_make(t, task, 0, err);
}

void sb_taskdir_close(struct sb_taskdir *t)
{
	if (t->temporary && t->step_fd >= 0) {
		struct sb_reap all = {
			.name = "", .task = -1, .keep_files = t->keep};

		/* What they name has ended, or is this very process. */
		if (t->fd >= 0) {
			unlinkat(t->fd, SB_FILE_STATE, 0);
			unlinkat(t->fd, SB_FILE_PID, 0);
		}
		sb_reap(t->step_fd, -1, &all);
		if (!t->keep)
			rmdir(t->step);
	}
	sb_cleanup_fd(&t->fd);
	sb_cleanup_fd(&t->step_fd);
	sb_cleanup_free(&t->step);
	sb_cleanup_free(&t->path);
	sb_cleanup_fd(&t->lock);
	*t = (struct sb_taskdir)SB_TASKDIR_NONE;
}

int sb_taskdir_first(const struct sb_taskdir *t, const char *text)
{
	uint64_t h = 14695981039346656037ULL; /* FNV-1a */
	char name[32];
	int fd;

	if (t->step_fd < 0)
		return 1;
	for (const unsigned char *p = (const void *)text; *p; p++)
		h = (h ^ *p) * 1099511628211ULL;
	snprintf(name, sizeof(name), "said-%016llx", (unsigned long long)h);
	fd = openat(t->step_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
		    0600);
	if (fd >= 0)
		close(fd);
	return fd >= 0 || errno != EEXIST;
}
