/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The options of srun, sbatch and salloc. */
#include "option.h"

#include "contract.h"
#include "keyval.h"
#include "mountopt.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A variable may have 128 KiB (execve(2)); what is half as long is an
 * accident. */
#define VALUE_MAX (64 << 10)

/* So much of a value is put into a message. */
#define SHOWN 200

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"

static int check_mounts(const char *value, struct sb_err *err)
{
	struct sb_mountopt m;
	int rc;

	while ((rc = sb_mountopt_next(&value, &m, err)) > 0)
		;
	return rc;
}

static int check_workdir(const char *value, struct sb_err *err)
{
	if (*value != '/' && *value != '$')
		return sb_fail(err, SB_FAIL, "must begin with / or $");
	if (strlen(value) >= PATH_MAX)
		return sb_fail(err, SB_FAIL, "path too long");
	return 0;
}

static int check_env(const char *value, struct sb_err *err)
{
	for (;;) {
		size_t len = strcspn(value, ",");

		if (!len)
			return sb_fail(err, SB_FAIL, "an element is empty");
		if (strspn(value, LETTERS DIGITS "_") < len ||
		    strspn(value, DIGITS))
			return sb_fail(err, SB_FAIL,
				       "%.*s is no variable's name",
				       len < SHOWN ? (int)len : SHOWN, value);
		if (!value[len])
			return 0;
		value += len + 1;
	}
}

static int check_runtime(const char *value, struct sb_err *err)
{
	if (*value == '.' || value[strspn(value, LETTERS DIGITS "_.-")] ||
	    strlen(value) > 64)
		return sb_fail(err, SB_FAIL,
			       "no runtime's name: at most 64 of A-Z a-z 0-9 _ "
			       "- . and no . at first");
	return 0;
}

static int check_per(const char *value, struct sb_err *err)
{
	if (strcmp(value, "node") && strcmp(value, "task"))
		return sb_fail(err, SB_FAIL, "neither node nor task");
	return 0;
}

static int check_bundle(const char *value, struct sb_err *err)
{
	if (strlen(value) >= PATH_MAX)
		return sb_fail(err, SB_FAIL, "path too long");
	return 0;
}

const struct sb_option sb_option_table[SB_OPTION_COUNT] = {
	{"container-mounts", "SRC:DST[:FLAGS][,...]",
	 "[stepbox] bind host paths (tmpfs:DST, umount:DST) in the container",
	 SB_ENV_MOUNTS, NULL, check_mounts},
	{"container-workdir", "PATH",
	 "[stepbox] working directory in the container", SB_ENV_WORKDIR, NULL,
	 check_workdir},
	{"container-env", "NAME[,NAME...]",
	 "[stepbox] the job's value of these wins over the bundle's",
	 SB_ENV_KEEP, NULL, check_env},
	{"container-mount-home", NULL, "[stepbox] bind the home directory",
	 SB_ENV_MOUNT_HOME, "yes", NULL},
	{"no-container-mount-home", NULL,
	 "[stepbox] do not bind the home directory", SB_ENV_MOUNT_HOME, "no",
	 NULL},
	{"container-mount-cwd", NULL,
	 "[stepbox] bind the job's working directory", SB_ENV_MOUNT_CWD, "yes",
	 NULL},
	{"no-container-mount-cwd", NULL,
	 "[stepbox] do not bind the job's working directory", SB_ENV_MOUNT_CWD,
	 "no", NULL},
	{"container-remap-root", NULL, "[stepbox] be root in the container",
	 SB_ENV_REMAP_ROOT, "yes", NULL},
	{"no-container-remap-root", NULL,
	 "[stepbox] be oneself in the container", SB_ENV_REMAP_ROOT, "no",
	 NULL},
	{"container-writable", NULL,
	 "[stepbox] make the root file system writable", SB_ENV_WRITABLE, "yes",
	 NULL},
	{"container-readonly", NULL,
	 "[stepbox] make the root file system read-only", SB_ENV_WRITABLE, "no",
	 NULL},
	{"container-runtime", "NAME",
	 "[stepbox] runtime, of those the site allows", SB_ENV_RUNTIME, NULL,
	 check_runtime},
	{"container-per", "node|task",
	 "[stepbox] one container for all tasks on a node, or for each",
	 SB_ENV_PER, NULL, check_per},
	{"container-debug", NULL,
	 "[stepbox] tell on standard error what is done for the container",
	 SB_ENV_DEBUG, "yes", NULL},
	{"container", "PATH", "Path to OCI container bundle", SB_ENV_CONTAINER,
	 NULL, check_bundle},
};

static int same_variable(int i, int j)
{
	return !strcmp(sb_option_table[i].env, sb_option_table[j].env);
}

static int check_value(const struct sb_option *t, const char *value,
		       struct sb_err *err)
{
	if (!*value)
		return sb_fail(err, SB_FAIL, "the value is empty");
	if (strlen(value) > VALUE_MAX)
		return sb_fail(err, SB_FAIL, "longer than %d KiB",
			       VALUE_MAX >> 10);
	/* One-line messages, and readers that need not think of it. */
	for (const char *c = value; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			return sb_fail(err, SB_FAIL,
				       "holds a newline or control character");
	return t->check(value, err);
}

/* Whether what was given as j stands against giving i now. */
static int check_against(const struct sb_options *o, int i, const char *value,
			 enum sb_option_source source, int j,
			 struct sb_err *err)
{
	int same = i == j && !strcmp(o->given[j].value, value);

