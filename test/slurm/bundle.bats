#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Bundles made by others (test/bundles): each runs as the job's user, whoever
# made it and for whom, and none is changed by that. For each runtime in each
# mode, under each proctrack.

load lib

M=/images/made

# As bob, in his home.
bsh() {
	local script=$1
	shift
	"$TOP/test/cluster" run "$SB_CLUSTER" -u bob -- bash -c "$script" bsh "$@"
}

# BUNDLE...: alice is herself there, with the node's name.
works() {
	local b
	for b; do
		run ash 'echo "$2 alice 2001 2001 alice $(hostname)"
			srun -Q --container=$1/$2 sh -c "
				. /etc/os-release
				echo \$NAME \$(id -un) \$(id -u) \$(id -g) \$(whoami) \$(hostname)" 2>err ||
				cat err' "$M" "$b"
		is "${lines[1]}" "${lines[0]}"
		is "${#lines[@]}" 2
	done
}

unchanged() {
	C "$TOP/test/bundles" --sums "$M" | diff <(C cat "$M.sums") -
}

# TEXT BUNDLE: refused on the node, in one line.
refused() {
	fails_with 125 ash 'srun -Q -n3 -N1 --container=$1 /bin/true' "$M/$2"
	has "stepbox: "
	has "$1"
	is "$(grep -c ^stepbox: <<<"$output")" 1
}

@test "bundles of umoci and buildah" { works umoci umoci-bob buildah; }
@test "bundles of runc and crun" { works runc runc-bob crun; }
@test "bundles of podman" { works podman podman-bob; }
@test "bundles by hand: all fields, the fewest, unknown ones" { works example minimal future; }

@test "a rootfs of one file" {
	run ash 'srun -Q -n2 -N1 --container=$1/scratch /busybox sh -c "
		/busybox id -un; /busybox whoami; /busybox id -u
		[ -c /dev/null ] && [ -d /sys/kernel ] && [ -e /proc/self/exe ] && echo mounted" 2>err |
		sort | uniq -c | tr -s " "; [ ${PIPESTATUS[0]} = 0 ] || cat err' "$M"
	is "$output" $' 2 2001\n 4 alice\n 2 mounted'
	unchanged
}

@test "bob is bob, in root's bundles and in his own" {
	run bsh 'for b in podman runc-bob minimal; do
			srun -Q --container=$1/$b sh -c "echo \$(id -un) \$(id -u) \$(whoami)" 2>err || cat err
		done' "$M"
	is "$output" $'bob 2002 bob\nbob 2002 bob\nbob 2002 bob'
}

@test "tasks on both nodes" {
	run ash 'srun -Q -N2 -n6 --container=$1/podman sh -c "echo \$(id -un) \$(id -u)" 2>err | sort | uniq -c | tr -s " "
		[ ${PIPESTATUS[0]} = 0 ] || cat err' "$M"
	is "$output" ' 6 alice 2001'
}

@test "sbatch" {
	run ash 'sbatch -Q --wait --container=$1/umoci -o out --wrap "id -un; grep ^NAME /etc/os-release; exit 5"
		echo $?; grep -v ^stepbox: out' "$M"
	is "$output" $'5\nalice\nNAME="umoci"'
}

