/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What `stepbox run` is asked to do. */
#define _GNU_SOURCE
#include "job.h"

#include "../spank/contract.h"
#include "../spank/keyval.h"
#include "conf.h"
#include "expand.h"
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
	{"mounts", SB_ENV_MOUNTS, offsetof(struct sb_job, mounts),
	 "SRC:DST[:FLAGS],...", "what else to mount"},
	{"workdir", SB_ENV_WORKDIR, offsetof(struct sb_job, workdir), "PATH",
	 "the working directory"},
	{"env", SB_ENV_KEEP, offsetof(struct sb_job, keep), "NAME,...",
	 "variables whose value is the job's, not the bundle's"},
	{"spool", SB_ENV_SPOOL, offsetof(struct sb_job, spool), "PATH",
	 "Slurm's own directory for the step, shown to PMIx"},
	{"runtime", SB_ENV_RUNTIME, offsetof(struct sb_job, runtime), "NAME",
	 "another runtime, if the site allows it"},
	{"per", SB_ENV_PER, offsetof(struct sb_job, per_word), "node|task",
	 "how many containers a step with several tasks gets on a node"},
	{"tasks", SB_ENV_TASKS, offsetof(struct sb_job, tasks_word), "COUNT",
	 "how many tasks the step has on this node"},
};

/* Switches: each a word, yes or no; --NAME alone means yes. */
static const struct toggle {
	const char *name, *env;
	size_t word, value; /* in struct sb_job */
	const char *help;
} toggles[] = {
	{"mount-home", SB_ENV_MOUNT_HOME,
	 offsetof(struct sb_job, mount_home_word),
	 offsetof(struct sb_job, mount_home), "mount the home directory"},
	{"mount-cwd", SB_ENV_MOUNT_CWD, offsetof(struct sb_job, mount_cwd_word),
	 offsetof(struct sb_job, mount_cwd), "mount the working directory"},
	{"remap-root", SB_ENV_REMAP_ROOT,
	 offsetof(struct sb_job, remap_root_word),
	 offsetof(struct sb_job, remap_root), "be root inside"},
	{"writable", SB_ENV_WRITABLE, offsetof(struct sb_job, writable_word),
	 offsetof(struct sb_job, writable),
	 "a root file system to write to, gone with the step; no: read-only"},
	{"bcast", SB_ENV_BCAST, offsetof(struct sb_job, bcast_word),
	 offsetof(struct sb_job, bcast),
	 "COMMAND is a file of the node's, by srun --bcast"},
	{"alone", SB_ENV_ALONE, offsetof(struct sb_job, alone_word),
	 offsetof(struct sb_job, alone),
	 "no plugin on this node: COMMAND is as Slurm found it there"},
	{"debug", SB_ENV_DEBUG, offsetof(struct sb_job, debug_word),
	 offsetof(struct sb_job, debug), "as -vv"},
};

/* What only show has, after those of run. */
static const struct option show_options[] = {
	{"color", required_argument, NULL, 'C'},
	{"json", no_argument, NULL, 'J'},
};

static void usage_show(FILE *to)
{
	fputs("usage: stepbox show [BUNDLE] [OPTION...] [--] [COMMAND "
	      "[ARG...]]\n"
	      "Shows what stepbox run would do, and does nothing.\n",
	      to);
	fprintf(to, "  %-24s %s\n", "--json", "one JSON object, for programs");
	fprintf(to, "  %-24s %s\n", "--color=always|never|auto",
		"colours; auto: on a terminal");
}

void sb_job_usage(FILE *to, int show)
{
	char left[48];

	if (show)
		usage_show(to);
	else
		fputs("usage: stepbox run [OPTION...] [--] COMMAND [ARG...]\n"
		      "Runs COMMAND in a container made of an OCI bundle.\n",
		      to);
	for (size_t i = 0; i < ARRAY_SIZE(opts); i++) {
		snprintf(left, sizeof(left), "--%s=%s", opts[i].name,
			 opts[i].arg);
		fprintf(to, "  %-24s %s\n%27sor %s\n", left, opts[i].help, "",
			opts[i].env);
	}
	for (size_t i = 0; i < ARRAY_SIZE(toggles); i++) {
		snprintf(left, sizeof(left), "--%s[=yes|no]", toggles[i].name);
		fprintf(to, "  %-24s %s\n%27sor %s\n", left, toggles[i].help,
			"", toggles[i].env);
	}
	fprintf(to, "  %-24s %s\n", "-v, --verbose",
		"say what becomes of config.json; twice: what is done, when");
}

