/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether the helper loses memory or descriptors: does what its verbs do again
 * and again in one process, and looks how much of both is in use.
 *
 *   rounds N BUNDLE CONF
 *
 * Prints a line for each thing that is done, with what was in use after 100
 * rounds and after N; exits with 0 if the two are the same everywhere.
 */
#define _GNU_SOURCE
#include "../../helper/checkverb.h"
#include "../../helper/clean.h"
#include "../../helper/exec.h"
#include "../../helper/handoff.h"
#include "../../helper/killverb.h"
#include "../../helper/mem.h"
#include "../../helper/prepare.h"
#include "../../helper/ps.h"
#include "../../helper/run.h"
#include "../../helper/show.h"
#include "../../helper/userns.h"

#include <dirent.h>
#include <fcntl.h>
#include <getopt.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>

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

/*
 * What `run` does up to the runtime, layer and mounts with it: in the user
 * namespace that this process is in, which run makes anew each time. The
 * programs are root's, and nobody is root here.
 */
static int plan(int argc, char **argv)
{
	struct sb_run r = SB_RUN_INIT;
	struct sb_err err;
	int rc = sb_job_read(&r.job, argc, argv, &err);

	r.rt.conf = &r.conf;
	if (!rc && !(rc = sb_taskdir_step(&r.dir, NULL, &err)) &&
	    !(rc = sb_run_conf(&r, &err)) &&
	    !(rc = sb_taskdir_make(&r.dir, 0, 0, &err)) &&
	    !(rc = sb_letters_set(&r.letters, &r.rt.values, &r.job, &r.dir,
				  &err)) &&
	    !(rc = sb_runtime_environ(&r.rt, &err))) {
		r.plan.job = &r.job;
		r.plan.conf = &r.conf;
		r.plan.dir = &r.dir;
		r.plan.values = &r.rt.values;
		r.plan.where = "by hand";
		rc = sb_plan_make(&r.plan, &err);
	}
	if (rc)
		fprintf(stderr, "%s\n", err.text);
	sb_layer_discard(&r.plan.layer, &r.dir);
	sb_run_free(&r);
	return rc ? err.code : 0;
}

/* fn with these arguments: B and C stand for the bundle and the conf. */
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
	{sb_killverb, -1, {"kill", "--conf", "C", "1.0"}},
	{sb_exec, -1, {"exec", "--conf", "C", "1.0", "true"}},
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
};

static int once(const struct work *w, const char *bundle, const char *conf)
{
	static char words[MAX_ARGS][256];
	char *argv[MAX_ARGS + 1] = {NULL};
	int argc = 0;

	for (; w->argv[argc]; argc++) {
		const char *a = w->argv[argc];

		snprintf(words[argc], sizeof(words[argc]), "%s",
			 !strcmp(a, "B")   ? bundle
			 : !strcmp(a, "C") ? conf
					   : a);
		argv[argc] = words[argc];
	}
	optind = 0; /* getopt(3): begins anew */
	return w->fn(argc, argv);
}

static int lasts(const struct work *w, int n, char **args, FILE *report)
{
	struct use first = {0}, last;
	int code = 0;

	for (int i = 0; i < n; i++) {
		code = once(w, args[0], args[1]);
		if (i + 1 == FIRST)
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
	int n = argc == 4 ? atoi(argv[1]) : 0, bad = 0, entered = 0;
	struct sb_err err;
	FILE *report;

	if (n <= FIRST) {
		fprintf(stderr, "usage: rounds N BUNDLE CONF (N > %d)\n",
			FIRST);
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
	return bad != 0;
}
