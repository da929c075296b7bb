/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * spank_stepbox: Slurm's hooks, and where each leads. Nothing here but the
 * table of which hook does what in which program (spank(8)).
 */
#include "client.h"
#include "site.h"
#include "step.h"

#include <stdlib.h>

#pragma GCC visibility push(default)
SPANK_PLUGIN(stepbox, 1)

int slurm_spank_init(spank_t sp, int argc, char **argv)
{
	switch (spank_context()) {
	case S_CTX_LOCAL:
	case S_CTX_ALLOCATOR:
		return sb_client_init(sp);
	case S_CTX_SLURMD:
		sb_step_sweep(argc, argv, 0);
		return 0;
	case S_CTX_REMOTE:
		sb_client_init_remote(sp);
		return 0;
	default:
		return 0;
	}
}

int slurm_spank_init_post_opt(spank_t sp, int argc, char **argv)
{
	switch (spank_context()) {
	case S_CTX_LOCAL:
	case S_CTX_ALLOCATOR:
		return sb_client_post_opt(sp, argc, argv);
	case S_CTX_REMOTE:
		sb_step_begin(sp, argc, argv);
		return 0;
	default:
		return 0;
	}
}

int slurm_spank_local_user_init(spank_t sp, int argc, char **argv)
{
	sb_client_tell_bcast(sp);
	return sb_site_conf(argc, argv) ? sb_client_check(sp) : 0;
}

int slurm_spank_task_init(spank_t sp, int argc, char **argv)
{
	(void)argc, (void)argv;
	sb_step_hand_over(sp);
	return 0;
}

int slurm_spank_task_exit(spank_t sp, int argc, char **argv)
{
	(void)argc, (void)argv;
	sb_step_task_exit(sp);
	return 0;
}

int slurm_spank_exit(spank_t sp, int argc, char **argv)
{
	(void)sp, (void)argc, (void)argv;
	if (spank_context() == S_CTX_REMOTE)
		sb_step_end();
	return 0;
}

/* Before 21.08 slurmd loads only a plugin that has this (20.11,
 * src/common/plugstack.c, spank_stack_plugin_valid_for_context()). */
int slurm_spank_slurmd_exit(spank_t sp, int argc, char **argv)
{
	(void)sp, (void)argc, (void)argv;
	return 0;
}

int slurm_spank_job_epilog(spank_t sp, int argc, char **argv)
{
	const char *node = getenv("SLURMD_NODENAME");
	uint32_t job = 0;

	/* Always 0: a failed epilog drains the node. */
	if (spank_get_item(sp, S_JOB_ID, &job) == ESPANK_SUCCESS && job && node)
		sb_step_sweep(argc, argv, job);
	return 0;
}
#pragma GCC visibility pop
