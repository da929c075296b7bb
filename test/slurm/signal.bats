#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The table of signals in stepbox(1), row by row: a program that writes down
# what it gets (sigcount.c) runs without a container, which is the measure; in one
# with and in one without a pid namespace; as three tasks that share one, and as
# two that do not. For each runtime in each mode, under each proctrack.
#
# What needs Slurm's slow clock (it looks at time limits twice a minute) begins
# before the first test and is looked at in the last ones.

load lib

# With how many tasks, and which bundle ("" for none).
declare -gA tasks=([plain]=1 [pid]=1 [nopid]=1 [shared]=3 [apart]=2)
declare -gA bundle=([plain]='' [pid]=/images/sig-pid [nopid]=/images/sig-nopid
	[shared]=/images/sig-pid [apart]=/images/sig-nopid)
declare -gA per=([shared]=--container-per=node [apart]=--container-per=task)
step_places=(plain pid nopid shared apart)
# A batch script is one task.
batch_places=(plain pid nopid)
records=/home/alice/record

setup_file() {
	local cc=musl-gcc place
	default_conf
	type -P "$cc" >/dev/null || cc=cc
	"$cc" -O1 -static -o "$SB_CLUSTER/sigcount" "$TOP/test/slurm/sigcount.c"
	C bash -c 'set -e
		rm -rf /home/alice/record /images/sig-*
		mkdir /home/alice/record
		chown alice: /home/alice/record
		ln -sfn /home/alice/record /record
		cp "$1" /images/sigcount
		for kind in pid:centos nopid:nopid; do
			b=/images/sig-${kind%:*}
			cp -a "/images/${kind#*:}" "$b"
			mkdir "$b/rootfs/record"
			cp "$1" "$b/rootfs/bin"
			jq ".mounts += [{destination: \"/record\", type: \"none\",
				source: \"/home/alice/record\", options: [\"rbind\"]}]" \
				"$b/config.json" >"$b/new"
			mv "$b/new" "$b/config.json"
		done' x "$SB_CLUSTER/sigcount"
	# A signal that comes before a step has begun comes to nobody, and a slow
	# machine needs a while to begin.
	local minutes=1
	[[ ! ${SB_PATIENCE-} ]] || minutes=6
	step limit 2 -t "$minutes"
	step kill 600 -t "$minutes"
	step warned 2 -t $((minutes + 1)) --signal=USR1@60
	batch blimit 0.5 -t "$minutes"
	batch bwarned 0.5 -t $((minutes + 1)) --signal=B:USR1@60
	for row in limit kill warned; do ready "$row" "${step_places[@]}"; done
	for row in blimit bwarned; do ready "$row" "${batch_places[@]}"; done
}

teardown_file() {
	assert_clean
	C rm -rf /images/sig-pid /images/sig-nopid /images/sigcount /record
}

# Not lib's: jobs of other rows run on.
setup() { :; }
teardown() { :; }

# what PLACE: sets words, the program there.
what() {
	words=(/images/sigcount)
	[[ ! ${bundle[$1]} ]] || words=(sigcount)
}

# step ROW SECONDS OPTION...: a job of srun's in each place, named ROW.PLACE.
# Its exit code goes to ROW.PLACE.rc.
step() {
	local row=$1 linger=$2 place words
	shift 2
	for place in "${step_places[@]}"; do
		what "$place"
		ash 'row=$1; shift; srun -Q "$@"; echo $? >/record/$row.rc' "$row.$place" \
			-J "$row.$place" -n "${tasks[$place]}" -N1 "$@" ${per[$place]:+"${per[$place]}"} \
			${bundle[$place]:+--container="${bundle[$place]}"} \
			"${words[@]}" "/record/$row.$place" "$linger" \
			</dev/null >/dev/null 2>&1 3>&- &
	done
}

# batch ROW SECONDS OPTION...: a job of sbatch's in each place.
batch() {
	local row=$1 linger=$2 place words
	shift 2
	for place in "${batch_places[@]}"; do
		what "$place"
		ash 'sbatch -Q -o /dev/null "$@"' -J "$row.$place" "$@" \
			${bundle[$place]:+--container="${bundle[$place]}"} \
			--wrap "exec ${words[*]} /record/$row.$place $linger" >/dev/null
	done
}

