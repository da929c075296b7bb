/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a runtime that is no OCI runtime gets. */
#define _GNU_SOURCE
#include "image.h"

#include "../spank/contract.h"
#include "env.h"
#include "fdio.h"
#include "mem.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

/* Each is a change of config.json. */
static int check_wishes(const struct sb_job *j, struct sb_err *err)
{
	const struct {
		const char *option;
		int set;
	} wishes[] = {
		{"--container-mounts", j->mounts != NULL},
		{"--container-workdir", j->workdir != NULL},
		{"--container-env", j->keep != NULL},
		{"--container-mount-home", j->mount_home == 1},
		{"--no-container-mount-home", j->mount_home == 0},
		{"--container-mount-cwd", j->mount_cwd == 1},
		{"--container-remap-root", j->remap_root == 1},
		{"--container-writable", j->writable == 1},
		{"--container-readonly", j->writable == 0},
		{"--container-per=node", j->per == SB_PER_NODE},
	};

	for (size_t i = 0; i < ARRAY_SIZE(wishes); i++)
		if (wishes[i].set)
			return sb_fail(err, SB_FAIL,
				       "%s: cannot be had here: the site's "
				       "runtime is no OCI runtime "
				       "(IgnoreFileConfigJson)",
				       wishes[i].option);
	return 0;
}

/* The job's working directory is ours; a name that is no path there is the
 * runtime's own: docker://alpine, an image in its store. */
static char *locate(const char *named, struct sb_err *err)
{
	char where[PATH_MAX], *real;
	const char *part;

	if (!*named || *named == '-') {
		sb_fail(err, SB_FAIL, "image %s: %s", named,
			*named ? "begins with a hyphen" : "an empty name");
		return NULL;
	}
	real = realpath(named, NULL);
	if (real || (*named != '/' && errno == ENOENT))
		return real ? real : strdup(named);
	part = sb_fdio_blame(named, where, sizeof(where));
	if (errno == ENOMEM)
		sb_no_memory(err);
	else if (strcmp(part, named))
		sb_fail(err, SB_FAIL, "image %s: %s: %s", named, part,
			strerror(errno));
	else
		sb_fail(err, SB_FAIL, "image %s: %s", named, strerror(errno));
	return NULL;
}

static int find_image(struct sb_plan *p, struct sb_err *err)
{
	p->bundle.path = locate(p->job->bundle, err);
	if (!p->bundle.path)
		return -1;
	/* Nobody but the runtime knows where any other lies. */
	if (*p->bundle.path != '/' && p->conf->bundle_paths.n)
		return sb_fail(err, SB_FAIL,
			       "image %s: no path, and so not below a "
			       "BundlePath of the site's configuration",
			       p->bundle.path);
	if (*p->bundle.path == '/' &&
	    sb_plan_check_path(p->conf, p->bundle.path, err) < 0)
		return -1;
	if (*p->bundle.path == '/' && access(p->bundle.path, R_OK) < 0)
		return sb_fail(err, SB_FAIL, "image %s: %s", p->bundle.path,
			       strerror(errno));
	p->root = p->bundle.path;
	return 0;
}

/* Whether its SHELL is there, only the runtime could say. */
static int plan_env(struct sb_plan *p, struct sb_err *err)
{
	struct sb_env_of of = {
		.job = environ,
		.site = p->site.v,
		.exclude = sb_conf_env_exclude(p->conf),
		.shell_inside = 1,
	};

	for (size_t i = 0; i < p->conf->env_set.n; i++)
		sb_strv_add(&p->site, p->conf->env_set.v[i]);
	if (p->site.failed)
		return sb_no_memory(err);
	of.site = p->site.v;
	if (sb_env_container(&of, &p->env, err) < 0)
		return -1;
	return p->explain ? sb_explain_env(p->explain, &of, &p->env, err) : 0;
}

int sb_image_plan(struct sb_plan *p, struct sb_err *err)
{
	p->bundle = (struct sb_bundle){.fd = -1, .rootfs_fd = -1};
	p->mode = SB_MODE_RUN;
	if (check_wishes(p->job, err) < 0 || find_image(p, err) < 0)
		return -1;
	return plan_env(p, err);
}
