/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The checks of stepbox's own configuration on this node. */
#define _GNU_SOURCE
#include "check.h"

#include "../spank/contract.h"
#include "../spank/keyval.h"
#include "../spank/mountopt.h"
#include "fdio.h"
#include "mem.h"
#include "profile.h"
#include "runtime.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

/* A place with less is full for every purpose: layer.c. */
#define SPACE_MIB 16

/* ---- the file ---- */

static int accept_pair(void *arg, const char *key, const char *value,
		       const struct sb_kv_pos *pos, struct sb_err *err)
{
	(void)arg, (void)key, (void)value, (void)pos, (void)err;
	return 0;
}

/* What is not wrong, but may not be meant. */
static void tell_remarks(struct sb_check *c)
{
	for (size_t i = 0; i < c->rules.remarks.n; i++)
		sb_check_warn(c,
			      "Remove that line, or leave it: it does no harm.",
			      "%s", c->rules.remarks.v[i]);
}

/* Root reads it too, and only what root alone can change. */
static void check_file(struct sb_check *c, void *state)
{
	struct sb_err err;

	(void)state;
	if (access(c->conf, F_OK) < 0)
		sb_check_fail(c,
			      "Copy the example, stepbox.conf in "
			      "share/stepbox, there.",
			      "%s: %s: no containers on this node", c->conf,
			      strerror(errno));
	else if (!c->has_rules)
		sb_check_fail(c, "Correct that line: stepbox.conf(5).", "%s",
			      c->why_not);
	else if (sb_kv_read(c->conf, SB_KV_ROOT, accept_pair, NULL, &err) < 0)
		sb_check_fail(c, "chown root, chmod go-w, for Includes too.",
			      "%s", err.text);
	else
		sb_check_ok(c, "%s: %s%s, mode %s", c->conf,
			    c->rules.runtime ? "Runtime=" : "patterns",
			    c->rules.runtime ? c->rules.runtime : "",
			    c->rules.mode == SB_MODE_RUN ? "run" : "create");
	if (c->has_rules)
		tell_remarks(c);
}

/* ---- places ---- */

/* Whether a value is known before there is a task. */
static int is_plain(const char *value)
{
	return !strpbrk(value, "$%");
}

static void check_space(struct sb_check *c, const char *path)
{
	struct statvfs fs;

	if (statvfs(path, &fs) < 0)
		return;
	if (fs.f_bavail < ((fsblkcnt_t)SPACE_MIB << 20) / fs.f_frsize ||
	    (fs.f_files && !fs.f_favail))
		sb_check_fail(c, "Make room there, or name another place.",
			      "%s: the file system is full", path);
}

/* Walks to path as root does for a step (spank/stepdir.c). Returns the length
 * of what is there, or -1 where a finding was told. */
static int walk(struct sb_check *c, const char *path)
{
	char part[PATH_MAX];
	size_t len = 0, there = 1;
	struct stat st;

	do {
		len += strspn(path + len, "/");
		len += strcspn(path + len, "/");
		if (len >= sizeof(part))
			return -1;
		memcpy(part, path, len);
		part[len] = '\0';
		if (stat(part, &st) < 0)
			break;
		there = len;
		if (!S_ISDIR(st.st_mode)) {
			sb_check_fail(c, "Remove it, or name another place.",
				      "%s: not a directory", part);
			return -1;
		}
		if (st.st_uid || st.st_mode & 022) {
			sb_check_fail(c, "chown root, chmod go-w.",
				      "%s: must be root's and writable by "
				      "root alone",
				      part);
			return -1;
		}
		if (!(st.st_mode & 01)) {
			sb_check_fail(c, "chmod a+x.",
				      "%s: closed to users, whose step "
				      "directories lie below",
				      part);
			return -1;
		}
	} while (path[len + strspn(path + len, "/")]);
	return there;
}

static void check_container_path(struct sb_check *c, void *state)
{
	const char *path = c->rules.container_path ? c->rules.container_path
						   : SB_CONTAINER_PATH;
	char plain[PATH_MAX];
	int failures = c->failures, there;

	(void)state;
	/* What comes behind a %n is made for each node. */
	snprintf(plain, sizeof(plain), "%.*s", (int)strcspn(path, "%"), path);
	if (strlen(plain) < strlen(path) && strrchr(plain, '/') != plain)
		*strrchr(plain, '/') = '\0';
	there = walk(c, plain);
	if (there < 0)
		return;
	if (plain[there]) {
		plain[there] = '\0';
		check_space(c, plain);
		if (c->failures == failures)
			sb_check_ok(c, "%s: made by the first step, below %s",
				    path, plain);
		return;
	}
	check_space(c, plain);
	if (c->failures == failures)
		sb_check_ok(c, "%s: root's, open to users, with room", path);
}

static void check_writable_path(struct sb_check *c, void *state)
{
	const char *path = c->rules.writable_path;
	int failures = c->failures;
	struct stat st;

	(void)state;
	if (!path)
		path = "/tmp";
	if (!is_plain(path)) {
		sb_check_ok(c, "%s: known in a task only", path);
		return;
	}
	errno = ENOTDIR;
	if (stat(path, &st) < 0 || !S_ISDIR(st.st_mode)) {
		sb_check_fail(c, "Make it, or correct WritablePath=.", "%s: %s",
			      path, strerror(errno));
		return;
	}
	if ((st.st_mode & 03) != 03)
		sb_check_fail(c, "chmod 1777, or name one with %u in it.",
			      "%s: not open to all users", path);
	check_space(c, path);
	if (c->failures == failures)
		sb_check_ok(c, "%s: open to users, with room", path);
}

