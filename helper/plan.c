/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From what is asked for to the config.json that the runtime gets. */
#define _GNU_SOURCE
#include "plan.h"

#include "../spank/contract.h"
#include "argmax.h"
#include "convert.h"
#include "env.h"
#include "expand.h"
#include "fdio.h"
#include "form.h"
#include "hooks.h"
#include "mem.h"
#include "mpi.h"
#include "path.h"
#include "reach.h"
#include "runtime.h"
#include "spec.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <termios.h>

/* ---- wishes: the option, else the site's default ---- */

static int remap_root(const struct sb_plan *p)
{
	return p->job->remap_root == 1;
}

static int mount_home(const struct sb_plan *p)
{
	return p->job->mount_home >= 0 ? p->job->mount_home
				       : p->conf->mount_home;
}

int sb_plan_writable(const struct sb_job *job, const struct sb_conf *conf)
{
	return job->writable >= 0 ? job->writable : conf->writable;
}

static int writable(const struct sb_plan *p)
{
	return sb_plan_writable(p->job, p->conf);
}

static int is_own(const struct sb_plan *p)
{
	struct stat st;

	return !fstat(p->bundle.rootfs_fd, &st) && st.st_uid == geteuid();
}

static int bundle_is_readonly(const struct sb_plan *p)
{
	const json_t *root = json_object_get(p->bundle.config.root, "root");

	return json_is_true(json_object_get(root, "readonly"));
}

/* A bundle of somebody else's that calls itself writable: what may be written
 * there, such as its /tmp, all its users would write to at once. */
static int is_shared(const struct sb_plan *p)
{
	return p->job->writable < 0 && !writable(p) && !bundle_is_readonly(p) &&
	       !is_own(p);
}

/* What root.readonly becomes; -1: stays as the bundle has it. */
static int readonly(const struct sb_plan *p)
{
	if (p->job->writable == 0 || is_shared(p))
		return 1;
	return writable(p) ? 0 : -1;
}

static int ends_readonly(const struct sb_plan *p)
{
	return readonly(p) < 0 ? bundle_is_readonly(p) : readonly(p);
}

/* What the user writes stays in his own bundle: no layer that is not needed. */
static int writes_bundle(const struct sb_plan *p)
{
	return !writable(p) && !ends_readonly(p);
}

/* ---- the bundle ---- */

/* By whole components of resolved paths: /images is no prefix of /images2. */
int sb_plan_check_path(const struct sb_conf *conf, const char *path,
		       struct sb_err *err)
{
	const struct sb_strv *roots = &conf->bundle_paths;
	char real[PATH_MAX];

	for (size_t i = 0; i < roots->n; i++)
		if (realpath(roots->v[i], real) &&
		    sb_path_is_within(path, real))
			return 0;
	if (!roots->n)
		return 0;
	return sb_fail(err, SB_FAIL,
		       "bundle %s: not below a BundlePath of the site's "
		       "configuration (%s%s)",
		       path, roots->v[0], roots->n > 1 ? ", ..." : "");
}

static int file_exists(void *arg, const char *path)
{
	(void)arg;
	return !access(path, F_OK);
}

static int same_device(void *arg, const char *path, char type,
		       unsigned int major, unsigned int minor)
{
	struct stat st;

	(void)arg;
	return !stat(path, &st) &&
	       (type == 'b' ? S_ISBLK(st.st_mode) : S_ISCHR(st.st_mode)) &&
	       st.st_rdev == makedev(major, minor);
}

static unsigned long mount_flags(void *arg, const char *path)
{
	struct statvfs fs;

	(void)arg;
	return statvfs(path, &fs) < 0 ? 0 : fs.f_flag;
}

static int convert(struct sb_plan *p, struct sb_err *err)
{
	struct sb_convert c = {
		.bundle = p->bundle.path,
		.shared = !!p->shared,
		.identity = sb_inside_identity(p->job, p->conf, remap_root(p)),
		.exists = file_exists,
		.device = same_device,
		.flags = mount_flags,
	};
	struct utsname u;

	c.umask = umask(0);
	umask(c.umask);
	if (uname(&u) < 0 ||
	    sscanf(u.release, "%u.%u", &c.kernel_major, &c.kernel_minor) != 2)
		c.kernel_major = c.kernel_minor = 0;
	if (sb_form_check(&p->bundle.config, err) < 0 ||
	    sb_convert(p->bundle.config.root, &c, &p->notes, err) < 0)
		return sb_wrap(err, "bundle %s", p->bundle.path);
	return 0;
}

