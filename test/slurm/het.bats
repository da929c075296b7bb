#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Heterogeneous jobs and steps. Slurm gives all components one environment, so
# one bundle serves them all, and what wants more is refused at submission.

load lib

# A task's number of how many, where it runs, and in what.
WHERE='echo "$SLURM_PROCID/$SLURM_NTASKS $SLURMD_NODENAME $(sed -n "s/^NAME=\"\([^ ]*\).*/\1/p" /etc/os-release)"'
BOTH=$'0/3 n1 CentOS\n1/3 n2 CentOS\n2/3 n2 CentOS'

teardown() {
	A rm -f job.sh out where
	assert_clean
}

# where is what each task runs: short enough for a command line.
put_where() { echo "$WHERE" | A tee /home/alice/where >/dev/null; }

# TEXT COMMAND: nothing is submitted, and one line of ours says why.
refuses() {
	run ash "$2 2>&1"
	[[ $status -ne 0 ]]
	is "$(grep -o 'stepbox: .*' <<<"$output")" \
		"stepbox: --container: must be the same for all components of a heterogeneous job: $1"
	is "$(C squeue -h)" ""
}

@test "srun: one bundle in both components" {
	put_where
	run ash 'W=$(cat where); srun -Q -n1 --container=$B sh -c "$W" : -n2 --container=$B sh -c "$W" 2>/dev/null | sort'
	is "$output" "$BOTH"
	run ash 'W=$(cat where); export SRUN_CONTAINER=$B; srun -Q -n1 sh -c "$W" : -n2 sh -c "$W" 2>/dev/null | sort'
	is "$output" "$BOTH"
	# Slurm: a component inherits the options of the one before.
	run ash 'W=$(cat where); srun -Q -n1 --container=$B sh -c "$W" : -n2 sh -c "$W" 2>/dev/null | sort'
	is "$output" "$BOTH"
}

@test "srun: exit codes of each component" {
	fails_with 7 ash 'srun -Q -n1 --container=$B true : -n2 --container=$B sh -c "exit 7"'
	fails_with 127 ash 'srun -Q -n1 --container=$B nonesuch : -n1 --container=$B true'
}

@test "srun: different bundles, or none in the first" {
	refuses "$B and /images/nopid" 'srun -n1 --container=$B true : -n1 --container=/images/nopid true'
	refuses "none and $B" 'srun -n1 true : -n1 --container=$B true'
	refuses "$B and /images/nopid" 'SRUN_CONTAINER=$B srun -n1 true : -n1 --container=/images/nopid true'
	refuses "$B and /images/nopid" 'srun -n1 --container=$B true : -n1 true : -n1 --container=/images/nopid true'
}

@test "srun: het groups of an allocation" {
	put_where
	run ash 'W=$(cat where); salloc -Q -N1 : -N1 srun -Q --het-group=0,1 --container=$B sh -c "$W" 2>/dev/null | sort'
	is "$output" $'0/2 n1 CentOS\n1/2 n2 CentOS'
	run ash 'W=$(cat where); salloc -Q -N1 : -N1 srun -Q --het-group=1 --container=$B sh -c "$W" 2>/dev/null'
	is "$output" '0/1 n2 CentOS'
	# Steps of their own may differ.
	run ash 'salloc -Q -N1 : -N1 sh -c "
		srun -Q --het-group=0 --container=$B grep -c ^NAME=.CentOS /etc/os-release
		srun -Q --het-group=1 grep -c ^NAME=.Debian /etc/os-release" 2>/dev/null'
	is "$output" $'1\n1'
	run ash 'salloc -Q -N1 : -N1 srun --het-group=0 --container=$B true : --het-group=1 --container=/images/nopid true 2>&1'
	[[ $status -ne 0 ]]
	has "must be the same for all components of a heterogeneous job: $B and /images/nopid"
}

# The script's components: the first has lines $1, the second lines $2.
job() {
	printf '#!/bin/sh\n%s\n#SBATCH hetjob\n%s\n%s\n' "$1" "$2" '
grep -c ^NAME=.CentOS /etc/os-release
echo $SLURMD_NODENAME $SLURM_HET_SIZE' | A tee /home/alice/job.sh >/dev/null
}

@test "sbatch: the batch step is the first component's" {
	job "#SBATCH --container=$B" "#SBATCH --container=$B"
	run ash 'sbatch -Q --wait -o out job.sh; grep -v ^stepbox: out'
	is "$output" $'1\nn1 2'
	job "#SBATCH --container=$B" '#SBATCH -n 1'
	run ash 'sbatch -Q --wait -o out job.sh; grep -v ^stepbox: out'
	is "$output" $'1\nn1 2'
	run ash 'sbatch -Q --wait -N1 --container=$B -o out : -N1 --wrap "grep -c ^NAME=.CentOS /etc/os-release"; grep -v ^stepbox: out'
	is "$output" 1
}

@test "sbatch: a step over both components from a container" {
	put_where
	ash 'printf "#!/bin/bash\n#SBATCH -n1 --container=/images/host\n#SBATCH hetjob\n#SBATCH -n2\nsrun -Q --het-group=0,1 --container=%s sh -c \"\$(cat /home/alice/where)\"\n" "$B" >job.sh'
	conf "Runtime=$SB_RUNTIME" "RunTimeMode=$SB_MODE" SlurmClient=yes
	run ash 'sbatch -Q --wait -o out job.sh; grep -v ^stepbox: out | sort'
	is "$output" "$BOTH"
}

@test "sbatch and salloc: different bundles, or none in the first" {
	job "#SBATCH --container=$B" "#SBATCH --container=/images/nopid"
	refuses "$B and /images/nopid" 'sbatch job.sh'
	job '#SBATCH -n 1' "#SBATCH --container=$B"
	refuses "none and $B" 'sbatch job.sh'
	refuses "$B and /images/nopid" 'sbatch -N1 --container=$B : -N1 --container=/images/nopid --wrap true'
	refuses "$B and /images/nopid" 'salloc -N1 --container=$B : -N1 --container=/images/nopid true'
	refuses "none and $B" 'salloc -N1 : -N1 --container=$B true'
}

@test "salloc: the interactive step is the first component's" {
	run ash '{ sleep 1; echo "echo in-\$(grep -c ^NAME=.CentOS /etc/os-release)-\$SLURM_HET_SIZE"; echo "exit 4"; sleep 1; } |
		script -qec "salloc -Q -N1 --container=$B : -N1" /dev/null'
	is "$status" 4
	has "in-1-2"
}
