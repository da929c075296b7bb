/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The helper's command line and its twins in the environment, both the user's
 * word; and what names a step to the verbs.
 *
 * Input: a byte (1: as `show`); a target; then strings: the variable behind a
 * '$', NAME=VALUE; any other a word of the command line.
 */
#define _GNU_SOURCE
#include "fuzz.h"

#include "../../helper/job.h"
#include "../../helper/target.h"

#include <getopt.h>

#define MOST 32

static void check_target(const char *text)
{
	struct sb_err err = {.text = ""};
	char name[32], again[64];
	struct sb_target t, u;

	if (sb_target_parse(&t, text, &err) < 0) {
		FUZZ_FAILED(err);
		return;
	}
	FUZZ_CHECK(t.job && (t.has_step || !t.has_task));
	if (!t.has_step)
		return;
	sb_target_name(name, t.job, t.step);
	if (t.has_task)
		snprintf(again, sizeof(again), "%s.%u", name, t.task);
	else
		strcpy(again, name);
	FUZZ_CHECK(!sb_target_parse(&u, again, &err));
	FUZZ_CHECK(t.job == u.job && t.step == u.step && t.task == u.task);
}

static void check_job(const struct sb_job *j)
{
	FUZZ_CHECK(j->node && *j->node);
	FUZZ_CHECK(j->per >= -1 && j->per <= 1);
	FUZZ_CHECK(j->writable >= -1 && j->writable <= 1);
	FUZZ_CHECK(j->debug != 1 || j->verbose >= 2);
}

/* Only ours, and those that Slurm sets for a task. */
static int is_for_us(const char *variable)
{
	return !strncmp(variable, "SLURM", 5) && strchr(variable, '=');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = {.p = data, .end = data + size};
	int show = fuzz_byte(&in) & 1, argc = 1, rc;
	char *argv[MOST + 1] = {"run"}, *set[MOST], *s;
	struct sb_err err = {.text = ""};
	struct sb_job job;
	size_t n = 0;

	/* --help goes there. */
	if (!freopen("/dev/null", "w", stdout))
		abort();
	check_target(fuzz_string(&in));
	while ((s = fuzz_more(&in)) && argc < MOST && n < MOST) {
		if (*s != '$') {
			argv[argc++] = s;
		} else if (is_for_us(s + 1)) {
			char *value = strchr(s, '=');

			*value++ = '\0';
			setenv(s + 1, value, 1);
			set[n++] = s + 1;
		}
	}
	argv[argc] = NULL;
	optind = 0;
	rc = show ? sb_job_read_show(&job, argc, argv, &err)
		  : sb_job_read(&job, argc, argv, &err);
	if (rc < 0)
		FUZZ_FAILED(err);
	else if (!rc)
		check_job(&job);
	if (!rc && !show)
		FUZZ_CHECK(job.bundle && job.cmd.n);
	sb_job_free(&job);
	while (n)
		unsetenv(set[--n]);
	fuzz_done(&in);
	return 0;
}
