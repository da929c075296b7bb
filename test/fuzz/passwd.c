/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The container's passwd and group, which may hold anything. Afterwards glibc
 * finds the user in them, by name and by id, and nothing else has changed; and
 * to do it again changes nothing.
 *
 * Input: a byte (the id); SLURM_STEPBOX_IDENTITY; HOME; SHELL; USER; the name
 * of a system's user; and the file. The host's own files are that, too.
 */
#define _GNU_SOURCE
#include "fuzz.h"

#include "../../helper/mem.h"
#include "../../helper/passwd.h"

#include <grp.h>
#include <limits.h>
#include <pwd.h>

/* What glibc makes of a text. */
struct seen {
	unsigned int id_of_name;
	int has_name, has_id;
};

static struct seen look_passwd(const struct sb_buf *b, const struct sb_who *who)
{
	FILE *f = fmemopen(b->data, b->len, "r");
	struct seen s = {.has_name = 0};
	struct passwd *p;

	while ((p = fgetpwent(f))) {
		if (!s.has_name && !strcmp(p->pw_name, who->user)) {
			s.has_name = 1;
			s.id_of_name = p->pw_uid;
		}
		s.has_id |= p->pw_uid == who->uid;
	}
	fclose(f);
	return s;
}

static struct seen look_group(const struct sb_buf *b, const struct sb_who *who)
{
	FILE *f = fmemopen(b->data, b->len, "r");
	struct seen s = {.has_name = 0};
	struct group *g;

	while ((g = fgetgrent(f))) {
		if (!s.has_name && !strcmp(g->gr_name, who->group)) {
			s.has_name = 1;
			s.id_of_name = g->gr_gid;
		}
		s.has_id |= g->gr_gid == who->gid;
	}
	fclose(f);
	return s;
}

typedef int add_fn(const char *old, size_t len, const struct sb_who *who,
		   struct sb_buf *out);
typedef struct seen look_fn(const struct sb_buf *b, const struct sb_who *who);

/* Everything of old is in the new text, in one piece. */
static void check_kept(const struct sb_buf *b, const char *old, size_t len)
{
	FUZZ_CHECK(b->len > len && (!len || memmem(b->data, b->len, old, len)));
	FUZZ_CHECK(b->data[b->len - 1] == '\n' || old[len - 1] != '\n');
}

static void check(add_fn *add, look_fn *look, const char *old, size_t len,
		  const struct sb_who *who, unsigned int id)
{
	_cleanup_buf_ struct sb_buf b = {0}, second = {0};
	struct seen s;
	int rc = add(old, len, who, &b);

	/* The names are checked ones, the file is small. */
	FUZZ_CHECK(rc >= 0);
	if (!rc) {
		FUZZ_CHECK(!b.data);
		return;
	}
	check_kept(&b, old, len);
	FUZZ_CHECK(add(b.data, b.len, who, &second) == 0);
	s = look(&b, who);
	FUZZ_CHECK(s.has_name && s.has_id && s.id_of_name == id);
}

static void check_copy(const char *old, size_t len, const char *name)
{
	_cleanup_buf_ struct sb_buf b = {0}, second = {0};

	if (sb_passwd_copy(old, len, fuzz_dir(), name, &b) <= 0) {
		FUZZ_CHECK(!b.data);
		return;
	}
	check_kept(&b, old, len);
	FUZZ_CHECK(sb_passwd_copy(b.data, b.len, fuzz_dir(), name, &second) ==
		   0);
}

static void check_who(const struct sb_who *who)
{
	FUZZ_CHECK(*who->user && *who->group);
	FUZZ_CHECK(!strpbrk(who->user, ":/\n") && !strpbrk(who->group, ":/\n"));
	FUZZ_CHECK(*who->home == '/' && !strpbrk(who->home, ":\n"));
	FUZZ_CHECK(*who->shell == '/' && !strpbrk(who->shell, ":\n"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = {SB_ENV_IDENTITY, "HOME", "SHELL",
					    "USER"};
	struct fuzz_in in = {.p = data, .end = data + size};
	unsigned int id = fuzz_byte(&in);
	char *env[ARRAY_SIZE(names) + 1] = {NULL}, *name;
	struct sb_err err = {.text = ""};
	struct sb_who who;
	size_t len;
	char *file;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (asprintf(&env[i], "%s=%s", names[i], fuzz_string(&in)) < 0)
			abort();
	name = fuzz_string(&in);
	file = fuzz_rest(&in, &len);
	fuzz_file("passwd", file, len);
	fuzz_file("group", file, len);
	if (len < SB_PASSWD_MAX - 3 * PATH_MAX) {
		FUZZ_CHECK(!sb_who_read(&who, fuzz_dir(), env, id, id, &err));
		check_who(&who);
		check(sb_passwd_add, look_passwd, file, len, &who, id);
		check(sb_group_add, look_group, file, len, &who, id);
		check_copy(file, len, name);
		sb_who_free(&who);
	}
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		free(env[i]);
	fuzz_done(&in);
	return 0;
}
