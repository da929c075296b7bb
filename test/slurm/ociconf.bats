#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# oci.conf's own keys, moved to stepbox.conf: where what they do can be seen.
# The runtimes' blocks of Slurm's guide are in guide.bats, EnvExclude and
# RunTimeEnvExclude in site.bats too.

load lib

M=/images/made

teardown() {
	C bash -c 'rm -rf /usr/local/sbin/spy /tmp/oci-store /home/alice/spied /home/alice/mine /tmp/hooks /etc/slurm/more'
	default_conf
	# What a failed test kept is no other's business.
	[[ ${BATS_TEST_COMPLETED-} ]] || C stepbox clean >/dev/null || :
	assert_clean
}

# The runtime, and what else the site says.
site() { conf "Runtime=$SB_RUNTIME" "RunTimeMode=$SB_MODE" "$@"; }

# spied KEY...: the same with KEY and RunTimeRun, whose command is told by a
# script first: its environment, and the file that %e names, which it copies.
spied() {
	local run
	C tee /usr/local/sbin/spy >/dev/null <<-'SPY'
		#!/bin/sh
		d=/home/alice/spied
		mkdir $d && env >$d/env && echo "$1" >$d/name
		[ ! -e "$1" ] || { cp "$1" $d/file; stat -c %a "$1" >$d/mode; }
		shift
		exec "$@"
	SPY
	C bash -c 'chmod 755 /usr/local/sbin/spy; rm -rf /home/alice/spied'
	run=$(C sed -n 's/^RunTimeRun="\(.*\)"/\1/p' "/usr/local/share/stepbox/runtimes/$SB_RUNTIME.conf")
	conf "Runtime=$SB_RUNTIME" RunTimeMode=run "RunTimeRun=\"spy %e $run\"" "$@"
}

# COMMANDS [BEFORE]: what they print on n1, in a container; standard error too,
# but for srun's own words and the remark on the working directory.
inside() {
	run ash 'eval "${2-}"; timeout 60 srun -Q -w n1 --container=/images/made/runc sh -c "$1" 2>err </dev/null; rc=$?
		grep -v -e "working directory is" -e "^srun: error" err; exit $rc' "$@"
}

# TEXT: refused, in one line that has it, for all tasks.
refused() {
	fails_with 125 ash 'timeout 60 srun -Q -n3 -N1 --container=/images/made/runc grep NAME /etc/os-release'
	has "$1"
	is "$(grep -c ^stepbox: <<<"$output")" 1
	lacks 'NAME="'
}

# The output has this very line.
has_line() {
	grep -qxF -- "$1" <<<"$output" || {
		echo "no line \"$1\" in: $output"
		return 1
	}
}

# ---- the grammar ----

@test "grammar: pairs on a line, case, quotes, escapes, continuation, Include" {
	C bash -c 'mkdir -p /etc/slurm/more/deep
		printf "include deep/two # beside it\nEnvSet=ONE=1\ninclude more/three" >/etc/slurm/more/one
		printf "EnvSet=TWO=2\n" >/etc/slurm/more/deep/two
		printf "EnvSet=THREE=3\n" >/etc/slurm/more/three'
	# shellcheck disable=SC1003 # a backslash at the end of a line
	conf "runtime=$SB_RUNTIME  RUNTIMEMODE=$SB_MODE # EnvSet=NONE=1" \
		'EnvSet="QUOTED=a b \# c"	EnvSet=BS=x\\y \' '   EnvSet+=NEXT=1' \
		"Include more/one" "" 'PasswdEntry=no' 'PasswdEntry=yes'
	inside 'echo "$QUOTED|$BS|$NEXT|$ONE|$TWO|$THREE|${NONE-no}"; whoami'
	is "$output" $'a b # c|x\\y|1|1|2|3|no\nalice'
	# The second one counts; whoever asks is told.
	run C stepbox check --conf
	has "/etc/slurm/stepbox.conf:7: PasswdEntry: stands here again: the last one counts"
}

