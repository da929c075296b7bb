#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Faults 29 to 37: runtimes that are not there, not to be trusted, or not well.
# Run once per proctrack, by crun, as test/programs/fake-runtime is no more than
# crun with faults.

load lib

setup() {
	C install -D -m 755 "$TOP/test/programs/fake-runtime" /opt/rt/fake
	entry
	create_mode
}
teardown() {
	C bash -c 'rm -rf /opt/rt /home/alice/{said,rt,state,uncut} /usr/local/sbin/crun'
	default_conf
	assert_clean
}

# Every operation is the fake's, which is told by the last word of the command.
patterns() {
	local op
	for op in Create Start Query Kill Delete; do
		word=${op,,}
		[[ $op != Query ]] || word=state
		echo "RunTime$op=\"$fake $word %m %b %n.%j.%s.%t %@\""
	done
}
fake=/opt/rt/fake
create_mode() { mapfile -t words < <(patterns) && conf RunTimeMode=create "${words[@]}"; }
run_mode() {
	conf RunTimeMode=run "RunTimeRun=\"$fake run %m %b %n.%j.%s.%t %@\"" \
		'RunTimeKill="/bin/true"' 'RunTimeDelete="/bin/true %m"'
}

# TASKS FAULTS: a step whose command ends with 7, unless the runtime's faults do.
step() {
	status=0
	output=$(A timeout "${LIMIT-60}" srun -Q -w n1 -n"$1" --chdir=/ --container="$B" sh -c 'echo inside; exit 7' "$2" 2>&1) || status=$?
	said=$(grep ^stepbox: <<<"$output" || :)
	[[ $status -ne 124 ]] || {
		echo "does not end: $output"
		return 1
	}
}

# CODE [TEXT]: it ended so; with TEXT, this is the one line of ours.
ended_with() {
	is "$status" "$1" || {
		echo "$output"
		return 1
	}
	[[ ${2-} ]] || {
		is "$said" ""
		return
	}
	is "$(wc -l <<<"$said")" 1
	[[ $said == "stepbox: $2 (node n1, task "[0-9]")" ]] || {
		echo "\"$2\" is not what is said: $said"
		return 1
	}
}

# No process of a fake's is there.
nobody_hangs() {
	[[ $(C bash -c 'cat /proc/[0-9]*/cmdline | tr "\0" " "' 2>/dev/null) != *"sleep 4243"* ]]
}

# ---- 29 ----

@test "fault 29: not found, not executable, wrong arch, script without shebang" {
	local file code why tasks mode
	C bash -c 'cd /opt/rt; cp /bin/true data; chmod 644 data; mkdir dir
		cp /bin/true arch; printf "\xf7\x00" | dd of=arch bs=1 seek=18 conv=notrunc 2>/dev/null
		echo "exit 0" >bare; : >empty; echo "#!/opt/rt/nonesuch" >lost; chmod 755 bare empty lost; ln -s nonesuch link'
	while read -r -u 9 file code why; do
		for mode in run create; do
			fake=/opt/rt/$file
			"${mode}_mode"
			# Before any user namespace is made, the file is looked at.
			op=RunTimeRun
			[[ $mode == run ]] || op=RunTimeCreate
			for tasks in 1 3; do
				[[ $mode$tasks != run3 ]] || continue
				step "$tasks" -
				[[ ${why:0:1} == = ]] && text="runtime $fake: ${why#=}" || text="$op: runtime $fake: $why"
				[[ ${why:0:1} != = || $mode == run ]] || text="$op: $text"
				ended_with "$code" "$text"
				lacks inside
			done
		done
	done 9<<-END
		nonesuch 127 No such file or directory
		link 127 No such file or directory
		data 126 Permission denied
		dir 126 not a file
		arch 126 =Exec format error
		bare 126 =Exec format error
		empty 126 =Exec format error
		lost 127 =No such file or directory
	END
}

# ---- 30 ----

