/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which job, step or task a verb is about. */
#define _GNU_SOURCE
#include "target.h"

#include "../spank/contract.h"
#include "../spank/proc.h"
#include "mem.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	uint32_t step;
} words[] = {
	{"batch", SB_STEP_BATCH},
	{"interactive", SB_STEP_INTERACTIVE},
};

/* Returns 0 with *s behind the number. */
static int number(const char **s, uint32_t *v)
{
	long long n = sb_proc_number(s, UINT32_MAX);

	*v = n;
	return n < 0 ? -1 : 0;
}

static int read_step(const char **s, uint32_t *step)
{
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		size_t len = strlen(words[i].name);

		if (!strncmp(*s, words[i].name, len)) {
			*s += len;
			*step = words[i].step;
			return 0;
		}
	}
	return number(s, step);
}

int sb_target_parse(struct sb_target *t, const char *text, struct sb_err *err)
{
	const char *s = text;
	int bad;

	*t = (struct sb_target){.job = 0};
	bad = number(&s, &t->job) < 0 || !t->job;
	if (!bad && *s == '.') {
		s++;
		t->has_step = 1;
		bad = read_step(&s, &t->step) < 0;
	}
	if (!bad && t->has_step && *s == '.') {
		s++;
		t->has_task = 1;
		bad = number(&s, &t->task) < 0;
	}
	if (bad || *s)
		return sb_fail(err, SB_FAIL,
			       "%s: not JOB[.STEP[.TASK]] (numbers; STEP may "
			       "be batch or interactive)",
			       text);
	return 0;
}

char *sb_target_name(char buf[32], uint32_t job, uint32_t step)
{
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (words[i].step == step) {
			snprintf(buf, 32, "%u.%s", job, words[i].name);
			return buf;
		}
	snprintf(buf, 32, "%u.%u", job, step);
	return buf;
}
