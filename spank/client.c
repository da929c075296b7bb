/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The client side: takes the options, and vouches for a request. */
#define _GNU_SOURCE
#include "client.h"

#include "contract.h"
#include "het.h"
#include "option.h"
#include "site.h"
#include "slurm.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* SPANK gives callbacks no place to keep anything. */
static struct sb_options options;
/* The allocation's options are in the environment, and hold. */
static int keep;
static struct sb_het components;

/* Removes our variables from the client's environment; unsetenv moves the
 * rest up, so the same place is looked at again. */
static void forget_inherited(void)
{
	char name[128];

	for (char **e = environ; e && *e;) {
		size_t len = strcspn(*e, "=");

		if (!strncmp(*e, SB_ENV_PREFIX, strlen(SB_ENV_PREFIX)) &&
		    (*e)[len] == '=' && len < sizeof(name)) {
			memcpy(name, *e, len);
			name[len] = '\0';
			unsetenv(name);
		} else {
			e++;
		}
	}
}

/* Tells what a callback or hook refuses; Slurm adds a line of its own. */
static int refuse(const struct sb_err *err)
{
	char text[SB_ERR_ESCAPED];

	sb_escape(text, sizeof(text), err->text);
	slurm_error("stepbox: %s", text);
	return -1;
}

/* Whether this process's command line has, before its last words, one for which
 * fits says so. */
static int command_line_has(int (*fits)(const char *word, const char *name),
			    const char *name, int last)
{
	FILE *f = fopen("/proc/self/cmdline", "re");
	char *word = NULL;
	size_t size = 0;
	int at = -last, found = -1;

	/* The first is the program. */
	for (int i = 0; f && getdelim(&word, &size, '\0', f) > 0; i++, at++)
		if (i && found < 0 && fits(word, name))
			found = i;
	free(word);
	if (f)
		fclose(f);
	return found > 0 && found < at;
}

static int is_word(const char *word, const char *name)
{
	return !strcmp(word, name);
}

/*
 * Which program this is. SPANK tells srun from the others, but not sbatch from
 * salloc; libc knows the name that Slurm's own messages begin with.
 */
static int is_program(const char *name)
{
	return !strcmp(program_invocation_short_name, name);
}

/*
 * Whether this is the srun that salloc starts for the interactive step: the one
 * whose command line has InteractiveStepOptions, of which slurm.conf(5) asks
 * --interactive, and that has salloc's environment. What is started by the
 * step's shell does not: the variable ends here.
 */
static int is_interactive_step(void)
{
	return getenv(SB_ENV_INTERACTIVE) && is_program("srun") &&
	       command_line_has(is_word, "--interactive", 0);
}

/*
 * Slurm tells us the option, but neither whether sbatch read it in the script
 * nor which component it belongs to.
 */
static int take_option(int val, const char *argument, int remote)
{
	enum sb_option_source source = SB_OPTION_LINE;
	struct sb_err err;

	if (remote)
		return 0;
	/* It takes our options, and calls no other hook of ours: its jobs would
	 * run on the host. A --container of Slurm's own is not seen here, and
	 * dropped by it (22.05 to 26.05, src/scrontab/scrontab.c). */
	if (is_program("scrontab")) {
		sb_fail(&err, SB_FAIL,
			"--%s: scrontab submits no containers: have its "
			"command call srun --container",
			sb_option_table[val].name);
		return refuse(&err);
	}
	if (is_program("sbatch") &&
	    !command_line_has(sb_option_is, sb_option_table[val].name, 0))
		source = SB_OPTION_SCRIPT;
	if (sb_option_give(&options, val, argument ? argument : "", source,
			   &err) < 0)
		return refuse(&err);
	return 0;
}

/* By hand: in sbatch and salloc Slurm does not look at a spank_options table
 * (22.05, src/common/plugstack.c, _spank_plugin_create()). What cannot be
 * registered Slurm itself speaks of, and a plain step must go on. */
static void register_options(spank_t sp)
{
	const int n =
		SB_SLURM_HAS_CONTAINER ? SB_OPTION_CONTAINER : SB_OPTION_COUNT;

	for (int i = 0; i < n; i++) {
		const struct sb_option *t = &sb_option_table[i];
		const char *shown =
			i == SB_OPTION_CONTAINER ? NULL : t->argument;
		/* Slurm copies all of it. */
		struct spank_option o = {
			.name = (char *)t->name,
			.arginfo = (char *)shown,
			.usage = (char *)t->usage,
			.has_arg = !!t->argument,
			.val = i,
			.cb = take_option,
		};

		spank_option_register(sp, &o);
	}
}

/* Slurm itself passes --container on to the interactive step. */
static void keep_container(void)
{
	const char *bundle = getenv(SB_ENV_REQUEST);

	if (!SB_SLURM_HAS_CONTAINER && bundle)
		setenv(SB_ENV_CONTAINER, bundle, 1);
}

