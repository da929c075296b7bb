/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stepbox.conf and what it includes, as the helper and as root's plugin read
 * it. What is taken is whole, and means the same to both.
 *
 * Input: a digit, if any (odd: the user wants the runtime "own"); stepbox.conf;
 * behind a byte 0x1e each, more.conf, which may be included, and the
 * description of the runtime "own".
 */
#define _GNU_SOURCE
#include "fuzz.h"

#include "../../helper/conf.h"
#include "../../helper/pattern.h"
#include "../../spank/keyval.h"
#include "../../spank/mountopt.h"
#include "../../spank/site.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "grammar.h"
#include "jail.h"

#define open(path, flags) jail_open(path, flags)
#include "../../spank/keyval.c"
#undef open

/* ---- the grammar ---- */

struct pairs {
	unsigned int line;
	struct sb_buf told;
};

static int one_pair(void *arg, const char *key, const char *value,
		    const struct sb_kv_pos *pos, struct sb_err *err)
{
	struct pairs *p = arg;

	(void)err;
	FUZZ_CHECK(*key);
	for (const char *k = key; *k; k++)
		FUZZ_CHECK(isalnum((unsigned char)*k) || *k == '_' ||
			   *k == '.');
	FUZZ_CHECK(!strchr(value, '"') || !strchr(value, ' '));
	FUZZ_CHECK(pos->line >= 1);
	FUZZ_CHECK(!strcmp(pos->file, "text"));
	FUZZ_CHECK(pos->line >= p->line);
	p->line = pos->line;
	grammar_tell(&p->told, pos->line, key, strlen(key), value,
		     strlen(value));
	return 0;
}

/* Nothing that is included is there; what was read until then is the same. */
static void check_reading(const char *text, size_t len, const struct pairs *p,
			  int rc, const struct sb_err *err)
{
	struct sb_buf told = {0};
	unsigned int line = 0;
	enum grammar_end how = grammar_read(text, len, &told, &line);
	char where[32];

	FUZZ_CHECK(!told.failed && !p->told.failed);
	FUZZ_CHECK(told.len == p->told.len);
	FUZZ_CHECK(!told.len || !memcmp(told.data, p->told.data, told.len));
	FUZZ_CHECK((rc < 0) == (how != GRAMMAR_GOOD));
	snprintf(where, sizeof(where), "text:%u: ", line);
	FUZZ_CHECK(!rc || !strncmp(err->text, where, strlen(where)));
	sb_buf_free(&told);
}

static void check_grammar(const char *text, size_t len)
{
	struct sb_err err = {.text = ""};
	struct pairs p = {.line = 0};
	int rc = sb_kv_parse("text", text, len, one_pair, &p, &err);

	if (rc < 0)
		FUZZ_FAILED(err);
	/* A regular expression takes its time for a long line. */
	if (len <= 4096 && !memchr(text, '\0', len))
		check_reading(text, len, &p, rc, &err);
	sb_buf_free(&p.told);
}

/* ---- the keys ---- */

static void check_mount(const char *text)
{
	struct sb_mountopt m;
	struct sb_err err;

	FUZZ_CHECK(sb_mountopt_next(&text, &m, &err) == 1 && !*text);
}

static void check_conf(const struct sb_conf *c)
{
	FUZZ_CHECK(c->mode == SB_MODE_RUN || c->mode == SB_MODE_CREATE);
	FUZZ_CHECK(c->ignore_config ||
		   (c->pattern[SB_OP_KILL] && c->pattern[SB_OP_DELETE]));
	FUZZ_CHECK(c->mode == SB_MODE_RUN ? !!c->pattern[SB_OP_RUN]
					  : sb_conf_has_create(c));
	for (int i = 0; i < SB_OPS; i++) {
		struct sb_err err;

		if (!c->pattern[i])
			continue;
		FUZZ_CHECK(!sb_pattern_check(c->pattern[i], &err));
		FUZZ_CHECK(i == SB_OP_EXEC ||
			   !sb_pattern_uses(c->pattern[i], 'x'));
	}
	FUZZ_CHECK(!c->runtime ||
		   (*c->runtime != '.' && !strchr(c->runtime, '/')));
	FUZZ_CHECK(!c->container_path || *c->container_path == '/');
	FUZZ_CHECK(!c->seccomp_profile || *c->seccomp_profile == '/');
	for (size_t i = 0; i < c->mounts.n; i++)
		check_mount(c->mounts.v[i]);
	for (size_t i = 0; i < c->env_set.n; i++)
		FUZZ_CHECK(strchr(c->env_set.v[i], '=') > c->env_set.v[i]);
	for (size_t i = 0; i < c->bundle_paths.n; i++)
		FUZZ_CHECK(*c->bundle_paths.v[i] == '/');
}

