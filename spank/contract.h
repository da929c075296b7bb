/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The contract between the plugin and the helper: every name that one side
 * writes and the other reads. Nothing else connects the two, so whatever the
 * plugin asked for can be replayed by hand with `env NAME=VALUE stepbox run`.
 *
 * A user may forge all of these and gains nothing: the helper runs as him.
 */
#ifndef SB_CONTRACT_H
#define SB_CONTRACT_H

/*
 * Environment. The names begin with SLURM because sbatch --export=NONE keeps
 * only those before Slurm 23.11. The helper removes every variable with this
 * prefix from what the container sees.
 */
#define SB_ENV_PREFIX "SLURM_STEPBOX_"

/* The marker: the client-side plugin vouches that SLURM_CONTAINER is this
 * step's own request and not inherited from another step. Holds its value. */
#define SB_ENV_REQUEST "SLURM_STEPBOX_REQUEST"

/*
 * The client-side plugin to the helper: what the options of srun, sbatch and
 * salloc asked for, only where they were given. Each was checked at
 * submission, but by a program that the user runs. Switches are "yes" or "no".
 */
#define SB_ENV_MOUNTS "SLURM_STEPBOX_MOUNTS"   /* a list: mountopt.h */
#define SB_ENV_WORKDIR "SLURM_STEPBOX_WORKDIR" /* begins with '/' or '$' */
/* --container-env: names, joined by commas, whose value is the job's. */
#define SB_ENV_KEEP "SLURM_STEPBOX_ENV"
#define SB_ENV_MOUNT_HOME "SLURM_STEPBOX_MOUNT_HOME" /* a switch */
#define SB_ENV_MOUNT_CWD "SLURM_STEPBOX_MOUNT_CWD"   /* a switch */
#define SB_ENV_REMAP_ROOT "SLURM_STEPBOX_REMAP_ROOT" /* a switch */
#define SB_ENV_WRITABLE "SLURM_STEPBOX_WRITABLE"     /* a switch */
#define SB_ENV_RUNTIME "SLURM_STEPBOX_RUNTIME"	     /* runtimes/NAME.conf */
#define SB_ENV_PER "SLURM_STEPBOX_PER" /* a container per "node" or "task" */
#define SB_ENV_DEBUG "SLURM_STEPBOX_DEBUG" /* a switch */
/* A switch: srun --bcast has put the command on the node. */
#define SB_ENV_BCAST "SLURM_STEPBOX_BCAST"
/* UID:USER:GID:GROUP, the submitting user and his group, so that nobody has to
 * ask NSS on the node; left out where a name is unknown or cannot stand here.
 * With --uid= the job's user is another: the reader compares the ids. */
#define SB_ENV_IDENTITY "SLURM_STEPBOX_IDENTITY"

/* salloc's plugin to that of the srun which salloc itself starts, and to no
 * other: the options above are the interactive step's too. That srun removes
 * it. Slurm passes on --container alone (21.08 to 26.05, src/salloc/opt.c,
 * _salloc_default_command()). */
#define SB_ENV_INTERACTIVE "SLURM_STEPBOX_INTERACTIVE"

/* slurmstepd's plugin to the helper. */
#define SB_ENV_CONF "SLURM_STEPBOX_CONF"     /* stepbox.conf */
#define SB_ENV_BUNDLE "SLURM_STEPBOX_BUNDLE" /* what --container named */
#define SB_ENV_DIR "SLURM_STEPBOX_DIR"	     /* the step directory */
#define SB_ENV_STEP "SLURM_STEPBOX_STEP"     /* JOB.STEP.RESTART, numbers */
/* What slurmstepd has told `stepbox handoff` (helper/handoff.h): its own
 * directory for the step; and a switch, that the node's plugin had no part. */
#define SB_ENV_SPOOL "SLURM_STEPBOX_SPOOL"
#define SB_ENV_ALONE "SLURM_STEPBOX_ALONE"
/* How many tasks the step has on this node. */
#define SB_ENV_TASKS "SLURM_STEPBOX_TASKS"
/* The command's own argv[0], where argv[0] had to be overwritten in place
 * (Slurm < 23.11 has no spank_prepend_task_argv): all of the helper's argv
 * but argv[0] is then the command's. */
#define SB_ENV_ARGV0 "SLURM_STEPBOX_ARGV0"

/* Slurm's own. */
#define SB_ENV_CONTAINER "SLURM_CONTAINER"

/* Step ids that are no numbers to people: slurm.h, SLURM_BATCH_SCRIPT and
 * SLURM_INTERACTIVE_STEP (same values since 20.11). */
#define SB_STEP_BATCH 0xfffffffbU
#define SB_STEP_INTERACTIVE 0xfffffffaU

/*
 * The step directory, <ContainerPath>/<node>/<job>.<step>.<restart>, holds
 * one directory per task, "task-<local id>"; or one for the container that all
 * tasks share, with SB_NODE_SUFFIX and the number of the task that made it, and
 * SB_FILE_SHARED. In such a directory:
 */
#define SB_TASK_PREFIX "task-"
#define SB_NODE_SUFFIX ".node"
/* The helper's report, written whole by rename: lines "log TEXT" (for the
 * log) and "pid PID START" (a process to end when the task has ended; START is
 * field 22 of proc_pid_stat(5)). The others are the helper's own: containers.c.
 */
#define SB_FILE_STATE "state"
/* The same lines, of processes that serve the container's file systems, and end
 * by themselves after it. */
#define SB_FILE_SERVERS "servers"
/* Of a shared container: a line "pid PID START TASK RANK" for each task that
 * has entered it. */
#define SB_FILE_JOINED "joined"
/* Written by the runtime (--pid-file), where its pattern says so. */
#define SB_FILE_PID "pid"
/* The command that removes what the runtime keeps outside the step directory:
 * words, each ended by a NUL byte. */
#define SB_FILE_DELETE "delete"
/* The same, of one that was run and has failed. */
#define SB_FILE_AGAIN "delete-again"
/* In the step directory: what became of the container that all tasks share,
 * written whole by rename. "ready NAME PID": its directory is NAME, it was
 * made by that process, and belongs to the step now. "task": there is one for
 * each. "failed CODE": it cannot be had, and that was said. */
#define SB_FILE_SHARED "shared"
/* The absolute path of a writable container's data, a directory of the user's
 * whose name begins with SB_LAYER_PREFIX; it goes with the step. */
#define SB_FILE_LAYER "layer-data"
#define SB_LAYER_PREFIX "stepbox."
/* <ContainerPath>/<node>/user.<uid>: SB_FILE_DELETE files of steps that ended
 * before they could be run, and SB_FILE_AGAIN files; the user's next step runs
 * them. */
#define SB_USER_DIR "user.%u"

/* Exit codes, as env(1) and docker(1) have them. */
enum sb_exit {
	SB_FAIL = 125,	 /* stepbox itself failed */
	SB_NOEXEC = 126, /* found, but cannot be executed */
	SB_NOENT = 127,	 /* not found */
};

#endif
