/* SPDX-License-Identifier: GPL-2.0-or-later */
/* stepbox ps: this node's containers. */
#define _GNU_SOURCE
#include "ps.h"

#include "../spank/contract.h"
#include "asowner.h"
#include "buf.h"
#include "containers.h"
#include "json.h"
#include "mem.h"
#include "passwd.h"
#include "target.h"
#include "verb.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

/* For the steps of one user. */
#define SECONDS 10

static const struct option ps_options[] = {
	{"all", no_argument, NULL, 'a'},
	{"json", no_argument, NULL, 'j'},
	{"conf", required_argument, NULL, 'c'},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static const char help[] =
	"usage: stepbox ps [-a] [--json] [--conf=PATH]\n"
	"Lists your containers on this node, a line per task; as root, "
	"everybody's.\n"
	"  -a, --all     also what has ended, while the step's directory is "
	"there\n"
	"  --json        an array of objects, for programs\n"
	"  --conf=PATH   the site's configuration (" SB_CONF_PATH ")\n";

struct ps {
	int all, json;
	const char *conf;
	const struct sb_step *step;
	char user[64];
	int out;   /* where to print */
	int lines; /* so many were */
};

/* ---- a task ---- */

/* What a line tells. Of a shared container that no task has entered, task is
 * NULL. */
struct line {
	const struct sb_container *c;
	const struct sb_ctask *task;
	const char *state;
	pid_t pid;
	long long since;
};

static const char *state_of(const struct line *l, int dead)
{
	const struct sb_container *c = l->c;
	pid_t pid = l->task ? l->task->pid : 0;

	if (pid || (!c->shared && c->server) || (!l->task && c->pid)) {
		if (dead)
			return "orphaned";
		if (pid)
			return l->task->stopped ? "suspended" : "running";
		return "starting";
	}
	return !l->task && c->server ? "starting" : "ended";
}

/* As sacct(1) has it: the exit code, and the signal that ended it. */
static const char *exit_of(const struct sb_container *c, char text[16])
{
	if (!c->has_status)
		return "-";
	snprintf(text, 16, "%d:%d",
		 WIFSIGNALED(c->status) ? 0 : WEXITSTATUS(c->status),
		 WIFSIGNALED(c->status) ? WTERMSIG(c->status) : 0);
	return text;
}

static const char *time_of(long long since, char text[32])
{
	time_t t = since;
	struct tm tm;

	if (!since || !localtime_r(&t, &tm) ||
	    !strftime(text, 32, "%Y-%m-%dT%H:%M:%S", &tm))
		return "-";
	return text;
}

static int print_text(struct ps *ps, const struct line *l)
{
	char id[48], step[32], pid[16] = "-", exit_code[16], since[32];
	const struct sb_container *c = l->c;

	sb_target_name(step, ps->step->job, ps->step->step);
	if (l->task)
		snprintf(id, sizeof(id), "%s.%u", step, l->task->rank);
	else
		snprintf(id, sizeof(id), "%s.-", step);
	if (l->pid)
		snprintf(pid, sizeof(pid), "%d", l->pid);
	return dprintf(ps->out,
		       "%-18s %-10s %-10s %-10s %-9s %7s %-19s %-6s %s\n", id,
		       sb_step_node(ps->step), ps->user,
		       *c->runtime ? c->runtime : "-", l->state, pid,
		       time_of(l->since, since), exit_of(c, exit_code),
		       *c->bundle ? c->bundle : "-") < 0
		       ? -1
		       : 0;
}

static json_t *describe(const struct ps *ps, const struct line *l)
{
	const struct sb_container *c = l->c;
	const struct sb_step *s = ps->step;
	char step[32];
	json_t *o = json_pack(
		"{s:I, s:I, s:s, s:o, s:i, s:s, s:I, s:s, s:s, s:s, s:s, s:b, "
		"s:s, s:i, s:i, s:I}",
		"job", (json_int_t)s->job, "step_id", (json_int_t)s->step,
		"step", sb_target_name(step, s->job, s->step), "task",
		l->task ? json_integer(l->task->rank) : json_null(), "restart",
		(int)s->restart, "node", sb_step_node(s), "uid",
		(json_int_t)s->owner.uid, "user", ps->user, "bundle", c->bundle,
		"runtime", c->runtime, "mode", c->mode, "shared", c->shared,
		"state", l->state, "pid", (int)l->pid, "container_pid",
		(int)c->pid, "since", (json_int_t)l->since);

	if (o && c->has_status && WIFSIGNALED(c->status))
		json_object_set_new(o, "signal",
				    json_integer(WTERMSIG(c->status)));
	else if (o && c->has_status)
		json_object_set_new(o, "exit",
				    json_integer(WEXITSTATUS(c->status)));
	return o;
}

static int print_json(struct ps *ps, const struct line *l)
{
	struct sb_json doc = {.root = describe(ps, l)};
	_cleanup_free_ char *text = NULL;
	struct sb_err err;
	size_t len;
	int rc = -1;

	if (doc.root)
		text = sb_json_dump(&doc, &len, &err);
	if (text)
		rc = dprintf(ps->out, "%s%s", ps->lines ? ",\n" : "", text) < 0
			     ? -1
			     : 0;
	sb_json_free(&doc);
	return rc;
}

static int print(struct ps *ps, struct line *l)
{
	const struct sb_container *c = l->c;
	int rc;

	l->state = state_of(l, ps->step->dead);
	l->pid = l->task && l->task->pid  ? l->task->pid
		 : !l->task && c->pid	  ? c->pid
		 : !c->shared || !l->task ? c->server
					  : 0;
	l->since = l->task ? l->task->since : c->since;
	if (!ps->all && !strcmp(l->state, "ended"))
		return 0;
	rc = ps->json ? print_json(ps, l) : print_text(ps, l);
	ps->lines += !rc;
	return rc;
}

/* ---- a step ---- */

static int one_container(const struct sb_container *c, void *arg)
{
	struct line l = {.c = c};
	int rc = 0;

	if (!c->n)
		return print(arg, &l);
	for (size_t i = 0; !rc && i < c->n; i++) {
		l.task = &c->tasks[i];
		rc = print(arg, &l);
	}
	return rc;
}

/* Returns whether lines were printed: as an exit status, all that gets out of
 * the child. */
static int one_step(int dir, int out, void *arg)
{
	struct ps *ps = arg;
	struct sb_err err;

	ps->out = out;
	sb_containers_each(dir, one_container, ps, &err);
	return ps->lines > 0;
}

static void name_user(struct ps *ps)
{
	static char *none[] = {NULL};
	uid_t uid = ps->step->owner.uid;
	struct sb_who who;
	struct sb_err err;

	snprintf(ps->user, sizeof(ps->user), "%u", uid);
	if (!sb_who_read(&who, "/etc", uid == geteuid() ? environ : none, uid,
			 ps->step->owner.gid, &err))
		sb_escape(ps->user, sizeof(ps->user), who.user);
	sb_who_free(&who);
}

static int list(struct ps *ps, const struct sb_steps *steps)
{
	struct sb_err err;
	int rc, failed = 0;

	if (ps->json)
		fputs("[", stdout);
	else
		printf("%-18s %-10s %-10s %-10s %-9s %7s %-19s %-6s %s\n",
		       "JOBID.STEP.TASK", "NODE", "USER", "RUNTIME", "STATE",
		       "PID", "SINCE", "EXIT", "BUNDLE");
	fflush(stdout);
	for (size_t i = 0; i < steps->n; i++) {
		ps->step = &steps->v[i];
		name_user(ps);
		rc = sb_asowner(ps->step, one_step, ps, SECONDS, &err);
		/* One that ends meanwhile is nobody's failure. */
		if (rc < 0 && errno != ENOENT)
			failed = sb_verb_failed("ps", &err);
		ps->lines += rc > 0;
	}
	if (ps->json)
		puts("]");
	return fflush(stdout) ? SB_FAIL : failed;
}

int sb_ps(int argc, char **argv)
{
	struct ps ps = {.conf = SB_CONF_PATH};
	struct sb_steps steps;
	struct sb_err err;
	int c, rc;

	while ((c = sb_verb_option(argc, argv, "+:ah", ps_options, &err)) > 0) {
		if (c == 'h')
			return fputs(help, stdout) < 0 ? SB_FAIL : 0;
		ps.all |= c == 'a';
		ps.json |= c == 'j';
		if (c == 'c')
			ps.conf = optarg;
	}
	rc = c;
	if (!rc && optind < argc)
		rc = sb_fail(&err, SB_FAIL, "%s: no such argument",
			     argv[optind]);
	if (rc < 0)
		return sb_verb_failed("ps", &err);
	rc = sb_verb_steps(&steps, ps.conf, &err);
	if (!rc)
		rc = list(&ps, &steps);
	else
		rc = sb_verb_failed("ps", &err);
	sb_steps_free(&steps);
	return rc;
}
