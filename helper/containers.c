/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The containers in a step's directory. */
#define _GNU_SOURCE
#include "containers.h"

#include "../spank/contract.h"
#include "../spank/proc.h"
#include "enter.h"
#include "mem.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* Of a list of processes: more than a node has tasks. */
#define MAX_LIST (1 << 20)
#define MAX_CHILDREN 64

/* ---- the report (report.c) ---- */

/* What is read of it. */
struct report {
	pid_t pid[2]; /* whatever serves or is the task */
	unsigned long long start[2];
	int n;
	pid_t container;
	unsigned int rank;
};

/* The text behind word at the beginning of a line, or NULL. */
static const char *behind(const char *line, const char *word)
{
	size_t len = strlen(word);

	return strncmp(line, word, len) ? NULL : line + len;
}

/* Copies what the user wrote, for people: root's terminal must not act on it.
 * Backslashes stay, as report.c has escaped its own. */
static void take_text(char *to, size_t size, const char *from)
{
	size_t n = 0, len;

	for (; *from; from += len) {
		char one[5] = "", out[16] = "\\";

		len = sb_utf8_char(from);
		len += !len;
		memcpy(one, from, len);
		if (*from != '\\')
			sb_escape(out, sizeof(out), one);
		if (n + strlen(out) >= size)
			break;
		n += snprintf(to + n, size - n, "%s", out);
	}
	to[n] = '\0';
}

static void take_runtime(struct sb_container *c, const char *s)
{
	char runtime[sizeof(c->runtime)] = "", mode[sizeof(c->mode)] = "";

	sscanf(s, "%31s %15s", runtime, mode);
	take_text(c->runtime, sizeof(c->runtime), runtime);
	take_text(c->mode, sizeof(c->mode), mode);
}

static void read_line(struct sb_container *c, struct report *r,
		      const char *line)
{
	const char *s;

	if ((s = behind(line, "pid ")) && r->n < 2 &&
	    sscanf(s, "%d %llu", &r->pid[r->n], &r->start[r->n]) == 2 &&
	    r->pid[r->n] > 1)
		r->n++;
	else if ((s = behind(line, "rank ")))
		r->rank = strtoul(s, NULL, 10);
	else if ((s = behind(line, "since ")))
		c->since = strtoll(s, NULL, 10);
	else if ((s = behind(line, "runtime ")))
		take_runtime(c, s);
	else if ((s = behind(line, "container ")))
		r->container = sb_proc_number(&s, INT_MAX);
	else if ((s = behind(line, "init ")))
		c->init = *s == '1';
	else if ((s = behind(line, "status ")))
		c->has_status = sscanf(s, "%d", &c->status) == 1;
	else if ((s = behind(line, "bundle ")))
		take_text(c->bundle, sizeof(c->bundle), s);
}

static void read_report(struct sb_container *c, struct report *r, int dir)
{
	char text[1024 + sizeof(c->bundle)], *next;

	*r = (struct report){.n = 0};
	if (sb_proc_slurp(dir, SB_FILE_STATE, text, sizeof(text)) <= 0)
		return;
	for (char *line = text; *line; line = next) {
		next = line + strcspn(line, "\n");
		if (*next)
			*next++ = '\0';
		read_line(c, r, line);
	}
}

/* ---- its processes ---- */

static int lives(pid_t pid, unsigned long long start)
{
	return pid > 1 && sb_proc_is(pid, start);
}

/* A process that began no earlier than the task, in a mount namespace other
 * than ours: a number alone may be another's by now. */
static int take(struct sb_container *c, pid_t pid, unsigned long long first)
{
	struct sb_proc p;

	if (pid <= 1 || sb_proc_read(pid, &p) < 0 || p.start < first ||
	    p.state == 'Z' || sb_proc_elsewhere(pid) != 1)
		return 0;
	c->pid = pid;
	c->start = p.start;
	return 1;
}

/* The container's process: the report's, the runtime's word, or the child that
 * the runtime has elsewhere. */
static void find_process(struct sb_container *c, const struct report *r,
			 int dir)
{
	pid_t kids[MAX_CHILDREN];
	char text[32];
	const char *s = text;
	int n;

	for (int i = 0; i < r->n; i++) {
		if (!lives(r->pid[i], r->start[i]))
			continue;
		if (r->pid[i] == r->container) {
			c->pid = r->pid[i];
			c->start = r->start[i];
		} else {
			c->server = r->pid[i];
			c->server_start = r->start[i];
		}
	}
	if (c->pid || r->container || !r->n)
		return;
	if (sb_proc_slurp(dir, SB_FILE_PID, text, sizeof(text)) > 0 &&
	    take(c, sb_proc_number(&s, INT_MAX), r->start[0]))
		return;
	n = c->server ? sb_proc_children(c->server, kids, MAX_CHILDREN) : 0;
	for (int i = 0; i < n; i++)
		if (take(c, kids[i], r->start[0]))
			return;
}

/* ---- tasks ---- */