@test "fault 30: writable by non-root, or found only through the user's PATH" {
	local own="must be root's and writable by root alone" dirs="must be root's and not for all to write" rt text mode
	C bash -c 'mkdir -m 755 /home/alice/rt; cd /home/alice/rt; cp /opt/rt/fake hers; chown alice hers; cp /opt/rt/fake roots
		cd /opt/rt; for f in group others; do cp fake $f; done; chown :alice group; chmod 775 group; chmod 757 others
		ln -s /home/alice/rt/hers to-hers; mkdir open sticky; cp fake open; chmod 777 open; cp fake sticky; chmod 1777 sticky'
	while read -r -u 9 rt text; do
		for mode in run create; do
			fake=$rt
			"${mode}_mode"
			op=RunTimeRun
			[[ $mode == run ]] || op=RunTimeCreate
			step 1 -
			ended_with 126 "$op: runtime $rt: $text"
		done
	done 9<<-END
		/home/alice/rt/hers $own
		/opt/rt/group $own
		/opt/rt/others $own
		/opt/rt/to-hers $own
		/opt/rt/open/fake its directory /opt/rt/open $dirs
	END
	# Alice owns the directory: what is root's in it she can put another's name on.
	C chown alice /home/alice/rt
	fake=/home/alice/rt/roots
	create_mode
	step 3 -
	ended_with 126 "RunTimeCreate: runtime /home/alice/rt/roots: its directory /home/alice $dirs"
	# And a link of root's there, wherever it leads, and whoever leads to it.
	C bash -c 'ln -s /opt/rt/fake /home/alice/rt/link; cd /opt/rt; ln -s /home/alice/rt/link far; ln -s ./sticky/../fake near
		cd sticky; ln -s ../fake roots; ln -s ../fake hers; chown -h alice hers'
	while read -r -u 9 rt text; do
		fake=$rt
		create_mode
		step 1 -
		ended_with 126 "RunTimeCreate: runtime $rt: $text"
	done 9<<-END
		/home/alice/rt/link its directory /home/alice $dirs
		/opt/rt/far its directory /home/alice $dirs
		/opt/rt/sticky/hers its link /opt/rt/sticky/hers must be root's
	END
	for fake in /opt/rt/sticky/fake /opt/rt/sticky/roots /opt/rt/near; do
		create_mode
		step 1 -
		ended_with 7
	done
	# By name it is looked for in the compiled-in path, whatever the user's is.
	A cp /opt/rt/fake /home/alice/rt/mycrun
	fake=mycrun
	run_mode
	fails_with 127 "$TOP/test/cluster" run "$SB_CLUSTER" -u alice -e PATH=/home/alice/rt:/usr/bin:/bin -- \
		srun -Q -w n1 --chdir=/ --container="$B" echo inside
	has "stepbox: RunTimeRun: runtime mycrun: not found in /usr/local/sbin:"
	lacks inside
	# And what has the name of one there is not the one that runs.
	A bash -c 'printf "#!/bin/sh\necho hers\n" >/home/alice/rt/crun; chmod 755 /home/alice/rt/crun'
	conf Runtime=crun
	run "$TOP/test/cluster" run "$SB_CLUSTER" -u alice -e PATH=/home/alice/rt:/usr/bin:/bin -- \
		srun -Q -w n1 --chdir=/ --container="$B" echo inside
	is "$output" inside
}

# ---- 31 ----

@test "fault 31: exits 0 without running; exits 1 silently" {
	local tasks
	for tasks in 1 3; do
		step "$tasks" create:exit0
		ended_with 125 "runtime: RunTimeCreate ended well, but there is no container process (pid 0)"
		lacks inside
		step "$tasks" create:exit1
		ended_with 125 "RunTimeCreate: runtime failed with exit code 1 (its own message, if any, is above)"
		lacks inside
		step "$tasks" start:exit1
		ended_with 125 "RunTimeStart: runtime failed with exit code 1 (its own message, if any, is above)"
		lacks inside
	done
	# With words of its own, these are there.
	step 1 create:busy
	ended_with 125 "RunTimeCreate: runtime failed with exit code 1 (its own message, if any, is above)"
	has "create: device or resource busy"
	# Having created all that is to be, it says that it has failed.
	for tasks in 1 3; do
		step "$tasks" create:late-exit1
		ended_with 125 "RunTimeCreate: runtime failed with exit code 1 (its own message, if any, is above)"
		lacks inside
	done
	# By RunTimeRun it is the task, and Slurm has its exit code.
	run_mode
	step 1 run:exit0
	ended_with 0
	lacks inside
	step 1 run:exit1
	ended_with 1
	lacks inside
	has "srun: error: n1: task 0: Exited with exit code 1"
}

