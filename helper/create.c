/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes and starts a container by RunTimeCreate and RunTimeStart. */
#define _GNU_SOURCE
#include "create.h"

#include "../spank/contract.h"
#include "../spank/proc.h"
#include "json.h"
#include "mem.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

/* Seconds. Making a container may read a cold network file system. */
#define CREATE_SECONDS 60
#define START_SECONDS 30
#define QUERY_SECONDS 10
#define KILL_SECONDS 5
#define MAX_CHILDREN 64

/* A runtime's words: "state" (runtime-spec, runtime.md) has the pid. Returns 0
 * if it has none, -1 with err set if there is no memory to ask. */
static pid_t query_pid(const struct sb_create *c, struct sb_err *err)
{
	struct sb_proc self, p;
	char out[65536];
	struct sb_json doc;
	json_int_t pid;
	int rc;

	errno = 0;
	rc = sb_runtime_do(c->rt, SB_OP_QUERY, &c->mask, QUERY_SECONDS, out,
			   sizeof(out), err);
	if (!rc)
		rc = sb_json_parse(&doc, out, strlen(out), err);
	if (rc)
		return rc < 0 && errno == ENOMEM ? -1 : 0;
	pid = json_integer_value(json_object_get(doc.root, "pid"));
	sb_json_free(&doc);
	/* The container began after us; what is older is another's, and must
	 * not be taken for it and killed. */
	if (pid <= 1 || pid > INT_MAX || sb_proc_read(pid, &p) < 0 ||
	    sb_proc_read(getpid(), &self) < 0 || p.start < self.start)
		return 0;
	return pid;
}

static int read_proc(pid_t pid, const char *name, char *text, size_t size)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	return sb_proc_slurp(AT_FDCWD, path, text, size) > 0 ? 0 : -1;
}

/* What create left to us, its subreaper: the container's process. Only if that
 * is not plain is the runtime asked. */
static int find_container(struct sb_create *c, struct sb_err *err)
{
	pid_t kids[MAX_CHILDREN];
	struct sb_proc p;
	int n;

	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	n = sb_proc_children(getpid(), kids, MAX_CHILDREN);
	c->pid = n == 1 ? kids[0] : query_pid(c, err);
	if (c->pid < 0) {
		c->pid = 0;
		return sb_wrap(err, "RunTimeQuery");
	}
	if (c->pid > 1)
		c->pidfd = syscall(SYS_pidfd_open, c->pid, 0);
	if (c->pid <= 1 || (c->pidfd < 0 && errno != ENOSYS) ||
	    sb_proc_read(c->pid, &p) < 0)
		return sb_fail(err, SB_FAIL,
			       "runtime: RunTimeCreate ended well, but there "
			       "is no container process (pid %d)",
			       c->pid);
	c->child = p.ppid == getpid();
	if (read_proc(c->pid, "comm", c->comm, sizeof(c->comm)) < 0)
		c->comm[0] = '\0';
	return 0;
}

/* Whether it can take signals, or is gone. */
static int takes_signals(const struct sb_create *c, int init)
{
	char comm[sizeof(c->comm)], status[4096];
	unsigned long long blocked = 0;
	const char *line;
	pid_t kid;

	if (read_proc(c->pid, "comm", comm, sizeof(comm)) < 0)
		return 1;
	if (!strcmp(comm, c->comm))
		return 0;
	if (!init || read_proc(c->pid, "status", status, sizeof(status)) < 0)
		return 1;
	line = strstr(status, "\nSigBlk:");
	if (!line || sscanf(line, " SigBlk: %llx", &blocked) != 1)
		return 1;
	/* While it waits for signals (sigwaitinfo(2)) none is blocked: then it
	 * has the command for a child. */
	return (blocked >> (SIGTERM - 1) & 1) ||
	       sb_proc_children(c->pid, &kid, 1) > 0;
}

void sb_create_await(const struct sb_create *c, int init)
{
	struct timespec nap = {.tv_nsec = 1000000};

	for (int i = 0; *c->comm && i < 1000 && !takes_signals(c, init); i++)
		nanosleep(&nap, NULL);
}

static int failed_call(const struct sb_create *c, enum sb_op op, int status,
		       struct sb_err *err)
{
	int code = WEXITSTATUS(status);

	if (status < 0)
		return sb_wrap(err, "%s", sb_conf_op_key(op));
	if (WIFSIGNALED(status))
		return sb_fail(err, SB_FAIL, "%s: %s was killed by signal %d",
			       sb_conf_op_key(op), c->report->runtime,
			       WTERMSIG(status));
	return sb_fail(err,
		       code == SB_NOENT || code == SB_NOEXEC ? code : SB_FAIL,
		       "%s: %s failed with exit code %d (its own message, if "
		       "any, is above)",
		       sb_conf_op_key(op), c->report->runtime, code);
}

/* What was made and does not start the runtime may end by its own means; its
 * word for that is not taken. */
static void end_by_runtime(const struct sb_create *c)
{
	struct sb_err ignored;
	char out[4096];

	sb_runtime_process(c->rt, c->child ? c->pid : 0);
	sb_runtime_do(c->rt, SB_OP_KILL, &c->mask, KILL_SECONDS, out,
		      sizeof(out), &ignored);
	sb_runtime_process(c->rt, 0);
}

static int create_and_start(struct sb_create *c, struct sb_err *err)
{
	int status = sb_runtime_do(c->rt, SB_OP_CREATE, &c->mask,
				   CREATE_SECONDS, NULL, 0, err);

	if (status)
		return failed_call(c, SB_OP_CREATE, status, err);
	c->report->created = sb_report_now();
	if (find_container(c, err) < 0)
		return -1;
	/* From here on slurmstepd can end it without us. */
	c->report->container = c->pid;
	if (sb_report_write(c->dir->fd, c->report, err) < 0)
		return sb_wrap(err, "step directory %s", c->dir->path);
	status = sb_runtime_do(c->rt, SB_OP_START, &c->mask, START_SECONDS,
			       NULL, 0, err);
	if (status)
		return failed_call(c, SB_OP_START, status, err);
	c->report->started = sb_report_now();
	return 0;
}

int sb_create(struct sb_create *c, struct sb_err *err)
{
	int rc;

	c->pid = 0;
	c->pidfd = -1;
	c->child = 0;
	c->comm[0] = '\0';
	rc = create_and_start(c, err);
	if (rc < 0 && c->pid > 1)
		end_by_runtime(c);
	return rc;
}

void sb_create_end(void (*reaped)(void *arg, pid_t pid, int status), void *arg)
{
	struct timespec nap = {.tv_nsec = 2000000};
	pid_t kids[MAX_CHILDREN], pid;
	int n = 1, status;

	for (int i = 0; n && i < 500; i++) {
		n = sb_proc_children(getpid(), kids, MAX_CHILDREN);
		for (int k = 0; k < n; k++)
			kill(kids[k], SIGKILL);
		while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
			if (reaped)
				reaped(arg, pid, status);
		if (n && i)
			nanosleep(&nap, NULL);
	}
}
