/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether the helper loses memory or descriptors: does what its verbs do again
 * and again in one process, and looks how much of both is in use.
 *
 *   rounds N BUNDLE CONF CREATE STEP
 *
 * CREATE is a CONF with RunTimeMode=create, STEP runs on this machine. Prints a
 * line for each thing that is done, with what was in use after 100 rounds and
 * after N (with a real container, a tenth of both); exits with 0 if the two are
 * the same everywhere.
 *
 * What succeeds by becoming another program, or ends as the command did, is not
 * done so: run from its user namespace on (below), and exec from its namespaces
 * on. LeakSanitizer looks at those, see test/sanitize.c.
 */
#define _GNU_SOURCE
#include "../../helper/checkverb.h"
#include "../../helper/clean.h"
#include "../../helper/exec.h"
#include "../../helper/forward.h"
#include "../../helper/handoff.h"
#include "../../helper/killverb.h"
#include "../../helper/mem.h"
#include "../../helper/pending.h"
#include "../../helper/prepare.h"
#include "../../helper/ps.h"
#include "../../helper/run.h"
#include "../../helper/show.h"
#include "../../helper/supervise.h"
#include "../../helper/userns.h"

#include <dirent.h>
#include <fcntl.h>
#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#define FIRST 100
#define MAX_ARGS 24

struct use {
	size_t bytes;
	int fds;
};

static struct use in_use(void)
{
	struct use u = {.fds = -1}; /* the one it is counted by */
	DIR *d = opendir("/proc/self/fd");
	struct dirent *e;

	while (d && (e = readdir(d)))
		u.fds += *e->d_name != '.';
	if (d)
		closedir(d);
#ifdef HAVE_MALLINFO2
	u.bytes = mallinfo2().uordblks + mallinfo2().hblkhd;
#else
	u.bytes = (unsigned int)mallinfo().uordblks +
		  (unsigned int)mallinfo().hblkhd;
#endif
	return u;
}

/* The runtime, found while root was still root. */
static char *runtime;

/*
 * What `run` does up to the runtime, layer and mounts with it: in the user
 * namespace that this process is in, which run makes anew each time. The
 * programs are root's, and nobody is root here.
 */
static int make_plan(struct sb_run *r, int argc, char **argv,
		     struct sb_err *err)
{
	if (sb_job_read(&r->job, argc, argv, err) < 0)
		return -1;
	r->rt.conf = &r->conf;
	if (sb_taskdir_step(&r->dir, NULL, err) < 0 ||
	    sb_run_conf(r, err) < 0 ||
	    sb_taskdir_make(&r->dir, 0, 0, err) < 0 ||
	    sb_letters_set(&r->letters, &r->rt.values, &r->job, &r->dir, err) <
		    0 ||
	    sb_runtime_environ(&r->rt, err) < 0)
		return -1;
	r->plan.job = &r->job;
	r->plan.conf = &r->conf;
	r->plan.dir = &r->dir;
	r->plan.values = &r->rt.values;
	r->plan.where = "by hand";
	return sb_plan_make(&r->plan, err);
}

static int done(struct sb_run *r, int rc, const struct sb_err *err)
{
	if (rc < 0)
		fprintf(stderr, "%s\n", err->text);
	sb_layer_discard(&r->plan.layer, &r->dir);
	sb_run_free(r);
	return rc < 0 ? err->code : rc;
}

static int plan(int argc, char **argv)
{
	struct sb_run r = SB_RUN_INIT;
	struct sb_err err;

	return done(&r, make_plan(&r, argc, argv, &err), &err);
}

static int call_runtime(struct sb_run *r, int *status, struct sb_err *err)
{
	_cleanup_strv_ struct sb_strv words = {0};
	struct sb_supervise s = {
		.rt = &r->rt,
		.dir = &r->dir,
		.report = &r->report,
		.init = r->plan.inside.init,
		.parent = -1,
	};

	if (r->plan.mode == SB_MODE_CREATE)
		return sb_supervise(&s, status, err);
	if (sb_runtime_words(&r->rt, SB_OP_RUN, &words, err) < 0)
		return -1;
	return sb_forward_run(words.v, r->rt.env.v, status, err);
}