# each_task FUNCTION ROW PLACE...: for each record, FUNCTION PLACE FILE.
each_task() {
	local function=$1 row=$2 place n
	shift 2
	for place; do
		for ((n = 0; n < ${tasks[$place]}; n++)); do
			"$function" "$place" "$records/$row.$place.$n" || return
		done
	done
}

# lines WORD ROW PLACE...: whether each record has the line WORD.
lines() {
	local word=$1 row=$2 place n files=()
	shift 2
	for place; do
		for ((n = 0; n < ${tasks[$place]}; n++)); do
			files+=("$records/$row.$place.$n")
		done
	done
	C bash -c 'word=$1; shift
		for f; do grep -q -s -x "$word" "$f" || exit 1; done' x "$word" "${files[@]}"
}
ready() {
	until_true 120 lines ready "$@" && return
	C bash -c 'tail -n 1 /home/alice/record/"$1".*' x "$1"
	C squeue
	return 1
}

# jobs ROW: their numbers.
jobs_of() { C squeue -h -o '%A %j' | sed -n "s/ $1\.[a-z]*\$//p"; }

# send ROW OPTION...: scancel OPTION..., to each of the row's jobs.
send() {
	local row=$1
	shift
	jobs_of "$row" | A xargs scancel "$@"
}

# The signals of the program, from a record. runc before 1.2, in the foreground,
# passes on the SIGURG by which Go's scheduler interrupts its own threads.
own() {
	local noise=none
	[[ $SB_RUNTIME-$SB_MODE != runc-run || $1 == plain ]] || noise=URG
	C cat "$2" | grep -v -x "$noise"
}

# The signals of a record, in the order of the alphabet; with $who="child ", the
# child's. Under proctrack/linuxproc Slurm signals every process of a step, so
# those who pass a signal on get it too: in a container it may come again.
signals() {
	local place=$1 file=$2 twice=sort
	[[ $SB_PROCTRACK == cgroup || $place == plain ]] || twice='sort -u'
	own "$place" "$file" | sed -n "s/^${who-}\([A-Z0-9]*\)\$/\1/p" | $twice | xargs
}

compare() {
	local got wanted=$want
	got=$(signals "$@")
	[[ $SB_PROCTRACK == cgroup || $1 == plain ]] ||
		wanted=$(tr ' ' '\n' <<<"$want" | sort -u | xargs)
	is "$1: $got" "$1: $wanted"
}

