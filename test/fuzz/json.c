/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JSON in and out. What is taken comes out again, and goes in again as the
 * same; every number byte for byte. Where a path of it begins is a line of the
 * text.
 *
 * Input: a path, and the text.
 */
#define _GNU_SOURCE
#include "fuzz.h"

#include "../../helper/buf.h"
#include "../../helper/json.h"
#include "../../helper/jsonpos.h"

/* Adds the text's numbers to out, a blank behind each. Returns how deep it is
 * nested. */
static int numbers(const char *text, size_t len, struct sb_buf *out)
{
	int depth = 0, deepest = 0;

	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (c == '"') {
			for (i++; i < len && text[i] != '"'; i++)
				i += text[i] == '\\';
		} else if (c == '{' || c == '[') {
			depth++;
			deepest = depth > deepest ? depth : deepest;
		} else if (c == '}' || c == ']') {
			depth--;
		} else if (c == '-' || (c >= '0' && c <= '9')) {
			for (;
			     i < len && memchr("0123456789+-.eE", text[i], 15);
			     i++)
				sb_buf_putc(out, text[i]);
			sb_buf_putc(out, ' ');
			i--;
		}
	}
	sb_buf_puts(out, "");
	return deepest;
}

static unsigned int lines(const char *text, size_t len)
{
	unsigned int n = 1;

	for (size_t i = 0; i < len; i++)
		n += text[i] == '\n';
	return n;
}

static void again(const char *text, size_t len, const char *want)
{
	struct sb_json doc;
	struct sb_err err;
	char *dump;

	FUZZ_CHECK(!sb_json_parse(&doc, text, len, &err));
	dump = sb_json_dump(&doc, &len, &err);
	FUZZ_CHECK(dump && len == strlen(dump) && !strcmp(dump, want));
	free(dump);
	sb_json_free(&doc);
}

static void check_dump(const struct sb_json *doc, const char *text, size_t size)
{
	struct sb_buf in = {0}, out = {0};
	struct sb_err err;
	char *dump, *pretty;
	size_t len;

	dump = sb_json_dump(doc, &len, &err);
	FUZZ_CHECK(dump && len == strlen(dump));
	FUZZ_CHECK(numbers(text, size, &in) <= SB_JSON_MAX_DEPTH);
	numbers(dump, len, &out);
	FUZZ_CHECK(!strcmp(in.data, out.data));
	again(dump, len, dump);
	pretty = sb_json_pretty(doc, &len, &err);
	FUZZ_CHECK(pretty && len == strlen(pretty) && pretty[len - 1] == '\n');
	again(pretty, len, dump);
	free(pretty);
	free(dump);
	sb_buf_free(&in);
	sb_buf_free(&out);
}

/* Its first word, where that is a plain key of the document's, is there. */
static void check_path(const struct sb_json *doc, const char *text, size_t len,
		       const char *path)
{
	unsigned int line = sb_jsonpos_line(text, len, path);
	char *key = strndup(path, strcspn(path, ".["));

	FUZZ_CHECK(line <= lines(text, len));
	if (*key && !key[strspn(key, "abcdefghijklmnopqrstuvwxyz")] &&
	    json_is_object(doc->root)) {
		char quoted[64];
		int there = json_object_get(doc->root, key) != NULL;

		/* Not where it is written with an escape. */
		if (snprintf(quoted, sizeof(quoted), "\"%s\"", key) <
			    (int)sizeof(quoted) &&
		    (!there || memmem(text, len, quoted, strlen(quoted))) &&
		    !memchr(text, '\\', len))
			FUZZ_CHECK(there == (line > 0));
	}
	free(key);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = {.p = data, .end = data + size};
	struct sb_err err = {.text = ""};
	const char *path = fuzz_string(&in);
	struct sb_json doc;
	size_t len;
	const char *text = fuzz_rest(&in, &len);

	if (sb_json_parse(&doc, text, len, &err) < 0) {
		FUZZ_FAILED(err);
	} else {
		check_dump(&doc, text, len);
		check_path(&doc, text, len, path);
	}
	sb_json_free(&doc);
	fuzz_done(&in);
	return 0;
}
