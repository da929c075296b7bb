/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `stepbox show --diff`: the difference, applied to the first text, gives the
 * second.
 *
 * Input: the first text; the second.
 */
#define _GNU_SOURCE
#include "fuzz.h"

#include "../../helper/diff.h"

struct lines {
	const char *p;
	unsigned int n; /* of the line at p */
};

/* Adds the line at l to out, and goes on. */
static void copy(struct lines *l, struct sb_buf *out)
{
	size_t len = strcspn(l->p, "\n") + 1;

	FUZZ_CHECK(*l->p);
	if (out)
		sb_buf_add(out, l->p, len);
	l->p += len;
	l->n++;
}

/* patch(1), for what diff(1) -u writes. */
static void patch(struct lines *old, const char *p, struct sb_buf *out)
{
	FUZZ_CHECK(!strncmp(p, "--- a\n+++ b\n@@", 14));
	for (p += 12; *p; p += strcspn(p, "\n") + 1) {
		unsigned int from, count = 1;

		if (*p == '@') {
			FUZZ_CHECK(sscanf(p, "@@ -%u,%u", &from, &count) >= 1);
			/* An empty range is behind its line. */
			for (from += !count; old->n < from;)
				copy(old, out);
			continue;
		}
		FUZZ_CHECK(*p == ' ' || *p == '+' || *p == '-');
		if (*p == '+') {
			sb_buf_add(out, p + 1, strcspn(p, "\n"));
			continue;
		}
		FUZZ_CHECK(!strncmp(old->p, p + 1, strcspn(p, "\n")));
		copy(old, *p == ' ' ? out : NULL);
	}
	while (*old->p)
		copy(old, out);
}

/* As the texts must be. */
static char *text(struct fuzz_in *in)
{
	char *s = fuzz_string(in), *whole = NULL;
	size_t len = strlen(s);

	if (asprintf(&whole, "%s%s", s, len && s[len - 1] != '\n' ? "\n" : "") <
	    0)
		abort();
	return whole;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = {.p = data, .end = data + size};
	char *a = text(&in), *b = text(&in);
	struct sb_buf out = {0}, made = {0};
	struct lines old = {.p = a, .n = 1};
	struct sb_err err;

	FUZZ_CHECK(!sb_diff(a, b, "a", "b", &out, &err));
	FUZZ_CHECK(!out.len == !strcmp(a, b));
	if (out.len) {
		sb_buf_puts(&made, "");
		patch(&old, out.data, &made);
		FUZZ_CHECK(!strcmp(made.data, b));
	}
	sb_buf_free(&made);
	sb_buf_free(&out);
	free(a);
	free(b);
	fuzz_done(&in);
	return 0;
}
