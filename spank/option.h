/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The options of srun, sbatch and salloc: a table, what was given, and what of
 * that is published. Knows nothing of SPANK.
 */
#ifndef SB_OPTION_H
#define SB_OPTION_H

#include "err.h"

struct sb_option {
	const char *name;     /* without the two dashes */
	const char *argument; /* its name in --help; NULL: a switch */
	const char *usage;
	const char *env;  /* its variable in contract.h */
	const char *word; /* what a switch publishes */
	/* Returns 0, or -1 with err set ("why"). NULL for a switch. */
	int (*check)(const char *value, struct sb_err *err);
};

/* Options with the same variable stand together and exclude each other. */
#define SB_OPTION_COUNT 15
/* --container itself, the last: ours only where Slurm has none (slurm.h). Its
 * help text, and that --help names no argument, are Slurm's of 21.08 to 26.05.
 */
#define SB_OPTION_CONTAINER (SB_OPTION_COUNT - 1)
extern const struct sb_option sb_option_table[SB_OPTION_COUNT];

/* Weaker ones first: sbatch(1), "INPUT ENVIRONMENT VARIABLES", has these
 * variables override the script's options and the command line override
 * both. */
enum sb_option_source {
	SB_OPTION_SCRIPT, /* "#SBATCH --container-..." */
	SB_OPTION_LINE,	  /* the command line */
};

/* What was given; all zero at first. */
struct sb_options {
	struct {
		char *value; /* owned; NULL: not given */
		enum sb_option_source source;
		unsigned int component;
	} given[SB_OPTION_COUNT];
	unsigned int component; /* of a heterogeneous job, counted up */
};

/*
 * Takes the option sb_option_table[i], as given by source with value (a
 * switch's is not looked at). The same option again wins over the first.
 * Returns 0, or -1 with err set ("--container-x=VALUE: why"): the value is bad,
 * the option's opposite was given by the same source, or another component of
 * the same job wants something else (one environment serves them all).
 */
int sb_option_give(struct sb_options *o, int i, const char *value,
		   enum sb_option_source source, struct sb_err *err);

/* The name of one option that was given, or NULL. */
const char *sb_option_any(const struct sb_options *o);

/*
 * Sets the variables of contract.h in this process's environment, but for
 * --container's, for each the first of: what the command line gave; what is
 * there already, if keep; the input variable of program ("srun", "sbatch",
 * "salloc"; any other has none), such as SRUN_CONTAINER_MOUNTS; what the script
 * gave. An empty input variable counts as unset. Returns 0, or -1 with err set:
 * an input variable is bad
 * ("SRUN_CONTAINER_MOUNTS=VALUE: why"), or there is no memory.
 */
int sb_option_publish(const struct sb_options *o, const char *program, int keep,
		      struct sb_err *err);

/* The same for --container, whose variable is SLURM_CONTAINER. */
int sb_option_publish_container(const struct sb_options *o, const char *program,
				int keep, struct sb_err *err);

/* What --container, of this component or one before, or program's input
 * variable names, or NULL. Borrowed, for as long as no option is given. */
const char *sb_option_container(const struct sb_options *o,
				const char *program);

/* Whether the word of a command line is the option called name, as
 * getopt_long(3) reads it: abbreviated, with or without "=VALUE". */
int sb_option_is(const char *word, const char *name);

#endif
