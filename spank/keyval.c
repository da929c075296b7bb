/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The grammar of Slurm's configuration files. */
#define _GNU_SOURCE
#include "keyval.h"

#include "contract.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_FILE (1 << 20)
#define MAX_DEPTH 8

/* What isspace(3) says, and Slurm's regular expression. */
#define SPACE " \t\r\n\v\f"

struct reader {
	sb_kv_fn *fn;
	void *arg;
	enum sb_kv_trust trust;
	const char *top; /* the first file */
	int depth;
};

static int read_file(struct reader *r, const char *path, struct sb_err *err);

/* Ends the line at an unescaped '#'; quotes do not protect one (so Slurm). */
static size_t strip_comment(const char *line, size_t len)
{
	int backslashes = 0;

	for (size_t i = 0; i < len; i++) {
		if (line[i] == '#' && backslashes % 2 == 0)
			return i;
		backslashes = line[i] == '\\' ? backslashes + 1 : 0;
	}
	return len;
}

/* An odd number of backslashes at the end (blanks apart) continues the line.
 * Returns the length without the last one, or -1 where it does not. */
static ssize_t continued(const char *line, size_t len)
{
	size_t end = len, n = 0;

	while (end && isspace((unsigned char)line[end - 1]))
		end--;
	while (n < end && line[end - 1 - n] == '\\')
		n++;
	return n % 2 ? (ssize_t)end - 1 : -1;
}

/* "\x" is x: a backslash must be doubled. */
static void strip_escapes(char *line)
{
	char *to = line;

	for (const char *from = line; *from; from++) {
		if (*from == '\\' && !*++from)
			break;
		*to++ = *from;
	}
	*to = '\0';
}

/* The path of a file that lies beside another, as snprintf(3). */
static size_t beside(char *path, size_t size, const char *other,
		     const char *file)
{
	const char *slash = *file == '/' ? NULL : strrchr(other, '/');
	int dir = slash ? (int)(slash - other) + 1 : 0;

	return snprintf(path, size, "%.*s%s", dir, other, file);
}

/* Slurm looks beside the file that names it up to 22.05, and since 23.02 beside
 * slurm.conf: for a file that lies there too, that is beside the first. */
static int include(struct reader *r, const struct sb_kv_pos *pos, char *file,
		   struct sb_err *err)
{
	char path[PATH_MAX];
	size_t len = strlen(file);

	while (len && isspace((unsigned char)file[len - 1]))
		file[--len] = '\0';
	if (r->depth >= MAX_DEPTH)
		return sb_fail(err, SB_FAIL, "%s:%u: Include nested too deep",
			       pos->file, pos->line);
	len = beside(path, sizeof(path), pos->file, file);
	if (len < sizeof(path) && access(path, F_OK) < 0 && errno == ENOENT)
		len = beside(path, sizeof(path), r->top, file);
	if (len >= sizeof(path))
		return sb_fail(err, SB_FAIL, "%s:%u: Include: path too long",
			       pos->file, pos->line);
	r->depth++;
	if (read_file(r, path, err) < 0)
		return sb_wrap(err, "%s:%u", pos->file, pos->line);
	r->depth--;
	return 0;
}

/* Takes one KEY=VALUE off *at. Returns 1; 0 at the line's end; -1 where there
 * is none. */
static int next_pair(char **at, char **key, char **value)
{
	char *p = *at, *end;

	p += strspn(p, SPACE);
	if (!*p)
		return 0;
	*key = p;
	while (isalnum((unsigned char)*p) || *p == '_' || *p == '.')
		p++;
	end = p;
	p += strspn(p, SPACE);
	/* Slurm's grammar has "+=" and the like, and for keys like these no
	 * meaning for them: they are "=". */
	if (*p && strchr("-*+/", *p))
		p++;
	if (end == *key || *p != '=')
		return -1;
	*end = '\0';
	p++;
	p += strspn(p, SPACE);
	if (*p == '"') {
		*value = ++p;
		p = strchr(p, '"');
		if (!p || (p[1] && !isspace((unsigned char)p[1])))
			return -1;
	} else {
		*value = p;
		p += strcspn(p, SPACE);
		if (p == *value)
			return -1;
	}
	*at = *p ? p + 1 : p;
	*p = '\0';
	return 1;
}

static int parse_line(struct reader *r, const struct sb_kv_pos *pos, char *line,
		      struct sb_err *err)
{
	char *key, *value;
	int rc;

