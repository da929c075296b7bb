#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# However a step ends, nothing of it is left (lib's teardown looks), and the
# nodes stay idle. For each runtime in each mode, under each proctrack.

load lib

# The task's process (the runtime or the helper): slurmstepd's child.
task_pid() {
	C bash -c 'for s in $(cat /proc/[0-9]*/task/*/children 2>/dev/null); do
		read -r c <"/proc/$s/comm" 2>/dev/null
		case $c in slurmstepd) grep -qz "^slurmstepd: \[$1\." "/proc/$s/cmdline" &&
			cat "/proc/$s/task/"*/children; esac; done | tr " " "\n" | grep . | head -n 1' x "$job"
}

stepd_pid() {
	C bash -c 'for p in /proc/[0-9]*; do
		[[ $(tr "\0" " " <"$p/cmdline" 2>/dev/null) == "slurmstepd: [$1."* ]] && echo "${p#/proc/}"
		done | head -n 1' x "$job"
}

@test "scancel" {
	start_step 1
	A scancel "$job"
	until_true 20 ended
}

@test "scancel of a step that ignores SIGTERM, after KillWait" {
	start_step 1 'trap : TERM; (trap "" TERM; sleep 4242) &'
	A scancel "$job"
	until_true 30 ended
}

@test "scancel of a step with daemons" {
	start_step 1 '(setsid sh -c "sleep 4242 & sleep 4242" >/dev/null 2>&1 </dev/null &) ; sleep 0.3'
	A scancel "$job"
	until_true 30 ended
}

@test "scancel of a step with daemons, without a pid namespace" {
	start_step 1 '(setsid sh -c "sleep 4242 & sleep 4242" >/dev/null 2>&1 </dev/null &) ; sleep 0.3' /images/nopid
	A scancel "$job"
	until_true 30 ended
}

@test "daemons end with their task" {
	for b in $B /images/nopid; do
		ash 'srun -Q --container=$1 sh -c "(setsid sleep 4242 >/dev/null 2>&1 </dev/null &); sleep 0.2; exit 3"' "$b" "$b" || is $? 3
		until_true 20 ended
	done
}

@test "scancel of 64 tasks" {
	start_step 64
	A scancel "$job"
	until_true 30 ended
}

@test "the application gets SIGTERM of scancel, and its exit code counts" {
	A rm -f /home/alice/got
	start_step 1 'trap "exit 33" TERM; sleep 4242 & while :; do sleep 0.1; done'
	A scancel -s TERM "$job.0"
	until_true 20 C test -s /home/alice/rc
	until_true 20 ended
}

@test "SIGKILL of the task's process: the runtime, or the helper" {
	start_step 1
	pid=$(task_pid)
	[[ -n $pid ]]
	C kill -KILL "$pid"
	until_true 20 ended
	until_true 20 no_jobs
	run A cat /home/alice/rc
	is "$output" 137
}

@test "SIGKILL of the task's process, without a pid namespace" {
	start_step 1 true /images/nopid
	C kill -KILL "$(task_pid)"
	until_true 20 ended
	until_true 20 no_jobs
}

@test "SIGKILL of the task's process, of a step of many" {
	start_step 4
	C kill -KILL "$(task_pid)"
	until_true 20 eval '[[ $(sleepers) -le 3 ]]'
	A scancel "$job"
	until_true 20 ended
}

@test "SIGKILL of the container's own process" {
	start_step 1
	pid=$(C bash -c 'for p in /proc/[0-9]*; do [[ $(tr "\0" " " <"$p/cmdline" 2>/dev/null) == "/dev/stepbox/init "* ]] && echo "${p#/proc/}"; done | head -n 1')
	C kill -KILL "$pid"
	until_true 20 ended
	until_true 20 no_jobs
	run A cat /home/alice/rc
	is "$output" 137
}

@test "SIGKILL of slurmstepd: the epilog cleans up" {
	start_step 2
	C kill -KILL "$(stepd_pid)"
	A scancel "$job"
	until_true 60 no_jobs
	until_true 30 ended
}

@test "SIGKILL of slurmstepd and slurmd: slurmd's start cleans up" {
	start_step 2
	"$TOP/test/cluster" slurmd "$SB_CLUSTER" kill9 n1
	C kill -KILL "$(stepd_pid)"
	"$TOP/test/cluster" slurmd "$SB_CLUSTER" start n1
	until_true 30 ended
	until_true 20 C test ! -e "/run/stepbox/n1/$job.0.0"
	A scancel "$job"
}

@test "restart of slurmd under a running step: it goes on" {
	start_step 2
	"$TOP/test/cluster" slurmd "$SB_CLUSTER" stop n1
	"$TOP/test/cluster" slurmd "$SB_CLUSTER" start n1
	is "$(sleepers)" 2
	C bash -c 'ls -d /run/stepbox/n1/"$1".0.0' x "$job"
	A scancel "$job"
	until_true 20 ended
}

@test "what a user leaves in the step directory goes with it" {
	start_step 1
	A bash -c 'cd /run/stepbox/n1/$1.0.0 && ln -s /etc/passwd l && mkdir -p a/b/c && chmod 0 a/b/c a/b && mkfifo f &&
		mkdir task-0/work && chmod 0 task-0/work && d=. && for i in $(seq 100); do d=$d/x; done && mkdir -p $d && touch "$(printf "new\nline")"' x "$job"
	A scancel "$job"
	until_true 20 ended
	until_true 20 nothing_left
	C grep -q alice /etc/passwd
}

@test "a requeued job" {
	ash 'sbatch --parsable --requeue --container=$B -w n1 -o /home/alice/out --wrap "echo run \$SLURM_RESTART_COUNT; sleep 4242" >id'
	job=$(wait_line /home/alice/id)
	until_true 20 eval '[[ $(sleepers) -ge 1 ]]'
	# And held, or it might run again before we look.
	C scontrol requeuehold "$job"
	until_true 20 ended
	until_true 20 nothing_left
	A scancel "$job"
}
