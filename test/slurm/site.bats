#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What sites configure, what users get wrong, and who may not: one line that
# names the thing, no run on the host, nothing left, nodes idle.

load lib

SNIPPET=/etc/slurm/plugstack.conf.d/stepbox.conf

teardown() {
	C cp /usr/local/share/stepbox/plugstack.conf "$SNIPPET"
	default_conf
	assert_clean
}

# CODE TEXT CMD...: fails with one line that has TEXT and a node.
refused() {
	local code=$1 text=$2
	shift 2
	fails_with "$code" "$@"
	has "stepbox: "
	has "$text"
	has "(node n"
	lacks Debian
	is "$(grep -c ^stepbox: <<<"$output")" 1
}

srun_in() { ash 'srun -Q -n"${2-3}" -N1 --container="$1" grep NAME /etc/os-release' "$@"; }

@test "bundle: missing" {
	refused 125 "bundle /images/nonesuch: No such file or directory" srun_in /images/nonesuch
	refused 125 "bundle /nonesuch/x/y: /nonesuch: No such file or directory" srun_in /nonesuch/x/y
}

@test "bundle: unreadable, named to the part that refuses" {
	C mkdir -p /images/secret/b
	C chmod 700 /images/secret
	refused 125 "bundle /images/secret/b: /images/secret/b: Permission denied" srun_in /images/secret/b ||
		refused 125 "Permission denied" srun_in /images/secret/b
	C rm -r /images/secret
}

@test "bundle: a file, an empty directory" {
	refused 125 "bundle /etc/passwd: Not a directory" srun_in /etc/passwd
	C mkdir /images/empty
	refused 125 "bundle /images/empty: config.json: No such file or directory" srun_in /images/empty
	C rmdir /images/empty
}

@test "config.json: broken, empty, too deep, a FIFO, of the wrong shape" {
	C mkdir -p /images/broken/rootfs
	put() { printf %s "$1" | C tee /images/broken/config.json >/dev/null; }
	put '{"ociVersion":"1.0.2",
	"root":}'
	refused 125 "config.json: 2:" srun_in /images/broken
	put ''
	refused 125 "config.json: 1:" srun_in /images/broken
	put "$(printf '[%.0s' $(seq 1000))"
	refused 125 "nested too deep" srun_in /images/broken
	put '[]'
	refused 125 "not an object" srun_in /images/broken
	put '{"root":{"path":"rootfs"},"process":{"args":["x"],"args":["y"]}}'
	refused 125 "duplicate" srun_in /images/broken
	put '{"root":{"path":"rootfs"},"process":7}'
	refused 125 "process: not an object" srun_in /images/broken
	C rm /images/broken/config.json
	C mkfifo /images/broken/config.json
	refused 125 "not a regular file" srun_in /images/broken
	C rm -r /images/broken
}

@test "rootfs: missing" {
	C mkdir -p /images/noroot
	C cp /images/centos/config.json /images/noroot
	refused 125 "bundle /images/noroot: rootfs (root.path) rootfs: No such file or directory" srun_in /images/noroot
	C rm -r /images/noroot
}

@test "runtime: missing, or not root's to write" {
	P='RunTimeKill="x" RunTimeDelete="x %m"'
	conf 'RunTimeRun="nonesuch run %b"' "$P"
	refused 127 "runtime nonesuch: not found in /usr/local/sbin:" srun_in "$B" 1
	conf 'RunTimeRun="/opt/nonesuch run %b"' "$P"
	refused 127 "runtime /opt/nonesuch: No such file or directory" srun_in "$B" 1
	C bash -c 'cp /bin/true /tmp/rt && chmod 777 /tmp/rt'
	conf 'RunTimeRun="/tmp/rt run %b"' "$P"
	refused 126 "runtime /tmp/rt: must be root's" srun_in "$B" 1
	conf 'Runtime=nonesuch'
	refused 125 "Runtime=nonesuch" srun_in "$B"
}

@test "stepbox.conf: an unknown key, a bad letter, a bad value: with the line" {
	conf "Runtime=$SB_RUNTIME" "" "Runntime=x"
	refused 125 "/etc/slurm/stepbox.conf:3: unknown key Runntime" srun_in "$B"
	conf 'RunTimeRun="crun %q"'
	refused 125 "stepbox.conf:1: RunTimeRun: %q" srun_in "$B"
	conf "Runtime=$SB_RUNTIME" "ContainerPath=relative"
	refused 125 "stepbox.conf:2: ContainerPath=relative" srun_in "$B"
	conf "Runtime=$SB_RUNTIME" 'x y'
	refused 125 "stepbox.conf:2: not KEY=VALUE" srun_in "$B"
	conf ""
	refused 125 "no runtime" srun_in "$B"
}

