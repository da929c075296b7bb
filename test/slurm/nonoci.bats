#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Runtimes that are no OCI runtimes (IgnoreFileConfigJson): Slurm's blocks for
# them, as they stand in its guide, and when RunTimeKill and RunTimeDelete are
# called. Charliecloud is the real one; for the others, which Debian 12 lacks,
# scripts that do what they do. Run once per proctrack.

load lib

IMG=/images/cloud

setup_file() {
	C bash -c '
		cp -a /images/centos/rootfs /images/cloud
		cd /images/cloud
		mkdir -p etc/slurm var/run/slurm var/run/munge
		chown -R alice: .
		cp -a /images/centos/rootfs "/images/cl\"ou;d \$(touch broken)'\''s"
		mkdir -p /usr/local/oci /opt/slurm-oci'
	# A program of the user's, in a root file system: what stands for singularity
	# exec, enroot start and the like. As root there, since unshare(1) of old
	# cannot do else.
	program /usr/local/oci/enter <<-'END'
		#!/bin/sh
		dir=$1
		shift
		exec unshare -r chroot "$dir" "$@"
	END
}

teardown_file() {
	C bash -c 'rm -rf /images/cl* /usr/local/oci /opt/slurm-oci'
}

teardown() {
	C bash -c 'rm -rf /usr/local/bin/singularity /usr/local/bin/enroot* \
		/home/alice/.slurm-oci-run /tmp/nonoci'
	default_conf
	assert_clean
}

# Of Slurm's guide, unchanged.
block() { C cp "$TOP/test/unit/data/oci.conf/$1.conf" /etc/slurm/stepbox.conf; }

# PATH: standard input becomes a program of the site's.
program() { C bash -c 'cat >"$1" && chmod 755 "$1"' _ "$1"; }

# DIR or so, for what a test's runtime has to tell.
scratch() { C bash -c 'mkdir /tmp/nonoci && chmod 777 /tmp/nonoci'; }

# NAME: how many lines it has.
lines() { C sh -c 'cat "/tmp/nonoci/$1" 2>/dev/null | wc -l' _ "$1"; }

# A site with RunTimeRun, RunTimeKill and RunTimeDelete, and what else it says.
site() {
	conf IgnoreFileConfigJson=true "RunTimeRun=\"$1\"" "RunTimeKill=\"$2\"" \
		"RunTimeDelete=\"$3\"" "${@:4}"
}

need_cloud() {
	C sh -c 'type ch-run' >/dev/null 2>&1 || skip "no ch-run here"
	# Before 0.23 it has neither SquashFS nor this option.
	C sh -c 'USER=x ch-run --help 2>&1' | grep -q -e --env-no-expand || skip "this ch-run is too old"
}

srun_in() { ash 'timeout 60 srun -Q --container="$@" 2>&1' "$@"; }

# begin [SRUN OPTION...] -- COMMAND...: a step in the background; its exit code
# goes to ~/rc, what it says to ~/err. Returns when ~/ready or /tmp/nonoci/ready
# is there; sets job.
begin() {
	C rm -f /home/alice/rc /tmp/nonoci/ready
	ash 'srun -Q -w n1 -n1 -J nonoci --container="$@" >out 2>err; echo $? >rc' "$@" \
		>/dev/null 2>&1 3>&- &
	until_true 60 C test -e /tmp/nonoci/ready
	job=$(C squeue -h -o %i -n nonoci)
}

# CODE: the step ends with it.
ends_with() {
	is "$(wait_line /home/alice/rc)" "$1" || {
		C cat /home/alice/err /home/alice/out
		return 1
	}
}

# ---- the blocks of Slurm's guide ----

