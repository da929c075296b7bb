/* SPDX-License-Identifier: GPL-2.0-or-later */
/* slurmstepd's side: decides once per step, then hands its tasks over. */
#ifndef SB_STEP_H
#define SB_STEP_H

#include <slurm/spank.h>
#include <stdint.h>

/*
 * None of these fails its hook: anything but task_init would drain the node or
 * let the command run on the host (slurm 22.05, src/slurmctld/proc_req.c). A
 * request that cannot be met is remembered and refused in task_init, in the
 * task's own process.
 */

/* slurm_spank_init_post_opt: whether this step wants a container of ours;
 * makes the step directory. As root, once per step and node. */
void sb_step_begin(spank_t sp, int argc, char **argv);

/* slurm_spank_task_init: has slurmstepd execute the helper in place of the
 * user's command, or ends the task with a line that says why not. As the user,
 * in the task's process. */
void sb_step_hand_over(spank_t sp);

/* slurm_spank_task_exit: ends what is left of the task's container. As root,
 * before slurmstepd waits for the step's output to end. */
void sb_step_task_exit(spank_t sp);

/* slurm_spank_exit: removes the step directory. As root. */
void sb_step_end(void);

/* The nets: remove what dead slurmstepds of this node left, of job (its epilog)
 * or, with 0, of any (slurmd's start). Says in the log what was found. */
void sb_step_sweep(int argc, char **argv, uint32_t job);

#endif