# What RunTimeKill was called with.
kills() { C bash -c '[[ ! -e /opt/rt/kills ]] || cat /opt/rt/kills'; }

@test "RunTimeKill: once for a container whose start fails, shared or not" {
	local tasks fault id pid known
	C bash -c ': >/opt/rt/kills; chmod 666 /opt/rt/kills
		cat >/opt/rt/kill; chmod 755 /opt/rt/kill' <<-'END'
		#!/bin/sh
		pid=$(crun --root="$3/crun" state "$1" | sed -n 's/.*"pid": *\([0-9]*\).*/\1/p')
		echo "$1 $2 $pid" >>/opt/rt/kills
	END
	mapfile -t words < <(patterns | sed 's|^RunTimeKill=.*|RunTimeKill="/opt/rt/kill %n.%j.%s.%t %p %m"|')
	conf RunTimeMode=create "${words[@]}"
	for tasks in 1 3; do
		# Nothing was made, or all is well: nothing to end.
		for fault in - create:exit1 create:exit0 delete:busy; do
			step "$tasks" "$fault"
		done
		is "$(kills)" ""
		for fault in start:exit1 start:segv start:late-exit1; do
			step "$tasks" "$fault"
			is "$status" 125
			run kills
			is "${#lines[@]}" 1
			# The runtime knows it, by this name and process, unless
			# that has ended by now.
			read -r id pid known <<<"$output"
			[[ $id =~ ^n1\.[0-9]+\.0\.[0-9]$ ]]
			[[ $fault == *late* && $known ]] || is "$pid" "$known"
			C cp /dev/null /opt/rt/kills
		done
	done
}

# ---- 32 ----

@test "fault 32: SIGSEGV before and after the pid file" {
	local tasks op fault
	for tasks in 1 3; do
		for op in create start; do
			for fault in segv late-segv; do
				step "$tasks" "$op:$fault"
				ended_with 125 "RunTime${op^}: runtime was killed by signal 11"
				until_true 20 nothing_left
			done
		done
	done
	# When the task has ended, its fate is the task's.
	step 1 delete:late-segv
	ended_with 7
	has inside
	# By RunTimeRun it is the task that dies, and takes the container along.
	run_mode
	step 1 run:segv
	ended_with 139
	lacks inside
	step 1 run:late-segv
	ended_with 139
	has inside
	default_conf
	conf Runtime="$SB_RUNTIME" RunTimeMode=run
	start_step 1
	C bash -c 'for p in /proc/[0-9]*; do [[ $(<$p/comm) != "$1" ]] || kill -SEGV ${p#/proc/}; done' x "$SB_RUNTIME" 2>/dev/null
	until_true 20 ended
	until_true 20 no_jobs
	run A cat /home/alice/rc
	is "$output" 139
}

# ---- 33 ----

# CODE LEAST MOST TASKS FAULTS [TEXT]: in the background, with the others; it
# takes seconds between these.
in_background() {
	local began=$SECONDS took
	LIMIT=150 step "$4" "$5"
	took=$((SECONDS - began))
	{
		[[ $took -ge $2 && $took -lt $3 ]] && ended_with "$1" "${6-}" || echo "$5: $took s, $status: $output"
	} >"$BATS_TEST_TMPDIR/bad.$4.$5" 2>&1
}