@test "stepbox.conf: not root's alone to write" {
	C chmod 666 /etc/slurm/stepbox.conf
	refused 125 "must be root's and writable by root alone" srun_in "$B"
	C chmod 644 /etc/slurm/stepbox.conf
}

@test "ContainerPath: below a directory that is not root's" {
	conf "Runtime=$SB_RUNTIME" "ContainerPath=/home/alice/x"
	refused 125 "ContainerPath /home/alice" srun_in "$B"
	conf "Runtime=$SB_RUNTIME" "ContainerPath=/tmp/x"
	refused 125 "ContainerPath /tmp" srun_in "$B"
}

@test "ContainerPath: another place, by node" {
	conf "Runtime=$SB_RUNTIME" "RunTimeMode=$SB_MODE" "ContainerPath=/var/run/other/%n.d"
	run ash 'srun -Q -w n1 --container=$B grep -c ^NAME=.CentOS /etc/os-release 2>/dev/null'
	is "$output" 1
	C test -d /run/other/n1.d/n1
	is "$(C find /run/other -mindepth 3 -not -name '.owner' -not -name '.trash')" ""
	C rm -r /run/other
}

@test "conf= names a file that is missing on one node: refused there" {
	C bash -c 'mkdir -p /etc/slurm/sb; cp /etc/slurm/stepbox.conf /etc/slurm/sb/; sed -i "s|conf=.*|conf=/etc/slurm/sb/stepbox.conf|" '$SNIPPET
	"$TOP/test/cluster" slurmd "$SB_CLUSTER" stop n2
	C unshare -m bash -c 'mount -t tmpfs none /etc/slurm/sb && exec slurmd -N n2'
	until_true 20 nodes_idle
	run ash 'srun -Q -w n1 --container=$B grep -c ^NAME=.CentOS /etc/os-release 2>/dev/null'
	is "$output" 1
	refused 125 "configuration: /etc/slurm/sb/stepbox.conf: No such file or directory (node n2)" \
		ash 'srun -Q -w n2 --container=$B grep NAME /etc/os-release'
	# A step over both: the good node's tasks run, the other's are refused.
	fails_with 125 ash 'srun -Q -N2 -n2 --container=$B grep -c ^NAME=.CentOS /etc/os-release 2>&1 | grep -v "working directory"; exit ${PIPESTATUS[0]}'
	has "(node n2)"
	"$TOP/test/cluster" slurmd "$SB_CLUSTER" stop n2
	"$TOP/test/cluster" slurmd "$SB_CLUSTER" start n2
	C rm -r /etc/slurm/sb
}

@test "a request without the plugin's mark is refused, unless trusted" {
	# A client without the plugin: the same Slurm with another plugstack.conf.
	C bash -c 'mkdir -p /etc/slurm/bare; sed "s|^PlugStackConfig=.*|PlugStackConfig=/etc/slurm/bare/none|" /etc/slurm/slurm.conf >/etc/slurm/bare/slurm.conf; : >/etc/slurm/bare/none; cp /etc/slurm/cgroup.conf /etc/slurm/bare'
	# Before 21.08 a client without the plugin has no --container.
	bare='SLURM_CONF=/etc/slurm/bare/slurm.conf srun -Q --container=$B'
	slurm_at_least 21.08 || bare='SLURM_CONF=/etc/slurm/bare/slurm.conf SLURM_CONTAINER=$B srun -Q'
	refused 125 "SLURM_CONTAINER=/images/centos came without stepbox's mark" \
		ash "$bare grep NAME /etc/os-release"
	conf "Runtime=$SB_RUNTIME" "RunTimeMode=$SB_MODE" TrustSlurmContainer=yes
	run ash "$bare grep -c ^NAME=.CentOS /etc/os-release 2>/dev/null"
	is "$output" 1
	C rm -r /etc/slurm/bare
}

@test "a job of uid 0" {
	refused 125 "a job of root gets no container" C srun -Q --container="$B" grep NAME /etc/os-release
	C bash -c 'mkdir -p /images/root; cp -a /images/centos/rootfs /images/root; sed "s/\"hostID\": *2001/\"hostID\":0/" /images/centos/config.json >/images/root/config.json'
	conf "Runtime=$SB_RUNTIME" "RunTimeMode=$SB_MODE" AllowRoot=yes
	run C bash -c 'srun -Q --container=/images/root grep -c ^NAME=.CentOS /etc/os-release 2>/dev/null'
	is "$output" 1
	C rm -r /images/root
}

