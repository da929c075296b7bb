/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The one task that a verb is about. */
#define _GNU_SOURCE
#include "find.h"

#include "../spank/contract.h"
#include "mem.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

struct search {
	struct sb_found *f;
	const struct sb_target *target;
	const struct sb_step *step;
	int dir;
	int here; /* this step has one */
};

static int is_better(const struct search *s, const struct sb_ctask *t)
{
	const struct sb_found *f = s->f;

	if (!t->pid || (s->target->has_task && t->rank != s->target->task))
		return 0;
	return !f->step || t->rank < f->task.rank;
}

static int look(const struct sb_container *c, void *arg)
{
	struct search *s = arg;

	for (size_t i = 0; i < c->n; i++) {
		if (!is_better(s, &c->tasks[i])) {
			s->here |= c->tasks[i].pid != 0;
			continue;
		}
		s->here = 1;
		free(s->f->c.tasks);
		if (sb_container_copy(&s->f->c, c) < 0)
			return -1;
		s->f->task = c->tasks[i];
		s->f->step = s->step;
		sb_cleanup_fd(&s->f->dir);
		s->f->dir = fcntl(s->dir, F_DUPFD_CLOEXEC, 3);
	}
	return 0;
}

static int matches(const struct sb_target *t, const struct sb_step *s)
{
	return t->job == s->job && (!t->has_step || t->step == s->step);
}

static int none(const struct sb_target *t, int here, struct sb_err *err)
{
	if (here)
		return sb_fail(err, SB_FAIL,
			       "task %u is not on this node (see stepbox ps)",
			       t->task);
	return sb_fail(err, SB_FAIL,
		       "job %u has no container of yours on this machine (see "
		       "stepbox ps; from elsewhere: srun --overlap --jobid=%u "
		       "-w NODE -n1 --pty stepbox exec ...)",
		       t->job, t->job);
}

/* Adds the step's name to the list of those that have a container here, once
 * for all nodes of the machine. */
static void add_name(char *names, size_t size, int *n, const struct sb_step *s)
{
	size_t at = strlen(names);
	char name[32], word[40];

	sb_target_name(name, s->job, s->step);
	snprintf(word, sizeof(word), "%s ", name);
	if (strstr(names, word) || at + strlen(word) >= size)
		return;
	snprintf(names + at, size - at, "%s", word);
	++*n;
}

/* Whether the caller may look into the step: what is there is its owner's, and
 * a program of his on root's terminal could type there. */
static int may_enter(const struct sb_step *s, struct sb_err *err)
{
	if (s->owner.uid == geteuid())
		return 0;
	return sb_fail(err, SB_FAIL,
		       "the container is another's: runuser -u '#%u' -- "
		       "stepbox exec ..., as he",
		       s->owner.uid);
}

int sb_find(struct sb_found *f, const struct sb_target *target,
	    const struct sb_steps *steps, struct sb_err *err)
{
	struct search s = {.f = f, .target = target};
	int n = 0, here = 0, rc = 0;
	char names[512] = "";

	*f = (struct sb_found){.dir = -1};
	for (size_t i = 0; !rc && i < steps->n; i++) {
		_cleanup_fd_ int dir = -1;

		if (!matches(target, &steps->v[i]))
			continue;
		if (may_enter(&steps->v[i], err) < 0)
			return -1;
		dir = sb_step_open(&steps->v[i]);
		if (dir < 0)
			continue;
		s.step = &steps->v[i];
		s.dir = dir;
		s.here = 0;
		rc = sb_containers_each(dir, look, &s, err);
		if (s.here)
			add_name(names, sizeof(names), &n, s.step);
		here |= s.here;
	}
	if (rc < 0)
		return rc;
	if (n > 1)
		return sb_fail(err, SB_FAIL,
			       "job %u has containers of several steps here: "
			       "name one of %s",
			       target->job, names);
	return f->step ? 0 : none(target, here, err);
}

void sb_found_free(struct sb_found *f)
{
	sb_cleanup_fd(&f->dir);
	free(f->c.tasks);
	*f = (struct sb_found){.dir = -1};
}