/*
 * A writable layer over files of others has a process that must end before the
 * task does: else Slurm finds it in the step's cgroup, and waits a second. With
 * RunTimeRun nobody of ours is there to see to that.
 *
 * And with RunTimeRun the runtime puts a terminal of its own between the task
 * and Slurm's, copies through it, and may not follow the window's size (crun
 * before 1.10).
 */
static void choose_mode(struct sb_plan *p)
{
	int apart = p->terminal || (writable(p) && !is_own(p));

	p->mode = p->shared ? SB_MODE_CREATE : p->conf->mode;
	if (apart && sb_conf_has_create(p->conf))
		p->mode = SB_MODE_CREATE;
}

static int open_bundle(struct sb_plan *p, struct sb_err *err)
{
	/* Who only asks can wait, and be interrupted. */
	if (!p->explain &&
	    sb_reach_bundle(p->job->bundle, p->conf->bundle_timeout, err) < 0)
		return -1;
	if (sb_bundle_open(&p->bundle, p->job->bundle, err) < 0 ||
	    sb_plan_check_path(p->conf, p->bundle.path, err) < 0)
		return -1;
	choose_mode(p);
	if (convert(p, err) < 0)
		return -1;
	if (sb_hooks_disable(p->bundle.config.root, &p->conf->disable_hooks,
			     &p->notes, err) < 0)
		return sb_wrap(err, "bundle %s", p->bundle.path);
	return 0;
}

/* ---- mounts ---- */

static int mount_same(struct sb_plan *p, const char *path, const char *option,
		      struct sb_err *err)
{
	if (!path || *path != '/' || !path[1])
		return sb_fail(err, SB_FAIL, "%s: %s", option,
			       path && *path == '/' ? "it is the root directory"
						    : "there is none");
	if (sb_mounts_bind(&p->mounts, path, path, "rbind,rprivate", err) < 0)
		return sb_wrap(err, "%s", option);
	return 0;
}

/* In place of what a shared bundle offers to write to. */
static int plan_scratch(struct sb_plan *p, struct sb_err *err)
{
	static const char *const dirs[] = {"/tmp", "/var/tmp"};
	json_t *config = p->bundle.config.root;

	if (!is_shared(p))
		return 0;
	sb_strv_add(&p->notes, "root.readonly: true: the bundle is not the "
			       "user's own (--container-writable: a layer)");
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
		if (sb_fdio_in_root(p->bundle.rootfs_fd, dirs[i]) &&
		    !sb_spec_covers(config, dirs[i]) &&
		    sb_mounts_tmpfs(&p->mounts, dirs[i],
				    "nosuid,nodev,mode=1777", err) < 0)
			return -1;
	return p->notes.failed ? sb_no_memory(err) : 0;
}

static int plan_site_mounts(struct sb_plan *p, struct sb_err *err)
{
	const struct sb_mounts_names names = {
		.env = environ,
		.values = p->values,
		.rootfs_fd = writes_bundle(p) ? p->bundle.rootfs_fd : -1,
	};

	for (size_t i = 0; i < p->conf->mounts.n; i++)
		if (sb_mounts_parse(&p->mounts, p->conf->mounts.v[i], "Mount",
				    &names, err) < 0)
			return -1;
	return 0;
}

/* MountSpoolDir: the step directory, inside. */
static int plan_spool(struct sb_plan *p, struct sb_err *err)
{
	_cleanup_free_ char *to = NULL;

	if (!p->conf->mount_spool_dir)
		return 0;
	to = sb_expand(p->conf->mount_spool_dir, environ, p->values, err);
	if (!to)
		return sb_wrap(err, "MountSpoolDir");
	if (*to != '/' || !to[1])
		return sb_fail(err, SB_FAIL, "MountSpoolDir %s: not absolute",
			       to);
	return sb_mounts_bind(&p->mounts, p->dir->step, to, "bind,rprivate",
			      err);
}

static int plan_mpi(struct sb_plan *p, struct sb_err *err)
{
	_cleanup_strv_ struct sb_strv dirs = {0};

	if (sb_mpi_dirs(environ, p->job->uid, p->job->spool, &dirs, err) < 0)
		return -1;
	for (size_t i = 0; i < dirs.n; i++)
		if (sb_mounts_bind(&p->mounts, dirs.v[i], dirs.v[i],
				   "bind,rprivate", err) < 0)
			return -1;
	return 0;
}

/* The site's first: what the user says comes on top, but for what a step
 * cannot start without. */
