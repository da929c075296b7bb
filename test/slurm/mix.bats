#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Two hundred steps, good and bad, many at a time: each comes back with its own
# exit code, and afterwards our lines in slurmd's logs are exactly those that
# these steps should have caused: so many, with this text, each by its job.
# Needs some nodes; see mix.

load lib

SEED=4711 STEPS=200

setup() {
	nodes=$(C sinfo -h -N -o %N | sort -u | grep -c .)
	((nodes >= 4)) || skip "wants a cluster of four nodes or more"
	default_conf
	C bash -c 'mkdir -p /images/broken/rootfs; echo "{" >/images/broken/config.json'
}

teardown() {
	C rm -rf /images/broken
	assert_clean
}

# KIND ARGUMENT: the exit code that srun or sbatch must end with.
code() {
	case $1 in
	exit | plain | batch) echo "$2" ;;
	output) echo 0 ;;
	nocommand) echo 127 ;;
	nobundle | broken) echo 125 ;;
	# What srun itself does with a bad option.
	option) echo 255 ;;
	signal) echo $((128 + $(kill -l "$2"))) ;;
	cancelled) echo 143 ;;
	killed) echo 137 ;;
	esac
}

# KIND ARGUMENT: what the log tells of a task, without pids and times; nothing
# where no container was made.
told() {
	local end
	case $1 in
	plain | nobundle | broken | option) return 1 ;;
	esac
	echo -n "$SB_RUNTIME $SB_MODE, pid, prepared"
	[[ $SB_MODE == create ]] || { echo; return; }
	case $1 in
	signal | cancelled) end="killed by signal $(($(code "$@") - 128))" ;;
	killed) end='' ;;
	*) end="exit code $(code "$@")" ;;
	esac
	echo ", created${end:+, started, ran, $end}"
}

# Our lines of the logs, from byte $1, $2... of n1's, n2's...: the text after
# "stepbox: ".
our_lines() {
	local n=0 from
	for from; do
		n=$((n + 1))
		tail -c "+$((from + 1))" "$SB_CLUSTER/slurmd.n$n.log"
	done | grep -a -o 'stepbox: .*' | sed 's/^stepbox: //'
}

# Job ids become names (FILE: "ID NAME" to a line), steps' ids the step's kind;
# pids and times go.
normalize() {
	awk 'NR == FNR {name[$1] = $2; next}
		{
			split($1, id, ".")
			if (id[1] in name)
				$1 = name[id[1]] (id[2] == 4294967291 ? ".batch" : "." id[2]) ":"
			gsub(/pid [0-9]+/, "pid")
			gsub(/ (in )?[0-9]+\.[0-9] ms/, "")
			print
		}' "$1" - | sort -V
}

# RESULTS NAMES: each step came back as it should; those that srun refuses made
# no job, each other made one.
check_codes() {
	local name kind arg tasks rc
	while read -r name kind arg tasks rc; do
		[[ $rc == "$(code "$kind" "$arg")" ]] || echo "$name ($kind $arg): exit code $rc"
		[[ $kind == option ]] || echo "$name" >&3
	done <"$1" 3>"$1.jobs"
	diff <(sort "$1.jobs") <(sort "$2")
}

# RESULTS: the lines that these should have caused.
expected_lines() {
	local name kind arg tasks step
	while read -r name kind arg tasks _; do
		step=0
		[[ $kind != batch ]] || step="batch"
		# Several share a container, which is made, and ends with them.
		if ((tasks > 1)); then
			told "$kind" "$arg" >/dev/null || continue
			echo "$name.$step: $tasks tasks: $SB_RUNTIME create, pid, prepared, created, started"
		else
			told "$kind" "$arg" | sed "s/^/$name.$step: task 0: /"
		fi
	done <"$1"
}

@test "$STEPS steps: exit codes, and every line of the log accounted for" {
	local n marks=() results=$BATS_TEST_TMPDIR/results ids=$BATS_TEST_TMPDIR/ids prefix
	prefix=mix-$(date +%s)
	for ((n = 1; n <= nodes; n++)); do
		marks+=("$(stat -c %s "$SB_CLUSTER/slurmd.n$n.log")")
	done
	A "$TOP/test/slurm/mix" "$prefix" "$SEED" "$STEPS" "$nodes" >"$results"
	is "$(wc -l <"$results")" "$STEPS"
	C scontrol -o show job |
		sed -n "s/^JobId=\([0-9]*\).* JobName=\($prefix-[0-9]*\) .*/\1 \2/p" >"$ids"
	is "$(check_codes "$results" <(cut -d " " -f 2 "$ids"))" ""

	# slurmd ends a job after srun has ended.
	until_true 30 nothing_left
	until_true 30 nodes_idle
	expected_lines "$results" | sort -V >"$BATS_TEST_TMPDIR/expected"
	our_lines "${marks[@]}" | normalize "$ids" >"$BATS_TEST_TMPDIR/found"
	diff "$BATS_TEST_TMPDIR/expected" "$BATS_TEST_TMPDIR/found"
	# Two steps in three have containers, some of several tasks.
	[[ $(wc -l <"$BATS_TEST_TMPDIR/found") -gt $((STEPS / 2)) ]]
}