static double now(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

/* Start times are in clock ticks since boot. */
static long long since_start(unsigned long long start)
{
	return now(CLOCK_REALTIME) - now(CLOCK_BOOTTIME) +
	       (double)start / sysconf(_SC_CLK_TCK);
}

/* mnt: the container's mount namespace; -1: unknown. */
static void look_inside(struct sb_ctask *t, int mnt)
{
	struct sb_proc p;

	if (!lives(t->pid, t->start)) {
		t->pid = 0;
		return;
	}
	if (mnt >= 0)
		t->inside = sb_enter_inside(mnt, t->pid, &t->inside_start);
	if (!t->inside) {
		t->inside = t->pid;
		t->inside_start = t->start;
	}
	if (!sb_proc_read(t->inside, &p))
		t->stopped = p.state == 'T';
}

static int add_task(struct sb_container *c, const struct sb_ctask *t, int mnt)
{
	struct sb_ctask *v = realloc(c->tasks, (c->n + 1) * sizeof(*v));

	if (!v)
		return -1;
	c->tasks = v;
	v[c->n] = *t;
	look_inside(&v[c->n++], mnt);
	return 0;
}

static int open_mnt(const struct sb_container *c)
{
	char path[64];

	if (!c->pid)
		return -1;
	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", c->pid);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static int by_rank(const void *a, const void *b)
{
	const struct sb_ctask *x = a, *y = b;

	return (x->rank > y->rank) - (x->rank < y->rank);
}

/* Those that have entered (join.c). */
static int read_joined(struct sb_container *c, int dir)
{
	_cleanup_free_ char *text = malloc(MAX_LIST);
	_cleanup_fd_ int mnt = open_mnt(c);
	const char *end;
	int rc = 0;

	if (!text)
		return -1;
	if (sb_proc_slurp(dir, SB_FILE_JOINED, text, MAX_LIST) <= 0)
		return 0;
	for (const char *s = text; !rc && *s; s = *end ? end + 1 : end) {
		struct sb_ctask t = {.pid = 0};

		end = s + strcspn(s, "\n");
		if (sscanf(s, "pid %d %llu %u %u", &t.pid, &t.start, &t.task,
			   &t.rank) != 4)
			continue;
		t.since = since_start(t.start);
		rc = add_task(c, &t, mnt);
	}
	if (c->n)
		qsort(c->tasks, c->n, sizeof(*c->tasks), by_rank);
	return rc;
}

/* ---- the whole ---- */

static int read_container(struct sb_container *c, int dir)
{
	struct sb_ctask own = {.pid = 0};
	struct sb_proc p;
	struct report r;
	pid_t kid;

	read_report(c, &r, dir);
	find_process(c, &r, dir);
	if (c->shared)
		return read_joined(c, dir);
	own.task = strtoul(c->name + strlen(SB_TASK_PREFIX), NULL, 10);
	own.rank = r.rank;
	own.pid = c->pid;
	own.start = c->start;
	own.since = c->since;
	if (add_task(c, &own, -1) < 0)
		return -1;
	/* Our init cannot stop with its command. */
	if (c->pid && c->init && sb_proc_children(c->pid, &kid, 1) == 1 &&
	    !sb_proc_read(kid, &p))
		c->tasks[0].stopped |= p.state == 'T';
	return 0;
}

static int is_container(const struct dirent *e)
{
	return !strncmp(e->d_name, SB_TASK_PREFIX, strlen(SB_TASK_PREFIX)) &&
	       strlen(e->d_name) < sizeof(((struct sb_container *)NULL)->name);
}

static int one(int dir, const char *name,
	       int (*fn)(const struct sb_container *, void *), void *arg,
	       struct sb_err *err)
{
	struct sb_container c = {.pid = 0};
	_cleanup_fd_ int fd = openat(
		dir, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	size_t len = strlen(name), suffix = strlen(SB_NODE_SUFFIX);
	int rc;

	if (fd < 0)
		return 0;
	snprintf(c.name, sizeof(c.name), "%s", name);
	c.shared = len > suffix && !strcmp(name + len - suffix, SB_NODE_SUFFIX);
	rc = read_container(&c, fd);
	rc = rc < 0 ? sb_no_memory(err) : fn(&c, arg);
	free(c.tasks);
	return rc;
}

int sb_containers_each(int dir, int (*fn)(const struct sb_container *, void *),
		       void *arg, struct sb_err *err)
{
	struct dirent **list;
	int n = scandirat(dir, ".", &list, is_container, versionsort), rc = 0;

	if (n < 0)
		return sb_fail(err, SB_FAIL, "step directory: %s",
			       strerror(errno));
	for (int i = 0; i < n; i++) {
		if (!rc)
			rc = one(dir, list[i]->d_name, fn, arg, err);
		free(list[i]);
	}
	free(list);
	return rc;
}

int sb_container_copy(struct sb_container *to, const struct sb_container *c)
{
	size_t size = c->n * sizeof(*c->tasks);

	*to = *c;
	to->tasks = malloc(size + !size);
	if (!to->tasks)
		return -1;
	memcpy(to->tasks, c->tasks ? c->tasks : to->tasks, size);
	return 0;
}

int sb_container_lives(const struct sb_container *c)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->tasks[i].pid)
			return 1;
	return c->pid || c->server;
}