static int plan_mounts(struct sb_plan *p, struct sb_err *err)
{
	const struct sb_mounts_names names = {
		.env = environ, .values = p->values, .rootfs_fd = -1};
	struct sb_mounts *m = &p->mounts;

	if (plan_scratch(p, err) < 0 || plan_site_mounts(p, err) < 0)
		return -1;
	if (mount_home(p) &&
	    mount_same(p, getenv("HOME"), "--container-mount-home", err) < 0)
		return -1;
	if (p->job->mount_cwd == 1 &&
	    mount_same(p, p->job->cwd, "--container-mount-cwd", err) < 0)
		return -1;
	if (p->job->mounts &&
	    sb_mounts_parse(m, p->job->mounts, "--container-mounts", &names,
			    err) < 0)
		return -1;
	if (plan_spool(p, err) < 0 || plan_mpi(p, err) < 0)
		return -1;
	/* Now: nothing of ours may lie in what goes. */
	if (sb_spec_mounts(p->bundle.config.root, NULL, 0, m->umounts.v, err) <
	    0)
		return sb_wrap(err, "bundle %s", p->bundle.path);
	return 0;
}

static int is_inside(const struct sb_plan *p, const char *path)
{
	return sb_fdio_in_root(p->bundle.rootfs_fd, path) ||
	       sb_spec_covers(p->bundle.config.root, path);
}

/*
 * Without the plugin the host's PATH was searched, not the container's. What it
 * found there may be in the container too; else its name is looked up there.
 * NULL: the job's word will do.
 */
static const char *find_command(const struct sb_plan *p)
{
	const char *first = p->job->cmd.v[0], *name = strrchr(first, '/');
	char text[PATH_MAX + 128];

	if (p->job->alone != 1 || *first != '/' || !name[1] ||
	    p->job->bcast == 1 || p->job->step == SB_STEP_BATCH ||
	    is_inside(p, first) || sb_mounts_cover(&p->mounts, first))
		return NULL;
	snprintf(text, sizeof(text),
		 "%s is not in the container: its %s is looked for (the "
		 "node's plugstack.conf lacks stepbox)",
		 first, name + 1);
	p->say(p, text);
	return name + 1;
}

static int plan_inside(struct sb_plan *p, struct sb_err *err)
{
	struct sb_inside_of of = {
		.job = p->job,
		.first = find_command(p),
		.conf = p->conf,
		.bundle = &p->bundle,
		.dir = p->dir,
		.mode = p->mode,
		.where = p->where,
		.remap_root = remap_root(p),
		.no_points = writes_bundle(p),
		.terminal = p->terminal,
		.srun = p->srun,
		.shared = p->shared,
		.parent = p->parent,
	};

	/* Each task's own, where several share the container. */
	if (!p->shared &&
	    sb_job_workdir(p->job, environ, p->values, &p->workdir, err) < 0)
		return -1;
	of.workdir = p->workdir;
	return sb_inside_plan(&p->inside, &p->mounts, &of, &p->notes, err);
}

static int plan_ident(struct sb_plan *p, struct sb_err *err)
{
	const struct sb_ident_of of = {
		.job = p->job,
		.bundle = &p->bundle,
		.dir = p->dir,
		.mounts = &p->mounts,
		.slurm_users = p->conf->slurm_client,
	};

	/* Root is in every passwd. */
	if (!p->conf->passwd_entry || !p->inside.identity)
		return 0;
	if (sb_ident_plan(&p->ident, &of, err) < 0)
		return -1;
	/* In a layer they are files like others: programs that change them
	 * rename a new one over the old. */
	for (size_t i = 0; !writable(p) && i < ARRAY_SIZE(p->ident.files); i++)
		if (p->ident.files[i].source &&
		    sb_mounts_bind(&p->mounts, p->ident.files[i].source,
				   p->ident.files[i].path,
				   ends_readonly(p) ? "bind,ro" : "bind",
				   err) < 0)
			return -1;
	return 0;
}

/* ---- the root file system ---- */

/* Where a writable container's data go. */
static char *store(const struct sb_plan *p, struct sb_err *err)
{
	const char *path = p->conf->writable_path;
	char *expanded;

	if (!path)
		path = getenv("TMPDIR") ? "$TMPDIR" : "/tmp";
	expanded = sb_expand(path, environ, p->values, err);
	if (!expanded) {
		sb_wrap(err, "WritablePath");
	} else if (*expanded != '/') {
		/* slurmstepd could not find the data again. */
		sb_fail(err, SB_FAIL, "WritablePath %s: not absolute",
			expanded);
		sb_cleanup_free(&expanded);
	}
	return expanded;
}

