/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the verbs about running containers share. */
#define _GNU_SOURCE
#include "verb.h"

#include "../spank/contract.h"
#include "../spank/keyval.h"
#include "../spank/place.h"
#include "mem.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

int sb_verb_option(int argc, char **argv, const char *letters,
		   const struct option *options, struct sb_err *err)
{
	int c;

	opterr = 0;
	c = getopt_long(argc, argv, letters, options, NULL);
	if (c == -1)
		return 0;
	if (c != ':' && c != '?')
		return c;
	return sb_fail(err, SB_FAIL, "%s: %s (see stepbox %s --help)",
		       argv[optind - 1],
		       c == ':' ? "needs a value" : "no such option", argv[0]);
}

int sb_verb_failed(const char *verb, const struct sb_err *err)
{
	char safe[SB_ERR_ESCAPED];

	sb_escape(safe, sizeof(safe), err->text);
	fprintf(stderr, "stepbox: %s: %s\n", verb, safe);
	return err->code;
}

struct reading {
	char *path;
};

/* This key alone: whoever looks for what runs must not need a runtime's
 * description to be right. */
static int pair(void *arg, const char *key, const char *value,
		const struct sb_kv_pos *pos, struct sb_err *err)
{
	struct reading *r = arg;

	(void)pos;
	if (strcasecmp(key, "ContainerPath"))
		return 0;
	free(r->path);
	r->path = strdup(value);
	return r->path ? 0 : sb_no_memory(err);
}

int sb_verb_path(char **path, const char *conf, struct sb_err *err)
{
	struct reading r = {.path = NULL};
	int rc = 0;

	/* As root, a file that another can change is not to say where root
	 * looks. */
	if (sb_kv_read(conf, geteuid() ? SB_KV_ANY : SB_KV_ROOT, pair, &r,
		       err) < 0)
		rc = sb_wrap(err, "configuration");
	if (!rc && r.path)
		rc = sb_place_check(r.path, err);
	*path = r.path;
	return rc;
}

int sb_verb_steps(struct sb_steps *steps, const char *conf, struct sb_err *err)
{
	char *path;
	int rc = sb_verb_path(&path, conf, err);

	*steps = (struct sb_steps){.v = NULL};
	if (!rc)
		rc = sb_steps_find(steps, path, geteuid(), err);
	free(path);
	return rc;
}
