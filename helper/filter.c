/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which seccomp filters a container gets, and who loads them. */
#define _GNU_SOURCE
#include "filter.h"

#include "../spank/contract.h"
#include "caps.h"
#include "edit.h"
#include "fdio.h"
#include "mem.h"
#include "profile.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>

#define MAX_CAPS 64

/* The site's profile, for this node and the bundle's capabilities. */
static int resolve(struct sb_filter *f, const struct sb_filter_of *of,
		   struct sb_err *err)
{
	const char *names[MAX_CAPS], *path = of->conf->seccomp_profile;
	struct sb_profile_for here;
	struct sb_json doc = {.root = NULL};
	struct sb_caps caps;
	int rc;

	if (!path)
		return 0;
	rc = sb_profile_here(&here, err);
	sb_caps_read(of->bundle->config.root, &caps);
	here.caps = names;
	for (unsigned int i = 0; i < MAX_CAPS && sb_caps_name(i); i++)
		if (caps.bounding >> i & 1)
			names[here.n_caps++] = sb_caps_name(i);
	here.mark = of->bundle->config.mark;
	if (!rc)
		rc = sb_profile_load(path, &doc, err);
	if (!rc) {
		f->profile = sb_profile_resolve(&doc, &here, err);
		rc = f->profile ? 0 : sb_wrap(err, "%s", path);
	}
	sb_json_free(&doc);
	return rc < 0 ? sb_wrap(err, "SeccompProfile") : 0;
}

/* Only of the bundle's: the site's profile is meant for more than one
 * libseccomp. */
static int note(struct sb_strv *notes, const struct sb_strv *skipped,
		struct sb_err *err)
{
	_cleanup_buf_ struct sb_buf b = {0};

	if (!skipped->n)
		return 0;
	sb_buf_puts(&b, "linux.seccomp: not known to this libseccomp:");
	for (size_t i = 0; i < skipped->n; i++) {
		sb_buf_putc(&b, ' ');
		sb_buf_puts(&b, skipped->v[i]);
	}
	if (!b.failed)
		sb_strv_add(notes, b.data);
	return b.failed || notes->failed ? sb_no_memory(err) : 0;
}

int sb_filter_program(const struct sb_seccomp_src *src, struct sb_buf *b,
		      struct sb_strv *skipped, struct sb_err *err)
{
	_cleanup_fd_ int fd = memfd_create("seccomp", MFD_CLOEXEC);
	struct sb_seccomp out;
	unsigned int head[2] = {0};
	void *code;

	if (fd < 0)
		return sb_fail(err, SB_FAIL, "memfd: %s", strerror(errno));
	if (sb_seccomp_compile(src, fd, &out, skipped, err) < 0)
		return -1;
	code = mmap(NULL, out.len * 8UL, PROT_READ, MAP_PRIVATE, fd, 0);
	if (code == MAP_FAILED)
		return sb_fail(err, SB_FAIL, "memfd: %s", strerror(errno));
	head[0] = out.flags;
	sb_buf_add(b, head, sizeof(head));
	sb_buf_add(b, code, out.len * 8UL);
	munmap(code, out.len * 8UL);
	return b->failed ? sb_no_memory(err) : 0;
}

/* Compiles into the step directory. */
static int compile(const struct sb_filter_of *of,
		   const struct sb_seccomp_src *src, const char *name,
		   struct sb_strv *skipped, struct sb_err *err)
{
	_cleanup_buf_ struct sb_buf b = {0};

	if (sb_filter_program(src, &b, skipped, err) < 0)
		return -1;
	if (sb_fdio_write(of->dir->step_fd, name, b.data, b.len, err) < 0)
		return sb_wrap(err, "step directory %s", of->dir->step);
	return 0;
}

/* Once per step and node: it takes longer than all else that we do. The first
 * task does it, the others wait, or find it dead and do it themselves. */
