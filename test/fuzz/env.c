/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The container's environment, compared with a second writing of the table in
 * env.h, and the runtime's; and the file that it is written to (%e).
 *
 * EnvExclude is any expression, and takes bounded time and memory.
 *
 * Input: a byte (1: SHELL exists inside), EnvExclude, --container-env, a
 * directory for PATH; then variables, each behind a letter: s the site's, j
 * the job's, b the bundle's.
 */
#define _GNU_SOURCE
#include "fuzz.h"

#include "../../helper/env.h"
#include "../../helper/envfile.h"
#include "../../helper/exclude.h"
#include "../../helper/fdio.h"
#include "../../helper/mem.h"

#include <fcntl.h>
#include <fnmatch.h>

#define MOST 32

struct lists {
	char *site[MOST + 1], *job[MOST + 1], *bundle[MOST + 1];
};

static void read_lists(struct fuzz_in *in, struct lists *l)
{
	size_t n[3] = {0};
	char *s;

	while ((s = fuzz_more(in))) {
		if (*s == 's' && n[0] < MOST)
			l->site[n[0]++] = s + 1;
		else if (*s == 'j' && n[1] < MOST)
			l->job[n[1]++] = s + 1;
		else if (*s == 'b' && n[2] < MOST)
			l->bundle[n[2]++] = s + 1;
	}
}

static int is_name(const char *entry, const char *name, size_t len)
{
	return !strncmp(entry, name, len) && entry[len] == '=';
}

static const char *first(char **list, const char *name, size_t len)
{
	for (; list && *list; list++)
		if (is_name(*list, name, len))
			return *list;
	return NULL;
}

static int kept(const char *list, const char *name, size_t len)
{
	char *text = NULL, *want = NULL;
	int yes;

	if (asprintf(&text, ",%s,", list) < 0 ||
	    asprintf(&want, ",%.*s,", (int)len, name) < 0)
		abort();
	yes = strstr(text, want) != NULL;
	free(text);
	free(want);
	return yes;
}

static int matches(const char *const *patterns, const char *name, size_t len)
{
	char *copy = strndup(name, len);
	int yes = 0;

	for (; *patterns; patterns++)
		yes |= !fnmatch(*patterns, copy, 0);
	free(copy);
	return yes;
}

static int excluded(const regex_t *re, const char *entry)
{
	return re && !regexec(re, entry, 0, NULL, 0);
}

/* The first of the job's that may pass. */
static const char *passed(const struct sb_env_of *of, const char *name,
			  size_t len)
{
	if (is_name("SHELL=", name, len) && !of->shell_inside &&
	    !kept(of->keep, "SHELL", 5) && !first(of->bundle, "SHELL", 5))
		return NULL;
	for (char **e = of->job; *e; e++)
		if (is_name(*e, name, len) && !excluded(of->exclude, *e))
			return *e;
	return NULL;
}

static int job_wins(const struct sb_env_of *of, const char *name, size_t len)
{
	static const char *const table[] = {
		"SLURM*",
		"PMI*",
		"TERM",
		"HOME",
		"USER",
		"LOGNAME",
		"TMPDIR",
		"CUDA_VISIBLE_DEVICES",
		"GPU_DEVICE_ORDINAL",
		"HIP_VISIBLE_DEVICES",
		"NVIDIA_VISIBLE_DEVICES",
		"ROCR_*",
		"ZE_*",
		"OMP_*",
		NULL,
	};

	if (is_name("SHELL=", name, len))
		return of->shell_inside || kept(of->keep, name, len);
	return kept(of->keep, name, len) || matches(table, name, len);
}

/* What out must have for the name. */
static const char *wanted(const struct sb_env_of *of, const char *name,
			  size_t len)
{
	const char *mine = passed(of, name, len);
	const char *theirs = first(of->bundle, name, len);

	if (!len || !strncmp(name, SB_ENV_PREFIX, strlen(SB_ENV_PREFIX)))
		return NULL;
	if (first(of->site, name, len))
		return first(of->site, name, len);
	return mine && (!theirs || job_wins(of, name, len)) ? mine : theirs;
}

static void compare(const struct sb_env_of *of, char **list,
		    const struct sb_strv *out)
{
	for (; *list; list++) {
		size_t len = strcspn(*list, "=");
		const char *want, *got;

		FUZZ_CHECK(*sb_env_why(of, *list));
		if (!(*list)[len])
			continue;
		want = wanted(of, *list, len);
		got = first(out->v, *list, len);
		FUZZ_CHECK(want ? got && !strcmp(want, got) : !got);
	}
}