#define N_OPTS ARRAY_SIZE(opts)
#define N_TOGGLES ARRAY_SIZE(toggles)

static const char **field(struct sb_job *j, size_t at)
{
	return (void *)((char *)j + at);
}

static void fill_table(struct option *table, int show)
{
	for (size_t i = 0; i < N_OPTS; i++)
		*table++ = (struct option){opts[i].name, required_argument,
					   NULL, 256 + i};
	for (size_t i = 0; i < N_TOGGLES; i++)
		*table++ = (struct option){toggles[i].name, optional_argument,
					   NULL, 256 + N_OPTS + i};
	*table++ = (struct option){"verbose", no_argument, NULL, 'v'};
	*table++ = (struct option){"help", no_argument, NULL, 'h'};
	if (show)
		memcpy(table, show_options, sizeof(show_options));
}

/* Takes the word at which options ended as the bundle. */
static int take_bundle(struct sb_job *j, char **argv)
{
	if (j->bundle || !argv[optind] || !strcmp(argv[optind - 1], "--"))
		return 0;
	j->bundle = argv[optind++];
	return 1;
}

static int read_options(struct sb_job *j, int argc, char **argv, int show,
			struct sb_err *err)
{
	struct option table[N_OPTS + N_TOGGLES + 3 + ARRAY_SIZE(show_options)] =
		{{.name = NULL}};
	int c;

	fill_table(table, show);
	opterr = 0;
	while ((c = getopt_long(argc, argv, "+:vh", table, NULL)) != -1 ||
	       (show && take_bundle(j, argv))) {
		size_t i = c - 256;

		if (c == -1) {
			continue;
		} else if (c >= 256 && i < N_OPTS) {
			*field(j, opts[i].at) = optarg;
		} else if (c >= 256) {
			*field(j, toggles[i - N_OPTS].word) =
				optarg ? optarg : "yes";
		} else if (c == 'v') {
			j->verbose++;
		} else if (c == 'C') {
			j->color = optarg;
		} else if (c == 'J') {
			j->json = 1;
		} else if (c == 'h') {
			sb_job_usage(stdout, show);
			return 1;
		} else {
			return sb_fail(
				err, SB_FAIL, "%s: %s (see stepbox %s --help)",
				argv[optind - 1],
				c == ':' ? "needs a value" : "no such option",
				show ? "show" : "run");
		}
	}
	for (argv += optind; *argv; argv++)
		sb_strv_add(&j->cmd, *argv);
	return 0;
}

static int read_toggles(struct sb_job *j, struct sb_err *err)
{
	for (size_t i = 0; i < N_TOGGLES; i++) {
		const char *word = *field(j, toggles[i].word);
		int *value = (void *)((char *)j + toggles[i].value);

		*value = word ? sb_kv_bool(word) : -1;
		if (word && *value < 0)
			return sb_fail(err, SB_FAIL,
				       "--%s=%s: neither yes nor no",
				       toggles[i].name, word);
	}
	if (j->debug == 1 && j->verbose < 2)
		j->verbose = 2;
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

static int read_sharing(struct sb_job *j, struct sb_err *err)
{
	const char *s = j->tasks_word;

	if (s && (number(&s, &j->tasks) < 0 || *s))
		return sb_fail(err, SB_FAIL, "--tasks=%s: not a number",
			       j->tasks_word);
	j->per = -1;
	if (!j->per_word)
		return 0;
	j->per = !strcmp(j->per_word, "task") ? SB_PER_TASK : SB_PER_NODE;
	if (j->per == SB_PER_NODE && strcmp(j->per_word, "node"))
		return sb_fail(err, SB_FAIL, "--per=%s: neither node nor task",
			       j->per_word);
	return 0;
}

/* srun --bcast without a file name: slurmstepd completes argv[0], but what it
 * saw there was us (20.11 to 26.05, src/slurmd/slurmstepd/task.c, exec_task).
 * No other command ends so. */
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
	j->bcast = 1;
}

