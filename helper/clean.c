/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stepbox clean: what dead slurmstepds left. Root does what the plugin does in
 * the epilog and when slurmd starts. Others end what lives of theirs and empty
 * their directories, whose names are root's to remove.
 */
#define _GNU_SOURCE
#include "clean.h"

#include "../spank/contract.h"
#include "../spank/place.h"
#include "../spank/reap.h"
#include "../spank/stepdir.h"
#include "buf.h"
#include "mem.h"
#include "target.h"
#include "verb.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

static const struct option clean_options[] = {
	{"conf", required_argument, NULL, 'c'},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static const char help[] =
	"usage: stepbox clean [--conf=PATH] [JOB]\n"
	"Removes what is left on this node of your steps, or of JOB's, whose "
	"slurmstepd\nis dead; as root, of everybody's.\n"
	"  --conf=PATH  the site's configuration (" SB_CONF_PATH ")\n";

/* Told to found, which gets no argument. */
static int something_left;

/* Lines of the user's own report: text is not escaped. */
static void print_lines(const char *text)
{
	char line[512], safe[2 * sizeof(line)];

	while (*text) {
		size_t len = strcspn(text, "\n");

		snprintf(line, sizeof(line), "%.*s",
			 len < sizeof(line) ? (int)len : (int)sizeof(line) - 1,
			 text);
		sb_escape(safe, sizeof(safe), line);
		if (*safe)
			printf("  %s\n", safe);
		text += len + !!text[len];
	}
}

static void found(const char *name, int became, const char *text)
{
	int left = became == SB_STEPDIR_LEFT;

	printf("%s: %s\n", name,
	       left ? "could not be removed: something of it does not let go"
		    : "removed");
	print_lines(text);
	something_left |= left;
}

static int as_root(const char *path, uint32_t job, struct sb_err *err)
{
	struct sb_sweep sweep = {.job = job, .found = found};
	_cleanup_strv_ struct sb_strv nodes = {0};

	if (sb_steps_nodes(&nodes, path, err) < 0)
		return -1;
	for (size_t i = 0; i < nodes.n; i++) {
		char *slash = strrchr(nodes.v[i], '/');
		int fd;

		*slash = '\0';
		fd = sb_stepdir_open_node(nodes.v[i], slash + 1, 0, err);
		/* One of many may have gone with its last step meanwhile. */
		if (fd < 0) {
			if (errno != ENOENT)
				something_left = !!sb_verb_failed("clean", err);
			continue;
		}
		sb_stepdir_unkeep(fd, job);
		sb_stepdir_sweep(fd, &sweep);
		close(fd);
		if (path && sb_place_varies(path))
			sb_stepdir_prune(nodes.v[i], slash + 1,
					 sb_place_levels(path, nodes.v[i]));
	}
	if (sweep.skipped) {
		printf("%d more not looked at: others of the same users do not "
		       "let go\n",
		       sweep.skipped);
		something_left = 1;
	}
	return 0;
}

static int as_user(const char *path, uint32_t job, struct sb_err *err)
{
	struct sb_steps steps;
	int rc = sb_steps_find(&steps, path, geteuid(), err);

	for (size_t i = 0; !rc && i < steps.n; i++) {
		const struct sb_step *s = &steps.v[i];
		struct sb_reap all = {.name = s->name, .task = SB_REAP_ALL};
		_cleanup_fd_ int dir = -1;
		int left;

		if (!s->dead || (job && s->job != job))
			continue;
		dir = sb_step_open(s);
		if (dir < 0)
			continue;
		printf("%s:\n", s->name);
		fflush(stdout);
		left = sb_reap(dir, STDOUT_FILENO, &all) == SB_REAP_LEFT;
		puts(left ? "  something of it does not let go"
			  : "  emptied (the directory goes with the job's "
			    "epilog, or when slurmd starts)");
		something_left |= left;
	}
	sb_steps_free(&steps);
	return rc;
}

static int clean(const char *conf, uint32_t job, struct sb_err *err)
{
	char *path;
	int rc = sb_verb_path(&path, conf, err);

	if (!rc)
		rc = geteuid() ? as_user(path, job, err)
			       : as_root(path, job, err);
	free(path);
	return rc;
}

int sb_clean(int argc, char **argv)
{
	struct sb_target target = {.job = 0};
	const char *conf = SB_CONF_PATH;
	struct sb_err err;
	int c, rc;

	while ((c = sb_verb_option(argc, argv, ":h", clean_options, &err)) >
	       0) {
		if (c == 'h')
			return fputs(help, stdout) < 0 ? SB_FAIL : 0;
		if (c == 'c')
			conf = optarg;
	}
	rc = c;
	if (!rc && optind < argc)
		rc = sb_target_parse(&target, argv[optind], &err);
	if (!rc && (argc - optind > 1 || target.has_step))
		rc = sb_fail(&err, SB_FAIL, "takes one JOB at most");
	if (!rc)
		rc = clean(conf, target.job, &err);
	if (rc < 0)
		return sb_verb_failed("clean", &err);
	return something_left ? SB_FAIL : 0;
}
