/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the child that has become the user does in a step directory. */
#define _GNU_SOURCE
#include "reap.h"

#include "contract.h"
#include "proc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Deeper directories are moved up and emptied there: descriptors and stack
 * are bounded, the user's trees are not. */
#define MAX_DEPTH 32

/* Records that a step may leave behind; more than a node has tasks. */
#define MAX_KEPT 1024

/* What the user's next container runs: pending.c reads no longer ones. */
#define MAX_RECORD 65536
#define MAX_RECORDS 1048576 /* all of them, bytes */

/* Of a list of processes; some 1,000 of them. */
#define MAX_LIST 32768

struct tree {
	int top;
	dev_t dev;
	unsigned int moved;
	int keep; /* so many records of layers: they may take longer */
};

static void say(int out, const char *a, const char *b, const char *c)
{
	char line[512];
	size_t n = 0;
	const char *parts[] = {a, b, c, "\n"};

	for (int i = 0; i < 4; i++)
		for (const char *s = parts[i]; *s && n < sizeof(line); s++)
			line[n++] = *s;
	while (n && write(out, line, n) < 0 && errno == EINTR)
		;
}

/* ---- ending processes ---- */

/* So long a container's own process may take to end by itself. */
#define PATIENCE_MS 300

struct ending {
	int out;
	const char *name;	  /* of the directory */
	int wait;		  /* it is about to end by itself */
	unsigned long long first; /* the first one's start; 0: none yet */
};

static int kill_named(const char *state, struct ending *e)
{
	int rc = 0;

	for (const char *s = state; s && *s; s = strchr(s, '\n')) {
		long long pid, start = -1;

		s += *s == '\n';
		if (strncmp(s, "pid ", 4))
			continue;
		s += 4;
		pid = sb_proc_number(&s, INT_MAX);
		if (pid > 0 && *s == ' ') {
			s++;
			start = sb_proc_number(&s, INT64_MAX);
		}
		if (start <= 0)
			continue;
		if (!e->first)
			e->first = start;
		if (e->wait && !sb_proc_wait(pid, start, PATIENCE_MS))
			continue;
		if (e->wait)
			say(e->out, e->name, ": did not end with its tasks",
			    "");
		if (sb_proc_kill(pid, start) < 0)
			rc = -1;
	}
	return rc;
}

/*
 * A runtime's pid file names no start time. A process that began no earlier
 * than the task did and lives in another mount namespace than we is the
 * container's, or one that the user put into a container with a reused pid
 * between the task's end and now.
 */
static int kill_pidfile(const char *text, unsigned long long first)
{
	struct sb_proc p;
	long long pid = sb_proc_number(&text, INT_MAX);

	if (pid <= 1 || !first || sb_proc_read(pid, &p) < 0 ||
	    p.start < first || sb_proc_elsewhere(pid) != 1)
		return 0;
	return sb_proc_kill(pid, p.start) < 0 ? -1 : 0;
}

/* wait: what holds and serves a container ends by itself, after its tasks. */
static int end_task(int taskdir, int out, const char *name, int wait)
{
	static const char *const lists[] = {SB_FILE_JOINED, SB_FILE_STATE,
					    SB_FILE_SERVERS};
	char state[MAX_LIST], pid[32];
	struct ending e = {.out = out, .name = name};
	int rc = 0;

	for (int i = 0; i < 3; i++) {
		e.wait = wait && i;
		if (sb_proc_slurp(taskdir, lists[i], state, sizeof(state)) >
			    0 &&
		    kill_named(state, &e) < 0)
			rc = -1;
	}
	if (sb_proc_slurp(taskdir, SB_FILE_PID, pid, sizeof(pid)) > 0 &&
	    kill_pidfile(pid, e.first) < 0)
		rc = -1;
	if (rc < 0)
		say(out, name, ": a process of its container does not end", "");
	return rc;
}

static int is_shared(const char *name)
{
	size_t len = strlen(name), suffix = strlen(SB_NODE_SUFFIX);

	return len > suffix && !strcmp(name + len - suffix, SB_NODE_SUFFIX);
}

static void tell_log(int taskdir, int out)
{
	char state[2048], *line = state, *end;

	if (sb_proc_slurp(taskdir, SB_FILE_STATE, state, sizeof(state)) <= 0)
		return;
	for (; *line; line = end + !!*end) {
		end = strchrnul(line, '\n');
		if (strncmp(line, "log ", 4))
			continue;
		if (*end)
			*end++ = '\0';
		say(out, line + 4, "", "");
		return;
	}
}