@test "grammar: errors have file and line, in an Include too" {
	C bash -c 'mkdir -p /etc/slurm/more; printf "\n\nMountSpoolDirs=/x\n" >/etc/slurm/more/one; echo Include two >/etc/slurm/more/two'
	site "Include more/one"
	refused "/etc/slurm/stepbox.conf:3: /etc/slurm/more/one:3: unknown key MountSpoolDirs"
	site "Include more/two"
	refused "Include nested too deep"
	conf "$(C cat "$TOP/test/unit/data/oci.conf/singularity-hpcng.conf")"
	refused "/etc/slurm/stepbox.conf:7: not KEY=VALUE"
}

@test "every bad value of oci.conf's keys is an error with file and line" {
	local line
	while read -r -u 9 line; do
		conf "" "Runtime=$SB_RUNTIME" "${line% :: *}"
		refused "configuration: /etc/slurm/stepbox.conf:3: ${line#* :: }"
	done 9<<-'END'
		CreateEnvFile=on :: CreateEnvFile=on: not null, newline or disabled
		DisableHooks=prestop :: DisableHooks: prestop: no kind of hooks: prestart,
		DisableCleanup=maybe :: DisableCleanup=maybe: neither yes nor no
		MountSpoolDir=x :: MountSpoolDir=x: not absolute
		MountSpoolDir=/%q :: MountSpoolDir=/%q: %q: no such letter
		StdIODebug=loud :: StdIODebug=loud: no level of Slurm's logs
		FileDebug=debug6 :: FileDebug=debug6: no level of Slurm's logs
		SyslogDebug=10 :: SyslogDebug=10: no level of Slurm's logs
		DebugFlags=Steps,Nonsense :: DebugFlags: Nonsense: no debug flag
		ContainerPath=/x/%b :: ContainerPath=/x/%b: %b: the user writes it
		ContainerPath=/x/%m :: ContainerPath=/x/%m: %m: not known before
		ContainerPath=/x/%q :: ContainerPath=/x/%q: %q: no such letter
	END
}

@test "RunTimeRun, RunTimeKill...: a set that is no whole names what is missing" {
	conf 'RunTimeRun="crun run %n"' RunTimeDelete=x
	refused "RunTimeKill is missing"
	conf RunTimeCreate=x RunTimeStart=x RunTimeKill=x RunTimeDelete=x
	refused "RunTimeQuery is missing"
	conf RunTimeRun=x RunTimeStart=x RunTimeKill=x RunTimeDelete=x
	refused "RunTimeRun and RunTimeCreate/RunTimeStart exclude each other"
}

# ---- the environment ----

@test "CreateEnvFile=null: all variables, ended by NUL; for the user's eyes" {
	for how in "CreateEnvFile=null" "CreateEnvFile=Y" ""; do
		spied "$how"
		inside 'echo $OPEN' 'export OPEN=1 LINES="a
b"'
		is "$output" 1
		run C bash -c 'cd /home/alice/spied; cat name mode; tr "\n\0" "+\n" <file'
		is "${lines[0]##*/task-0/}" environment
		is "${lines[1]}" 600
		has_line OPEN=1
		has_line LINES=a+b
		has SLURM_JOB_ID=
		lacks STEPBOX
	done
}

@test "CreateEnvFile=newline: without those that hold one, which is said" {
	spied CreateEnvFile=newline
	inside 'echo $OPEN; echo "$LINES"' 'export OPEN=1 LINES="a
b"'
	has "stepbox: not in the environment file, since they hold a newline (CreateEnvFile): LINES (node n1, task 0)"
	has $'1\na\nb'
	run C cat /home/alice/spied/file
	has_line OPEN=1
	lacks LINES
}

@test "CreateEnvFile=disabled: no file; without %e none but on request" {
	spied CreateEnvFile=disabled
	inside 'echo $OPEN' 'export OPEN=1'
	is "$output" 1
	run C ls /home/alice/spied
	is "$output" $'env\nname'
	site DisableCleanup=yes
	inside 'echo ran'
	run C bash -c 'ls /run/stepbox/n1/*/task-0'
	lacks environment
	C stepbox clean >/dev/null
	site DisableCleanup=yes CreateEnvFile=true
	inside 'echo ran'
	run C bash -c 'ls /run/stepbox/n1/*/task-0'
	has environment
	C stepbox clean >/dev/null
}

