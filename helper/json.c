/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JSON in and out, losslessly. */
#define _GNU_SOURCE
#include "json.h"

#include "../spank/contract.h"
#include "buf.h"
#include "mem.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

/*
 * jansson has no word for it: what it could not keep it takes for bad syntax,
 * or for no UTF-8. After the first time there is no more: a string that it had
 * no memory to read to its end it would else copy beyond that (2.14, load.c,
 * lex_scan_string()).
 */
static int ran_out;

static void *allocate(size_t size)
{
	void *p = ran_out ? NULL : malloc(size);

	ran_out |= !p;
	return p;
}

int sb_json_no_memory(void)
{
	return ran_out;
}

/* At most this many digits fit an int64 for sure. */
#define SAFE_DIGITS 18

/* Where the scan stands; for messages. */
struct scan {
	const char *text, *end;
	int depth;
};

static int fail_at(const struct scan *s, const char *at, const char *why,
		   struct sb_err *err)
{
	unsigned int line = 1, column = 1;

	for (const char *p = s->text; p < at; p++) {
		column = *p == '\n' ? 1 : column + 1;
		line += *p == '\n';
	}
	return sb_fail(err, SB_FAIL, "%u:%u: %s", line, column, why);
}

static int is_digit(const char *p, const char *end)
{
	return p < end && *p >= '0' && *p <= '9';
}

/*
 * The end of the number at p by JSON's grammar (RFC 8259, 6), or NULL where it
 * is none or jansson holds it exactly: both are jansson's to deal with.
 */
static const char *odd_number(const char *p, const char *end)
{
	const char *start = p + (*p == '-'), *q = start;
	int plain = 1;

	if (!is_digit(q, end) || (*q == '0' && is_digit(q + 1, end)))
		return NULL;
	while (is_digit(q, end))
		q++;
	if (q - start > SAFE_DIGITS ||
	    (*p == '-' && q - start == 1 && *start == '0'))
		plain = 0;
	if (q < end && *q == '.') {
		plain = 0;
		if (!is_digit(++q, end))
			return NULL;
		while (is_digit(q, end))
			q++;
	}
	if (q < end && (*q == 'e' || *q == 'E')) {
		plain = 0;
		q++;
		if (q < end && (*q == '+' || *q == '-'))
			q++;
		if (!is_digit(q, end))
			return NULL;
		while (is_digit(q, end))
			q++;
	}
	return plain ? NULL : q;
}

/* Whether what follows a number may follow one: jansson must still see (and
 * refuse) {1.5:2} and 1.5x as they are. */
static int ends_value(const char *p, const char *end)
{
	if (p < end && !strchr(" \t\r\n,]}", *p))
		return 0;
	while (p < end && strchr(" \t\r\n", *p))
		p++;
	return p == end || *p == ',' || *p == ']' || *p == '}';
}

/* The end of the string that begins at p. */
static const char *skip_string(const char *p, const char *end)
{
	for (p++; p < end && *p != '"';)
		p += *p == '\\' && p + 1 < end ? 2 : 1;
	return p < end ? p + 1 : end;
}

/* The end of what begins at p and is looked at as one. */
static const char *skip_token(const char *p, const char *end)
{
	if (*p == '"')
		return skip_string(p, end);
	if (*p != '-' && !is_digit(p, end))
		return p + 1;
	/* The rest of a plain number must not be looked at alone. */
	for (p++; p < end && (is_digit(p, end) || strchr("+-.eE", *p));)
		p++;
	return p;
}

/* Copies the text with odd numbers made into marked strings, and checks the
 * depth, before jansson recurses. out stays empty where there are none. */
static int carry_numbers(struct scan *s, const char *mark, struct sb_buf *out,
			 struct sb_err *err)
{
	const char *p = s->text, *from = p, *q;

	for (; p < s->end; p = skip_token(p, s->end)) {
		if ((*p == '{' || *p == '[') && ++s->depth > SB_JSON_MAX_DEPTH)
			return fail_at(s, p, "nested too deep", err);
		s->depth -= *p == '}' || *p == ']';
		q = *p == '-' || is_digit(p, s->end) ? odd_number(p, s->end)
						     : NULL;
		if (!q || !ends_value(q, s->end))
			continue;
		sb_buf_add(out, from, p - from);
		sb_buf_putc(out, '"');
		sb_buf_puts(out, mark);
		sb_buf_add(out, p, q - p);
		sb_buf_putc(out, '"');
		from = q;
	}
	if (from != s->text)
		sb_buf_add(out, from, s->end - from);
	return 0;
}

