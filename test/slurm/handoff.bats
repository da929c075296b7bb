#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The hand-off: Slurm calls the helper as its OCI runtime, by the oci.conf that
# stepbox ships. What users see with the plugin are the other files with
# SB_ENTRY=handoff; here is what is the hand-off's own, and all of it without
# the plugin, too.

load lib

setup() {
	slurm_at_least 23.02 || skip "Slurm can hand off since 23.02"
	default_conf
	SB_ENTRY=handoff entry
	# A slurmstepd that was killed (life.bats) has not cleaned up.
	spool >"$BATS_TEST_TMPDIR/spool"
}

teardown() {
	C bash -c 'cd /etc/slurm; [ ! -e off ] || mv off plugstack.conf.d/stepbox.conf
		[ ! -e stepbox.off ] || mv stepbox.off stepbox.conf'
	assert_clean
	until_true 20 no_spool || { spool; return 1; }
}

# Neither clients nor nodes have the plugin.
no_plugin() { C mv /etc/slurm/plugstack.conf.d/stepbox.conf /etc/slurm/off; }

# What Slurm and a helper alone may leave of a step, as each node sees it.
spool() {
	C bash -c 'for p in $(pgrep -x slurmd) 1; do
		nsenter -t $p -m find /var/spool -name "oci-job*"
		nsenter -t $p -m find /tmp /run/user -name "stepbox-*"
	done | sort -u' 2>/dev/null
}
no_spool() { [[ $(spool) == "$(<"$BATS_TEST_TMPDIR/spool")" ]]; }

job_state() { C scontrol -o show job "$1" | grep -o 'JobState=[A-Z]*'; }

@test "with the plugin: its directory, its log, and no word of leaving it to Slurm" {
	run ash 'srun -Q -w n1 --container=$B sh -c "echo \$SLURM_JOB_ID"'
	is "$status" 0
	job=${output%%$'\n'*}
	[[ $job == [0-9]* ]] || job=${lines[-1]}
	until_true 20 grep -q "stepbox: $job.0.0: task 0: $SB_RUNTIME" "$SB_CLUSTER/slurmd.n1.log"
	run ! grep "\[$job.0\].*left to Slurm" "$SB_CLUSTER/slurmd.n1.log"
}

@test "a client without the plugin, nodes that have it: in the container" {
	C bash -c 'mkdir -p /etc/slurm/client; sed "s|^PlugStackConfig=.*|PlugStackConfig=/dev/null|" /etc/slurm/slurm.conf >/etc/slurm/client/slurm.conf'
	run ash 'SLURM_CONF=/etc/slurm/client/slurm.conf srun -Q --container=$B grep ^NAME /etc/os-release'
	is "$status" 0
	has CentOS
	# A variable is no request.
	run ash 'SLURM_CONTAINER=$B SLURM_CONF=/etc/slurm/client/slurm.conf srun -Q grep -c ^NAME=.Debian /etc/os-release'
	is "$output" 1
}

@test "components have their bundle, whatever srun asks for" {
	# In all components but the last that may be another's (24.11), or none
	# at all (26.05.5).
	run ash 'srun -Q -N1 --container=$B sh -c "grep ^NAME /etc/os-release" : -N1 --container=$B sh -c "grep ^NAME /etc/os-release"'
	is "$(grep -c CentOS <<<"$output")" 2
	is "$status" 0
}

@test "no plugin: srun, exit codes, arguments and environment" {
	no_plugin
	run ash 'srun -Q --container=$B grep ^NAME /etc/os-release 2>/dev/null'
	is "$output" 'NAME="CentOS Linux"'
	fails_with 7 ash 'srun -Q --container=$B sh -c "exit 7"'
	fails_with 139 ash 'srun --container=$B sh -c "ulimit -c 0; kill -SEGV \$\$"'
	run ash 'set -- "a b" "" "it'"'"'s" "'"'"'" "\"q\"" "\$(id)" "new
line" "*" "ünï" "%j %b" "#x"
		want=$(for a; do printf "<%s>" "$a"; done)
		got=$(srun -Q --container=$B sh -c "for a; do printf \"<%s>\" \"\$a\"; done" x "$@" 2>/dev/null)
		[ "$want" = "$got" ] && echo same || { echo "$want"; echo "$got"; }
		export NL="a
b" QUOTE="'"'"'" EMPTY=
		some() { grep -zE "^(NL|QUOTE|EMPTY)=" | sort -z | md5sum; }
		[ "$(env -0 | some)" = "$(srun -Q --container=$B cat /proc/self/environ 2>/dev/null | some)" ] && echo same'
	is "$output" $'same\nsame'
	run ash 'srun -Q -N2 -n8 --ntasks-per-node=4 --container=$B sh -c "echo \$SLURM_PROCID" 2>/dev/null | sort -n | tr "\n" " "'
	is "$output" "0 1 2 3 4 5 6 7 "
	run ash 'srun -Q --container=$B env 2>/dev/null | grep -c STEPBOX'
	is "$output" 0
}