@test "EnvExclude, RunTimeEnvExclude: by value too, each in its own place" {
	spied 'EnvExclude="^(SECRET_[A-Z]+|SLURM_JOB_NAME)=|=hidden$"' 'RunTimeEnvExclude="^SLURM_STEP_ID=|=alice$"'
	inside 'env' 'export SECRET_A=1 OTHER=hidden HIDDEN=hidden2 SECRET_a=2'
	has HIDDEN=hidden2
	has SECRET_a=2
	has SLURM_STEP_ID=0
	has USER=alice
	lacks SECRET_A
	lacks OTHER
	lacks SLURM_JOB_NAME
	run C cat /home/alice/spied/env
	has SLURM_JOB_NAME=
	has HOME=/home/alice
	lacks SLURM_STEP_ID
	lacks USER=
}

# ---- hooks ----

@test "DisableHooks: the kinds that it names, and no others" {
	site 'DisableHooks="prestart,createContainer, startContainer"'
	run ash 'srun -Q -w n1 --container=$1/hooks cat /dev/shm/hooks 2>&1' "$M"
	has "No such file"
	until_true 20 C grep -q poststop /tmp/hooks
	run C sort /tmp/hooks
	is "$output" $'createRuntime\npoststart\npoststop'
	C rm /tmp/hooks
	# The first of a list, and one that is alone.
	site DisableHooks=poststop
	run ash 'srun -Q -w n1 --container=$1/hooks cat /dev/shm/hooks' "$M"
	has startContainer
	run C sort /tmp/hooks
	lacks poststop
	has prestart
	run A stepbox show $M/hooks
	has "hooks.poststop: dropped: DisableHooks"
}

# ---- places ----

# What of kept step directories is there.
kept() { C bash -c 'shopt -s nullglob; cd /run/stepbox; echo */[0-9]*'; }

# Processes of slurmstepd's, of the job.
stepd_pid() {
	C bash -c 'for p in /proc/[0-9]*; do
		[[ $(tr "\0" " " <"$p/cmdline" 2>/dev/null) == "slurmstepd: [$1."* ]] && echo "${p#/proc/}"
		done | head -n 1' x "$job"
}

@test "DisableCleanup: what was generated stays until root's stepbox clean" {
	local id
	site DisableCleanup=yes
	inside 'echo $SLURM_JOB_ID; sleep 1000 & '
	id=${lines[0]}
	is "$(kept)" "n1/$id.0.0"
	run C bash -c 'cd /run/stepbox/n1/$1.0.0; stat -c "%U %a" .; jq -r ".process.args | length > 0" task-0/config.json' x "$id"
	is "$output" $'alice 700\ntrue'
	# Nothing lives, nobody counts it as a step.
	run C bash -c 'ps -u alice -o args= | grep -c "[s]leep 1000"'
	is "$output" 0
	run C stepbox ps
	lacks "$id"
	run C stepbox check --conf
	has "DisableCleanup"
	# No epilog, no slurmd that starts removes it, nor its user's clean.
	until_true 30 no_jobs
	"$TOP/test/cluster" slurmd "$SB_CLUSTER" stop n1
	"$TOP/test/cluster" slurmd "$SB_CLUSTER" start n1
	A stepbox clean "$id"
	is "$(kept)" "n1/$id.0.0"
	# Nor is it that of another job.
	C stepbox clean "$((id + 1))"
	is "$(kept)" "n1/$id.0.0"
	run -0 C stepbox clean "$id"
	has "$id.0.0: removed"
	until_true 20 nothing_left
}

@test "DisableCleanup: after the SIGKILL of slurmstepd too; never a writable container's data" {
	local first
	C install -d -m 1777 /tmp/oci-store
	site DisableCleanup=yes WritablePath=/tmp/oci-store
	A rm -f /home/alice/id
	ash 'srun -Q -w n1 --container=$1 --container-writable sh -c "echo \$SLURM_JOB_ID; sleep 4242" >id 2>err' $M/runc >/dev/null 2>&1 3>&- &
	job=$(wait_line /home/alice/id)
	C kill -KILL "$(stepd_pid)"
	A scancel "$job"
	until_true 60 no_jobs
	until_true 30 ended
	until_true 30 eval '[[ -z $(C ls /tmp/oci-store) ]]'
	until_true 30 eval '[[ $(C ls /run/stepbox/n1/.kept) == "$job.0.0" ]]'
	is "$(kept)" "n1/$job.0.0"
	first=$job
	# Once it is off, steps go, and what was kept before stays.
	site
	inside 'echo $SLURM_JOB_ID'
	until_true 30 no_jobs
	is "$(kept)" "n1/$first.0.0"
	C stepbox clean
	until_true 20 nothing_left
}