static void check_runtime(const struct sb_env_of *of)
{
	static const char *const gets[] = {
		"SLURM*", "HOME", "USER", "LOGNAME", "XDG_RUNTIME_DIR", NULL,
	};
	struct sb_strv out = {0};
	struct sb_err err;

	FUZZ_CHECK(!sb_env_runtime(of->job, of->exclude, &out, &err));
	FUZZ_CHECK(out.n && !strcmp(out.v[0], "PATH=" SB_RUNTIME_PATH));
	for (size_t i = 1; i < out.n; i++) {
		FUZZ_CHECK(matches(gets, out.v[i], strcspn(out.v[i], "=")));
		FUZZ_CHECK(!excluded(of->exclude, out.v[i]));
		FUZZ_CHECK(strncmp(out.v[i], SB_ENV_PREFIX,
				   strlen(SB_ENV_PREFIX)));
	}
	sb_strv_free(&out);
}

static void check_path(struct sb_strv *out, const char *dir)
{
	struct sb_err err;
	const char *path;
	size_t n = out->n;
	int had = sb_env_get(out->v, "PATH") != NULL;

	FUZZ_CHECK(!sb_env_path(out, dir, &err));
	path = sb_env_get(out->v, "PATH");
	FUZZ_CHECK(path && !strncmp(path, dir, strlen(dir)) &&
		   path[strlen(dir)] == ':');
	FUZZ_CHECK(out->n == n + !had);
}

/* What the file has is env, but for what a line cannot hold. */
static void check_file(char **env, enum sb_env_file how)
{
	_cleanup_fd_ int dir =
		open(fuzz_dir(), O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_strv_ struct sb_strv left = {0};
	_cleanup_free_ char *text = NULL;
	int lines = how == SB_ENV_FILE_NEWLINE;
	struct sb_err err;
	size_t len = 0, n = 0;
	const char *p;

	FUZZ_CHECK(!sb_envfile_write(dir, env, how, &left, &err));
	text = sb_fdio_read(dir, SB_ENVFILE_NAME, 1 << 24, "it", &len, &err);
	FUZZ_CHECK(text);
	p = text;
	for (char **e = env; e && *e; e++) {
		size_t size = strlen(*e) + 1;

		if (lines && strchr(*e, '\n')) {
			n++;
			continue;
		}
		FUZZ_CHECK(size <= len - (p - text));
		FUZZ_CHECK(!memcmp(p, *e, size - 1));
		FUZZ_CHECK(p[size - 1] == (lines ? '\n' : '\0'));
		p += size;
	}
	FUZZ_CHECK(p == text + len && left.n == n);
}

/* What is taken can be had and asked within bounds. Not "\\1": glibc tries all
 * ways to match what it stands for, and the site's expression is the site's. */
static int compile(regex_t *re, const char *text)
{
	struct sb_err err = {.text = ""};

	if (!*text || strchr(text, '\\'))
		return 0;
	if (!sb_exclude_compile(re, "EnvExclude", text, &err))
		return 1;
	FUZZ_FAILED(err);
	FUZZ_CHECK(!strncmp(err.text, "EnvExclude=", 11));
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = {.p = data, .end = data + size};
	struct lists l = {.site = {NULL}};
	struct sb_strv out = {0};
	struct sb_env_of of = {
		.site = l.site, .job = l.job, .bundle = l.bundle};
	const char *exclude, *dir;
	struct sb_err err;
	regex_t re;

	of.shell_inside = fuzz_byte(&in) & 1;
	exclude = fuzz_string(&in);
	of.keep = fuzz_string(&in);
	dir = fuzz_string(&in);
	read_lists(&in, &l);
	if (compile(&re, exclude))
		of.exclude = &re;
	FUZZ_CHECK(!sb_env_container(&of, &out, &err));
	for (size_t i = 0; i < out.n; i++)
		FUZZ_CHECK(strchr(out.v[i], '=') > out.v[i]);
	compare(&of, l.site, &out);
	compare(&of, l.job, &out);
	compare(&of, l.bundle, &out);
	check_path(&out, dir);
	check_runtime(&of);
	check_file(out.v, SB_ENV_FILE_NUL);
	check_file(out.v, SB_ENV_FILE_NEWLINE);
	if (of.exclude)
		regfree(&re);
	sb_strv_free(&out);
	fuzz_done(&in);
	return 0;
}