/* ---- the tree ---- */

typedef int entry_fn(int dir, const char *name, void *arg);

/* Calls fn for each entry of dir, by getdents64: readdir allocates. */
static int each_entry(int dir, entry_fn *fn, void *arg)
{
	char buf[2048] __attribute__((aligned(8)));
	int rc = 0;
	long len;

	while ((len = syscall(SYS_getdents64, dir, buf, sizeof(buf))) > 0) {
		for (long at = 0; at < len;) {
			struct dirent64 *d = (void *)(buf + at);

			at += d->d_reclen;
			if (!strcmp(d->d_name, ".") || !strcmp(d->d_name, ".."))
				continue;
			if (fn(dir, d->d_name, arg) < 0)
				rc = -1;
		}
	}
	return len < 0 ? -1 : rc;
}

/* Gives the user's own directory the permissions that the work needs. An
 * O_PATH descriptor takes no fchmod; by name a link could be in its place. */
static void allow(int path, const struct stat *st)
{
	char link[40];

	if ((st->st_mode & 0700) == 0700)
		return;
	sb_proc_name(link, "/proc/self/fd/", path);
	(void)!chmod(link, 0700);
}

/* Opens a directory for reading, without following a link, entering a mount or
 * leaving the file system, giving itself the permission where a mode takes it
 * away (as overlayfs does with its work directory). */
