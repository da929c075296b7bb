#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Bad and hostile bundles, by real parts: files, mounts, FUSE, a traced helper.
# Each test has the number of its row in the list of faults: what a user, or
# who made the bundle, can do gets one line, no runtime is started, nothing is
# left, and the node stays.

load lib

W=/images/fault
CALLS=/var/log/runtime.calls

# A program in front of the runtime tells when one is started, shows what it was
# given, and waits where a test wants to do something first.
setup_file() {
	C tee "/usr/local/sbin/$SB_RUNTIME" >/dev/null <<-END
		#!/bin/sh
		for op; do case \$op in run | create | start) break ;; esac; done
		case \$op in
		run | create)
			{ echo "\$op"; env; } >>$CALLS
			for b; do case \$b in --bundle=*) cp "\${b#*=}/config.json" $CALLS.json ;; esac; done
			[ ! -p $CALLS.hold ] || { echo >$CALLS.held; read x <$CALLS.hold; } ;;
		esac
		exec /usr/bin/$SB_RUNTIME "\$@"
	END
	C chmod 755 "/usr/local/sbin/$SB_RUNTIME"
}

teardown_file() { C rm -rf "/usr/local/sbin/$SB_RUNTIME" "$W" $CALLS $CALLS.json; }

# Whatever a test did to the node.
undo() {
	C bash -c "! test -e /usr/local/bin/stepbox.real || mv /usr/local/bin/stepbox.real /usr/local/bin/stepbox
		rm -f $CALLS.hold $CALLS.held
		pgrep -x fuse-overlayfs | xargs -r kill -CONT
		for m in $W/*; do ! mountpoint -q \"\$m\" || umount \"\$m\"; done"
}

setup() {
	default_conf
	entry
	C bash -c "rm -rf $W; mkdir $W; chown alice: $W
		for f in $CALLS $CALLS.json; do : >\$f; chmod 666 \$f; done"
}

teardown() {
	undo
	assert_clean
}

# The bundle $W: the test image's, its config.json changed by a jq program, and
# its rootfs in root.path.
bundle() {
	ash 'jq "$2" /images/centos/config.json | jq "$3" >$1/config.json' "$W" \
		'.root.path = "/images/centos/rootfs"' "${1-.}"
}

# The same with the text on standard input.
text() { C tee "$W/config.json" >/dev/null; }

# BUNDLE N COMMAND...: N tasks; a test's own list of cases is not their input.
srun_in() { ash 'srun -Q -n"$2" -N1 -w n1 --container="$1" "${@:3}"' "$@" </dev/null; }

# TEXT [BUNDLE]: refused in one line for all tasks, which has TEXT; no runtime.
refused() {
	fails_with 125 srun_in "${2-$W}" 2 /bin/true
	has "stepbox: bundle "
	has "$1"
	has "(node n1, task "
	is "$(grep -c ^stepbox: <<<"$output")" 1
	is "$(C cat $CALLS)" ""
}

# COMMAND... in the bundle prints this; helper and runtime say nothing else than
# where it is.
prints() {
	run srun_in "$W" 1 "${@:2}"
	output=$(grep -v "^stepbox: .* is not in the container: working directory is" <<<"$output")
	is "$output" "$1"
}

@test "fault 1: config.json empty, truncated, with trailing garbage, with a BOM" {
	text </dev/null
	refused "config.json: 1:1: the file is empty"
	text <<<'{"ociVersion": "1.0.2",
 "root": {'
	refused "config.json: 3:"
	{ C cat /images/centos/config.json && echo ' x'; } | text
	refused "config.json: $(($(C cat /images/centos/config.json | wc -l) + 1)):2: "
	{ C cat /images/centos/config.json && echo '{}'; } | text
	refused "end of file expected"
	{ printf '\xef\xbb\xbf' && C cat /images/centos/config.json; } | text
	refused "config.json: 1:1: begins with a byte order mark"
	printf '\xff\xfe{\0}\0' | text
	refused "config.json: 1:"
}

@test "fault 2: 100,000 nested lists, or objects" {
	head -c 100000 /dev/zero | tr '\0' '[' | text
	refused "config.json: 1:65: nested too deep"
	yes '{"a":' | head -n 100000 | text
	refused "config.json: 65:1: nested too deep"
}

@test "fault 3: config.json of 1 GB, a FIFO, a device, a directory, a socket, a loop" {
	A truncate -s 1G "$W/config.json"
	refused "config.json: larger than 16777216 bytes"
	A truncate -s 16M "$W/config.json"
	refused "config.json: 1:1: "
	odd() {
		A rm -rf "$W/config.json"
		A "$@"
		refused "$why"
	}
	why="config.json: not a regular file"
	odd mkfifo "$W/config.json"
	lacks "an OCI bundle has one"
	odd ln -s /dev/zero "$W/config.json"
	odd ln -s /dev/null "$W/config.json"
	odd mkdir "$W/config.json"
	why="config.json: Too many levels of symbolic links"
	odd ln -s config.json "$W/config.json"
	why="config.json: No such device or address"
	odd python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$W/config.json"
}

# The helper of the next steps, traced: stopped when it has asked for the size
# of config.json, and before it reads.
traced() {
	C mv /usr/local/bin/stepbox /usr/local/bin/stepbox.real
	C tee /usr/local/bin/stepbox >/dev/null <<-END
		#!/bin/sh
		exec strace -f -qq -o $W/trace $* /usr/local/bin/stepbox.real "\$@"
	END
	C chmod 755 /usr/local/bin/stepbox
}

# Whether the helper is stopped; its pid.
stopped_helper() {
	helper=$(C bash -c 'for p in /proc/[0-9]*; do
		read -r name <$p/comm && [[ $name == stepbox.real && $(<$p/stat) == *") "[tT]" "* ]] &&
			grep -q "^State:.*[tT] (" $p/status && echo ${p#/proc/}; done 2>/dev/null')
	[[ $helper ]]
}

@test "fault 4: config.json grows, or is replaced, while it is read" {
	local change
	conf "Runtime=$SB_RUNTIME" "RunTimeMode=$SB_MODE" BundleTimeout=0
	for change in 'echo garbage >>$1/config.json' \
		'echo garbage >$1/new; mv $1/new $1/config.json' 'rm $1/config.json'; do
		bundle '.process.env += ["WHICH=first"]'
		traced -P "$W" -P "$W/config.json" -e trace=open,openat,fstat,newfstatat,statx,read \
			-e inject=fstat,newfstatat,statx:signal=STOP:when=1
		srun_in "$W" 1 sh -c 'echo $WHICH' >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
		until_true 30 stopped_helper
		ash "$change" "$W"
		C kill -CONT "$helper"
		wait $!
		undo
		is "$(grep -v ^stepbox: "$BATS_TEST_TMPDIR/out")" first
		# Once, by one descriptor, and never again.
		is "$(C grep -c "\"config.json\".* = [0-9]" "$W/trace")" 1
	done
}

@test "fault 5: bytes that are no UTF-8, NUL, lone surrogates" {
	while IFS='|' read -r json why; do
		# shellcheck disable=SC2059 # it is one
		printf "$json" | text
		refused "config.json: $why"
		# Nothing in it can drive a terminal.
		is "$(grep '^stepbox:' <<<"$output" | LC_ALL=C tr -d '[:print:]\n')" ""
	done <<-'END'
		{"a": "\xff\x80\x9b31m"}|1:7: unable to decode byte 0xff
		{"a": "\xc0\x80"}|1:7: unable to decode byte 0xc0
		{"a": "\xed\xa0\x80"}|1:7: unable to decode byte 0xed
		{"a": "\\u0000"}|1:14: \134u0000 is not allowed
		{"a": "\\ud800"}|1:14: invalid Unicode '\134uD800'
		{"a": "\\udc00x"}|1:15: invalid Unicode '\134uDC00'
		{"a": "\0"}|1:7: control character 0x0
		{"a": \033[31m}|1:7: invalid token near '\033'
	END
}

@test "fault 6: a key twice, also in other words" {
	text <<<'{"process": {},
 "process": {"args": ["sh"]}}'
	refused "config.json: 2:10: duplicate object key near '\"process\"'"
	text <<<'{"\u0061": 1, "a": 2}'
	refused "duplicate object key"
	text <<<'{"root": {"path": "rootfs", "x": {"y": 1, "y": 1}}}'
	refused "duplicate object key"
}

@test "fault 7: numbers that no parser's type holds" {
	# What is unknown goes through to the last digit.
	{ echo '{"x-new": [18446744073709551615, 18446744073709551616, 1e999, 0.1, 9007199254740993, -0],' &&
		C sed '1d; s|"path": "rootfs"|"path": "/images/centos/rootfs"|' /images/centos/config.json; } | text
	prints 2001 id -u
	run C cat $CALLS.json
	has '"x-new":[18446744073709551615,18446744073709551616,1e999,0.1,9007199254740993,-0]'
	C truncate -s 0 $CALLS
	# What is known is a whole number, or refused.
	{ echo '{"hooks": {"prestart": [{"path": "/bin/true", "timeout": 0.1}]},' &&
		C sed '1d; s|"path": "rootfs"|"path": "/images/centos/rootfs"|' /images/centos/config.json; } | text
	refused "config.json: hooks.prestart[0].timeout: not a whole number"
}

@test "fault 8: fields of the wrong type, named" {
	while IFS='|' read -r edit why; do
		bundle "$edit"
		refused "config.json: $why"
	done <<-'END'
		.process.args = "sh"|process.args: not a list
		.process.env = [7]|process.env[0]: not a string
		.mounts = {}|mounts: not a list
		.process = []|process: not an object
		.process.cwd = 7|process.cwd: not a string
		.root.readonly = "true"|root.readonly: not true or false
		.linux.maskedPaths = "/proc/kcore"|linux.maskedPaths: not a list
		.linux.namespaces[0] = null|linux.namespaces[0]: not an object
		.hooks = {prestart: [{args: []}]}|hooks.prestart[0].path: missing
		.annotations = {"a.b": 7}|annotations.a.b: not a string
		.root = []|root: not an object
	END
}

@test "fault 9: unknown fields, a newer version, another major one" {
	bundle '.ociVersion = "1.3.0" | .["x-new"] = {a: [1, null]} | .process["x-new"] = 1 | .linux.netDevices = {}'
	prints 2001 id -u
	is "$(C jq -c '[.["x-new"], .process["x-new"]]' $CALLS.json)" '[{"a":[1,null]},1]'
	C truncate -s 0 $CALLS
	bundle '.ociVersion = "2.0.0"'
	refused "config.json: ociVersion 2.0.0: only 1.x.y is known"
}

@test "fault 10: no process, no args; a cwd that is relative, or in /proc" {
	for edit in 'del(.process)' 'del(.process.args)' '.process.args = []' '.process.cwd = null'; do
		bundle "$edit"
		prints 2001 id -u
	done
	C truncate -s 0 $CALLS
	for cwd in '' rel /proc/self/fd/7 //proc/self/fd/7 /usr/../proc/./self/fd/7; do
		bundle ".process.cwd = \"$cwd\""
		refused "config.json: process.cwd: not an absolute path outside /proc"
	done
}

@test "fault 11: config.json of other systems" {
	while read -r section name; do
		bundle "del(.linux) | .$section = {}"
		refused "config.json is for $name, not for Linux"
	done <<-'END'
		freebsd FreeBSD
		zos z/OS
		windows Windows
		solaris Solaris
	END
	bundle '.vm = {}'
	refused "config.json is for a virtual machine"
}

@test "fault 12: the bundle's hooks run as the user, with nothing of root's" {
	# On the node, as every runtime has it: what they may is what he may.
	bundle '.hooks = {createRuntime: [{path: "/bin/sh", args: ["sh", "-c",
		"head -c 1 >/dev/null; { id -u; cat /proc/self/loginuid /etc/shadow; grep CapEff /proc/self/status; } >'$W'/hook 2>&1"]}]}'
	prints 2001 id -u
	run C cat "$W/hook"
	lacks root:
	# uid 0 of his own user namespace.
	is "${lines[0]}" 0
	is "$(C stat -c %U "$W/hook")" alice
	has "Permission denied"
	bundle '.hooks = {createRuntime: [{path: "/bin/sh", args: ["sh", "-c", "head -c 1 >/dev/null; exit 3"]}]}'
	run srun_in "$W" 1 echo started
	[[ $status -ne 0 ]]
	lacks $'\nstarted'
}

@test "fault 13: LD_PRELOAD of the image, of the job and of a hook" {
	# A library that no program could load is said by the loader, wherever.
	bundle '.process.env += ["LD_PRELOAD=/nonesuch.so"] | .hooks = {createRuntime: [{path: "/bin/sh",
		args: ["sh", "-c", "head -c 1 >/dev/null; env >'$W'/hook"], env: ["LD_AUDIT=/nonesuch2.so", "LD_PRELOAD=/nonesuch4.so"]}]}'
	run ash 'LD_LIBRARY_PATH=/nonesuch3 srun -Q -w n1 --container=$1 sh -c "echo got \$LD_PRELOAD \$LD_LIBRARY_PATH"' "$W"
	has "got /nonesuch.so /nonesuch3"
	lacks ld.so
	lacks "cannot be preloaded"
	run C cat $CALLS
	has "PATH=/usr/local/sbin:"
	lacks LD_
	run C cat "$W/hook"
	# The hook has what is its own, and nobody else has that.
	has LD_AUDIT=/nonesuch2.so
	has LD_PRELOAD=/nonesuch4.so
	lacks /nonesuch.so
	lacks LD_LIBRARY_PATH
}

@test "fault 14: mounts of what is the kernel's to decide" {
	C bash -c "mkdir $W/data; echo hers >$W/data/f; ln -s /etc/shadow $W/link"
	mount='.mounts += [{destination: "/mnt", type: "bind", source: "%s", options: ["bind"]}]'
	for source in /etc/shadow "$W/link" "$W/../../etc/shadow" ../../etc/shadow; do
		bundle "${mount/\%s/$source}"
		fails_with 1 srun_in "$W" 1 cat /mnt
		has "Permission denied"
		lacks root:
	done
	bundle "${mount/\%s/data/..//data/f}"
	prints hers cat /mnt
	bundle '.mounts += [{destination: "/../../mnt", type: "tmpfs", source: "t"}]'
	prints /mnt sh -c 'grep -o "/mnt" /proc/mounts'
	C truncate -s 0 $CALLS
	bundle "${mount/\%s/$W/nonesuch}"
	refused "config.json: mounts[6].source: $W/nonesuch: not on this node, or closed to you"
	bundle '.mounts += [{destination: "/mnt", type: "ext4", source: "/dev/sda"}]'
	refused "a user cannot mount file systems of type ext4"
	# Another /proc is none.
	bundle "$(printf '.mounts += [{destination: "/proc", type: "bind", source: "%s", options: ["bind"]}]' "$W/data")"
	refused "config.json: mounts[6]: /proc: a bind in its place: only a proc can be there, or a bind of /proc"
	bundle '.mounts |= map(select(.destination != "/proc")) + [{destination: "/proc", type: "tmpfs", source: "tmpfs"}]'
	refused "config.json: mounts[5]: /proc: a tmpfs in its place"
	bundle '.mounts |= map(select(.destination != "/proc")) + [{destination: "/proc", type: "none", source: "/proc", options: ["rbind"]}]'
	prints 2001 sh -c 'grep -c . /proc/self/status >/dev/null && id -u'
	bundle
	for mount in "$W/data:/proc" tmpfs:/proc/ umount:/proc; do
		fails_with 125 ash 'srun -Q -w n1 --container=$1 --container-mounts="$2" true' "$W" "$mount"
		has "stepbox: --container-mounts: destination /proc: only /proc itself can be there (node n1, task 0)"
	done
}

@test "fault 15: another container's namespaces, another cgroup" {
	for kind in pid ipc mount; do
		bundle ".linux.namespaces |= map(select(.type != \"$kind\")) + [{type: \"$kind\", path: \"/proc/1/ns/$kind\"}]"
		refused "the $kind namespace of another container cannot be joined"
	done
	# What the step has of its own, or of the node, stays that.
	for kind in user network uts cgroup; do
		bundle ".linux.namespaces |= map(select(.type != \"$kind\")) + [{type: \"$kind\", path: \"/proc/1/ns/$kind\"}]"
		prints 2001 id -u
	done
	plain=$(ash 'srun -Q -w n1 sed "s|/step_[0-9]*||; s|/job_[0-9]*||" /proc/self/cgroup')
	for path in /another/group ../../../escape / system.slice:a:b; do
		bundle ".linux.cgroupsPath = \"$path\" | .linux.resources = {memory: {limit: 4096}} |
			.linux.namespaces |= map(select(.type != \"cgroup\"))"
		prints "$plain" sed "s|/step_[0-9]*||; s|/job_[0-9]*||" /proc/self/cgroup
	done
}

@test "fault 16: seccomp profiles: unknown names, wrong forms, 10,000 rules, the site's" {
	local rule='{names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 28}'
	seccomp() { bundle ".linux.seccomp = {defaultAction: \"SCMP_ACT_ALLOW\", $1}"; }
	# What this kernel, or libseccomp, does not know it cannot filter.
	seccomp "syscalls: [{names: [\"a_call_of_2040\"], action: \"SCMP_ACT_ERRNO\"}, $rule]"
	run srun_in "$W" 1 mkdir /dev/shm/d
	has "No space left on device"
	many="names: [\"personality\"], action: \"SCMP_ACT_ERRNO\", args: [{index: 0, value: (1000000 + .), op: \"SCMP_CMP_EQ\"}]"
	seccomp "syscalls: ([range(1000) | {$many}] + [$rule])"
	run srun_in "$W" 1 mkdir /dev/shm/d
	has "No space left on device"
	# By itself, libseccomp would go round in circles with these for ever.
	seccomp 'syscalls: [(2, 1) | {names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 28, args: [
		{index: 0, value: 40, op: "SCMP_CMP_GT"}, {index: ., value: 7, op: "SCMP_CMP_NE"}]}]'
	run srun_in "$W" 1 mkdir /dev/shm/d
	has "No space left on device"
	C truncate -s 0 $CALLS
	seccomp "syscalls: ([range(10000) | {$many}] + [$rule])"
	refused "config.json: linux.seccomp: too large: its program has"
	while IFS='|' read -r edit why; do
		seccomp "$edit"
		refused "config.json: linux.seccomp.$why"
	done <<-'END'
		architectures: ["SCMP_ARCH_Z80"]|architectures
		syscalls: [{names: ["mkdir"], action: "SCMP_ACT_ERRNO", errnoRet: 4096}]|syscalls[0].errnoRet
		syscalls: [{names: ["mkdir"], action: "SCMP_ACT_SHRUG"}]|syscalls[0].action
		syscalls: {}|syscalls: not
		syscalls: [{names: "mkdir", action: "SCMP_ACT_ERRNO"}]|syscalls[0].names
	END
	# The site's is in force or nothing is.
	bundle
	echo '{"defaultAction": ' | C tee /etc/slurm/profile.json
	conf "Runtime=$SB_RUNTIME" "RunTimeMode=$SB_MODE" SeccompProfile=/etc/slurm/profile.json
	fails_with 125 srun_in "$W" 1 true
	has "/etc/slurm/profile.json"
	C rm /etc/slurm/profile.json
	fails_with 125 srun_in "$W" 1 true
	has "/etc/slurm/profile.json: No such file or directory"
	is "$(C cat $CALLS)" ""
}

@test "fault 17: a bundle that is missing, is a file, has an odd, or a long name" {
	local name long
	refused "bundle $W/none: No such file or directory" "$W/none"
	refused "bundle $W/none/b: $W/none: No such file or directory" "$W/none/b"
	refused "bundle /etc/passwd: Not a directory" /etc/passwd
	refused "bundle /etc/passwd/x: Not a directory" /etc/passwd/x
	bundle
	for name in 'a  b' $'new\nline' '%s%n%d' "it's" '"quoted"' '$(id)' '-n' $'\033[31m' $'caf\xc3\xa9' '*' 'a:b,c'; do
		A mkdir "$W/$name"
		A cp "$W/config.json" "$W/$name"
		run srun_in "$W/$name" 1 echo "in it"
		has "in it"
		C truncate -s 0 $CALLS
		A rm "$W/$name/config.json"
		fails_with 125 srun_in "$W/$name" 2 true
		# One line of text, whatever the name is.
		is "$(grep -c "^stepbox: bundle $W/.*: config.json: No such file" <<<"$output")" 1
		is "$(grep '^stepbox:' <<<"$output" | LC_ALL=C tr -d '[:print:]\n\303\251')" ""
	done
	refused "bundle $W/x\\012\\033[31m\\377: No such file" "$W/x"$'\n\033[31m\xff'
	# One that is there, as long as a path can be with what is in it; and
	# with too much in it for that.
	A bash -c 'cd "$1"; name=$(printf %0200d 0)
		while ((${#PWD} < 3840)); do mkdir $name; cd -P $name; done
		cp "$1/config.json" .; pwd >"$1/long"
		name=$(printf "%0$((4092 - ${#PWD}))d" 0); mkdir $name; cd -P $name
		sed "s|/images/centos/rootfs|rootfs|" "$1/config.json" >config.json
		mkdir rootfs; pwd >"$1/longer"' _ "$W"
	long=$(C cat "$W/long")
	run srun_in "$long" 1 echo "in it"
	has "in it"
	C truncate -s 0 $CALLS
	long=$(C cat "$W/longer")
	is "${#long}" 4093
	refused ": File name too long" "$long"
	refused ": No such file or directory" "/images/$(printf '%0250d/' {1..15})"
	refused ": File name too long" "/images/$(printf '%0256d' 0)"
	# The kernel takes none that are longer, and so does the plugin.
	for long in "/images/$(printf '%04090d' 0)" "/images/$(printf '%0250d/' {1..20})"; do
		fails_with 125 srun_in "$long" 2 true
		has "longer than 4095 bytes (node n1)"
		is "$(grep -c ^stepbox: <<<"$output")" 1
	done
	is "$(C cat $CALLS)" ""
}

# $W/1 and $W/2, which tell themselves apart by environment and root file system.
two_bundles() {
	local n
	for n in 1 2; do
		C cp -a /images/centos "$W/$n"
		C bash -c "jq '.process.env += [\"WHICH=$n\"]' /images/centos/config.json >$W/$n/config.json
			echo $n >$W/$n/rootfs/etc/which"
	done
}

# The runtime of the next step waits as soon as it is called, and before it
# looks; until it has been called; let it look.
hold() {
	C mkfifo -m 666 $CALLS.hold
	C bash -c ": >$CALLS.held; chmod 666 $CALLS.held"
}
held() { until_true 60 C test -s $CALLS.held; }
go_on() {
	C bash -c "echo go >$CALLS.hold"
	C rm $CALLS.hold
}

while_held() {
	hold
	srun_in "$W/b" 1 sh -c 'echo "$WHICH $(cat /etc/which)"' >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
	held
	C bash -c "$1"
	go_on
	wait $!
	is "$(grep -v ^stepbox: "$BATS_TEST_TMPDIR/out")" "$2"
}

@test "fault 18: a bundle that is a link, or becomes one, or another, meanwhile" {
	two_bundles
	C ln -s 1 "$W/b"
	while_held "ln -sfn 2 $W/b" "1 1"
	while_held "ln -sfn none $W/b" "2 2"
	C ln -sfn 1 "$W/b"
	# Its directory itself: another has the name, or a link.
	while_held "mv $W/1 $W/3; mv $W/2 $W/1" "1 1"
	C rm "$W/b"
	C mv "$W/3" "$W/b"
	while_held "mv $W/b $W/away; ln -s /etc $W/b" "1 1"
}

# PATH: where the helper of the next step stops, as soon as it has opened
# something in the directory PATH; COMMANDS, which are done then.
while_opened() {
	local open=open,openat
	traced -P "$1" -e "trace=$open" -e "inject=$open:signal=STOP:when=1"
	srun_in "$W/b" 1 sh -c 'echo "$WHICH $(cat /etc/which)"' >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
	until_true 30 stopped_helper
	C bash -c "$2"
	C kill -CONT "$helper"
	wait $!
	undo
	is "$(grep -v -e ^stepbox: -e ^strace: "$BATS_TEST_TMPDIR/out")" "$3"
}

@test "fault 18: a bundle that becomes another while it is opened" {
	conf "Runtime=$SB_RUNTIME" "RunTimeMode=$SB_MODE" BundleTimeout=0
	two_bundles
	C ln -s 1 "$W/b"
	# Between its directory and what is in it.
	while_opened "$W/b" "ln -sfn 2 $W/b" "1 1"
	while_opened "$W/b" "rm $W/b; ln -s /etc $W/b; mv $W/2 $W/3" "2 2"
	C ln -sfn 1 "$W/b"
	C mv "$W/3" "$W/2"
	# Between config.json and rootfs: its directory itself is another.
	while_opened "$W/1" "mv $W/1 $W/3; mv $W/2 $W/1" "1 1"
	C ln -sfn 3 "$W/b"
	# What is not open yet is what it is then.
	while_opened "$W/3" "mv $W/3/rootfs $W/3/old; ln -s $W/1/rootfs $W/3/rootfs" "1 2"
}

@test "fault 19: what the user may not read, named; root looks at none of it" {
	two_bundles
	C mkdir -p "$W/in/ner"
	C cp -a "$W/1" "$W/in/ner/b"
	closed() {
		C chmod "$1" "$W/in${2:+/$2}"
		refused "$3" "$W/in/ner/b"
		C chmod 755 "$W/in${2:+/$2}"
	}
	closed 700 '' "bundle $W/in/ner/b: $W/in: Permission denied"
	closed 700 ner "bundle $W/in/ner/b: $W/in/ner: Permission denied"
	closed 700 ner/b "bundle $W/in/ner/b: Permission denied"
	closed 600 ner/b/config.json "config.json: Permission denied"
	closed 700 ner/b/rootfs "rootfs (root.path) rootfs: Permission denied"
	C sed -i 's|"path": "rootfs"|"path": "/images/fault/in/ner/b/rootfs"|' "$W/2/config.json"
	C chmod 700 "$W/in/ner"
	refused "rootfs (root.path) $W/in/ner/b/rootfs: $W/in/ner: Permission denied" "$W/2"
	# As with root_squash or Kerberos: one that only the user can look into.
	C chmod 755 "$W/in/ner" "$W/1/rootfs"
	C mkdir -m 755 "$W/hers"
	C chown alice: "$W/hers"
	A bash -c 'cd "$1" && mkdir up work && fuse-overlayfs -o "lowerdir=$1/1,upperdir=$1/up,workdir=$1/work" "$1/hers"' _ "$W"
	run C ls "$W/hers"
	has "Permission denied"
	run srun_in "$W/hers" 2 cat /etc/which
	C umount "$W/hers"
	is "$(grep -v ^stepbox: <<<"$output")" $'1\n1'
}

# TEXT OPTION...: refused with TEXT by a helper traced so.
refused_by() {
	traced "${@:2}"
	refused "$1"
	undo
}

@test "fault 19: a file server that forgets, a ticket that has expired, a bad disk" {
	local error why open=open,openat
	conf "Runtime=$SB_RUNTIME" "RunTimeMode=$SB_MODE" BundleTimeout=0
	bundle
	while IFS='|' read -r -u 9 error why; do
		refused_by "bundle $W: $why" -P "$W" -e "trace=$open" -e "inject=$open:error=$error:when=1"
		refused_by "config.json: $why" -P "$W/config.json" -e trace=read -e "inject=read:error=$error"
		[[ $error == ESTALE ]] || continue
		# In the bundle's directory the second is config.json.
		refused_by "config.json: $why" -P "$W" -e "trace=$open" -e "inject=$open:error=$error:when=2"
		refused_by "rootfs (root.path) /images/centos/rootfs: $why" \
			-P /images/centos/rootfs -e "trace=$open" -e "inject=$open:error=$error:when=1"
	done 9<<-'END'
		ESTALE|Stale file handle
		EKEYEXPIRED|Key has expired
		EIO|Input/output error
	END
}

# The FUSE server's pid.
server() { C pgrep -x fuse-overlayfs; }

# Whether somebody waits for it.
asked_in_vain() { C bash -c 'cat /proc/[0-9]*/wchan 2>/dev/null | tr "\0" "\n" | grep -aq request_wait_answer'; }

@test "fault 20: a file server that is gone: the step ends, with a line; the node stays" {
	conf "Runtime=$SB_RUNTIME" "RunTimeMode=$SB_MODE" BundleTimeout=2
	C mkdir "$W/b"
	C fuse-overlayfs -o lowerdir=/images/centos,allow_other "$W/b"
	pid=$(server)
	run srun_in "$W/b" 2 sh -c 'echo there'
	has there
	C truncate -s 0 $CALLS
	C kill -STOP "$pid"
	refused "bundle $W/b: its file system has not answered for 2 s (BundleTimeout)" "$W/b"
	# One that waits, by the site's will, is ended as others are.
	conf "Runtime=$SB_RUNTIME" "RunTimeMode=$SB_MODE" BundleTimeout=0
	ash 'srun -J waits -Q -w n1 --container="$1" true' "$W/b" >/dev/null 2>&1 3>&- &
	until_true 20 C pgrep -x stepbox
	A scancel -n waits
	until_true 30 no_jobs
	wait $! || :
	until_true 10 nodes_idle
	is "$(C pgrep -x stepbox)" ""
	# It goes when the runtime has been called: that one waits for as long as
	# the site's words, and Slurm's limits, let it.
	C kill -CONT "$pid"
	for mode in run create; do
		conf "Runtime=$SB_RUNTIME" "RunTimeMode=$mode" BundleTimeout=2
		hold
		srun_in "$W/b" 1 echo there >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
		held
		C kill -STOP "$pid"
		go_on
		until_true 30 asked_in_vain
		C bash -c 'squeue -h -o %i | xargs scancel'
		rc=0
		wait $! || rc=$?
		[[ $rc -ne 0 ]]
		is "$(grep -c there "$BATS_TEST_TMPDIR/out")" 0
		until_true 30 no_jobs
		until_true 30 nodes_idle
		is "$(C bash -c 'ls /run/stepbox/n1')" ""
		C kill -CONT "$pid"
	done
	# It is back.
	run srun_in "$W/b" 2 sh -c 'echo there'
	has there
	C umount "$W/b"
}

@test "fault 21: root.path that is missing, leads outside, is a link, or no directory" {
	A bash -c 'cd "$1" && ln -s none dangling && ln -s loop loop && ln -s /images/centos/rootfs link &&
		: >file && mkdir -m 0 closed && ln -s file tofile' _ "$W"
	path() { bundle ".root.path = $1"; }
	while IFS='|' read -r edit why; do
		path "$edit"
		refused "$why"
	done <<-END
		"rootfs"|rootfs (root.path) rootfs: No such file or directory
		"none/x"|rootfs (root.path) none/x: $W/none: No such file or directory
		"dangling"|rootfs (root.path) dangling: No such file or directory
		"loop"|rootfs (root.path) loop: Too many levels of symbolic links
		"file"|rootfs (root.path) file: Not a directory
		"tofile"|rootfs (root.path) tofile: Not a directory
		"/etc/passwd"|rootfs (root.path) /etc/passwd: Not a directory
		"/root"|rootfs (root.path) /root: Permission denied
		"/"|rootfs (root.path) /: the node's own root directory
		"../../.."|rootfs (root.path) ../../..: the node's own root directory
		"/proc/self/root"|rootfs (root.path) /proc/self/root: the node's own root directory
		""|config.json: root.path: not a path
		null|config.json: root.path: not a path
		7|config.json: root.path: not a path
	END
	path '"x"| del(.root)'
	refused "config.json: root.path: missing"
	# Links and absolute paths are allowed: the kernel decides what he may.
	for name in link ../centos/rootfs //images/./centos/rootfs/; do
		path "\"$name\""
		prints 'NAME="CentOS Linux"' grep ^NAME /etc/os-release
	done
}

@test "fault 22: a bundle on a read-only file system, or of another user" {
	local sums
	two_bundles
	C bash -c "mkdir $W/ro && mount --bind $W/1 $W/ro && mount -o remount,bind,ro $W/ro"
	prints_in() { W=$1 prints "${@:2}"; }
	prints_in "$W/ro" "1 1" sh -c 'echo "$WHICH $(cat /etc/which)"'
	# A mount point that is missing, and a file to write to, need no bundle.
	run ash 'srun -Q -w n1 --container=$1 --container-mounts=/etc:/new/place --container-writable \
		sh -c "ls -d /new/place; echo changed >/etc/which; cat /etc/which" 2>/dev/null' "$W/ro"
	is "$output" $'/new/place\nchanged'
	C umount "$W/ro"
	C chown -R bob: "$W/2"
	C chmod -R go-w "$W/2"
	sums=$(C "$TOP/test/bundles" --sums "$W/2" | sha256sum)
	prints_in "$W/2" "2 2" sh -c 'echo "$WHICH $(cat /etc/which)"'
	run ash 'srun -Q -w n1 --container=$1 --container-mounts=/etc:/new/place --container-writable \
		sh -c "ls -d /new/place; echo changed >/etc/which; cat /etc/which" 2>/dev/null' "$W/2"
	is "$output" $'/new/place\nchanged'
	is "$(C "$TOP/test/bundles" --sums "$W/2" | sha256sum)" "$sums"
}

@test "fault 6: a known field in other letters, which runc takes for the field" {
	local runtime
	hook="[{path: \"/bin/sh\", args: [\"sh\", \"-c\", \"head -c 1 >/dev/null; : >$W/hook\"]}]"
	for runtime in crun runc; do
		conf "Runtime=$runtime" "RunTimeMode=$SB_MODE" DisableHooks=createRuntime
		while IFS='|' read -r edit why; do
			bundle "$edit"
			refused "config.json: $why"
		done <<-END
			.Process = {args: ["echo", "another"]}|Process: a runtime may take it for process
			.hooKs = {createRuntime: $hook}|hooKs: a runtime may take it for hooks
			.["hook\\u017f"] = {createRuntime: $hook}|hook
			.hooks = {CreateRuntime: $hook}|hooks.CreateRuntime: a runtime may take it for createRuntime
			.linux.Namespaces = []|linux.Namespaces: a runtime may take it for namespaces
			.mounts[0].Source = "/etc"|mounts[0].Source: a runtime may take it for source
		END
		is "$(C ls "$W")" config.json
	done
	# What is not known in any letters is kept.
	bundle '.X = {Process: 1} | .annotations["Process"] = "x" | .hooks = {x: 1}'
	prints 2001 id -u
}

@test "fault 16: a filter that the runtime loads: no agent is asked, none is called" {
	local rule='defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["mkdir", "mkdirat"], action: "%s"}]'
	local n runtime
	with() { bundle ".linux.seccomp = {${rule/\%s/$1}${2:+, $2}}"; }
	for runtime in crun runc; do
		conf "Runtime=$runtime" "RunTimeMode=$SB_MODE" Init=no
		# Several tasks are let in by ours, one is started by the runtime.
		for n in 2 1; do
			with SCMP_ACT_NOTIFY "listenerPath: \"$W/socket\""
			fails_with 125 srun_in "$W" "$n" true
			has "config.json: linux.seccomp.syscalls[0].action: SCMP_ACT_NOTIFY needs an agent"
			with SCMP_ACT_SHRUG
			fails_with 125 srun_in "$W" "$n" true
			has 'config.json: linux.seccomp.syscalls[0].action: "SCMP_ACT_SHRUG" is not known'
			is "$(C cat $CALLS)" ""
		done
		# One that is there gets nothing; the filter holds.
		with SCMP_ACT_ERRNO "listenerPath: \"$W/socket\", listenerMetadata: \"x\""
		fails_with 1 ash 'srun -Q -w n1 --container="$1" --container-remap-root mkdir /dev/shm/d' "$W"
		has "Operation not permitted"
		bundle '.linux.seccomp = null'
		prints made sh -c "mkdir /dev/shm/d; echo made"
		C truncate -s 0 $CALLS
	done
}

@test "fault 14: a destination behind .. is where it leads: nothing is made in the bundle" {
	two_bundles
	C chown -R alice: "$W/1"
	for runtime in crun runc; do
		conf "Runtime=$runtime" "RunTimeMode=$SB_MODE"
		ash 'jq "$2" $1/2/config.json >$1/1/config.json' "$W" '.root.readonly = false |
			.mounts += [{destination: "/dev/../newdir/sub", type: "tmpfs", source: "t"}]'
		C rm -rf "$W/1/rootfs/newdir"
		run srun_in "$W/1" 1 grep -o " /newdir/sub tmpfs" /proc/mounts
		has " /newdir/sub tmpfs"
		fails_with 2 C ls "$W/1/rootfs/newdir"
	done
	C truncate -s 0 $CALLS
	for destination in / /dev/..; do
		bundle ".mounts += [{destination: \"$destination\", type: \"bind\", source: \"$W\", options: [\"bind\"]}]"
		refused "config.json: mounts[6].destination: / is the whole container"
	done
}

@test "fault 14: maps of a mount's own (crun's idmap=uids=...) are dropped" {
	C mkdir "$W/data"
	bundle ".mounts += [{destination: \"/mnt\", type: \"bind\", source: \"$W/data\",
		options: [\"rbind\", \"idmap=uids=0-0-1;gids=0-0-1\", \"ridmap=uids=0-0-1\"]}]"
	for runtime in crun runc; do
		conf "Runtime=$runtime" "RunTimeMode=$SB_MODE"
		prints 65534 stat -c %u /mnt
	done
}

@test "fault 17: a bundle in a directory whose name is no UTF-8, which config.json cannot hold" {
	local odd=$W/caf$'\xe9'
	A mkdir -p "$odd/data"
	A ln -s "$odd" "$W/link"
	bundle
	A cp "$W/config.json" "$odd"
	run srun_in "$W/link" 1 echo "in it"
	has "in it"
	C truncate -s 0 $CALLS
	bundle '.mounts += [{destination: "/mnt", type: "bind", source: "data", options: ["bind"]}]'
	A cp "$W/config.json" "$odd"
	refused "mount of $W/caf\\351/data: holds bytes that are no UTF-8, which config.json cannot carry" "$W/link"
}

# runc before 1.0.0-rc94 has no readonlyPaths in the node's /proc (stepbox(1), The
# runtime).
can_share() { [[ $1 != runc || $(C runc --version) != *rc9[0-3]* ]]; }

@test "a read-only /proc, which a hardened bundle may want" {
	local edit
	for runtime in crun runc; do
		conf "Runtime=$runtime" "RunTimeMode=$SB_MODE"
		for edit in '.mounts |= map(select(.destination == "/proc").options = ["nosuid", "ro"])' \
			'.linux.readonlyPaths = ["/proc", "/proc/self", "/proc/sys", "/"]'; do
			bundle "$edit"
			prints 2001 id -u
			# Several tasks have the node's.
			can_share "$runtime" || continue
			run srun_in "$W" 2 id -u
			is "$(grep -v ^stepbox: <<<"$output")" $'2001\n2001'
		done
		run srun_in "$W" 1 grep -c "^proc /proc/sys proc ro" /proc/mounts
		has 1
		# Root by another way than by the init has it as it is.
		bundle '.mounts |= map(select(.destination == "/proc").options = ["nosuid", "ro"])'
		run ash 'srun -Q -w n1 --container="$1" --container-remap-root grep "^proc /proc proc ro" /proc/mounts' "$W"
		has " /proc "
	done
	fails_with 125 ash 'srun -Q -w n1 --container="$1" --container-mounts=umount:/dev true' "$W"
	has "umount:/dev: no container can do without"
}

@test "linux.personality holds for tasks that share a container, and for exec in one" {
	local machine
	machine=$(setarch linux32 uname -m)
	[[ $machine != "$(uname -m)" ]] || skip "this machine has one name for all"
	bundle '.linux.personality = {domain: "LINUX32"}'
	for runtime in crun runc; do
		can_share "$runtime" || continue
		conf "Runtime=$runtime" "RunTimeMode=$SB_MODE"
		run srun_in "$W" 2 uname -m
		is "$(grep -v ^stepbox: <<<"$output")" "$machine"$'\n'"$machine"
	done
	start_step 2 true "$W"
	run A stepbox exec "$job" uname -m
	A scancel "$job"
	has "$machine"
	start_step 1 true "$W"
	run A stepbox exec "$job" uname -m
	A scancel "$job"
	has "$machine"
}

@test "a device outside all mounts: nothing is made in the bundle" {
	two_bundles
	C chown -R alice: "$W/1"
	C ln -s /dev/null "$W/null"
	for runtime in crun runc; do
		conf "Runtime=$runtime" "RunTimeMode=$SB_MODE"
		ash 'jq "$2" $1/2/config.json >$1/1/config.json' "$W" '.root.readonly = false |
			.linux.devices = [{path: "/dev/..'$W'/null", type: "c", major: 1, minor: 3}]'
		run srun_in "$W/1" 1 sh -c 'echo x >$0; stat -c %t:%T $0' "$W/null"
		has 1:3
		fails_with 2 C ls "$W/1/rootfs/images"
	done
}

@test "annotations that crun takes for commands, and those that may stay" {
	[[ $SB_RUNTIME == crun ]] || skip "they are crun's"
	bundle '.annotations += {"run.oci.pidfd_receiver": "'$W'/none", "run.oci.handler": "wasm",
			"run.oci.seccomp_bpf_data": "AAAA", "module.wasm.image/variant": "compat"} |
		.annotations["run.oci.hooks.stdout"] = "'$W'/said" |
		.hooks = {createRuntime: [{path: "/bin/sh", args: ["sh", "-c", "head -c 1 >/dev/null; echo here"]}]}'
	prints 2001 id -u
	is "$(C cat "$W/said")" here
	is "$(C jq -c '.annotations | keys' $CALLS.json)" '["run.oci.hooks.stdout"]'
}
