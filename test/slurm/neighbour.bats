#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Beside other parts of Slurm: private /tmp of a job (job_container/tmpfs;
# namespace/tmpfs since 26.05), a plugin that was built for another Slurm, one
# that comes while slurmd runs.

load lib

SNIPPET=/etc/slurm/plugstack.conf.d/stepbox.conf

# Linux 6.18 numbers namespaces by CPU, and binds no mount namespace of a lower
# number than one's own: there Slurm's jobs fail by chance ("ns mnt mount failed:
# Invalid argument"). Prints a CPU whose namespaces can be bound in the cluster;
# that on which the cluster's was made is one.
good_cpu() {
	C bash -c 'mkdir -p /run/ns && mount -t tmpfs ns /run/ns && mount --make-private /run/ns && cd /run/ns && touch at
		for ((cpu = 0; cpu < $(nproc --all); cpu++)); do
			taskset -c "$cpu" unshare --mount --propagation private sh -c "echo >up; exec sleep 60" 2>/dev/null &
			until [[ -s up ]] || ! kill -0 $! 2>/dev/null; do sleep 0.05; done
			! mount --bind "/proc/$!/ns/mnt" at 2>/dev/null || good=$cpu
			kill $!
			rm -f up
			[[ ! ${good-} ]] || break
		done
		echo "${good-0}"
		cd / && umount -R /run/ns'
}

# Ends all daemons, runs the script $1 as root, and starts them again.
restart_slurm() {
	local cpu
	cpu=$(good_cpu)
	"$TOP/test/cluster" slurmd "$SB_CLUSTER" stop
	C bash -c 'read -r pid </run/slurmctld.pid; kill "$pid"
		while [[ -d /proc/$pid ]]; do sleep 0.05; done'
	C bash -c "$1"
	C slurmctld
	taskset -c "$cpu" "$TOP/test/cluster" slurmd "$SB_CLUSTER" start
	until_true 30 nodes_idle
}

