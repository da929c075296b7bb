/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stand-ins for what Slurm's programs give a plugin: spank_* and slurm_*. Each
 * test says what Slurm knows, which of its calls fails, and looks at what the
 * plugin has said and set.
 */
#ifndef UNIT_STANDINS_H
#define UNIT_STANDINS_H

#include "unit.h"

#include "../../spank/contract.h"
#include "../../spank/slurm.h"

#include <errno.h>
#include <stdarg.h>

#define FAKE_VARS 64

static struct {
	spank_context_t context;
	/* the n-th call that may fail does so, counted from 1; 0: none */
	int fail, calls;
	/* this item is never known */
	int unknown;
	uid_t uid;
	gid_t gid;
	uint32_t job, step, tasks;
	int task, status;
	int argc;
	char **argv;
	char *env[FAKE_VARS];	  /* the job's */
	char *control[FAKE_VARS]; /* for Prolog and Epilog */
	struct spank_option options[32];
	int n_options;
	const char *prepended[8];
	int n_prepended;
	int n_errors;
	char log[65536];
} fake = {.unknown = -1};

/* Whether this call is the one that fails. */
static inline int fake_fails(void)
{
	return ++fake.calls == fake.fail;
}

static inline char **fake_find(char **list, const char *name)
{
	size_t len = strlen(name);
	int i = 0;

	while (list[i] && (strncmp(list[i], name, len) || list[i][len] != '='))
		i++;
	assert_true(i < FAKE_VARS - 1);
	return list + i;
}

static inline const char *fake_get(char **list, const char *name)
{
	char **at = fake_find(list, name);

	return *at ? *at + strlen(name) + 1 : NULL;
}

static inline void fake_set(char **list, const char *name, const char *value)
{
	char **at = fake_find(list, name);

	free(*at);
	assert_true(asprintf(at, "%s=%s", name, value) > 0);
}

static inline void fake_unset(char **list, const char *name)
{
	char **at = fake_find(list, name), **last = at;

	if (!*at)
		return;
	free(*at);
	while (last[1])
		last++;
	*at = *last;
	*last = NULL;
}

static inline void fake_forget(void)
{
	for (int i = 0; i < FAKE_VARS; i++) {
		free(fake.env[i]);
		free(fake.control[i]);
	}
	memset(&fake, 0, sizeof(fake));
	fake.unknown = -1;
}

/* ---- the log ---- */

static inline void __attribute__((format(printf, 2, 0)))
fake_log(const char *level, const char *fmt, va_list args)
{
	size_t len = strlen(fake.log);
	char *p = fake.log + len;
	size_t room = sizeof(fake.log) - len;
	int n = snprintf(p, room, "%s: ", level), m;

	m = vsnprintf(p + n, room - n, fmt, args);
	assert_true(m >= 0 && (size_t)(n + m) + 2 < room);
	/* A line is one, whatever a user has put into it. */
	for (const char *c = p; *c; c++)
		assert_true((unsigned char)*c >= 0x20 && *c != 0x7f);
	strcat(p, "\n");
}

#define FAKE_LOG(name, level)                                                  \
	void name(const char *fmt, ...)                                        \
	{                                                                      \
		va_list args;                                                  \
                                                                               \
		va_start(args, fmt);                                           \
		fake_log(level, fmt, args);                                    \
		va_end(args);                                                  \
		fake.n_errors += !strcmp(level, "error");                      \
	}

FAKE_LOG(slurm_error, "error")
FAKE_LOG(slurm_info, "info")
FAKE_LOG(slurm_verbose, "verbose")
FAKE_LOG(slurm_debug, "debug")

/* ---- SPANK ---- */

spank_context_t spank_context(void)
{
	return fake.context;
}

spank_err_t spank_option_register(spank_t sp, struct spank_option *o)
{
	(void)sp;
	if (fake_fails())
		return ESPANK_BAD_ARG;
	assert_true(fake.n_options < 32);
	assert_true(o->name && strlen(o->name) < SPANK_OPTION_MAXLEN && o->cb);
	fake.options[fake.n_options++] = *o;
	return ESPANK_SUCCESS;
}