static void check_bundle_paths(struct sb_check *c, void *state)
{
	(void)state;
	for (size_t i = 0; i < c->rules.bundle_paths.n; i++) {
		const char *path = c->rules.bundle_paths.v[i];
		struct stat st;

		if (!stat(path, &st) && S_ISDIR(st.st_mode))
			sb_check_ok(c, "%s", path);
		else
			sb_check_warn(c,
				      "Make it, mount it, or correct "
				      "BundlePath=.",
				      "%s: not there: no bundle in it can be "
				      "used",
				      path);
	}
}

/* ---- what is mounted ---- */

static void check_mount(struct sb_check *c, const char *value,
			const struct sb_mountopt *m)
{
	char where[PATH_MAX];

	if (m->kind != SB_MOUNT_BIND || m->optional || !is_plain(m->source) ||
	    !access(m->source, F_OK))
		return;
	sb_check_fail(c,
		      "Have it on this node, or add the flag optional: every "
		      "container fails without.",
		      "Mount=%s: %s: %s", value,
		      sb_fdio_blame(m->source, where, sizeof(where)),
		      strerror(errno));
}

static void check_mounts(struct sb_check *c, void *state)
{
	_cleanup_free_ struct sb_mountopt *m = malloc(sizeof(*m));
	int failures = c->failures;
	struct sb_err err;

	(void)state;
	for (size_t i = 0; m && i < c->rules.mounts.n; i++) {
		const char *p = c->rules.mounts.v[i];

		while (sb_mountopt_next(&p, m, &err) > 0)
			check_mount(c, c->rules.mounts.v[i], m);
	}
	if (c->rules.mounts.n && c->failures == failures)
		sb_check_ok(c, "%zu of the site's can be made",
			    c->rules.mounts.n);
}

static void check_client(struct sb_check *c, void *state)
{
	struct sb_err err;
	_cleanup_free_ char *srun = NULL;

	(void)state;
	if (!c->rules.slurm_client)
		return;
	srun = sb_runtime_program("srun", &err);
	if (!srun)
		sb_check_fail(c, "Install Slurm's client, or SlurmClient=no.",
			      "srun: not found in %s, or not root's",
			      SB_RUNTIME_PATH);
	else if (access("/run/munge", F_OK) < 0)
		sb_check_fail(c, "Start munged, or SlurmClient=no.",
			      "/run/munge: %s", strerror(errno));
	else
		sb_check_ok(c, "%s", srun);
}

/* ---- seccomp, runtimes ---- */

static void check_profile(struct sb_check *c, void *state)
{
	const char *path = c->rules.seccomp_profile;
	struct sb_json doc = {.root = NULL};
	struct sb_profile_for here;
	json_t *made = NULL;
	struct sb_err err;

	(void)state;
	if (!path)
		return;
	if (!sb_profile_here(&here, &err) && !sb_profile_load(path, &doc, &err))
		made = sb_profile_resolve(&doc, &here, &err);
	if (made)
		sb_check_ok(c, "%s", path);
	else
		sb_check_fail(c, "Correct it; no container is run without it.",
			      "%s%s%s", doc.root ? path : "",
			      doc.root ? ": " : "", err.text);
	json_decref(made);
	sb_json_free(&doc);
}

/* Those that users may ask for. */
static void check_runtimes(struct sb_check *c, void *state)
{
	(void)state;
	for (size_t i = 0; i < c->rules.allow_runtimes.n; i++) {
		const char *name = c->rules.allow_runtimes.v[i];
		struct sb_conf conf;
		struct sb_runtime rt = {.conf = &conf};
		struct sb_err err;

		if (sb_conf_load(&conf, c->conf, name, &err) < 0 ||
		    sb_runtime_find(&rt, 0, &err) < 0)
			sb_check_warn(c,
				      "Install it, or take it out of "
				      "AllowRuntime=.",
				      "%s: %s", name, err.text);
		else
			sb_check_ok(c, "%s", name);
		sb_runtime_free(&rt);
		sb_conf_free(&conf);
	}
}

/* For a while; left on, it fills the place. */
static void check_cleanup(struct sb_check *c, void *state)
{
	(void)state;
	if (c->rules.disable_cleanup)
		sb_check_warn(c,
			      "\"stepbox clean\", by root, removes them; "
			      "DisableCleanup=no has steps do it again.",
			      "yes: each step's directory stays");
}

/* What every user reads on standard error. */
static void check_debug(struct sb_check *c, void *state)
{
	(void)state;
	if (c->rules.stdio_debug >= SB_LEVEL_VERBOSE)
		sb_check_warn(
			c, "StdIODebug=info, once it is no longer needed.",
			"%s: every task tells on its standard error what "
			"stepbox does",
			c->rules.stdio_debug >= SB_LEVEL_DEBUG ? "debug"
							       : "verbose");
}

static const struct sb_check_row rows[] = {
	{"stepbox.conf", check_file},
	{"ContainerPath", check_container_path},
	{"WritablePath", check_writable_path},
	{"BundlePath", check_bundle_paths},
	{"Mount", check_mounts},
	{"SlurmClient", check_client},
	{"SeccompProfile", check_profile},
	{"AllowRuntime", check_runtimes},
	{"DisableCleanup", check_cleanup},
	{"StdIODebug", check_debug},
};

void sb_check_conf(struct sb_check *c)
{
	/* Without the site's rules there is nothing to look at but the file. */
	sb_check_rows(c, rows, c->has_rules ? ARRAY_SIZE(rows) : 1, NULL);
}