/* And what comes then, to the container's end. */
static int container(int argc, char **argv)
{
	struct sb_run r = SB_RUN_INIT;
	struct sb_err err;
	sigset_t mask;
	int status = 0, rc = make_plan(&r, argc, argv, &err);

	for (int op = 0; !rc && op < SB_OPS; op++) {
		r.rt.program[op] = strdup(runtime);
		rc = r.rt.program[op] ? 0 : sb_no_memory(&err);
	}
	r.rt.values.letter['r'] = r.plan.root;
	r.rt.values.letter['f'] = "0";
	r.report.runtime = r.conf.runtime;
	r.report.how = "create";
	r.report.bundle = r.plan.bundle.path;
	if (!rc && !(rc = sb_run_env_file(&r, r.plan.env.v, &err)))
		rc = sb_pending_keep(&r.rt, &r.dir, &err);
	if (!rc)
		rc = sb_report_write(r.dir.fd, &r.report, &err);
	/* Both block all signals and leave it at that. */
	sigprocmask(SIG_SETMASK, NULL, &mask);
	if (!rc)
		rc = call_runtime(&r, &status, &err);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	if (!rc)
		rc = WIFEXITED(status) ? WEXITSTATUS(status)
				       : 128 + WTERMSIG(status);
	return done(&r, rc, &err);
}

/* fn with these arguments: B, C, D and S stand for the bundle, the two
 * confs and the step, T for a task of it that there is not. */
static const struct work {
	int (*fn)(int argc, char **argv);
	int code; /* -1: any */
	const char *argv[MAX_ARGS];
} works[] = {
	{sb_show, 0, {"show", "--conf", "C", "B", "--", "ls", "a"}},
	{sb_show, 0, {"show", "--json", "--writable", "--conf", "C", "B"}},
	{sb_show,
	 0,
	 {"show", "-v", "--conf", "C", "--mount-home", "--remap-root",
	  "--mounts", "/etc:/mnt:ro,tmpfs:/x,umount:/dev/mqueue", "--workdir",
	  "$HOME", "--env", "A,B", "B"}},
	{sb_show, 125, {"show", "--conf", "C", "/nonesuch"}},
	{sb_show, 125, {"show", "--conf", "C", "/etc"}},
	{sb_show, 125, {"show", "--conf", "/etc/passwd", "B"}},
	{sb_show,
	 125,
	 {"show", "--conf", "C", "--mounts", "/etc:/mnt,/none:/x", "B"}},
	{sb_show, 125, {"show", "--nonesuch"}},
	{sb_run, 125, {"run", "--conf", "C", "true"}},
	{sb_run, 125, {"run", "--conf", "/none", "--bundle", "B", "true"}},
	{sb_run,
	 125,
	 {"run", "--conf", "C", "--dir", "/none", "--bundle", "B", "true"}},
	{sb_run,
	 125,
	 {"run", "--conf", "C", "--runtime", "x", "--bundle", "B", "true"}},
	{sb_checkverb, -1, {"check", "--conf", "C", "B", "ls"}},
	{sb_checkverb, -1, {"check", "--conf", "C", "/etc"}},
	{sb_ps, 0, {"ps", "--conf", "C"}},
	{sb_ps, 0, {"ps", "--json", "--conf", "C"}},
	{sb_clean, -1, {"clean", "--conf", "C"}},
	{sb_killverb, 125, {"kill", "--conf", "C", "4000000000.0"}},
	{sb_killverb, 125, {"kill", "--conf", "C", "T"}},
	{sb_killverb, 0, {"kill", "-s", "CONT", "--conf", "C", "S"}},
	{sb_exec, 125, {"exec", "--conf", "C", "4000000000.0", "true"}},
	{sb_exec, 125, {"exec", "--conf", "C", "T", "true"}},
	{sb_handoff, -1, {"handoff", "--conf", "C", "run"}},
	/* From here on in a user namespace. */
	{plan, 0, {"run", "--conf", "C", "--bundle", "B", "true"}},
	{plan,
	 0,
	 {"run", "--conf", "C", "--bundle", "B", "--mounts",
	  "/etc:/in/no/rootfs:ro,/etc:/mnt", "true"}},
	{plan,
	 125,
	 {"run", "--conf", "C", "--bundle", "B", "--mounts", "/none:/x", "a"}},
	{plan, 125, {"run", "--conf", "C", "--bundle", "/etc", "true"}},
	{container,
	 7,
	 {"run", "--conf", "C", "--bundle", "B", "sh", "-c", "exit 7"}},
	{container, 127, {"run", "--conf", "C", "--bundle", "B", "nonesuch"}},
	{container,
	 7,
	 {"run", "--conf", "D", "--bundle", "B", "sh", "-c", "exit 7"}},
	{container, 127, {"run", "--conf", "D", "--bundle", "B", "nonesuch"}},
};

