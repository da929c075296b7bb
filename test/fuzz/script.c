/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A command that `stepbox check` looks into: "#!" and what it names, env(1)'s
 * word, an ELF file's loader. What it says is about the words of the file's own
 * first line, by a second reading of it; and nothing outside of the container
 * is looked at.
 *
 * Input: the command's file.
 */
#define _GNU_SOURCE
#include "fuzz.h"

#include "../../helper/check.h"

#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- what is said ---- */

static char said[8][8192];
static unsigned int n_said, n_bad;

static void __attribute__((format(printf, 1, 0)))
note(const char *fmt, va_list args)
{
	int n;

	/* A script's interpreter may be a script: four times, and each has
	 * env's word at most. */
	FUZZ_CHECK(n_said < sizeof(said) / sizeof(*said));
	n = vsnprintf(said[n_said++], sizeof(*said), fmt, args);
	FUZZ_CHECK(n > 0 && (size_t)n < sizeof(*said));
}

static void __attribute__((format(printf, 2, 3)))
mock_ok(struct sb_check *c, const char *fmt, ...)
{
	va_list args;

	(void)c;
	va_start(args, fmt);
	note(fmt, args);
	va_end(args);
}

static void __attribute__((format(printf, 3, 4)))
mock_bad(struct sb_check *c, const char *remedy, const char *fmt, ...)
{
	va_list args;

	FUZZ_CHECK(*remedy);
	c->failures++;
	n_bad++;
	va_start(args, fmt);
	note(fmt, args);
	va_end(args);
}

#define sb_check_ok mock_ok
#define sb_check_warn mock_bad
#define sb_check_fail mock_bad
#include "../../helper/check_bundle.c"

/* ---- the checks ---- */

#define BLANKS " \t"

/* A word of the first line as execve(2) reads it, from *p on; NULL: none. The
 * caller frees it. */
static char *next_word(const char **p, const char *end)
{
	const char *from = *p, *to;

	while (from < end && strchr(BLANKS, *from))
		from++;
	to = from;
	while (to < end && *to && !strchr(BLANKS, *to))
		to++;
	*p = to;
	return to > from ? strndup(from, to - from) : NULL;
}

/* A script whose interpreter is one of those that there are, and no script. */
static void check_first_line(const char *file, size_t len)
{
	const char *p = file + 2, *end = memchr(file, '\n', len);
	char *program, *word = NULL;

	if (!end)
		end = file + len;
	if (memchr(file, '\0', end - file))
		end = memchr(file, '\0', end - file);
	if (end < p)
		end = p;
	program = next_word(&p, end);
	if (program && !strcmp(program, "/bin/sh")) {
		FUZZ_CHECK(n_said == 1 && !n_bad);
		FUZZ_CHECK(!strcmp(said[0], "/bin/sh is there"));
	} else if (program && !strcmp(program, "/bin/env")) {
		word = next_word(&p, end);
		if (word && !strcmp(word, "nosuch"))
			FUZZ_CHECK(n_bad == 1 && strstr(said[0], "nosuch"));
		if (word && !strcmp(word, "sh"))
			FUZZ_CHECK(!n_bad);
	} else if (!program) {
		FUZZ_CHECK(!n_said);
	} else if (n_said && strlen(program) < PATH_MAX) {
		/* "//bin/env": what is said first may be about env's word. */
		FUZZ_CHECK(strstr(said[0], program) ||
			   (n_said > 1 && strstr(said[1], program)) ||
			   strstr(program, "/env"));
	}
	free(program);
	free(word);
}

static void make_root(void)
{
	static int made;

	if (made++)
		return;
	fuzz_subdir("root");
	fuzz_subdir("root/bin");
	fuzz_file("root/bin/sh", "\x7f", 1);
	fuzz_file("root/bin/env", "\x7f", 1);
	fuzz_file("root/bin/script", "#!/bin/script\n", 14);
	fuzz_file("root/bin/none", "", 0);
	chmod(fuzz_path("root/bin/sh"), 0755);
	chmod(fuzz_path("root/bin/env"), 0755);
	chmod(fuzz_path("root/bin/script"), 0755);
	(void)!symlink("/bin/../../../../bin/link", fuzz_path("root/bin/link"));
	(void)!symlink("/", fuzz_path("root/top"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = {.p = data, .end = data + size};
	struct bundle b = {
		.d = SB_DRYRUN_INIT,
		.found = 1,
		.command = {.inside = "/cmd", .node = "./cmd"},
	};
	struct sb_check c = {.bundle = "/b"};
	size_t len;
	const char *file = fuzz_rest(&in, &len);

	make_root();
	setenv("PATH", "/bin", 1);
	fuzz_file("root/cmd", file, len);
	chmod(fuzz_path("root/cmd"), 0755);
	b.raw.rootfs_fd =
		open(fuzz_path("root"), O_PATH | O_DIRECTORY | O_CLOEXEC);
	FUZZ_CHECK(b.raw.rootfs_fd >= 0);
	n_said = n_bad = 0;
	check_machine(&c, &b);
	n_said = n_bad = c.failures = 0;
	check_starter(&c, &b);
	if (len > 2 && len < SB_ELF_HEAD && !memcmp(file, "#!", 2))
		check_first_line(file, len);
	close(b.raw.rootfs_fd);
	fuzz_done(&in);
	return 0;
}