	strip_escapes(line);
	line += strspn(line, " \t");
	if (!strncasecmp(line, "include", 7) && isspace((unsigned char)line[7]))
		return include(r, pos, line + 7 + strspn(line + 7, " \t"), err);
	while ((rc = next_pair(&line, &key, &value)) > 0) {
		if (r->fn(r->arg, key, value, pos, err) < 0)
			return sb_wrap(err, "%s:%u", pos->file, pos->line);
	}
	if (rc < 0)
		return sb_fail(err, SB_FAIL,
			       "%s:%u: not KEY=VALUE (a value with blanks "
			       "needs \"quotes\")",
			       pos->file, pos->line);
	return 0;
}

static int parse_text(struct reader *r, const char *file, const char *text,
		      size_t size, struct sb_err *err)
{
	struct sb_kv_pos pos = {.file = file, .line = 1};
	const char *end = text + size;
	unsigned int line = 0;
	size_t fill = 0;
	char *buf;
	int rc = 0, goes_on = 0;

	if (memchr(text, '\0', size))
		return sb_fail(err, SB_FAIL, "%s: holds a NUL byte", file);
	buf = malloc(size + 1);
	if (!buf)
		return sb_fail(err, SB_FAIL, "%s: out of memory", file);
	while (text < end && !rc) {
		const char *nl = memchr(text, '\n', end - text);
		size_t len =
			nl ? (size_t)(nl - text) + 1 : (size_t)(end - text);
		size_t keep = strip_comment(text, len);
		ssize_t cont = continued(text, keep);

		line++;
		if (!goes_on)
			pos.line = line;
		memcpy(buf + fill, text, cont >= 0 ? (size_t)cont : keep);
		fill += cont >= 0 ? (size_t)cont : keep;
		text += len;
		goes_on = cont >= 0 && text < end;
		if (goes_on)
			continue;
		buf[fill] = '\0';
		fill = 0;
		rc = parse_line(r, &pos, buf, err);
	}
	free(buf);
	return rc;
}

/* Reads all of fd, a regular file of at most MAX_FILE bytes. */
static char *slurp(int fd, const char *path, enum sb_kv_trust trust,
		   size_t *size, struct sb_err *err)
{
	struct stat st;
	char *text;
	ssize_t n;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		sb_fail(err, SB_FAIL, "%s: not a regular file", path);
		return NULL;
	}
	if (trust == SB_KV_ROOT && (st.st_uid || st.st_mode & 022)) {
		sb_fail(err, SB_FAIL,
			"%s: must be root's and writable by root alone", path);
		return NULL;
	}
	if (st.st_size > MAX_FILE) {
		sb_fail(err, SB_FAIL, "%s: larger than 1 MiB", path);
		return NULL;
	}
	text = malloc(st.st_size + 1);
	*size = 0;
	while (text && *size < (size_t)st.st_size) {
		n = read(fd, text + *size, st.st_size - *size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			sb_fail(err, SB_FAIL, "%s: %s", path, strerror(errno));
			free(text);
			return NULL;
		}
		if (!n)
			break;
		*size += n;
	}
	if (!text)
		sb_fail(err, SB_FAIL, "%s: out of memory", path);
	return text;
}

static int read_file(struct reader *r, const char *path, struct sb_err *err)
{
	char *text;
	size_t size;
	int fd, rc;

	/* O_NONBLOCK: a FIFO must not make slurmstepd wait. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return sb_fail(err, SB_FAIL, "%s: %s", path, strerror(errno));
	text = slurp(fd, path, r->trust, &size, err);
	close(fd);
	errno = 0;
	if (!text)
		return -1;
	rc = parse_text(r, path, text, size, err);
	free(text);
	errno = 0;
	return rc;
}

int sb_kv_read(const char *path, enum sb_kv_trust trust, sb_kv_fn *fn,
	       void *arg, struct sb_err *err)
{
	struct reader r = {.fn = fn, .arg = arg, .trust = trust, .top = path};

	return read_file(&r, path, err);
}

int sb_kv_parse(const char *path, const char *text, size_t size, sb_kv_fn *fn,
		void *arg, struct sb_err *err)
{
	struct reader r = {.fn = fn, .arg = arg, .top = path};

	return parse_text(&r, path, text, size, err);
}

int sb_kv_bool(const char *value)
{
	static const char *const yes[] = {"yes", "true", "on", "up", "1"};
	static const char *const no[] = {"no", "false", "off", "down", "0"};

	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
		if (!strcasecmp(value, yes[i]))
			return 1;
		if (!strcasecmp(value, no[i]))
			return 0;
	}
	return -1;
}

int sb_kv_level(const char *value)
{
	static const char *const levels[] = {
		"quiet", "fatal",  "error",  "info",   "verbose",
		"debug", "debug2", "debug3", "debug4", "debug5",
	};

	if (*value >= '0' && *value <= '9' && !value[1])
		return *value - '0';
	for (int i = 0; i < 10; i++)
		if (!strcasecmp(value, levels[i]))
			return i;
	return -1;
}
