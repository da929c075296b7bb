/* SPDX-License-Identifier: GPL-2.0-or-later */
/* stepbox check: is this bundle, this node, this configuration good? */
#ifndef SB_CHECK_H
#define SB_CHECK_H

#include "conf.h"

/* What is asked for, and what the checks tell. */
struct sb_check {
	const char *bundle; /* NULL: none; borrowed, as the next two */
	const char *conf;   /* stepbox.conf */
	char **cmd;	    /* a command to look for; NULL: none */
	int node, site;	    /* check these */
	int quiet;	    /* not what is well */

	struct sb_conf rules; /* the site's, as far as they could be read */
	int has_rules;
	char why_not[1024]; /* why they could not */

	const char *name; /* the finding that is looked for */
	int worst;	  /* 0, 1 for a warning, 2 for a failure */
	int failures;	  /* how many */
};

/*
 * A finding: its name, and a function that looks for it and tells what it
 * found by the functions below, once or more, or not at all where there is
 * nothing to look at. The names are in stepbox(1).
 */
struct sb_check_row {
	const char *name;
	void (*fn)(struct sb_check *c, void *state);
};

/* Calls all of a table, in order; state is passed on. */
void sb_check_rows(struct sb_check *c, const struct sb_check_row *rows,
		   size_t n, void *state);

/* A line for the finding. */
void sb_check_ok(struct sb_check *c, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* A line, and what to do about it: a sentence. */
void sb_check_warn(struct sb_check *c, const char *remedy, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void sb_check_fail(struct sb_check *c, const char *remedy, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The three subjects. */
void sb_check_bundle(struct sb_check *c);
void sb_check_node(struct sb_check *c);
void sb_check_conf(struct sb_check *c);
void sb_check_slurm(struct sb_check *c); /* of the configuration: Slurm's */

#endif
