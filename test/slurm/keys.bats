#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What the site says in stepbox.conf, key by key, and what of a user's session
# works inside. Run once per proctrack.

load lib

M=/images/made

teardown() {
	C bash -c 'umount -q /images/full; rm -rf /etc/slurm/stepbox.runtimes /etc/slurm/seccomp.json
		mount -o remount,hidepid=0 /proc'
	default_conf
	assert_clean
}

# The runtime, and what else the site says.
site() { conf "Runtime=$SB_RUNTIME" "RunTimeMode=$SB_MODE" "$@"; }

# OPTIONS COMMANDS [BEFORE]: what COMMANDS print in the container, standard
# error too, but without srun's own words and the remark on the working directory.
inside() {
	run ash 'eval "${3-}"; eval "o=($1)"
		timeout 30 srun -Q "${o[@]}" sh -c "exec 2>&1; $2" 2>err </dev/null; rc=$?
		grep -v -e "working directory is" -e "^srun: error" err; exit $rc' "$@"
}

# TEXT [OPTIONS]: refused on the node in one line that has TEXT, once for all
# tasks, and nothing ran on the host.
refused() {
	fails_with 125 ash 'eval "o=($1)"; timeout 30 srun -Q -n3 -N1 "${o[@]}" grep NAME /etc/os-release' \
		"${2:---container=$M/runc}"
	has "stepbox: "
	has "$1"
	is "$(grep -c ^stepbox: <<<"$output")" 1
	lacks 'NAME="'
}

# A bundle of alice's own.
own_bundle() {
	C bash -c '[ -e /home/alice/mine ] || cp -a /images/made/runc /home/alice/mine; chown -R alice: /home/alice/mine'
}

# ---- mounts and environment ----

