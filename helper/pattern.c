/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RunTime* command patterns. */
#include "pattern.h"

#include "../spank/contract.h"
#include "mem.h"

#include <string.h>

/* oci.conf(5), Slurm 26.05; and f and x, which are ours. */
static const char letters[] = "%@befjmnprstuUZx";

int sb_pattern_needs_shell(const char *pattern)
{
	return pattern[strcspn(pattern, "$|;&<>()`*?[]{}~#\n")] != '\0';
}

int sb_pattern_uses(const char *pattern, char letter)
{
	for (const char *p = strchr(pattern, '%'); p && p[1];
	     p = strchr(p + 2, '%'))
		if (p[1] == letter)
			return 1;
	return 0;
}

/* The shell's quotes (POSIX, XCU 2.2): the state that c leaves behind. */
static char quote_state(char state, char c)
{
	if (!state && (c == '\'' || c == '"'))
		return c;
	return state == c ? 0 : state;
}

int sb_pattern_check(const char *pattern, struct sb_err *err)
{
	int shell = sb_pattern_needs_shell(pattern);
	char quote = 0;

	for (const char *p = pattern; *p; p++) {
		if (*p == '\\' && quote != '\'' && p[1]) {
			p++;
			continue;
		}
		quote = quote_state(quote, *p);
		if (*p != '%')
			continue;
		p++;
		if (!*p || !strchr(letters, *p))
			return sb_fail(err, SB_FAIL,
				       "%%%c is no letter of a "
				       "pattern (see "
				       "stepbox.conf(5))",
				       *p ? *p : ' ');
		if (*p == '@' && !shell &&
		    (quote ||
		     (p - 1 > pattern && p[-2] != ' ' && p[-2] != '\t') ||
		     (p[1] && p[1] != ' ' && p[1] != '\t')))
			return sb_fail(err, SB_FAIL,
				       "%%@ must be a word of its own");
	}
	if (quote)
		return sb_fail(err, SB_FAIL, "a %c is not closed", quote);
	if (!pattern[strspn(pattern, " \t")])
		return sb_fail(err, SB_FAIL, "no command");
	return 0;
}

/* ---- words ---- */

/* %@ alone: each argument is a word; none is the false that Slurm has there. */
static void add_arguments(const struct sb_values *v, struct sb_strv *out)
{
	if (!v->argv || !v->argv[0])
		sb_strv_add(out, "/bin/false");
	for (char **a = v->argv; a && *a; a++)
		sb_strv_add(out, *a);
}

static const char *value_of(const struct sb_values *v, char letter)
{
	const char *s = letter == '%' ? "%" : v->letter[(int)letter];

	return s ? s : "";
}

static const char *one_word(const char *p, const struct sb_values *v,
			    struct sb_buf *word)
{
	char quote = 0;

	sb_buf_puts(word, "");
	for (; *p && (quote || (*p != ' ' && *p != '\t')); p++) {
		char next = quote_state(quote, *p);

		if (*p == '\\' && quote != '\'' && p[1]) {
			/* POSIX, XCU 2.2.3 */
			if (quote && !strchr("$`\"\\", p[1]))
				sb_buf_putc(word, *p);
			sb_buf_putc(word, *++p);
		} else if (next != quote) {
			quote = next;
		} else if (*p == '%') {
			sb_buf_puts(word, value_of(v, *++p));
		} else {
			sb_buf_putc(word, *p);
		}
	}
	return p;
}

static void expand_words(const char *p, const struct sb_values *v,
			 struct sb_strv *out)
{
	while (*(p += strspn(p, " \t"))) {
		struct sb_buf word = {0};

		if (!strncmp(p, "%@", 2)) {
			add_arguments(v, out);
			p += 2;
			continue;
		}
		p = one_word(p, v, &word);
		if (word.failed)
			sb_buf_free(&word);
		sb_strv_take(out, word.data);
	}
}

/* ---- a shell ---- */

/* Adds value so that the shell takes it as it is, inside the quotes that the
 * pattern has open there. */
static void add_quoted(struct sb_buf *b, const char *value, char quote)
{
	if (!quote)
		sb_buf_putc(b, '\'');
	for (; *value; value++) {
		if (quote == '"' && strchr("\\\"$`", *value))
			sb_buf_putc(b, '\\');
		if (quote != '"' && *value == '\'')
			sb_buf_puts(b, "'\\''");
		else
			sb_buf_putc(b, *value);
	}
	if (!quote)
		sb_buf_putc(b, '\'');
}

static void add_quoted_arguments(struct sb_buf *b, const struct sb_values *v,
				 char quote)
{
	if (!v->argv || !v->argv[0])
		add_quoted(b, "/bin/false", quote);
	for (char **a = v->argv; a && *a; a++) {
		if (a != v->argv)
			sb_buf_putc(b, ' ');
		add_quoted(b, *a, quote);
	}
}

static void expand_shell(const char *p, const struct sb_values *v,
			 struct sb_strv *out)
{
	struct sb_buf text = {0};
	char quote = 0;

	for (; *p; p++) {
		if (*p == '\\' && quote != '\'' && p[1]) {
			sb_buf_add(&text, p++, 2);
			continue;
		}
		quote = quote_state(quote, *p);
		if (*p != '%')
			sb_buf_putc(&text, *p);
		else if (*++p == '%')
			sb_buf_putc(&text, '%');
		else if (*p == '@')
			add_quoted_arguments(&text, v, quote);
		else
			add_quoted(&text, value_of(v, *p), quote);
	}
	sb_strv_add(out, "/bin/sh");
	sb_strv_add(out, "-c");
	if (text.failed)
		sb_buf_free(&text);
	sb_strv_take(out, text.data);
}

int sb_pattern_expand(const char *pattern, const struct sb_values *v,
		      struct sb_strv *out, struct sb_err *err)
{
	if (sb_pattern_needs_shell(pattern))
		expand_shell(pattern, v, out);
	else
		expand_words(pattern, v, out);
	if (out->failed)
		return sb_no_memory(err);
	return 0;
}
