/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The options of srun, sbatch and salloc. What the plugin takes it publishes as
 * it is, and the helper takes it too.
 *
 * Input: a byte (the program); then strings: a letter (A to O an option of the
 * line, a to o one of the script, + the next component, $ an input variable of
 * the option that the next letter says) and a value.
 */
#define _GNU_SOURCE
#include "fuzz.h"

#include "../../helper/job.h"
#include "../../spank/het.h"
#include "../../spank/mountopt.h"
#include "../../spank/option.h"

#include <getopt.h>
#include <unistd.h>

static const char *const programs[] = {"srun", "sbatch", "salloc", "x"};
static const char *const prefixes[] = {"SRUN_CONTAINER", "SBATCH_CONTAINER",
				       "SALLOC_CONTAINER", "X_CONTAINER"};

static void input_name(char *name, size_t size, unsigned int program, int i)
{
	int whole = i == SB_OPTION_CONTAINER;

	snprintf(name, size, "%s%s%s", prefixes[program], whole ? "" : "_",
		 whole ? "" : sb_option_table[i].env + strlen(SB_ENV_PREFIX));
}

static void forget(unsigned int program)
{
	char name[64];

	for (int i = 0; i < SB_OPTION_COUNT; i++) {
		input_name(name, sizeof(name), program, i);
		unsetenv(name);
		unsetenv(sb_option_table[i].env);
	}
}

static void give(struct sb_options *o, int i, const char *value,
		 enum sb_option_source source)
{
	const struct sb_option *t = &sb_option_table[i];
	struct sb_err err = {.text = ""};

	if (sb_option_give(o, i, value, source, &err) < 0) {
		FUZZ_FAILED(err);
		return;
	}
	FUZZ_CHECK(sb_option_any(o));
	FUZZ_CHECK(o->given[i].value &&
		   !strcmp(o->given[i].value, t->argument ? value : t->word));
}

static void take(struct sb_options *o, struct sb_het *het, unsigned int program,
		 const char *s)
{
	struct sb_err err = {.text = ""};
	char name[64];
	int i;

	if (*s >= 'A' && *s < 'A' + SB_OPTION_COUNT) {
		give(o, *s - 'A', s + 1, SB_OPTION_LINE);
	} else if (*s >= 'a' && *s < 'a' + SB_OPTION_COUNT) {
		give(o, *s - 'a', s + 1, SB_OPTION_SCRIPT);
	} else if (*s == '+') {
		o->component++;
		if (sb_het_check(het, s[1] ? s + 1 : NULL, &err) < 0)
			FUZZ_FAILED(err);
	} else if (*s == '$' && s[1]) {
		i = (unsigned char)s[1] % SB_OPTION_COUNT;
		input_name(name, sizeof(name), program, i);
		setenv(name, s + 2, 1);
	}
}

/* What every reader of a published value may rely on. */
static void check_value(const struct sb_option *t, const char *value)
{
	FUZZ_CHECK(*value);
	for (const char *c = value; *c; c++)
		FUZZ_CHECK((unsigned char)*c >= 0x20 && *c != 0x7f);
	if (!strcmp(t->env, SB_ENV_MOUNTS)) {
		static struct sb_mountopt m;
		struct sb_err err;
		int rc;

		while ((rc = sb_mountopt_next(&value, &m, &err)) > 0)
			;
		FUZZ_CHECK(!rc);
	} else if (!strcmp(t->env, SB_ENV_RUNTIME)) {
		FUZZ_CHECK(*value != '.' && !strchr(value, '/'));
	} else if (!t->argument) {
		FUZZ_CHECK(!strcmp(value, "yes") || !strcmp(value, "no"));
	}
}

/* The helper's side, with nothing but the environment. */
static void check_helper(void)
{
	char *argv[] = {"run", "--bundle=/b", "true", NULL};
	struct sb_err err = {.text = ""};
	struct sb_job job;

	optind = 0;
	if (sb_job_read(&job, 3, argv, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		FUZZ_CHECK(!"the helper takes what the plugin published");
	}
	sb_job_free(&job);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = {.p = data, .end = data + size};
	unsigned int program = fuzz_byte(&in) % 4;
	struct sb_options o = {.component = 0};
	struct sb_het het = {.first = NULL};
	struct sb_err err = {.text = ""};
	const char *s;
	int rc;

	forget(program);
	while ((s = fuzz_more(&in)))
		take(&o, &het, program, s);
	sb_option_container(&o, programs[program]);
	rc = sb_option_publish(&o, programs[program], 0, &err);
	if (!rc)
		rc = sb_option_publish_container(&o, programs[program], 0,
						 &err);
	if (rc < 0) {
		FUZZ_FAILED(err);
	} else {
		for (int i = 0; i < SB_OPTION_COUNT; i++)
			if (getenv(sb_option_table[i].env))
				check_value(&sb_option_table[i],
					    getenv(sb_option_table[i].env));
		check_helper();
	}
	for (int i = 0; i < SB_OPTION_COUNT; i++)
		free(o.given[i].value);
	free(het.first);
	forget(program);
	fuzz_done(&in);
	return 0;
}
