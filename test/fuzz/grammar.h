/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A second reading of spank/keyval.c's grammar, by regular expressions, as
 * Slurm does it (s_p_parse_file in src/common/parse_config.c, 20.11 to 26.05):
 * what the file's pairs are, and at which line it is wrong. What differs from
 * Slurm by intent:
 *
 *   - several pairs may stand on a line, as where Slurm reads a line of nodes;
 *   - a value that begins with a double quote and does not end with one at a
 *     blank is wrong (Slurm takes the quote for part of the value);
 *   - Include may have blanks before it. What is included is not read here.
 */
#ifndef SB_FUZZ_GRAMMAR_H
#define SB_FUZZ_GRAMMAR_H

#include "../../helper/buf.h"

#include <ctype.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum grammar_end {
	GRAMMAR_GOOD,
	GRAMMAR_BAD,	 /* at a line */
	GRAMMAR_INCLUDE, /* a line includes something: not read any further */
};

/* The parts of a line: all but its comment; what continues it; Include; a pair,
 * with the key, the value, and what is in its quotes. */
enum grammar_re { RE_LINE, RE_CONTINUED, RE_INCLUDE, RE_PAIR, RE_N };

static regex_t *grammar_re(enum grammar_re which)
{
	static const char *const text[RE_N] = {
		[RE_LINE] = "^([^\\#]|\\\\.)*(\\\\$)?",
		[RE_CONTINUED] = "(^|[^\\])(\\\\\\\\)*(\\\\[[:space:]]*)$",
		[RE_INCLUDE] = "^[[:blank:]]*include[[:space:]]",
		[RE_PAIR] = "^[[:space:]]*([[:alnum:]_.]+)"
			    "[[:space:]]*[-*+/]?=[[:space:]]*"
			    "(\"([^\"]*)\"|[^[:space:]]+)([[:space:]]|$)",
	};
	static regex_t re[RE_N];
	static int have[RE_N];

	if (!have[which] &&
	    regcomp(&re[which], text[which],
		    REG_EXTENDED | (which == RE_INCLUDE ? REG_ICASE : 0)))
		abort();
	have[which] = 1;
	return &re[which];
}

/* A pair as either reading tells it. */
static void grammar_tell(struct sb_buf *out, unsigned int line, const char *key,
			 size_t key_len, const char *value, size_t len)
{
	char number[16];

	snprintf(number, sizeof(number), "%u:", line);
	sb_buf_puts(out, number);
	sb_buf_add(out, key, key_len);
	sb_buf_putc(out, '=');
	sb_buf_add(out, value, len);
	sb_buf_putc(out, '\n');
}

static enum grammar_end grammar_pairs(const char *s, unsigned int line,
				      struct sb_buf *out)
{
	regmatch_t m[5];

	if (!regexec(grammar_re(RE_INCLUDE), s, 0, NULL, 0))
		return GRAMMAR_INCLUDE;
	while (!regexec(grammar_re(RE_PAIR), s, 5, m, 0)) {
		const regmatch_t *v = m[3].rm_so < 0 ? &m[2] : &m[3];

		if (v == &m[2] && s[v->rm_so] == '"')
			return GRAMMAR_BAD;
		grammar_tell(out, line, s + m[1].rm_so, m[1].rm_eo - m[1].rm_so,
			     s + v->rm_so, v->rm_eo - v->rm_so);
		s += m[2].rm_eo;
	}
	return s[strspn(s, " \t\r\n\v\f")] ? GRAMMAR_BAD : GRAMMAR_GOOD;
}

/* Takes the escapes out. */
static void grammar_unescape(char *s)
{
	char *to = s;

	for (; *s; s++)
		if (*s != '\\' || *++s)
			*to++ = *s;
		else
			break;
	*to = '\0';
}

/* Adds what a line of the file has but its comment. Returns 1 where the next
 * one goes on with it. */
static int grammar_line(struct sb_buf *all, const char *line, size_t len)
{
	char *s = strndup(line, len);
	regmatch_t m[4];
	int more;

	if (!s || regexec(grammar_re(RE_LINE), s, 1, m, 0))
		abort();
	s[m[0].rm_eo] = '\0';
	more = !regexec(grammar_re(RE_CONTINUED), s, 4, m, 0);
	if (more)
		s[m[3].rm_so] = '\0';
	sb_buf_puts(all, s);
	free(s);
	return more;
}

/*
 * Reads text, which has no NUL byte. out gets "LINE:KEY=VALUE\n" for each pair,
 * *line the number of the line that is wrong, or includes.
 */
static enum grammar_end grammar_read(const char *text, size_t size,
				     struct sb_buf *out, unsigned int *line)
{
	const char *end = text + size;
	enum grammar_end how = GRAMMAR_GOOD;
	unsigned int n = 0;

	while (text < end && how == GRAMMAR_GOOD) {
		struct sb_buf all = {0};
		int more = 1;

		*line = n + 1;
		for (; more && text < end; n++) {
			const char *nl = memchr(text, '\n', end - text);
			size_t len = (nl ? nl + 1 : end) - text;

			more = grammar_line(&all, text, len);
			text += len;
		}
		sb_buf_puts(&all, "");
		if (all.failed)
			abort();
		grammar_unescape(all.data);
		how = grammar_pairs(all.data, *line, out);
		sb_buf_free(&all);
	}
	return how;
}

#endif