@test "Charliecloud's block, unchanged: two nodes, exit codes, environment, %m" {
	need_cloud
	block charliecloud
	run ash 'export FOO="two  words" LIKE="a=\$b"; timeout 60 srun -Q -N2 -n4 --container="$1" sh -c "
		echo \$SLURM_PROCID \$USER \$FOO,\$LIKE; grep ^ID= /etc/os-release
		ls /var/run/slurm | grep -q task- && [ -e /etc/slurm/slurm.conf ] && [ -e /var/run/munge/munge.socket.2 ]" 2>&1 | sort' $IMG
	is "$output" "0 alice two words,a=\$b
1 alice two words,a=\$b
2 alice two words,a=\$b
3 alice two words,a=\$b
ID=stepbox-test
ID=stepbox-test
ID=stepbox-test
ID=stepbox-test"
	fails_with 7 srun_in $IMG sh -c 'exit 7'
	fails_with 137 srun_in $IMG sh -c 'kill -KILL $$'
	# In the image is where it is looked for.
	run srun_in $IMG python3
	[[ $status != 0 ]]
	has "ch-run["
}

@test "Charliecloud's block, unchanged: sbatch, its arguments and exit code" {
	need_cloud
	block charliecloud
	run ash 'printf "%s\n" "#!/bin/sh" "grep ^ID= /etc/os-release" "echo \"\$1|\$2\"" "exit 3" >script
		sbatch -Q -W -o out --container="$1" script "a  b" "\$x" >/dev/null; echo $?; cat out' $IMG
	is "$output" "3
ID=stepbox-test
a  b|\$x"
}

@test "Runtime=charliecloud: an image of root's, a job's variables, AllowRuntime" {
	need_cloud
	conf Runtime=charliecloud
	run ash 'export FOO="two  words" LD_LIBRARY_PATH=/nonesuch PATH=/nonesuch:$PATH
		timeout 60 srun -Q -w n1 --container=/images/centos/rootfs sh -c "id -u; echo \"\$FOO|\$LD_LIBRARY_PATH|\${PATH%%:*}\"" 2>&1'
	is "$output" "2001
two  words|/nonesuch|/nonesuch"
	# PMI-2's descriptor is the command's.
	run ash 'timeout 60 srun -Q -w n1 --mpi=pmi2 --container=/images/centos/rootfs sh -c "echo \$PMI_FD; readlink /proc/self/fd/3" 2>&1'
	[[ $output == 3$'\n'socket:* ]]
	conf "Runtime=$SB_RUNTIME" AllowRuntime=charliecloud
	run ash 'timeout 60 srun -Q --container=/images/centos/rootfs --container-runtime=charliecloud grep ^ID= /etc/os-release 2>&1'
	is "$output" ID=stepbox-test
	run ash 'timeout 60 srun -Q --container=$B grep ^ID= /etc/os-release 2>/dev/null'
	is "$output" ID=stepbox-test
}

@test "Singularity's block, unchanged" {
	program /usr/local/bin/singularity <<-'END'
		#!/bin/sh
		[ "$1 $2" = "exec --userns" ] || exit 99
		shift 2
		exec /usr/local/oci/enter "$@"
	END
	block singularity-native
	fails_with 5 srun_in $IMG -N2 -n2 sh -c 'grep ^ID= /etc/os-release; exit 5'
	is "$(grep -c ^ID=stepbox-test <<<"$output")" 2
	# Its words are words, and no shell's.
	run srun_in $IMG printf '<%s>' 'a  b' '' '$(id)' "it's" '*'
	is "$output" "<a  b><><\$(id)><it's><*>"
}