@test "DisableCleanup: by hand, the directory is the user's" {
	local dir
	site DisableCleanup=yes
	run -0 ash 'cd /; unset XDG_RUNTIME_DIR; stepbox run --bundle=$B -- echo ran 2>&1'
	has ran
	dir=$(sed -n 's/^stepbox: \(.*\) stays (DisableCleanup): it is yours (by hand)$/\1/p' <<<"$output")
	[[ $dir == /tmp/stepbox-* ]]
	run A find "$dir" -name config.json
	is "$output" "$dir/task-0/config.json"
	A rm -r "$dir"
	site
	run -0 ash 'cd /; unset XDG_RUNTIME_DIR; stepbox run --bundle=$B -- echo ran 2>&1'
	is "$output" ran
	is "$(A bash -c 'ls -d /tmp/stepbox-?????? 2>/dev/null')" ""
}

@test "MountSpoolDir: the step directory, inside" {
	site MountSpoolDir=/var/run/slurm
	inside 'ls /var/run/slurm/task-0; echo x >/var/run/slurm/mine; stat -c %U /var/run/slurm; cat /proc/1/comm >/dev/null'
	has config.json
	has alice
	lacks denied
	# %t makes it each task's own; other letters, and where %m is itself.
	site MountSpoolDir=/mnt/%j/%t
	run ash 'srun -Q -w n1 -n2 --container=$1 sh -c "ls -d /mnt/\$SLURM_JOB_ID/\$SLURM_LOCALID/task-\$SLURM_LOCALID" 2>err | sort; cat err' $M/runc
	[[ ${lines[0]} == /mnt/*/0/task-0 && ${lines[1]} == /mnt/*/1/task-1 ]]
	site MountSpoolDir=%m
	inside 'ls -d /run/stepbox/n1/$SLURM_JOB_ID.0.0/task-0'
	has /task-0
	lacks "No such"
	site MountSpoolDir=%U
	refused "MountSpoolDir 2001: not absolute"
	site
	inside 'ls -d /run/stepbox /var/run/slurm'
	lacks $'\n/run/stepbox'
	has "No such file"
}

# Everything below /run/places.
places() { C bash -c 'find /run/places -mindepth 1 2>/dev/null'; }

@test "ContainerPath: every letter that root can make, and nothing is left" {
	site 'ContainerPath=/run/places/%u-%%/%U.%j/%s/%n.d/task-%t/x'
	A rm -f /home/alice/id
	ash 'srun -Q -w n1 -n2 --container=$1 sh -c "[ \$SLURM_PROCID != 0 ] || echo \$SLURM_JOB_ID; sleep 4242" >id 2>err' $M/runc >/dev/null 2>&1 3>&- &
	job=$(wait_line /home/alice/id)
	until_true 20 eval '[[ $(sleepers) == 2 ]]'
	run C stat -c '%U %a' "/run/places/alice-%/2001.$job/0/n1.d/n1/$job.0.0" "/run/places/alice-%/2001.$job/0/n1.d" \
		"/run/places/alice-%/2001.$job/0/n1.d/n1"
	is "$output" $'alice 700\nroot 755\nroot 711'
	run A stepbox ps
	has "$job.0"
	run A stepbox kill -s TERM "$job.0"
	A scancel "$job"
	until_true 30 no_jobs
	until_true 20 eval '[[ -z $(places) ]]'
	# Many that come and go at the same time.
	site 'ContainerPath=/run/places/%u'
	run ash 'for i in 1 2 3 4 5 6; do srun -Q -w n1 --container=$1 sh -c "echo ran" 2>>err & done; wait' $M/runc
	is "$output" $'ran\nran\nran\nran\nran\nran'
	until_true 20 eval '[[ -z $(places) ]]'
	C rmdir /run/places
}

