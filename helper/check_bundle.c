/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The checks of a bundle: what would fail for this user, on this node. */
#define _GNU_SOURCE
#include "check.h"

#include "../spank/contract.h"
#include "dryrun.h"
#include "elf.h"
#include "fdio.h"
#include "jsonpos.h"
#include "mem.h"
#include "seccomp.h"
#include "view.h"

#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

/* A script's interpreter may be a script, says execve(2), four times. */
#define MAX_SCRIPTS 4

struct bundle {
	struct sb_bundle raw; /* as it is on disk */
	struct sb_err err;    /* why raw is not whole */
	char *text;	      /* config.json, or NULL */
	size_t len;
	struct sb_dryrun d;
	int planned; /* d has a plan; else plan_err says why not */
	struct sb_err plan_err;
	struct sb_seen command;
	int found; /* command is there */
};

/* ---- config.json ---- */

/* "config.json:LINE: PATH: why", of an error's "...config.json: PATH: why". */
static const char *with_line(const struct bundle *b, const char *error,
			     char *buf, size_t size)
{
	static const char mark[] = "config.json: ";
	const char *why = strstr(error, mark);
	char path[256];
	unsigned int line;
	size_t n;

	if (!why)
		return error;
	why += strlen(mark);
	n = strspn(why, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
			"0123456789_.[]");
	snprintf(path, sizeof(path), "%.*s", (int)n, why);
	line = b->text ? sb_jsonpos_line(b->text, b->len, path) : 0;
	if (line)
		snprintf(buf, size, "config.json:%u: %s", line, why);
	else
		snprintf(buf, size, "config.json: %s", why);
	return buf;
}

static void check_directory(struct sb_check *c, void *state)
{
	struct bundle *b = state;
	struct stat st;

	if (b->raw.fd < 0) {
		sb_check_fail(c,
			      "Name a directory that this user can enter on "
			      "this node; ls -ld its parts.",
			      "%s", b->err.text);
		return;
	}
	if (fstat(b->raw.fd, &st) < 0)
		st.st_uid = geteuid();
	if (!geteuid())
		sb_check_ok(c,
			    "%s: of uid %u; you are root: a user may see "
			    "less",
			    b->raw.path, st.st_uid);
	else if (st.st_uid == geteuid())
		sb_check_ok(c, "%s: yours", b->raw.path);
	else
		sb_check_ok(c, "%s: of uid %u", b->raw.path, st.st_uid);
}

static void check_config(struct sb_check *c, void *state)
{
	struct bundle *b = state;
	const char *version;

	if (b->raw.fd < 0)
		return;
	if (!json_is_object(b->raw.config.root)) {
		sb_check_fail(c,
			      "Correct it, or make the bundle anew: runc spec, "
			      "umoci unpack.",
			      "%s", b->err.text);
		return;
	}
	version = json_string_value(
		json_object_get(b->raw.config.root, "ociVersion"));
	sb_check_ok(c, "%zu bytes, OCI %s", b->len, version ? version : "?");
}

/* What helps against what the conversion refuses. */
static const char *spec_remedy(const char *error)
{
	static const struct {
		const char *part, *remedy;
	} all[] = {
		{"a user cannot mount file systems",
		 "Have root mount it on the node, and bind that."},
		{"not on this node, or closed to you",
		 "Have it there, or --container-mounts=umount:DESTINATION."},
		{"ociVersion", "Make the bundle for OCI 1.x."},
		{"not for Linux", "Get an image for Linux."},
		{".path:", "Remove it from config.json."},
	};

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		if (strstr(error, all[i].part))
			return all[i].remedy;
	return "Correct it: stepbox(1), WHAT HAPPENS TO CONFIG.JSON.";
}

/* Errors about the document name it. */
static int is_spec_error(const struct bundle *b)
{
	return !b->planned && strstr(b->plan_err.text, "config.json") &&
	       !strstr(b->plan_err.text, "linux.seccomp");
}

