#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Faults 23 to 28: where step directories lie, full, read-only or not as it
# should be, and what users leave there.

load lib

MESS=/images/centos/rootfs/bin/mess

teardown() {
	untrap_helper
	C bash -c 'for ((i = 0; i < 100; i++)); do mountpoint -q /run/stepbox || break
			mount -o remount,rw /run/stepbox; umount /run/stepbox || sleep 0.2; done
		pgrep -x fuse-overlayfs | xargs -r kill -CONT
		! mountpoint -q /home/alice/hang || umount /home/alice/hang
		! mountpoint -q /tmp/store || umount /tmp/store
		rm -rf /run/stepbox/n1/{,.owner/}9*.0.0 /tmp/store /home/alice/precious /tmp/precious /tmp/squat*'
	default_conf
	assert_clean
}

# OPTIONS: the step directories' file system, until teardown.
spool() {
	C bash -c 'mkdir -p -m 755 /run/stepbox; mount -t tmpfs -o "mode=755,$1" small /run/stepbox' x "$1"
}
spool_is() { C mount -o "remount,$1" /run/stepbox; }

in_spool() { C find /run/stepbox -mindepth 2 ! -name .owner ! -name .trash; }
spool_empty() { [[ -z $(in_spool) ]]; }

# The helper is run by strace, with OPTIONS; in them %d is the step directory.
trap_helper() {
	C bash -c 'cd /usr/local/bin; [[ -e stepbox.real ]] || mv stepbox stepbox.real
		cat >stepbox; chmod 755 stepbox' <<-END
		#!/bin/bash
		o='$*'
		exec strace -D -f -qq -o /dev/null \${o//%d/\$SLURM_STEPBOX_DIR} /usr/local/bin/stepbox.real "\$@"
	END
}
untrap_helper() {
	C bash -c 'cd /usr/local/bin; [[ ! -e stepbox.real ]] || mv stepbox.real stepbox'
}

# In slurmd's log since mark.
mark() { seen=$(wc -l <"$SB_CLUSTER/slurmd.n1.log"); }
logged() { tail -n "+$((seen + 1))" "$SB_CLUSTER/slurmd.n1.log" | grep -q -e "$1"; }

restart_slurmd() {
	"$TOP/test/cluster" slurmd "$SB_CLUSTER" stop n1
	"$TOP/test/cluster" slurmd "$SB_CLUSTER" start n1
}

step_dir() { echo "/run/stepbox/n1/$job.0.0"; }

# ---- 23 ----

# TASKS: a step, which runs, all of it, or is refused: by one line of ours, which
# names the node, or by the runtime's own; nothing of it is left. Counts.
attempt() {
	run A srun -Q -w n1 -n"$1" --chdir=/ --container="$B" echo inside
	until_true 20 spool_empty || {
		echo "$output"
		in_spool
		return 1
	}
	if [[ $status == 0 ]]; then
		is "$(sort -u <<<"$output")" inside
		is "${#lines[@]}" "$1"
		ran=$((ran + 1))
		return
	fi
	refused=$((refused + 1))
	[[ $output ]]
	# By RunTimeRun the runtime itself is the task; crun's last writes (status,
	# pid file) come when the command has begun.
	[[ $status == 1 ]] || lacks inside
	# The lock that would have one of them speak is the first to go.
	[[ $output == *shared.lock* ]] || [[ $(grep -c ^stepbox: <<<"$output") -le 1 ]] || {
		echo "more than one line: $output"
		return 1
	}
	# Where it has got as far as the runtime, that one's words.
	[[ $output == *"stepbox: RunTimeCreate"* || $status == 1 ]] || {
		has "No space left on device (node n1"
		is "$status" 125
	}
}

@test "fault 23: ENOSPC, EDQUOT, no inodes, EROFS on the spool: no space, from the first page to the last" {
	local n tasks
	spool size=4k
	for tasks in 1 3; do
		ran=0 refused=0
		# As the root directory has no page, the first is the record's.
		for ((n = 4; !ran; n += 4)); do
			spool_is "size=${n}k"
			attempt "$tasks"
		done
		[[ $refused -ge 4 && $refused -le 12 ]]
	done
	# Not even that one.
	spool_is size=4k
	C bash -c 'head -c 4096 /dev/zero >/run/stepbox/full'
	ran=0
	attempt 3
	has "stepbox: step directory "
	is "$ran" 0
}

@test "fault 23: ENOSPC, EDQUOT, no inodes, EROFS on the spool: no inodes, from the first to the last" {
	local n tasks
	spool nr_inodes=2
	for tasks in 1 3; do
		ran=0 refused=0
		# All of the first; each third of the more that many take.
		for ((n = tasks + 1; !ran; n += tasks)); do
			spool_is "nr_inodes=$n"
			attempt "$tasks"
		done
		[[ $refused -ge 5 && $refused -le 30 ]]
	done
}

@test "fault 23: ENOSPC, EDQUOT, no inodes, EROFS on the spool: quota, told by write and by close" {
	local file call
	conf "Runtime=$SB_RUNTIME" "RunTimeMode=$SB_MODE" CreateEnvFile=null
	while read -r -u 9 file call; do
		# Both the path that a call has for an argument, and that of the file.
		trap_helper "-P %d/task-0/.$file.new -P .$file.new -e trace=$call -e inject=$call:error=EDQUOT"
		fails_with 125 A srun -Q -w n1 --chdir=/ --container="$B" --container-writable echo inside
		is "$(grep -v -e ^srun: -e ^strace: <<<"$output")" \
			"stepbox: step directory /run/stepbox/n1/$(job_of "$output").0.0/task-0: $file: Disk quota exceeded (node n1, task 0)"
		until_true 20 nothing_left
	done 9<<-'END'
		config.json openat
		config.json write
		config.json close
		config.json renameat
		passwd close
		group write
		environment write
		environment close
		layer-data write
		layer-data renameat
		state write
		state renameat
	END
	trap_helper "-P task-0 -e trace=mkdirat -e inject=mkdirat:error=EDQUOT"
	fails_with 125 A srun -Q -w n1 --chdir=/ --container="$B" echo inside
	is "$(grep -v -e ^srun: -e ^strace: <<<"$output")" \
		"stepbox: step directory /run/stepbox/n1/$(job_of "$output").0.0/task-0: Disk quota exceeded (node n1, task 0)"
	until_true 20 nothing_left
	# What tasks share.
	while read -r -u 9 file call; do
		trap_helper "-P %d/.$file.new -P %d/task-0.node/.$file.new -P %d/task-1.node/.$file.new -e trace=$call -e inject=$call:error=EDQUOT"
		fails_with 125 A srun -Q -w n1 -n2 --chdir=/ --container="$B" echo inside
		is "$(grep -c "^stepbox: step directory.*$file: Disk quota exceeded (node n1, task " <<<"$output")" 1
		is "$(grep -c ^stepbox: <<<"$output")" 1
		until_true 20 nothing_left
	done 9<<-'END'
		recipe.json close
		shared write
		shared close
	END
	# Who has entered is written down for others alone: the step goes on.
	trap_helper "-P joined -e trace=openat -e inject=openat:error=EDQUOT"
	run A srun -Q -w n1 -n2 --chdir=/ --container="$B" echo inside
	is "$status $(grep -v ^strace: <<<"$output")" $'0 inside\ninside'
}
job_of() { sed -n 's|.*/n1/\([0-9]*\)\.0\.0/.*|\1|p' <<<"$1" | head -n 1; }

@test "fault 23: ENOSPC, EDQUOT, no inodes, EROFS on the spool: read-only, before and during a step" {
	spool size=1m
	spool_is ro
	fails_with 125 A srun -Q -w n1 -n3 --chdir=/ --container="$B" echo inside
	is "$(grep ^stepbox: <<<"$output" | tee /dev/stderr | wc -l)" 1
	has "Read-only file system (node n1)"
	spool_is rw
	start_step 2
	spool_is ro
	mark
	A scancel "$job"
	until_true 30 ended
	until_true 30 no_jobs
	until_true 20 nodes_idle
	until_true 20 logged "error: stepbox: step directory $job.0.0 could not be removed now"
	C test -d "$(step_dir)"
	spool_is rw
	restart_slurmd
	until_true 20 spool_empty
	logged "stepbox: $job.0.0: its slurmstepd was gone: cleaned up"
}

# OPTIONS: where writable containers keep what is theirs, until teardown.
store() {
	C install -d -m 1777 /tmp/store
	C mount -t tmpfs -o "mode=1777,$1" small /tmp/store
	conf "Runtime=$SB_RUNTIME" "RunTimeMode=$SB_MODE" WritablePath=/tmp/store
}
store_empty() { [[ -z $(C find /tmp/store -mindepth 1) ]]; }

@test "fault 23: ENOSPC, EDQUOT, no inodes, EROFS on the spool: no space for a writable container" {
	local n
	# Before it starts.
	store nr_inodes=2
	for n in 1 3; do
		fails_with 125 A srun -Q -w n1 -N1 -n"$n" --chdir=/ --container="$B" --container-writable echo inside
		is "$(grep -c '^stepbox: .*No space left on device (node n1, task [0-9])$' <<<"$output")" 1
		is "$(grep -c ^stepbox: <<<"$output")" 1
		lacks inside
		until_true 20 store_empty
	done
	# While it runs that is the command's own business, and nobody else's.
	C mount -o remount,nr_inodes=1000,size=24m /tmp/store
	for n in 1 3; do
		fails_with 5 ash 'srun -Q -w n1 -N1 -n"$1" --chdir=/ --container=$B --container-writable sh -c "
			dd if=/dev/zero of=/big\$SLURM_PROCID bs=1M count=40 && echo not full; exit 5"' "$n"
		is "$(grep -c 'No space left on device' <<<"$output")" "$n"
		lacks "not full"
		lacks stepbox:
		until_true 20 store_empty
	done
}

# ---- 24 ----

# TEXT: refused on the node, in one line.
refused() {
	fails_with 125 A srun -Q -w n1 -n3 --chdir=/ --container="$B" echo inside
	is "$(grep -c ^stepbox: <<<"$output")" 1
	has "$1"
	has "(node n1"
	lacks inside
}

site() { conf "Runtime=$SB_RUNTIME" "RunTimeMode=$SB_MODE" "$@"; }

@test "fault 24: spool missing, wrong owner or mode, symlink, noexec" {
	local own="must be root's and writable by root alone"
	C bash -c 'rm -rf /var/lib/sc; mkdir -m 755 /var/lib/sc; cd /var/lib/sc; mkdir -m 755 hers mine; chown alice hers
		mkdir -m 775 group; chgrp alice group; mkdir -m 757 others; mkdir -m 1777 sticky; : >file
		ln -s mine hers-link; chown -h alice hers-link; ln -s mine link; ln -s hers to-hers'
	site ContainerPath=/var/lib/sc/hers
	refused "stepbox: ContainerPath /var/lib/sc/hers: $own (node n1)"
	site ContainerPath=/var/lib/sc/hers/below
	refused "stepbox: ContainerPath /var/lib/sc/hers: $own (node n1)"
	site ContainerPath=/var/lib/sc/group/below
	refused "stepbox: ContainerPath /var/lib/sc/group: $own (node n1)"
	site ContainerPath=/var/lib/sc/others
	refused "stepbox: ContainerPath /var/lib/sc/others: $own (node n1)"
	site ContainerPath=/var/lib/sc/sticky/x
	refused "stepbox: ContainerPath /var/lib/sc/sticky: $own (node n1)"
	site ContainerPath=/var/lib/sc/hers-link
	refused "stepbox: ContainerPath /var/lib/sc/hers-link: $own (node n1)"
	site ContainerPath=/var/lib/sc/to-hers
	refused "stepbox: ContainerPath /var/lib/sc/to-hers: $own (node n1)"
	site ContainerPath=/var/lib/sc/file
	refused "stepbox: ContainerPath /var/lib/sc/file: Not a directory (node n1)"
	site ContainerPath=/var/lib/sc/closed
	C mkdir -m 700 /var/lib/sc/closed
	# Found out by each task's helper, as who may pass is the file system's
	# business (groups, ACLs).
	fails_with 125 A srun -Q -w n1 --chdir=/ --container="$B" echo inside
	[[ $output == *"stepbox: step directory /var/lib/sc/closed/n1/"*": Permission denied (node n1, task 0)"* ]]
	# Missing: made, with modes that do; by way of a link of root's, too.
	site ContainerPath=/var/lib/sc/link/new/er
	run A srun -Q -w n1 --chdir=/ --container="$B" echo inside
	is "$output" inside
	is "$(C stat -c '%U %a' /var/lib/sc/mine/new /var/lib/sc/mine/new/er /var/lib/sc/mine/new/er/n1)" \
		$'root 755\nroot 755\nroot 711'
	is "$(C find /var/lib/sc -mindepth 2 -name '*.0.0*')" ""
	C rm -r /var/lib/sc
	default_conf
	# A runtime's state and our files lie there; nothing in it is executed.
	spool noexec,nosuid,nodev
	for n in 1 3; do
		run A srun -Q -w n1 -n"$n" --chdir=/ --container="$B" echo inside
		is "${#lines[@]} $status" "$n 0"
	done
	until_true 20 spool_empty
}

# ---- 25 ----

@test "fault 25: a predictable name squatted by another user" {
	local n boot when
	# Where step directories are made, users make nothing, and see no names.
	start_step 1
	for u in alice bob; do
		for d in /run/stepbox /run/stepbox/n1 /run/stepbox/n1/.owner; do
			fails_with 1 "$TOP/test/cluster" run "$SB_CLUSTER" -u "$u" -- mkdir "$d/9999.0.0"
			has "Permission denied"
		done
		fails_with 2 "$TOP/test/cluster" run "$SB_CLUSTER" -u "$u" -- ls /run/stepbox/n1 /run/stepbox/n1/.trash
	done
	fails_with 2 "$TOP/test/cluster" run "$SB_CLUSTER" -u bob -- ls "$(step_dir)"
	A scancel "$job"
	until_true 20 ended
	# By hand, in /tmp: a name that is taken, even if it could be foreseen, is
	# not used, but another.
	run A strace -D -qq -o /home/alice/trace -e trace=mkdir -e inject=mkdir:error=EEXIST:when=1 \
		stepbox run --bundle="$B" -- echo inside
	is "$status" 0
	has inside
	is "$(C grep -c 'mkdir("/tmp/stepbox-.* EEXIST .*INJECTED' /home/alice/trace)" 1
	is "$(C grep -c 'mkdir("/tmp/stepbox-.* = 0' /home/alice/trace)" 1
	is "$(C find /tmp -maxdepth 1 -name 'stepbox-??????')" ""
	# A writable container's data, where bob has put a directory of the very
	# name: the random part is taken from it, and the helper has a known pid.
	# How many random numbers the C library and others take before is unknown.
	C install -d -m 1777 /tmp/store
	site WritablePath=/tmp/store
	boot=$(C cut -c1-8 /proc/sys/kernel/random/boot_id)
	for when in 1 2 3 4; do
		C bash -c 'cd /usr/local/bin; [[ -e stepbox.real ]] || mv stepbox stepbox.real; cat >stepbox; chmod 755 stepbox' <<-END
			#!/bin/bash
			echo "stepbox.n1.$boot.\$SLURM_JOB_ID.0.0.\$SLURM_LOCALID.\$(printf %08x \$\$)" >/home/alice/squat
			until [[ -e /tmp/squat ]]; do sleep 0.05; done
			exec strace -D -qq -o /home/alice/trace -e trace=getrandom,mkdirat -e inject=getrandom:error=EAGAIN:when=$when+ \
				/usr/local/bin/stepbox.real "\$@"
		END
		A rm -f squat trace rc out
		C rm -f /tmp/squat
		ash 'srun -Q -w n1 --chdir=/ --container=$B --container-writable touch /made >out 2>&1; echo $? >rc' >/dev/null 2>&1 3>&- &
		n=$(wait_line /home/alice/squat)
		C install -d -m 777 -o bob "/tmp/store/$n"
		C touch /tmp/squat
		until_true 30 A test -s rc
		run A cat rc out trace
		[[ $output != *"WritablePath /tmp/store"* ]] || break
	done
	is "${lines[0]}" 125
	has "stepbox: WritablePath /tmp/store: File exists (node n1, task 0)"
	has "\"$n\", 0700) = -1 EEXIST"
	# Bob's stays as it is.
	is "$(C stat -c %U "/tmp/store/$n")" bob
	is "$(C find "/tmp/store/$n" -mindepth 1)" ""
	A rm rc out trace squat
}

# ---- 26 ----

# MICROSECONDS: the step's slurmstepd, and what it forks, takes as long for each
# file that it removes.
slow_down() {
	C bash -c 'for p in /proc/[0-9]*; do [[ $(tr "\0" " " <"$p/cmdline" 2>/dev/null) != "slurmstepd: [$1."* ]] ||
		exec strace -f -qq -o /dev/null -p "${p#/proc/}" -e trace=unlinkat -e "inject=unlinkat:delay_exit=$2"
		done' x "$job" "$1" >/dev/null 2>&1 3>&- &
	until_true 20 C bash -c 'grep -sh "^TracerPid:" /proc/[0-9]*/status | grep -qv "	0$"'
}

@test "fault 26: symlinks raced against the cleanup" {
	local i
	C bash -c 'mkdir -m 755 /tmp/precious; touch /tmp/precious/{1,2,3}; cp -a /tmp/precious /home/alice; chown -R alice: /home/alice/precious'
	for i in 1 2 3; do
		start_step 1
		for target in /tmp/precious /home/alice/precious; do
			A mkdir "$(step_dir)/task-0/$((++n))"
			A setsid "$MESS" race "$(step_dir)/task-0/$n" "$target" 6000 >/dev/null 2>&1 3>&- &
			# What root could be led to by the name of a task's directory.
			A ln -s "$target" "$(step_dir)/task-$n"
		done
		until_true 20 C test -L "$(step_dir)/task-0/$n/l7" -o -L "$(step_dir)/task-0/$n/d7"
		# Slowed down between each look and what follows from it.
		slow_down 1000
		A scancel "$job"
		until_true 20 ended
		until_true 30 no_jobs
		until_true 30 nodes_idle
	done
	wait
	is "$(C bash -c 'echo /tmp/precious/* /home/alice/precious/*')" \
		"/tmp/precious/1 /tmp/precious/2 /tmp/precious/3 /home/alice/precious/1 /home/alice/precious/2 /home/alice/precious/3"
	is "$(C stat -c '%U %a' /tmp/precious /home/alice/precious)" $'root 755\nalice 755'
	# Whoever goes on making entries keeps his directory, until he stops.
	nothing_left || restart_slurmd
}

# ---- 27 ----

@test "fault 27: very many files, closed directories, sockets and links: gone with the step" {
	C install -d -m 1777 /tmp/store
	site WritablePath=/tmp/store
	mark
	ash 'timeout 120 srun -Q -w n1 --chdir=/ --container=$B --container-writable sh -c "
		mkdir -p /many /shut/in/side && mess files /many 2000 && touch /shut/in/side/f && rm -r /etc/of 2>/dev/null
		mkfifo /shut/in/fifo && ln -s /nonesuch /shut/link && chmod 0 /shut/in/side /shut/in /shut /many"'
	until_true 60 nothing_left
	until_true 60 eval '[[ -z $(C find /tmp/store -mindepth 1) ]]'
	# In the step directory itself, by a process beside the step.
	start_step 1
	A bash -c 'cd "$1/task-0" && mkdir -p many a/b && "$2" files many 100000 && chmod 0 many a/b a' x "$(step_dir)" "$MESS"
	A scancel "$job"
	until_true 20 ended
	until_true 60 nothing_left
}

@test "fault 27: so many files that their time is over: logged, the node idle, gone later" {
	start_step 1
	A bash -c 'mkdir "$1/task-0/many" && "$2" files "$1/task-0/many" 2000' x "$(step_dir)" "$MESS"
	slow_down 20000
	mark
	C scancel "$job"
	# All of them would take 40 s; nobody waits for more than 10.
	until_true 30 logged "stepbox: .*$job.0.0.*given up after 9\.[0-9] s"
	until_true 20 logged "error: stepbox: step directory $job.0.0 could not be removed now"
	until_true 30 no_jobs
	until_true 20 nodes_idle
	wait
	restart_slurmd
	until_true 30 nothing_left
	logged "stepbox: $job.0.0.*: its slurmstepd was gone: cleaned up"
}

@test "fault 27: mounts and subuids' files in the step directory: logged, kept from all, gone later" {
	local mounted
	start_step 1
	mark
	mounted=$(step_dir)/task-0/mounted
	A mkdir "$mounted"
	C mount -t tmpfs busy "$mounted"
	C touch "$mounted/kept"
	A scancel "$job"
	until_true 20 ended
	until_true 30 no_jobs
	until_true 20 logged "error: stepbox: step directory $job.0.0 could not be removed now"
	until_true 20 nodes_idle
	# In root's trash, whole, as nothing goes beyond a mount.
	mounted=$(C bash -c 'echo /run/stepbox/n1/.trash/'"$job"'.0.0.*')/task-0/mounted
	C test -e "$mounted/kept"
	C umount "$mounted"
	restart_slurmd
	until_true 20 nothing_left
	logged "stepbox: $job.0.0.[0-9a-f]*: its slurmstepd was gone: cleaned up"

	# What a user may have by newuidmap: files of an id of his, and a directory,
	# which only that id can empty.
	start_step 1
	mark
	A mkdir "$(step_dir)/task-0/sub"
	C bash -c 'cd "$1/task-0/sub" && touch file && mkdir -p dir && touch dir/file && chown -R 131136000:131136000 file dir' x "$(step_dir)"
	A scancel "$job"
	until_true 20 ended
	until_true 30 no_jobs
	until_true 20 logged "error: stepbox: step directory $job.0.0 could not be removed now"
	until_true 20 nodes_idle
	run C bash -c 'cd /run/stepbox/n1/.trash/'"$job"'.0.0.* && find . -type f -o -name sub'
	is "$output" $'./task-0/sub\n./task-0/sub/dir/file'
	C bash -c 'chown -R alice: /run/stepbox/n1/.trash/'"$job"'.0.0.*'
	run C stepbox clean
	is "$status" 0
	until_true 20 nothing_left
}

@test "fault 27: a mount on the step directory itself; busy when it ends" {
	start_step 1
	mark
	C mount -t tmpfs busy "$(step_dir)"
	A scancel "$job"
	until_true 30 ended
	until_true 30 no_jobs
	until_true 20 logged "error: stepbox: step directory $job.0.0 could not be removed now"
	until_true 20 nodes_idle
	C mountpoint -q "$(step_dir)"
	C umount "$(step_dir)"
	restart_slurmd
	until_true 20 nothing_left
}

# By a file server of hers that has stopped. All of an epilog is to be over in 5
# seconds, however long she has it wait.
@test "fault 27: a user who keeps the epilog's child from ending: given up in time, gone later" {
	local server
	start_step 1
	A mkdir -p /home/alice/hang
	C fuse-overlayfs -o lowerdir=/images/centos,allow_other /home/alice/hang
	server=$(C pgrep -n -x fuse-overlayfs)
	A tee "$(step_dir)/task-0/layer-data" <<</home/alice/hang/stepbox.none >/dev/null
	C kill -STOP "$server"
	mark
	C pkill -KILL -f "^slurmstepd: \\[$job\\.0"
	A scancel "$job"
	until_true 60 logged "stepbox: $job.0.0: given up after [1-4]\.[0-9] s"
	until_true 30 no_jobs
	until_true 20 ended
	C kill -CONT "$server"
	run -0 C stepbox clean
	has "$job.0.0"
	has ": removed"
	C umount /home/alice/hang
	A rmdir /home/alice/hang
	until_true 20 nothing_left
}

# ---- 28 ----

# NAME LINE: a step directory of alice's and its record.
stale() {
	C bash -c 'cd /run/stepbox/n1 && mkdir -m 700 "$1" && echo f >"$1/f" && chown -R alice: "$1" && printf "%b" "$2" >".owner/$1"' x "$1" "$2"
}

@test "fault 28: stale directories: by slurmstepd's life, start time, pid namespace, boot id" {
	local pid start ns boot n
	A srun -Q -w n1 --chdir=/ --container="$B" true
	pid=$(C cat /run/slurmctld.pid)
	start=$(C bash -c 'read -r s <"/proc/$1/stat"; s=(${s##*) }); echo "${s[19]}"' x "$pid")
	ns=$(C stat -Lc %i /proc/self/ns/pid)
	boot=$(C cat /proc/sys/kernel/random/boot_id)
	mark
	stale 9001.0.0 "2001 2001 $pid $start $ns $boot\n"
	stale 9002.0.0 "2001 2001 $pid 1 $ns $boot\n"
	stale 9003.0.0 "2001 2001 $pid $start $ns 00000000-0000-0000-0000-000000000000\n"
	stale 9004.0.0 "2001 2001 4194999 1 $ns $boot\n"
	# Of another pid namespace nobody can tell; of another boot's, all can.
	stale 9005.0.0 "2001 2001 $pid 1 1 $boot\n"
	stale 9006.0.0 "2001 2001 $pid 1 1 00000000-0000-0000-0000-000000000000\n"
	# A crash of the machine may leave a record that was never written.
	stale 9007.0.0 ""
	stale 9008.0.0 "2001 20"
	# Of the two that belong together, one may be gone.
	stale 9009.0.0 "2001 2001 4194999 1 $ns $boot\n"
	C rm -r /run/stepbox/n1/9009.0.0
	restart_slurmd
	kept='.owner/9001.0.0 .owner/9005.0.0 9001.0.0 9005.0.0'
	swept() { [[ $(C bash -c 'cd /run/stepbox/n1 && echo .owner/9* 9*.0.0') == "$kept" ]]; }
	until_true 20 swept
	for n in 2 3 4 6 7 8; do
		logged "stepbox: 900$n.0.0: its slurmstepd was gone: cleaned up"
	done
}

@test "fault 28: stale directories: everything killed at once" {
	start_step 3
	"$TOP/test/cluster" slurmd "$SB_CLUSTER" kill9 n1
	C bash -c 'for p in /proc/[0-9]*; do u=$(stat -c %u "$p" 2>/dev/null)
		case $(tr "\0" " " 2>/dev/null <"$p/cmdline") in "slurmstepd: [$1."*) kill -KILL "${p#/proc/}" ;;
		*) [[ $u != 2001 ]] || kill -KILL "${p#/proc/}" ;; esac; done; true' x "$job"
	until_true 20 ended
	C test -d "$(step_dir)"
	mark
	"$TOP/test/cluster" slurmd "$SB_CLUSTER" start n1
	until_true 20 nothing_left
	logged "stepbox: $job.0.0: its slurmstepd was gone: cleaned up"
	A scancel "$job" 2>/dev/null || :
	until_true 30 no_jobs
	run A srun -Q -w n1 --chdir=/ --container="$B" echo inside
	is "$output" inside
}

@test "fault 28: stale directories: a writable container's data of an earlier boot" {
	C bash -c 'install -d -m 1777 /tmp/store; cd /tmp/store; mkdir stepbox.n1.00000000.{1,2}.0.0.0.x stepbox.n2.00000000.3.0.0.0.x
		touch stepbox.n1.00000000.1.0.0.0.x/f; mkdir -p stepbox.n1.00000000.1.0.0.0.x/work/work; chmod 0 stepbox.n1.00000000.1.0.0.0.x/work/work
		chown -R alice stepbox.n1.00000000.1.* stepbox.n2.*; chown bob stepbox.n1.00000000.2.*'
	site WritablePath=/tmp/store
	run A srun -Q -w n1 --chdir=/ --container="$B" --container-writable echo inside
	is "$output" inside
	is "$(C bash -c 'cd /tmp/store; echo *')" "stepbox.n1.00000000.2.0.0.0.x stepbox.n2.00000000.3.0.0.0.x"
}