int sb_client_init(spank_t sp)
{
	/*
	 * Slurm sets SLURM_CONTAINER only where it is not set yet (22.05,
	 * src/srun/libsrun/opt.c): inside a container job it would name the
	 * job's bundle and not the one that this command line asks for.
	 */
	unsetenv(SB_ENV_CONTAINER);
	keep = is_interactive_step();
	if (keep) {
		keep_container();
		unsetenv(SB_ENV_INTERACTIVE);
		unsetenv(SB_ENV_REQUEST);
	} else {
		forget_inherited();
	}
	register_options(sp);
	return 0;
}

void sb_client_init_remote(spank_t sp)
{
	char value[2];
	spank_err_t rc = spank_getenv(sp, SB_ENV_REQUEST, value, sizeof(value));

	if (rc == ESPANK_SUCCESS || rc == ESPANK_NOSPACE)
		register_options(sp);
}

/*
 * Slurm's own way of passing an option on is undone: by it, the options of a
 * batch job or salloc would also be those of each srun inside.
 * (spank_process_env_options() there reads SLURM_SPANK__SLURM_SPANK_OPTION_*,
 * which comes of what spank_init_post_opt() has just set.)
 */
static void forget_spanks_copies(spank_t sp)
{
	char name[128];

	/* Of all: what a later option has replaced was used, too. */
	for (int i = 0; i < SB_OPTION_COUNT; i++) {
		snprintf(name, sizeof(name), "_SLURM_SPANK_OPTION_stepbox_%s",
			 sb_option_table[i].name);
		for (char *c = name; *c; c++)
			if (*c == '-')
				*c = '_';
		unsetenv(name);
		spank_job_control_unsetenv(sp, name);
	}
}

static int fits_identity(const char *name)
{
	for (; *name; name++)
		if ((unsigned char)*name < 0x20 || *name == 0x7f ||
		    *name == ':')
			return 0;
	return 1;
}

/* The size of the buffer for getpwuid_r(3) and getgrgid_r(3): a group's entry
 * holds its members. Pages that are not needed are not touched. */
#define NSS_BUFFER (1 << 20)

/*
 * Here, where NSS may take its time, and not in slurmstepd. By the _r forms:
 * salloc keeps a pointer into getpwuid's static buffer (22.05,
 * src/salloc/opt.c, _get_shell()).
 */
static void publish_identity(void)
{
	char *users = malloc(NSS_BUFFER), *groups = malloc(NSS_BUFFER);
	struct passwd pwd, *user = NULL;
	struct group grp, *group = NULL;
	char text[1024];
	int n;

	if (users && groups &&
	    !getpwuid_r(getuid(), &pwd, users, NSS_BUFFER, &user) &&
	    !getgrgid_r(getgid(), &grp, groups, NSS_BUFFER, &group) && user &&
	    group && fits_identity(user->pw_name) &&
	    fits_identity(group->gr_name)) {
		n = snprintf(text, sizeof(text), "%u:%s:%u:%s", getuid(),
			     user->pw_name, getgid(), group->gr_name);
		if (n > 0 && (size_t)n < sizeof(text))
			setenv(SB_ENV_IDENTITY, text, 1);
	}
	free(users);
	free(groups);
}

/*
 * For Prolog and Epilog scripts: SPANK_STEPBOX_CONTAINER. Slurm has no such
 * environment for a step inside an allocation. Nor do a heterogeneous salloc's
 * components get it before 21.08: they share one array there, which moves when
 * the next one's options are put into it (20.11, src/salloc/salloc.c,
 * _fill_job_desc_from_opts()); left empty, there is none.
 */
static void tell_prolog(spank_t sp, const char *bundle)
{
	if (SB_SLURM_HAS_CONTAINER || !is_program("salloc") ||
	    !command_line_has(is_word, ":", 0))
		spank_job_control_setenv(sp, "STEPBOX_CONTAINER", bundle, 1);
}

static int publish(spank_t sp, const char *bundle)
{
	struct sb_err err;

	if (sb_option_publish(&options, program_invocation_short_name, keep,
			      &err) < 0)
		return refuse(&err);
	publish_identity();
	if (is_program("salloc"))
		setenv(SB_ENV_INTERACTIVE, "1", 1);
	/* Last: where plugstack.conf has us optional, Slurm goes on after a
	 * failure, and the nodes refuse what comes without the mark. */
	if (setenv(SB_ENV_REQUEST, bundle, 1) < 0) {
		slurm_error("stepbox: --container=%s: %s", bundle,
			    strerror(errno));
		return -1;
	}
	tell_prolog(sp, bundle);
	return 0;
}

#if !SB_SLURM_HAS_CONTAINER
/* As later Slurms have it: else salloc's shell would be one of this host. */
static int check_salloc(void)
{
	static const char step[] = "use_interactive_step";
	slurm_conf_t *conf = NULL;
	int fine;

	if (slurm_load_ctl_conf(0, &conf) != SLURM_SUCCESS) {
		slurm_error("stepbox: cannot read Slurm's configuration: %s",
			    slurm_strerror(slurm_get_errno()));
		return -1;
	}
	fine = conf->launch_params && strstr(conf->launch_params, step);
	slurm_free_ctl_conf(conf);
	if (fine)
		return 0;
	slurm_error("--container requires LaunchParameters=%s", step);
	return -1;
}

