/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The client side (srun, sbatch, salloc): vouches for a request. */
#ifndef SB_CLIENT_H
#define SB_CLIENT_H

#include <slurm/spank.h>

/* slurm_spank_init, before the command line is read. Returns 0. */
int sb_client_init(spank_t sp);

/* slurm_spank_init_post_opt, once per het component. Returns 0, or -1 where
 * the request cannot be published (said by slurm_error). */
int sb_client_post_opt(spank_t sp);

/*
 * slurm_spank_local_user_init, srun with its job's command at hand: refuses
 * what could not be handed over on the nodes. Returns 0, or -1 (said), which
 * ends srun.
 */
int sb_client_check(spank_t sp);

#define SB_CLIENT_NO_MULTI_PROG                                                \
	"--multi-prog and --container do not go together before Slurm 23.11"

/* Whether the file at path holds exactly text (not empty). */
int sb_client_same_text(const char *path, const char *text);

#endif