@test "Enroot's block, unchanged, with a wrapper: %e has the variables" {
	program /usr/local/bin/enroot-start-wrapper <<-'END'
		#!/bin/bash
		image=$1 spool=$2 vars=$3
		[[ $4 == -- && -d $spool ]] || exit 99
		shift 4
		while IFS= read -r var; do
			export "$var"
		done <"$vars"
		[[ $image == docker://* ]] && image=/images/cloud
		/usr/local/oci/enter "$image" "$@"
		exit $?
	END
	block enroot
	run ash 'export FOO="two  words"; timeout 60 srun -Q -w n1 --container=docker://an/image sh -c "echo \"\$FOO\"; exit 6" 2>/dev/null'
	is "$status:$output" "6:two  words"
}

@test "the block for several runtimes, unchanged: the site's choice, and a user's" {
	program /opt/slurm-oci/run <<-'END'
		#!/bin/bash
		if [[ -e ~/.slurm-oci-run ]]; then
			~/.slurm-oci-run "$@"
		else
			/opt/slurm-oci/default "$@"
		fi
	END
	program /opt/slurm-oci/default <<-'END'
		#!/bin/bash
		echo "$1 ${2##*/} $3 $4 $5 $6 $7 $8"
		image=$1
		shift 8
		/usr/local/oci/enter "$image" "$@"
	END
	block multiple-runtimes
	run ash 'timeout 60 srun -Q -w n1 --container="$1" sh -c "echo \$SLURM_JOB_ID; exit 4" 2>/dev/null' $IMG
	is "$status" 4
	local id=${output##*$'\n'}
	is "$output" "$IMG $id.0.0 alice 2001 n1 $id 0 0
$id"
	ash 'printf "%s\n" "#!/bin/sh" "echo mine" >.slurm-oci-run; chmod 755 .slurm-oci-run'
	run ash 'timeout 60 srun -Q --container="$1" true 2>&1' $IMG
	is "$output" mine
}

# ---- the end ----

@test "scancel: RunTimeKill has the runtime's pid, and its exit code is the task's" {
	scratch
	# What Slurm itself sends is not what ends it.
	program /usr/local/oci/waits <<-'END'
		#!/bin/sh
		trap : TERM
		trap 'exit 6' INT
		echo $$ >/tmp/nonoci/pid
		mv /tmp/nonoci/pid /tmp/nonoci/ready
		while :; do sleep 0.1; done
	END
	program /usr/local/oci/kill <<-'END'
		#!/bin/sh
		echo "$1" >>/tmp/nonoci/killed
		exec kill -s INT "$1"
	END
	site '/usr/local/oci/waits %b' '/usr/local/oci/kill %p' 'kill -s KILL %p'
	begin $IMG true
	ash 'scancel "$1"' "$job"
	ends_with 6
	is "$(C sort -u /tmp/nonoci/killed)" "$(C cat /tmp/nonoci/ready)"
}

@test "a time limit: the same; two tasks on each of two nodes" {
	scratch
	# As above: where Slurm's own SIGTERM comes, too, it does not end them.
	program /usr/local/oci/waits <<-'END'
		#!/bin/sh
		trap : TERM
		trap 'exit 6' INT
		echo $$ >"/tmp/nonoci/pid.$1"
		mv "/tmp/nonoci/pid.$1" "/tmp/nonoci/ready.$1"
		while :; do sleep 0.1; done
	END
	program /usr/local/oci/kill <<-'END'
		#!/bin/sh
		echo "$1" >"/tmp/nonoci/killed.$2"
		exec kill -s INT "$1"
	END
	site '/usr/local/oci/waits %n.%t' '/usr/local/oci/kill %p %n.%t' 'kill -s KILL %p'
	C rm -f /home/alice/rc
	ash 'srun -Q -N2 -n4 --ntasks-per-node=2 -J nonoci --container="$1" true >out 2>err; echo $? >rc' $IMG \
		>/dev/null 2>&1 3>&- &
	until_true 60 eval '[[ $(C sh -c "ls /tmp/nonoci/ready.* | wc -l") == 4 ]]'
	C scontrol update JobId="$(C squeue -h -o %i -n nonoci)" EndTime=now
	# Slurm looks twice a minute.
	until_true 120 C test -s /home/alice/rc
	run C sh -c 'cd /tmp/nonoci; for f in ready.*; do cmp "$f" "killed.${f#*.}" && echo "$f"; done'
	is "$output" $'ready.n1.0\nready.n1.1\nready.n2.0\nready.n2.1'
}

# What srun_in or begin runs in the background: it says that it has begun, and
# how it was asked to end.
NOTES='trap "echo term >>/tmp/nonoci/asked; exit 3" TERM
	trap "echo int >>/tmp/nonoci/asked; exit 4" INT
	: >/tmp/nonoci/ready
	while :; do sleep 0.1; done'

# A program that stands for another: singularity exec, with the node's /tmp as
# there.
enter_tmp() {
	program /usr/local/oci/enter-tmp <<-'END'
		#!/bin/sh
		exec unshare -rm sh -c 'mount --rbind /tmp "$0/tmp" && exec chroot "$0" "$@"' "$@"
	END
}

@test "scancel: Charliecloud's block, unchanged: the command may end by itself" {
	need_cloud
	scratch
	block charliecloud
	begin $IMG sh -c "$NOTES"
	ash 'scancel "$1"' "$job"
	ends_with 3
	is "$(C sort -u /tmp/nonoci/asked)" term
}

@test "scancel: Singularity's block, unchanged: the command may end by itself" {
	scratch
	enter_tmp
	program /usr/local/bin/singularity <<-'END'
		#!/bin/sh
		shift 2
		exec /usr/local/oci/enter-tmp "$@"
	END
	block singularity-native
	begin $IMG sh -c "$NOTES"
	ash 'scancel "$1"' "$job"
	ends_with 3
	is "$(C sort -u /tmp/nonoci/asked)" term
}

@test "scancel: Enroot's block and the guide's wrapper, which hands no signal on" {
	scratch
	enter_tmp
	program /usr/local/bin/enroot <<-'END'
		#!/bin/sh
		echo "$*" >>"$ENROOT_DATA_PATH/calls"
		case $1 in
		import) : >"$3" ;;
		create) cp "$ENROOT_DATA_PATH/calls" /tmp/nonoci/calls ;;
		start) image=$3 && shift 3 && exec /usr/local/oci/enter-tmp /images/cloud "$@" ;;
		esac
	END
	program /usr/local/bin/enroot-start-wrapper <"$TOP/test/unit/data/oci.conf/enroot-start-wrapper"
	block enroot
	fails_with 7 srun_in docker://an/image sh -c 'exit 7'
	[[ $(C cat /tmp/nonoci/calls) == "import -o "*"/container.sqsh -- docker://an/image
create "*"/container.sqsh" ]]
	# The wrapper's SIGINT is not the command's, and bash waits for that: KillWait.
	# Where Slurm signals every process itself, the first to go is the wrapper.
	begin docker://an/image sh -c "$NOTES"
	ash 'scancel "$1"' "$job"
	if [[ $SB_PROCTRACK == cgroup ]]; then
		ends_with 137
		C test ! -e /tmp/nonoci/asked
	else
		[[ $(wait_line /home/alice/rc) != 137 ]]
	fi
	C grep -c stepbox: /home/alice/err && return 1
	# What the manual says: exec.
	C rm -f /tmp/nonoci/asked
	C sed -i 's/^enroot start/exec &/' /usr/local/bin/enroot-start-wrapper
	begin docker://an/image sh -c "$NOTES"
	ash 'scancel "$1"' "$job"
	if [[ $SB_PROCTRACK == cgroup ]]; then
		ends_with 4
		is "$(C cat /tmp/nonoci/asked)" int
	else
		[[ $(wait_line /home/alice/rc) == [34] ]]
	fi
}

@test "scancel: the block for several runtimes and the guide's script, which dies alone" {
	scratch
	enter_tmp
	program /opt/slurm-oci/run <<-'END'
		#!/bin/bash
		if [[ -e ~/.slurm-oci-run ]]; then
			~/.slurm-oci-run "$@"
		else
			/opt/slurm-oci/slurm-oci-run-default "$@"
		fi
	END
	program /opt/slurm-oci/slurm-oci-run-default <<-'END'
		#!/bin/bash
		image=$1
		shift 8
		/usr/local/oci/enter-tmp "$image" "$@"
	END
	block multiple-runtimes
	# RunTimeKill's SIGTERM ends the first shell; what it waited for is killed.
	begin $IMG sh -c "$NOTES"
	ash 'scancel "$1"' "$job"
	if [[ $SB_PROCTRACK == cgroup ]]; then
		ends_with 143
		C test ! -e /tmp/nonoci/asked
	else
		wait_line /home/alice/rc
	fi
	C rm -f /tmp/nonoci/asked
	C sed -i -E 's,^([[:blank:]]*)(~|/opt|/usr),\1exec \2,' /opt/slurm-oci/run /opt/slurm-oci/slurm-oci-run-default
	begin $IMG sh -c "$NOTES"
	ash 'scancel "$1"' "$job"
	ends_with 3
	is "$(C sort -u /tmp/nonoci/asked)" term
}

@test "RunTimeKill fails: one line, and SIGTERM in its place" {
	scratch
	program /usr/local/oci/waits <<-'END'
		#!/bin/sh
		trap 'exit 6' TERM
		: >/tmp/nonoci/ready
		while :; do sleep 0.1; done
	END
	# Under linuxproc the runtime has Slurm's own SIGTERM, too, and may be gone
	# before there is anything to say: test/run has both.
	site '/usr/local/oci/waits %b' 'false %p' 'kill -s KILL %p'
	begin $IMG true
	ash 'scancel "$1"' "$job"
	ends_with 6
	[[ $SB_PROCTRACK == linuxproc ]] || is "$(C grep -c 'stepbox: RunTimeKill: exit code 1: SIGTERM in its place (node n1, task 0)' /home/alice/err)" 1
}

@test "RunTimeRun alone, as Slurm takes it: SIGTERM, and nothing is left" {
	scratch
	program /usr/local/oci/waits <<-'END'
		#!/bin/sh
		trap 'echo told >>/tmp/nonoci/term; exit 6' TERM
		setsid sleep 4242 </dev/null >/dev/null 2>&1 &
		: >/tmp/nonoci/ready
		while :; do sleep 0.1; done
	END
	conf IgnoreFileConfigJson=true 'RunTimeRun="/usr/local/oci/waits %b"'
	begin $IMG true
	ash 'scancel "$1"' "$job"
	ends_with 6
	is "$(lines term)" 1
	is "$(C grep -c stepbox: /home/alice/err)" 0
	is "$(sleepers)" 0
	run ash 'stepbox show --json "$1" -- true' $IMG
	is "$(jq -r '.operations | keys[]' <<<"$output")" RunTimeRun
}

@test "other signals reach the runtime" {
	scratch
	program /usr/local/oci/waits <<-'END'
		#!/bin/sh
		trap 'exit 9' USR1
		: >/tmp/nonoci/ready
		while :; do sleep 0.1; done
	END
	site '/usr/local/oci/waits %b' 'kill %p' 'kill -s KILL %p'
	begin $IMG true
	ash 'scancel -s USR1 "$1.0"' "$job"
	ends_with 9
}

@test "RunTimeDelete: for what is left, with a pid that nobody else can have" {
	scratch
	program /usr/local/oci/leaves <<-'END'
		#!/bin/sh
		echo $$ >/tmp/nonoci/pid
		if [ "$1" = leave ]; then
			setsid sleep 4242 </dev/null >/dev/null 2>&1 &
		fi
		exit 8
	END
	program /usr/local/oci/delete <<-'END'
		#!/bin/sh
		echo "$* $(cut -d " " -f 3 /proc/$1/stat)" >>/tmp/nonoci/deleted
	END
	site '/usr/local/oci/leaves %@' 'kill %p' '/usr/local/oci/delete %p'
	fails_with 8 srun_in $IMG -w n1 leave
	# It has ended and is still there.
	is "$(C cat /tmp/nonoci/deleted)" "$(C cat /tmp/nonoci/pid) Z"
	is "$(sleepers)" 0
	# Nothing left: nothing to be called for.
	fails_with 8 srun_in $IMG -w n1 stay
	is "$(lines deleted)" 1
	# Without %p it is for what the runtime keeps, which nobody can see.
	site '/usr/local/oci/leaves %@' 'kill %p' '/usr/local/oci/delete %j'
	fails_with 8 srun_in $IMG -w n1 stay
	is "$(lines deleted)" 2
}

@test "SIGKILL of slurmstepd: RunTimeKill, then RunTimeDelete, then nothing is left" {
	scratch
	program /usr/local/oci/waits <<-'END'
		#!/bin/sh
		trap : TERM INT HUP
		setsid sleep 4242 &
		: >/tmp/nonoci/ready
		while :; do sleep 0.1; done
	END
	program /usr/local/oci/tell <<-'END'
		#!/bin/sh
		echo "$1 $(cut -d " " -f 3 "/proc/$2/stat" | tr RD S)" >>/tmp/nonoci/told
	END
	site '/usr/local/oci/waits %b' '/usr/local/oci/tell kill %p' '/usr/local/oci/tell delete %p'
	begin $IMG true
	C bash -c 'for p in /proc/[0-9]*; do
		[[ $(tr "\0" " " <"$p/cmdline" 2>/dev/null) != "slurmstepd: [$1.0"* ]] || kill -KILL "${p#/proc/}"
	done' _ "$job"
	until_true 60 eval '[[ $(lines told) -ge 2 ]]'
	is "$(C cat /tmp/nonoci/told)" "kill S
delete S"
	until_true 60 ended
	ash 'scancel "$1"' "$job"
}

# ---- what it gets ----

@test "the runtime's environment: the job's, but for what steers the node's programs" {
	program /usr/local/oci/env <<-'END'
		#!/bin/sh
		env | grep -E '^(PATH|LD_|BASH|ENV|IFS|FOO|BAR|MINE|SLURM_PROCID|SLURM_STEPBOX|APPTAINER|GCONV|MALLOC)' | sort
	END
	site '/usr/local/oci/env' 'kill %p' 'kill -s KILL %p' 'EnvExclude="^BAR="' \
		'RunTimeEnvExclude="^MINE="' EnvSet=FOOT=site
	run ash 'export FOO=1 BAR=2 MINE=3 APPTAINER_BIND=/x
		timeout 60 srun -Q --export=ALL,LD_PRELOAD=/nonesuch.so,LD_AUDIT=/nonesuch.so,BASH_ENV=/nonesuch,ENV=/nonesuch,PATH=/home/alice:/usr/bin,GCONV_PATH=/nonesuch,MALLOC_TRACE=/nonesuch --container="$1" true 2>&1' $IMG
	# A helper with ASan is not static, and has the linker's own words.
	output=$(grep -v '^ERROR: ld.so' <<<"$output")
	is "$output" "APPTAINER_BIND=/x
FOO=1
FOOT=site
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
SLURM_PROCID=0"
}

@test "a shell's pattern: what users name is no text of the shell's" {
	local odd
	odd=$(C sh -c 'ls -d /images/cl*s')
	# stepbox.conf takes no double quote: single ones do.
	site "X=\$(basename %b); printf '<%%s>' \$SLURM_PROCID %@; echo; printf %%s %b; :" 'kill %p' 'kill -s KILL %p'
	run srun_in "$odd" -w n1 echo 'a  b' '$(touch broken)' '`touch broken`' "it's;touch broken"
	is "$output" "<0><echo><a  b><\$(touch broken)><\`touch broken\`><it's;touch broken>
$odd"
	C test ! -e /home/alice/broken
}

@test "ps, kill; exec says that it cannot" {
	scratch
	program /usr/local/oci/waits <<-'END'
		#!/bin/sh
		: >/tmp/nonoci/ready
		exec sleep 4242
	END
	site '/usr/local/oci/waits %b' 'kill %p' 'kill -s KILL %p'
	begin $IMG true
	until_true 20 eval '[[ $(sleepers) == 1 ]]'
	run ash 'stepbox ps'
	[[ $output =~ "$job.0.0 ".*" running ".*" $IMG" ]]
	fails_with 125 ash 'stepbox exec "$1" true' "$job"
	has "is no OCI runtime: enter it by its own means (pid "
	ash 'stepbox kill "$1"' "$job"
	ends_with 143
	C grep -q "stepbox: $job.0.0: task 0: runtime direct, pid .*, killed by signal 15" "$SB_CLUSTER/slurmd.n1.log"
}

@test "a terminal" {
	need_cloud
	conf Runtime=charliecloud
	run ash 'timeout 60 srun -Q --pty --container="$1" sh -c "test -t 0 && test -t 1 && stty size >/dev/null && echo terminal" 2>&1 </dev/null' $IMG
	[[ $output != *terminal* ]] || return 0
	# Without a terminal of its own srun has none to give.
	run ash 'timeout 60 script -q -e -c "srun -Q --pty --container=$1 sh -c \"test -t 0 && stty size\"" /dev/null 2>&1 </dev/null' $IMG
	is "$status" 0
	[[ ${output//$'\r'/} =~ ^[0-9]+' '[0-9]+ ]]
}

# ---- what it does not ----

@test "what takes a config.json is refused in one line, also of the site's" {
	local option key
	site '/usr/local/oci/enter %b %@' 'kill %p' 'kill -s KILL %p'
	while read -r -u 9 option; do
		fails_with 125 srun_in $IMG -N1 -n2 "$option" true
		has "stepbox: ${option%%[=:]/*}: cannot be had here: the site's runtime is no OCI runtime (IgnoreFileConfigJson) (node n"
		is "$(grep -c ^stepbox: <<<"$output")" 1
	done 9<<-'END'
		--container-mounts=/tmp:/mnt
		--container-mount-home
		--container-writable
		--container-remap-root
		--container-per=node
	END
	site '/usr/local/oci/enter %b %@' 'kill %p' 'kill -s KILL %p' SeccompProfile=default
	fails_with 125 srun_in $IMG true
	has "IgnoreFileConfigJson: SeccompProfile is done by way of config.json"
	conf IgnoreFileConfigJson=yes "Runtime=$SB_RUNTIME"
	fails_with 125 srun_in $IMG true
	has "it is an OCI runtime, and takes a config.json"
}

@test "an image that is not there, or not allowed; a program that is not" {
	site '/usr/local/oci/enter %b %@' 'kill %p' 'kill -s KILL %p'
	fails_with 125 srun_in /images/nonesuch true
	has "stepbox: image /images/nonesuch: No such file or directory (node n"
	fails_with 125 srun_in -x true
	has "begins with a hyphen"
	site '/usr/local/oci/enter %b %@' 'kill %p' 'kill -s KILL %p' BundlePath=/images/made
	fails_with 125 srun_in $IMG true
	has "bundle $IMG: not below a BundlePath"
	fails_with 125 srun_in docker://alpine true
	has "image docker://alpine: no path, and so not below a BundlePath"
	site 'nonesuch %b %@' 'kill %p' 'kill -s KILL %p'
	fails_with 127 srun_in $IMG true
	has "RunTimeRun: runtime nonesuch: not found in /usr/local/sbin:"
	# Missed before anything was started.
	site '/usr/local/oci/enter %b %@' 'nonesuch %p' 'kill -s KILL %p'
	fails_with 127 srun_in $IMG true
	has "RunTimeKill: runtime nonesuch: not found"
}

@test "show and check, of what is no bundle" {
	site "env A=\$USER true %b %@" 'kill %p' 'kill -s KILL %p' EnvSet=MINE=1
	run ash 'LD_PRELOAD= stepbox show "$1" -- ls "a b"' $IMG
	is "$status" 0
	has "MINE=1"
	lacks config.json
	has "/kill %p"
	run ash 'stepbox show --json "$1" -- ls "a b"' $IMG
	is "$(jq -r '.bundle, .mode, (.operations | length), .operations.RunTimeRun.argv[-1], .config' <<<"$output")" "$IMG
run
3
a b
null"
	run ash 'stepbox show --mounts=/a:/b "$1"' $IMG
	is "$status" 125
	has "stepbox: --container-mounts: cannot be had here"
	run ash 'stepbox check "$1"' $IMG
	is "$status" 0
	has "$IMG: what is in it, its runtime can tell"
	fails_with 2 ash 'stepbox check /images/nonesuch'
	has "image /images/nonesuch: No such file or directory"
	fails_with 1 ash 'stepbox check docker://alpine'
	run C stepbox check --node
	[[ $status -lt 2 ]] || {
		echo "$output"
		return 1
	}
	site 'true %b' 'kill %p' 'kill -s KILL %p' BundlePath=/images/made
	fails_with 2 ash 'stepbox check "$1"' $IMG
	has "not below a BundlePath"
}

@test "a program that is stopped and continued goes on, and the step with it" {
	scratch
	program /usr/local/oci/waits-for-go <<-'END'
		#!/bin/sh
		touch /tmp/nonoci/ready
		while [ ! -e /tmp/nonoci/go ]; do sleep 0.05; done
		exit 6
	END
	site '/usr/local/oci/waits-for-go %b' 'kill %p' 'kill -s KILL %p'
	begin $IMG true
	run -0 A stepbox kill -s STOP "$job"
	until_true 20 eval '[[ $(A stepbox ps) == *suspended* ]]'
	run -0 A stepbox kill -s CONT "$job"
	until_true 20 eval '[[ $(A stepbox ps) == *running* ]]'
	C touch /tmp/nonoci/go
	ends_with 6
}