/* What Slurm does elsewhere: makes SLURM_CONTAINER of --container, or of
 * SRUN_CONTAINER and the like. */
static int own_container(void)
{
	struct sb_err err;

	if (sb_option_publish_container(&options, program_invocation_short_name,
					keep, &err) < 0)
		return refuse(&err);
	return getenv(SB_ENV_CONTAINER) && is_program("salloc") ? check_salloc()
								: 0;
}
#else
static int own_container(void)
{
	return 0;
}
#endif

/*
 * Where stepbox is not configured Slurm does as it promises, and has a bundle
 * for each component.
 */
static int check_components(int component, int argc, char **argv)
{
	const char *own;
	struct sb_err err;
	int known = 1;

	if (!sb_site_conf(argc, argv))
		return 0;
	if (SB_SLURM_HAS_CONTAINER)
		own = sb_het_container(&known);
	else
		own = sb_option_container(&options,
					  program_invocation_short_name);
	if (!known && component && getenv(SB_ENV_CONTAINER))
		sb_fail(&err, SB_FAIL,
			"--container: this Slurm does not say which component "
			"of a heterogeneous job it is for");
	else if (!known || !sb_het_check(&components, own, &err))
		return 0;
	return refuse(&err);
}

int sb_client_post_opt(spank_t sp, int argc, char **argv)
{
	const char *option = sb_option_any(&options), *bundle;

	if (check_components(options.component, argc, argv) < 0)
		return -1;
	options.component++;
	if (option)
		forget_spanks_copies(sp);
	if (own_container() < 0)
		return -1;
	/* Set from --container, or from SRUN_CONTAINER and the like, between
	 * sb_client_init and now: this step's own request. */
	bundle = getenv(SB_ENV_CONTAINER);
	if (bundle)
		return publish(sp, bundle);
	if (option) {
		slurm_error("stepbox: --%s: needs --container", option);
		return -1;
	}
	if (keep)
		forget_inherited();
	return 0;
}

int sb_client_same_text(const char *path, const char *text)
{
	size_t at = 0, len = strlen(text);
	char buf[4096];
	ssize_t n;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return 0;
	while ((n = read(fd, buf, sizeof(buf))) > 0) {
		if (at + n > len || memcmp(text + at, buf, n))
			break;
		at += n;
	}
	close(fd);
	return n == 0 && at == len && len > 0;
}

void sb_client_tell_bcast(spank_t sp)
{
	const char *input = getenv("SLURM_BCAST");
	char **argv = NULL;
	int argc = 0;

	if (!getenv(SB_ENV_REQUEST) ||
	    spank_get_item(sp, S_JOB_ARGV, &argc, &argv) != ESPANK_SUCCESS)
		return;
	/* The command's own words come last. */
	if (input || command_line_has(sb_option_is, "bcast", argc))
		setenv(SB_ENV_BCAST, "yes", 1);
}

/*
 * With PMIx, and no oci.conf on the node, slurmstepd fails before it calls any
 * plugin (slurm 24.11, src/plugins/mpi/pmix/pmixp_info.c, _env_set(), where the
 * container has no spool directory), and the user reads "Unspecified error".
 * srun has settled which MPI it is, MpiDefault included, before it calls us.
 * That this host has no oci.conf does not mean that the nodes have none: so it
 * is said, and srun goes on.
 */
static void warn_of_pmix(void)
{
	const char *mpi = getenv("SLURM_MPI_TYPE");
	char path[PATH_MAX];

	if (!SB_SLURM_HANDS_PMIX_OFF || !getenv(SB_ENV_REQUEST) || !mpi ||
	    strncmp(mpi, "pmix", 4) ||
	    sb_site_oci(path, sizeof(path)) != SB_SITE_OCI_NONE)
		return;
	slurm_error("stepbox: --mpi=%s with --container works only where "
		    "Slurm's oci.conf calls stepbox, and this host has none: "
		    "should the step not start, use --mpi=pmi2 or --mpi=none, "
		    "or ask the site for oci.conf (spank_stepbox(8))",
		    mpi);
}

int sb_client_check(spank_t sp)
{
	char **argv = NULL;
	int argc = 0;

	warn_of_pmix();
	if (spank_prepend_task_argv || !getenv(SB_ENV_REQUEST) ||
	    spank_get_item(sp, S_JOB_ARGV, &argc, &argv) != ESPANK_SUCCESS ||
	    argc < 2 || !sb_client_same_text(argv[0], argv[1]))
		return 0;
	slurm_error("stepbox: " SB_CLIENT_NO_MULTI_PROG);
	return -1;
}
