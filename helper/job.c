/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What `stepbox run` is asked to do. */
#define _GNU_SOURCE
#include "job.h"

#include "../spank/contract.h"
#include "mem.h"

#include <getopt.h>
#include <limits.h>
#include <string.h>

/* Every option has a twin in the environment; the option wins. */
static const struct opt {
	const char *name, *env;
	size_t at; /* in struct sb_job */
	const char *arg, *help;
} opts[] = {
	{"bundle", SB_ENV_BUNDLE, offsetof(struct sb_job, bundle), "PATH",
	 "the OCI bundle to run in"},
	{"conf", SB_ENV_CONF, offsetof(struct sb_job, conf), "PATH",
	 "the site's configuration (" SB_CONF_PATH ")"},
	{"dir", SB_ENV_DIR, offsetof(struct sb_job, dir), "PATH",
	 "the step directory; without it one is made and removed again"},
	{"step", SB_ENV_STEP, offsetof(struct sb_job, step_name),
	 "JOB.STEP.RESTART", "the step's numbers"},
};

void sb_job_usage(FILE *to)
{
	char left[48];

	fputs("usage: stepbox run [OPTION...] [--] COMMAND [ARG...]\n"
	      "Runs COMMAND in a container made of an OCI bundle.\n",
	      to);
	for (size_t i = 0; i < ARRAY_SIZE(opts); i++) {
		snprintf(left, sizeof(left), "--%s=%s", opts[i].name,
			 opts[i].arg);
		fprintf(to, "  %-24s %s\n%27sor %s\n", left, opts[i].help, "",
			opts[i].env);
	}
	fprintf(to, "  %-24s %s\n", "-v, --verbose", "say what is done");
}

static int read_options(struct sb_job *j, int argc, char **argv,
			struct sb_err *err)
{
	struct option table[ARRAY_SIZE(opts) + 3] = {{.name = NULL}};
	int c;

	for (size_t i = 0; i < ARRAY_SIZE(opts); i++)
		table[i] = (struct option){opts[i].name, required_argument,
					   NULL, 256 + i};
	table[ARRAY_SIZE(opts)] =
		(struct option){"verbose", no_argument, NULL, 'v'};
	table[ARRAY_SIZE(opts) + 1] =
		(struct option){"help", no_argument, NULL, 'h'};
	opterr = 0;
	while ((c = getopt_long(argc, argv, "+:vh", table, NULL)) != -1) {
		if (c >= 256) {
			*(const char **)((char *)j + opts[c - 256].at) = optarg;
		} else if (c == 'v') {
			j->verbose = 1;
		} else if (c == 'h') {
			sb_job_usage(stdout);
			return 1;
		} else {
			return sb_fail(
				err, SB_FAIL, "%s: %s (see stepbox run --help)",
				argv[optind - 1],
				c == ':' ? "needs a value" : "no such option");
		}
	}
	for (argv += optind; *argv; argv++)
		sb_strv_add(&j->cmd, *argv);
	return 0;
}

static int number(const char **s, uint32_t *v)
{
	char *end;
	unsigned long n = strtoul(*s, &end, 10);

	if (end == *s || **s < '0' || **s > '9' || n > UINT32_MAX)
		return -1;
	*s = end;
	*v = n;
	return 0;
}

static int read_step(struct sb_job *j, struct sb_err *err)
{
	const char *s = j->step_name;

	if (!s)
		return 0;
	if (number(&s, &j->job) < 0 || *s++ != '.' ||
	    number(&s, &j->step) < 0 || *s++ != '.' ||
	    number(&s, &j->restart) < 0 || *s)
		return sb_fail(err, SB_FAIL, "--step=%s: not JOB.STEP.RESTART",
			       j->step_name);
	return 0;
}

/* srun --bcast without a file name: slurmstepd completes argv[0], but what it
 * saw there was us (22.05, src/slurmd/slurmstepd/task.c, exec_task). */
static void finish_bcast(struct sb_job *j)
{
	char *old = j->cmd.v ? j->cmd.v[0] : NULL, *whole;

	if (!old || !*old || old[strlen(old) - 1] != '/')
		return;
	if (asprintf(&whole, "%sslurm_bcast_%u.%u_%s", old, j->job, j->step,
		     j->node) < 0) {
		j->cmd.failed = 1;
		return;
	}
	free(old);
	j->cmd.v[0] = whole;
}

static unsigned int env_number(const char *name)
{
	const char *s = getenv(name);
	uint32_t v;

	return s && !number(&s, &v) && !*s ? v : 0;
}

static void read_slurm(struct sb_job *j)
{
	j->node = getenv("SLURMD_NODENAME");
	if (!j->node || !*j->node)
		j->node = "localhost";
	j->user = getenv("SLURM_JOB_USER");
	if (!j->user)
		j->user = getenv("USER");
	j->task = env_number("SLURM_LOCALID");
	j->rank = env_number("SLURM_PROCID");
	j->cwd = getcwd(NULL, 0);
}

int sb_job_read(struct sb_job *j, int argc, char **argv, struct sb_err *err)
{
	const char *argv0 = getenv(SB_ENV_ARGV0);
	int rc = 0;

	*j = (struct sb_job){.conf = SB_CONF_PATH};
	for (size_t i = 0; i < ARRAY_SIZE(opts); i++) {
		const char *v = getenv(opts[i].env);

		if (v)
			*(const char **)((char *)j + opts[i].at) = v;
	}
	read_slurm(j);
	if (argv0) {
		sb_strv_add(&j->cmd, argv0);
		for (char **a = argv + 1; *a; a++)
			sb_strv_add(&j->cmd, *a);
	} else {
		rc = read_options(j, argc, argv, err);
	}
	if (rc)
		return rc;
	if (read_step(j, err) < 0)
		return -1;
	if (argv0)
		finish_bcast(j);
	if (j->cmd.failed)
		return sb_fail(err, SB_FAIL, "out of memory");
	if (!j->cmd.n)
		return sb_fail(err, SB_FAIL,
			       "no command to run (see stepbox "
			       "run --help)");
	if (!j->bundle)
		return sb_fail(err, SB_FAIL, "no bundle: name one by --bundle");
	return 0;
}

void sb_job_free(struct sb_job *j)
{
	sb_strv_free(&j->cmd);
	sb_cleanup_free(&j->cwd);
}
