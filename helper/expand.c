/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Variables and letters in a path that a user typed. */
#include "expand.h"

#include "../spank/contract.h"
#include "env.h"
#include "mem.h"

#include <limits.h>
#include <string.h>

/* Of oci.conf(5), Slurm 26.05, what is known before there is a container. */
static const char letters[] = "bejmnrstuUZ";

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
#define DIGITS "0123456789"

/* So much of what the user typed is told: a message's room is limited, and its
 * reason stands at the end. */
#define TOLD 200

/* POSIX, XBD 8.1: no digit in front. */
static size_t name_length(const char *s)
{
	return strspn(s, LETTERS) ? strspn(s, LETTERS DIGITS) : 0;
}

static int add_value(struct sb_buf *out, char **env, const char *name,
		     size_t len, const struct sb_values *v, struct sb_err *err)
{
	_cleanup_free_ char *copy = strndup(name, len);
	const char *value;

	if (!copy)
		return sb_no_memory(err);
	value = sb_env_get(env, copy);
	if (!strcmp(copy, "PWD") && v->letter['Z'])
		value = v->letter['Z'];
	if (!value)
		return sb_fail(err, SB_FAIL,
			       "$%.*s: not set in the job's environment", TOLD,
			       copy);
	sb_buf_puts(out, value);
	return 0;
}

/* *at is behind "${" and moves behind "}". */
static int add_braced(struct sb_buf *out, char **env, const char **at,
		      const struct sb_values *v, struct sb_err *err)
{
	const char *name = *at, *brace = strchr(name, '}');
	size_t len = name_length(name);

	if (!brace)
		return sb_fail(err, SB_FAIL, "${%.*s: no closing brace", TOLD,
			       name);
	if (!len || name + len != brace)
		return sb_fail(
			err, SB_FAIL, "${%.*s}: not the name of a variable",
			brace - name < TOLD ? (int)(brace - name) : TOLD, name);
	*at = brace + 1;
	return add_value(out, env, name, len, v, err);
}

/* *at is behind '$' and moves behind the variable. */
static int add_variable(struct sb_buf *out, char **env, const char **at,
			const struct sb_values *v, struct sb_err *err)
{
	const char *name = *at;
	size_t len = name_length(name);

	if (*name == '{') {
		++*at;
		return add_braced(out, env, at, v, err);
	}
	if (!len) {
		/* "$$" is how mountopt.h writes a '$' that was quoted. */
		*at += *name == '$';
		sb_buf_putc(out, '$');
		return 0;
	}
	*at = name + len;
	return add_value(out, env, name, len, v, err);
}

static int check_letter(unsigned char c, struct sb_err *err)
{
	if (c <= ' ' || c > '~')
		return sb_fail(err, SB_FAIL,
			       "%%: no letter follows (%%%% is a percent "
			       "sign)");
	if (c != '%' && !strchr(letters, c))
		return sb_fail(err, SB_FAIL,
			       "%%%c: no such letter (%%%% is a percent sign)",
			       c);
	return 0;
}

int sb_expand_check(const char *text, struct sb_err *err)
{
	const char *p = text;

	while ((p = strchr(p, '%'))) {
		if (check_letter(p[1], err) < 0)
			return -1;
		p += 2;
	}
	return 0;
}

/* *at is behind '%' and moves behind the letter. */
static int add_letter(struct sb_buf *out, const char **at,
		      const struct sb_values *v, struct sb_err *err)
{
	unsigned char c = **at;

	if (check_letter(c, err) < 0)
		return -1;
	++*at;
	if (c == '%') {
		sb_buf_putc(out, '%');
		return 0;
	}
	if (!v->letter[c])
		return sb_fail(err, SB_FAIL, "%%%c: not known here", c);
	sb_buf_puts(out, v->letter[c]);
	return 0;
}

static int add_next(struct sb_buf *out, char **env, const char **at,
		    const struct sb_values *v, struct sb_err *err)
{
	char c = *(*at)++;

	if (c == '$')
		return add_variable(out, env, at, v, err);
	if (c == '%')
		return add_letter(out, at, v, err);
	sb_buf_putc(out, c);
	return 0;
}

char *sb_expand(const char *text, char **env, const struct sb_values *v,
		struct sb_err *err)
{
	_cleanup_buf_ struct sb_buf out = {0};
	const char *at = text;

	sb_buf_puts(&out, "");
	while (*at) {
		if (add_next(&out, env, &at, v, err) < 0)
			return NULL;
		if (out.len < PATH_MAX)
			continue;
		sb_fail(err, SB_FAIL, "%.*s: longer than %d bytes", TOLD, text,
			PATH_MAX - 1);
		return NULL;
	}
	if (out.failed) {
		sb_fail(err, SB_FAIL, "out of memory");
		return NULL;
	}
	return steal_ptr(out.data);
}