static void check_spec(struct sb_check *c, void *state)
{
	struct bundle *b = state;
	char text[1200];

	if (b->raw.rootfs_fd < 0)
		return;
	if (is_spec_error(b))
		sb_check_fail(
			c, spec_remedy(b->plan_err.text), "%s",
			with_line(b, b->plan_err.text, text, sizeof(text)));
	else if (b->planned)
		sb_check_ok(c,
			    "can be had by a user, with %zu changes (stepbox "
			    "show has them)",
			    b->d.plan.notes.n);
}

/* One hook: the runtime runs it on the node, as the user. */
static void check_hook(struct sb_check *c, struct bundle *b, const char *kind,
		       size_t i, const json_t *hook)
{
	const char *path = json_string_value(json_object_get(hook, "path"));
	char name[80];
	unsigned int line;

	snprintf(name, sizeof(name), "hooks.%s[%zu].path", kind, i);
	line = sb_jsonpos_line(b->text, b->len, name);
	if (!path || *path != '/')
		sb_check_fail(c, "Name a program of the node.",
			      "config.json:%u: %s: not an absolute path", line,
			      name);
	/* That one is looked up in the container. */
	else if (strcmp(kind, "startContainer") && access(path, X_OK) < 0)
		sb_check_fail(c,
			      "Install it on the node, or remove the hook from "
			      "config.json.",
			      "config.json:%u: %s: %s: %s", line, name, path,
			      strerror(errno));
}

static void check_hooks(struct sb_check *c, void *state)
{
	struct bundle *b = state;
	json_t *kinds = json_object_get(b->raw.config.root, "hooks"), *list, *e;
	int failures = c->failures;
	const char *kind;
	size_t i, n = 0;

	if (!b->text)
		return;
	json_object_foreach (kinds, kind, list) {
		json_array_foreach (list, i, e)
			check_hook(c, b, kind, i, e);
		n += json_array_size(list);
	}
	if (n && c->failures == failures)
		sb_check_ok(c,
			    "%zu hooks, which the runtime runs on the node, as "
			    "you",
			    n);
}

/* ---- the root file system ---- */

