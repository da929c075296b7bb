# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What the real-Slurm tests share. test/run starts the cluster (SB_CLUSTER) and
# says which runtime and mode to test (SB_RUNTIME, SB_MODE) and which proctrack
# is in force (SB_PROCTRACK). With SB_ENTRY=handoff Slurm calls the helper, by
# the oci.conf that stepbox ships.

bats_require_minimum_version 1.5.0
TOP=${BATS_TEST_DIRNAME%/test/*}
: "${SB_CLUSTER:?run these by test/run}" "${SB_RUNTIME:=crun}" "${SB_MODE:=run}"
B=/images/centos

# As root in the cluster; as alice.
C() { "$TOP/test/cluster" run "$SB_CLUSTER" -- "$@"; }
A() { "$TOP/test/cluster" run "$SB_CLUSTER" -u alice -- "$@"; }
# A script as alice, in her home; $B, $1... are set.
ash() {
	local script=$1
	shift
	"$TOP/test/cluster" run "$SB_CLUSTER" -u alice -e "B=$B" -- \
		bash -c "$script" ash "$@"
}

# Writes stepbox.conf.
conf() { printf '%s\n' "$@" | C tee /etc/slurm/stepbox.conf >/dev/null; }
default_conf() { conf "Runtime=$SB_RUNTIME" "RunTimeMode=$SB_MODE"; }

# slurm_at_least MAJOR.MINOR: the Slurm at hand is that, or later.
slurm_at_least() {
	local version
	version=$(C sinfo --version)
	printf '%s\n' "$1" "${version##* }" | sort -V -C
}

# until_true SECONDS CMD...: whether CMD comes true. Never a measure of speed:
# the limit is far beyond what any machine needs; SB_PATIENCE times as far where
# even that is not enough (test/guest).
until_true() {
	local end=$((SECONDS + $1 * ${SB_PATIENCE:-1}))
	shift
	until "$@"; do
		((SECONDS < end)) || return 1
		sleep 0.05
	done
}

# What a step may leave: nothing. Directories, mounts, processes of the users.
leftovers() {
	C bash -c '
		shopt -s nullglob dotglob
		for f in /run/stepbox/*/* /run/stepbox/*/.owner/* \
			/run/stepbox/*/.trash/*; do
			case $f in */.owner | */.trash) ;; *) echo "file $f" ;; esac
		done
		for p in /proc/[0-9]*; do
			u=$(stat -c %u "$p" 2>/dev/null) || continue
			((u < 2001 || u > 2002)) ||
				echo "process ${p#/proc/} $(tr "\0" " " <"$p/cmdline") $(cat "$p/stat" 2>/dev/null)"
		done
		awk "\$2 ~ /^\\/(run\\/stepbox|images)/ {print \"mount\", \$2}" /proc/mounts
	' 2>/dev/null
}

nothing_left() { [[ -z $(leftovers) ]]; }

nodes_idle() {
	[[ $(C sinfo -h -N -o %T | sort -u) == idle ]]
}

no_jobs() { [[ -z $(C squeue -h) ]]; }

# Run after every test: whatever it did, all is as before.
assert_clean() {
	C bash -c 'squeue -h -o %i | xargs -r scancel' || :
	until_true 30 no_jobs || { C squeue; return 1; }
	until_true 20 nothing_left || { leftovers; return 1; }
	until_true 20 nodes_idle || { C sinfo -R; return 1; }
}

# The way into Slurm that is to be tested, whatever the test before had.
entry() {
	if [[ ${SB_ENTRY-} == handoff ]]; then
		# Anew: a test may have given the one that is there to somebody.
		C install -m 644 /usr/local/share/stepbox/oci.conf /etc/slurm/oci.conf
	else
		C rm -f /etc/slurm/oci.conf
	fi
}

setup() {
	default_conf
	entry
}
teardown() { assert_clean; }

# CODE CMD...: CMD ends with exit code CODE.
fails_with() {
	local code=$1
	shift
	run "-$code" "$@"
	[[ $status -eq $code ]] || {
		echo "exit code $status instead of $code: $output"
		return 1
	}
}

# Whether the helper is one of ASan's: then it is linked dynamically, and its
# libraries want files and address space of their own.
is_sanitized() {
	[[ $(C ldd /usr/local/bin/stepbox 2>/dev/null) == *libasan* ]]
}

has() {
	[[ $output == *"$1"* ]] || {
		echo "\"$1\" is not in: $output"
		return 1
	}
}

lacks() {
	[[ $output != *"$1"* ]] || {
		echo "\"$1\" is in: $output"
		return 1
	}
}

is() {
	[[ $1 == "$2" ]] || {
		echo "\"$1\" is not \"$2\""
		return 1
	}
}

# Waits until FILE (in the cluster) holds a line; prints it.
wait_line() {
	until_true 30 C test -s "$1" || return 1
	C head -n 1 "$1"
}

# start_step N [COMMANDS [BUNDLE]]: a step of N tasks on n1 that does COMMANDS
# and then runs until it is ended; sets job. Its processes are known by their
# argument, not by a runtime's word.
start_step() {
	local n=$1
	A rm -f /home/alice/id /home/alice/rc
	ash 'srun -Q -w n1 -N1 -n"$1" --container="$2" sh -c '\''
			[ $SLURM_PROCID != 0 ] || echo $SLURM_JOB_ID
			eval "$1"; sleep 4242'\'' sh "$3" >id 2>err; echo $? >rc' \
		"$n" "${3-$B}" "${2-true}" >/dev/null 2>&1 3>&- &
	job=$(wait_line /home/alice/id)
	until_true 20 eval "[[ \$(sleepers) -ge $n ]]"
}

# Exactly these: every shell above them has the words in its own arguments.
sleepers() {
	C bash -c 'for p in /proc/[0-9]*/cmdline; do
		[[ $(tr "\0" " " 2>/dev/null <"$p") == "sleep 4242 " ]] && echo; done 2>/dev/null | wc -l'
}

ended() { [[ $(sleepers) == 0 ]]; }
