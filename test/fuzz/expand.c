/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Variables and letters in a path that a user typed. What a value holds is not
 * looked at again; a text whose '$' and '%' are doubled comes out as it was.
 *
 * Input: the text; what %b, %n and %Z stand for; the environment.
 */
#define _GNU_SOURCE
#include "fuzz.h"

#include "../../helper/expand.h"
#include "../../helper/mem.h"

#include <limits.h>

#define MOST 32

static void check_doubled(const char *text, char **env,
			  const struct sb_values *v)
{
	_cleanup_buf_ struct sb_buf doubled = {0};
	_cleanup_free_ char *got = NULL;
	struct sb_err err;

	sb_buf_puts(&doubled, "");
	for (const char *p = text; *p; p++) {
		if (*p == '$' || *p == '%')
			sb_buf_putc(&doubled, *p);
		sb_buf_putc(&doubled, *p);
	}
	got = sb_expand(doubled.data, env, v, &err);
	if (strlen(text) < PATH_MAX)
		FUZZ_CHECK(got && !strcmp(got, text));
	else
		FUZZ_CHECK(!got);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = {.p = data, .end = data + size};
	const char *text = fuzz_string(&in);
	struct sb_err err = {.text = ""};
	struct sb_values v = {.argv = NULL};
	char *env[MOST + 1] = {NULL}, *got;

	v.letter['b'] = fuzz_string(&in);
	v.letter['n'] = fuzz_string(&in);
	v.letter['Z'] = fuzz_string(&in);
	for (int i = 0; i < MOST; i++)
		env[i] = fuzz_more(&in);
	got = sb_expand(text, env, &v, &err);
	if (!got)
		FUZZ_FAILED(err);
	else
		FUZZ_CHECK(strlen(got) < PATH_MAX);
	if (got && !strpbrk(text, "$%"))
		FUZZ_CHECK(!strcmp(got, text));
	free(got);
	check_doubled(text, env, &v);
	fuzz_done(&in);
	return 0;
}