static unsigned int env_number(const char *name)
{
	const char *s = getenv(name);
	uint32_t v;

	return s && !number(&s, &v) && !*s ? v : 0;
}

static int read_slurm(struct sb_job *j, struct sb_err *err)
{
	static char host[HOST_NAME_MAX + 1];

	j->node = getenv("SLURMD_NODENAME");
	/* By hand: what is swept by node is not to be another machine's. */
	if ((!j->node || !*j->node) && !gethostname(host, sizeof(host) - 1))
		j->node = host;
	if (!j->node || !*j->node)
		j->node = "localhost";
	j->user = getenv("SLURM_JOB_USER");
	if (!j->user)
		j->user = getenv("USER");
	j->task = env_number("SLURM_LOCALID");
	j->rank = env_number("SLURM_PROCID");
	j->uid = geteuid();
	j->gid = getegid();
	/* One that is gone, or that he may not see, is none. */
	j->cwd = getcwd(NULL, 0);
	return j->cwd || errno != ENOMEM ? 0 : sb_no_memory(err);
}

static int read_all(struct sb_job *j, int argc, char **argv, int show,
		    struct sb_err *err)
{
	const char *argv0 = show ? NULL : getenv(SB_ENV_ARGV0);
	int rc = 0;

	*j = (struct sb_job){.conf = SB_CONF_PATH};
	for (size_t i = 0; i < N_OPTS; i++)
		if (getenv(opts[i].env))
			*field(j, opts[i].at) = getenv(opts[i].env);
	for (size_t i = 0; i < N_TOGGLES; i++)
		*field(j, toggles[i].word) = getenv(toggles[i].env);
	if (read_slurm(j, err) < 0)
		return -1;
	if (argv0) {
		sb_strv_add(&j->cmd, argv0);
		for (char **a = argv + 1; *a; a++)
			sb_strv_add(&j->cmd, *a);
	} else {
		rc = read_options(j, argc, argv, show, err);
	}
	if (rc)
		return rc;
	if (read_step(j, err) < 0 || read_toggles(j, err) < 0 ||
	    read_sharing(j, err) < 0)
		return -1;
	if (j->step_name)
		finish_bcast(j);
	return j->cmd.failed ? sb_no_memory(err) : 0;
}

int sb_job_read(struct sb_job *j, int argc, char **argv, struct sb_err *err)
{
	int rc = read_all(j, argc, argv, 0, err);

	if (rc)
		return rc;
	if (!j->cmd.n)
		return sb_fail(err, SB_FAIL,
			       "no command to run (see stepbox "
			       "run --help)");
	if (!j->bundle)
		return sb_fail(err, SB_FAIL, "no bundle: name one by --bundle");
	return 0;
}

int sb_job_read_show(struct sb_job *j, int argc, char **argv,
		     struct sb_err *err)
{
	return read_all(j, argc, argv, 1, err);
}

void sb_job_free(struct sb_job *j)
{
	sb_strv_free(&j->cmd);
	sb_cleanup_free(&j->cwd);
}

int sb_job_workdir(const struct sb_job *j, char **env,
		   const struct sb_values *v, char **path, struct sb_err *err)
{
	_cleanup_free_ char *p = NULL;

	*path = NULL;
	if (!j->workdir)
		return 0;
	p = sb_expand(j->workdir, env, v, err);
	if (!p)
		return sb_wrap(err, "--container-workdir");
	if (*p != '/')
		return sb_fail(err, SB_FAIL,
			       "--container-workdir=%s: not absolute", p);
	*path = steal_ptr(p);
	return 0;
}
