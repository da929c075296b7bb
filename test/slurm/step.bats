#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What a user does with --container, for each runtime in each mode.

load lib

@test "srun, as in Slurm's documentation" {
	run ash 'srun -Q --container=$B grep ^NAME /etc/os-release 2>/dev/null'
	is "$output" 'NAME="CentOS Linux"'
}

@test "sbatch --wrap, as in Slurm's documentation" {
	run ash 'sbatch -Q --wait --container=$B -o out --wrap "grep ^NAME /etc/os-release" >/dev/null; grep -v ^stepbox: out'
	is "$output" 'NAME="CentOS Linux"'
}

@test "sbatch of a script file with arguments" {
	run ash 'printf "#!/bin/sh\necho \"[\$1][\$2]\" \$(basename \$0)\nexit 3\n" >s.sh
		sbatch -Q --wait --container=$B -o out s.sh "a b" "*"; echo $?; grep -v ^stepbox: out'
	is "$output" $'3\n[a b][*] slurm_script'
}

@test "sbatch arrays" {
	run ash 'sbatch -Q --wait --container=$B -a 1-4 -o out.%a --wrap "echo \$SLURM_ARRAY_TASK_ID" >/dev/null
		cat out.[1-4] | grep -v ^stepbox:; rm out.*'
	is "$output" $'1\n2\n3\n4'
}

@test "salloc: an interactive shell with job control" {
	run ash '{ sleep 1; echo "echo in-\$(grep -c ^NAME=.CentOS /etc/os-release)"; echo "sleep 77 &"; echo jobs; echo "exit 4"; sleep 1; } |
		script -qec "salloc -Q --container=$B" /dev/null'
	is "$status" 4
	has "in-1"
	has "sleep 77"
	lacks "no job control"
	lacks "can't access tty"
}

@test "salloc: bash stops, continues and interrupts its jobs" {
	run ash '{ sleep 1; echo "sleep 66"; sleep 0.5; printf "\032"; sleep 0.5; echo "jobs; bg; fg"; sleep 0.5; printf "\003"; sleep 0.5; echo "echo rc=\$?; stty size; exit 4"; sleep 1; } |
		script -qec "stty rows 40 cols 100; salloc -Q --container=/images/host" /dev/null'
	is "$status" 4
	has "Stopped"
	has "rc=130"
	has "40 100"
	lacks "no job control"
}

@test "salloc: a shell that the container lacks becomes /bin/sh, and that is said" {
	run ash '{ sleep 1; echo "exit 6"; sleep 1; } | script -qec "SHELL=/bin/nonesuch salloc -Q --container=$B" /dev/null'
	has "/bin/nonesuch is not in the container: you get /bin/sh"
	is "$status" 6
}

@test "srun --pty: a terminal of the right size, ^C for the foreground" {
	run ash '{ sleep 1; echo "tty; sleep 55"; sleep 1; printf "\003"; sleep 0.5; echo "echo rc=\$?; exit 9"; sleep 1; } |
		script -qec "stty rows 31 cols 97; srun -Q --pty --container=$B sh -c \"stty size; exec sh -i\"" /dev/null'
	is "$status" 9
	has "31 97"
	has "/dev/"
	has "rc=130"
	lacks "not a tty"
	lacks "job control"
}

@test "scontrol show job and show step have Container=" {
	slurm_at_least 21.08 || skip "Slurm has no such field before 21.08"
	ash 'sbatch --container=$B -o /dev/null --wrap "sleep 60" >id; srun -Q --container=$B sleep 60 & wait' &
	until_true 20 eval '[[ $(C scontrol -o show step | grep -c "Container=$B") -ge 1 ]]'
	until_true 20 eval '[[ $(C scontrol -o show job | grep -c "Container=$B") -ge 2 ]]'
}