spank_err_t spank_get_item(spank_t sp, spank_item_t item, ...)
{
	static gid_t groups[2] = {65534, 65533};
	spank_err_t rc = ESPANK_SUCCESS;
	va_list args;
	void *to;

	(void)sp;
	if (fake_fails() || (int)item == fake.unknown)
		return ESPANK_BAD_ARG;
	va_start(args, item);
	to = va_arg(args, void *);
	if (item == S_JOB_UID) {
		*(uid_t *)to = fake.uid;
	} else if (item == S_JOB_GID) {
		*(gid_t *)to = fake.gid;
	} else if (item == S_JOB_ID) {
		*(uint32_t *)to = fake.job;
	} else if (item == S_JOB_STEPID) {
		*(uint32_t *)to = fake.step;
	} else if (item == S_JOB_LOCAL_TASK_COUNT) {
		*(uint32_t *)to = fake.tasks;
	} else if (item == S_TASK_ID) {
		*(int *)to = fake.task;
	} else if (item == S_TASK_EXIT_STATUS) {
		*(int *)to = fake.status;
	} else if (item == S_JOB_SUPPLEMENTARY_GIDS) {
		*(gid_t **)to = groups;
		*va_arg(args, int *) = 2;
	} else if (item == S_JOB_ARGV) {
		*(int *)to = fake.argc;
		*va_arg(args, char ***) = fake.argv;
	} else {
		rc = ESPANK_BAD_ARG;
	}
	va_end(args);
	return rc;
}

spank_err_t spank_getenv(spank_t sp, const char *name, char *buf, int len)
{
	const char *value = fake_get(fake.env, name);

	(void)sp;
	if (fake_fails())
		return ESPANK_BAD_ARG;
	if (!value)
		return ESPANK_ENV_NOEXIST;
	return snprintf(buf, len, "%s", value) < len ? ESPANK_SUCCESS
						     : ESPANK_NOSPACE;
}

spank_err_t spank_setenv(spank_t sp, const char *name, const char *value,
			 int overwrite)
{
	(void)sp;
	assert_int_equal(overwrite, 1);
	if (fake_fails())
		return ESPANK_BAD_ARG;
	fake_set(fake.env, name, value);
	return ESPANK_SUCCESS;
}

spank_err_t spank_unsetenv(spank_t sp, const char *name)
{
	(void)sp;
	if (fake_fails())
		return ESPANK_BAD_ARG;
	fake_unset(fake.env, name);
	return ESPANK_SUCCESS;
}

spank_err_t spank_job_control_setenv(spank_t sp, const char *name,
				     const char *value, int overwrite)
{
	(void)sp, (void)overwrite;
	if (fake_fails())
		return ESPANK_BAD_ARG;
	fake_set(fake.control, name, value);
	return ESPANK_SUCCESS;
}

spank_err_t spank_job_control_unsetenv(spank_t sp, const char *name)
{
	(void)sp;
	if (fake_fails())
		return ESPANK_BAD_ARG;
	fake_unset(fake.control, name);
	return ESPANK_SUCCESS;
}

#ifdef UNIT_PREPENDS
spank_err_t spank_prepend_task_argv(spank_t sp, int argc, const char *argv[])
{
	(void)sp;
	if (fake_fails())
		return ESPANK_BAD_ARG;
	assert_in_range(argc, 1, 8);
	for (int i = 0; i < argc; i++)
		fake.prepended[i] = argv[i];
	fake.n_prepended = argc;
	return ESPANK_SUCCESS;
}
#endif

/* ---- Slurm's configuration, as salloc asks for it before 21.08 ---- */

#if !SB_SLURM_HAS_CONTAINER
static slurm_conf_t fake_conf;

int slurm_load_ctl_conf(time_t since, slurm_conf_t **conf)
{
	(void)since;
	*conf = &fake_conf;
	return fake_fails() ? SLURM_ERROR : SLURM_SUCCESS;
}

void slurm_free_ctl_conf(slurm_conf_t *conf)
{
	assert_ptr_equal(conf, &fake_conf);
}

int slurm_get_errno(void)
{
	return EIO;
}

char *slurm_strerror(int number)
{
	return strerror(number);
}
#endif

#endif