@test "no plugin: sbatch, salloc and --pty" {
	no_plugin
	run ash 'printf "#!/bin/sh\necho \"[\$1][\$2]\" \$(basename \$0) \$(grep -c CentOS /etc/os-release)\nexit 3\n" >s.sh
		sbatch -Q --wait --container=$B -o out s.sh "a b" "*"; echo $?; grep -v ^stepbox: out'
	is "$output" $'3\n[a b][*] slurm_script 2'
	run ash '{ sleep 1; echo "echo in-\$(grep -c ^NAME=.CentOS /etc/os-release)"; echo "sleep 77 &"; echo jobs; echo "exit 4"; sleep 1; } |
		script -qec "salloc -Q --container=$B" /dev/null'
	is "$status" 4
	has "in-1"
	has "sleep 77"
	lacks "no job control"
	run ash '{ sleep 1; echo "tty; sleep 55"; sleep 1; printf "\003"; sleep 0.5; echo "echo rc=\$?; exit 9"; sleep 1; } |
		script -qec "stty rows 31 cols 97; srun -Q --pty --container=$B sh -c \"stty size; exec sh -i\"" /dev/null'
	is "$status" 9
	has "31 97"
	has "rc=130"
}

@test "no plugin: --multi-prog" {
	no_plugin
	printf "%s\n" '0 grep -h ^NAME /etc/os-release' "1-2 echo %t-%o 'a b'" "3 sh -c 'exit 7'" |
		C tee /images/m.conf >/dev/null
	run ash 'srun -Q -n4 --multi-prog --container=$B /images/m.conf 2>err | sort; rc=${PIPESTATUS[0]}; cat err; exit $rc'
	C rm /images/m.conf
	is "${lines[0]}" '1-0 a b'
	is "${lines[1]}" '2-1 a b'
	is "${lines[2]}" 'NAME="CentOS Linux"'
	has "task 3: Exited with exit code 7"
	is "$status" 7
}

@test "no plugin: a command is taken as the host found it, else by its name" {
	no_plugin
	C ln -sf /bin/true /usr/local/bin/ash
	run ash 'srun -Q --container=$B ash -c "grep ^NAME /etc/os-release"'
	C rm /usr/local/bin/ash
	is "$status" 0
	has "/usr/local/bin/ash is not in the container: its ash is looked for"
	has CentOS
	# As the host found it, which is where the container has it too.
	run ash 'srun -Q --container=$B grep -c CentOS /etc/os-release'
	is "$status" 0
	lacks "looked for"
	# On the host only.
	fails_with 127 ash 'srun -Q --container=$B getent hosts'
	has "not found in the container"
	# Not on the host.
	fails_with 127 ash 'srun -Q --container=$B nonesuch-on-any'
	has "nonesuch-on-any"
}

@test "no plugin: scancel, signals, a killed helper; nothing is left" {
	no_plugin
	run ash 'srun -Q -w n1 --container=$B sh -c "trap \"echo usr1; exit 5\" USR1; echo \$SLURM_JOB_ID >id; mkfifo /dev/shm/f; read x <>/dev/shm/f" 2>err & :
		sleep 2; scancel -s USR1 $(squeue -h -o %i).0; wait $!; echo $?'
	has usr1
	has 5
	for sig in TERM KILL; do
		start_step 2
		C scancel -s $sig "$job"
		until_true 30 ended
		until_true 30 no_jobs
	done
	start_step 1
	C bash -c 'for p in $(pgrep -x stepbox); do kill -KILL $p; done'
	until_true 30 ended
	C scancel "$job"
	until_true 30 no_jobs
	# That one could not clean up after itself.
	A bash -c 'rm -rf /tmp/stepbox-??????'
}