/* Where a root would be mounted: nothing is. NULL with err set. */
static const char *pretend_root(struct sb_plan *p, struct sb_err *err)
{
	char *root = sb_layer_root(p->dir);

	sb_strv_take(&p->mounts.strings, root);
	if (p->mounts.strings.failed)
		sb_no_memory(err);
	return p->mounts.strings.failed ? NULL : root;
}

/* points has room for the files of ident. */
static int make_layer(struct sb_plan *p, struct sb_layer_point *points,
		      size_t n, struct sb_err *err)
{
	_cleanup_free_ char *where = NULL;
	char name[96];
	struct sb_layer_of of = {
		.rootfs_fd = p->bundle.rootfs_fd,
		.rootfs = p->bundle.rootfs,
		.dir = p->dir,
		.points = points,
		.n_points = n,
		.store = writable(p) ? (where = store(p, err)) : NULL,
		.name = name,
		.node = p->job->node,
		.fuse = p->fuse,
	};

	if (writable(p) && !where)
		return -1;
	for (size_t i = 0; writable(p) && i < ARRAY_SIZE(p->ident.files); i++)
		if (p->ident.files[i].source)
			points[of.n_points++] = (struct sb_layer_point){
				.path = p->ident.files[i].path,
				.source = p->ident.files[i].source};
	snprintf(name, sizeof(name), "%.48s.%u",
		 p->job->step_name ? p->job->step_name : "0.0.0", p->job->task);
	return sb_layer_make(&p->layer, &of, err);
}

/* The bundle stays as it is: whatever it lacks, or is to be written to it, is
 * in a layer. */
static int plan_root(struct sb_plan *p, struct sb_err *err)
{
	struct sb_layer_point *points = NULL;
	char text[PATH_MAX + 256];
	size_t n = 0;
	int rc, layered;

	rc = sb_mounts_lacking(p->bundle.config.root, p->bundle.rootfs_fd,
			       &points, &n, err);
	if (!rc && n && writes_bundle(p)) {
		snprintf(text, sizeof(text),
			 "%s lacks the mount point %s: what is written to it "
			 "goes with the step (make the mount point, to keep "
			 "it)",
			 p->bundle.rootfs, points[0].path);
		p->say(p, text);
	}
	layered = n || writable(p);
	if (!rc && p->explain)
		rc = (p->bound = pretend_root(p, err)) ? 0 : -1;
	else if (!rc && layered)
		rc = make_layer(p, points, n, err);
	else if (!rc)
		rc = sb_layer_bind(&p->layer, p->bundle.rootfs_fd, p->dir, err);
	if (!p->explain)
		p->bound = p->layer.root ? p->layer.root : p->bundle.rootfs;
	p->root = layered ? p->bound : p->bundle.rootfs;
	free(points);
	return rc;
}

/* ---- the environment ---- */

/* What wins over the job and the bundle. */
static int site_env(struct sb_plan *p, struct sb_err *err)
{
	struct sb_strv *site = &p->site;

	static const char *const root[] = {"HOME=/root", "USER=root",
					   "LOGNAME=root"};

	for (size_t i = 0; i < p->conf->env_set.n; i++)
		sb_strv_add(site, p->conf->env_set.v[i]);
	for (size_t i = 0; i < p->inside.env.n; i++)
		sb_strv_add(site, p->inside.env.v[i]);
	for (size_t i = mount_home(p); remap_root(p) && i < ARRAY_SIZE(root);
	     i++)
		sb_strv_add(site, root[i]);
	return site->failed ? sb_no_memory(err) : 0;
}

static int plan_env(struct sb_plan *p, struct sb_err *err)
{
	const char *shell = getenv("SHELL");
	struct sb_env_of of = {
		.job = environ,
		.keep = p->job->keep,
		.exclude = sb_conf_env_exclude(p->conf),
	};

	p->shell_inside = of.shell_inside =
		shell && sb_fdio_in_root(p->bundle.rootfs_fd, shell);
	if (sb_spec_env(p->bundle.config.root, &p->theirs, err) < 0)
		return sb_wrap(err, "bundle %s", p->bundle.path);
	if (site_env(p, err) < 0)
		return -1;
	of.bundle = p->theirs.v;
	of.site = p->site.v;
	if (sb_env_container(&of, &p->env, err) < 0)
		return -1;
	if (p->inside.path && sb_env_path(&p->env, p->inside.path, err) < 0)
		return -1;
	return p->explain ? sb_explain_env(p->explain, &of, &p->env, err) : 0;
}

