/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The way of `stepbox run` up to the runtime, without doing anything. */
#define _GNU_SOURCE
#include "dryrun.h"

#include "image.h"
#include "mem.h"

#include <stddef.h>

static void remember(const struct sb_plan *p, const char *text)
{
	struct sb_dryrun *d =
		(void *)((char *)p - offsetof(struct sb_dryrun, plan));

	sb_strv_add(&d->remarks, text);
}

static int choose_command(struct sb_dryrun *d, struct sb_err *err)
{
	const json_t *args = json_object_get(
		json_object_get(d->before.config.root, "process"), "args");
	size_t i;
	json_t *e;

	if (!d->job.cmd.n)
		json_array_foreach (args, i, e)
			if (json_is_string(e))
				sb_strv_add(&d->job.cmd, json_string_value(e));
	if (!d->job.cmd.n)
		sb_strv_add(&d->job.cmd, "sh");
	return d->job.cmd.failed ? sb_no_memory(err) : 0;
}

static int make_plan(struct sb_dryrun *d, struct sb_err *err)
{
	d->plan.job = &d->job;
	d->plan.conf = d->conf;
	d->plan.dir = &d->dir;
	d->plan.values = &d->rt.values;
	d->plan.where = "by hand";
	d->plan.say = remember;
	d->plan.explain = &d->explain;
	if (d->conf->ignore_config) {
		if (sb_image_plan(&d->plan, err) < 0)
			return -1;
		d->rt.values.letter['b'] = d->plan.bundle.path;
		d->rt.values.letter['r'] = d->plan.root;
		return sb_runtime_environ_direct(&d->rt, d->plan.env.v, err);
	}
	if (sb_plan_programs(&d->plan, d->conf, err) < 0 ||
	    sb_plan_make(&d->plan, err) < 0)
		return -1;
	d->rt.values.letter['r'] = d->plan.root;
	return sb_runtime_environ(&d->rt, err);
}

int sb_dryrun_make(struct sb_dryrun *d, struct sb_err *err)
{
	int writable = sb_plan_writable(&d->job, d->conf);
	struct sb_err missing;

	d->rt.conf = d->conf;
	if (sb_taskdir_open(&d->dir, d->job.dir, d->job.task, err) < 0 ||
	    (!d->conf->ignore_config &&
	     sb_bundle_open(&d->before, d->job.bundle, err) < 0) ||
	    choose_command(d, err) < 0 ||
	    sb_letters_set(&d->letters, &d->rt.values, &d->job, &d->dir, err) <
		    0)
		return -1;
	d->rt.values.letter['f'] = "0";	 /* no task, and no PMI of its own */
	d->rt.values.letter['p'] = "%p"; /* nor a process */
	/* One that was loaded has this; check goes on without. */
	errno = 0;
	if ((d->conf->pattern[SB_OP_DELETE] || d->conf->ignore_config) &&
	    sb_runtime_find(&d->rt, writable, &missing) < 0) {
		if (errno == ENOMEM)
			return sb_no_memory(err);
		sb_strv_add(&d->remarks, missing.text);
	}
	return make_plan(d, err);
}

void sb_dryrun_free(struct sb_dryrun *d)
{
	sb_plan_free(&d->plan);
	sb_bundle_close(&d->before);
	sb_runtime_free(&d->rt);
	sb_letters_free(&d->letters);
	sb_taskdir_close(&d->dir);
	sb_explain_free(&d->explain);
	sb_strv_free(&d->remarks);
	sb_job_free(&d->job);
}