@test "every bad value is an error with file and line" {
	local line text
	while read -r -u 9 line; do
		text=${line#* :: }
		conf "" "Runtime=$SB_RUNTIME" "${line% :: *}"
		refused "configuration: /etc/slurm/stepbox.conf:3: $text (node n"
	done 9<<-'END'
		Mount=/a:b :: Mount=/a:b: destination b is not absolute
		Mount=a:/b :: Mount=a:/b: source a is not absolute
		Mount=/a:/b:nonesuch :: Mount=/a:/b:nonesuch: flag nonesuch is unknown
		Mount=/a:/b,/c:/d :: Mount=/a:/b,/c:/d: one mount to a line: SRC:DST[:FLAGS]
		Mount="" :: Mount=: one mount to a line: SRC:DST[:FLAGS]
		MountHome=maybe :: MountHome=maybe: neither yes nor no
		EnvSet=NAME :: EnvSet=NAME: not NAME=VALUE
		EnvSet=1A=b :: EnvSet=1A=b: not NAME=VALUE
		EnvSet=SLURM_STEPBOX_DIR=/x :: EnvSet=SLURM_STEPBOX_DIR=/x: not NAME=VALUE
		EnvExclude="(" :: EnvExclude="(": Unmatched ( or \134(
		RunTimeEnvExclude="a)(" :: RunTimeEnvExclude="a)(": Unmatched ( or \134(
		WritableDefault=2 :: WritableDefault=2: neither yes nor no
		WritablePath=tmp :: WritablePath=tmp: not absolute
		BundlePath=images :: BundlePath=images: not absolute
		AllowRuntime=crun,../x :: AllowRuntime=crun,../x: "../x" is not the name of a runtime
		Runtime=../x :: Runtime=../x: not the name of a runtime
		RunTimeMode=both :: RunTimeMode=both: neither run nor create
		RunTimeRun="crun %q" :: RunTimeRun: %q is no letter of a pattern (see stepbox.conf(5))
		PasswdEntry=always :: PasswdEntry=always: neither yes nor no
		SeccompProfile=strict :: SeccompProfile=strict: not absolute
		SlurmClient=ja :: SlurmClient=ja: neither yes nor no
		Init=maybe :: Init=maybe: not yes, no or auto
		ContainerPath=x :: ContainerPath=x: not absolute
		AllowRoot=x :: AllowRoot=x: neither yes nor no
		TrustSlurmContainer=x :: TrustSlurmContainer=x: neither yes nor no
		Mounts=/a:/b :: unknown key Mounts
	END
}

@test "Mount: several, in order, with letters, optional, and the user's on top" {
	C bash -c 'mkdir -p /images/site/alice && echo site >/images/site/f && echo hers >/images/site/alice/f
		mkdir -p /home/alice/x && echo user >/home/alice/x/f && chown -R alice: /home/alice/x'
	site Mount=/images/site:/mnt:ro Mount=/nonesuch:/nonesuch:optional 'Mount=/images/site/%u:/hers' \
		Mount=/images/site/f:/etc/of/site.conf 'Mount="tmpfs:/mnt/alice"' 'Mount=$HOME/x:$HOME/x'
	inside --container=$M/runc 'cat /mnt/f /hers/f /etc/of/site.conf /home/alice/x/f; ls -A /mnt/alice; touch /mnt/t; ls -d /nonesuch'
	is "$output" $'site\nhers\nsite\nuser\ntouch: /mnt/t: Read-only file system\nls: /nonesuch: No such file or directory'
	inside "--container=$M/runc --container-mounts=/home/alice/x:/mnt" 'cat /mnt/f /hers/f'
	is "$output" $'user\nhers'
	site Mount=/nonesuch:/nonesuch
	refused "stepbox: Mount: /nonesuch: No such file or directory (node n"
	C rm -r /images/site
}

@test "MountHome, EnvSet, EnvExclude, WritableDefault: the site's word, and the user's" {
	C bash -c 'mkdir -p /home/alice/x && echo hers >/home/alice/x/f && chown -R alice: /home/alice/x'
	site MountHome=yes 'EnvSet="SITE=a b=c"' EnvSet=BUNDLE_VAR=site 'EnvExclude="^SECRET="'
	inside --container=$M/runc 'pwd; cat ~/x/f; echo $SITE $BUNDLE_VAR ${SECRET-none}' 'export SECRET=1 SITE=job'
	is "$output" $'/home/alice\nhers\na b=c site none'
	inside "--container=$M/runc --no-container-mount-home" 'pwd; ls -d /home'
	is "$output" $'/\nls: /home: No such file or directory'
	site MountHome=no
	inside "--container=$M/runc --container-mount-home" pwd
	is "$output" /home/alice
	site WritableDefault=yes
	inside --container=$M/runc 'echo x >/new; cat /new'
	is "$output" x
	inside "--container=$M/runc --container-readonly" 'touch /new'
	is "$output" "touch: /new: Read-only file system"
	site WritableDefault=no
	inside "--container=$M/runc --container-writable" 'touch /new && echo made'
	is "$output" made
}

# ---- writable ----

# DIRECTORY: what of writable containers is there.
stored() { C find "$1" -mindepth 1 -maxdepth 1 -name 'stepbox.*'; }
empty() { [[ -z $(stored "$1") ]]; }

# BUNDLE: a step on n1 that has written data to /data and goes on; sets job.
writer() {
	A rm -f /home/alice/id
	ash 'srun -Q -w n1 --container=$1 --container-writable --container-mounts=/home/alice sh -c "
		echo data >/data; grep \" / \" /proc/mounts >/home/alice/root; echo \$SLURM_JOB_ID >/home/alice/id; sleep 4242" 2>err' \
		"$1" >/dev/null 2>&1 3>&- &
	job=$(wait_line /home/alice/id)
}

# The processes that would be left; its shell is none of them.
fuse_processes() { C bash -c 'cat /proc/[0-9]*/comm 2>/dev/null | grep -c fuse-overlay'; }
no_fuse() { [[ $(fuse_processes) == 0 ]]; }

# STORE BUNDLE FILESYSTEM: its data lie in a directory of the step's own below
# STORE while it runs, and are gone after that.
keeps_data_in() {
	local dir
	writer "$2"
	dir=$(stored "$1")
	is "$(wc -l <<<"$dir")" 1
	is "$(C stat -c '%U %a' "$dir")" "alice 700"
	is "$(C find "$dir" -name data -exec cat {} +)" data
	run A cat /home/alice/root
	has " / $3"
	A scancel "$job"
	until_true 20 ended
	until_true 20 empty "$1"
	until_true 20 no_fuse
}

@test "WritablePath: the kernel's overlay for a user's own rootfs" {
	own_bundle
	C install -d -m 1777 /tmp/store
	site WritablePath=/tmp/store
	keeps_data_in /tmp/store /home/alice/mine overlay
	inside '--container=/home/alice/mine --container-writable' 'cat /data; echo x >/etc/os-release; grep -c " / overlay" /proc/mounts; exit 3'
	is "$output" $'cat: can\'t open \'/data\': No such file or directory\n1'
	is "$status" 3
	until_true 20 empty /tmp/store
	is "$(C grep -c ^NAME /home/alice/mine/rootfs/etc/os-release)" 1
}

@test "WritablePath: fuse-overlayfs for root's, and where the kernel refuses" {
	own_bundle
	C install -d -m 1777 /tmp/store /home/store
	site WritablePath=/tmp/store
	keeps_data_in /tmp/store $M/runc fuse
	# An overlay is no place for another's changes.
	site WritablePath=/home/store
	keeps_data_in /home/store /home/alice/mine fuse
	keeps_data_in /home/store $M/podman fuse
	inside "--container=$M/runc --container-writable" 'rm -r /etc/os-release /usr && echo x >/etc/passwd && cat /etc/passwd; exit 3'
	is "$output" x
	is "$status" 3
	until_true 20 empty /home/store
	until_true 20 no_fuse
}

@test "WritablePath: variables and letters; the default is TMPDIR" {
	own_bundle
	C install -d -m 1777 /tmp/store /tmp/store/alice
	C install -d -o alice /tmp/hers /tmp/hers/n1
	site WritablePath=/tmp/store/%u
	keeps_data_in /tmp/store/alice /home/alice/mine overlay
	site 'WritablePath=$SCRATCH/%n'
	SCRATCH=1 refused 'stepbox: WritablePath: $SCRATCH: not set in the job'\''s environment (node n' \
		"--container=$M/runc --container-writable"
	inside "-w n1 --container=/home/alice/mine --container-writable --container-mounts=/tmp/hers:/hers" \
		'ls /hers/n1 | grep -c ^stepbox.n1.' 'export SCRATCH=/tmp/hers'
	is "$output" 1
	site
	inside "-w n1 --container=/home/alice/mine --container-writable --container-mounts=/tmp/hers:/hers" \
		'ls /hers | grep -c ^stepbox.n1.' 'export TMPDIR=/tmp/hers'
	is "$output" 1
	until_true 20 empty /tmp/hers
}

@test "WritablePath: missing, not the user's to write, full: one line" {
	site WritablePath=/nonesuch
	refused "stepbox: WritablePath /nonesuch: No such file or directory (node n" "--container=$M/runc --container-writable"
	site WritablePath=/images
	refused "stepbox: WritablePath /images: Permission denied (node n" "--container=$M/runc --container-writable"
	C bash -c 'mkdir -p /images/full && mount -t tmpfs -o size=4m,mode=1777 tmpfs /images/full'
	site WritablePath=/images/full
	refused "stepbox: WritablePath /images/full: file system full: a writable container wants 16 MiB at least" \
		"--container=$M/runc --container-writable"
	C mount -o remount,size=64m /images/full
	# Full later, it is the command's to hear.
	inside "--container=$M/runc --container-writable" 'dd if=/dev/zero of=/big bs=1M count=100 2>&1 | grep -c "No space left"; echo on'
	is "$output" $'1\non'
	until_true 20 empty /images/full
	C umount /images/full
}

# Processes of slurmstepd's, of the task: see life.bats.
stepd_pid() {
	C bash -c 'for p in /proc/[0-9]*; do
		[[ $(tr "\0" " " <"$p/cmdline" 2>/dev/null) == "slurmstepd: [$1."* ]] && echo "${p#/proc/}"
		done | head -n 1' x "$job"
}
task_pid() { C bash -c 'tr " " "\n" </proc/$1/task/$1/children | grep . | head -n 1' x "$(stepd_pid)"; }

@test "WritablePath: gone after the SIGKILL of the task's process, slurmstepd, fuse-overlayfs" {
	local bundle
	own_bundle
	C install -d -m 1777 /tmp/store
	site WritablePath=/tmp/store
	for bundle in $M/runc /home/alice/mine; do
		writer "$bundle"
		C kill -KILL "$(task_pid)"
		until_true 20 ended
		until_true 30 empty /tmp/store
		until_true 20 no_fuse
		A scancel "$job" 2>/dev/null || :
		until_true 30 no_jobs

		writer "$bundle"
		C kill -KILL "$(stepd_pid)"
		A scancel "$job"
		until_true 60 no_jobs
		until_true 30 ended
		until_true 30 empty /tmp/store
		until_true 20 no_fuse
	done
	writer $M/runc
	C bash -c 'for p in /proc/[0-9]*; do [[ $(<$p/comm) != fuse-overlay* ]] || kill -KILL ${p#/proc/}; done' 2>/dev/null
	A scancel "$job"
	until_true 30 no_jobs
	until_true 30 empty /tmp/store
}

@test "WritablePath: what a lost slurmd and slurmstepd left goes at slurmd's start" {
	C install -d -m 1777 /tmp/store
	site WritablePath=/tmp/store
	writer $M/runc
	"$TOP/test/cluster" slurmd "$SB_CLUSTER" kill9 n1
	C kill -KILL "$(stepd_pid)"
	"$TOP/test/cluster" slurmd "$SB_CLUSTER" start n1
	until_true 30 ended
	until_true 30 empty /tmp/store
	until_true 20 no_fuse
	A scancel "$job"
}

@test "without fuse-overlayfs: a user's own rootfs; root's is refused" {
	own_bundle
	C mv /usr/bin/fuse-overlayfs /usr/bin/fuse-overlayfs.away
	site WritablePath=/tmp
	refused "fuse-overlayfs is not installed on this node" "--container=$M/runc --container-writable" || bad=1
	inside "--container=/home/alice/mine --container-writable" 'touch /new && echo made'
	C mv /usr/bin/fuse-overlayfs.away /usr/bin/fuse-overlayfs
	[[ ! ${bad-} ]]
	is "$output" made
}

# ---- what may be used ----

@test "BundlePath: whole components of resolved paths" {
	own_bundle
	C bash -c 'mkdir -p /images2 && cp -a /images/made/runc /images2/b
		ln -sfn /images/made /home/alice/link; ln -sfn /home/alice/mine /images/out; ln -sfn /images /img'
	site BundlePath=/images
	for b in $M/runc /home/alice/link/runc /images/../images/made/runc /img/made/runc; do
		inside "--container=$b" 'echo ran'
		is "$output" ran
	done
	for b in /images2/b /home/alice/mine /images/out; do
		refused "not below a BundlePath of the site's configuration (/images)" "--container=$b"
	done
	site BundlePath=/nonesuch BundlePath=/images2/ BundlePath=/img/made/runc
	for b in /images2/b $M/runc; do
		inside "--container=$b" 'echo ran'
		is "$output" ran
	done
	refused "bundle $M/podman: not below a BundlePath of the site's configuration (/nonesuch, ...)" "--container=$M/podman"
	site BundlePath=/
	inside --container=/home/alice/mine 'echo ran'
	is "$output" ran
	C rm -r /images2 /images/out /img
}

@test "AllowRuntime, and the site's own stepbox.runtimes/NAME.conf" {
	local seen
	C bash -c 'mkdir -p /etc/slurm/stepbox.runtimes && sed "s/%n\.%j/mine.%n.%j/" \
		/usr/local/share/stepbox/runtimes/crun.conf >/etc/slurm/stepbox.runtimes/mine.conf'
	conf "Runtime=$SB_RUNTIME" 'AllowRuntime="mine, runc"' AllowRuntime=crun
	for r in mine runc crun; do
		seen=$(wc -l <"$SB_CLUSTER/slurmd.n1.log")
		inside "-w n1 --container=$M/runc --container-runtime=$r" 'id -un'
		is "$output" alice
		until_true 20 eval 'tail -n "+$((seen + 1))" "$SB_CLUSTER/slurmd.n1.log" | grep -q "stepbox: .*task 0: $r "'
	done
	refused "--container-runtime=youki: not one of those that AllowRuntime" "--container=$M/runc --container-runtime=youki"
	# Its description is held to the same rules.
	C bash -c 'echo MountHome=yes >>/etc/slurm/stepbox.runtimes/mine.conf'
	refused "MountHome does not belong in the description of a runtime" "--container=$M/runc --container-runtime=mine"
	conf Runtime=mine
	refused "Runtime=mine: "
}

@test "PasswdEntry" {
	site PasswdEntry=no
	inside --container=$M/runc 'id -u; whoami; grep -c alice /etc/passwd /etc/group'
	is "$output" $'2001\nwhoami: unknown uid 2001\n/etc/passwd:0\n/etc/group:0'
	site PasswdEntry=yes
	inside --container=$M/runc 'whoami; grep -c alice /etc/passwd /etc/group'
	is "$output" $'alice\n/etc/passwd:1\n/etc/group:1'
	# In a writable container they are files like others.
	inside "--container=$M/runc --container-writable" 'whoami; mv /etc/passwd /etc/p && cat /etc/p >/etc/passwd && whoami'
	is "$output" $'alice\nalice'
}

# ---- seccomp ----

# Busybox has these: unshare(2), mknod(2), swapon(2).
filters='grep ^Seccomp /proc/self/status | tr -s "\t\n" "  "; unshare -U true && echo unshared
	mkfifo /dev/shm/f && echo made; swapon /nonesuch; id -u'

@test "SeccompProfile=default: in force, alone and with a bundle's, for root too" {
	[[ $SB_RUNTIME != runc || $(C runc --version) != *rc9* ]] ||
		skip "this runc knows no errnoRet, and then refuses a rule that is like the default"
	inside --container=$M/runc "$filters"
	has "Seccomp: 0 Seccomp_filters: 0 unshared"
	site SeccompProfile=default
	inside --container=$M/runc "$filters"
	has "Seccomp: 2 Seccomp_filters: 1 "
	has "unshare: unshare(0x10000000): Operation not permitted"
	has made
	has 2001
	inside --container=$M/seccomp "$filters"
	has "Seccomp: 2 Seccomp_filters: 2 "
	has "unshare(0x10000000): Operation not permitted"
	has "mkfifo: /dev/shm/f: No space left on device"
	inside "--container=$M/runc --container-remap-root" "$filters"
	has "Seccomp: 2 Seccomp_filters: 1 "
	has "unshare(0x10000000): Operation not permitted"
	is "${lines[-1]}" 0
	site SeccompProfile=none
	inside --container=$M/seccomp "$filters"
	has "Seccomp: 2 Seccomp_filters: 1 "
	site Init=no SeccompProfile=default
	inside --container=$M/runc "$filters"
	has "Seccomp: 2 Seccomp_filters: 1 "
	has "unshare(0x10000000): Operation not permitted"
}

@test "SeccompProfile=PATH: in moby's format; bad, missing, not root's" {
	put() { printf '%s' "$1" | C tee /etc/slurm/seccomp.json >/dev/null; }
	site SeccompProfile=/etc/slurm/seccomp.json
	put '{"defaultAction": "SCMP_ACT_ALLOW", "archMap": [{"architecture": "SCMP_ARCH_X86_64", "subArchitectures": []},
		{"architecture": "SCMP_ARCH_AARCH64", "subArchitectures": []}],
		"syscalls": [{"names": ["mknod", "mknodat", "nonesuch_call"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28},
		{"names": ["unshare"], "action": "SCMP_ACT_ERRNO", "errno": "EDOM", "includes": {"minKernel": "4.8"}, "excludes": {"caps": ["CAP_SYS_ADMIN"]}},
		{"names": ["swapon"], "action": "SCMP_ACT_ERRNO", "errnoRet": 71, "includes": {"caps": ["CAP_SYS_ADMIN"]}}]}'
	inside --container=$M/runc "$filters"
	has "Seccomp: 2 Seccomp_filters: 1 "
	has "mkfifo: /dev/shm/f: No space left on device"
	has "unshare: unshare(0x10000000): Numerical argument out of domain"
	lacks "Protocol error"
	put '{"defaultAction": "SCMP_ACT_ALLOW",}'
	refused "SeccompProfile: /etc/slurm/seccomp.json: 1:"
	put '{"defaultAction": "SCMP_ACT_NONESUCH", "syscalls": []}'
	refused "SCMP_ACT_NONESUCH"
	put '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mknod"], "action": "SCMP_ACT_ERRNO", "errno": "ENONESUCH"}]}'
	refused 'syscalls[0].errno: no error of this name'
	put '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": 7}'
	refused "SeccompProfile: /etc/slurm/seccomp.json: "
	put '[]'
	refused "SeccompProfile: /etc/slurm/seccomp.json: "
	C chmod 666 /etc/slurm/seccomp.json
	refused "SeccompProfile: /etc/slurm/seccomp.json: "
	C rm /etc/slurm/seccomp.json
	refused "SeccompProfile: /etc/slurm/seccomp.json: No such file or directory"
	C mv /usr/local/share/stepbox/seccomp.json /usr/local/share/stepbox/away
	site SeccompProfile=default
	refused "seccomp.json: No such file or directory" || bad=1
	C mv /usr/local/share/stepbox/away /usr/local/share/stepbox/seccomp.json
	[[ ! ${bad-} ]]
}

@test "SeccompProfile: 64 tasks compile it once" {
	site SeccompProfile=default
	run ash 'srun -Q -n64 -N1 --container=$1/seccomp sh -c "
		grep ^Seccomp_filters /proc/self/status; stat -c \"%i %y\" /dev/stepbox/seccomp-site" 2>err | sort | uniq -c | tr -s " \t" " "' $M
	is "${#lines[@]}" 2
	is "$(cut -d' ' -f2 <<<"${lines[0]} ")" 64
	is "$(cut -d' ' -f2 <<<"${lines[1]} ")" 64
	has " 64 Seccomp_filters: 2"
}

# ---- the client and the session ----

@test "SlurmClient=yes: in a busybox, what srun and the others do on the host" {
	site SlurmClient=yes
	A tee /home/alice/s.sh >/dev/null <<-'END'
		#!/bin/sh
		exec 2>&1
		srun -Q --container=/images/made/podman sh -c 'grep ^NAME /etc/os-release; id -un' 2>/dev/null | sort
		srun -Q /bin/hostname
		srun -Q /bin/grep -c ^NAME=.Debian /etc/os-release
		srun -Q -n3 /bin/sh -c 'echo $SLURM_PROCID' | sort
		srun -Q /bin/sh -c 'exit 9'; echo $?
		echo in | srun -Q --container=/images/made/runc cat 2>/dev/null
		squeue -h -j $SLURM_JOB_ID -o '%u %T %i' | sed "s/$SLURM_JOB_ID/ID/"
		scontrol show job $SLURM_JOB_ID | grep -c -e '^JobId=' -e UserId=alice -e JobState=RUNNING
		scontrol show config | grep ^ClusterName
		sinfo -h -o %n | sort
		id=$(sbatch --parsable -o /dev/null --wrap 'sleep 4242'); scancel $id && squeue -h -j $id -t R,PD
		SRUN_CONTAINER_WORKDIR=/usr srun -Q --container=/images/made/podman pwd
		printf '#!/bin/sh\n#SBATCH --container-workdir=/etc\npwd\n' >/tmp/job.$SLURM_JOB_ID
		SBATCH_CONTAINER_WORKDIR=/usr sbatch -Q -W -o /tmp/out.$SLURM_JOB_ID --container=/images/made/podman /tmp/job.$SLURM_JOB_ID
		sbatch -Q -W -o /tmp/out2.$SLURM_JOB_ID --container=/images/made/podman --container-workdir=/bin /tmp/job.$SLURM_JOB_ID
		echo $?; cat /tmp/out*.$SLURM_JOB_ID; rm /tmp/*.$SLURM_JOB_ID
		srun --nonesuch 2>&1 | sed 's|^/.*/srun:|srun:|'
	END
	run ash 'sbatch -Q -W -n3 -N1 -w n1 -o plain s.sh & sbatch -Q -W -n3 -N1 -w n1 -o contained --container=$1/runc --container-mounts=/tmp s.sh; wait
		grep -v "^stepbox: .*working directory" contained | diff plain - && cat plain' $M
	has 'NAME="podman"'
	has "alice RUNNING ID"
	is "$status" 0
	# Without it there is none, and the host's is not found instead.
	site
	inside --container=$M/runc 'srun true; squeue'
	has "srun: not found"
	has "squeue: not found"
}

# Slurm before 26.05 does not mind if one is not there.
@test "SlurmClient=yes: all directories of slurm.conf's PluginDir" {
	dirs=$(C sed -n 's/^PluginDir=//p' /etc/slurm/slurm.conf)
	C bash -c 'rm -rf /etc/slurm-more && cp -a /etc/slurm /etc/slurm-more && mkdir -p /opt/plugins &&
		sed -i /^PluginDir/d /etc/slurm-more/slurm.conf &&
		echo "PluginDir=$1:/opt/plugins" >>/etc/slurm-more/slurm.conf' _ "${dirs:-$("$TOP/test/slurm-plugin-dir")}"
	site SlurmClient=yes
	run ash 'export SLURM_CONF=/etc/slurm-more/slurm.conf
		srun -Q -w n1 --chdir=/ --container=$1/runc srun -Q --overlap --chdir=/ /bin/echo started 2>&1' $M
	C rm -r /etc/slurm-more /opt/plugins
	is "$output" started
}

@test "ssh-agent, X11: sockets, cookies and names" {
	C bash -c 'mkdir -p /tmp/.X11-unix && chmod 1777 /tmp/.X11-unix; chmod 755 /images/host'
	A bash -c 'rm -f key* .Xauthority cookies; ssh-keygen -q -t ed25519 -N "" -C the-key -f key
		xauth -q -f cookies add :7 . 0123456789abcdef 2>/dev/null; xauth -q -f .Xauthority add localhost:10 . fedcba98 2>/dev/null'
	# The agent stands for an X server: something that answers on that socket.
	run ash 'export DISPLAY=:7 XAUTHORITY=$PWD/cookies; timeout 60 ssh-agent sh -c "
		ssh-add -q key
		srun -Q -w n1 --container=/images/host sh -c \"echo \\\$SSH_AUTH_SOCK; ssh-add -l | cut -d\\\" \\\" -f3
			echo \\\$DISPLAY \\\$XAUTHORITY; xauth -n list | tr -s \\\" \\\" | cut -d\\\" \\\" -f3\"
		srun -Q -w n1 --container=$1/runc sh -c \"[ -S \\\$SSH_AUTH_SOCK ] && cat \\\$XAUTHORITY | md5sum\"
		kill \$SSH_AGENT_PID" 2>&1 |
			grep -v "working directory"' $M
	is "${lines[0]}" /dev/stepbox/ssh-agent
	is "${lines[1]}" the-key
	is "${lines[2]}" ":7 /dev/stepbox/xauthority"
	is "${lines[3]}" 0123456789abcdef
	is "${lines[4]%% *}" "$(A md5sum /home/alice/cookies | cut -d' ' -f1)"
	run ash 'unset SSH_AUTH_SOCK; export DISPLAY=localhost:10.0; srun -Q -w n1 --container=/images/host sh -c "
		echo \$DISPLAY; xauth -n list | tr -s \" \" | cut -d\" \" -f3; ls -d \$XAUTHORITY"
		SSH_AUTH_SOCK=/nonesuch DISPLAY= srun -Q --container=$1/runc sh -c "echo \$SSH_AUTH_SOCK; echo none" 2>/dev/null' $M
	is "$output" $'localhost:10.0\nfedcba98\n/dev/stepbox/xauthority\n/nonesuch\nnone'
	# The server's socket itself.
	run ash 'rm -f /tmp/.X11-unix/X7; timeout 60 ssh-agent -a /tmp/.X11-unix/X7 sh -c "ssh-add -q key
		DISPLAY=:7 srun -Q -w n1 --container=/images/host sh -c \"SSH_AUTH_SOCK=/tmp/.X11-unix/X7 ssh-add -l\"
		kill \$SSH_AGENT_PID" | cut -d" " -f3'
	is "$output" the-key
	C rm -r /tmp/.X11-unix
}

@test "locale: the job's, unless the bundle has its own" {
	inside --container=$M/runc 'echo $LANG $LC_ALL $LC_TIME' 'export LANG=de_DE.UTF-8 LC_ALL=C.UTF-8 LC_TIME=fr_FR'
	is "$output" "de_DE.UTF-8 C.UTF-8 fr_FR"
}

@test "keyrings: the job's stays, with both runtimes in both modes" {
	local runtime mode
	for runtime in crun runc; do
		for mode in run create; do
			conf "Runtime=$runtime" "RunTimeMode=$mode"
			run ash 'srun -Q keyctl session - sh -c "
				id=\$(keyctl add user sb-key secret @s)
				stepbox run --bundle=/images/host -- sh -c \"keyctl print \$id; keyctl search @s user sb-key | grep -c ^\$id\\\$\"" 2>&1 |
				grep -v -e "^Joined session" -e "working directory"'
			is "$output" $'secret\n1'
		done
	done
}

@test "hidepid" {
	C mount -o remount,hidepid=2 /proc
	inside --container=$M/runc 'id -un; cat /proc/1/comm >/dev/null && echo proc'
	is "$output" $'alice\nproc'
	inside "--container=$M/runc --container-writable" 'touch /new && echo made'
	is "$output" made
	run ash 'srun -Q --container=/images/nopid sh -c "ls -d /proc/self >/dev/null && id -u" 2>err || cat err'
	is "$output" 2001
	# A slurmstepd that a user cannot see is none that has died.
	run ash 'timeout 60 srun -Q -w n1 --container=$1 sh -c "trap \"exit 7\" TERM; sleep 61 & wait" 2>/dev/null & p=$!
		for ((i = 0; i < 400; i++)); do [[ $(stepbox ps) != *running* || ! $(pgrep -u alice -fx "sleep 61") ]] || break; sleep 0.05; done
		stepbox clean 2>&1
		job=$(stepbox ps | grep -o "^[0-9]*\.[0-9]*.*running"); stepbox kill "${job%%[. ]*}"
		wait $p; echo "$?"' $M/runc
	is "$output" 7
}

@test "user namespaces forbidden: one line says so" {
	# The limit is a namespace's own: in one in which all are who they are.
	run C bash -c 'unshare -U sleep 4242 & p=$!
		until [[ $(readlink /proc/$p/ns/user) != "$(readlink /proc/self/ns/user)" ]]; do sleep 0.05; done
		echo "0 0 65536" >/proc/$p/uid_map; echo "0 0 65536" >/proc/$p/gid_map
		nsenter -U -t $p sh -c "echo 0 >/proc/sys/user/max_user_namespaces
			exec setpriv --reuid=2001 --regid=2001 --clear-groups stepbox run --bundle=$1/runc -- true"
		rc=$?; kill $p; exit $rc' x $M
	is "$status" 125
	is "${#lines[@]}" 1
	has "stepbox: user namespace: "
	has max_user_namespaces
}

# PATTERN: the state of the process with this command line.
state_of() { C sh -c 'ps -o stat= -p "$(pgrep -u alice -fx "$1")" | cut -c1' sh "$1"; }

@test "stepbox kill: STOP and CONT are for the command alone" {
	for init in yes no; do
		site Init=$init
		ash 'srun -Q -w n1 --chdir=/ --container="$1" sh -c "sleep 4241 & exec sleep 4242" >/dev/null 2>&1 3>&- &' $M/runc
		until_true 60 eval '[[ $(state_of "sleep 4242") == S && $(state_of "sleep 4241") == S ]]'
		job=$(C squeue -h -o %i)
		A stepbox kill -s STOP "$job"
		until_true 20 eval '[[ $(state_of "sleep 4242") == T ]]'
		is "$(state_of "sleep 4241")" S
		[[ $(A stepbox ps) == *suspended* ]]
		A stepbox kill -s CONT "$job"
		until_true 20 eval '[[ $(state_of "sleep 4242") == S ]]'
		is "$(state_of "sleep 4241")" S
		A stepbox kill -s KILL "$job"
		until_true 30 eval '[[ -z $(C squeue -h) ]]'
	done
	# What the command has left to the init.
	site Init=yes
	ash 'srun -Q -w n1 --chdir=/ --container="$1" sh -c "(sleep 4241 &); exec sleep 4242" >/dev/null 2>&1 3>&- &' $M/runc
	until_true 60 eval '[[ $(state_of "sleep 4242") == S && $(state_of "sleep 4241") == S ]]'
	A stepbox kill -s STOP "$(C squeue -h -o %i)"
	until_true 20 eval '[[ $(state_of "sleep 4242") == T ]]'
	A stepbox kill -s CONT "$(C squeue -h -o %i)"
	until_true 20 eval '[[ $(state_of "sleep 4242") == S ]]'
	is "$(state_of "sleep 4241")" S
	A stepbox kill -s KILL "$(C squeue -h -o %i)"
	until_true 30 eval '[[ -z $(C squeue -h) ]]'
}

@test "ContainerJoin=exec: exec, kill and ps are for the task that is inside, and a terminal" {
	site RunTimeMode=create ContainerJoin=exec
	ash 'cd /; srun -Q -w n1 -n2 --export=ALL,FOO=x --container-workdir=/tmp --container="$1" sleep 4242 >/dev/null 2>&1 3>&- &' $M/runc
	until_true 60 eval '[[ $(C pgrep -u alice -cfx "sleep 4242") == 2 ]]'
	job=$(C squeue -h -o %i)
	run -0 ash 'cd ~; stepbox exec "$1.0.1" sh -c "pwd; echo \$FOO \$SLURM_PROCID; cat /proc/1/root/etc/os-release ../../etc/os-release 2>/dev/null | grep -c stepbox-test; ls /proc/\$\$/fd | xargs"' "$job"
	is "${lines[0]}" /tmp
	is "${lines[1]}" "x 1"
	[[ ${lines[2]} -ge 1 ]]
	is "${lines[3]}" "0 1 2"
	A stepbox kill -s STOP "$job.0.0"
	until_true 20 eval '[[ $(A stepbox ps | grep -c suspended) == 1 && $(C sh -c "ps -o stat= -p \$(pgrep -d, -u alice -fx \"sleep 4242\")" | grep -c ^T) == 1 ]]'
	A stepbox kill -s CONT "$job.0.0"
	until_true 20 eval '[[ $(A stepbox ps | grep -c running) == 2 ]]'
	A stepbox kill -s KILL "$job.0.0"
	until_true 20 eval '[[ $(C pgrep -u alice -cfx "sleep 4242") == 1 ]]'
	A stepbox kill -s KILL "$job"
	until_true 30 eval '[[ -z $(C squeue -h) ]]'
	# The hangup that comes with giving the terminal up is not the task's end.
	run ash 'script -qec "timeout 60 srun -Q -w n1 -N1 -n2 --pty --container=$1 sh -c \"exit 5\"" /dev/null; echo "rc=$?"' $M/runc
	has "rc=5"
	lacks Hangup
}

@test "a slurmstepd that is gone before its container is there" {
	C bash -c 'mkdir -p /etc/slurm/stepbox.runtimes; printf "%s\n" "#!/bin/sh" "touch /home/alice/creating; sleep 1; exec crun \"\$@\"" >/etc/slurm/slow-crun
		chmod 755 /etc/slurm/slow-crun; sed "/^RunTimeCreate/s#\"crun#\"/etc/slurm/slow-crun#" \
		/usr/local/share/stepbox/runtimes/crun.conf >/etc/slurm/stepbox.runtimes/slow.conf'
	site Runtime=slow RunTimeMode=create
	# One that stands for it starts the helper, and is killed meanwhile.
	run ash 'rm -f creating; mkdir -m 700 t
		sh -c "cd /; stepbox run --dir=\$HOME/t --step=99.0.0 --bundle=$1 -- sleep 4243 & exec sleep 4244" >/dev/null 2>&1 & p=$!
		until [ -e creating ]; do sleep 0.05; done; kill -KILL $p; wait $p
		timeout 20 sh -c "while pgrep -u alice -x stepbox; do sleep 0.1; done" >/dev/null; echo $?
		rm -rf t creating' $M/runc
	C rm -f /etc/slurm/slow-crun
	is "${lines[-1]}" 0
	is "$(C pgrep -u alice -fx "sleep 4243")" ""
}
