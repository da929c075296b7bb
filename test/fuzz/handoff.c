/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What slurmstepd, as Slurm's own runtime, says of a task: any text; and a
 * command as slurmstepd writes it, which comes back as it was or is refused.
 *
 * Input: a byte (1: quotes as up to 24.11, else as 26.05 writes them; 2: any
 * text); the bundle or the text; the arguments. All of it is also taken for the
 * file with the environment.
 */
#define _GNU_SOURCE
#include "fuzz.h"

#include "../../helper/handoff.h"

#include <unistd.h>

#define MOST 32

static void check_text(const char *text)
{
	struct sb_err err = {.text = ""};
	struct sb_handoff h;

	if (sb_handoff_parse(text, &h, &err) < 0)
		FUZZ_FAILED(err);
	else
		FUZZ_CHECK(h.env && h.bundle && h.args.n);
	sb_handoff_free(&h);
}

static void write_text(struct sb_buf *b, const char *bundle, char **argv,
		       const char *quote)
{
	sb_buf_puts(b, "exec stepbox handoff \"$0\" # step=7.0 env=/e bundle=");
	sb_buf_puts(b, bundle);
	sb_buf_puts(b, " args=");
	for (; *argv; argv++) {
		sb_buf_putc(b, '\'');
		for (const char *p = *argv; *p; p++) {
			if (*p == '\'')
				sb_buf_puts(b, quote);
			else
				sb_buf_putc(b, *p);
		}
		sb_buf_puts(b, argv[1] ? "' " : "'");
	}
}

static void check_command(const char *bundle, char **argv, int doubled)
{
	struct sb_err err = {.text = ""};
	struct sb_buf text = {0};
	struct sb_handoff h;

	write_text(&text, bundle, argv, doubled ? "'\"'\"''" : "'\"'\"'");
	if (sb_handoff_parse(text.data, &h, &err) < 0) {
		FUZZ_FAILED(err);
		FUZZ_CHECK(strstr(err.text, "one way only"));
	} else {
		FUZZ_CHECK(!strcmp(h.bundle, bundle) && h.job == 7);
		for (size_t i = 0; i < h.args.n; i++)
			FUZZ_CHECK(argv[i] && !strcmp(argv[i], h.args.v[i]));
		FUZZ_CHECK(!argv[h.args.n]);
	}
	sb_handoff_free(&h);
	sb_buf_free(&text);
}

static void check_environ(const uint8_t *data, size_t size)
{
	char **before = environ, *copy = malloc(size ? size : 1);
	struct sb_err err = {.text = ""};
	size_t n = 0;

	if (size)
		memcpy(copy, data, size);
	if (sb_handoff_environ(copy, size, &err) < 0) {
		FUZZ_FAILED(err);
		FUZZ_CHECK(environ == before);
	} else {
		char **made = environ;

		environ = before;
		for (char **e = made; *e; e++)
			n += strlen(*e) + 1;
		FUZZ_CHECK(n == size);
		free(made);
	}
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = {.p = data, .end = data + size};
	unsigned int how = fuzz_byte(&in);
	char *argv[MOST + 1] = {NULL};
	const char *bundle = fuzz_string(&in);

	for (int i = 0; i < MOST; i++)
		argv[i] = fuzz_more(&in);
	if (how & 2)
		check_text(bundle);
	/* Where the bundle's name ends cannot be told if this is in it. */
	else if (argv[0] && !strstr(bundle, " args="))
		check_command(bundle, argv, how & 1);
	check_environ(data, size);
	fuzz_done(&in);
	return 0;
}