/* A mark that no document can hold by chance or intent. */
static int make_mark(char mark[40], struct sb_err *err)
{
	unsigned char raw[16];

	if (getrandom(raw, sizeof(raw), 0) != sizeof(raw))
		return sb_fail(err, SB_FAIL, "getrandom: %s", strerror(errno));
	for (size_t i = 0; i < sizeof(raw); i++)
		snprintf(mark + 2 * i, 3, "%02x", raw[i]);
	return 0;
}

/* What looks right in an editor deserves a better word than "unexpected". */
static int check_start(const struct scan *s, struct sb_err *err)
{
	size_t len = s->end - s->text;

	if (!len)
		return fail_at(s, s->text, "the file is empty", err);
	/* RFC 8259, 8.1: none may be added. */
	if (len >= 3 && !memcmp(s->text, "\xef\xbb\xbf", 3))
		return fail_at(
			s, s->text,
			"begins with a byte order mark: save it as UTF-8 "
			"without one",
			err);
	return 0;
}

int sb_json_parse(struct sb_json *doc, const char *text, size_t len,
		  struct sb_err *err)
{
	struct scan s = {.text = text, .end = text + len};
	_cleanup_buf_ struct sb_buf carried = {0};
	json_error_t e;

	*doc = (struct sb_json){.root = NULL};
	json_set_alloc_funcs(allocate, free);
	if (check_start(&s, err) < 0 || make_mark(doc->mark, err) < 0 ||
	    carry_numbers(&s, doc->mark, &carried, err) < 0)
		return -1;
	if (carried.failed)
		return sb_no_memory(err);
	if (carried.len) {
		text = carried.data;
		len = carried.len;
	}
	doc->root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &e);
	if (ran_out) {
		sb_json_free(doc);
		return sb_no_memory(err);
	}
	if (!doc->root)
		return sb_fail(err, SB_FAIL, "%d:%d: %s", e.line, e.column,
			       e.text);
	return 0;
}

static int to_buf(const char *data, size_t len, void *arg)
{
	struct sb_buf *b = arg;

	sb_buf_add(b, data, len);
	return b->failed ? -1 : 0;
}

/* Marked strings become the numbers they carry. */
static void restore_numbers(const char *mark, struct sb_buf *b)
{
	size_t marklen = strlen(mark);
	char *to = b->data, *from = b->data, *end = b->data + b->len, *hit;

	while ((hit = memmem(from, end - from, mark, marklen))) {
		char *close = memchr(hit, '"', end - hit);

		/* hit[-1] is the opening quote. */
		memmove(to, from, hit - 1 - from);
		to += hit - 1 - from;
		memmove(to, hit + marklen, close - hit - marklen);
		to += close - hit - marklen;
		from = close + 1;
	}
	memmove(to, from, end - from);
	to += end - from;
	*to = '\0';
	b->len = to - b->data;
}

static char *dump(const struct sb_json *doc, size_t flags, const char *end,
		  size_t *len, struct sb_err *err)
{
	_cleanup_buf_ struct sb_buf b = {0};

	/* Whatever could not be put into it is missing without a word. */
	if (ran_out || json_dump_callback(doc->root, to_buf, &b, flags) < 0)
		b.failed = 1;
	sb_buf_puts(&b, end);
	if (b.failed) {
		sb_fail(err, SB_FAIL, "config.json: out of memory");
		return NULL;
	}
	if (*doc->mark)
		restore_numbers(doc->mark, &b);
	*len = b.len;
	return steal_ptr(b.data);
}

char *sb_json_dump(const struct sb_json *doc, size_t *len, struct sb_err *err)
{
	return dump(doc, JSON_COMPACT, "", len, err);
}

char *sb_json_pretty(const struct sb_json *doc, size_t *len, struct sb_err *err)
{
	return dump(doc, JSON_INDENT(2), "\n", len, err);
}

int sb_json_is_text(const char *s)
{
	size_t len;

	while (*s && (len = sb_utf8_char(s)))
		s += len;
	return !*s;
}

int sb_json_need_text(const char *what, const char *s, struct sb_err *err)
{
	if (sb_json_is_text(s))
		return 0;
	return sb_fail(err, SB_FAIL,
		       "%s %s: holds bytes that are no UTF-8, which "
		       "config.json cannot carry",
		       what, s);
}

json_t *sb_json_list(char **strings)
{
	json_t *list = json_array();

	for (; list && strings && *strings; strings++)
		if (json_array_append_new(list, json_string(*strings)) < 0) {
			json_decref(list);
			return NULL;
		}
	return list;
}

void sb_json_free(struct sb_json *doc)
{
	json_decref(doc->root);
	doc->root = NULL;
}