# gets ROW SIGNAL... [-- PLACE...]: each program got these, and each once.
gets() {
	local row=$1 want signals=() places=("${step_places[@]}") signal
	shift
	while (($#)) && [[ $1 != -- ]]; do
		signals+=("$1")
		shift
	done
	(($# == 0)) || places=("${@:2}")
	for signal in "${signals[@]}"; do
		until_true 60 lines "$signal" "$row" "${places[@]}"
	done
	# A second one would come now.
	sleep 1
	want=$(printf '%s\n' "${signals[@]}" | sort | xargs)
	each_task compare "$row" "${places[@]}"
}

# The children of the program get what they get without a container.
children_get_the_same() {
	local row=$1 who='child ' want
	want=$(signals plain "$records/$row.plain.0")
	each_task compare "$row" "${@:2}"
}

ended_by_itself() {
	until_true 60 lines end "$@"
}

# Twice a minute Slurm looks at the clock.
ended_by_itself_slowly() {
	until_true 300 lines end "$@"
}

# Once, and before SIGTERM.
warned_once() {
	local who='' got
	got=$(signals "$@")
	is "$1: $(tr ' ' '\n' <<<"$got" | grep -c -x USR1)" "$1: 1" &&
		is "$1: $(C grep -m 1 -x -e USR1 -e TERM "$2")" "$1: USR1"
}

# TERM, and nothing else but CONT, which may come too late for who ends of it.
terminated() {
	local got
	got=$(own "$@" | sed -n 's/^\([A-Z0-9]*\)$/\1/p' | grep -v -x CONT | sort -u | xargs)
	is "$1: $got" "$1: TERM"
}

no_job_of() { [[ -z $(jobs_of "$1") ]]; }

# srun ended with the same code in all places. (Not so at a time limit: there
# Slurm may end it with 0, without a container too.)
codes() {
	local row=$1 place
	for place in "${step_places[@]}"; do
		until_true 60 C test -s "$records/$row.$place.rc"
		is "$place: $(C cat "$records/$row.$place.rc")" "$place: $2"
	done
}

not_yet() { ! C grep -x USR2 "$2"; }

# Whether all programs whose arguments have $1 are stopped, one way or another.
stopped() {
	C bash -c '
		for p in $(pgrep -x sigcount); do
			grep -q "$1" "/proc/$p/cmdline" || continue
			! grep -q "^State:.T" "/proc/$p/status" || continue
			v1=$(sed -n "s/^[0-9]*:freezer://p" "/proc/$p/cgroup")
			v2=$(sed -n "s/^0:://p" "/proc/$p/cgroup")
			grep -s -q FROZEN "/sys/fs/cgroup/freezer$v1/freezer.state" ||
				grep -s -q "^frozen 1" "/sys/fs/cgroup$v2/cgroup.events" || exit 1
		done' x "$1"
}

@test "SIGTERM while the container begins: the command gets it" {
	start=$(sed -n 's/^RunTimeStart="\(.*\)"$/\1/p' "$TOP/conf/runtimes/$SB_RUNTIME.conf")
	C bash -c 'printf "#!/bin/sh\nkill -TERM \$PPID\nexec \"\$@\"\n" >/usr/local/sbin/first
		chmod 755 /usr/local/sbin/first'
	conf "Runtime=$SB_RUNTIME" RunTimeMode=create "RunTimeStart=\"first $start\""
	for b in pid nopid; do
		run ash 'for i in 1 2 3 4 5 6; do srun -Q -N1 -n1 --container="$1" sleep 5 2>err; echo $?; done' "/images/sig-$b"
		is "$(sort -u <<<"$output")" 143
	done
	default_conf
	C rm /usr/local/sbin/first
}

@test "scancel JOB: SIGCONT and SIGTERM, once" {
	step scancel 0.5
	ready scancel "${step_places[@]}"
	send scancel
	gets scancel CONT TERM
	ended_by_itself scancel "${step_places[@]}"
	children_get_the_same scancel "${step_places[@]}"
	codes scancel 15
}

@test "scancel JOB: a batch script" {
	batch bscancel 0.5
	ready bscancel "${batch_places[@]}"
	send bscancel
	gets bscancel CONT TERM -- "${batch_places[@]}"
	ended_by_itself bscancel "${batch_places[@]}"
	children_get_the_same bscancel "${batch_places[@]}"
}

@test "scancel -s USR1 JOB: its steps" {
	step job 0.5
	ready job "${step_places[@]}"
	send job -s USR1
	gets job USR1
	children_get_the_same job "${step_places[@]}"
	send job
	codes job 15
}

@test "scancel -s USR1 JOB.STEP" {
	step step 0.5
	ready step "${step_places[@]}"
	jobs_of step | sed 's/$/.0/' | A xargs scancel -s USR1
	gets step USR1
	children_get_the_same step "${step_places[@]}"
	send step
	codes step 15
}

@test "scancel --batch and --full: the batch script; without them, not" {
	batch batch 0.5
	ready batch "${batch_places[@]}"
	send batch -s HUP
	send batch -s USR1 --batch
	gets batch USR1 -- "${batch_places[@]}"
	children_get_the_same batch "${batch_places[@]}"
	send batch -s USR2 --full
	gets batch USR1 USR2 -- "${batch_places[@]}"
	# --full signals the script's process group: its children are in it,
	# where there is no container between. The manual says so.
	is "$(who='child ' signals plain "$records/batch.plain.0")" USR2
	send batch
	ended_by_itself batch "${batch_places[@]}"
}

@test "scontrol suspend and resume: SIGTSTP, SIGCONT" {
	step suspend 0.5
	ready suspend "${step_places[@]}"
	jobs_of suspend | C xargs -P 5 -n 1 scontrol suspend
	gets suspend TSTP
	# SIGSTOP comes 2 seconds later, or the cgroup's freezer; by which what
	# is stopped takes no signal.
	until_true 60 stopped record/suspend
	C bash -c 'for p in $(pgrep -x sigcount); do
		! grep -q record/suspend "/proc/$p/cmdline" || kill -USR2 "$p"; done'
	sleep 1
	each_task not_yet suspend "${step_places[@]}"
	jobs_of suspend | C xargs -n 1 scontrol resume
	gets suspend TSTP CONT USR2
	children_get_the_same suspend "${step_places[@]}"
	send suspend
	codes suspend 15
}

at_most_one_int() {
	local got most=1
	# Under linuxproc also from each of those who pass it on, see gets.
	case $SB_PROCTRACK:$1 in
	linuxproc:pid | linuxproc:nopid | linuxproc:apart) most=3 ;;
	esac
	got=$(own "$@" | grep -v -x -e ready -e INT -e 'child INT'; C grep -c -x INT "$2")
	[[ $got == [0-$most] ]] || is "$1: $got" "$1: one INT, or none"
}

# As a terminal sends it, but to srun alone; twice within a second. SIGKILL comes
# close behind, and on a busy machine overtakes: one of some rounds must show
# that SIGINT comes, and none that it comes twice.
@test "^C twice in srun: SIGINT" {
	local round came=''
	for round in {1..12}; do
		step "interrupt$round" 0.5
		ready "interrupt$round" "${step_places[@]}"
		C bash -c 'for p in $(pgrep -x srun); do
				! grep -s -q "record/$1" "/proc/$p/cmdline" || pids+=" $p"
			done
			kill -INT $pids
			sleep 0.3
			kill -INT $pids' x "interrupt$round"
		codes "interrupt$round" 137
		each_task at_most_one_int "interrupt$round" "${step_places[@]}"
		! lines INT "interrupt$round" "${step_places[@]}" || came=1
		[[ ! $came ]] || break
	done
	[[ $came ]]
}

@test "preemption, PreemptMode=CANCEL with GraceTime: SIGCONT and SIGTERM at its beginning" {
	step cancelled 0.5 -p cancelled -w n2
	ready cancelled "${step_places[@]}"
	A srun -Q -p first -w n2 --exclusive true
	gets cancelled CONT TERM
	ended_by_itself cancelled "${step_places[@]}"
	children_get_the_same cancelled "${step_places[@]}"
	codes cancelled 15
}

@test "preemption, PreemptMode=REQUEUE: SIGCONT and SIGTERM" {
	batch requeued 0.5 --requeue -p requeued -w n2
	ready requeued "${batch_places[@]}"
	A srun -Q -p first -w n2 --exclusive true
	gets requeued CONT TERM -- "${batch_places[@]}"
	ended_by_itself requeued "${batch_places[@]}"
	children_get_the_same requeued "${batch_places[@]}"
	jobs=$(C squeue -h -o '%A %j %T')
	for place in "${batch_places[@]}"; do
		[[ $jobs == *" requeued.$place PENDING"* ]]
	done
	send requeued
}

@test "--signal=USR1@60: a step, once, before its time is up" {
	ended_by_itself_slowly warned "${step_places[@]}"
	each_task warned_once warned "${step_places[@]}"
	children_get_the_same warned "${step_places[@]}"
}

@test "--signal=B:USR1@60: a batch script, once" {
	ended_by_itself_slowly bwarned "${batch_places[@]}"
	gets bwarned CONT USR1 CONT TERM -- "${batch_places[@]}"
	children_get_the_same bwarned "${batch_places[@]}"
}

@test "a time limit: a batch script gets SIGCONT and SIGTERM once" {
	ended_by_itself_slowly blimit "${batch_places[@]}"
	gets blimit CONT TERM -- "${batch_places[@]}"
	children_get_the_same blimit "${batch_places[@]}"
}

@test "a time limit: a step gets SIGTERM as often as Slurm sends it, slurmd's and srun's" {
	ended_by_itself_slowly limit "${step_places[@]}"
	each_task terminated limit "${step_places[@]}"
}

@test "a time limit: SIGKILL after KillWait for who goes on" {
	until_true 300 lines TERM kill "${step_places[@]}"
	until_true 60 no_job_of kill
	each_task terminated kill "${step_places[@]}"
	! lines end kill plain
	! lines end kill pid
	! lines end kill nopid
	! lines end kill shared
	! lines end kill apart
	# Nor does any process of it, children included.
	! C bash -c 'for p in $(pgrep -x sigcount); do
		grep record/kill "/proc/$p/cmdline" && exit; done; exit 1'
}
