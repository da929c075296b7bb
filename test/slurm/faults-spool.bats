#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Faults 23 to 28: where step directories lie, full, read-only or not as it
# should be, and what users leave there. Run once per proctrack.

load lib

MESS=/images/centos/rootfs/bin/mess

teardown() {
	untrap_helper
	C bash -c 'for ((i = 0; i < 100; i++)); do mountpoint -q /run/stepbox || break
			mount -o remount,rw /run/stepbox; umount /run/stepbox || sleep 0.2; done
		rm -rf /tmp/store /home/alice/precious /tmp/precious /tmp/squat*'
	default_conf
	assert_clean
}

# OPTIONS: the step directories' file system, until teardown.
spool() {
	C bash -c 'mkdir -p -m 755 /run/stepbox; mount -t tmpfs -o "mode=755,$1" small /run/stepbox' x "$1"
}
spool_is() { C mount -o "remount,$1" /run/stepbox; }

in_spool() { C find /run/stepbox -mindepth 2 ! -name .owner ! -name .trash; }
spool_empty() { [[ -z $(in_spool) ]]; }

# The helper is run by strace, with OPTIONS; in them %d is the step directory.
trap_helper() {
	C bash -c 'cd /usr/local/bin; [[ -e stepbox.real ]] || mv stepbox stepbox.real
		cat >stepbox; chmod 755 stepbox' <<-END
		#!/bin/bash
		o='$*'
		exec strace -D -f -qq -o /dev/null \${o//%d/\$SLURM_STEPBOX_DIR} /usr/local/bin/stepbox.real "\$@"
	END
}
untrap_helper() {
	C bash -c 'cd /usr/local/bin; [[ ! -e stepbox.real ]] || mv stepbox.real stepbox'
}

# In slurmd's log since mark.
mark() { seen=$(wc -l <"$SB_CLUSTER/slurmd.n1.log"); }
logged() { tail -n "+$((seen + 1))" "$SB_CLUSTER/slurmd.n1.log" | grep -q -e "$1"; }

restart_slurmd() {
	"$TOP/test/cluster" slurmd "$SB_CLUSTER" stop n1
	"$TOP/test/cluster" slurmd "$SB_CLUSTER" start n1
}

step_dir() { echo "/run/stepbox/n1/$job.0.0"; }

# ---- 23 ----

# TASKS: a step, which runs, all of it, or is refused: by one line of ours, which
# names the node, or by the runtime's own; nothing of it is left. Counts.
attempt() {
	run A srun -Q -w n1 -n"$1" --chdir=/ --container="$B" echo inside
	until_true 20 spool_empty || {
		echo "$output"
		in_spool
		return 1
	}
	if [[ $status == 0 ]]; then
		is "$(sort -u <<<"$output")" inside
		is "${#lines[@]}" "$1"
		ran=$((ran + 1))
		return
	fi
	refused=$((refused + 1))
	# By RunTimeRun the runtime itself is the task; crun's last writes (status,
	# pid file) come when the command has begun.
	[[ $status == 1 ]] || lacks inside
	# The lock that would have one of them speak is the first to go.
	[[ $output == *shared.lock* ]] || [[ $(grep -c ^stepbox: <<<"$output") -le 1 ]] || {
		echo "more than one line: $output"
		return 1
	}
	# Where it has got as far as the runtime, that one's words.
	[[ $output == *"stepbox: RunTimeCreate"* || $status == 1 ]] || {
		has "No space left on device (node n1"
		is "$status" 125
	}
}

@test "fault 23: ENOSPC, EDQUOT, no inodes, EROFS on the spool: no space, from the first page to the last" {
	local n tasks
	spool size=4k
	for tasks in 1 3; do
		ran=0 refused=0
		# As the root directory has no page, the first is the record's.
		for ((n = 4; !ran; n += 4)); do
			spool_is "size=${n}k"
			attempt "$tasks"
		done
		[[ $refused -ge 4 && $refused -le 12 ]]
	done
	# Not even that one.
	spool_is size=4k
	C bash -c 'head -c 4096 /dev/zero >/run/stepbox/full'
	ran=0
	attempt 3
	has "stepbox: step directory "
	is "$ran" 0
}

@test "fault 23: ENOSPC, EDQUOT, no inodes, EROFS on the spool: no inodes, from the first to the last" {
	local n tasks
	spool nr_inodes=2
	for tasks in 1 3; do
		ran=0 refused=0
		for ((n = tasks + 1; !ran; n++)); do
			spool_is "nr_inodes=$n"
			attempt "$tasks"
		done
		[[ $refused -ge 8 && $refused -le 30 ]]
	done
}

@test "fault 23: ENOSPC, EDQUOT, no inodes, EROFS on the spool: quota, told by write and by close" {
	local file call
	for file in config.json passwd state; do
		for call in write close; do
			trap_helper "-P %d/task-0/.$file.new -e trace=$call -e inject=$call:error=EDQUOT"
			fails_with 125 A srun -Q -w n1 --chdir=/ --container="$B" echo inside
			is "$(grep -v ^srun: <<<"$output")" \
				"stepbox: step directory /run/stepbox/n1/$(job_of "$output").0.0/task-0: $file: Disk quota exceeded (node n1, task 0)"
			until_true 20 nothing_left
		done
	done
	# What tasks share.
	for file in recipe.json shared; do
		for call in write close; do
			trap_helper "-P %d/.$file.new -P %d/task-0.node/.$file.new -P %d/task-1.node/.$file.new -e trace=$call -e inject=$call:error=EDQUOT"
			fails_with 125 A srun -Q -w n1 -n2 --chdir=/ --container="$B" echo inside
			echo "$file $call: $output"
			is "$(grep -c "^stepbox: step directory.*$file: Disk quota exceeded (node n1, task " <<<"$output")" 1
			is "$(grep -c ^stepbox: <<<"$output")" 1
			until_true 20 nothing_left
		done
	done
}
job_of() { sed -n 's|.*/n1/\([0-9]*\)\.0\.0/.*|\1|p' <<<"$1" | head -n 1; }

@test "fault 23: ENOSPC, EDQUOT, no inodes, EROFS on the spool: read-only, before and during a step" {
	spool size=1m
	spool_is ro
	fails_with 125 A srun -Q -w n1 -n3 --chdir=/ --container="$B" echo inside
	is "$(grep ^stepbox: <<<"$output" | tee /dev/stderr | wc -l)" 1
	has "Read-only file system (node n1)"
	spool_is rw
	start_step 2
	spool_is ro
	mark
	A scancel "$job"
	until_true 30 ended
	until_true 30 no_jobs
	until_true 20 nodes_idle
	until_true 20 logged "error: stepbox: step directory $job.0.0 could not be removed now"
	C test -d "$(step_dir)"
	spool_is rw
	restart_slurmd
	until_true 20 spool_empty
	logged "stepbox: $job.0.0: its slurmstepd was gone: cleaned up"
}
