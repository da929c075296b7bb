#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The verbs about containers that run: ps, exec, kill, clean; and what --debug
# tells. For each runtime in each mode.
load lib

# Tasks that share a container, and one each.
PERS=("--container-per=node" "--container-per=task")

# begin N [SRUN OPTION...] -- CMD...: a step of N tasks on n1 which all say that
# they run; sets job.
begin() {
	local n=$1 options=() script
	shift
	while [[ $1 != -- ]]; do
		options+=("$1")
		shift
	done
	shift
	script='echo $SLURM_PROCID >"/work/up.$SLURM_PROCID"; exec "$@"'
	A bash -c 'rm -rf work; mkdir work'
	ash 'srun -Q -N1 -w n1 --overcommit --chdir=/ --container-mounts=/home/alice/work:/work "$@" >out 2>&1; echo $? >rc' \
		"-n$n" "${options[@]}" sh -c "$script" sh "$@" >/dev/null 2>&1 3>&- &
	until_true 60 eval "[[ \$(A ls work | grep -c up) -eq $n ]]" || return 1
	job=$(A squeue -h -o %i)
}

# Words of `stepbox ps --json`: as alice, jq's filter.
# shellcheck disable=SC2086 # words
listed() { A stepbox ps --json ${2-} | jq -r ".[] | $1"; }

states() { listed .state "${1-}" | sort | uniq -c | xargs; }

exec_in() { A stepbox exec "$@"; }

# What a process has, as one text.
look='grep -E "^(Uid|Gid|Groups|Cap|NoNewPrivs|Seccomp:)" /proc/self/status
	for n in user mnt ipc pid uts net cgroup; do readlink /proc/self/ns/$n; done
	pwd; id -u; env | grep -v -e "^SHLVL=" -e "^_=" -e "^PWD=" -e "^OLDPWD=" | sort
	mkdir /tmp/denied 2>&1; rmdir /tmp/denied 2>/dev/null; true'

@test "ps: a line for each task, of one's own; of everybody for root" {
	for per in "${PERS[@]}"; do
		begin 3 --container="$B" "$per" -- sleep 4242
		run -0 A stepbox ps
		is "${#lines[@]}" 4
		for i in 0 1 2; do
			[[ ${lines[i + 1]} =~ ^"$job.0.$i "\ *n1\ +alice\ +$SB_RUNTIME\ +running\ +[0-9]+\ +20[0-9-]+T[0-9:]+\ +-\ +"$B"$ ]] || {
				echo "${lines[i + 1]}"
				return 1
			}
		done
		run -0 C stepbox ps
		is "${#lines[@]}" 4
		run -0 "$TOP/test/cluster" run "$SB_CLUSTER" -u bob -- stepbox ps
		is "${#lines[@]}" 1
		# What is said of processes is so.
		is "$(listed '"\(.job).\(.step_id).\(.task) \(.shared) \(.node) \(.exit)"' | sort | xargs)" \
			"$(for i in 0 1 2; do
				[[ $per == *node ]] && shared=true || shared=false
				echo "$job.0.$i $shared n1 null"
			done | xargs)"
		for pid in $(listed .pid); do
			is "$(C stat -c %u "/proc/$pid")" 2001
			[[ $(C readlink "/proc/$pid/ns/mnt") != $(C readlink /proc/self/ns/mnt) ]]
		done
		A scancel "$job"
		until_true 20 ended
		until_true 20 no_jobs
	done
	run -0 A stepbox ps
	is "${#lines[@]}" 1
	is "$(A stepbox ps --json | jq -c .)" "[]"
}

