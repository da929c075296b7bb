/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The grammar of --container-mounts, and of the site's Mount=. */
#include "mountopt.h"

#include "contract.h"

#include <stdio.h>
#include <string.h>

#define FLAGS_MAX 512

/* So much of a user's word is put into a message: the reason, which comes
 * after it, must still fit. */
#define SHOWN 200

/* Flags of one group exclude each other. */
enum group {
	ACCESS = 1 << 0,
	BIND = 1 << 1,
	PROPAGATION = 1 << 2,
	SUID = 1 << 3,
	DEV = 1 << 4,
	EXEC = 1 << 5,
	ATIME = 1 << 6,
	DIRATIME = 1 << 7,
	SIZE = 1 << 8,
	MODE = 1 << 9,
	INODES = 1 << 10,
	OPTIONAL = 1 << 11,
	CREATE = 1 << 12,
};

#define GROUPS 13

#define FOR_BIND (1 << SB_MOUNT_BIND)
#define FOR_TMPFS (1 << SB_MOUNT_TMPFS)
#define FOR_BOTH (FOR_BIND | FOR_TMPFS)

static const struct flag {
	const char *name; /* "name=" takes a value */
	enum group group;
	int kinds;
} flags[] = {
	{"ro", ACCESS, FOR_BOTH},
	{"rw", ACCESS, FOR_BOTH},
	{"bind", BIND, FOR_BIND},
	{"rbind", BIND, FOR_BIND},
	{"private", PROPAGATION, FOR_BOTH},
	{"rprivate", PROPAGATION, FOR_BOTH},
	{"slave", PROPAGATION, FOR_BOTH},
	{"rslave", PROPAGATION, FOR_BOTH},
	{"shared", PROPAGATION, FOR_BOTH},
	{"rshared", PROPAGATION, FOR_BOTH},
	{"nosuid", SUID, FOR_BOTH},
	{"suid", SUID, FOR_BOTH},
	{"nodev", DEV, FOR_BOTH},
	{"dev", DEV, FOR_BOTH},
	{"noexec", EXEC, FOR_BOTH},
	{"exec", EXEC, FOR_BOTH},
	{"noatime", ATIME, FOR_BOTH},
	{"relatime", ATIME, FOR_BOTH},
	{"strictatime", ATIME, FOR_BOTH},
	{"nodiratime", DIRATIME, FOR_BOTH},
	{"size=", SIZE, FOR_TMPFS},
	{"mode=", MODE, FOR_TMPFS},
	{"nr_inodes=", INODES, FOR_TMPFS},
	{"optional", OPTIONAL, FOR_BIND},
	{"x-create=auto", CREATE, FOR_BOTH},
	{"x-create=dir", CREATE, FOR_BOTH},
	{"x-create=file", CREATE, FOR_BIND},
};

/* What an entry gets that names no flag of the group. */
static const struct fallback {
	const char *option;
	enum group group;
	int kinds;
} fallbacks[] = {
	{"rbind", BIND, FOR_BIND},	{"rprivate", PROPAGATION, FOR_BIND},
	{"nosuid", SUID, FOR_TMPFS},	{"nodev", DEV, FOR_TMPFS},
	{"mode=1777", MODE, FOR_TMPFS},
};

/* The flags of an entry, by group: where each stands in its text. */
struct chosen {
	int groups;
	const char *at[GROUPS];
	size_t len[GROUPS];
};

/* What takes the next character to dst and says how many bytes it is. */
static size_t unquote(const char **at, char *dst)
{
	const char *p = *at;
	int quoted = *p == '\\';

	p += quoted;
	dst[0] = dst[1] = *p;
	*at = p + 1;
	/* Quoted, these two must not be expanded later. */
	return quoted && (*p == '$' || *p == '%') ? 2 : 1;
}

/* Copies a field, up to an unquoted ':' or ',' or the end. */
static int take_field(const char **at, char *dst, size_t size, const char *what,
		      struct sb_err *err)
{
	const char *p = *at;
	size_t n = 0;

	while (*p && *p != ':' && *p != ',') {
		char c[2];
		size_t len;

		if (*p == '\\' && !p[1])
			return sb_fail(err, SB_FAIL,
				       "a backslash at the end quotes nothing");
		len = unquote(&p, c);
		if (n + len >= size)
			return sb_fail(err, SB_FAIL,
				       "%s is longer than %zu bytes", what,
				       size - 1);
		memcpy(dst + n, c, len);
		n += len;
	}
	dst[n] = '\0';
	*at = p;
	return 0;
}

