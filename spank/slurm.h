/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What of Slurm differs from version to version. Slurm loads a plugin only
 * into the major.minor that it was built for, so most is known when we are
 * compiled.
 */
#ifndef SB_SLURM_H
#define SB_SLURM_H

#include <slurm/slurm.h>
#include <slurm/spank.h>

/* Since 21.08 --container, and oci.conf, are Slurm's own; before, the option is
 * ours. */
#define SB_SLURM_HAS_CONTAINER                                                 \
	(SLURM_VERSION_NUMBER >= SLURM_VERSION_NUM(21, 8, 0))

/* Since 23.02 PMIx in a container needs the spool directory that comes with an
 * oci.conf. */
#define SB_SLURM_HANDS_PMIX_OFF                                                \
	(SLURM_VERSION_NUMBER >= SLURM_VERSION_NUM(23, 2, 0))

/* Since 23.11; NULL where Slurm lacks it. */
extern spank_err_t spank_prepend_task_argv(spank_t spank, int argc,
					   const char *argv[])
	__attribute__((weak));

#endif