@test "ps: suspended, ended with its exit code, batch scripts, several nodes" {
	begin 2 --container="$B" --container-per=task -- sh -c \
		'[ $SLURM_PROCID = 0 ] || exit 5; sleep 4242'
	until_true 20 eval '[[ $(states --all) == "1 ended 1 running" ]]'
	is "$(states)" "1 running"
	if [[ $SB_MODE == create ]]; then
		is "$(listed 'select(.state == "ended").exit' --all)" 5
		run -0 A stepbox ps -a
		[[ $output =~ \ ended\ +-\ .*\ 5:0\  ]]
	fi
	run -0 A stepbox kill -s STOP "$job"
	until_true 20 eval '[[ $(states) == "1 suspended" ]]'
	run -0 A stepbox kill -s CONT "$job"
	until_true 20 eval '[[ $(states) == "1 running" ]]'
	A scancel "$job"
	until_true 20 no_jobs
	ash 'sbatch -Q -N2 -w n1,n2 -o /dev/null --container="$B" --wrap "exec sleep 4242"
		srun -Q -w n2 --chdir=/ --container="$B" sleep 4242 >/dev/null 2>&1 3>&- &' >/dev/null
	until_true 30 eval '[[ $(states) == "2 running" ]]'
	is "$(listed '"\(.node) \(.step)"' | sed 's/ [0-9]*\./ /' | sort | xargs)" "n1 batch n2 0"
}

