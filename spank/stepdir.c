/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Root's side of the step directory. */
#define _GNU_SOURCE
#include "stepdir.h"

#include "contract.h"
#include "owner.h"
#include "proc.h"
#include "reap.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define TRASH_DIR ".trash"
#define KEPT_DIR ".kept"
#define OPEN_DIR (O_PATH | O_DIRECTORY | O_CLOEXEC)
/* A user's tree is emptied within this time, or tried again later. */
#define REAP_MS 10000
/* A record older than this that is not in place will never be. */
#define NEW_SECONDS 60
#define TRASH_NAME 80

/* ---- root's own directories ---- */

/* One step down, for root's eyes: nobody else may have made or can change what
 * lies there. A symbolic link (/var/run) is followed if root made it. */
static int step_down(int at, const char *name, int create, mode_t mode)
{
	struct stat st;
	int fd;

	if (fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno != ENOENT || !create)
			return -1;
		if (!mkdirat(at, name, mode)) {
			/* slurmstepd's effective group here may be the job's,
			 * and slurmd's umask anything. */
			(void)!fchownat(at, name, 0, 0, AT_SYMLINK_NOFOLLOW);
			(void)!fchmodat(at, name, mode, 0);
		} else if (errno != EEXIST) {
			return -1;
		}
		if (fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			return -1;
	}
	if (st.st_uid) {
		errno = EPERM;
		return -1;
	}
	fd = openat(at, name,
		    OPEN_DIR | (S_ISLNK(st.st_mode) ? 0 : O_NOFOLLOW));
	if (fd < 0)
		return -1;
	if (fstat(fd, &st) < 0 || st.st_uid || st.st_mode & 022) {
		close(fd);
		errno = EPERM;
		return -1;
	}
	return fd;
}

static int open_trash(int node)
{
	return step_down(node, TRASH_DIR, 1, 0700);
}

/* Whoever asks which steps are here reads it, hence its mode. */
static int open_records(int node)
{
	return step_down(node, SB_OWNER_DIR, 1, 0755);
}

static int fail_path(struct sb_err *err, const char *path, size_t len)
{
	int saved = errno;

	sb_fail(err, SB_FAIL, "ContainerPath %.*s: %s", (int)len, path,
		errno == EPERM ? "must be root's and writable by root alone"
			       : strerror(errno));
	errno = saved;
	return -1;
}

int sb_stepdir_open_node(const char *path, const char *node, int create,
			 struct sb_err *err)
{
	char part[NAME_MAX + 1], whole[PATH_MAX];
	const char *p = whole;
	int at, next;

	if (snprintf(whole, sizeof(whole), "%s/%s", path, node) >=
	    (int)sizeof(whole))
		return sb_fail(err, SB_FAIL, "ContainerPath: too long");
	at = open("/", OPEN_DIR);
	while (at >= 0 && *(p += strspn(p, "/"))) {
		size_t len = strcspn(p, "/");
		/* In a node's directory .owner alone is for all to list. */
		int last = !p[len + strspn(p + len, "/")];

		if (len >= sizeof(part)) {
			close(at);
			return sb_fail(err, SB_FAIL, "ContainerPath: too long");
		}
		memcpy(part, p, len);
		part[len] = '\0';
		p += len;
		next = step_down(at, part, create, last ? 0711 : 0755);
		close(at);
		at = next;
	}
	return at < 0 ? fail_path(err, whole, p - whole) : at;
}

static DIR *list(int dir)
{
	int fd = dir < 0 ? -1
			 : openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (!d && fd >= 0)
		close(fd);
	return d;
}

/* ---- the record of who made it ---- */