/* '/', or what expansion may make '/'; "$$" and "%%" are mere characters. */
static int is_absolute(const char *path)
{
	return *path == '/' ||
	       ((*path == '$' || *path == '%') && path[1] != *path);
}

static int check_path(const char *path, const char *what, struct sb_err *err)
{
	if (!*path)
		return sb_fail(err, SB_FAIL, "%s is missing", what);
	if (!is_absolute(path))
		return sb_fail(err, SB_FAIL, "%s %.*s is not absolute", what,
			       SHOWN, path);
	return 0;
}

int sb_mountopt_normalize(char *destination, struct sb_err *err)
{
	char *to = destination;

	for (const char *from = destination; *from;) {
		size_t slash = strspn(from, "/");
		size_t len = strcspn(from + slash, "/");
		const char *name = from + slash;

		from = name + len;
		if (len == 2 && !memcmp(name, "..", 2))
			return sb_fail(err, SB_FAIL,
				       "destination has a \"..\" component");
		if (!len || (len == 1 && *name == '.'))
			continue;
		if (slash)
			*to++ = '/';
		memmove(to, name, len);
		to += len;
	}
	*to = '\0';
	if (to == destination)
		return sb_fail(err, SB_FAIL,
			       "destination / is the whole container");
	return 0;
}

static size_t digits(const char *s, const char *set, size_t len)
{
	size_t n = strspn(s, set);

	return n < len ? n : len;
}

/* The values that tmpfs(5) has for the option. */
static int is_value(enum group group, const char *value, size_t len)
{
	size_t n;

	if (group == MODE)
		return len && len <= 4 && digits(value, "01234567", len) == len;
	n = digits(value, "0123456789", len);
	if (!n || n > 18)
		return 0;
	if (n == len)
		return 1;
	return n + 1 == len &&
	       strchr(group == SIZE ? "kKmMgG%" : "kKmMgG", value[n]);
}

static int is_flag(const struct flag *f, const char *word, size_t len)
{
	size_t name = strlen(f->name);

	if (f->name[name - 1] != '=')
		return name == len && !memcmp(word, f->name, len);
	return len >= name && !memcmp(word, f->name, name);
}

static const struct flag *find_flag(const char *word, size_t len)
{
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (is_flag(&flags[i], word, len))
			return &flags[i];
	return NULL;
}

/* The place of a group in struct chosen. */
static int place(enum group group)
{
	return __builtin_ctz(group);
}

static int choose(struct chosen *c, enum sb_mount_kind kind, const char *word,
		  size_t len, struct sb_err *err)
{
	const struct flag *f = find_flag(word, len);
	int shown = len < SHOWN ? (int)len : SHOWN;
	size_t name;
	int at;

	if (!len)
		return sb_fail(err, SB_FAIL, "a flag is empty");
	if (!f)
		return sb_fail(err, SB_FAIL, "flag %.*s is unknown", shown,
			       word);
	if (!(f->kinds & (1 << kind)))
		return sb_fail(err, SB_FAIL, "flag %.*s is not for a %s", shown,
			       word, kind == SB_MOUNT_BIND ? "bind" : "tmpfs");
	name = strlen(f->name);
	if (f->name[name - 1] == '=' &&
	    !is_value(f->group, word + name, len - name))
		return sb_fail(err, SB_FAIL, "flag %.*s: bad value", shown,
			       word);
	at = place(f->group);
	if ((c->groups & f->group) &&
	    (c->len[at] != len || memcmp(c->at[at], word, len)))
		return sb_fail(err, SB_FAIL,
			       "flags %.*s and %.*s exclude each other",
			       (int)c->len[at], c->at[at], shown, word);
	c->groups |= f->group;
	c->at[at] = word;
	c->len[at] = len;
	return 0;
}

static int add_option(struct sb_mountopt *m, const char *option, size_t len,
		      struct sb_err *err)
{
	size_t n = strlen(m->options);

	if (n + 1 + len >= sizeof(m->options))
		return sb_fail(err, SB_FAIL, "too many flags");
	if (n)
		m->options[n++] = ',';
	memcpy(m->options + n, option, len);
	m->options[n + len] = '\0';
	return 0;
}