teardown() {
	C bash -c 'rm -f /tmp/of-host /tmp/other-slurm.so
		[[ ! -e /etc/slurm/plain.conf ]]' ||
		restart_slurm 'mv /etc/slurm/plain.conf /etc/slurm/slurm.conf
			[[ ! -e /run/slurmd.odd.pid ]] || kill "$(</run/slurmd.odd.pid)"
			rm -f /etc/slurm/job_container.conf /etc/slurm/namespace.yaml; umount /var/lib/jc.*/* /var/lib/jc.* 2>/dev/null; rm -rf /var/lib/jc.*'
	C cp /usr/local/share/stepbox/plugstack.conf "$SNIPPET"
	default_conf
	assert_clean
}

# Each job gets a /tmp of its own, on each node.
private_tmp() {
	slurm_at_least 21.08 || skip "Slurm has no private /tmp before 21.08"
	local type=JobContainerType=job_container/tmpfs
	! slurm_at_least 26.05 || type=NamespaceType=namespace/tmpfs
	restart_slurm 'cd /etc/slurm
		cp slurm.conf plain.conf
		printf "%s\nPrologFlags=Contain\n" '"$type"' >>slurm.conf
		sed -n "s,^NodeName=\([^ ]*\) .*,NodeName=\1 AutoBasePath=true BasePath=/var/lib/jc.\1,p" slurm.conf >job_container.conf'
	C touch /tmp/of-host
	host_tmp=$(C ls -A /tmp)
	is "$(ash 'srun -Q ls -A /tmp')" ""
}

# Of ours and of the users'. 22.05 itself, which deletes in two places at once,
# now and then forgets a directory ("_delete_ns: umount2 ... failed").
nothing_in_base() {
	[[ -z $(C bash -c 'find /var/lib/jc.* -type f -not -name .ns -o -name "stepbox*"') ]]
}

@test "a job's private /tmp: what is mounted from it, and nothing of it left" {
	private_tmp
	run ash 'exec 2>/dev/null
		salloc -Q -w n1 sh -c "
			srun -Q sh -c \"echo by-host >/tmp/a\"
			srun -Q --container=$B --container-mounts=/tmp:/tmp sh -c \"cat /tmp/a; echo by-container >/tmp/b\"
			srun -Q --container=$B --container-mounts=/tmp/a:/mnt/a cat /mnt/a
			srun -Q cat /tmp/b
			srun -Q --container=$B ls -A /tmp"'
	is "$output" $'by-host\nby-host\nby-container'
	# One job does not see another's.
	is "$(ash 'srun -Q -w n1 --container=$B --container-mounts=/tmp:/tmp ls -A /tmp 2>/dev/null')" ""
	is "$(C ls -A /tmp)" "$host_tmp"
	until_true 20 nothing_in_base
}

@test "a job's private /tmp: site's mounts, home, working directory in it, batch scripts, writable containers" {
	private_tmp
	conf "Runtime=$SB_RUNTIME" "RunTimeMode=$SB_MODE" Mount=/tmp:/tmp MountHome=yes
	run ash 'printf "#!/bin/sh\necho in-\$(grep -c ^NAME=.CentOS /etc/os-release) \$(pwd)\ntouch /tmp/c\nls -A /tmp\n" >job.sh
		sbatch -Q --wait -D /home/alice --container=$B -o out job.sh; cat out; rm out job.sh'
	is "$output" $'in-1 /home/alice\nc'
	run ash 'salloc -Q -w n1 sh -c "
			srun -Q mkdir /tmp/d
			srun -Q -D /tmp/d --container=$B sh -c \"pwd; echo x >here\"
			srun -Q cat /tmp/d/here" 2>/dev/null'
	is "$output" $'/tmp/d\nx'
	conf "Runtime=$SB_RUNTIME" "RunTimeMode=$SB_MODE"
	run ash 'salloc -Q -w n1 sh -c "
			srun -Q --container=$B --container-writable sh -c \"echo y >/etc/os-release; cat /etc/os-release\"
			srun -Q ls -A /tmp" 2>/dev/null'
	is "$output" y
	until_true 20 nothing_in_base
}

@test "a job's private /tmp: ended by scancel, by SIGKILL of its slurmstepd" {
	private_tmp
	start_step 2
	A scancel "$job"
	until_true 20 ended
	until_true 20 no_jobs
	start_step 1
	C bash -c 'for p in /proc/[0-9]*; do
		[[ $(tr "\0" " " <"$p/cmdline" 2>/dev/null) == "slurmstepd: [$1.0]"* ]] && kill -KILL "${p#/proc/}"
		done; true' x "$job"
	A scancel "$job"
	until_true 30 no_jobs
	# As without stepbox, nobody is left to end the task itself.
	C bash -c 'for p in /proc/[0-9]*; do
		[[ $(stat -c %u "$p" 2>/dev/null) != 2001 ]] || kill -KILL "${p#/proc/}"; done; true'
	until_true 20 nothing_left
}

# own_namespaces FLAG...: each job gets namespaces of its own, of mounts and what
# FLAGs name, and slurmstepd itself is in them.
own_namespaces() {
	slurm_at_least 26.05 || skip "namespace/linux came with Slurm 26.05"
	restart_slurm 'cd /etc/slurm
		cp slurm.conf plain.conf
		printf "NamespaceType=namespace/linux\nPrologFlags=Contain\n" >>slurm.conf
		printf "defaults:\n  auto_base_path: true\n  base_path: /var/lib/jc.%%n\n" >namespace.yaml
		set -- '"$*"'; [[ $# == 0 ]] || { echo "  clone_ns_flags:"; printf "    - %s\n" "$@"; } >>namespace.yaml'
	C touch /tmp/of-host
	host_tmp=$(C ls -A /tmp)
	is "$(ash 'srun -Q ls -A /tmp')" ""
}

# What users do in them: shared containers on two nodes, /tmp of the job, exit
# codes, a writable container, scancel. Nothing is left, nor is the node drained.
in_namespaces() {
	run ash 'srun -Q -N2 -n4 --container=$B sh -c "echo \$SLURM_PROCID \$(grep -c ^NAME=.CentOS /etc/os-release)" 2>/dev/null | sort'
	is "$output" $'0 1\n1 1\n2 1\n3 1'
	run ash 'salloc -Q -w n1 sh -c "
			srun -Q sh -c \"echo by-host >/tmp/a\"
			srun -Q --container=$B --container-mounts=/tmp:/tmp sh -c \"cat /tmp/a; echo by-container >/tmp/b\"
			srun -Q cat /tmp/b
			srun -Q --container=/images/nopid --container-mounts=/tmp:/tmp cat /tmp/b
			srun -Q --container=$B ls -A /tmp" 2>/dev/null'
	is "$output" $'by-host\nby-container\nby-container'
	is "$(C ls -A /tmp)" "$host_tmp"
	fails_with 7 ash 'srun -Q --container=$B sh -c "exit 7"'
	run ash 'srun -Q --container=$B --container-writable sh -c "echo y >/etc/os-release; cat /etc/os-release" 2>/dev/null'
	is "$output" y
	run ash 'printf "#!/bin/sh\necho in-\$(grep -c ^NAME=.CentOS /etc/os-release)\nexit 3\n" >job.sh
		sbatch -Q --wait --container=$B -o out job.sh; echo $?; grep -v ^stepbox: out; rm out job.sh'
	is "$output" $'3\nin-1'
	start_step 2
	A scancel "$job"
	until_true 20 ended
	until_true 20 no_jobs
	until_true 20 nothing_left
	until_true 20 nodes_idle
	until_true 20 nothing_in_base
}

@test "namespace/linux: mounts of the job's own" {
	own_namespaces
	in_namespaces
}

@test "namespace/linux: a pid namespace of the job's own" {
	own_namespaces CLONE_NEWPID
	in_namespaces
}

@test "namespace/linux: pid and user namespaces of the job's own" {
	own_namespaces CLONE_NEWPID CLONE_NEWUSER
	in_namespaces
}

# Makes $1 of the installed plugin as if it had been built for the next minor
# release: Slurm compares this number with its own.
other_version() {
	C bash -c '
		so=$(sed -n "s/^required \([^ ]*\).*/\1/p" /usr/local/share/stepbox/plugstack.conf)
		at=$((16#$(nm -D --defined-only "$so" | sed -n "s/ R plugin_version$//p")))
		read -r minor < <(od -An -tu1 -j $((at + 1)) -N 1 "$so")
		read -r major < <(od -An -tu1 -j $((at + 2)) -N 1 "$so")
		[[ $(printf "%02d.%02d" $major $minor) == "$2" ]] || { echo "found $major.$minor, not $2"; exit 1; }
		cp "$so" "$1"
		printf "\x$(printf %02x $((minor + 1)))" | dd of="$1" bs=1 seek=$((at + 1)) conv=notrunc status=none
	' x "$1" "$(C sinfo --version | sed 's/.* \([0-9]*\.[0-9]*\)\..*/\1/')"
}

@test "a plugin for another Slurm: optional runs on the host, hence required" {
	slurm_at_least 21.08 || skip "Slurm looks at the version of a SPANK plugin since 21.08"
	other_version /tmp/other-slurm.so
	echo "optional /tmp/other-slurm.so conf=/etc/slurm/stepbox.conf" | C tee "$SNIPPET" >/dev/null
	# Slurm's own words, on every command, and then the host: this is what
	# README warns of.
	run -0 ash 'srun -Q --container=$B grep ^NAME /etc/os-release 2>&1'
	has "Incompatible Slurm plugin"
	has Debian
	lacks CentOS
	# Our options are unknown then.
	run ash 'srun -Q --container=$B --container-mount-home true 2>&1'
	[[ $status -ne 0 ]]
	has "unrecognized option '--container"
	C sed -i 's/^optional/required/' "$SNIPPET"
	for command in 'srun true' 'srun --container=$B true' 'sbatch --container=$B --wrap true' 'salloc --container=$B true'; do
		run ash "$command 2>&1"
		[[ $status -ne 0 ]]
		has "Incompatible Slurm plugin"
		lacks "Submitted"
	done
	is "$(C squeue -h)" ""
}

@test "a plugin that comes while slurmd runs: works at once, its epilog after slurmd's restart" {
	C mv "$SNIPPET" /etc/slurm/stepbox.off
	"$TOP/test/cluster" slurmd "$SB_CLUSTER" stop
	"$TOP/test/cluster" slurmd "$SB_CLUSTER" start
	until_true 20 nodes_idle
	C mv /etc/slurm/stepbox.off "$SNIPPET"
	run ash 'srun -Q -w n1 --container=$B grep -c ^NAME=.CentOS /etc/os-release 2>/dev/null'
	is "$output" 1
	# A step that only the epilog could clean up after.
	start_step 1
	C bash -c 'for p in /proc/[0-9]*; do
		[[ $(tr "\0" " " <"$p/cmdline" 2>/dev/null) == "slurmstepd: [$1.0]"* ]] && kill -KILL "${p#/proc/}"
		done; true' x "$job"
	A scancel "$job"
	until_true 30 no_jobs
	C bash -c 'for p in /proc/[0-9]*; do
		[[ $(stat -c %u "$p" 2>/dev/null) != 2001 ]] || kill -KILL "${p#/proc/}"; done; true'
	# 22.05 looks for hooks of plugins when it starts, and never again.
	slurm_at_least 22.11 || has_left file
	"$TOP/test/cluster" slurmd "$SB_CLUSTER" stop
	"$TOP/test/cluster" slurmd "$SB_CLUSTER" start
	until_true 20 nothing_left
}

@test "slurmd without -N, its node not of the host's name: what dead steps left is found" {
	restart_slurm 'cd /etc/slurm
		cp slurm.conf plain.conf
		echo "NodeName=odd NodeHostname=$(hostname) NodeAddr=127.0.0.1 Port=6899 CPUs=4 RealMemory=1024" >>slurm.conf
		slurmd'
	run ash 'srun -Q -w odd --container=$B sh -c "echo \$SLURMD_NODENAME" 2>/dev/null'
	is "$output" odd
	# As before the node was started anew: of a job that no epilog knows of.
	C bash -c 'cd /run/stepbox/odd && mkdir -m 700 77777.0.0 && touch 77777.0.0/x && chown -R alice: 77777.0.0
		echo 2001 2001 1 1 1 another-boot >.owner/77777.0.0'
	has_left file
	C bash -c 'kill "$(</run/slurmd.odd.pid)"; while [[ -e /run/slurmd.odd.pid ]]; do sleep 0.05; done; slurmd'
	until_true 20 nothing_left
}

# WORD: such a thing is left.
has_left() { leftovers | grep -q "^$1 "; }