static int owner_write(int node, const char *name, const struct sb_user *user)
{
	char text[256], tmp[64];
	int dir, fd, len, rc = -1;

	len = sb_owner_line(text, sizeof(text), user->uid, user->gid);
	snprintf(tmp, sizeof(tmp), "%.48s" SB_OWNER_NEW, name);
	dir = open_records(node);
	if (dir < 0)
		return -1;
	fd = openat(dir, tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd >= 0) {
		/* Whatever slurmd's umask is. */
		if (write(fd, text, len) == len && !fchmod(fd, 0644))
			rc = 0;
		if (close(fd) < 0)
			rc = -1;
		if (rc || renameat(dir, tmp, dir, name) < 0) {
			int saved = errno;

			unlinkat(dir, tmp, 0);
			errno = saved;
			rc = -1;
		}
	}
	close(dir);
	return rc;
}

static void owner_forget(int node, const char *name)
{
	int dir = open_records(node);

	if (dir < 0)
		return;
	unlinkat(dir, name, 0);
	close(dir);
}

/* ---- what is kept ---- */

/* Moves the record of a directory that stays out of the nets' sight, or back.
 * Returns 0, or -1 with errno set. */
static int keep_record(int node, const char *name, int back)
{
	int kept = step_down(node, KEPT_DIR, !back, 0755);
	int dir = kept < 0 ? -1 : open_records(node);
	int rc = -1;

	if (dir >= 0)
		rc = back ? renameat(kept, name, dir, name)
			  : renameat(dir, name, kept, name);
	if (kept >= 0)
		close(kept);
	if (dir >= 0)
		close(dir);
	return rc;
}

/* ---- make ---- */