/* args: bundle, confs and step. */
static int once(const struct work *w, char **args)
{
	static char words[MAX_ARGS][256];
	char *argv[MAX_ARGS + 1] = {NULL};
	int argc = 0;

	for (; w->argv[argc]; argc++) {
		const char *a = w->argv[argc];

		snprintf(words[argc], sizeof(words[argc]), "%s%s",
			 !strcmp(a, "B")		      ? args[0]
			 : !strcmp(a, "C")		      ? args[1]
			 : !strcmp(a, "D")		      ? args[2]
			 : !strcmp(a, "S") || !strcmp(a, "T") ? args[3]
							      : a,
			 !strcmp(a, "T") ? ".7" : "");
		argv[argc] = words[argc];
	}
	optind = 0; /* getopt(3): begins anew */
	return w->fn(argc, argv);
}

static int lasts(const struct work *w, int n, char **args, FILE *report)
{
	struct use first = {0}, last;
	int code = 0, at = FIRST;

	if (w->fn == container) {
		at /= 10;
		n /= 10;
	}
	/* Not the last one, which it is compared with. */
	n += n == at;
	for (int i = 0; i < n; i++) {
		code = once(w, args);
		if (i + 1 == at)
			first = in_use();
		if (w->code >= 0 && code != w->code)
			break;
	}
	last = in_use();
	for (const char *const *a = w->argv; *a; a++)
		fprintf(report, "%s ", *a);
	fprintf(report, "(%d): %zu bytes, %d descriptors; then %zu, %d\n", code,
		first.bytes, first.fds, last.bytes, last.fds);
	fflush(report);
	return first.bytes == last.bytes && first.fds == last.fds &&
	       (w->code < 0 || code == w->code);
}

int main(int argc, char **argv)
{
	int n = argc == 6 ? atoi(argv[1]) : 0, bad = 0, entered = 0;
	struct sb_err err;
	FILE *report;

	if (n <= FIRST) {
		fprintf(stderr,
			"usage: rounds N BUNDLE CONF CREATE STEP (N > %d)\n",
			FIRST);
		return 2;
	}
	runtime = sb_runtime_program("crun", &err);
	if (!runtime) {
		fprintf(stderr, "%s\n", err.text);
		return 2;
	}
	report = fdopen(fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 10), "w");
	if (!report || !freopen("/dev/null", "w", stdout) ||
	    !freopen("/dev/null", "w", stderr))
		return 2;
	for (size_t i = 0; i < ARRAY_SIZE(works); i++) {
		if (works[i].fn == plan && !entered++ &&
		    sb_userns_enter(&err) < 0) {
			fprintf(report, "%s\n", err.text);
			return 2;
		}
		bad += !lasts(&works[i], n, argv + 2, report);
	}
	fclose(report);
	free(runtime);
	return bad != 0;
}