@test "exit codes 0-255 come back" {
	# srun itself makes 1 of 253 (22.05): the plain step is the measure.
	plain=$(ash 'srun -Q sh -c "exit 253" 2>/dev/null; echo $?')
	fails_with "$plain" ash 'srun -Q --container=$B sh -c "exit 253"'
	run ash 'for c in $(seq 0 252) 254 255; do
			srun -Q --container=$B sh -c "exit $c" 2>err
			r=$?; [ $r = $c ] || { echo "$c came back as $r"; cat err; }
		done'
	is "$output" ""
}

@test "deaths by signal" {
	for s in SEGV:11 KILL:9 TERM:15 ABRT:6; do
		fails_with $((128 + ${s#*:})) ash 'srun --container=$B sh -c "ulimit -c 0; kill -$1 \$\$"' "${s%:*}"
		# create/start: as the signal itself, as without a container
		case $SB_MODE:$s in
		create:SEGV*) has "Segmentation fault" ;;
		create:KILL*) has "Killed" ;;
		create:TERM*) has "Terminated" ;;
		run:*) has "exit code $((128 + ${s#*:}))" ;;
		esac
	done
}

@test "exit codes and signals without a pid namespace of its own" {
	for c in 0 1 77 255; do
		fails_with "$c" ash 'srun -Q --container=/images/nopid sh -c "exit $1"' "$c"
	done
	for s in SEGV:11 KILL:9 TERM:15; do
		fails_with $((128 + ${s#*:})) ash 'srun -Q --container=/images/nopid sh -c "kill -$1 \$\$"' "${s%:*}"
	done
}

@test "arguments survive byte for byte" {
	run ash 'set -- "a b" "" "-x" "--" "\$(id)" "it'"'"'s" "\"q\"" "back\\slash" "new
line" "*" "ünï" "%j %b" "#x" "tab	x"
		want=$(for a; do printf "<%s>" "$a"; done)
		got=$(srun -Q --container=$B sh -c "for a; do printf \"<%s>\" \"\$a\"; done" x "$@" 2>/dev/null)
		[ "$want" = "$got" ] && echo same || { echo "$want"; echo "$got"; }'
	is "$output" same
}

@test "environment survives byte for byte: odd values, 1 MB, 5,000 variables" {
	run ash 'export NL="a
b" EMPTY= QUOTES="\"'"'"'\$(x)" SPACES="  a  " BACK="\\\\" UMLAUT="ü"
		want=$(env -0 | grep -zE "^(NL|EMPTY|QUOTES|SPACES|BACK|UMLAUT)=" | sort -z | md5sum)
		got=$(srun -Q --container=$B cat /proc/self/environ 2>/dev/null | grep -zE "^(NL|EMPTY|QUOTES|SPACES|BACK|UMLAUT)=" | sort -z | md5sum)
		[ "$want" = "$got" ] && echo same
		for i in {1..5000}; do printf -v "VAR_$i" %0200d $i; export "VAR_$i"; done
		want=$(env -0 | grep -z ^VAR_ | sort -z | md5sum)
		got=$(srun -Q --container=$B cat /proc/self/environ 2>/dev/null | grep -z ^VAR_ | sort -z | md5sum)
		[ "$want" = "$got" ] && echo same'
	is "$output" $'same\nsame'
}

@test "what is no UTF-8 is an error that names the variable or argument" {
	fails_with 125 ash 'export LATIN=$(printf "caf\351"); srun -Q --container=$B true'
	has "environment variable LATIN"
	fails_with 125 ash 'srun -Q --container=$B echo "$(printf "caf\351")"'
	has "argument"
	has 'no UTF-8'
}

@test "stdin and stdout are binary-clean" {
	run ash 'head -c 20000000 /dev/urandom >r
		[ "$(srun -Q --container=$B cat <r 2>/dev/null | md5sum)" = "$(md5sum <r)" ] && echo same; rm r'
	is "$output" same
}

@test "SLURM_CONTAINER is this step's own, everywhere" {
	run ash 'cat >s.sh <<-"END"
		#!/bin/bash
		echo "batch ${SLURM_CONTAINER-none}"
		srun -Q --container=$B sh -c "echo step \$SLURM_CONTAINER" 2>/dev/null
		srun -Q sh -c "echo plain \${SLURM_CONTAINER-none} \$(grep -c ^NAME=.Debian /etc/os-release)" 2>/dev/null
		END
		sbatch -Q --wait -o out s.sh; cat out
		sbatch -Q --wait --export=NONE --container=$B -o out --wrap "echo batch \$SLURM_CONTAINER"; grep -v ^stepbox: out
		srun -Q --export=NONE --container=$B /bin/sh -c "echo srun \$SLURM_CONTAINER" 2>/dev/null
		SLURM_CONTAINER=/stale srun -Q --container=$B sh -c "echo own \$SLURM_CONTAINER" 2>/dev/null
		SLURM_CONTAINER=/stale srun -Q sh -c "echo none \${SLURM_CONTAINER-none}"
		cd /images && srun -Q --container=centos sh -c "echo rel \$SLURM_CONTAINER" 2>/dev/null
		SRUN_CONTAINER=$B srun -Q sh -c "echo env \$SLURM_CONTAINER" 2>/dev/null'
	is "$output" "batch none
step $B
plain none 1
batch $B
srun $B
own $B
none none
rel centos
env $B"
}

@test "srun in a batch script that runs in a container itself" {
	# A bundle that shows the host's own files has Slurm's client in it.
	run ash 'cat >s.sh <<-"END"
		#!/bin/bash
		echo "batch $SLURM_CONTAINER"
		srun -Q --container=/images/centos sh -c "echo step \$SLURM_CONTAINER" 2>/dev/null
		srun -Q sh -c "echo plain \${SLURM_CONTAINER-none}" 2>/dev/null
		END
		sbatch -Q --wait --container=/images/host -o out s.sh; grep -v ^stepbox: out'
	is "$output" "batch /images/host
step /images/centos
plain none"
}

@test "nothing of ours in the command's environment" {
	run ash 'srun -Q --container=$B env 2>/dev/null | grep -c STEPBOX'
	is "$output" 0
}

@test "64 tasks on a node" {
	run ash 'srun -Q -n64 -N1 --container=$B sh -c "echo \$SLURM_PROCID" 2>/dev/null | sort -n | md5sum; seq 0 63 | md5sum'
	is "${lines[0]}" "${lines[1]}"
}

@test "a step over both nodes" {
	run ash 'srun -Q -N2 -n8 --ntasks-per-node=4 --container=$B sh -c "echo \$SLURMD_NODENAME \$SLURM_PROCID" 2>/dev/null | sort -k2n | cut -d" " -f1 | sort | uniq -c | tr -s " "'
	is "$output" $' 4 n1\n 4 n2'
}

@test "two users at once, each in a bundle of his own" {
	"$TOP/test/cluster" run "$SB_CLUSTER" -u bob -- srun -Q -N1 --container=/images/bob sh -c 'sleep 1; id -u; cat /proc/self/uid_map' >"$BATS_TEST_TMPDIR/bob" 2>/dev/null &
	run ash 'srun -Q -N1 --container=$B sh -c "sleep 1; cat /proc/self/uid_map" 2>/dev/null'
	wait
	has 2001
	run cat "$BATS_TEST_TMPDIR/bob"
	has 2002
}

@test "--chdir: into a directory of the container, or a line that says it has none" {
	run ash 'srun -Q --chdir=/etc --container=$B pwd'
	is "$output" /etc
	run ash 'srun -Q -n3 --chdir=/home/alice --container=$B pwd | sort'
	has "/home/alice is not in the container: working directory is /"
	is "$(grep -c "not in the container" <<<"$output")" 1
}

@test "--multi-prog: each task its own command (Slurm >= 23.11)" {
	slurm_at_least 23.11 || skip "before 23.11 a plugin cannot change the commands of --multi-prog"
	printf "%s\n" '0 grep -h ^NAME /etc/os-release' "1-2 echo %t-%o 'a b'" "3 sh -c 'exit 7'" |
		C tee /images/m.conf >/dev/null
	run ash 'srun -Q -n4 --multi-prog --container=$B /images/m.conf 2>err | sort; rc=${PIPESTATUS[0]}; grep -v "working directory" err; exit $rc'
	is "${lines[0]}" '1-0 a b'
	is "${lines[1]}" '2-1 a b'
	is "${lines[2]}" 'NAME="CentOS Linux"'
	has "task 3: Exited with exit code 7"
	is "$status" 7
	run ash 'srun -Q -N2 -n4 --multi-prog --container=$B /images/m.conf 2>/dev/null | grep -c -e ^1-0 -e ^2-1 -e CentOS'
	is "$output" 3
	# Without a container all is Slurm's.
	run ash 'srun -Q -n4 --multi-prog /images/m.conf 2>/dev/null | grep -c -e ^1-0 -e ^2-1 -e Debian'
	is "$output" 3
	C rm /images/m.conf
}

@test "--multi-prog is refused in one line (Slurm < 23.11)" {
	! slurm_at_least 23.11 || skip "it works since 23.11"
	printf '0 grep NAME /etc/os-release\n1-3 grep NAME /etc/os-release\n' | C tee /images/m.conf >/dev/null
	for args in "" "further arguments"; do
		run ash 'srun -Q -n4 --multi-prog --container=$B /images/m.conf $1' "$args"
		is "$(grep -c stepbox: <<<"$output")" 1
		has "stepbox: --multi-prog and --container do not go together before Slurm 23.11"
		lacks NAME=
		[[ $status -ne 0 ]]
	done
	C rm /images/m.conf
}

@test "--bcast: the file that was broadcast is what runs, from wherever it was put" {
	# A static program that the container does not have, under a name that
	# busybox goes by.
	C bash -c 'mkdir -p /images/bin && cp $(type -P busybox) /images/bin/busybox && chmod 755 /images/bin/busybox'
	# The plain step is the measure, but for where it runs.
	run ash 'echo x | srun -Q --bcast=/tmp/md5sum /images/bin/busybox
		echo x | srun -Q --container=$B --bcast=/tmp/md5sum /images/bin/busybox 2>/dev/null'
	is "${lines[0]}" "$(md5sum <<<x)"
	is "${lines[1]}" "${lines[0]}"
	run ash 'echo x | SLURM_BCAST=/tmp/md5sum srun -Q --container=$B /images/bin/busybox 2>/dev/null'
	is "$output" "$(md5sum <<<x)"
	# A directory, none, tasks on both nodes, and --export=NONE.
	printf '#!/bin/sh\ngrep -h ^NAME /etc/os-release\nexit "$1"\n' | C tee /images/bin/script >/dev/null
	C chmod 755 /images/bin/script
	run ash 'for bcast in --bcast=/tmp/ --bcast; do
			srun -Q -N2 -n4 --container=$B $bcast /images/bin/script 0 2>err || cat err
			srun -Q --export=NONE --container=$B $bcast /images/bin/script 5 2>/dev/null; echo $?
		done | sort | uniq -c | tr -s " "; rm -f slurm_bcast_* /tmp/slurm_bcast_*'
	is "$output" $' 2 5\n 10 NAME="CentOS Linux"'
	# Only what was broadcast: no other command of the host is shown.
	fails_with 127 ash 'srun -Q --container=$B /images/bin/busybox --bcast=/tmp/x'
	C bash -c 'rm -r /images/bin; rm -f /tmp/md5sum'
}

@test "a command that is missing, or may not be executed, or has no interpreter" {
	fails_with 127 ash 'srun -Q --container=$B nonesuch'
	has "command nonesuch: not found in the container"
	fails_with 127 ash 'srun -Q --container=$B /bin/nonesuch'
	fails_with 126 ash 'srun -Q --container=$B /etc/os-release'
	has "/etc/os-release: Permission denied"
	fails_with 126 ash 'srun -Q --container=$B /etc/bad-interpreter'
	has "/etc/bad-interpreter: its interpreter /usr/bin/nonesuch is not in the container"
	# A command of the host is not found there first.
	fails_with 127 ash 'srun -Q --container=$B scontrol'
}

@test "the bundle is the same before and after, and needs no writable place" {
	before=$(C bash -c 'cd /images/centos && find . -printf "%p %y %m %u %s %T@\n" | sort; find . -type f -exec md5sum {} +')
	ash 'srun -Q -n4 --container=$B true
		sbatch -Q --wait --container=$B -o /dev/null --wrap true' 2>/dev/null
	after=$(C bash -c 'cd /images/centos && find . -printf "%p %y %m %u %s %T@\n" | sort; find . -type f -exec md5sum {} +')
	is "$(C stat -c %U:%a /images/centos)" root:755
	run C find /images/centos/rootfs -path "*/tmp/*" -o -name var -o -name home
	is "$output" ""
	[[ $before == "$after" ]]
}

@test "huge numbers and unknown fields reach the runtime unchanged; limits are the job's" {
	C jq -c '.process.rlimits=[{"type":"RLIMIT_NOFILE","hard":70,"soft":70}] | .["x-unknown"]={"a":[1.5,null],"b":0}' \
		/images/centos/config.json | sed 's/"b":0/"b":18446744073709551615/' |
		C tee /images/odd/config.json >/dev/null
	# The runtime's own copy is seen from outside while the step runs.
	ash 'srun -Q --container=/images/odd sleep 30' &
	until_true 20 C bash -c 'grep -q sleep /run/stepbox/*/*/task-0/config.json 2>/dev/null'
	run C bash -c 'cat /run/stepbox/*/*/task-0/config.json'
	lacks rlimits
	has '"x-unknown":{"a":[1.5,null],"b":18446744073709551615}'
	run ash 'ulimit -Sn 777; srun -Q --container=/images/odd sh -c "ulimit -n; ulimit -Hn" 2>/dev/null; ulimit -Hn'
	is "${lines[0]}" 777
	is "${lines[1]}" "${lines[2]}"
}

@test "a bundle with a blank and letters of patterns in its path" {
	run ash 'srun -Q --container="/images/a b %j \$x" grep -c ^NAME=.CentOS /etc/os-release 2>/dev/null'
	is "$output" 1
}

@test "a task's limits and descriptors are those without a container" {
	run ash 'ulimit -n 777; srun -Q --container=$B sh -c "ulimit -n; ls /proc/self/fd | wc -l" 2>/dev/null'
	# 0, 1, 2 and the one that ls reads the directory by
	is "$output" $'777\n4'
}

@test "the log has a line for the task: runtime, pid, phases" {
	ash 'srun -Q -w n1 --container=$B true' 2>/dev/null
	until_true 20 eval 'tail -n 20 "$SB_CLUSTER/slurmd.n1.log" | grep -q "stepbox: .*task 0: $SB_RUNTIME $SB_MODE, pid [0-9]*, prepared in [0-9.]* ms"'
}

@test "the same by hand: stepbox run, with the words of the runtime under -v" {
	run ash 'srun -Q stepbox run -v --bundle $B -- sh -c "grep -c ^NAME=.CentOS /etc/os-release; exit 7" 2>err; echo $?; cat err; ls -d /tmp/stepbox-*'
	is "${lines[0]}" 1
	is "${lines[1]}" 7
	[[ $SB_MODE == create ]] || has "RunTimeRun: /usr/"
	[[ $SB_MODE == run ]] || has "RunTimeCreate: /usr/"
	has "(by hand)"
	lacks "/tmp/stepbox-*/"
}