	/* Of --container, all components are compared at once: het.h. */
	if (o->given[j].component != o->component && !same &&
	    i != SB_OPTION_CONTAINER)
		return sb_fail(err, SB_FAIL,
			       "--%s: must be the same for all components of "
			       "a heterogeneous job",
			       sb_option_table[i].name);
	if (i != j && o->given[j].source == source)
		return sb_fail(err, SB_FAIL, "--%s and --%s exclude each other",
			       sb_option_table[j].name,
			       sb_option_table[i].name);
	return 0;
}

int sb_option_give(struct sb_options *o, int i, const char *value,
		   enum sb_option_source source, struct sb_err *err)
{
	const struct sb_option *t = &sb_option_table[i];
	char *copy;

	if (!t->argument)
		value = t->word;
	else if (check_value(t, value, err) < 0)
		return sb_wrap(err, "--%s=%.*s", t->name, SHOWN, value);
	for (int j = 0; j < SB_OPTION_COUNT; j++)
		if (o->given[j].value && same_variable(i, j) &&
		    check_against(o, i, value, source, j, err) < 0)
			return -1;
	copy = strdup(value);
	if (!copy)
		return sb_fail(err, SB_FAIL, "--%s: out of memory", t->name);
	for (int j = 0; j < SB_OPTION_COUNT; j++) {
		if (!same_variable(i, j))
			continue;
		free(o->given[j].value);
		o->given[j].value = NULL;
	}
	o->given[i].value = copy;
	o->given[i].source = source;
	o->given[i].component = o->component;
	return 0;
}

const char *sb_option_any(const struct sb_options *o)
{
	for (int i = 0; i < SB_OPTION_COUNT; i++)
		if (o->given[i].value)
			return sb_option_table[i].name;
	return NULL;
}

/* The input variable's name, "" where the program has none. */
static void name_input(char *name, size_t size, const char *program,
		       const struct sb_option *t)
{
	static const char *const programs[][2] = {
		{"srun", "SRUN"}, {"sbatch", "SBATCH"}, {"salloc", "SALLOC"}};
	int container = t == &sb_option_table[SB_OPTION_CONTAINER];

	*name = '\0';
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
		if (!strcmp(program, programs[i][0]))
			snprintf(name, size, "%s_CONTAINER%s%s", programs[i][1],
				 container ? "" : "_",
				 container ? ""
					   : t->env + strlen(SB_ENV_PREFIX));
}

/* Sets *value to what program's input variable says, if it is set. */
static int read_input(const char *program, const struct sb_option *t,
		      const char **value, struct sb_err *err)
{
	char name[64];
	const char *text;
	int yes;

	name_input(name, sizeof(name), program, t);
	text = *name ? getenv(name) : NULL;
	if (!text || !*text)
		return 0;
	if (t->argument) {
		*value = text;
		if (check_value(t, text, err) < 0)
			return sb_wrap(err, "%s=%.*s", name, SHOWN, text);
		return 0;
	}
	yes = sb_kv_bool(text);
	if (yes < 0)
		return sb_fail(err, SB_FAIL, "%s=%.*s: neither yes nor no",
			       name, SHOWN, text);
	*value = yes ? "yes" : "no";
	return 0;
}

/* What was given for the variable of option i. */
static const char *find_given(const struct sb_options *o, int i,
			      enum sb_option_source *source)
{
	for (int j = 0; j < SB_OPTION_COUNT; j++) {
		if (!o->given[j].value || !same_variable(i, j))
			continue;
		*source = o->given[j].source;
		return o->given[j].value;
	}
	return NULL;
}

static int publish_one(const struct sb_options *o, int i, const char *program,
		       int keep, struct sb_err *err)
{
	const struct sb_option *t = &sb_option_table[i];
	enum sb_option_source source = SB_OPTION_SCRIPT;
	const char *value = find_given(o, i, &source);

	if (!value || source != SB_OPTION_LINE) {
		if (keep && getenv(t->env))
			return 0;
		if (read_input(program, t, &value, err) < 0)
			return -1;
	}
	if (value && setenv(t->env, value, 1) < 0)
		return sb_fail(err, SB_FAIL, "%s: %s", t->env, strerror(errno));
	return 0;
}

int sb_option_publish(const struct sb_options *o, const char *program, int keep,
		      struct sb_err *err)
{
	for (int i = 0; i < SB_OPTION_COUNT; i++) {
		if (i == SB_OPTION_CONTAINER || (i && same_variable(i, i - 1)))
			continue;
		if (publish_one(o, i, program, keep, err) < 0)
			return -1;
	}
	return 0;
}

int sb_option_publish_container(const struct sb_options *o, const char *program,
				int keep, struct sb_err *err)
{
	return publish_one(o, SB_OPTION_CONTAINER, program, keep, err);
}

const char *sb_option_container(const struct sb_options *o, const char *program)
{
	const int i = SB_OPTION_CONTAINER;
	const char *value = o->given[i].value;
	struct sb_err ignored;

	if (!value || o->given[i].source != SB_OPTION_LINE)
		read_input(program, &sb_option_table[i], &value, &ignored);
	return value;
}

int sb_option_is(const char *word, const char *name)
{
	size_t len;

	if (strncmp(word, "--", 2))
		return 0;
	word += 2;
	len = strcspn(word, "=");
	/* No abbreviation but --container, which wins as it is whole. */
	if (!len)
		return 0;
	if (len == strlen("container") && !memcmp(word, "container", len))
		return !strcmp(name, "container");
	return !strncmp(word, name, len);
}
