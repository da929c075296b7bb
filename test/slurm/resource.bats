#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Memory, cores: what Slurm keeps a step to, it keeps its containers to. Run on
# a cluster with task/cgroup and task/affinity (test/run).
load lib

# Each as it is without a container, with one for all tasks, with one for each.
how=("" "--container=$B" "--container=$B --container-per=task")
plain=/images/centos/rootfs/bin

# More memory than the step may have.
# shellcheck disable=SC2016 # the step's
hog='x=$(head -c 200000000 /dev/zero | tr "\0" a); echo survived'

@test "out of memory: one line, and Slurm's own state" {
	for h in "${how[@]}"; do
		A rm -f id
		run -1 ash 'srun -n2 -N1 --mem=60 --chdir=/ $1 sh -c "[ \$SLURM_PROCID = 1 ] || echo \$SLURM_JOB_ID >&2; $2"' "$h" "$hog"
		is "$(grep -c "Detected . oom.kill event" <<<"$output")" 1
		has "Out Of Memory"
		lacks survived
		job=$(grep -m 1 -xE '[0-9]+' <<<"$output")
		until_true 20 eval '[[ $(C scontrol -o show job "$job") == *JobState=OUT_OF_MEMORY* ]]'
	done
	for h in "${how[@]:0:2}"; do
		run -1 ash 'sbatch -Q -W -n1 -N1 --mem=60 -o batch.out --parsable --chdir=/home/alice $1 --wrap "$2"' "$h" "$hog"
		until_true 20 eval '[[ $(C scontrol -o show job "$output") == *JobState=OUT_OF_MEMORY* ]]'
		run -0 A grep -c "Detected . oom.kill event" batch.out
	done
}

@test "all of the container is in the step's cgroups, its own process too" {
	start_step 2
	mine=$(C bash -c 'for p in /proc/[0-9]*; do
		[[ $(stat -c %u "$p" 2>/dev/null) == 2001 && $(tr "\0" " " <"$p/cmdline" 2>/dev/null) != srun* &&
			$(tr "\0" " " <"$p/cmdline" 2>/dev/null) != *ash* ]] || continue
		grep -E "freezer|memory|cpuset" "$p/cgroup" | sed "s,/task_.*,,; s,^[0-9]*:,,"
	done 2>/dev/null')
	is "$(sort -u <<<"$mine" | grep -c "job_$job/step_0$")" 3
	is "$(sort -u <<<"$mine" | wc -l)" 3
	# Two tasks, and the process that holds the container.
	is "$(grep -c memory <<<"$mine")" 3
	A scancel "$job"
	until_true 20 ended
}

@test "each rank is bound as it is without a container" {
	(($(nproc) > 1)) || skip "one core"
	for bind in map_cpu:1,0 map_cpu:0,1 rank mask_cpu:0x2,0x3; do
		want=
		for h in "${how[@]}"; do
			sh="sh"
			[[ $h ]] || sh=$plain/sh
			# shellcheck disable=SC2086 # words
			run -0 --separate-stderr A srun -Q -n2 -N1 -c1 --cpu-bind=$bind --chdir=/ $h $sh -c \
				'echo "$SLURM_PROCID $(grep Cpus_allowed_list /proc/self/status)"'
			got=$(sort <<<"$output")
			[[ $want ]] || want=$got
			is "$got" "$want"
		done
	done
}
