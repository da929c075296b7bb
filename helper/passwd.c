/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The container's passwd and group. */
#define _GNU_SOURCE
#include "passwd.h"

#include "../spank/contract.h"
#include "../spank/proc.h"
#include "env.h"
#include "mem.h"

#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* ---- what can stand in a field ---- */

static int field_ok(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f || *s == ':')
			return 0;
	return 1;
}

/* '+' and '-' in front are NIS's, '#' is a comment to glibc, and it skips
 * blanks there. */
static int name_ok(const char *s)
{
	return s && *s && strlen(s) < LOGIN_NAME_MAX && !strchr("+-# ", *s) &&
	       !strchr(s, '/') && field_ok(s);
}

static int path_ok(const char *s)
{
	return s && *s == '/' && strlen(s) < PATH_MAX && field_ok(s);
}

/* Whether a number that ends at end stands at s. Some byte that is no digit
 * follows it. */
static int is_number(const char *s, const char *end, long long *id)
{
	*id = sb_proc_number(&s, UINT32_MAX);
	return *id >= 0 && s == end;
}

/* ---- who it is ---- */

/* One that is lost for want of memory is not to be followed by the next best.
 */
static void take(struct sb_who *who, char **to, const char *text)
{
	*to = strdup(text);
	who->failed |= !*to;
}

static void take_name(struct sb_who *who, char **to, const char *name)
{
	if (!*to && name_ok(name))
		take(who, to, name);
}

static void take_path(struct sb_who *who, char **to, const char *path)
{
	if (!*to && path_ok(path))
		take(who, to, path);
}

static int is_id(const char *text, unsigned int want)
{
	long long id;

	return is_number(text, text + strlen(text), &id) && id == want;
}

/* Either name is taken for its own id: after newgrp(1) or with sbatch --gid
 * the group may be another one while the user is right. */
static void take_identity(struct sb_who *who, const char *text)
{
	_cleanup_free_ char *copy = text ? strdup(text) : NULL;
	char *rest = copy, *part[4];
	size_t n;

	for (n = 0; n < ARRAY_SIZE(part) && rest; n++)
		part[n] = strsep(&rest, ":");
	who->failed |= text && !copy;
	if (n < ARRAY_SIZE(part) || rest)
		return;
	if (is_id(part[0], who->uid))
		take_name(who, &who->user, part[1]);
	if (is_id(part[2], who->gid))
		take_name(who, &who->group, part[3]);
}

/* ENOMEM in errno, in the end, tells a file that could not be read to the end
 * from one that ended. */
static FILE *open_file(const char *etc, const char *name)
{
	char path[PATH_MAX];

	errno = 0;
	if ((size_t)snprintf(path, sizeof(path), "%s/%s", etc, name) >=
	    sizeof(path))
		return NULL;
	return fopen(path, "re");
}

static void take_passwd(struct sb_who *who, const char *etc)
{
	FILE *f = open_file(etc, "passwd");
	struct passwd *p = NULL;

	while (f && (p = fgetpwent(f)))
		if (p->pw_uid == who->uid && name_ok(p->pw_name))
			break;
	who->failed |= !p && errno == ENOMEM;
	if (p) {
		take_name(who, &who->user, p->pw_name);
		take_path(who, &who->home, p->pw_dir);
	}
	if (f)
		fclose(f);
}

static void take_group(struct sb_who *who, const char *etc)
{
	FILE *f = open_file(etc, "group");
	struct group *g = NULL;

	while (f && (g = fgetgrent(f)))
		if (g->gr_gid == who->gid && name_ok(g->gr_name))
			break;
	who->failed |= !g && errno == ENOMEM;
	if (g)
		take_name(who, &who->group, g->gr_name);
	if (f)
		fclose(f);
}

/* Not where the id beside it says that the name is somebody else's. */
static void take_slurm(struct sb_who *who, char **to, char **env,
		       const char *name, const char *beside, unsigned int want)
{
	const char *id = sb_env_get(env, beside);

	if (!id || is_id(id, want))
		take_name(who, to, sb_env_get(env, name));
}

static void take_number(struct sb_who *who, char **to, const char *prefix,
			unsigned int id)
{
	char name[32];

	snprintf(name, sizeof(name), "%s%u", prefix, id);
	take_name(who, to, name);
}

int sb_who_read(struct sb_who *who, const char *etc, char **env,
		unsigned int uid, unsigned int gid, struct sb_err *err)
{
	*who = (struct sb_who){.uid = uid, .gid = gid};
	take_identity(who, sb_env_get(env, SB_ENV_IDENTITY));
	take_path(who, &who->home, sb_env_get(env, "HOME"));
	/* A site's files may be long, and every task comes here. */
	if (!who->user || !who->home)
		take_passwd(who, etc);
	if (!who->group)
		take_group(who, etc);
	take_slurm(who, &who->user, env, "SLURM_JOB_USER", "SLURM_JOB_UID",
		   uid);
	take_slurm(who, &who->group, env, "SLURM_JOB_GROUP", "SLURM_JOB_GID",
		   gid);
	take_name(who, &who->user, sb_env_get(env, "USER"));
	take_number(who, &who->user, "user", uid);
	take_number(who, &who->group, "group", gid);
	take_path(who, &who->home, "/");
	take_path(who, &who->shell, sb_env_get(env, "SHELL"));
	take_path(who, &who->shell, "/bin/sh");
	if (who->failed || !who->user || !who->group || !who->home ||
	    !who->shell)
		return sb_no_memory(err);
	return 0;
}

