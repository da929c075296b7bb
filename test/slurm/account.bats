#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What sacct tells of container jobs, with a slurmdbd and a database: the bundle
# and the exit code of jobs and of steps. All of it is Slurm's own; stepbox must
# not stand in its way.
#
# The bundle is the one that the job's or the step's own --container names, word
# for word: a plain step of a container job has none, and a batch step has its
# job's (22.05, src/slurmctld/step_mgr.c, build_batch_step()). The extern step of
# PrologFlags=Contain has none anywhere. A step that fails before its first task
# leaves no record of its own in any release.

load lib

setup() {
	slurm_at_least 21.08 || skip "Slurm accounts for no containers before 21.08"
	C test -e /etc/slurm/slurmdbd.conf || skip "this cluster keeps no accounts"
	default_conf
}

# IDS EXPECTED: what sacct says of jobs IDS comes to be EXPECTED. It is not at
# once: slurmctld sends what it has when it has time.
accounts() {
	accounted=("$1" "$2")
	until_true 60 same_accounts || is "$(sacct_of "$1")" "$2"
}

sacct_of() { C sacct -P -n -j "$1" -o JobName,Container,ExitCode,State; }

same_accounts() { [[ $(sacct_of "${accounted[0]}") == "${accounted[1]}" ]]; }

# CMD: the job id that srun -v tells.
job_id() { ash "$1"' 2>&1 | sed -n "s/.*jobid \([0-9]*\).*/\1/p" | head -n 1'; }

@test "srun: the job and its step" {
	run ash 'srun -Q --container=$B sh -c "echo \$SLURM_JOB_ID; exit 5" 2>/dev/null'
	is "$status" 5
	accounts "$output" "sh|$B|5:0|FAILED
sh|$B|5:0|FAILED"
}

@test "srun: what stepbox refuses, and what the container lacks" {
	accounts "$(job_id 'srun -v --container=/images/nonesuch true')" 'true|/images/nonesuch|125:0|FAILED
true|/images/nonesuch|125:0|FAILED'
	accounts "$(job_id 'srun -v --container=$B nonesuch')" "nonesuch|$B|127:0|FAILED
nonesuch|$B|127:0|FAILED"
}

@test "sbatch: the job and its batch step; a plain step in it; one with another bundle" {
	# /images/host has Slurm's client in it.
	conf "Runtime=$SB_RUNTIME" "RunTimeMode=$SB_MODE" SlurmClient=yes
	run ash 'printf "#!/bin/sh\nsrun -Q true\nsrun -Q --container=%s sh -c \"exit 8\"\nexit 6\n" "$B" >job.sh
		sbatch --parsable --wait -J x --container=/images/host -o out job.sh; echo $?; rm job.sh out'
	is "${lines[-1]}" 6
	accounts "${lines[0]}" "x|/images/host|6:0|FAILED
batch|/images/host|6:0|FAILED
true||0:0|COMPLETED
sh|$B|8:0|FAILED"
}

@test "sbatch without --container: its steps have their own" {
	run ash 'sbatch --parsable --wait -J x -o /dev/null --wrap "srun -Q --container=$B sh -c \"exit 8\""; echo $?'
	is "${lines[-1]}" 8
	accounts "${lines[0]}" "x||8:0|FAILED
batch||8:0|FAILED
sh|$B|8:0|FAILED"
}

@test "salloc: the job and its interactive step" {
	run ash '{ sleep 1; echo "echo job-\$SLURM_JOB_ID-"; echo "exit 4"; sleep 1; } |
		script -qec "salloc -Q -J x --container=$B" /dev/null'
	is "$status" 4
	[[ $output =~ job-([0-9]+)- ]]
	accounts "${BASH_REMATCH[1]}" "x|$B|4:0|FAILED
interactive|$B|4:0|FAILED"
}

@test "a signal" {
	# With run, the runtime ends with 128 + n, of which sacct makes n:0.
	conf "Runtime=$SB_RUNTIME" RunTimeMode=create
	start_step 1
	A scancel "$job"
	until_true 20 ended
	accounts "$job" "sh|$B|0:0|CANCELLED by 2001
sh|$B|0:15|CANCELLED"
}

@test "heterogeneous jobs" {
	# To the first component alone: srun gives the second its bundle, and had
	# it one of its own, srun would send a freed string for the first (22.05
	# to 26.05, src/srun, _opt_copy() does not copy --container).
	run ash 'srun -Q -n1 --container=$B sh -c "echo \$SLURM_JOB_ID" : -n1 sh -c "exit 3" 2>/dev/null'
	is "$status" 3
	accounts "$output" "sh|$B|3:0|FAILED
sh|$B|0:0|COMPLETED
sh|$B|3:0|FAILED
sh|$B|3:0|FAILED"
}
