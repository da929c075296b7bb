/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The task's report. */
#include "report.h"

#include "../spank/contract.h"
#include "../spank/proc.h"
#include "fdio.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

long long sb_report_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static void __attribute__((format(printf, 3, 4)))
add(char *text, size_t size, const char *fmt, ...)
{
	size_t n = strlen(text);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text + n, size - n, fmt, ap);
	va_end(ap);
}

static void add_pid(char *text, size_t size, pid_t pid)
{
	struct sb_proc p;

	if (pid > 0 && !sb_proc_read(pid, &p))
		add(text, size, "pid %d %llu\n", pid, p.start);
}

static void add_phase(char *text, size_t size, const char *what, long long from,
		      long long to)
{
	if (from && to)
		add(text, size, ", %s %lld.%lld ms", what,
		    (to - from) / 1000000, (to - from) / 100000 % 10);
}

void sb_report_line(const struct sb_report *r, char *text, size_t size)
{
	*text = '\0';
	if (r->shared)
		add(text, size, "%u tasks", r->shared);
	else
		add(text, size, "task %u", r->task);
	add(text, size, ": %s %s, pid %d", r->runtime, r->how,
	    r->container ? r->container : r->pid);
	add_phase(text, size, "prepared in", r->began, r->prepared);
	add_phase(text, size, "created in", r->prepared, r->created);
	add_phase(text, size, "started in", r->created, r->started);
	add_phase(text, size, "ran", r->started, r->ended);
	if (r->ended && WIFSIGNALED(r->status))
		add(text, size, ", killed by signal %d", WTERMSIG(r->status));
	else if (r->ended)
		add(text, size, ", exit code %d", WEXITSTATUS(r->status));
}

/* For `stepbox ps`. */
static void add_facts(char *text, size_t size, const struct sb_report *r)
{
	long long ago = (sb_report_now() - r->began) / 1000000000;
	char bundle[4 * PATH_MAX];

	add(text, size, "rank %u\nsince %lld\nruntime %s %s\n", r->rank,
	    (long long)time(NULL) - ago, r->runtime, r->how);
	if (r->ended)
		add(text, size, "status %d\n", r->status);
	else if (r->container)
		add(text, size, "container %d\n", r->container);
	add(text, size, "init %d\n", r->init);
	/* On one line, or it could name processes. */
	sb_escape(bundle, sizeof(bundle), r->bundle ? r->bundle : "");
	add(text, size, "bundle %s\n", bundle);
}

int sb_report_write(int taskdir, const struct sb_report *r, struct sb_err *err)
{
	char line[1024], text[sizeof(line) + 1024 + 4UL * PATH_MAX] = "";
	size_t size = sizeof(text);

	sb_report_line(r, line, sizeof(line));
	add(text, size, "log %s\n", line);
	if (!r->ended) {
		add_pid(text, size, r->pid);
		add_pid(text, size, r->container);
	}
	add_facts(text, size, r);
	return sb_fdio_write(taskdir, SB_FILE_STATE, text, strlen(text), err);
}