@test "ContainerPath with letters: the nets find what a dead slurmstepd left" {
	local dir
	site 'ContainerPath=/run/places/%u/%j'
	A rm -f /home/alice/id
	ash 'srun -Q -w n1 --container=$1 sh -c "echo \$SLURM_JOB_ID; sleep 4242" >id 2>err' $M/runc >/dev/null 2>&1 3>&- &
	job=$(wait_line /home/alice/id)
	C kill -KILL "$(stepd_pid)"
	A scancel "$job"
	until_true 60 no_jobs
	until_true 30 ended
	until_true 30 eval '[[ -z $(places) ]]'
	# A whole node that died: slurmd's start; and root's clean.
	for how in slurmd clean; do
		A rm -f /home/alice/id
		ash 'srun -Q -w n1 --container=$1 sh -c "echo \$SLURM_JOB_ID; sleep 4242" >id 2>err' $M/runc >/dev/null 2>&1 3>&- &
		job=$(wait_line /home/alice/id)
		dir=/run/places/alice/$job/n1
		[[ $how == clean ]] || "$TOP/test/cluster" slurmd "$SB_CLUSTER" kill9 n1
		C kill -KILL "$(stepd_pid)"
		# Whatever the epilog does later: now it is there.
		C test -d "$dir/$job.0.0"
		if [[ $how == clean ]]; then
			C stepbox clean "$job"
		else
			"$TOP/test/cluster" slurmd "$SB_CLUSTER" start n1
		fi
		until_true 30 ended
		until_true 30 eval '[[ -z $(places) ]]'
		A scancel "$job" 2>/dev/null || :
		until_true 60 no_jobs
	done
	C rmdir /run/places
}

# ---- messages, and what is for others ----

@test "StdIODebug: what -v and --container-debug tell, to every task" {
	site StdIODebug=debug
	inside 'echo ran'
	has " ms: "
	has ran
	# Those too that enter what another made.
	run ash 'srun -Q -w n1 -n3 --container=$1 true 2>&1' $M/runc
	is "$(grep -c " ms: becomes: .* (node n1, task [012])$" <<<"$output")" 3
	# Whoever checks is told, and it is no trouble of the node's.
	run A stepbox check --conf --node
	[[ $output =~ warn\ +StdIODebug\ +debug:\ every\ task ]]
	[[ $output =~ ok\ +container ]]
	site StdIODebug=verbose
	inside 'echo ran'
	has "stepbox: RunTime"
	lacks " ms: /"
	site StdIODebug=info
	inside 'echo ran'
	is "$output" ran
}

@test "FileDebug, SyslogDebug: slurmd's log has each container, whatever SlurmdDebug says" {
	local key
	C bash -c 'cp /etc/slurm/slurm.conf /etc/slurm/slurm.conf.saved
		sed -i s/^SlurmdDebug=.*/SlurmdDebug=info/ /etc/slurm/slurm.conf; scontrol reconfigure'
	told() {
		inside 'echo $SLURM_JOB_ID'
		until_true 30 no_jobs
		grep -q "stepbox: ${lines[0]}.0.0: task 0: $SB_RUNTIME" "$SB_CLUSTER/slurmd.n1.log"
	}
	site
	# slurmd takes the new level in its own time.
	until_true 30 eval '! told'
	for key in FileDebug SyslogDebug; do
		site "$key=verbose"
		told || bad=1
		site "$key=info"
		! told || bad=1
	done
	C bash -c 'mv /etc/slurm/slurm.conf.saved /etc/slurm/slurm.conf; scontrol reconfigure'
	[[ ! ${bad-} ]]
}

@test "SrunPath, SrunArgs, DebugFlags: taken, not used, and who asks is told" {
	site SrunPath=/nonesuch/srun SrunArgs=--mpi=none 'SrunArgs="-n 9"' DebugFlags=Steps,script
	inside 'echo ran'
	is "$output" ran
	run C stepbox check --conf
	has "/etc/slurm/stepbox.conf:3: SrunPath: not used: it is for Slurm's scrun"
	has ":4: SrunArgs: not used"
	has ":6: DebugFlags: not used"
	lacks ":5:"
	run ash 'srun -Q -w n1 --container=$1 --container-debug true 2>&1' $M/runc
	has "SrunPath: not used"
}
