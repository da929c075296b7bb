#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The blocks of Slurm's own guide (doc/html/containers.shtml) for OCI runtimes,
# pasted into stepbox.conf unchanged. They keep state in /run/user/UID, and up to
# 22.05 in /tmp.

load lib

setup() { C bash -c 'mkdir -p /run/user/2001; chown 2001:2001 /run/user/2001; chmod 700 /run/user/2001'; }

state() { C bash -c 'ls -A /run/user/2001 /run/user/2001/* /tmp 2>/dev/null | grep n1.alice'; }

teardown() {
	C rm -f /usr/local/sbin/nvidia-container-runtime
	assert_clean
}

works() {
	conf "$(cat "$TOP/test/unit/data/oci.conf/$1.conf")"
	run ash 'srun -Q -w n1 -n4 --container=$B sh -c "grep ^NAME /etc/os-release; exit 3" 2>/dev/null | sort -u; exit ${PIPESTATUS[0]}'
	is "$output" 'NAME="CentOS Linux"'
	is "$status" 3
	run ash 'sbatch -Q --wait -w n1 --container=$B -o out --wrap "grep -c ^NAME=.CentOS /etc/os-release; exit 4"; echo $?; grep -v ^stepbox: out'
	is "$output" $'4\n1'
	until_true 10 eval '! state'
}

# SIGKILL of the task's process leaves the runtime's state; the next step of
# the user removes it, and does not stumble over it.
killed() {
	conf "$(cat "$TOP/test/unit/data/oci.conf/$1.conf")"
	A rm -f /home/alice/id
	ash 'srun -Q -w n1 --container=$B sh -c "echo \$SLURM_JOB_ID; sleep 4242" >id 2>/dev/null' &
	job=$(wait_line /home/alice/id)
	until_true 20 state
	C bash -c 'for p in /proc/[0-9]*; do
		[[ $(tr "\0" " " <"$p/cmdline" 2>/dev/null) == "slurmstepd: [$1."* ]] || continue
		kill -KILL $(cat "$p"/task/*/children); break; done' x "$job"
	until_true 20 no_jobs
	until_true 20 eval '[[ -z $(leftovers | grep -v "user.2001") ]]'
	run ash 'srun -Q -w n1 --container=$B true 2>/dev/null'
	is "$status" 0
	until_true 10 eval '! state'
}

@test "runc run" { works runc-run; }
@test "runc create/start" { works runc-create; }
@test "crun run" { works crun-run; }
@test "crun create/start" { works crun-create; }
@test "runc run, 21.08 to 22.05.3" { works 21.08-runc-run; }
@test "runc create/start, 21.08 to 22.05" { works 21.08-runc-create; }
@test "crun run, 21.08 to 22.05" { works 21.08-crun-run; }
@test "crun create/start, 21.08 to 22.05" { works 21.08-crun-create; }
# It is runc, which it makes add the GPUs to config.json; here there are none.
@test "nvidia-container-runtime run" {
	C sh -c 'ln -s "$(command -v runc)" /usr/local/sbin/nvidia-container-runtime'
	works nvidia-run
}
@test "runc run, killed: the next step removes the state" { killed runc-run; }
@test "runc create/start, killed: the next step removes the state" { killed runc-create; }
@test "crun run, killed: the next step removes the state" { killed crun-run; }
@test "crun create/start, killed: the next step removes the state" { killed crun-create; }