@test "the helper is missing on a node" {
	C mv /usr/local/bin/stepbox /usr/local/bin/stepbox.away
	refused 127 "helper /usr/local/bin/stepbox: No such file or directory" srun_in "$B"
	C mv /usr/local/bin/stepbox.away /usr/local/bin/stepbox
}

@test "sbatch: a refusal fails the job, with the line in its output; the node stays" {
	run ash 'sbatch -Q --wait --container=/images/nonesuch -o out --wrap "grep NAME /etc/os-release"; echo $?; cat out'
	has "125"
	has "stepbox: bundle /images/nonesuch: No such file or directory"
	lacks Debian
}

@test "without stepbox.conf and without conf=: recorded, set, run on the host, silent" {
	C bash -c 'sed -i "s| conf=.*||" '$SNIPPET'; mv /etc/slurm/stepbox.conf /etc/slurm/stepbox.off'
	run ash 'srun -Q --container=/images/nonesuch sh -c "echo \$SLURM_CONTAINER; grep ^NAME /etc/os-release"'
	is "$output" $'/images/nonesuch\nNAME="Debian GNU/Linux"'
	run ash 'sbatch --parsable --wait --container=$B -o out --wrap "grep -c ^NAME=.Debian /etc/os-release"; cat out'
	has 1
	C rm /etc/slurm/stepbox.off
}

@test "without conf= but with the default file: in force" {
	C sed -i 's| conf=.*||' "$SNIPPET"
	run ash 'srun -Q --container=$B grep -c ^NAME=.CentOS /etc/os-release 2>/dev/null'
	is "$output" 1
}

@test "with an oci.conf: left to Slurm, with a line in the log" {
	slurm_at_least 21.08 || skip "Slurm knows no oci.conf before 21.08"
	C tee /etc/slurm/oci.conf >/dev/null <<-'END'
		RunTimeQuery="/bin/true"
		RunTimeRun="/bin/echo native %b"
		RunTimeKill="/bin/true"
		RunTimeDelete="/bin/true"
	END
	run ash 'srun -Q -w n1 --container=$B true'
	C rm /etc/slurm/oci.conf
	has native
	lacks stepbox
	until_true 20 grep -q "stepbox: /etc/slurm/oci.conf exists: --container is left to Slurm" "$SB_CLUSTER/slurmd.n1.log"
}

@test "with an oci.conf where Slurm knows none: in the container all the same" {
	! slurm_at_least 21.08 || skip "Slurm knows oci.conf since 21.08"
	echo 'RunTimeRun="/bin/echo native %b"' | C tee /etc/slurm/oci.conf >/dev/null
	run ash 'srun -Q -w n1 --container=$B grep -c ^NAME=.CentOS /etc/os-release 2>/dev/null'
	C rm /etc/slurm/oci.conf
	is "$output" 1
}

@test "salloc without interactive steps: refused, not a shell on the host" {
	C bash -c 'cp /etc/slurm/slurm.conf /etc/slurm/slurm.conf.saved
		sed -i "/^LaunchParameters=/d" /etc/slurm/slurm.conf; scontrol reconfigure'
	run ash 'salloc -Q --container=$B </dev/null'
	C bash -c 'mv /etc/slurm/slurm.conf.saved /etc/slurm/slurm.conf; scontrol reconfigure'
	has "--container requires LaunchParameters=use_interactive_step"
	[[ $status -ne 0 ]]
	until_true 20 nodes_idle
}

@test "EnvExclude and RunTimeEnvExclude" {
	conf "Runtime=$SB_RUNTIME" "RunTimeMode=$SB_MODE" 'EnvExclude="^(SLURM_CONF|SECRET_.*)="'
	run ash 'export SECRET_A=1 OPEN=2; srun -Q --container=$B env 2>/dev/null'
	has OPEN=2
	lacks SECRET_A
	lacks SLURM_CONF=
	# What the runtime itself gets, told by a program in its place.
	C bash -c 'printf "#!/bin/sh\nenv\n" >/usr/local/bin/showenv; chmod 755 /usr/local/bin/showenv'
	conf 'RunTimeRun="showenv %b"' 'RunTimeKill="x"' 'RunTimeDelete="x %m"' 'RunTimeEnvExclude="^SLURM_JOB"'
	run ash 'export LD_PRELOAD= EVIL=1; PATH=/home/alice:$PATH; srun -Q --container=$B x'
	has "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	has HOME=/home/alice
	has SLURM_STEP_ID=0
	lacks SLURM_JOB
	lacks EVIL
	lacks STEPBOX
	C rm /usr/local/bin/showenv
}