/* ---- the values ---- */

/* What the last pair of each of some keys says, and all pairs of another. */
struct said {
	char *path, *spool, *writable, *exclude, *profile;
	struct sb_strv env;
};

static int one_said(void *arg, const char *key, const char *value,
		    const struct sb_kv_pos *pos, struct sb_err *err)
{
	struct said *s = arg;
	const struct {
		const char *key;
		char **to;
	} table[] = {
		{"ContainerPath", &s->path},	 {"MountSpoolDir", &s->spool},
		{"WritablePath", &s->writable},	 {"EnvExclude", &s->exclude},
		{"SeccompProfile", &s->profile},
	};

	(void)pos, (void)err;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
		if (!strcasecmp(key, table[i].key)) {
			free(*table[i].to);
			*table[i].to = strdup(value);
		}
	if (!strcasecmp(key, "EnvSet"))
		sb_strv_add(&s->env, value);
	return 0;
}

static int same(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

/* What the file says is what is kept of it. */
static void check_values(const struct sb_conf *c)
{
	struct said s = {.path = NULL};
	struct sb_err err;
	const char *profile;

	FUZZ_CHECK(!sb_kv_read(fuzz_path("stepbox.conf"), SB_KV_ANY, one_said,
			       &s, &err));
	FUZZ_CHECK(same(c->container_path, s.path));
	FUZZ_CHECK(same(c->mount_spool_dir, s.spool));
	FUZZ_CHECK(same(c->writable_path, s.writable));
	FUZZ_CHECK(same(c->env_exclude_text, s.exclude));
	profile = s.profile;
	if (profile && !strcasecmp(profile, "default"))
		profile = SB_SECCOMP_DEFAULT;
	else if (profile && !strcasecmp(profile, "none"))
		profile = NULL;
	FUZZ_CHECK(same(c->seccomp_profile, profile));
	FUZZ_CHECK(c->env_set.n == s.env.n);
	for (size_t i = 0; i < s.env.n; i++)
		FUZZ_CHECK(!strcmp(c->env_set.v[i], s.env.v[i]));
	sb_strv_free(&s.env);
	free(s.path);
	free(s.spool);
	free(s.writable);
	free(s.exclude);
	free(s.profile);
}

/* Root believes what the helper does, but for one that is too long for it. */
static void check_site(const struct sb_conf *c)
{
	struct sb_err err = {.text = ""};
	struct sb_site site;
	int rc = sb_site_read(&site, fuzz_path("stepbox.conf"), &err);

	if (rc < 0)
		FUZZ_FAILED(err);
	if (!c || geteuid())
		return;
	if (c->container_path && strlen(c->container_path) >= PATH_MAX)
		return;
	FUZZ_CHECK(!rc);
	FUZZ_CHECK(!strcmp(site.place, c->container_path ? c->container_path
							 : SB_CONTAINER_PATH));
	FUZZ_CHECK(site.allow_root == c->allow_root);
	FUZZ_CHECK(site.keep == c->disable_cleanup);
}

/* glibc's regcomp takes all memory for some expressions; they are the site's
 * own. */
static int has_regex(const char *text, size_t len)
{
	for (; len >= 10; text++, len--)
		if (!strncasecmp(text, "envexclude", 10))
			return 1;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = {"stepbox.conf", "more.conf",
					    "stepbox.runtimes/own.conf", NULL};
	struct fuzz_in in = {.p = data, .end = data + size};
	/* A site's file, as it is, begins with none. */
	int digit = size && isdigit(*data) ? fuzz_byte(&in) : 0;
	const char *runtime = digit & 1 ? "own" : NULL;
	struct sb_err err = {.text = ""};
	struct sb_conf conf;
	int rc;

	if (has_regex((const char *)data, size) && size > 4096)
		return 0;
	check_grammar((const char *)in.p, in.end - in.p);
	fuzz_subdir("stepbox.runtimes");
	fuzz_files(&in, names);
	rc = sb_conf_load(&conf, fuzz_path("stepbox.conf"), runtime, &err);
	if (rc < 0) {
		FUZZ_FAILED(err);
	} else {
		check_conf(&conf);
		check_values(&conf);
	}
	check_site(rc < 0 ? NULL : &conf);
	sb_conf_free(&conf);
	fuzz_done(&in);
	return 0;
}
