/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The container lives in the step's cgroup, with its limits and its kill. */
#ifndef SB_CGROUP_H
#define SB_CGROUP_H

/*
 * Takes the caller's write permission off the cgroup directories that Slurm
 * made for this step, where they are the caller's (Slurm 22.05, cgroup v1).
 * runc has no switch against cgroups of its own: it would move the container
 * into one below the step's, out of what proctrack/cgroup signals and kills
 * (src/plugins/proctrack/cgroup); without the permission a rootless runc goes
 * on in the step's. Where that is not possible all stays as it was.
 */
void sb_cgroup_stay(void);

#endif
