/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verb check: what is asked for, and in which order it is looked at. */
#define _GNU_SOURCE
#include "checkverb.h"

#include "../spank/contract.h"
#include "check.h"
#include "mem.h"

#include <getopt.h>
#include <stdio.h>

static const struct option check_options[] = {
	{"conf", optional_argument, NULL, 'c'},
	{"help", no_argument, NULL, 'h'},
	{"node", no_argument, NULL, 'n'},
	{"quiet", no_argument, NULL, 'q'},
	{NULL, 0, NULL, 0},
};

static int usage(FILE *to, int code)
{
	fputs("usage: stepbox check [BUNDLE] [--node] [--conf[=PATH]] [--] "
	      "[COMMAND]\n"
	      "Tells what is wrong with a bundle, this node, its "
	      "configuration, and what helps;\n"
	      "of what is not named, node and configuration are looked at.\n"
	      "  --node                   this node\n"
	      "  --conf[=PATH]            the configuration (" SB_CONF_PATH
	      ")\n"
	      "  -q, --quiet              not what is well\n"
	      "COMMAND, with a bundle: a command that it should have\n"
	      "Exits with 0, with 1 after warnings, with 2 after failures.\n",
	      to);
	return code;
}

/* Returns -1, or an exit code that ends it. */
static int read_line(struct sb_check *c, int argc, char **argv)
{
	int o;

	opterr = 0;
	while ((o = getopt_long(argc, argv, "+hq", check_options, NULL)) !=
		       -1 ||
	       (!c->bundle && argv[optind] && strcmp(argv[optind - 1], "--"))) {
		if (o == -1) {
			c->bundle = argv[optind++];
		} else if (o == 'c') {
			c->site = 1;
			c->conf = optarg ? optarg : c->conf;
		} else if (o == 'n') {
			c->node = 1;
		} else if (o == 'q') {
			c->quiet = 1;
		} else if (o == 'h') {
			return usage(stdout, 0);
		} else {
			fprintf(stderr,
				"stepbox: %s: no such option (see stepbox "
				"check --help)\n",
				argv[optind - 1]);
			return SB_FAIL;
		}
	}
	if (argv[optind])
		c->cmd = argv + optind;
	if (c->cmd && !c->bundle) {
		fputs("stepbox: check: a command, but no bundle to look in\n",
		      stderr);
		return SB_FAIL;
	}
	if (!c->bundle && !c->node && !c->site)
		c->node = c->site = 1;
	return -1;
}

int sb_checkverb(int argc, char **argv)
{
	struct sb_check c = {.conf = getenv(SB_ENV_CONF)};
	struct sb_err err;
	int code;

	if (!c.conf)
		c.conf = SB_CONF_PATH;
	code = read_line(&c, argc, argv);
	if (code >= 0)
		return code;
	c.has_rules = !sb_conf_load(&c.rules, c.conf, NULL, &err);
	if (!c.has_rules) {
		snprintf(c.why_not, sizeof(c.why_not), "%s", err.text);
		sb_conf_free(&c.rules);
		/* As if it were empty, but for what must be there. */
		c.rules = (struct sb_conf){.passwd_entry = 1,
					   .mode = SB_MODE_RUN};
	}
	if (c.bundle)
		sb_check_bundle(&c);
	if (c.node)
		sb_check_node(&c);
	if (c.site) {
		sb_check_conf(&c);
		sb_check_slurm(&c);
	}
	sb_conf_free(&c.rules);
	return c.worst;
}