@test "patterns: every letter, words without a shell, a shell where one is needed" {
	C bash -c 'printf "#!/bin/sh\nfor a; do printf \"<%%s>\" \"\$a\"; done\n" >/usr/local/bin/showargs; chmod 755 /usr/local/bin/showargs'
	conf 'RunTimeRun="showargs %% %j %s %t %u %U %n %Z %r %m %b %e %p %@"' 'RunTimeKill="x"' 'RunTimeDelete="x %m"'
	run ash 'srun -Q -w n1 --container=$B echo "a b" "\$(id)"'
	[[ $output =~ ^'<%><'([0-9]+)'><0><0><alice><2001><n1></home/alice></images/centos/rootfs></run/stepbox/n1/'([0-9]+)'.0.0><'[^\>]*'/task-0><'[^\>]*'/task-0/environment><4294967295><echo><a b><$(id)>'$ ]]
	conf 'RunTimeRun="showargs $(echo shell) %Z %@; true"' 'RunTimeKill="x"' 'RunTimeDelete="x %m"'
	run ash 'srun -Q --container=$B echo "a b" "\$(id)" "it'"'"'s"'
	[[ $output == '<shell></home/alice><echo><a b><$(id)>'"<it's>" ]]
	C rm /usr/local/bin/showargs
}

# A scripted runtime only for what no real one shows.
lying_runtime() {
	C tee /usr/local/bin/lying >/dev/null
	C chmod 755 /usr/local/bin/lying
	conf 'RunTimeCreate="lying create %b"' 'RunTimeStart="lying start"' \
		'RunTimeQuery="lying state"' 'RunTimeKill="lying kill"' 'RunTimeDelete="lying delete %m"'
}

@test "a runtime whose create succeeds without a container" {
	lying_runtime <<<'#!/bin/sh
		[ $1 = state ] && echo "{\"pid\": 99999999}"
		exit 0'
	refused 125 "RunTimeCreate ended well, but there is no container process" srun_in "$B" 1
	C rm /usr/local/bin/lying
}

@test "a runtime that fails to create: its own words, then ours" {
	lying_runtime <<<'#!/bin/sh
		[ $1 = create ] && { echo "lying: out of lies" >&2; exit 1; }
		exit 0'
	fails_with 125 srun_in "$B" 1
	has "lying: out of lies"
	has "stepbox: RunTimeCreate: runtime failed with exit code 1"
	C rm /usr/local/bin/lying
}

@test "a runtime whose kill and delete lie, and whose delete hangs" {
	# create leaves a process that nothing but SIGKILL ends.
	lying_runtime <<<'#!/bin/bash
		case $1 in
		create) (trap "" TERM INT HUP; exec -a container sleep 4242) >/dev/null 2>&1 </dev/null & ;;
		start) exit 3 ;;
		delete) exec sleep 4243 ;;
		esac
		exit 0'
	fails_with 125 srun_in "$B" 1
	has "RunTimeStart: runtime failed with exit code 3"
	run C bash -c 'cat /proc/[0-9]*/cmdline | tr "\0" " "'
	lacks "container 4242"
	lacks "sleep 4243"
	C rm /usr/local/bin/lying
}

@test "Init=no: the runtime starts the command itself" {
	conf "Runtime=$SB_RUNTIME" "RunTimeMode=$SB_MODE" Init=no
	run ash 'srun -Q --container=$B sh -c "cat /proc/1/comm; exit 5" 2>/dev/null'
	is "$status" 5
	is "$output" sh
	run ash 'srun -Q --chdir=/etc --container=$B pwd 2>/dev/null'
	is "$output" /etc
}

@test "Prolog and Epilog scripts see the bundle" {
	ash 'sbatch -Q --wait --container=$B -o id --wrap "echo \$SLURM_JOB_ID"'
	id=$(C grep -v ^stepbox: /home/alice/id)
	until_true 20 C grep -qx "$id $B" /var/log/epilog.seen
	ash 'salloc -Q srun -Q --container=$B true' 2>/dev/null
}

@test "the unit tests of what works in a user's directory, as a user" {
	for t in taskdir proc; do
		C cp "$TOP/build-test/test/unit/test_$t" /tmp
		run A "/tmp/test_$t"
		is "$status" 0
	done
}
