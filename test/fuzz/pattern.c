/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * RunTime* patterns. Whatever the values are, they come through as they are,
 * and change nothing else: the words for any values are those for plain ones,
 * with the plain ones replaced. Where there is a shell, its own rules (POSIX,
 * XCU 2.2, 2.3) split the text.
 *
 * Input: the pattern; what %b, %n and %u stand for; the arguments.
 */
#define _GNU_SOURCE
#include "fuzz.h"

#include "../../helper/pattern.h"

#define MOST 8

/* ---- a shell's words ---- */

/* Quotes; p is behind the first of them. Returns what is behind the last. */
static const char *quoted(const char *p, char quote, struct sb_buf *word)
{
	for (; *p && *p != quote; p++) {
		if (quote == '"' && *p == '\\' && p[1] == '\n') {
			p++;
			continue;
		}
		if (quote == '"' && *p == '\\' && p[1] &&
		    strchr("$`\"\\", p[1]))
			p++;
		sb_buf_putc(word, *p);
	}
	FUZZ_CHECK(*p == quote);
	return p + 1;
}

/* A marker behind each operator: an operator is no word that looks alike. */
static void split(const char *p, struct sb_strv *out)
{
	while (*(p += strspn(p, " \t"))) {
		struct sb_buf word = {0};

		if (strchr(";&|<>()\n", *p)) {
			char operator[] = {*p++, '\001', 0};

			sb_strv_add(out, operator);
			continue;
		}
		sb_buf_puts(&word, "");
		while (*p && !strchr(" \t;&|<>()\n", *p)) {
			if (*p == '\\' && p[1] == '\n') {
				p += 2;
			} else if (*p == '\\' && p[1]) {
				sb_buf_putc(&word, p[1]);
				p += 2;
			} else if (*p == '\'' || *p == '"') {
				p = quoted(p + 1, *p, &word);
			} else {
				sb_buf_putc(&word, *p++);
			}
		}
		sb_strv_take(out, word.data);
	}
}

/* Where quotes are not what split takes them for: nested ones, comments, here
 * documents. */
static int beyond_split(const char *pattern)
{
	return strpbrk(pattern, "`#") || strstr(pattern, "$(") ||
	       strstr(pattern, "${") || strstr(pattern, "$'") ||
	       strstr(pattern, "$\"") || strstr(pattern, "<<");
}

/* ---- values ---- */

static void expand(const char *pattern, const struct sb_values *v,
		   struct sb_strv *words)
{
	_cleanup_strv_ struct sb_strv out = {0};
	struct sb_err err;

	FUZZ_CHECK(!sb_pattern_expand(pattern, v, &out, &err));
	if (!sb_pattern_needs_shell(pattern)) {
		*words = out;
		out = (struct sb_strv){0};
		return;
	}
	FUZZ_CHECK(out.n >= 3 && !strcmp(out.v[0], "/bin/sh") &&
		   !strcmp(out.v[1], "-c"));
	if (beyond_split(pattern))
		return;
	split(out.v[2], words);
	for (size_t i = 3; i < out.n; i++)
		sb_strv_add(words, out.v[i]);
}

/* A plain value is its letter, or the number of an argument, in \002. */
static void plain_values(struct sb_values *plain, const struct sb_values *v,
			 char text[128][4], char argv[MOST][4], char **list)
{
	size_t n = 0;

	*plain = (struct sb_values){.argv = list};
	for (int i = 0; i < 128; i++) {
		if (!v->letter[i])
			continue;
		snprintf(text[i], 4, "\002%c\002", i);
		plain->letter[i] = text[i];
	}
	for (; v->argv[n]; n++) {
		snprintf(argv[n], 4, "\002%c\002", (int)('0' + n));
		list[n] = argv[n];
	}
	list[n] = NULL;
}

/* The word with its plain values made those of v. */
static char *with_values(const char *word, const struct sb_values *v)
{
	struct sb_buf b = {0};

	sb_buf_puts(&b, "");
	for (; *word; word++) {
		if (*word != '\002') {
			sb_buf_putc(&b, *word);
			continue;
		}
		word++;
		if (*word >= '0' && *word <= '9')
			sb_buf_puts(&b, v->argv[*word - '0']);
		else
			sb_buf_puts(&b, v->letter[(int)*word]);
		word++;
		FUZZ_CHECK(*word == '\002');
	}
	return b.data;
}

static void compare(const char *pattern, const struct sb_values *v)
{
	char text[128][4], argv[MOST][4], *list[MOST + 1];
	_cleanup_strv_ struct sb_strv got = {0}, want = {0};
	struct sb_values plain;

	plain_values(&plain, v, text, argv, list);
	expand(pattern, v, &got);
	expand(pattern, &plain, &want);
	FUZZ_CHECK(got.n == want.n);
	for (size_t i = 0; i < got.n; i++) {
		char *word = with_values(want.v[i], v);

		FUZZ_CHECK(!strcmp(got.v[i], word));
		free(word);
	}
}

/* Without a shell, the words are those that one would make. */
static void compare_shell(const char *pattern)
{
	_cleanup_strv_ struct sb_strv got = {0}, want = {0};
	struct sb_values none = {.argv = NULL};
	struct sb_err err;

	if (strchr(pattern, '%') || sb_pattern_needs_shell(pattern))
		return;
	FUZZ_CHECK(!sb_pattern_expand(pattern, &none, &got, &err));
	split(pattern, &want);
	FUZZ_CHECK(got.n == want.n);
	for (size_t i = 0; i < got.n; i++)
		FUZZ_CHECK(!strcmp(got.v[i], want.v[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = {.p = data, .end = data + size};
	const char *pattern = fuzz_string(&in);
	struct sb_err err = {.text = ""};
	char *argv[MOST + 1] = {NULL};
	struct sb_values v = {.argv = argv};

	v.letter['b'] = fuzz_string(&in);
	v.letter['n'] = fuzz_string(&in);
	v.letter['u'] = fuzz_string(&in);
	for (int i = 0; i < MOST; i++)
		argv[i] = fuzz_more(&in);
	if (sb_pattern_check(pattern, &err) < 0) {
		FUZZ_FAILED(err);
	} else if (!strpbrk(pattern, "\001\002")) {
		compare(pattern, &v);
		compare_shell(pattern);
	}
	fuzz_done(&in);
	return 0;
}