/* ---- config.json ---- */

static const char *cwd_of(const struct sb_plan *p)
{
	return json_string_value(json_object_get(
		json_object_get(p->bundle.config.root, "process"), "cwd"));
}

/* The bundle's; but runtimes make one that is missing, in the rootfs. */
static const char *bundles_cwd(const struct sb_plan *p)
{
	const char *cwd = cwd_of(p);

	return !cwd || is_inside(p, cwd) ? NULL : "/";
}

/* With our init the container's process finds out itself where it can go. */
static const char *choose_cwd(struct sb_plan *p)
{
	char text[PATH_MAX + 128];

	if (p->shared) {
		const char *cwd = cwd_of(p);

		p->cwd = strdup(cwd && is_inside(p, cwd) ? cwd : "/");
		return "/";
	}
	if (p->inside.init)
		return bundles_cwd(p);
	if (p->workdir)
		return p->workdir;
	if (!p->job->cwd || is_inside(p, p->job->cwd))
		return p->job->cwd;
	snprintf(text, sizeof(text),
		 "%s is not in the container: working directory is the "
		 "bundle's",
		 p->job->cwd);
	p->say(p, text);
	return bundles_cwd(p);
}

static int write_config(struct sb_plan *p, struct sb_err *err)
{
	static char *none[] = {NULL};
	struct sb_spec spec = {
		.args = p->inside.args.v,
		.env = p->shared ? none : p->env.v,
		/* create hands the terminal itself on; run makes one. */
		.terminal = p->terminal && p->mode == SB_MODE_RUN,
		.cwd = choose_cwd(p),
		.rootfs = p->bound,
		.readonly = readonly(p),
		.identity = p->inside.identity,
		.seccomp = p->inside.filter.how,
		.profile = p->inside.filter.profile,
	};
	struct winsize size = {.ws_row = 0};
	_cleanup_free_ char *text = NULL;
	size_t len;

	if (p->shared && !p->cwd)
		return sb_no_memory(err);
	if (spec.terminal && !ioctl(STDIN_FILENO, TIOCGWINSZ, &size)) {
		spec.rows = size.ws_row;
		spec.columns = size.ws_col;
	}
	if (sb_spec_edit(p->bundle.config.root, &spec, err) < 0)
		return sb_wrap(err, "bundle %s", p->bundle.path);
	text = sb_json_dump(&p->bundle.config, &len, err);
	if (!text)
		return -1;
	if (sb_fdio_write(p->dir->fd, "config.json", text, len, err) < 0)
		return sb_wrap(err, "step directory %s", p->dir->path);
	return 0;
}

int sb_plan_programs(struct sb_plan *p, const struct sb_conf *conf,
		     struct sb_err *err)
{
	errno = 0;
	p->fuse = sb_runtime_program("fuse-overlayfs", err);
	if (!p->fuse && errno == ENOMEM)
		return -1;
	if (!conf->slurm_client)
		return 0;
	errno = 0;
	p->srun = sb_runtime_program("srun", err);
	return p->srun || errno != ENOMEM ? 0 : -1;
}

int sb_plan_make(struct sb_plan *p, struct sb_err *err)
{
	p->bundle = (struct sb_bundle){.fd = -1, .rootfs_fd = -1};
	if (open_bundle(p, err) < 0 || plan_mounts(p, err) < 0 ||
	    plan_inside(p, err) < 0 || plan_ident(p, err) < 0)
		return -1;
	if (sb_spec_mounts(p->bundle.config.root, p->mounts.list, p->mounts.n,
			   NULL, err) < 0)
		return sb_wrap(err, "bundle %s", p->bundle.path);
	if (plan_root(p, err) < 0 || plan_env(p, err) < 0)
		return -1;
	/* A shared one's process is our init; who enters brings the rest. */
	if (!p->shared && sb_argmax_check(p->inside.args.v, p->env.v, err) < 0)
		return -1;
	return write_config(p, err);
}

void sb_plan_free(struct sb_plan *p)
{
	sb_layer_close(&p->layer);
	sb_bundle_close(&p->bundle);
	sb_mounts_free(&p->mounts);
	sb_ident_free(&p->ident);
	sb_inside_free(&p->inside);
	sb_strv_free(&p->env);
	sb_strv_free(&p->theirs);
	sb_strv_free(&p->site);
	sb_strv_free(&p->notes);
	sb_cleanup_free(&p->workdir);
	sb_cleanup_free(&p->cwd);
	sb_cleanup_free(&p->fuse);
	sb_cleanup_free(&p->srun);
}
