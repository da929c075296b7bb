/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The client side (srun, sbatch, salloc): takes the options, and vouches for a
 * request. */
#ifndef SB_CLIENT_H
#define SB_CLIENT_H

#include <slurm/spank.h>

/* slurm_spank_init, before the command line is read: registers the options.
 * Returns 0. */
int sb_client_init(spank_t sp);

/*
 * slurm_spank_init in slurmstepd. srun's launch message names the options that
 * were used, and slurmstepd complains in its log of those it does not know
 * (22.05, src/common/plugstack.c, spank_stack_find_option_by_name()). So they
 * are registered there too, but only for a step that wants a container: no
 * other can have used one. Nothing reads them there.
 */
void sb_client_init_remote(spank_t sp);

/*
 * slurm_spank_init_post_opt, once per het component: publishes the request and
 * its options. argc and argv are those of plugstack.conf's line. Returns 0; or
 * -1 (said by slurm_error), which ends the program: they cannot be published,
 * an input variable is bad, an option was given without a container, or the
 * components name different bundles.
 */
int sb_client_post_opt(spank_t sp, int argc, char **argv);

/*
 * slurm_spank_local_user_init, srun with its job's command at hand: refuses
 * what could not be handed over on the nodes. Returns 0, or -1 (said), which
 * ends srun.
 */
int sb_client_check(spank_t sp);

/* slurm_spank_local_user_init: tells the nodes of --bcast. Slurm does not, and
 * the file's name alone does not show it. */
void sb_client_tell_bcast(spank_t sp);

#define SB_CLIENT_NO_MULTI_PROG                                                \
	"--multi-prog and --container do not go together before Slurm 23.11"

/* Whether the file at path holds exactly text (not empty). */
int sb_client_same_text(const char *path, const char *text);

#endif