@test "fault 33: hangs in create, start, state, kill, delete, ignores SIGTERM" {
	local op
	# All wait at once. The deadlines are 60 s for create, 30 for start, 5 for
	# kill and 10 for the others; of the step's time that is all that may be
	# seen on a machine under load.
	in_background 125 60 140 1 create:hang "RunTimeCreate: $fake: no answer in 60 s" &
	in_background 125 60 140 3 create:late-hang "RunTimeCreate: $fake: no answer in 60 s" &
	in_background 125 30 110 3 start:hang "RunTimeStart: $fake: no answer in 30 s" &
	in_background 125 30 110 1 start:late-hang "RunTimeStart: $fake: no answer in 30 s" &
	in_background 7 0 50 1 delete:hang &
	in_background 7 0 50 1 delete:late-hang &
	in_background 125 10 60 1 create:exit0,state:hang \
		"runtime: RunTimeCreate ended well, but there is no container process (pid 0)" &
	in_background 125 0 50 1 start:exit1,kill:hang,delete:hang \
		"RunTimeStart: runtime failed with exit code 1 (its own message, if any, is above)" &
	wait
	is "$(cat "$BATS_TEST_TMPDIR"/bad.*)" ""
	until_true 20 nobody_hangs
}

@test "fault 33: hangs in create, start and run: scancel ends it" {
	local fault n
	for fault in create:hang create:late-hang start:hang run:hang; do
		create_mode
		[[ $fault != run:* ]] || run_mode
		for n in 1 3; do
			[[ $fault$n != run:hang3 ]] || continue
			A rm -f out rc id
			ash 'srun -Q -w n1 -N1 -n"$1" --chdir=/ -J hangs --container=$B echo inside "$2" >out 2>&1; echo $? >rc' \
				"$n" "$fault" >/dev/null 2>&1 3>&- &
			until_true 30 eval '! nobody_hangs'
			C scancel -n hangs
			until_true 40 A test -s rc
			run A cat out
			lacks inside
			until_true 20 nobody_hangs
			until_true 20 nothing_left
		done
	done
}

# ---- 34 ----