static int open_dir(int dir, const char *name, dev_t dev)
{
	int path = sb_proc_open(dir, name, O_PATH | O_DIRECTORY);
	struct stat st;
	int fd = -1;

	if (path < 0)
		return -1;
	if (!fstat(path, &st) && st.st_dev == dev) {
		allow(path, &st);
		fd = openat(path, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	close(path);
	return fd;
}

/* A regular file's, or -1: without following a link, and without asking a mount
 * what it is, which may be the user's own. */
static long long file_size(int dir, const char *name)
{
	int fd = sb_proc_open(dir, name, O_PATH);
	struct stat st;
	long long size = -1;

	if (fd < 0)
		return -1;
	if (!fstat(fd, &st) && S_ISREG(st.st_mode))
		size = st.st_size;
	close(fd);
	return size;
}

static int remove_entries(int fd, struct tree *t, int depth);

struct removal {
	struct tree *t;
	int depth;
};

static int move_up(int dir, const char *name, struct tree *t)
{
	char to[32];

	sb_proc_name(to, ".moved-", t->moved++);
	return renameat(dir, name, t->top, to);
}

/* Small ones only: what it is named does not make it a record. */
static int is_record(int dir, const char *name)
{
	long long size =
		strcmp(name, SB_FILE_LAYER) ? -1 : file_size(dir, name);

	return size >= 0 && size < PATH_MAX;
}

static int remove_entry(int dir, const char *name, void *arg)
{
	struct removal *r = arg;
	int fd, rc;

	if (r->t->keep > 0 && r->depth == 1 && is_record(dir, name)) {
		r->t->keep--;
		return -1;
	}
	if (!unlinkat(dir, name, 0) || errno == ENOENT)
		return 0;
	if (!unlinkat(dir, name, AT_REMOVEDIR))
		return 0;
	if (r->depth >= MAX_DEPTH)
		return move_up(dir, name, r->t);
	fd = open_dir(dir, name, r->t->dev);
	if (fd < 0)
		return -1;
	rc = remove_entries(fd, r->t, r->depth + 1);
	close(fd);
	return unlinkat(dir, name, AT_REMOVEDIR) < 0 ? -1 : rc;
}

static int remove_entries(int fd, struct tree *t, int depth)
{
	struct removal r = {.t = t, .depth = depth};
	int rc = each_entry(fd, remove_entry, &r);

	/* Some file systems skip entries when others vanish meanwhile. */
	if (rc < 0 && !lseek(fd, 0, SEEK_SET))
		rc = each_entry(fd, remove_entry, &r);
	return rc;
}

static int empty(int dir, int keep)
{
	struct tree t = {.top = dir, .keep = keep};
	struct stat st;
	unsigned int moved;
	int rc;

	if (fstat(dir, &st) < 0)
		return -1;
	t.dev = st.st_dev;
	do {
		moved = t.moved;
		if (lseek(dir, 0, SEEK_SET) < 0)
			return -1;
		rc = remove_entries(dir, &t, 0);
	} while (t.moved != moved && t.moved < 999999);
	return rc;
}

int sb_reap_tree(int parent, const char *name)
{
	struct stat st;
	int fd, rc;

	if (!*name || !strcmp(name, ".") || !strcmp(name, "..") ||
	    strchr(name, '/'))
		return -1;
	if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -1;
	if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid())
		return -1;
	fd = open_dir(parent, name, st.st_dev);
	if (fd < 0)
		return -1;
	rc = empty(fd, 0);
	close(fd);
	return unlinkat(parent, name, AT_REMOVEDIR) < 0 ? -1 : rc;
}

/* ---- what is kept for the user's next step ---- */

struct pending {
	struct tree t;
	int n; /* so many were found */
	long long bytes;
};

/* JOB.STEP.RESTART.task-*, as pass_keep_delete() makes them. */
static int is_pending_name(const char *name)
{
	for (int i = 0; i < 3; i++, name++)
		if (sb_proc_number(&name, UINT32_MAX) < 0 || *name != '.')
			return 0;
	return !strncmp(name, SB_TASK_PREFIX, strlen(SB_TASK_PREFIX));
}

static int tidy_entry(int dir, const char *name, void *arg)
{
	struct pending *p = arg;
	struct removal r = {.t = &p->t};
	long long size = is_pending_name(name) ? file_size(dir, name) : -1;

	if (size >= 0 && size <= MAX_RECORD && p->n < MAX_KEPT &&
	    p->bytes + size <= MAX_RECORDS) {
		p->n++;
		p->bytes += size;
		return 0;
	}
	return remove_entry(dir, name, &r);
}

/* The directory is the user's, who may put there what he likes, and stays when
 * his steps have gone: so nothing but records does, and no more than a step may
 * leave. */
static void tidy(int at)
{
	struct pending p = {.n = 0};
	struct stat st;
	unsigned int moved;
	int dir;

	if (fstat(at, &st) < 0)
		return;
	allow(at, &st);
	dir = openat(at, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return;
	p.t.top = dir;
	p.t.dev = st.st_dev;
	do {
		moved = p.t.moved;
		p.n = 0;
		p.bytes = 0;
		if (lseek(dir, 0, SEEK_SET) < 0)
			break;
		each_entry(dir, tidy_entry, &p);
	} while (p.t.moved != moved && p.t.moved < 999999);
	close(dir);
}

/* ---- all tasks of a step ---- */

struct pass {
	const struct sb_reap *r;
	dev_t dev;
	int out;
	int rc;
	int (*fn)(struct pass *p, int taskdir, const char *name);
};

static int task_entry(int dir, const char *name, void *arg)
{
	struct pass *p = arg;
	int fd;

	if (strncmp(name, SB_TASK_PREFIX, strlen(SB_TASK_PREFIX)))
		return 0;
	fd = open_dir(dir, name, p->dev);
	if (fd < 0)
		return 0;
	if (p->fn(p, fd, name) < 0)
		p->rc = -1;
	close(fd);
	return 0;
}

static int all_tasks(struct pass *p, int dir,
		     int (*fn)(struct pass *, int, const char *))
{
	p->fn = fn;
	p->rc = 0;
	if (lseek(dir, 0, SEEK_SET) < 0)
		return -1;
	each_entry(dir, task_entry, p);
	return p->rc;
}

static int pass_end(struct pass *p, int taskdir, const char *name)
{
	tell_log(taskdir, p->out);
	return end_task(taskdir, p->out, name, is_shared(name));
}

static int pass_end_shared(struct pass *p, int taskdir, const char *name)
{
	return is_shared(name) ? end_task(taskdir, p->out, name, 1) : 0;
}

/* A writable container's data lie elsewhere. The record stays until they are
 * gone: only it knows where. */
static int pass_layer(struct pass *p, int taskdir, const char *name)
{
	char path[PATH_MAX], *base;
	ssize_t n = sb_proc_slurp(taskdir, SB_FILE_LAYER, path, sizeof(path));
	struct stat st;
	int dir, rc = 0;

	base = n > 0 ? strrchr(path, '/') : NULL;
	if (!base || *path != '/' ||
	    strncmp(base + 1, SB_LAYER_PREFIX, strlen(SB_LAYER_PREFIX)))
		return 0;
	*base++ = '\0';
	dir = open(*path ? path : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return errno == ENOENT ? 0 : -1;
	/* What is not the user's own was not made by us. */
	if (!fstatat(dir, base, &st, AT_SYMLINK_NOFOLLOW) &&
	    S_ISDIR(st.st_mode) && st.st_uid == geteuid())
		rc = sb_reap_tree(dir, base);
	close(dir);
	if (rc < 0)
		say(p->out, name, ": its writable data cannot be removed", "");
	return rc;
}

static int pass_has_delete(struct pass *p, int taskdir, const char *name)
{
	(void)name;
	if (p->r->keep_deletes == SB_KEEP_ALL &&
	    file_size(taskdir, SB_FILE_DELETE) >= 0)
		return -1;
	return file_size(taskdir, SB_FILE_AGAIN) >= 0 ? -1 : 0;
}

static int pass_keep_delete(struct pass *p, int taskdir, const char *name)
{
	char to[128];
	size_t a = strlen(p->r->name), b = strlen(name);

	if (a + b + 2 > sizeof(to))
		return -1;
	memcpy(to, p->r->name, a);
	to[a] = '.';
	memcpy(to + a + 1, name, b + 1);
	if (p->r->keep_deletes == SB_KEEP_ALL &&
	    renameat(taskdir, SB_FILE_DELETE, SB_ASUSER_EXTRA, to) < 0 &&
	    errno != ENOENT)
		return -1;
	if (renameat(taskdir, SB_FILE_AGAIN, SB_ASUSER_EXTRA, to) < 0)
		return errno == ENOENT ? 0 : -1;
	return 0;
}

/* Whether the container in name is the step's by now, or was: where tasks have
 * entered it another may have taken its place since. */
static int is_theirs(int dir, int taskdir, const char *name)
{
	static const char ready[] = "ready ";
	char text[64];

	if (file_size(taskdir, SB_FILE_JOINED) > 0)
		return 1;
	if (sb_proc_slurp(dir, SB_FILE_SHARED, text, sizeof(text)) <= 0 ||
	    strncmp(text, ready, strlen(ready)))
		return 0;
	text[strlen(ready) + strcspn(text + strlen(ready), " \n")] = '\0';
	return !strcmp(text + strlen(ready), name);
}

static int reap_task(int dir, int out, long task)
{
	char name[48];
	struct stat st;
	int fd, rc = 0;

	sb_proc_name(name, SB_TASK_PREFIX, task);
	if (fstat(dir, &st) < 0)
		return SB_REAP_DONE;
	for (int i = 0; i < 2; i++) {
		if (i)
			memcpy(name + strlen(name), SB_NODE_SUFFIX,
			       sizeof(SB_NODE_SUFFIX));
		fd = open_dir(dir, name, st.st_dev);
		if (fd < 0)
			continue;
		if (!(i && is_theirs(dir, fd, name)) &&
		    end_task(fd, out, name, 0) < 0)
			rc = -1;
		close(fd);
	}
	return rc < 0 ? SB_REAP_LEFT : SB_REAP_DONE;
}

static int reap_step(int fd, int out, const struct sb_reap *r)
{
	struct pass p = {.r = r, .out = out};
	struct stat st;
	int rc;

	if (fstat(fd, &st) < 0)
		return SB_REAP_LEFT;
	p.dev = st.st_dev;
	if (r->task == SB_REAP_SHARED) {
		rc = all_tasks(&p, fd, pass_end_shared);
		return rc < 0 ? SB_REAP_LEFT : SB_REAP_DONE;
	}
	if (r->keep_deletes && !r->have_extra &&
	    all_tasks(&p, fd, pass_has_delete) < 0)
		return SB_REAP_NEEDS_EXTRA;
	rc = all_tasks(&p, fd, pass_end);
	if (r->have_extra)
		tidy(SB_ASUSER_EXTRA);
	if (r->keep_deletes && r->have_extra &&
	    all_tasks(&p, fd, pass_keep_delete) < 0)
		say(out, "a RunTimeDelete could not be kept for later", "", "");
	/* The rest of it first: a layer may take longer than we have. */
	if (!r->keep_files)
		empty(fd, MAX_KEPT);
	/* Its record stays where the data do. */
	if (all_tasks(&p, fd, pass_layer) < 0 ||
	    (!r->keep_files && empty(fd, 0) < 0))
		rc = -1;
	return rc < 0 ? SB_REAP_LEFT : SB_REAP_DONE;
}

int sb_reap(int dir, int out, void *arg)
{
	const struct sb_reap *r = arg;
	struct stat st;
	int fd, rc;

	if (!fstat(dir, &st))
		allow(dir, &st);
	if (r->task >= 0)
		return reap_task(dir, out, r->task);
	if (r->task == SB_REAP_PENDING) {
		tidy(dir);
		return SB_REAP_DONE;
	}
	fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return SB_REAP_LEFT;
	rc = reap_step(fd, out, r);
	close(fd);
	return rc;
}
