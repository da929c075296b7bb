/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * --container-mounts, and Mount=. What is taken has the promised form, and
 * written out again is read as the same; expanded, it makes mounts of the
 * promised form.
 *
 * Input: the list; HOME; what %b stands for.
 */
#define _GNU_SOURCE
#include "fuzz.h"

#include "../../helper/mem.h"
#include "../../helper/mounts.h"
#include "../../spank/mountopt.h"

#include <fcntl.h>

/* No empty words, no dots; absolute, or about to be expanded. */
static void check_destination(const char *d)
{
	size_t len = strlen(d);

	FUZZ_CHECK(*d == '/' || *d == '$' || *d == '%');
	FUZZ_CHECK(!strstr(d, "//") && !strstr(d, "/./") && !strstr(d, "/../"));
	FUZZ_CHECK(d[len - 1] != '/');
	FUZZ_CHECK(len < 3 || strcmp(d + len - 3, "/.."));
	FUZZ_CHECK(len < 2 || strcmp(d + len - 2, "/."));
}

static void check_options(const char *options, enum sb_mount_kind kind)
{
	_cleanup_free_ char *copy = strdup(options);
	char *rest = copy, *word, *other;

	if (kind == SB_MOUNT_UMOUNT)
		FUZZ_CHECK(!*options);
	FUZZ_CHECK(!strstr(options, "optional") && !strstr(options, "x-"));
	while ((word = strsep(&rest, ",")) && kind != SB_MOUNT_UMOUNT) {
		_cleanup_free_ char *later = rest ? strdup(rest) : NULL;
		char *at = later;

		FUZZ_CHECK(*word);
		while (later && (other = strsep(&at, ",")))
			FUZZ_CHECK(strcmp(word, other));
	}
	if (kind == SB_MOUNT_BIND)
		FUZZ_CHECK(strstr(options, "bind"));
}

/* A field as a user would write it. */
static void write_field(struct sb_buf *b, const char *s)
{
	for (; *s; s++) {
		if ((*s == '$' || *s == '%') && s[1] == *s) {
			sb_buf_putc(b, '\\');
			s++;
		} else if (strchr("\\:,", *s)) {
			sb_buf_putc(b, '\\');
		}
		sb_buf_putc(b, *s);
	}
}

static void write_again(struct sb_buf *b, const struct sb_mountopt *m)
{
	static const char *const create[] = {"x-create=auto", "x-create=dir",
					     "x-create=file"};

	if (m->kind == SB_MOUNT_UMOUNT) {
		sb_buf_puts(b, "umount:");
		write_field(b, m->destination);
		return;
	}
	if (m->kind == SB_MOUNT_TMPFS)
		sb_buf_puts(b, "tmpfs");
	else
		write_field(b, m->source);
	sb_buf_putc(b, ':');
	write_field(b, m->destination);
	sb_buf_putc(b, ':');
	for (const char *p = m->options; *p; p++)
		sb_buf_putc(b, *p == ',' ? '+' : *p);
	sb_buf_putc(b, '+');
	sb_buf_puts(b, create[m->create]);
	if (m->optional)
		sb_buf_puts(b, "+optional");
}

static void check_again(const struct sb_mountopt *m)
{
	_cleanup_buf_ struct sb_buf b = {0};
	static struct sb_mountopt other;
	struct sb_err err;
	const char *at;

	write_again(&b, m);
	at = b.data;
	FUZZ_CHECK(sb_mountopt_next(&at, &other, &err) == 1 && !*at);
	FUZZ_CHECK(other.kind == m->kind);
	FUZZ_CHECK(!strcmp(other.source, m->source));
	FUZZ_CHECK(!strcmp(other.destination, m->destination));
	FUZZ_CHECK(strlen(other.options) == strlen(m->options));
	FUZZ_CHECK(other.optional == m->optional && other.create == m->create);
}

static void check_mounts(const char *text, char **env,
			 const struct sb_values *v)
{
	_cleanup_fd_ int root =
		open(fuzz_dir(), O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct sb_mounts_names names = {
		.env = env, .values = v, .rootfs_fd = root};
	struct sb_mounts m = {.list = NULL};
	struct sb_err err = {.text = ""};

	if (sb_mounts_parse(&m, text, "--mounts", &names, &err) < 0)
		FUZZ_FAILED(err);
	for (size_t i = 0; i < m.n; i++) {
		const struct sb_spec_mount *s = &m.list[i];

		FUZZ_CHECK(*s->destination == '/');
		check_destination(s->destination);
		FUZZ_CHECK(!strcmp(s->type, "bind")
				   ? *s->source == '/'
				   : !strcmp(s->type, "tmpfs"));
	}
	for (size_t i = 0; i < m.umounts.n; i++)
		check_destination(m.umounts.v[i]);
	sb_mounts_free(&m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = {.p = data, .end = data + size};
	const char *text = fuzz_string(&in), *at = text;
	struct sb_err err = {.text = ""};
	struct sb_values v = {.argv = NULL};
	static struct sb_mountopt m;
	char *home = NULL, *env[2];
	int rc;

	if (asprintf(&home, "HOME=%s", fuzz_string(&in)) < 0)
		abort();
	env[0] = home;
	env[1] = NULL;
	v.letter['b'] = fuzz_string(&in);
	while ((rc = sb_mountopt_next(&at, &m, &err)) > 0) {
		check_destination(m.destination);
		check_options(m.options, m.kind);
		FUZZ_CHECK(m.kind == SB_MOUNT_BIND ? !!*m.source : !*m.source);
		check_again(&m);
	}
	if (rc < 0)
		FUZZ_FAILED(err);
	check_mounts(text, env, &v);
	free(home);
	fuzz_done(&in);
	return 0;
}