/* The time, for names. */
static unsigned long long stamp(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

/* Moves a directory and its record to the trash, under a name of their own: a
 * requeued job may have the same one again. */
static int to_trash(int node, const char *name)
{
	int trash = open_trash(node);
	int dir = open_records(node);
	char to[TRASH_NAME];
	int rc = -1, saved;

	snprintf(to, sizeof(to), "%.47s.%llx", name, stamp());
	if (trash >= 0 && dir >= 0 &&
	    (!renameat(dir, name, dir, to) || errno == ENOENT)) {
		rc = renameat(node, name, trash, to);
		saved = errno;
		/* Busy: with a user's mount on it, it stays where it is, and so
		 * must its record, or nobody would know of it any more. */
		if (rc < 0)
			renameat(dir, to, dir, name);
	} else {
		saved = errno;
	}
	if (trash >= 0)
		close(trash);
	if (dir >= 0)
		close(dir);
	errno = saved;
	return rc;
}

/* A record that is being written, or that was when the machine stopped: its
 * name does not end as that of any other. */
static int is_new(const char *name)
{
	size_t len = strlen(name), end = strlen(SB_OWNER_NEW);

	return len > end && !strcmp(name + len - end, SB_OWNER_NEW);
}

/* Trash has the time of its move as fourth part of its name. */
static int is_trash(const char *name)
{
	int dots = 0;

	for (; *name; name++)
		dots += *name == '.';
	return dots == 3;
}

static int make_owned(int node, const char *name, const struct sb_user *user)
{
	int fd;

	if (mkdirat(node, name, 0700) < 0)
		return -1;
	fd = openat(node, name,
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0 && !fchmod(fd, 0700) && !fchown(fd, user->uid, user->gid))
		return fd;
	if (fd >= 0)
		close(fd);
	unlinkat(node, name, AT_REMOVEDIR);
	return -1;
}

/* Puts what a dead slurmstepd left under this name aside. With a user's mount
 * on it, it cannot be moved, and is not asked what it is. */
static int make_room(int node, const char *name)
{
	int dir, alive, fd = sb_owner_open(node, name);
	struct sb_owner o;

	if (fd < 0 && errno == EXDEV)
		errno = EBUSY;
	if (fd < 0)
		return errno == ENOENT ? 0 : -1;
	close(fd);
	keep_record(node, name, 1);
	dir = open_records(node);
	alive = dir >= 0 && !sb_owner_read(dir, name, &o) && !sb_owner_dead(&o);
	if (dir >= 0)
		close(dir);
	if (alive) {
		errno = EEXIST;
		return -1;
	}
	return to_trash(node, name);
}

int sb_stepdir_make(struct sb_stepdir *sd, uint32_t job, uint32_t step,
		    uint32_t restart, const struct sb_user *user,
		    struct sb_err *err)
{
	snprintf(sd->name, sizeof(sd->name), "%u.%u.%u", job, step, restart);
	if (make_room(sd->node, sd->name) < 0 ||
	    owner_write(sd->node, sd->name, user) < 0)
		return sb_fail(err, SB_FAIL, "step directory %s: %s", sd->name,
			       strerror(errno));
	sd->fd = make_owned(sd->node, sd->name, user);
	if (sd->fd < 0) {
		int saved = errno;

		owner_forget(sd->node, sd->name);
		return sb_fail(err, SB_FAIL, "step directory %s: %s", sd->name,
			       strerror(saved));
	}
	return 0;
}

/* ---- remove ---- */

static int open_user_dir(int node, const struct sb_user *user)
{
	char name[32];
	struct stat st;
	int fd;

	snprintf(name, sizeof(name), SB_USER_DIR, user->uid);
	fd = make_owned(node, name, user);
	if (fd < 0 && errno == EEXIST)
		fd = sb_owner_open(node, name);
	if (fd >= 0 && (fstat(fd, &st) < 0 || st.st_uid != user->uid)) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Until end, with all that a child which is late takes. */
static int try_reap(int fd, int extra, struct sb_reap *r,
		    const struct sb_user *user, long long end, char *text)
{
	long long left = end - sb_now_ms() - SB_ASUSER_LATE_MS;

	return sb_asuser(user, fd, extra, sb_reap, r, left > 0 ? left : 1,
			 text);
}

/* Before what the child has said, which may have filled it. */
static void add_line(char *text, const char *line)
{
	char said[SB_REPORT_MAX + 1];

	snprintf(said, sizeof(said), "%s", text);
	snprintf(text, SB_REPORT_MAX + 1, "%s\n%.4000s", line, said);
}

static int reap(int node, int fd, struct sb_reap *r, const struct sb_user *user,
		long long end, char *text)
{
	int rc, extra;

	rc = try_reap(fd, -1, r, user, end, text);
	if (rc != SB_REAP_NEEDS_EXTRA)
		return rc;
	extra = open_user_dir(node, user);
	if (extra < 0)
		r->keep_deletes = SB_KEEP_NONE;
	else
		r->have_extra = 1;
	rc = try_reap(fd, extra, r, user, end, text);
	if (extra >= 0)
		close(extra);
	else
		add_line(text, "a RunTimeDelete could not be kept for later");
	return rc;
}

/* Whether there is a record of one of the user's steps, or of what was left of
 * one. */
static int has_step(int node, uid_t uid)
{
	int records = open_records(node), has = 0;
	DIR *d = list(records);
	struct sb_owner o;
	struct dirent *e;

	while (d && !has && (e = readdir(d)))
		has = !sb_owner_read(records, e->d_name, &o) && o.uid == uid;
	if (d)
		closedir(d);
	if (records >= 0)
		close(records);
	return has;
}

/* Removes it if nothing is pending. What else the user has in it goes when his
 * last step has. Returns -1 if that takes too long. */
static int drop_user_dir(int node, uid_t uid, long long end)
{
	struct sb_reap r = {.name = "", .task = SB_REAP_PENDING};
	char name[32], text[SB_REPORT_MAX + 1];
	struct sb_user user = {.uid = uid};
	struct stat st;
	int fd, rc = 0;

	snprintf(name, sizeof(name), SB_USER_DIR, uid);
	if (!unlinkat(node, name, AT_REMOVEDIR) ||
	    (errno != ENOTEMPTY && errno != EEXIST) || has_step(node, uid))
		return 0;
	fd = sb_owner_open(node, name);
	if (fd < 0)
		return 0;
	if (!fstat(fd, &st) && st.st_uid == uid) {
		user.gid = st.st_gid;
		rc = try_reap(fd, -1, &r, &user, end, text);
	}
	close(fd);
	unlinkat(node, name, AT_REMOVEDIR);
	return rc < 0 ? -1 : 0;
}

/* Those that failed are to be repeated in any case. */
static enum sb_keep which(int keep_deletes)
{
	return keep_deletes ? SB_KEEP_ALL : SB_KEEP_FAILED;
}

int sb_stepdir_remove(struct sb_stepdir *sd, const struct sb_user *user,
		      int keep_deletes, char *text)
{
	struct sb_reap r = {.name = sd->name,
			    .task = SB_REAP_ALL,
			    .keep_deletes = which(keep_deletes)};
	long long end = sb_now_ms() + REAP_MS;
	int rc = -1;

	reap(sd->node, sd->fd, &r, user, end, text);
	close(sd->fd);
	sd->fd = -1;
	if (!unlinkat(sd->node, sd->name, AT_REMOVEDIR) || errno == ENOENT) {
		owner_forget(sd->node, sd->name);
		rc = 0;
	} else {
		to_trash(sd->node, sd->name);
	}
	drop_user_dir(sd->node, user->uid, end);
	return rc;
}

int sb_stepdir_keep(struct sb_stepdir *sd, const struct sb_user *user,
		    int keep_deletes, char *text)
{
	struct sb_reap r = {.name = sd->name,
			    .task = SB_REAP_ALL,
			    .keep_deletes = which(keep_deletes),
			    .keep_files = 1};
	long long end = sb_now_ms() + REAP_MS;
	int rc = reap(sd->node, sd->fd, &r, user, end, text);

	close(sd->fd);
	sd->fd = -1;
	/* What does not end is the nets' to try again. */
	if (rc == SB_REAP_DONE)
		rc = keep_record(sd->node, sd->name, 0);
	else
		rc = -1;
	drop_user_dir(sd->node, user->uid, end);
	return rc;
}

/* ---- the nets ---- */

struct sweep {
	struct sb_sweep *s; /* the caller's */
	int node, records, trash;
	/* In between the sweep has put something to the trash itself. */
	unsigned long long from, to;
};

/* Removes what is empty by now, or has its record say that it stays. */
static int settle(const struct sweep *w, int parent, const char *name, int keep,
		  int rc)
{
	if (keep && rc == SB_REAP_DONE && !keep_record(w->node, name, 0))
		return SB_STEPDIR_KEPT;
	if (!unlinkat(parent, name, AT_REMOVEDIR) || errno == ENOENT) {
		owner_forget(w->node, name);
		return SB_STEPDIR_GONE;
	}
	if (parent == w->node && !keep)
		to_trash(w->node, name);
	return SB_STEPDIR_LEFT;
}

/* When one directory's time is up. Those of a job are one user's; else there
 * are others, who shall have theirs. */
static long long end_of_one(const struct sb_sweep *s)
{
	long long now = sb_now_ms(), left = s->end ? s->end - now : LLONG_MAX;

	if (!s->job)
		left /= 2;
	return now + (left < REAP_MS ? left : REAP_MS);
}

/* Whether a child could still be made, and what it does be waited for. */
static int has_time(const struct sb_sweep *s)
{
	return s->nslow < SB_SWEEP_USERS &&
	       (!s->end || sb_now_ms() + 2LL * SB_ASUSER_LATE_MS < s->end);
}

static int is_slow(const struct sb_sweep *s, uid_t uid)
{
	for (int i = 0; i < s->nslow; i++)
		if (s->slow[i] == uid)
			return 1;
	return 0;
}

static void sweep_one(const struct sweep *w, int parent, const char *name,
		      const struct sb_owner *o)
{
	struct sb_user user = {.uid = o->uid, .gid = o->gid};
	int keep = w->s->keep && parent == w->node;
	struct sb_reap r = {.name = name,
			    .task = SB_REAP_ALL,
			    .keep_deletes = SB_KEEP_ALL,
			    .keep_files = keep};
	char text[SB_REPORT_MAX + 1] = "";
	int fd = sb_owner_open(parent, name);
	struct stat st;
	int rc = 0;

	if (fd < 0 && errno == ENOENT) {
		owner_forget(w->node, name);
		return;
	}
	if (fd >= 0) {
		if (!fstat(fd, &st) && st.st_uid == o->uid)
			rc = reap(w->node, fd, &r, &user, end_of_one(w->s),
				  text);
		close(fd);
	}
	w->s->found(name, settle(w, parent, name, keep, rc), text);
	if (rc < 0 || drop_user_dir(w->node, o->uid, end_of_one(w->s)) < 0)
		w->s->slow[w->s->nslow++] = o->uid;
}

/* The owner by its record. One that is not whole is of before a crash of the
 * machine, as each is renamed into place: then the directory tells whose it
 * is. */
static int read_owner(int dir, int parent, const char *name, struct sb_owner *o)
{
	struct stat st = {.st_uid = 0};
	int fd;

	if (!sb_owner_read(dir, name, o))
		return 0;
	if (!sb_owner_torn(dir, name))
		return -1;
	fd = sb_owner_open(parent, name);
	if (fd >= 0) {
		fstat(fd, &st);
		close(fd);
	}
	*o = (struct sb_owner){.uid = st.st_uid, .gid = st.st_gid};
	return 0;
}

static int of_job(const char *name, uint32_t job)
{
	char prefix[16];

	if (!job)
		return 1;
	snprintf(prefix, sizeof(prefix), "%u.", job);
	return !strncmp(name, prefix, strlen(prefix));
}

/* Removes a record that nobody is writing any more: that takes no minute. */
static void drop_new(const struct sweep *w, const char *name)
{
	struct stat st;

	if (!fstatat(w->records, name, &st, AT_SYMLINK_NOFOLLOW) &&
	    time(NULL) - st.st_mtime > NEW_SECONDS)
		unlinkat(w->records, name, 0);
}

/* Whether what has this name was put to the trash by another than the sweep,
 * which has tried it just now. */
static int is_old_trash(const struct sweep *w, const char *name)
{
	unsigned long long at = strtoull(strrchr(name, '.') + 1, NULL, 16);

	return at < w->from || at > w->to;
}

/* Whether the record is one for this pass, with o set. */
static int is_due(const struct sweep *w, const char *name, int trash,
		  struct sb_owner *o)
{
	return *name != '.' && is_trash(name) == trash &&
	       of_job(name, w->s->job) &&
	       !read_owner(w->records, trash ? w->trash : w->node, name, o) &&
	       (trash ? is_old_trash(w, name) : sb_owner_dead(o));
}

/* Returns 0, or -1 where there is no time for more. */
static int sweep_records(const struct sweep *w, DIR *d, int trash)
{
	struct sb_sweep *s = w->s;
	struct dirent *e;

	while ((e = readdir(d))) {
		struct sb_owner o;

		if (is_new(e->d_name)) {
			drop_new(w, e->d_name);
			continue;
		}
		if (!is_due(w, e->d_name, trash, &o))
			continue;
		if (is_slow(s, o.uid)) {
			s->skipped++;
			continue;
		}
		if (!has_time(s)) {
			s->skipped++;
			return -1;
		}
		sweep_one(w, trash ? w->trash : w->node, e->d_name, &o);
	}
	return 0;
}

/* What users have left where their pending records are. */
static void sweep_users(const struct sweep *w, DIR *d)
{
	struct sb_sweep *s = w->s;
	struct dirent *e;

	while ((e = readdir(d))) {
		char name[32];
		uid_t uid;

		if (sscanf(e->d_name, SB_USER_DIR, &uid) != 1)
			continue;
		snprintf(name, sizeof(name), SB_USER_DIR, uid);
		if (strcmp(name, e->d_name))
			continue;
		if (!has_time(s))
			return;
		if (!is_slow(s, uid) &&
		    drop_user_dir(w->node, uid, end_of_one(s)) < 0)
			s->slow[s->nslow++] = uid;
	}
}

void sb_stepdir_sweep(int node, struct sb_sweep *s)
{
	struct sweep w = {
		.s = s,
		.node = node,
		.records = open_records(node),
		.trash = open_trash(node),
		.from = stamp(),
	};
	DIR *d = list(w.records);

	if (d && w.trash >= 0 && !sweep_records(&w, d, 0)) {
		w.to = stamp();
		rewinddir(d);
		sweep_records(&w, d, 1);
	}
	if (d)
		closedir(d);
	d = s->job ? NULL : list(node);
	if (d)
		sweep_users(&w, d);
	if (d)
		closedir(d);
	if (w.trash >= 0)
		close(w.trash);
	if (w.records >= 0)
		close(w.records);
}

void sb_stepdir_unkeep(int node, uint32_t job)
{
	int kept = step_down(node, KEPT_DIR, 0, 0);
	DIR *d = list(kept);
	struct dirent *e;

	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.' && of_job(e->d_name, job))
			keep_record(node, e->d_name, 1);
	if (d)
		closedir(d);
	if (kept >= 0)
		close(kept);
	unlinkat(node, KEPT_DIR, AT_REMOVEDIR); /* fails while it holds any */
}

/* ---- many places ---- */

struct walk {
	char path[PATH_MAX];
	size_t len;
	void (*fn)(void *arg, char *path);
	void *arg;
};

static void walk(struct walk *w, int at, const char *rest);

static void enter(struct walk *w, int at, const char *name, const char *rest)
{
	size_t len = w->len, more = strlen(name) + 1;
	int fd;

	if (len + more >= sizeof(w->path))
		return;
	fd = step_down(at, name, 0, 0);
	if (fd < 0)
		return;
	w->path[len] = '/';
	memcpy(w->path + len + 1, name, more);
	w->len += more;
	walk(w, fd, rest);
	w->len = len;
	w->path[len] = '\0';
	close(fd);
}

/* Takes the backslashes of a pattern without wildcards away. Returns 0 where
 * it has some. */
static int is_plain(char *part)
{
	char *to = part;

	for (const char *p = part; *p; p++) {
		if (strchr("*?[", *p))
			return 0;
		if (*p == '\\' && p[1])
			p++;
		*to++ = *p;
	}
	*to = '\0';
	return 1;
}

static void walk(struct walk *w, int at, const char *rest)
{
	char part[2 * NAME_MAX + 1], plain[sizeof(part)];
	struct dirent *e;
	size_t len;
	DIR *d;

	rest += strspn(rest, "/");
	len = strcspn(rest, "/");
	if (!len)
		w->fn(w->arg, w->path);
	if (!len || len >= sizeof(part))
		return;
	memcpy(part, rest, len);
	part[len] = '\0';
	memcpy(plain, part, len + 1);
	if (is_plain(plain)) {
		enter(w, at, plain, rest + len);
		return;
	}
	d = list(at);
	while (d && (e = readdir(d)))
		if (!fnmatch(part, e->d_name, FNM_PERIOD))
			enter(w, at, e->d_name, rest + len);
	if (d)
		closedir(d);
}

void sb_stepdir_each(const char *pattern, void (*fn)(void *arg, char *path),
		     void *arg)
{
	struct walk w = {.fn = fn, .arg = arg};
	int top = open("/", OPEN_DIR);

	if (top < 0)
		return;
	walk(&w, top, pattern);
	close(top);
}

/* Every one on the way was root's alone when it was opened, and is: names are
 * as good as descriptors. */
void sb_stepdir_prune(const char *path, const char *node, int levels)
{
	static const char *const own[] = {"/" KEPT_DIR, "/" TRASH_DIR,
					  "/" SB_OWNER_DIR, ""};
	char dir[PATH_MAX];
	size_t len;

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
		if (snprintf(dir, sizeof(dir), "%s/%s%s", path, node, own[i]) >=
		    (int)sizeof(dir))
			return;
		if (rmdir(dir) < 0 && errno != ENOENT)
			return;
	}
	snprintf(dir, sizeof(dir), "%s", path);
	for (len = strlen(dir); levels > 0 && len; levels--) {
		while (len && dir[len - 1] == '/')
			dir[--len] = '\0';
		if (rmdir(dir) < 0 && errno != ENOENT)
			return;
		while (len && dir[len - 1] != '/')
			dir[--len] = '\0';
	}
}