@test "--container-remap-root: uid 0, and files are the user's" {
	C bash -c 'rm -rf /home/alice/x && mkdir /home/alice/x && chown alice: /home/alice/x'
	run ash 'for b in runc podman runc-bob; do
			srun -Q --container=$1/$b --container-remap-root --container-mounts=/home/alice/x:/mnt \
				sh -c "echo \$(id -un) \$(id -u) \$(id -g); touch /mnt/$b" 2>err || cat err
		done; stat -c "%U %G %n" x/*' "$M"
	is "$output" $'root 0 0\nroot 0 0\nroot 0 0\nalice alice x/podman\nalice alice x/runc\nalice alice x/runc-bob'
}

@test "--container-mounts: files made there are the user's, as on the host" {
	C bash -c 'rm -rf /home/alice/x && mkdir /home/alice/x && chown alice: /home/alice/x'
	run ash 'for b in runc podman-bob scratch; do
			sh="sh"; [ $b != scratch ] || sh="/busybox sh"
			srun -Q -n2 -N1 --container=$1/$b --container-mounts=/home/alice/x:/mnt/deep/er \
				$sh -c "echo \$SLURM_PROCID >/mnt/deep/er/$b.\$SLURM_PROCID" 2>err || cat err
		done; cd x; stat -c "%U %G %s %n" *' "$M"
	is "$output" "alice alice 2 podman-bob.0
alice alice 2 podman-bob.1
alice alice 2 runc.0
alice alice 2 runc.1
alice alice 2 scratch.0
alice alice 2 scratch.1"
	unchanged
}

@test "supplementary groups give access" {
	C bash -c 'mkdir -p /images/proj && echo for-the-group >/images/proj/f &&
		chown root:proj /images/proj/f && chmod 640 /images/proj/f'
	run ash 'for b in runc example; do
			srun -Q -n2 -N1 --container=$1/$b --container-mounts=/images/proj:/mnt cat /mnt/f 2>err || cat err
		done' "$M"
	is "$output" $'for-the-group\nfor-the-group\nfor-the-group\nfor-the-group'
	run bsh 'srun -Q --container=$1/runc --container-mounts=/images/proj:/mnt cat /mnt/f' "$M"
	[[ $status -ne 0 ]]
	lacks for-the-group
	C rm -r /images/proj
}

# Each writes its name, waits until both have, and reads: the rest of $1's
# options, then commands for before the waiting and after it.
meet='w=$(id -un).$SLURM_STEP_ID.$SLURM_JOB_ID; eval "$1"; touch /mnt/$w; n=0
	until [ "$(ls /mnt | wc -l)" -ge 2 ] || [ $n -gt 300 ]; do n=$((n + 1)); sleep 0.1; done
	ls /mnt | wc -l; eval "$2"'

meeting_place() { C bash -c 'rm -rf /images/meet && mkdir -m 1777 /images/meet'; }

@test "two users at once in one bundle" {
	meeting_place
	both='srun -Q -w n1 --container=$1/runc --container-mounts=/images/meet:/mnt sh -c "$2" sh \
		"id -un >/dev/shm/mine" "cat /dev/shm/mine; id -un; id -u" 2>err || cat err'
	bsh "$both" "$M" "$meet" >"$BATS_TEST_TMPDIR/bob" 3>&- &
	run ash "$both" "$M" "$meet"
	wait
	is "$output" $'2\nalice\nalice\n2001'
	is "$(<"$BATS_TEST_TMPDIR/bob")" $'2\nbob\nbob\n2002'
	unchanged
}

@test "--container-writable: each step has changes of its own, the bundle none" {
	meeting_place
	both='srun -Q -w n1 --container=$1/runc --container-writable --container-mounts=/images/meet:/mnt \
		sh -c "$2" sh "echo $3 >/newfile; mkdir /newdir; echo $3 >/newdir/$3; echo $3 >/tmp/t" \
		"cat /newfile /tmp/t; ls /newdir" 2>err.$3 || cat err.$3'
	ash "$both" "$M" "$meet" one >"$BATS_TEST_TMPDIR/one" 3>&- &
	run ash "$both" "$M" "$meet" two
	wait
	is "$output" $'2\ntwo\ntwo\ntwo'
	is "$(<"$BATS_TEST_TMPDIR/one")" $'2\none\none\none'
	# The next step finds nothing of them. An owner may change all.
	run ash 'srun -Q --container=$1/runc --container-writable sh -c "ls -d /newfile /newdir /tmp/t 2>/dev/null; echo done"' "$M"
	has "done"
	lacks /new
	lacks /tmp/t
	run bsh 'srun -Q --container=$1/runc-bob --container-writable sh -c "
		echo changed >/etc/os-release; rm /etc/group; cat /etc/os-release; ls /etc/group" 2>&1' "$M"
	has changed
	has "No such file"
	unchanged
}

@test "a rootfs that is read-only refuses, and says why" {
	# By its own config.json, and by the option.
	run ash 'srun -Q --container=$1/runc touch /tmp/x
		srun -Q --container=$1/podman --container-readonly touch /tmp/x' "$M"
	is "$(grep -c "Read-only file system" <<<"$output")" 2
	[[ $status -ne 0 ]]
	unchanged
}

@test "the working directory: the option's, the job's if it is there, the bundle's" {
	run ash 'exec 2>err
		srun -Q --chdir=/etc --container=$1/umoci pwd
		srun -Q --container=$1/umoci --container-mounts=/home/alice pwd
		srun -Q --container=$1/umoci --container-workdir=/usr pwd
		srun -Q --container=$1/example pwd' "$M"
	is "$output" $'/etc\n/home/alice\n/usr\n/tmp'
	run A grep -c "/home/alice is not in the container: working directory is /tmp" /home/alice/err
	is "$output" 1
}

@test "the limits, umask and environment: the job's, the job's, the bundle's" {
	run ash 'ulimit -n 777; umask 027
		srun -Q --container=$1/example sh -c "ulimit -n; umask; echo \$BUNDLE_VAR" 2>err || cat err' "$M"
	is "$output" $'777\n0027\nfrom-bundle'
}

@test "the bundle's seccomp profile is in force, for every task" {
	run ash 'srun -Q -n3 -N1 --container=$1/seccomp sh -c "
			grep ^Seccomp: /proc/self/status
			mkfifo /dev/shm/f.\$SLURM_PROCID
			unshare -U true && echo unshared
			id -un" 2>&1 | grep -v ^srun: | sort | uniq -c | tr -s " \t" " "' "$M"
	has $' 3 Seccomp: 2\n'
	has ' 3 alice'
	is "$(grep -c 'mkfifo: .*No space left on device' <<<"$output")" 3
	lacks unshared
	run ash 'srun -Q --container=$1/example mkfifo /dev/shm/f
		srun -Q --container=$1/runc mkfifo /dev/shm/f && echo made' "$M"
	has "No space left on device"
	has made
}

@test "the bundle's hooks run, each once, as the user" {
	C rm -f /tmp/hooks
	run ash 'srun -Q -w n1 --container=$1/hooks cat /dev/shm/hooks 2>err || cat err' "$M"
	is "$output" startContainer
	until_true 20 C grep -q poststop /tmp/hooks
	run C bash -c 'sort /tmp/hooks; stat -c %U /tmp/hooks; rm /tmp/hooks'
	is "$output" $'createContainer\ncreateRuntime\npoststart\npoststop\nprestart\nalice'
}

@test "what a conversion drops is told under -v" {
	run ash 'stepbox run -v --bundle=$1/time -- true; stepbox run -v --bundle=$1/podman -- true' "$M"
	has "time namespace"
	has "linux.resources"
	has "process.rlimits"
	run ash 'stepbox run --bundle=$1/time -- true' "$M"
	lacks "namespace"
}

@test "another system's bundle, another major version: refused by name" {
	refused "config.json is for Windows" windows
	refused "ociVersion 2.0.0" major2
}

@test "after all that, every bundle is byte for byte what it was" {
	unchanged
}