static void check_rootfs(struct sb_check *c, void *state)
{
	static const char *const parts[] = {".",    "bin", "etc",    "lib",
					    "sbin", "usr", "usr/bin"};
	struct bundle *b = state;
	char text[1200];
	struct stat st;

	if (!json_is_object(b->raw.config.root))
		return;
	if (b->raw.rootfs_fd < 0) {
		sb_check_fail(
			c,
			"Unpack the image there, or correct root.path in "
			"config.json.",
			"%s",
			strstr(b->err.text, "config.json: ")
				? with_line(b, b->err.text, text, sizeof(text))
				: b->err.text);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if (faccessat(b->raw.rootfs_fd, parts[i], R_OK | X_OK,
			      AT_EACCESS) < 0 &&
		    errno == EACCES) {
			sb_check_fail(c,
				      "Its owner can open it: chmod -R a+rX.",
				      "%s/%s: closed to you", b->raw.rootfs,
				      parts[i]);
			return;
		}
	if (fstat(b->raw.rootfs_fd, &st) < 0 || st.st_uid == geteuid())
		sb_check_ok(c, "%s: yours", b->raw.rootfs);
	else
		sb_check_ok(c, "%s: of uid %u: you cannot change it",
			    b->raw.rootfs, st.st_uid);
}

static void check_points(struct sb_check *c, void *state)
{
	struct bundle *b = state;
	_cleanup_free_ struct sb_layer_point *points = NULL;
	struct sb_err ignored;
	size_t n = 0;

	if (!b->planned || sb_mounts_lacking(b->d.plan.bundle.config.root,
					     b->d.plan.bundle.rootfs_fd,
					     &points, &n, &ignored) < 0)
		return;
	/* Only then is something lost: what the user meant to keep. */
	if (n && b->d.remarks.n && strstr(b->d.remarks.v[0], "mount point"))
		sb_check_warn(c,
			      "Make the mount point in the root file system.",
			      "%s", b->d.remarks.v[0]);
	else if (n)
		sb_check_ok(c, "%zu are missing (%s%s): a layer has them", n,
			    points[0].path, n > 1 ? ", ..." : "");
	else
		sb_check_ok(c, "all there");
}

static void check_site(struct sb_check *c, void *state)
{
	struct bundle *b = state;
	struct sb_err err;

	if (b->raw.fd < 0)
		return;
	if (!c->has_rules)
		sb_check_warn(c,
			      "stepbox check --conf says more; on another node "
			      "the site's rules may be different.",
			      "without the site's rules: %s", c->why_not);
	else if (sb_plan_check_path(&c->rules, b->raw.path, &err) < 0)
		sb_check_fail(c, "Have the bundle there: the site wants so.",
			      "%s", err.text);
	else
		sb_check_ok(c, "%s allows it here", c->conf);
}

/* ---- the command ---- */

static struct sb_view view_of(const struct bundle *b)
{
	const json_t *config =
		b->planned ? b->d.plan.bundle.config.root : b->raw.config.root;

	return (struct sb_view){
		.rootfs_fd = b->raw.rootfs_fd,
		.mounts = json_object_get(config, "mounts"),
	};
}

static const char *search_path(const struct bundle *b)
{
	const char *entry;
	size_t i;
	json_t *e;

	if (b->planned)
		return sb_env_get(b->d.plan.env.v, "PATH");
	json_array_foreach (
		json_object_get(json_object_get(b->raw.config.root, "process"),
				"env"),
		i, e) {
		entry = json_string_value(e);
		if (entry && !strncmp(entry, "PATH=", 5))
			return entry + 5;
	}
	return getenv("PATH");
}

static void command_lost(struct sb_check *c, const struct bundle *b,
			 const char *what, const char *name)
{
	const char *path = search_path(b);

	if (errno == EXDEV)
		sb_check_warn(c, "Try it: stepbox run --bundle=... -- COMMAND.",
			      "%s %s: may lie in a file system that is made "
			      "with the container",
			      what, name);
	else if (errno == EACCES)
		sb_check_fail(c, "chmod a+x, by its owner.",
			      "%s %s: cannot be executed by you", what, name);
	else if (strchr(name, '/'))
		sb_check_fail(c,
			      "Install it in the image, or mount it "
			      "(--container-mounts).",
			      "%s %s: %s", what, name, strerror(errno));
	else
		sb_check_fail(c,
			      "Install it in the image; --container-env=PATH "
			      "takes the job's PATH.",
			      "%s %s: not in the container's PATH (%s)", what,
			      name, path ? path : "not set");
}

static void check_command(struct sb_check *c, void *state)
{
	struct bundle *b = state;
	const json_t *args = json_object_get(
		json_object_get(b->raw.config.root, "process"), "args");
	const char *name =
		c->cmd ? c->cmd[0] : json_string_value(json_array_get(args, 0));
	struct sb_view v = view_of(b);

	if (b->raw.rootfs_fd < 0)
		return;
	if (!name) {
		sb_check_ok(c, "the bundle has none of its own: name one to "
			       "have it looked for");
		return;
	}
	b->found = !sb_view_command(&v, name, search_path(b), &b->command);
	if (b->found)
		sb_check_ok(c, "%s: %s", name, b->command.inside);
	else
		command_lost(c, b, "command", name);
}

/* Reads the beginning of a program. Returns its length, 0 for none. */
static size_t read_head(const struct sb_view *v, const struct sb_seen *file,
			char *head)
{
	_cleanup_fd_ int fd = sb_view_open(v, file, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : pread(fd, head, SB_ELF_HEAD - 1, 0);

	head[n < 0 ? 0 : n] = '\0';
	return n < 0 ? 0 : n;
}

static void check_machine(struct sb_check *c, void *state)
{
	struct bundle *b = state;
	_cleanup_free_ char *head = malloc(SB_ELF_HEAD);
	struct sb_view v = view_of(b);
	struct sb_elf elf;
	size_t n;

	if (!b->found || !head)
		return;
	n = read_head(&v, &b->command, head);
	if (!n || sb_elf_open(&elf, head, n) < 0)
		return;
	if (!sb_elf_runs_here(elf.machine))
		sb_check_fail(c,
			      "Get the image for this node's machine, or "
			      "submit to nodes of its machine.",
			      "%s is for %s, this node is %s",
			      b->command.inside,
			      sb_elf_machine_name(elf.machine),
			      sb_elf_machine_name(sb_elf_native()));
	else
		sb_check_ok(c, "%s", sb_elf_machine_name(elf.machine));
}

/* What "#!/usr/bin/env NAME" starts. */
static void check_env_word(struct sb_check *c, const struct bundle *b,
			   const struct sb_view *v, const char *interpreter,
			   char *rest)
{
	const char *base = strrchr(interpreter, '/');
	struct sb_seen seen;
	char *word;

	word = strtok_r(NULL, " \t", &rest);
	if (!base || strcmp(base, "/env") || !word || *word == '-' ||
	    strchr(word, '='))
		return;
	if (sb_view_command(v, word, search_path(b), &seen) < 0)
		command_lost(c, b, "the script's interpreter", word);
}

/* What a program needs to be started, and what that needs. */
static void check_starter(struct sb_check *c, void *state)
{
	struct bundle *b = state;
	_cleanup_free_ char *head = malloc(SB_ELF_HEAD);
	struct sb_view v = view_of(b);
	struct sb_seen file = b->command;
	int failures = c->failures;
	char name[PATH_MAX], *rest;
	const char *next;
	struct sb_elf elf;

	for (int i = 0; head && b->found && i <= MAX_SCRIPTS; i++) {
		size_t n = read_head(&v, &file, head);
		int script = n > 2 && !memcmp(head, "#!", 2);

		if (script) {
			head[strcspn(head, "\n")] = '\0';
			next = strtok_r(head + 2, " \t", &rest);
		} else {
			next = n && !sb_elf_open(&elf, head, n)
				       ? sb_elf_interpreter(&elf)
				       : NULL;
		}
		if (!next)
			break;
		snprintf(name, sizeof(name), "%s", next);
		if (!strchr(name, '/')) {
			sb_check_warn(c,
				      "Write its path, or \"/usr/bin/env\" "
				      "before it.",
				      "the script's interpreter %s: has no "
				      "\"/\": looked for in the working "
				      "directory alone",
				      name);
			return;
		}
		if (sb_view_command(&v, name, NULL, &file) < 0) {
			command_lost(c, b,
				     script ? "the script's interpreter"
					    : "the dynamic loader",
				     name);
			return;
		}
		if (script)
			check_env_word(c, b, &v, name, rest);
		if (c->failures == failures)
			sb_check_ok(c, "%s is there", name);
		if (!script)
			break;
	}
}

/* ---- seccomp ---- */

static void check_seccomp(struct sb_check *c, void *state)
{
	struct bundle *b = state;
	_cleanup_strv_ struct sb_strv skipped = {0};
	_cleanup_fd_ int fd = -1;
	struct sb_seccomp_src src = {.mark = b->raw.config.mark,
				     .what = "config.json: linux.seccomp"};
	struct sb_seccomp out;
	struct sb_err err;
	char text[1200];

	src.json = json_object_get(json_object_get(b->raw.config.root, "linux"),
				   "seccomp");
	if (!src.json || json_is_null(src.json))
		return;
	fd = memfd_create("seccomp", MFD_CLOEXEC);
	if (fd < 0 || sb_seccomp_compile(&src, fd, &out, &skipped, &err) < 0) {
		sb_check_fail(
			c, "Correct it, or remove it: stepbox(1), SECCOMP.",
			"%s",
			fd < 0 ? strerror(errno)
			       : with_line(b, err.text, text, sizeof(text)));
		return;
	}
	if (skipped.n)
		sb_check_ok(c,
			    "%u instructions; %zu names that this libseccomp "
			    "does not know are passed over (%s%s)",
			    out.len, skipped.n, skipped.v[0],
			    skipped.n > 1 ? ", ..." : "");
	else
		sb_check_ok(c, "%u instructions", out.len);
}

/* ---- the whole ---- */

/* What no other finding told. */
static void check_plan(struct sb_check *c, void *state)
{
	struct bundle *b = state;

	if (b->raw.rootfs_fd < 0)
		return;
	if (!b->planned && !is_spec_error(b) &&
	    !strstr(b->plan_err.text, "linux.seccomp"))
		sb_check_fail(c, "See this line in stepbox(1), DIAGNOSTICS.",
			      "%s", b->plan_err.text);
	for (size_t i = 0; b->planned && i < b->d.remarks.n; i++)
		if (!strstr(b->d.remarks.v[i], "mount point"))
			sb_check_warn(c,
				      "stepbox check --node says more, if this "
				      "is a node.",
				      "%s", b->d.remarks.v[i]);
}

static const struct sb_check_row rows[] = {
	{"bundle", check_directory}, {"config.json", check_config},
	{"rootfs", check_rootfs},    {"spec", check_spec},
	{"hooks", check_hooks},	     {"mount-points", check_points},
	{"site", check_site},	     {"command", check_command},
	{"machine", check_machine},  {"interpreter", check_starter},
	{"seccomp", check_seccomp},  {"plan", check_plan},
};

static void make_plan(struct sb_check *c, struct bundle *b,
		      struct sb_conf *rules)
{
	char *argv[] = {(char *)"show", (char *)"--", NULL};

	optind = 0;
	if (sb_job_read_show(&b->d.job, 2, argv, &b->plan_err))
		return;
	b->d.job.bundle = c->bundle;
	b->d.job.conf = c->conf;
	/* A directory that others use is none to plan in. */
	b->d.job.dir = NULL;
	for (char **w = c->cmd; w && *w; w++)
		sb_strv_add(&b->d.job.cmd, *w);
	b->d.conf = rules;
	b->planned = !sb_dryrun_make(&b->d, &b->plan_err);
}

/* ---- what is no bundle, for a runtime that takes none ---- */

static void check_image(struct sb_check *c, void *state)
{
	const struct bundle *b = state;
	const char *path = b->d.plan.bundle.path;

	if (!b->planned)
		sb_check_fail(
			c,
			"Name a directory or file that this user can read "
			"on this node.",
			"%s", b->plan_err.text);
	else if (*path == '/')
		sb_check_ok(c, "%s: what is in it, its runtime can tell", path);
	else
		sb_check_warn(c, "Try it: stepbox run --bundle=... -- COMMAND.",
			      "%s: not here: its runtime may know it", path);
}

/* Its place is a finding of its own, as a bundle's is. */
static void check_image_site(struct sb_check *c, void *state)
{
	const struct bundle *b = state;
	struct sb_err err;

	if (!b->planned || *b->d.plan.bundle.path != '/')
		return;
	if (sb_plan_check_path(&c->rules, b->d.plan.bundle.path, &err) < 0)
		sb_check_fail(c, "Have it there: the site wants so.", "%s",
			      err.text);
	else
		sb_check_ok(c, "%s allows it here", c->conf);
}

static const struct sb_check_row image_rows[] = {
	{"image", check_image},
	{"site", check_image_site},
};

void sb_check_bundle(struct sb_check *c)
{
	struct bundle b = {.d = SB_DRYRUN_INIT, .plan_err.text = ""};
	struct sb_conf rules = c->rules;
	struct sb_err ignored;

	/* Where the bundle lies is a finding of its own. */
	rules.bundle_paths = (struct sb_strv){0};
	if (c->has_rules && c->rules.ignore_config) {
		make_plan(c, &b, &rules);
		sb_check_rows(c, image_rows, ARRAY_SIZE(image_rows), &b);
		sb_dryrun_free(&b.d);
		return;
	}
	if (!sb_bundle_open(&b.raw, c->bundle, &b.err))
		make_plan(c, &b, &rules);
	if (b.raw.config.root)
		b.text = sb_fdio_read(b.raw.fd, "config.json", SB_JSON_MAX_SIZE,
				      "config.json", &b.len, &ignored);
	sb_check_rows(c, rows, ARRAY_SIZE(rows), &b);
	sb_dryrun_free(&b.d);
	sb_bundle_close(&b.raw);
	free(b.text);
}