@test "fault 34: garbage, 1 GB of output, a pipe that is never closed" {
	local op fault
	# What a side call says is cut off, and nobody waits for its readers.
	for op in delete state kill; do
		for fault in garbage huge keep; do
			case $op in
			delete) step 1 "$op:$fault" && ended_with 7 ;;
			state) step 1 "create:exit0,$op:$fault" &&
				ended_with 125 "runtime: RunTimeCreate ended well, but there is no container process (pid 0)" ;;
			kill) step 1 "start:exit1,$op:$fault" &&
				ended_with 125 "RunTimeStart: runtime failed with exit code 1 (its own message, if any, is above)" ;;
			esac
			# None of it is anybody's to read, nor all of it kept.
			[[ ${#output} -lt 1000 ]]
			C test ! -e /home/alice/uncut
			until_true 20 nobody_hangs
		done
	done
	# What the container inherits is the task's own; its size is the user's.
	for op in create start; do
		A bash -c 'srun -Q -w n1 --chdir=/ --container=$1 sh -c "echo inside; exit 7" "$2" >out 2>err; echo $? >>err' x "$B" "$op:garbage"
		is "$(C tail -n 1 /home/alice/err)" 7
		is "$(C bash -c 'head -c -7 /home/alice/out | wc -c; tail -c 7 /home/alice/out')" $'100000\ninside'
		step 1 "$op:keep"
		ended_with 7
		until_true 20 nobody_hangs
	done
}

# ---- 35 ----

# TEXT: what "state" answers.
says() { C bash -c 'cat >/home/alice/said' <<<"$1"; }

@test "fault 35: invalid JSON or 10 MB from state" {
	local text pid
	none="runtime: RunTimeCreate ended well, but there is no container process (pid 0)"
	for text in '' '{' '[]' 'null' '{"pid":-5}' '{"pid":0}' '{"pid":1}' '{"pid":"7"}' '{"pid":99999999}' '{"pid":4294967297}' \
		'{"pid":1e999}' '{"pid":{}}' '{"pid":2.5}' "$(printf '{"a":%.0s' {1..500})" $'\xff\xfe{"pid":7}'; do
		says "$text"
		step 1 create:exit0,state:file
		ended_with 125 "$none"
	done
	C bash -c '{ printf "{\"a\":\""; head -c 10000000 /dev/zero | tr "\0" x; printf "\",\"pid\":7}"; } >/home/alice/said'
	step 3 create:exit0,state:file
	ended_with 125 "$none"
	# A process of the user's that is not the container: it lives on.
	A sleep 4244 >/dev/null 2>&1 3>&- &
	until_true 20 eval 'pid=$(C bash -c "for p in /proc/[0-9]*/cmdline; do [[ \$(tr \"\\0\" \" \" <\$p) != \"sleep 4244 \" ]] || echo \$p; done" 2>/dev/null | tr -dc 0-9) && [[ $pid ]]'
	for n in 1 3; do
		says "{\"pid\":$pid}"
		step "$n" create:exit0,state:file
		ended_with 125 "$none"
	done
	C kill "$pid"
}

# ---- 36 ----

@test "fault 36: a version below the minimum" {
	local line bad
	conf Runtime=crun
	while IFS='|' read -r -u 9 line bad; do
		C bash -c 'printf "%s\n" "#!/bin/sh" "[ \"\$1\" != --version ] || { printf \"$1\"; exit ${2:-0}; }" \
			"exec /usr/bin/crun \"\$@\"" >/usr/local/sbin/crun; chmod 755 /usr/local/sbin/crun' x "$line" "$([[ $bad != exit* ]] || echo 3)"
		run C stepbox check --node
		if [[ $bad ]]; then
			is "$status" 1
			[[ $output == *"warn "*" version "*"${bad#exit }"*" -> "* ]]
		else
			[[ $output == *"ok "*" version "*"crun version 1.28"* ]]
		fi
		# It is told, and used.
		step 1 -
		ended_with 7
	done 9<<-'END'
		crun version 0.19.1\ncommit: x\n|CVE-2022-27650
		crun version 1.4.3\n|CVE-2022-27650
		crun version 1.8.1\n|CVE-2026-47766
		crun version 1.28\n|
		no such thing\n|no such thing
		|says nothing
		crun version \n|crun version
		crun version 1.28\n|exit crun version 1.28
	END
	C rm /usr/local/sbin/crun
}

# ---- 37 ----

@test "fault 37: delete fails with EBUSY forever" {
	local tasks
	for tasks in 1 3; do
		step "$tasks" delete:busy
		ended_with 7
		is "$(grep -c inside <<<"$output")" "$tasks"
		until_true 20 nothing_left
	done
	# Where the runtime keeps its state elsewhere, that is left, and removed by
	# the user's next container; not where all went well.
	mapfile -t words < <(patterns | sed 's|%m %b|/home/alice/state X|; /Create/s|X|%b|; s| X | - |')
	A mkdir /home/alice/state
	conf RunTimeMode=create "${words[@]}"
	for tasks in 1 2; do
		A touch /home/alice/busy
		step "$tasks" delete:busy-now
		is "$status" 7
		is "$(grep -c "^stepbox: RunTimeDelete, which your next container here repeats: runtime failed with exit code 1 (node n1, task [01])$" <<<"$said")" "$tasks"
		until_true 20 eval '[[ $(C ls /run/stepbox/n1/user.2001 | wc -l) == $tasks ]]'
		is "$(C ls /home/alice/state/crun | wc -l)" "$tasks"
		A rm /home/alice/busy
		step 1 -
		is "$status" 7
		is "$(C ls /home/alice/state/crun | wc -l)" 0
		until_true 20 nothing_left
	done
	create_mode
	step 1 start:exit1,kill:busy,delete:busy
	ended_with 125 "RunTimeStart: runtime failed with exit code 1 (its own message, if any, is above)"
	until_true 20 nothing_left
}