@test "exec: has what the task has; shared and per task; as root, strict, without pid namespace" {
	C bash -c 'rm -rf /images/strict; cp -a /images/centos /images/strict
		cd /images/strict && jq ".process.noNewPrivileges = false |
			.process.capabilities = {bounding: [\"CAP_KILL\", \"CAP_CHOWN\"],
				inheritable: [\"CAP_KILL\"], permitted: [\"CAP_KILL\"],
				effective: [\"CAP_KILL\"], ambient: [\"CAP_KILL\"]} |
			.process.env += [\"OF=bundle\"] |
			.linux.seccomp = {defaultAction: \"SCMP_ACT_ALLOW\", syscalls: [
				{names: [\"mkdir\", \"mkdirat\"], action: \"SCMP_ACT_ERRNO\", errnoRet: 99}]}" \
			config.json >new && mv new config.json'
	for per in "${PERS[@]}"; do
		for more in "" --container-remap-root; do
			for bundle in /images/strict /images/nopid; do
				# shellcheck disable=SC2086 # words
				begin 4 --container="$bundle" "$per" --container-workdir=/tmp $more -- sh -c \
					"{ $look; } >/work/look.\$SLURM_PROCID; touch /work/done.\$SLURM_PROCID; exec sleep 4242"
				until_true 30 eval '[[ $(A ls work | grep -c done) -eq 4 ]]'
				for rank in 0 3; do
					# With an environment of its own, which is not to be seen.
					run -0 ash 'cd; env -i PATH="$PATH" X=1 stepbox exec "$1" sh -c "$2"' "$job.0.$rank" "$look"
					echo "$output" >"$BATS_TEST_TMPDIR/exec"
					A cat "work/look.$rank" >"$BATS_TEST_TMPDIR/task"
					[[ $(wc -l <"$BATS_TEST_TMPDIR/task") -gt 20 ]]
					diff -u "$BATS_TEST_TMPDIR/task" "$BATS_TEST_TMPDIR/exec" || {
						echo "$per $more $bundle"
						return 1
					}
				done
				A scancel "$job"
				until_true 20 ended
				until_true 20 no_jobs
			done
		done
	done
}

@test "exec: exit codes, signals, streams" {
	for per in "${PERS[@]}"; do
		begin 2 --container="$B" "$per" -- sleep 4242
		run -9 exec_in "$job" sh -c 'exit 9'
		fails_with 127 exec_in "$job" nonesuch
		has "command nonesuch: not found in the container"
		fails_with 126 exec_in "$job" /etc/passwd
		fails_with 137 exec_in "$job" sh -c 'kill -KILL $$'
		fails_with 139 exec_in "$job" sh -c 'kill -SEGV $$'
		run -0 ash 'head -c 3000000 /dev/urandom >in; stepbox exec "$1" sh -c "cat; echo err >&2" <in 2>err | cmp - in && cat err' "$job"
		is "$output" err
		# A signal is the command's, once.
		run -0 ash ': >out.exec; stepbox exec "$1" sh -c "trap \"echo got; exit 4\" TERM; echo up; while :; do sleep 0.05; done" >out.exec &
			until grep -q up out.exec; do sleep 0.05; done
			kill $!; wait $!; echo $?; cat out.exec' "$job"
		is "$output" $'4\nup\ngot'
		A scancel "$job"
		until_true 20 ended
		until_true 20 no_jobs
	done
}

# A job that says when it is in the foreground.
go='sh -c "echo g\"\"o; exec sleep 61"'

# on_terminal CODE COMMAND...: a shell at a keyboard, which must have job control.
on_terminal() {
	local code=$1
	shift
	run -"$code" "$TOP/test/cluster" run "$SB_CLUSTER" -u alice -e TERM=xterm-256color -- \
		"$TOP/test/slurm/terminal" --size 31x97 'wait:[$#] ' \
		"send:PS1=read\"y> \"; PS2=\\n" 'wait:ready> ' \
		'send:tty; stty size; echo $TERM\n' 'wait:\n/dev/pts/[0-9]+\r+\n31 97\r+\nxterm-256color' 'wait:ready> ' \
		"send:$go\n" 'wait:\ngo\r' 'send:\003' 'wait:ready> ' \
		'send:echo rc=$?\n' 'wait:\nrc=130' 'wait:ready> ' \
		"send:$go\n" 'wait:\ngo\r' 'send:\032' 'wait:Stopped.*' 'wait:ready> ' \
		'send:fg\n' 'wait:sleep' 'pause:0.3' 'send:\003' 'wait:ready> ' \
		size:40x120 'send:until [ "$(stty size)" = "40 120" ]; do :; done; echo lar""ger\n' \
		'wait:\nlarger\r' 'wait:ready> ' 'send:exit 7\n' -- "$@"
	[[ $status -eq $code ]] || {
		echo "$*: exit code $status: $output"
		return 1
	}
	lacks "job control"
	lacks "not a tty"
}

@test "exec: with a terminal, on the node and by srun --overlap" {
	for per in "${PERS[@]}"; do
		begin 4 --container="$B" "$per" -- sleep 4242
		on_terminal 7 stepbox exec "$job" sh
		on_terminal 7 stepbox exec -t "$job.0.3" sh
		# The manual's line.
		on_terminal 7 srun --overlap --jobid="$job" -w n1 -n1 --pty stepbox exec "$job" sh
		# Nothing of it is left, and the step is as it was.
		is "$(states)" "4 running"
		run C pgrep -u alice -f 'stepbox exec|61$'
		is "$output" ""
		A scancel "$job"
		until_true 20 ended
		until_true 20 no_jobs
	done
	# -t without a terminal of one's own.
	begin 1 --container="$B" -- sleep 4242
	run -3 A stepbox exec -t "$job" sh -c 'test -t 0 && test -t 2 && exit 3'
}

@test "exec: no descriptor of the node's gets in, none by hand into a shared one" {
	for per in "${PERS[@]}"; do
		begin 2 --container="$B" "$per" -- sleep 4242
		for t in "" -t; do
			run -0 ash 'exec 9</ 11</etc/passwd; stepbox exec $2 "$1" sh -c "ls -1 /proc/\$\$/fd; true" | tr -d "\r" | sort' "$job" "$t"
			is "$output" $'0\n1\n2'
		done
		A scancel "$job"
		until_true 20 no_jobs
	done
	run -0 ash 'srun -Q -N1 -n1 -w n1 bash -c "cd /; d=\$(mktemp -d); exec 9</ 11</etc/passwd
		(for task in 0 1; do SLURM_LOCALID=\$task SLURM_PROCID=\$task stepbox run --dir=\$d --tasks=2 --bundle=$B -- \
			sh -c \"ls /proc/\\\$\\\$/fd; true\" & done; wait) | sort; rm -rf \$d"'
	is "$output" $'0\n0\n1\n1\n2\n2'
}

@test "exec -t: a reader that goes or is slow, an input without an end of line" {
	begin 1 --container="$B" -- sleep 4242
	run -0 ash 'timeout 60 stepbox exec -t "$1" yes </dev/null | head -n 1; [[ ${PIPESTATUS[0]} == 1[24][19] ]]' "$job"
	is "${output%$'\r'}" y
	run -0 ash 'printf abc | timeout 60 stepbox exec -t "$1" cat' "$job"
	has abc
	run -0 ash 'printf "abc\n" | timeout 60 stepbox exec -t "$1" cat' "$job"
	# What does not wait for its reader: the other end of this pipe is slow.
	run -0 ash 'timeout 60 python3 -c "
import os, subprocess, sys, time
r, w = os.pipe()
os.set_blocking(w, False)
p = subprocess.Popen([\"stepbox\", \"exec\", \"-t\", sys.argv[1], \"seq\", \"60000\"], stdin=subprocess.DEVNULL, stdout=w)
os.close(w)
time.sleep(0.5)
n = 0
while True:
    s = os.read(r, 65536)
    if not s:
        break
    n += s.count(b\"\n\")
print(n, p.wait())" "$1"' "$job"
	is "$output" "60000 0"
}

@test "exec: ends with the container" {
	for bundle in "$B" /images/nopid; do
		for per in "${PERS[@]}"; do
			for t in "" -t; do
				begin 2 --container="$bundle" "$per" -- sleep 4242
				ash 'stepbox exec $2 "$1" sh -c "echo in; exec sleep 4243" >out.exec 2>&1; echo $? >rc.exec' \
					"$job" "$t" >/dev/null 2>&1 3>&- &
				until_true 20 eval 'A grep -q in out.exec'
				A rm -f rc.exec
				A scancel "$job"
				is "$(wait_line /home/alice/rc.exec)" 137
				A rm -f out.exec
				until_true 20 no_jobs
			done
		done
	done
}

@test "exec and kill: which one is meant" {
	ash 'sbatch -Q -w n1 -n4 -o /dev/null --container="$B" --wrap "exec sleep 4242"' >/dev/null
	until_true 30 eval '[[ $(states) == "1 running" ]]'
	job=$(A squeue -h -o %i)
	run -0 exec_in "$job" echo one
	is "$output" one
	ash 'srun -Q --jobid="$1" --overlap -n2 --chdir=/ --container="$B" sleep 4242 >/dev/null 2>&1 3>&- &' "$job"
	until_true 30 eval '[[ $(states) == "3 running" ]]'
	fails_with 125 exec_in "$job" true
	has "has containers of several steps here: name one of $job.0 $job.batch"
	run -0 exec_in "$job.0.1" sh -c 'echo "$SLURM_STEP_ID $SLURM_PROCID"'
	is "$output" "0 1"
	run -0 exec_in "$job.batch" sh -c 'echo "$SLURM_JOB_ID $SLURM_PROCID"'
	is "$output" "$job 0"
	fails_with 125 exec_in "$job.0.2" true
	has "task 2 is not on this node"
	fails_with 125 exec_in 4294967000 true
	has "has no container of yours on this machine"
	fails_with 125 exec_in "$job.x" true
	has "not JOB[.STEP[.TASK]]"
	fails_with 125 exec_in "$job"
	has "needs JOB"
	# Others' are not there, for root neither.
	fails_with 125 "$TOP/test/cluster" run "$SB_CLUSTER" -u bob -- stepbox exec "$job.0" true
	has "has no container of yours"
	fails_with 125 C stepbox exec "$job.0" true
	has "the container is another's"
	run -0 C runuser -u alice -- stepbox exec "$job.0" id -u
	is "$output" 2001
}

@test "kill: a step, a task, by root; not others'" {
	trap='for s in USR1 USR2 TERM; do trap "echo $s.$SLURM_PROCID >>/work/got" $s; done; touch /work/set.$SLURM_PROCID; while :; do sleep 0.05; done'
	for per in "${PERS[@]}"; do
		begin 3 --container="$B" "$per" -- sh -c "$trap"
		until_true 20 eval '[[ $(A ls work | grep -c set) -eq 3 ]]'
		run -0 A stepbox kill "$job"
		until_true 20 eval '[[ $(A sort work/got | xargs) == "TERM.0 TERM.1 TERM.2" ]]'
		A rm work/got
		run -0 A stepbox kill "$job.0.1" -s USR1
		run -0 C stepbox kill --signal=sigusr2 "$job.0.2"
		until_true 20 eval '[[ $(A sort work/got | xargs) == "USR1.1 USR2.2" ]]'
		fails_with 125 "$TOP/test/cluster" run "$SB_CLUSTER" -u bob -- stepbox kill "$job"
		has "no such task runs on this machine"
		fails_with 125 A stepbox kill -s NONE "$job"
		has "-s NONE: no such signal"
		fails_with 125 A stepbox kill "$job.0.3"
		run -0 A stepbox kill -s 9 "$job"
		until_true 20 no_jobs
		is "$(A sort -u work/got | xargs)" "USR1.1 USR2.2"
	done
}

# stepd STEP: the pid of its slurmstepd.
stepd() { C pgrep -f "^slurmstepd: \[$1\]"; }

@test "clean: what a dead slurmstepd left, by its user and by root; not what lives" {
	for per in "${PERS[@]}"; do
		begin 2 --container="$B" "$per" -- sleep 4242
		run -0 A stepbox clean
		is "$output" ""
		run -0 C stepbox clean
		is "$output" ""
		is "$(states)" "2 running"
		C kill -KILL "$(stepd "$job.0")"
		# The helper that stands beside a container ends it then.
		orphans="2 orphaned"
		[[ $SB_MODE != create || $per == *node ]] || orphans=
		until_true 20 eval '[[ $(states) == "$orphans" ]]'
		run -0 "$TOP/test/cluster" run "$SB_CLUSTER" -u bob -- stepbox clean
		is "$output" ""
		run -0 A stepbox clean 4294967000
		is "$output" ""
		is "$(states)" "$orphans"
		run -0 A stepbox clean
		has "$job.0.0:"
		has "emptied"
		ended
		is "$(C find "/run/stepbox/n1/$job.0.0" -mindepth 1)" ""
		run -0 C stepbox clean "$job"
		has "$job.0.0: removed"
		is "$(C find /run/stepbox/n1 -name "$job*")" ""
		A scancel "$job"
		C bash -c 'pgrep -u alice srun | xargs -r kill -KILL 2>/dev/null || :'
		until_true 30 no_jobs
		begin 1 --container="$B" -- sleep 4242
		C kill -KILL "$(stepd "$job.0")"
		run -0 C stepbox clean
		has "$job.0.0: removed"
		ended
		A scancel "$job"
		C bash -c 'pgrep -u alice srun | xargs -r kill -KILL 2>/dev/null || :'
		until_true 30 no_jobs
	done
}

@test "clean: one place of many that is not as it must be stops nothing" {
	C bash -c 'mkdir -p -m 755 /run/many
		cd /run/many
		echo ContainerPath=/run/many/%j >conf
		for job in 4 5 6; do
			mkdir -p $job/n1/.owner
			mkdir -m 700 $job/n1/$job.0.0
			chown 2001 $job/n1/$job.0.0
			echo "2001 2001 1 1 1 another-boot" >$job/n1/.owner/$job.0.0
		done
		chmod 777 5'
	run C stepbox clean --conf=/run/many/conf
	is "$status" 125
	has "4.0.0: removed"
	has "6.0.0: removed"
	has "stepbox: clean: ContainerPath /run/many/5: must be root's and writable by root alone"
	is "$(C ls /run/many)" $'5\nconf'
	C chmod 755 /run/many/5
	run -0 C stepbox clean --conf=/run/many/conf
	is "$output" "5.0.0: removed"
	C rm -r /run/many
}

@test "--container-debug, its variables and -vv: phases, calls, what is dropped" {
	local text
	told() {
		has "RunTimeMode=$SB_MODE (node n1, task 0)"
		has "ms: in a user namespace (node n1, task 0)"
		has "linux.uidMappings: dropped: the job's user is mapped (node n1, task 0)"
		[[ $output =~ [0-9]\.[0-9]\ ms:\ task\ 0:\ $SB_RUNTIME\ $SB_MODE,\ pid\ [0-9]+,\ prepared\ in\ [0-9.]+\ ms ]]
		if [[ $SB_MODE == run ]]; then
			has "ms: RunTimeRun: /usr/"
		else
			has "ms: RunTimeCreate: exit code 0"
			[[ $output =~ "task 0: $SB_RUNTIME create, pid "[0-9]+", prepared in "[0-9.]+" ms, created in "[0-9.]+" ms, started in "[0-9.]+" ms, ran "[0-9.]+" ms, exit code 3" ]]
			# The same line is in the log.
			text=${BASH_REMATCH[0]}
			until_true 20 C grep -qF -- "$text" "$SB_CLUSTER/slurmd.n1.log"
		fi
	}
	run -3 A srun -Q -w n1 --chdir=/ --container-debug --container="$B" sh -c 'exit 3'
	told
	run -3 ash 'SRUN_CONTAINER_DEBUG=yes srun -Q -w n1 --chdir=/ --container="$B" sh -c "exit 3"'
	told
	run -3 ash 'sbatch -Q --wait -w n1 -D / --container="$B" --container-debug -o /home/alice/out --wrap "exit 3" 2>/dev/null; rc=$?; cat out; exit $rc'
	told
	run ash 'echo "exit 3" | salloc -Q -w n1 -D / --container="$B" --container-debug 2>&1'
	has "ms: in a user namespace (node n1, task 0)"
	# By hand; -v tells no times, and nothing is told without.
	run -0 ash 'stepbox run -vv --bundle="$B" true; stepbox run --debug --bundle="$B" true; SLURM_STEPBOX_DEBUG=yes stepbox run --bundle="$B" true'
	is "$(grep -c "ms: in a user namespace (by hand)" <<<"$output")" 3
	run -0 ash 'stepbox run -v --bundle="$B" true'
	lacks " ms: "
	run -0 A srun -Q -w n1 --chdir=/ --container="$B" true
	is "$output" ""
	# What tasks share, one makes, and each enters.
	run -0 A srun -Q -w n1 -n3 -N1 --chdir=/ --container-debug --container="$B" true
	is "$(grep -c "ms: makes the node's container" <<<"$output")" 1
	is "$(grep -c "ms: RunTimeStart: exit code 0" <<<"$output")" 1
	is "$(grep -c "ms: enters the namespaces user mnt ipc and the inner user's of pid" <<<"$output")" 3
	is "$(grep -c "ms: becomes: /dev/stepbox/init -x " <<<"$output")" 3
	fails_with 255 A srun -Q --container-debug=maybe --container="$B" true
}

@test "mistakes in the verbs" {
	fails_with 125 A stepbox ps --nonesuch
	has "ps: --nonesuch: no such option (see stepbox ps --help)"
	fails_with 125 A stepbox ps more
	fails_with 125 A stepbox ps --conf=/nonesuch
	has "/nonesuch: No such file or directory"
	for verb in ps exec kill clean; do
		run -0 A stepbox "$verb" --help
		has "usage: stepbox $verb"
	done
	C bash -c 'echo ContainerPath=/tmp >/tmp/evil; chown alice /tmp/evil'
	fails_with 125 C stepbox clean --conf=/tmp/evil
	has "root"
	C rm /tmp/evil
}
