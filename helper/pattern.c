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

/* In which quotes and command substitutions a place of a shell's text is: the
 * innermost last. Deeper ones than fit are none of a pattern's. */
struct nest {
	char open[16]; /* ', ", ` or ( */
	int depth;
};

static char innermost(const struct nest *n)
{
	return n->depth ? n->open[n->depth - 1] : 0;
}

/* Goes on over *p. Returns 0, or -1 where it is nested too deep. */
static int nest_step(struct nest *n, const char *p)
{
	char in = innermost(n), c = *p;

	if (in == '\'' && c != '\'')
		return 0;
	if ((c == in && in != '(') || (c == ')' && in == '(')) {
		n->depth--;
		return 0;
	}
	/* In double quotes a parenthesis is one only behind a dollar sign. */
	if ((in == '"' && c != '`' && !(c == '$' && p[1] == '(')) ||
	    (in != '"' && (!c || !strchr("'\"`(", c))))
		return 0;
	if (n->depth == (int)sizeof(n->open))
		return -1;
	n->open[n->depth++] = c == '$' ? '(' : c;
	return 0;
}

static int check_letter(const char *pattern, const char *p, char quote,
			int shell, struct sb_err *err)
{
	if (!*p || !strchr(letters, *p))
		return sb_fail(err, SB_FAIL,
			       "%%%c is no letter of a pattern (see "
			       "stepbox.conf(5))",
			       *p ? *p : ' ');
	if (*p == '@' && !shell &&
	    (quote || (p - 1 > pattern && p[-2] != ' ' && p[-2] != '\t') ||
	     (p[1] && p[1] != ' ' && p[1] != '\t')))
		return sb_fail(err, SB_FAIL, "%%@ must be a word of its own");
	return 0;
}

/* Behind *p, what a step of nest_step has taken. */
static int width(const char *p, char in)
{
	return in == '"' && *p == '$' && p[1] == '(' ? 2 : 1;
}

int sb_pattern_check(const char *pattern, struct sb_err *err)
{
	int shell = sb_pattern_needs_shell(pattern);
	struct nest n = {.depth = 0};
	char quote = 0, in;

	for (const char *p = pattern; *p; p += shell ? width(p, in) : 1) {
		in = shell ? innermost(&n) : quote;
		if (*p == '\\' && in != '\'' && p[1]) {
			p++;
			continue;
		}
		quote = quote_state(quote, *p);
		if (shell && nest_step(&n, p) < 0)
			return sb_fail(err, SB_FAIL, "nested too deep");
		if (*p == '%' &&
		    check_letter(pattern, ++p, quote, shell, err) < 0)
			return -1;
	}
	in = shell ? innermost(&n) : quote;
	if (in)
		return sb_fail(err, SB_FAIL, "a %c is not closed", in);
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

/*
 * No value stands in the text that the shell reads as such: whatever the
 * quotes, substitutions and here-documents around it, it is expanded from a
 * variable or a positional parameter, and never read as the shell's language.
 */

/* NAME='VALUE' for each letter that the pattern has; not exported. */
static void add_variables(struct sb_buf *b, const char *pattern,
			  const struct sb_values *v)
{
	for (const char *l = letters; *l; l++) {
		if (strchr("%@", *l) || !sb_pattern_uses(pattern, *l))
			continue;
		sb_buf_puts(b, "_stepbox_");
		sb_buf_putc(b, *l);
		sb_buf_puts(b, "='");
		for (const char *s = value_of(v, *l); *s; s++)
			if (*s == '\'')
				sb_buf_puts(b, "'\\''");
			else
				sb_buf_putc(b, *s);
		sb_buf_puts(b, "'\n");
	}
}

/* What stands for a letter where the innermost quote is in. */
static void add_reference(struct sb_buf *b, char letter, char in)
{
	const char *around = in == '\'' ? "'\"" : in == '"' ? "" : "\"";

	sb_buf_puts(b, around);
	if (letter == '@') {
		/* Within quotes all are one word. */
		sb_buf_puts(b, strchr("'\"", in) && in ? "$*" : "$@");
	} else {
		sb_buf_puts(b, "${_stepbox_");
		sb_buf_putc(b, letter);
		sb_buf_putc(b, '}');
	}
	sb_buf_puts(b, in == '\'' ? "\"'" : around);
}

static void add_text(struct sb_buf *b, const char *p)
{
	struct nest n = {.depth = 0};
	char in;

	for (; *p; p++) {
		in = innermost(&n);
		if (*p == '\\' && in != '\'' && p[1]) {
			sb_buf_add(b, p++, 2);
			continue;
		}
		nest_step(&n, p);
		if (*p == '%' && *++p != '%') {
			add_reference(b, *p, in);
			continue;
		}
		sb_buf_add(b, p, width(p, in));
		p += width(p, in) - 1;
	}
}

/* What a shell does itself: its words, special built-ins, and those of which no
 * program could do the same (POSIX, XCU 2.4, 2.14, 2.9.1.4). */
static int is_shells(const char *word, size_t len)
{
	static const char *const all[] = {
		".",	   "case",   "cd",    "command",  "eval",   "exec",
		"exit",	   "export", "for",   "function", "hash",   "if",
		"getopts", "local",  "read",  "readonly", "return", "set",
		"shift",   "source", "time",  "times",	  "trap",   "type",
		"ulimit",  "umask",  "unset", "until",	  "wait",   "while",
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (strlen(all[i]) == len && !strncmp(word, all[i], len))
			return 1;
	return 0;
}

/* Whether the pattern is one program's command, and the shell is there for its
 * arguments alone. */
static int is_one_program(const char *p)
{
	struct nest n = {.depth = 0};
	char in = 0;
	size_t len;

	p += strspn(p, " \t");
	len = strspn(p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			"0123456789_./+-");
	if (!len || (p[len] != ' ' && p[len] != '\t') || is_shells(p, len))
		return 0;
	for (p += len; *p; p += width(p, in)) {
		in = innermost(&n);
		if (*p == '\\' && in != '\'' && p[1]) {
			p++;
			continue;
		}
		if (!in &&
		    (strchr(";|&)\n#", *p) || (*p == '(' && p[-1] != '$')))
			return 0;
		nest_step(&n, p);
	}
	return 1;
}

static void expand_shell(const char *p, const struct sb_values *v,
			 struct sb_strv *out)
{
	struct sb_buf text = {0};

	add_variables(&text, p, v);
	/* Or the shell would stand between, and take the signals. */
	if (is_one_program(p))
		sb_buf_puts(&text, "exec ");
	add_text(&text, p);
	sb_strv_add(out, "/bin/sh");
	sb_strv_add(out, "-c");
	if (text.failed)
		sb_buf_free(&text);
	sb_strv_take(out, text.data);
	if (!sb_pattern_uses(p, '@'))
		return;
	sb_strv_add(out, "sh");
	add_arguments(v, out);
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