static int write_options(struct sb_mountopt *m, const struct chosen *c,
			 struct sb_err *err)
{
	for (size_t i = 0; i < sizeof(fallbacks) / sizeof(fallbacks[0]); i++) {
		const struct fallback *f = &fallbacks[i];

		if ((f->kinds & (1 << m->kind)) && !(c->groups & f->group) &&
		    add_option(m, f->option, strlen(f->option), err) < 0)
			return -1;
	}
	/* From OPTIONAL on they are ours, and not for config.json. */
	for (int group = 1; group < OPTIONAL; group <<= 1) {
		int at = place(group);

		if ((c->groups & group) &&
		    add_option(m, c->at[at], c->len[at], err) < 0)
			return -1;
	}
	return 0;
}

/* text is NULL where the entry has no flags. */
static int set_flags(struct sb_mountopt *m, const char *text,
		     struct sb_err *err)
{
	struct chosen c = {0};

	while (text) {
		size_t len = strcspn(text, "+");

		if (choose(&c, m->kind, text, len, err) < 0)
			return -1;
		text = text[len] ? text + len + 1 : NULL;
	}
	m->optional = !!(c.groups & OPTIONAL);
	if (c.groups & CREATE) {
		char first = c.at[place(CREATE)][strlen("x-create=")];

		m->create = first == 'd'   ? SB_CREATE_DIR
			    : first == 'f' ? SB_CREATE_FILE
					   : SB_CREATE_AUTO;
	}
	return write_options(m, &c, err);
}

static enum sb_mount_kind kind_of(const char *source)
{
	if (!strcmp(source, "tmpfs"))
		return SB_MOUNT_TMPFS;
	return !strcmp(source, "umount") ? SB_MOUNT_UMOUNT : SB_MOUNT_BIND;
}

/* The fields after the first. has_flags: what flags got is one. */
static int take_fields(const char **at, struct sb_mountopt *m, char *text,
		       int *has_flags, struct sb_err *err)
{
	*has_flags = 0;
	if (**at != ':') {
		if (m->kind == SB_MOUNT_BIND)
			memcpy(m->destination, m->source,
			       strlen(m->source) + 1);
		return 0;
	}
	++*at;
	if (take_field(at, m->destination, sizeof(m->destination),
		       "destination", err) < 0)
		return -1;
	if (**at != ':')
		return 0;
	++*at;
	*has_flags = 1;
	if (take_field(at, text, FLAGS_MAX, "flags", err) < 0)
		return -1;
	if (**at == ':')
		return sb_fail(err, SB_FAIL,
			       "too many colons (\\: is a colon in a path)");
	return 0;
}

static int take_entry(const char **at, struct sb_mountopt *m,
		      struct sb_err *err)
{
	char text[FLAGS_MAX];
	int has_flags;

	if (take_field(at, m->source, sizeof(m->source), "source", err) < 0)
		return -1;
	m->kind = kind_of(m->source);
	if (m->kind == SB_MOUNT_BIND && check_path(m->source, "source", err))
		return -1;
	if (take_fields(at, m, text, &has_flags, err) < 0 ||
	    check_path(m->destination, "destination", err) < 0 ||
	    sb_mountopt_normalize(m->destination, err) < 0)
		return -1;
	if (m->kind != SB_MOUNT_BIND)
		m->source[0] = '\0';
	if (m->kind == SB_MOUNT_UMOUNT)
		return has_flags ? sb_fail(err, SB_FAIL, "umount has no flags")
				 : 0;
	return set_flags(m, has_flags ? text : NULL, err);
}

int sb_mountopt_next(const char **at, struct sb_mountopt *m, struct sb_err *err)
{
	const char *p = *at;

	if (!*p)
		return 0;
	m->source[0] = m->destination[0] = m->options[0] = '\0';
	m->optional = 0;
	m->create = SB_CREATE_AUTO;
	/* "a,,b", and before the list's end is known, "a,". */
	if (*p == ',')
		return sb_fail(err, SB_FAIL, "an element is empty");
	if (take_entry(&p, m, err) < 0)
		return -1;
	if (*p == ',' && !*++p)
		return sb_fail(err, SB_FAIL, "an element is empty");
	*at = p;
	return 1;
}
