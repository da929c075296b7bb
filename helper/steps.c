/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The steps that have a directory on this machine. */
#define _GNU_SOURCE
#include "steps.h"

#include "../spank/contract.h"
#include "../spank/place.h"
#include "mem.h"

#include <dirent.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* ---- the nodes' directories ---- */

/* Whether the directory of that name is a node's: another %n may stand for
 * other words. */
static int is_node(const char *path, const char *dir)
{
	const struct sb_place of = {.node = strrchr(dir, '/') + 1};
	char pattern[PATH_MAX], records[PATH_MAX];
	struct stat st;

	if (sb_place_glob(pattern, sizeof(pattern), path, &of) < 0 ||
	    fnmatch(pattern, dir, FNM_PATHNAME) ||
	    snprintf(records, sizeof(records), "%s/" SB_OWNER_DIR, dir) >=
		    (int)sizeof(records))
		return 0;
	/* Root's word alone tells whose a step is. */
	return !lstat(records, &st) && S_ISDIR(st.st_mode) &&
	       (!st.st_uid || st.st_uid == geteuid()) && !(st.st_mode & 022);
}

static void add_node(struct sb_strv *nodes, const char *path, const char *dir)
{
	for (size_t i = 0; i < nodes->n; i++)
		if (!strcmp(nodes->v[i], dir))
			return;
	if (is_node(path, dir))
		sb_strv_add(nodes, dir);
}

/* name: of a node; NULL: all. */
static void add_nodes(struct sb_strv *nodes, const char *path, const char *name)
{
	const struct sb_place of = {.node = name};
	char pattern[PATH_MAX];
	glob_t found;

	if (name && (!*name || *name == '.' || strchr(name, '/')))
		return;
	if (sb_place_glob(pattern, sizeof(pattern), path, &of) < 0 ||
	    glob(pattern, 0, NULL, &found))
		return;
	for (size_t i = 0; i < found.gl_pathc; i++)
		add_node(nodes, path, found.gl_pathv[i]);
	globfree(&found);
}

int sb_steps_nodes(struct sb_strv *nodes, const char *path, struct sb_err *err)
{
	char host[HOST_NAME_MAX + 1] = "";
	const char *name = getenv("SLURMD_NODENAME");

	if (!path)
		path = SB_CONTAINER_PATH;
	add_nodes(nodes, path, NULL);
	if (name)
		add_nodes(nodes, path, name);
	if (!gethostname(host, sizeof(host) - 1)) {
		host[strcspn(host, ".")] = '\0';
		add_nodes(nodes, path, host);
	}
	return nodes->failed ? sb_no_memory(err) : 0;
}

/* ---- their records ---- */

static int read_name(struct sb_step *s, const char *name)
{
	char again[sizeof(s->name)];

	if (strlen(name) >= sizeof(s->name) ||
	    sscanf(name, "%u.%u.%u", &s->job, &s->step, &s->restart) != 3)
		return -1;
	snprintf(again, sizeof(again), "%u.%u.%u", s->job, s->step, s->restart);
	snprintf(s->name, sizeof(s->name), "%s", name);
	/* What went to the trash has a fourth part. */
	return strcmp(again, name) ? -1 : 0;
}

static int add_step(struct sb_steps *all, const struct sb_step *s,
		    const char *node)
{
	struct sb_step *v = realloc(all->v, (all->n + 1) * sizeof(*v));

	if (!v)
		return -1;
	all->v = v;
	v[all->n] = *s;
	v[all->n].node = strdup(node);
	return v[all->n++].node ? 0 : -1;
}

static int read_node(struct sb_steps *all, const char *node, uid_t uid)
{
	char path[PATH_MAX];
	struct dirent *e;
	int rc = 0;
	DIR *d;

	if (snprintf(path, sizeof(path), "%s/" SB_OWNER_DIR, node) >=
	    (int)sizeof(path))
		return 0;
	d = opendir(path);
	while (!rc && d && (e = readdir(d))) {
		struct sb_step s;

		if (read_name(&s, e->d_name) < 0 ||
		    sb_owner_read(dirfd(d), e->d_name, &s.owner) < 0 ||
		    (uid && uid != s.owner.uid))
			continue;
		s.dead = sb_owner_dead(&s.owner);
		rc = add_step(all, &s, node);
	}
	if (d)
		closedir(d);
	return rc;
}

static int compare(const void *a, const void *b)
{
	const struct sb_step *x = a, *y = b;
	int rc = strverscmp(x->node, y->node);

	if (!rc)
		rc = (x->job > y->job) - (x->job < y->job);
	if (!rc)
		rc = (x->step > y->step) - (x->step < y->step);
	if (!rc)
		rc = (x->restart > y->restart) - (x->restart < y->restart);
	return rc;
}

int sb_steps_find(struct sb_steps *s, const char *path, uid_t uid,
		  struct sb_err *err)
{
	_cleanup_strv_ struct sb_strv nodes = {0};
	int rc;

	*s = (struct sb_steps){.v = NULL};
	rc = sb_steps_nodes(&nodes, path, err);
	for (size_t i = 0; !rc && i < nodes.n; i++)
		if (read_node(s, nodes.v[i], uid) < 0)
			rc = sb_no_memory(err);
	if (s->n)
		qsort(s->v, s->n, sizeof(*s->v), compare);
	return rc;
}

void sb_steps_free(struct sb_steps *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->v[i].node);
	free(s->v);
	*s = (struct sb_steps){.v = NULL};
}

const char *sb_step_node(const struct sb_step *s)
{
	return strrchr(s->node, '/') + 1;
}

int sb_step_open(const struct sb_step *s)
{
	_cleanup_fd_ int node =
		open(s->node, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	int fd = node < 0 ? -1 : sb_owner_open(node, s->name);

	if (fd < 0)
		return -1;
	if (!fstat(fd, &st) && st.st_uid == s->owner.uid)
		return fd;
	close(fd);
	errno = EPERM;
	return -1;
}