@test "no plugin, commands that can only run: signals reach the command, nothing is left" {
	local crun='crun --root=%m/crun --cgroup-manager=disabled'

	[[ $SB_RUNTIME == crun ]] || skip "the commands are crun's"
	no_plugin
	conf RunTimeMode=run \
		"RunTimeRun=\"$crun run --bundle=%b %n.%j.%s.%t\"" \
		"RunTimeKill=\"$crun kill %n.%j.%s.%t KILL\"" \
		"RunTimeDelete=\"$crun delete --force %n.%j.%s.%t\""
	fails_with 7 ash 'srun -Q --container=$B sh -c "exit 7"'
	start_step 1
	C bash -c 'kill -USR1 $(pgrep -x stepbox)'
	until_true 20 ended
	until_true 20 no_jobs
	is "$(C cat /home/alice/rc)" $((128 + 10))
	start_step 2
	C scancel "$job"
	until_true 30 ended
	until_true 30 no_jobs
}

@test "no plugin: what cannot be had is refused, and the node stays" {
	no_plugin
	fails_with 125 ash 'srun -Q --container=/images/none grep ^NAME /etc/os-release'
	has "bundle /images/none"
	lacks Debian
	C mv /etc/slurm/stepbox.conf /etc/slurm/stepbox.off
	fails_with 125 ash 'srun -Q --container=$B grep ^NAME /etc/os-release'
	has "configuration"
	lacks Debian
	C mv /etc/slurm/stepbox.off /etc/slurm/stepbox.conf
	fails_with 125 C srun -Q --container="$B" true
	has "AllowRoot"
	C sed -i 's/^CreateEnvFile=.*/CreateEnvFile=newline/' /etc/slurm/oci.conf
	fails_with 125 ash 'srun -Q --container=$B true'
	has "CreateEnvFile=null"
	C sed -i '/^CreateEnvFile=/d' /etc/slurm/oci.conf
	fails_with 125 ash 'srun -Q --container=$B true'
	has "CreateEnvFile=null"
	C bash -c 'cp /usr/local/share/stepbox/oci.conf /etc/slurm/; sed -i "s| args=%@||" /etc/slurm/oci.conf'
	fails_with 125 ash 'srun -Q --container=$B true'
	has "no bundle=%b"
	C sed -i 's|/stepbox handoff|/gone/stepbox handoff|' /etc/slurm/oci.conf
	fails_with 127 ash 'srun -Q --container=$B true'
}

@test "a bundle's path may hold anything" {
	for plugin in with without; do
		[[ $plugin == with ]] || no_plugin
		run ash 'srun -Q --container="/images/a b %j \$x" grep -c CentOS /etc/os-release'
		is "$status" 0
		fails_with 125 ash 'srun -Q --container="/images/it'"'"'s; touch pwned" true'
		has "/images/it's; touch pwned"
		run ! A test -e /home/alice/pwned
	done
}

@test "an oci.conf of a user's own is not believed" {
	C chown alice: /etc/slurm/oci.conf
	ash 'srun -Q -w n1 --container=$B true' || :
	until_true 20 grep -q "oci.conf exists: --container is left to Slurm" "$SB_CLUSTER/slurmd.n1.log"
}

@test "PMIx without the hand-off: the user reads why, and what to do" {
	ash 'srun --mpi=list 2>&1 | grep -qw pmix' || skip "this Slurm was built without pmix"
	C rm /etc/slurm/oci.conf
	run ash 'srun --mpi=pmix --container=$B true'
	[[ $status != 0 ]]
	has "stepbox: --mpi=pmix with --container works only where"
	has "--mpi=pmi2"
	run ash 'SLURM_MPI_TYPE=pmix srun --container=$B true'
	has "works only where"
	run ash 'srun --mpi=pmi2 --container=$B true'
	lacks "works only where"
	SB_ENTRY=handoff entry
	run ash 'srun --mpi=pmix --container=$B true'
	is "$status" 0
	lacks "works only where"
}
