#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# One container for all tasks of a step on a node.
load lib

teardown() {
	untrap_helper
	assert_clean
}

# share N [SRUN OPTION...] -- CMD...: as N tasks on n1.
share() {
	local n=$1
	shift
	A srun -Q -N1 -w n1 -n"$n" --chdir=/ "$@"
}

# Counts the lines of $output.
lines() { grep -c . <<<"$output"; }

@test "tasks of a node share namespaces, each is slurmstepd's own child" {
	run -0 share 8 --container="$B" sh -c '
		for n in user mnt ipc pid; do
			echo "$n $(stat -Lc %i /proc/self/ns/$n)"
		done
		echo "parent $(cat /proc/$PPID/comm)"
		echo "tracer $(grep -c "^TracerPid:.0" /proc/self/status)"'
	is "$(sort -u <<<"$output" | wc -l)" 6
	has "parent slurmstepd"
	outside=$(A stat -Lc %i /proc/self/ns/mnt)
	lacks "mnt $outside"
}

@test "one per task: --container-per=task, SRUN_CONTAINER_PER, ContainerPer" {
	# In a container of its own the init is a task's parent.
	count='[ $PPID = 1 ] && echo own || echo shared'
	run -0 share 3 --container-per=task --container="$B" sh -c "$count"
	is "$(sort <<<"$output" | uniq -c | xargs)" "3 own"
	run -0 ash 'SRUN_CONTAINER_PER=task srun -Q -N1 -w n1 -n3 --chdir=/ --container="$B" sh -c "$1"' "$count"
	is "$(sort <<<"$output" | uniq -c | xargs)" "3 own"
	conf "Runtime=$SB_RUNTIME" "RunTimeMode=$SB_MODE" ContainerPer=task
	run -0 share 3 --container="$B" sh -c "$count"
	is "$(sort <<<"$output" | uniq -c | xargs)" "3 own"
	run -0 share 3 --container-per=node --container="$B" sh -c "$count"
	is "$(sort <<<"$output" | uniq -c | xargs)" "3 shared"
}

@test "--container-per: mistakes" {
	fails_with 255 share 2 --container-per=core --container="$B" true
	has "--container-per=core: neither node nor task"
	conf "Runtime=$SB_RUNTIME" ContainerPer=step
	fails_with 125 share 2 --container="$B" true
	has "ContainerPer=step: neither node nor task"
	is "$(grep -c ContainerPer <<<"$output")" 1
	conf "Runtime=$SB_RUNTIME" ContainerJoin=door
	fails_with 125 share 2 --container="$B" true
	has "ContainerJoin=door: neither"
}

@test "each task has its own arguments, environment, directory, streams" {
	run -0 ash 'srun -Q -N1 -w n1 -n4 --chdir=/ --container="$B" sh -c '\''
		echo "$SLURM_PROCID $SLURM_LOCALID $SLURM_TASK_PID=$$ $1 $2"'\'' sh "a  b" "" | sort'
	for i in 0 1 2 3; do
		has "$i $i "
	done
	is "$(grep -cE '^([0-9]) \1 ([0-9]+)=\2 a  b $' <<<"$output")" 4
	run -0 share 4 --container="$B" sh -c 'env | grep -c STEPBOX || :'
	is "$(sort -u <<<"$output")" 0
	run -0 share 3 --container-workdir=/tmp --container="$B" pwd
	is "$(sort -u <<<"$output")" /tmp
	A mkdir -p w0 w1
	run -0 share 2 --container-mount-home --container-workdir='/home/alice/w$SLURM_PROCID' --container="$B" pwd
	is "$(sort <<<"$output")" $'/home/alice/w0\n/home/alice/w1'
	# (22.05's slurmstepd hangs at times with --input of each task's own,
	# with a container and without.)
	run -0 A bash -c 'rm -f out.*; srun -Q -N1 -w n1 -n3 --chdir=/home/alice --input=none --output=out.%t --container=$0 sh -c "cat; echo \$SLURM_PROCID; echo err >&2"; grep -hv ^stepbox out.0 out.1 out.2' "$B"
	is "$output" $'0\nerr\n1\nerr\n2\nerr'
	run -0 bash -c 'echo "of task 0" | "$@"' - "$TOP/test/cluster" run "$SB_CLUSTER" -u alice -- srun -Q -N1 -w n1 -n3 --chdir=/ --input=0 --container="$B" sh -c 'read -r l; echo "$SLURM_PROCID:$l"'
	is "$(sort <<<"$output")" $'0:of task 0\n1:\n2:'
}