static int compile_once(const struct sb_filter_of *of,
			const struct sb_seccomp_src *src, const char *name,
			struct sb_strv *skipped, struct sb_err *err)
{
	_cleanup_fd_ int lock =
		openat(of->dir->step_fd, "seccomp.lock",
		       O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (lock < 0 || flock(lock, LOCK_EX) < 0)
		return sb_fail(err, SB_FAIL, "step directory %s: %s",
			       of->dir->step, strerror(errno));
	if (!faccessat(of->dir->step_fd, name, F_OK, 0))
		return 0;
	return compile(of, src, name, skipped, err);
}

/* Compiles one and shows it to the init. */
static int give(struct sb_filter *f, struct sb_mounts *m,
		const struct sb_filter_of *of, const struct sb_seccomp_src *src,
		const char *name, struct sb_strv *notes, struct sb_err *err)
{
	_cleanup_strv_ struct sb_strv skipped = {0};
	const char *source, *inside;

	if (compile_once(of, src, name, &skipped, err) < 0)
		return -1;
	if (src->json != f->profile && note(notes, &skipped, err) < 0)
		return -1;
	source = sb_mounts_path(m, of->dir->step, name);
	inside = sb_mounts_path(m, of->place, name);
	if (!source || !inside)
		return sb_no_memory(err);
	sb_strv_add(&f->words, "-p");
	sb_strv_add(&f->words, inside);
	if (f->words.failed)
		return sb_no_memory(err);
	return sb_mounts_bind(m, source, inside, "bind,ro", err);
}

/* The bundle's, without what nobody answers: an agent would get calls, and so
 * descriptors, of a process that is not of its container. NULL in *out for
 * none; Go's programs write that as null, too. */
static int take_bundles(const struct sb_filter_of *of, const json_t **out,
			struct sb_strv *notes, struct sb_err *err)
{
	static const char *const agent[] = {"listenerPath", "listenerMetadata"};
	struct sb_edit e = {.notes = notes, .err = err};
	json_t *linux_part = json_object_get(of->bundle->config.root, "linux");
	json_t *filter = json_object_get(linux_part, "seccomp");

	*out = NULL;
	if (json_is_null(filter))
		json_object_del(linux_part, "seccomp");
	else
		*out = filter;
	for (size_t i = 0; *out && i < ARRAY_SIZE(agent); i++) {
		if (json_object_del(filter, agent[i]) < 0)
			continue;
		sb_edit_note(&e,
			     "linux.seccomp.%s: dropped: there is no agent to "
			     "ask",
			     agent[i]);
	}
	return notes->failed ? sb_no_memory(err) : 0;
}

/* For the runtime: the site's, or the bundle's, in which it finds no more than
 * we would. */
static int plan_runtimes(struct sb_filter *f,
			 const struct sb_seccomp_src *bundle,
			 struct sb_strv *notes, struct sb_err *err)
{
	_cleanup_strv_ struct sb_strv skipped = {0};

	if (!f->profile && !bundle->json)
		return 0;
	if (!f->profile) {
		if (sb_seccomp_check(bundle, &skipped, err) < 0)
			return -1;
		return note(notes, &skipped, err);
	}
	f->how = SB_SPEC_SECCOMP_SET;
	if (bundle->json)
		sb_strv_add(notes, "linux.seccomp: the site's profile takes "
				   "its place");
	return notes->failed ? sb_no_memory(err) : 0;
}

int sb_filter_plan(struct sb_filter *f, struct sb_mounts *m,
		   const struct sb_filter_of *of, struct sb_strv *notes,
		   struct sb_err *err)
{
	const char *mark = of->bundle->config.mark;
	struct sb_seccomp_src bundle = {.mark = mark,
					.what = "config.json: linux.seccomp"};
	struct sb_seccomp_src site = {.mark = mark, .what = "SeccompProfile"};
	int rc = 0;

	*f = (struct sb_filter){.how = SB_SPEC_SECCOMP_KEEP};
	if (resolve(f, of, err) < 0 ||
	    take_bundles(of, &bundle.json, notes, err) < 0)
		return -1;
	site.json = f->profile;
	if (of->place) {
		f->how = SB_SPEC_SECCOMP_OURS;
		/* The site's is loaded first: the other may forbid seccomp(2).
		 */
		if (site.json &&
		    give(f, m, of, &site, "seccomp-site", notes, err) < 0)
			return -1;
		if (bundle.json)
			rc = give(f, m, of, &bundle, "seccomp-bundle", notes,
				  err);
	} else {
		rc = plan_runtimes(f, &bundle, notes, err);
	}
	return rc < 0 ? sb_wrap(err, "bundle %s", of->bundle->path) : 0;
}

void sb_filter_free(struct sb_filter *f)
{
	if (f->profile)
		json_decref(f->profile);
	f->profile = NULL;
	sb_strv_free(&f->words);
}