void sb_who_free(struct sb_who *who)
{
	sb_cleanup_free(&who->user);
	sb_cleanup_free(&who->group);
	sb_cleanup_free(&who->home);
	sb_cleanup_free(&who->shell);
	*who = (struct sb_who){0};
}

/* ---- what the container's file has ---- */

#define PASSWD_FIELDS 7
#define GROUP_FIELDS 4

/* Bits of what find returns. */
enum {
	HAS_NAME = 1,
	HAS_ID = 2,
};

struct wanted {
	size_t fields; /* PASSWD_FIELDS or GROUP_FIELDS */
	const char *name;
	long long id; /* -1: none */
};

/* Where line's fields begin, at most max of them; each but the last ends before
 * a ':'. Returns how many. */
static size_t split(const char *line, size_t len, const char **field,
		    size_t max)
{
	const char *end = line + len, *colon;
	size_t n = 1;

	field[0] = line;
	while (n < max && (colon = memchr(line, ':', end - line)))
		field[n++] = line = colon + 1;
	return n;
}

static int is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* A name counts in a broken line too, and behind blanks, which glibc skips: to
 * come first then does no harm. For an id the line must be one that both glibc
 * and musl take. */
static int look(const char *line, size_t len, const struct wanted *w)
{
	const char *field[PASSWD_FIELDS], *name = line;
	size_t n = split(line, len, field, w->fields);
	long long id, gid;
	int has = 0;

	if (n < 2)
		return 0;
	while (is_blank(*name))
		name++;
	if (field[1] - 1 - name == (ptrdiff_t)strlen(w->name) &&
	    !memcmp(name, w->name, strlen(w->name)))
		has = HAS_NAME;
	if (n < w->fields || strchr("+-# \t:", *line) || memchr(line, 0, len) ||
	    !is_number(field[2], field[3] - 1, &id) || id != w->id)
		return has;
	if (w->fields == PASSWD_FIELDS &&
	    !is_number(field[3], field[4] - 1, &gid))
		return has;
	return has | HAS_ID;
}

static int find(const char *old, size_t len, const struct wanted *w)
{
	int has = 0;

	while (len) {
		const char *newline = memchr(old, '\n', len);
		size_t n = newline ? (size_t)(newline - old) : len;

		has |= look(old, n, w);
		n += newline != NULL;
		old += n;
		len -= n;
	}
	return has;
}

/* ---- the new text ---- */

static int no_memory(struct sb_buf *out)
{
	sb_buf_free(out);
	errno = ENOMEM;
	return -1;
}

/* Takes entry, which is NULL when memory ran out. */
static int assemble(const char *old, size_t len, char *entry, int first,
		    struct sb_buf *out)
{
	_cleanup_free_ char *owned = entry;

	if (!owned)
		return no_memory(out);
	if (first)
		sb_buf_puts(out, owned);
	if (len)
		sb_buf_add(out, old, len);
	if (len && old[len - 1] != '\n')
		sb_buf_putc(out, '\n');
	if (!first)
		sb_buf_puts(out, owned);
	return out->failed ? no_memory(out) : 1;
}

__attribute__((format(printf, 1, 2))) static char *format(const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	return n < 0 ? NULL : text;
}

/* Returns 0, or -1 with errno set. */
static int check(size_t len, const char *name)
{
	errno = len > SB_PASSWD_MAX ? EFBIG : EINVAL;
	return len > SB_PASSWD_MAX || !name_ok(name) ? -1 : 0;
}

static char *passwd_entry(const char *name, unsigned int uid, unsigned int gid,
			  const char *gecos, const char *home,
			  const char *shell)
{
	return format("%s:x:%u:%u:%s:%s:%s\n", name, uid, gid,
		      gecos && field_ok(gecos) ? gecos : "",
		      path_ok(home) ? home : "/",
		      path_ok(shell) ? shell : "/bin/sh");
}

int sb_passwd_add(const char *old, size_t len, const struct sb_who *who,
		  struct sb_buf *out)
{
	const struct wanted w = {PASSWD_FIELDS, who->user, who->uid};
	int has;

	len = old ? len : 0;
	if (check(len, who->user) < 0)
		return -1;
	has = find(old, len, &w);
	if (has & HAS_ID)
		return 0;
	return assemble(old, len,
			passwd_entry(who->user, who->uid, who->gid, NULL,
				     who->home, who->shell),
			has & HAS_NAME, out);
}

int sb_group_add(const char *old, size_t len, const struct sb_who *who,
		 struct sb_buf *out)
{
	const struct wanted w = {GROUP_FIELDS, who->group, who->gid};
	int has;

	len = old ? len : 0;
	if (check(len, who->group) < 0)
		return -1;
	has = find(old, len, &w);
	if (has & HAS_ID)
		return 0;
	return assemble(old, len, format("%s:x:%u:\n", who->group, who->gid),
			has & HAS_NAME, out);
}

int sb_passwd_copy(const char *old, size_t len, const char *etc,
		   const char *name, struct sb_buf *out)
{
	const struct wanted w = {PASSWD_FIELDS, name, -1};
	struct passwd *p = NULL;
	int rc = 0;
	FILE *f;

	len = old ? len : 0;
	if (check(len, name) < 0)
		return -1;
	if (find(old, len, &w))
		return 0;
	f = open_file(etc, "passwd");
	while (f && (p = fgetpwent(f)) && strcmp(p->pw_name, name))
		;
	if (!p && errno == ENOMEM)
		rc = -1;
	if (p)
		rc = assemble(old, len,
			      passwd_entry(name, p->pw_uid, p->pw_gid,
					   p->pw_gecos, p->pw_dir, p->pw_shell),
			      0, out);
	if (f)
		fclose(f);
	return rc;
}