@test "--multi-prog: each task another program" {
	slurm_at_least 23.11 || skip "srun itself hides the program from a plugin"
	A bash -c 'printf "%s\n" "0 echo zero" "1-2 echo other %t" >prog'
	run -0 --separate-stderr A srun -Q -N1 -w n1 -n3 --container="$B" --multi-prog prog
	is "$(sort <<<"$output")" $'other 1\nother 2\nzero'
}

@test "exit codes and signals are each task's own" {
	run -5 share 4 --container="$B" sh -c 'exit $((SLURM_PROCID == 2 ? 5 : 0))'
	fails_with 139 share 3 --container="$B" sh -c '[ $SLURM_PROCID != 1 ] || kill -SEGV $$'
	fails_with 127 share 4 --container="$B" nonesuch
	has "nonesuch: not found in the container"
}

@test "ranks read each other's memory and share /dev/shm" {
	run -0 share 4 --container="$B" ranks
	is "$(sort <<<"$output")" $'rank 0 read rank 1\nrank 1 read rank 2\nrank 2 read rank 3\nrank 3 read rank 0'
	# As they do without a container.
	run -0 share 2 /images/centos/rootfs/bin/ranks /dev/shm/plain
	has "rank 1 read rank 0"
	A rm -rf /dev/shm/plain
	# As root inside, too.
	run -0 share 2 --container-remap-root --container="$B" ranks
	has "rank 1 read rank 0"
}

@test "256 tasks on two nodes, one process of ours on each" {
	run -0 A srun -Q -N2 -n256 --overcommit --chdir=/ --container="$B" sh -c \
		'echo "$SLURMD_NODENAME $(stat -Lc %i /proc/self/ns/mnt)"'
	is "$(lines)" 256
	is "$(sort -u <<<"$output" | wc -l)" 2
	start_step 8
	run C bash -c 'for p in /proc/[0-9]*/cmdline; do
		[[ $(tr "\0" " " 2>/dev/null <"$p") == /dev/stepbox/init* ]] && echo; done | wc -l'
	is "$output" 1
	run C bash -c 'for p in /proc/[0-9]*/exe; do readlink "$p"; done 2>/dev/null | grep -cE "/(stepbox|crun|runc)$" || :'
	is "$output" 0
	A scancel "$job"
	until_true 20 ended
}

# The same command in a container of its own, as the runtime makes it.
@test "a joined task has what the runtime gives: status, limits, mounts" {
	C bash -c 'rm -rf /images/strict; cp -a /images/nopid /images/strict
		cd /images/strict && jq ".process.noNewPrivileges = true |
			.process.capabilities.bounding = [\"CAP_KILL\", \"CAP_CHOWN\"] |
			.process.capabilities.inheritable = [\"CAP_KILL\"] |
			.process.capabilities.permitted = [\"CAP_KILL\"] |
			.process.capabilities.effective = [\"CAP_KILL\"] |
			.process.capabilities.ambient = [\"CAP_KILL\"] |
			.process.cwd = \"/etc\" |
			.linux.seccomp = {defaultAction: \"SCMP_ACT_ALLOW\", syscalls: [
				{names: [\"mkdir\", \"mkdirat\"], action: \"SCMP_ACT_ERRNO\", errnoRet: 99}]}" \
			config.json >new && mv new config.json'
	# The shared one has two more mounts of ours, and needs no status file.
	look='grep -vE "^(Name|Pid|PPid|Tgid|Ngid|NS|Vm|Rss|Threads|Hugetlb|SigQ|voluntary|nonvoluntary|Cpus|Mems|TracerPid|State|FDSize|THP|untag|x86|Core|Spec|Seccomp_f)" /proc/self/status
		cat /proc/self/limits; ulimit -c; umask; pwd
		cut -d" " -f 2-4 /proc/self/mounts | sed "s,/fd/[0-9]*,/fd/N,g" | grep -vE "/dev/stepbox|/dev/console|/dev/pts"
		mkdir /tmp/x 2>&1; cat /proc/self/oom_score_adj; stat -c "%n %A %u %g %t %T" /dev/*; env | grep -v "^SLURM" | sort'
	for bundle in /images/strict /images/nopid; do
		for more in "" --container-remap-root --container-mount-home; do
			ash 'umask 027; ulimit -Sn 777; export A=1
				srun -Q -N1 -w n1 -n2 --chdir=/home/alice --container-per=$1 $4 --container=$2 sh -c "
					[ \$SLURM_PROCID = 1 ] || exit 0; $3"' node "$bundle" "$look" $more 2>&1 | grep -vE "^(/dev/stepbox|stepbox:) " >"$BATS_TEST_TMPDIR/node"
			ash 'umask 027; ulimit -Sn 777; export A=1
				srun -Q -N1 -w n1 -n2 --chdir=/home/alice --container-per=$1 $4 --container=$2 sh -c "
					[ \$SLURM_PROCID = 1 ] || exit 0; $3"' task "$bundle" "$look" $more 2>&1 | grep -vE "^(/dev/stepbox|stepbox:) " >"$BATS_TEST_TMPDIR/task"
			[[ $(wc -l <"$BATS_TEST_TMPDIR/node") -gt 40 ]]
			diff -u "$BATS_TEST_TMPDIR/task" "$BATS_TEST_TMPDIR/node"
		done
	done
}

@test "RunTimeExec: tasks enter by the runtime" {
	conf "Runtime=$SB_RUNTIME" ContainerJoin=exec
	run -0 --separate-stderr share 4 --container="$B" sh -c 'stat -Lc %i /proc/self/ns/mnt; id -u; echo "rank $SLURM_PROCID"; pwd'
	is "$(grep -cx 2001 <<<"$output")" 4
	is "$(sort -u <<<"$output" | grep -c .)" 7
	run -9 share 3 --container="$B" sh -c 'exit $((SLURM_PROCID == 1 ? 9 : 0))'
	fails_with 127 share 2 --container="$B" nonesuch
	has "nonesuch: not found"
	conf "Runtime=$SB_RUNTIME" ContainerJoin=exec 'RunTimeExec="/usr/bin/false %x"'
	run -1 share 2 --container="$B" true
}

@test "RunTimeRun alone: one per task, said once" {
	conf 'RunTimeRun="crun --root=%m/crun --cgroup-manager=disabled run --bundle=%b %n.%j.%s.%t"' \
		'RunTimeKill="crun --root=%m/crun kill %n.%j.%s.%t KILL"' \
		'RunTimeDelete="crun --root=%m/crun delete --force %n.%j.%s.%t"'
	run -0 --separate-stderr share 4 --container="$B" sh -c 'echo $PPID'
	is "$(sort <<<"$output" | uniq -c | xargs)" "4 1"
	is "$(grep -c "one container per task" <<<"$stderr")" 1
	# Who asks for it need not be told.
	run -0 --separate-stderr share 4 --container-per=task --container="$B" true
	is "$stderr" ""
}

@test "what needs a container of its own gets one" {
	C bash -c 'rm -rf /images/hooked; cp -a /images/centos /images/hooked
		cd /images/hooked && jq ".hooks.poststop = [{path: \"/bin/sh\", args: [\"sh\", \"-c\", \"cat >/dev/null; touch /tmp/poststop.\$\$\"]}]" \
			config.json >new && mv new config.json'
	run -0 --separate-stderr share 2 --container=/images/hooked sh -c 'echo $PPID'
	is "$(sort <<<"$output" | uniq -c | xargs)" "2 1"
	is "$(grep -c "poststop" <<<"$stderr")" 1
	A bash -c 'mkdir -p d0 d1; touch d0/of-0 d1/of-1'
	run -0 --separate-stderr share 2 --container-mounts='/home/alice/d%t:/mnt' --container="$B" sh -c 'ls /mnt'
	is "$(sort <<<"$output")" $'of-0\nof-1'
	is "$stderr" ""
	# Each task's data, whoever wants the container writable.
	C install -d -m 1777 /tmp/store /tmp/store/{0,1}
	conf "Runtime=$SB_RUNTIME" "RunTimeMode=$SB_MODE" WritableDefault=yes WritablePath=/tmp/store/%t
	run -0 share 2 --container="$B" sh -c 'echo $PPID'
	is "$(sort <<<"$output" | uniq -c | xargs)" "2 1"
	run -0 share 2 --container-readonly --container="$B" sh -c 'echo $PPID'
	is "$(sort -u <<<"$output" | grep -cx 1 || :)" 0
}

@test "a container that cannot be made: told once, all tasks end with its code" {
	C bash -c 'printf "#!/bin/sh\necho the runtime has its own words >&2; exit 3\n" >/usr/local/sbin/talks; chmod 755 /usr/local/sbin/talks'
	conf "Runtime=$SB_RUNTIME" RunTimeMode=create RunTimeCreate=talks
	fails_with 125 share 8 --container="$B" true
	is "$(grep -c "its own words" <<<"$output")" 1
	is "$(grep -c "^stepbox: RunTimeCreate" <<<"$output")" 1
	default_conf
	fails_with 125 share 8 --container=/images/nonesuch true
	is "$(grep -c "^stepbox:" <<<"$output")" 1
	conf "Runtime=$SB_RUNTIME" RunTimeMode=create RunTimeStart=/bin/false
	fails_with 125 share 8 --container="$B" true
	is "$(grep -c "^stepbox:" <<<"$output")" 1
}

@test "writable: one layer for all tasks, also over the files of others" {
	run -0 share 3 --container-writable --container="$B" sh -c '
		echo "$SLURM_PROCID" >"/etc/my-$SLURM_PROCID"
		mv "/etc/my-$SLURM_PROCID" "/etc/of-$SLURM_PROCID"
		while [ "$(ls /etc/of-* | wc -l)" != 3 ]; do sleep 0.05; done
		cat /etc/of-*'
	is "$(sort <<<"$output" | uniq -c | awk '{print $1}' | sort -u)" 3
	until_true 20 nothing_left
}

@test "what tasks leave behind in the container ends with it" {
	run -0 share 2 --container="$B" sh -c '(setsid sleep 4242 </dev/null >/dev/null 2>&1 &) ; sleep 0.3'
	until_true 20 ended
}

@test "a task that ends early, and one that comes late" {
	run -0 share 4 --container="$B" sh -c '[ $SLURM_PROCID = 3 ] || exit 0; sleep 1; cat /proc/self/mounts | grep -c /dev/stepbox/init'
	is "$output" 1
	A bash -c 'printf "#!/bin/sh\n[ \$SLURM_PROCID != 2 ] || sleep 1\n" >late; chmod 755 late'
	run -0 A srun -Q -N1 -w n1 -n3 --task-prolog=/home/alice/late --chdir=/ --container="$B" sh -c 'stat -Lc %i /proc/self/ns/mnt'
	is "$(sort -u <<<"$output" | wc -l)" 1
}

@test "the container's process leaves by itself" {
	before=$(C grep -c "did not end with its tasks" "$SB_CLUSTER/slurmd.n1.log" || :)
	for i in 1 2 3 4 5; do
		share 4 --container="$B" true
	done
	after=$(C grep -c "did not end with its tasks" "$SB_CLUSTER/slurmd.n1.log" || :)
	is "$before" "$after"
}

@test "SIGKILL of the container's process: tasks go on, late ones get another" {
	start_step 4
	pid=$(C bash -c 'for p in /proc/[0-9]*; do [[ $(tr "\0" " " <"$p/cmdline" 2>/dev/null) == "/dev/stepbox/init "* ]] && echo "${p#/proc/}"; done; true')
	[[ $pid == +([0-9]) ]]
	C kill -KILL "$pid"
	is "$(sleepers)" 4
	A scancel "$job"
	until_true 20 ended
	A bash -c 'printf "#!/bin/sh\n[ \$SLURM_PROCID != 1 ] || sleep 2\n" >late; chmod 755 late'
	ash 'srun -Q -N1 -w n1 -n2 --task-prolog=/home/alice/late --chdir=/ --container="$B" sh -c "echo in; sleep 4" >out 2>&1; echo $? >>out' >/dev/null 2>&1 3>&- &
	until_true 20 A grep -q in out
	C bash -c 'for p in /proc/[0-9]*; do [[ $(tr "\0" " " <"$p/cmdline" 2>/dev/null) == "/dev/stepbox/init "* ]] && kill -KILL "${p#/proc/}"; done; true'
	until_true 20 A grep -qx 0 out
	run A grep -c in out
	is "$output" 2
}

@test "a terminal in a joined task: its name, job control, another's too" {
	run -0 A script -qec "srun -Q -N1 -w n1 -n2 --chdir=/ --pty --container=$B sh -c 'tty; test -t 0 && echo terminal; true'" /dev/null
	has /dev/console
	has terminal
}

# ---- SIGKILL at points ----

# killed POINT... : a step of 16 tasks, of which one runs under strace with
# POINT as its fault injection; it must end, by itself, with at most one line of
# ours, and leave nothing (teardown looks). With -f the processes that it starts
# are under strace too: the container's maker, the runtime.
killed() {
	rm -f "$BATS_TEST_TMPDIR/out"
	C bash -c 'cat >/tmp/point; rm -rf /tmp/point.out*' <<<"$*"
	run A timeout 60 srun -Q -N1 -w n1 -n16 --chdir=/ --container="$B" true
	[[ $status -ne 124 ]] || {
		echo "$*: the step does not end"
		return 1
	}
	is "$(grep -c "^stepbox: " <<<"$output" | sed 's/^1$/0/')" 0
	until_true 20 nothing_left || {
		echo "$*: $output"
		leftovers
		return 1
	}
	codes+=" $status"
}

# As root in the cluster: the helper is replaced by a script which has task $1
# (first: whoever is first) run it under strace.
trap_helper() {
	C bash -c 'cd /usr/local/bin && mv stepbox stepbox.real && cat >stepbox && chmod 755 stepbox' <<-'END'
		#!/bin/bash
		# In the first task to come; the others let it take the lock.
		if ! mkdir "/tmp/point.out.$SLURM_JOB_ID" 2>/dev/null; then
			until [[ -e /tmp/point.out.$SLURM_JOB_ID/pid ]]; do sleep 0.01; done
			while kill -0 "$(cat "/tmp/point.out.$SLURM_JOB_ID/pid")" 2>/dev/null &&
				[[ ! -e $SLURM_STEPBOX_DIR/shared.lock ]]; do sleep 0.01; done
			exec /usr/local/bin/stepbox.real "$@"
		fi
		echo $$ >"/tmp/point.out.$SLURM_JOB_ID/new"
		mv "/tmp/point.out.$SLURM_JOB_ID/"{new,pid}
		exec strace -D -qq -o /dev/null $(cat /tmp/point) /usr/local/bin/stepbox.real "$@"
	END
}

untrap_helper() {
	C bash -c 'cd /usr/local/bin && [[ ! -e stepbox.real ]] || mv stepbox.real stepbox; rm -rf /tmp/point*'
}

# killed_at LEAST CODES OPTION POINT...: killed at each POINT, SYSTEM-CALLS:NTH,
# with strace's OPTION beside. Of the steps' exit codes LEAST must match CODES:
# nearly each point was met (another task may have been faster), or this has
# tested nothing.
killed_at() {
	local least=$1 met=$2 option=$3 point codes=
	shift 3
	trap_helper
	for point; do
		killed "$option -e trace=${point%:*} -e inject=${point%:*}:signal=KILL:when=${point#*:}"
	done
	untrap_helper
	[[ $(grep -oE " ($met)\>" <<<"$codes" | wc -l) -ge $least ]] || {
		echo "exit codes:$codes"
		return 1
	}
}

@test "SIGKILL of one task of 16, at each point from the lock to the command" {
	killed_at 9 137 '' openat:1 fcntl:1 clone,fork,vfork:1 wait4:1 \
		renameat:1 close:1 openat:3 setns:1 setns:2 setns:3 chdir:1 \
		execve:2 execve:3
}

@test "SIGKILL of the container's maker and its runtime, at each point" {
	killed_at 8 '1[23][57]' -f unshare:1 mkdirat:1 mknodat:1 renameat:1 \
		renameat:3 pivot_root:1 mount:1 mount:5 execveat:1 prctl:2 \
		setsid:1 poll:1
}
