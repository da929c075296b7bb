# SPDX-License-Identifier: GPL-2.0-or-later
# stepbox check: each finding, with what is really broken.
load lib

teardown() {
	C rm -rf /tmp/sc /home/alice/b /home/alice/t
	assert_clean
}

# finding LEVEL NAME TEXT: output has a line of that level for that finding,
# with TEXT in it; and after a warning or a failure comes what to do.
finding() {
	local line found='' remedy=''
	while IFS= read -r line; do
		if [[ $found ]]; then
			[[ $line == *' -> '?* ]] && remedy=1
			break
		fi
		[[ $line != "$1 "*"$3"* || $line != "$1 "*" $2 "* ]] || found=1
	done <<<"$output"
	[[ $found && ($1 == ok || $remedy) ]] || {
		echo "no \"$1 $2 $3\" with a remedy in: $output"
		return 1
	}
}

# Only what is named is wrong.
only() {
	local bad
	bad=$(grep -E '^(warn|fail) ' <<<"$output" | awk '{print $2}' | sort -u | xargs)
	is "$bad" "$*"
}

# check CODE WORDS...: as alice; as root.
check() { fails_with "$1" A stepbox check "${@:2}"; }
rcheck() { fails_with "$1" C stepbox check "${@:2}"; }

# bundle [JQ]: alice's own bundle in ~/b, its config.json edited.
bundle() {
	C rm -rf /home/alice/b
	A cp -a "$B" /home/alice/b
	[[ ! ${1-} ]] || ash 'jq "$1" b/config.json >c && cp c b/config.json' "$1"
}

@test "check: a good bundle, one finding to a line" {
	for bundle in /images/centos /images/made/umoci /images/made/podman \
		/images/made/scratch /images/made/example /images/made/hooks \
		/images/made/future '/images/a b %j $x'; do
		check 0 "$bundle"
		finding ok bundle "$bundle"
		finding ok config.json bytes
		finding ok spec "can be had by a user"
		finding ok command /
		is "$(grep -cv '^ok ' <<<"$output")" 0
	done
	check 0 --quiet "$B"
	is "$output" ""
	fails_with 125 A stepbox check --nonesuch
	has "no such option"
	run -0 A stepbox check --help
	has "usage: stepbox check"
}

@test "check: bundles that cannot be read" {
	check 2 /images/nonesuch/x
	finding fail bundle "/images/nonesuch: No such file or directory"
	check 2 /etc/passwd
	finding fail bundle "Not a directory"
	bundle
	A rm b/config.json
	check 2 b
	finding fail config.json "No such file or directory"
	A mkfifo b/config.json
	check 2 b
	finding fail config.json config.json
	A rm b/config.json
	for text in '' '{"a": 1' '{"a":
		1, "a": 2}' '[]' '{} {}' $'\xef\xbb\xbf{}' '{"a": "\u0000"}'; do
		ash 'printf %s "$1" >b/config.json' "$text"
		check 2 b
		finding fail config.json config.json
		only config.json
	done
	ash 'printf "{\n\n \"a\": tru}" >b/config.json'
	check 2 b
	finding fail config.json "config.json: 3:"
	ash 'head -c 200000 /dev/zero | tr "\0" "[" >b/config.json'
	check 2 b
	finding fail config.json "nested too deep"
	ash 'truncate -s 1G b/config.json'
	check 2 b
	finding fail config.json config.json
}

@test "check: what a user cannot have is named with path and line" {
	local edit text
	while IFS='|' read -r edit text; do
		bundle "$edit"
		check 2 b -- sh
		finding fail spec "$text"
		# The line is the one of the file.
		if [[ $output =~ config.json:([0-9]+):\ ([][a-zA-Z_.0-9]+[a-zA-Z]): ]]; then
			local line=${BASH_REMATCH[1]} last=${BASH_REMATCH[2]##*.}
			run -0 A sed -n "${line}p" b/config.json
			has "\"$last\""
		fi
	done <<-'END'
		.mounts = 1|mounts: not a list
		.mounts[1].type = []|mounts[1].type: not
		.mounts += [{destination: "/x", type: "ext4", source: "/dev/sda1"}]|file systems of type ext4
		.mounts += [{destination: "/x", source: "/nonesuch", options: ["bind"]}]|.source: /nonesuch: not on this node
		.ociVersion = "2.0.0"|ociVersion 2.0.0: only 1.x.y is known
		.process = []|process: not an object
		.process.cwd = "/proc/self/fd/7"|process.cwd
		.linux.namespaces[1].path = "/proc/1/ns/mnt"|.path
		.process.env = [1]|process.env
	END
	check 2 /images/made/windows
	finding fail spec "for Windows"
	check 2 /images/made/major2
	finding fail spec ociVersion
}

@test "check: root file systems" {
	bundle '.root.path = "elsewhere"'
	check 2 b
	finding fail rootfs "elsewhere: No such file or directory"
	only rootfs
	bundle 'del(.root.path)'
	check 2 b
	finding fail rootfs "root.path: missing"
	has "config.json:"
	bundle '.root.path = "config.json"'
	check 2 b
	finding fail rootfs "Not a directory"
	bundle
	C chown -R root: /home/alice/b
	C chmod 750 /home/alice/b/rootfs/bin
	check 2 b -- /bin/sh
	finding fail rootfs "rootfs/bin: closed to you"
	# What is written to a mount point that is missing is lost: the owner is
	# told.
	bundle '.root.readonly = false'
	conf "Runtime=$SB_RUNTIME" 'Mount=/etc/hostname:/data/here'
	check 1 b -- sh
	finding warn mount-points "lacks the mount point /data/here"
	only mount-points
	default_conf
}

@test "check: the site's rules about bundles" {
	conf "Runtime=$SB_RUNTIME" 'BundlePath=/images'
	check 0 "$B"
	bundle
	check 2 b
	finding fail site "not below a BundlePath"
	only site
	C mv /etc/slurm/stepbox.conf /etc/slurm/away
	check 1 b
	C mv /etc/slurm/away /etc/slurm/stepbox.conf
	finding warn site "without the site's rules"
	only site
	default_conf
}

@test "check: commands" {
	check 2 "$B" -- nonesuch
	finding fail command "nonesuch: not in the container's PATH (/usr/local/sbin:"
	only command
	check 2 "$B" -- /etc/os-release
	finding fail command "cannot be executed"
	check 2 "$B" -- /bin/nonesuch -x
	finding fail command "/bin/nonesuch: No such file"
	check 1 "$B" -- /proc/self/exe
	finding warn command "made with the container"
	check 2 "$B" -- /etc/bad-interpreter
	finding fail interpreter "/usr/bin/nonesuch"
	only interpreter
	# A program of the host, without its libraries.
	bundle
	ash 'cp /usr/bin/env b/rootfs/bin/hostenv
		printf "#!/bin/sh\n" >b/rootfs/bin/good
		printf "#!/usr/bin/busybox sh\n" >b/rootfs/bin/good2
		printf "#!/usr/bin/env nonesuch\n" >b/rootfs/bin/bad
		printf "#!/bin/bad\n" >b/rootfs/bin/bad2
		printf "#!sh\n" >b/rootfs/bin/bad3
		chmod +x b/rootfs/bin/{good,good2,bad,bad2,bad3}'
	check 2 b -- hostenv
	finding fail interpreter "the dynamic loader /lib"
	check 0 b -- good
	finding ok interpreter "/bin/sh is there"
	check 0 b -- good2
	check 2 b -- bad
	finding fail interpreter "nonesuch: not in the container's PATH"
	check 2 b -- bad2
	finding fail interpreter nonesuch
	# execve(2) searches no PATH.
	check 1 b -- bad3
	finding warn interpreter "sh: has no"
	run ash 'stepbox run --bundle=b -- bad3'
	is "$status" 126
	# And it is so.
	run ash 'stepbox run --bundle=b -- hostenv'
	is "$status" 126
	# Where the host's loader is mounted it is seen.
	check 0 /images/host -- env
	finding ok interpreter is
}

@test "check: programs for another machine" {
	bundle
	ash 'cp b/rootfs/bin/busybox b/rootfs/bin/foreign
		printf "\267\0" | dd of=b/rootfs/bin/foreign bs=1 seek=18 conv=notrunc 2>/dev/null'
	check 2 b -- foreign
	finding fail machine "/bin/foreign is for arm64, this node is x86-64"
	only machine
}

@test "check: seccomp and hooks" {
	check 0 /images/made/seccomp
	finding ok seccomp instructions
	bundle '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["read"], action: "SCMP_ACT_NO"}]}'
	check 2 b
	finding fail seccomp "linux.seccomp.syscalls[0].action"
	[[ $output =~ config.json:([0-9]+):\ linux.seccomp ]]
	local line=${BASH_REMATCH[1]}
	run -0 A sed -n "${line}p" b/config.json
	has SCMP_ACT_NO
	bundle '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["no_such_call"], action: "SCMP_ACT_ERRNO"}]}'
	check 0 b
	finding ok seccomp "no_such_call"
	bundle '.hooks = {poststop: [{path: "/bin/true"}, {path: "/bin/nonesuch"}], startContainer: [{path: "/only/inside"}]}'
	check 2 b
	finding fail hooks "hooks.poststop[1].path: /bin/nonesuch: No such file"
	only hooks
	bundle '.hooks = {createRuntime: [{path: "true"}]}'
	check 2 b
	finding fail hooks "not an absolute path"
}

@test "check: what only the plan finds" {
	conf "Runtime=$SB_RUNTIME" 'Mount=/nonesuch:/x'
	check 2 "$B"
	finding fail plan "Mount: /nonesuch: No such file"
	only plan
	conf 'RunTimeRun="nonesuch"' 'RunTimeKill="x"' 'RunTimeDelete="x"'
	check 1 "$B"
	finding warn plan "RunTimeRun: runtime nonesuch: not found"
	default_conf
}

@test "check: a good node, for root and for a user" {
	conf "Runtime=$SB_RUNTIME" "RunTimeMode=$SB_MODE" 'BundlePath=/images' \
		'MountHome=yes' 'WritableDefault=yes'
	for who in C A; do
		run $who stepbox check --node
		[[ $status -le 1 ]]
		finding ok kernel Linux
		finding ok userns allowed
		finding ok overlay in
		finding ok runtime "/$SB_RUNTIME"
		finding ok container "one was made, ran and is gone"
		lacks 'fail '
	done
	run C bash -c 'ls -d /tmp/stepbox-check* /tmp/stepbox-??????'
	has "No such file"
	default_conf
}

@test "check: nodes without user namespaces" {
	run C bash -c 'unshare -U sleep 4242 & p=$!
		until [[ $(readlink /proc/$p/ns/user) != "$(readlink /proc/self/ns/user)" ]]; do sleep 0.05; done
		echo "0 0 65536" >/proc/$p/uid_map; echo "0 0 65536" >/proc/$p/gid_map
		nsenter -U -t $p sh -c "echo 0 >/proc/sys/user/max_user_namespaces
			exec stepbox check --node"
		rc=$?; kill $p; exit $rc'
	is "$status" 2
	finding fail userns "max_user_namespaces"
	lacks "container  "
	# One that is too low is a warning.
	run C bash -c 'unshare -U sleep 4242 & p=$!
		until [[ $(readlink /proc/$p/ns/user) != "$(readlink /proc/self/ns/user)" ]]; do sleep 0.05; done
		echo "0 0 65536" >/proc/$p/uid_map; echo "0 0 65536" >/proc/$p/gid_map
		nsenter -U -t $p sh -c "echo 3 >/proc/sys/user/max_user_namespaces
			exec stepbox check --node"
		rc=$?; kill $p; exit $rc'
	finding warn userns "user.max_user_namespaces is 3: too few"
}

@test "check: runtimes that are not there, not root's, not well" {
	conf 'RunTimeRun="nonesuch %b"' 'RunTimeKill="x"' 'RunTimeDelete="x"'
	rcheck 2 --node
	finding fail runtime "nonesuch: not found"
	C bash -c 'printf "#!/bin/sh\necho the cluster is on fire >&2\nexit 3\n" >/usr/local/sbin/crun'
	C chmod 777 /usr/local/sbin/crun
	conf 'Runtime=crun'
	rcheck 2 --node
	finding fail runtime "writable by root alone"
	# One that fails: its own words, and its exit code.
	C chmod 755 /usr/local/sbin/crun
	rcheck 2 --node
	finding fail container "exit code 3: the cluster is on fire"
	finding warn version "on fire"
	# One that does nothing, and says all is well.
	C bash -c 'printf "#!/bin/sh\nexit 0\n" >/usr/local/sbin/crun'
	rcheck 2 --node
	finding fail container "nothing was said"
	C rm /usr/local/sbin/crun
	default_conf
	run C bash -c 'ls -d /tmp/stepbox-check* /tmp/stepbox-??????'
	has "No such file"
}

@test "check: versions of which more is known than they say" {
	local v bad
	conf 'Runtime=runc'
	while read -r v bad; do
		C bash -c 'printf "%s\n" "#!/bin/sh" \
			"[ \"\$1\" != --version ] || { echo runc version $1; exit; }" \
			"exec /usr/sbin/runc \"\$@\"" >/usr/local/sbin/runc
			chmod 755 /usr/local/sbin/runc' x "$v"
		run C stepbox check --node
		finding ok container one
		if [[ $bad ]]; then
			finding warn version "$bad"
		else
			finding ok version "runc version $v"
		fi
	done <<-END
		1.1.11 CVE-2024-21626
		1.1.12+ds1 CVE-2025-31133
		1.2.8 CVE-2026-41579
		1.3.1-rc.1 CVE-2025-31133
		1.3.6
		1.4.2 CVE-2026-41579
		1.4.3
	END
	C rm /usr/local/sbin/runc
	default_conf
}

# In a mount namespace of its own: a part of the node is hidden.
hidden() { C unshare -m bash -c "$1"'; stepbox check --node'; }

@test "check: parts of the node that are missing" {
	run hidden 'mount -t tmpfs none /usr/local/libexec/stepbox'
	is "$status" 2
	finding fail init "No such file"
	run hidden 'mount --bind /etc/group /usr/bin/fuse-overlayfs'
	finding warn fuse "fuse-overlayfs is not installed"
	run hidden 'mount -t tmpfs none /sys/fs'
	finding warn cgroup "/sys/fs/cgroup is missing"
	run hidden 'mount -t tmpfs -o ro none /tmp'
	finding fail container "/tmp/stepbox-check"
}

# Not in the cluster: its own trees are of one kind.
@test "check: crun in this machine's hybrid cgroup tree" {
	local dir
	grep -qs . /sys/fs/cgroup/unified/cgroup.controllers ||
		skip "this machine has none, or no controller in it"
	dir=$(mktemp -d /tmp/stepbox-hybrid.XXXXXX)
	chmod 755 "$dir"
	C cat /usr/local/bin/stepbox >"$dir/stepbox"
	chmod 755 "$dir/stepbox"
	{ cat "$TOP/conf/runtimes/crun.conf" && echo Init=no; } >"$dir/conf"
	run "$dir/stepbox" check --node --conf="$dir/conf"
	rm -r "$dir"
	is "$status" 2
	finding fail cgroup "hybrid, with controllers in the v2 tree"
	finding fail container "cgroups in hybrid mode not supported"
}

@test "check: stepbox.conf" {
	conf "Runtime=$SB_RUNTIME" 'Nonesuch=1'
	rcheck 2 --conf
	finding fail stepbox.conf "/etc/slurm/stepbox.conf:2: unknown key Nonesuch"
	rcheck 2 --conf=/nonesuch
	finding fail stepbox.conf "/nonesuch: No such file"
	default_conf
	C chmod 666 /etc/slurm/stepbox.conf
	rcheck 2 --conf
	finding fail stepbox.conf "writable by root alone"
	C chmod 644 /etc/slurm/stepbox.conf
	C bash -c 'echo "{\"defaultAction\": \"NO\"}" >/etc/slurm/profile.json'
	conf "Runtime=$SB_RUNTIME" 'Mount=/nonesuch:/x' 'Mount=/nonesuch2:/x:optional' \
		'Mount=$HOME/x:/y' 'SeccompProfile=/etc/slurm/profile.json' \
		'WritablePath=/nonesuch3' 'BundlePath=/nonesuch4' \
		'BundlePath=/images' 'AllowRuntime=crun,nonesuch5'
	rcheck 2 --conf
	finding fail Mount "Mount=/nonesuch:/x: /nonesuch: No such file"
	lacks nonesuch2
	finding fail SeccompProfile profile.json
	finding fail WritablePath "/nonesuch3: No such file"
	finding warn BundlePath "/nonesuch4: not there"
	finding ok BundlePath /images
	finding warn AllowRuntime "nonesuch5"
	finding ok AllowRuntime crun
	default_conf
}

@test "check: ContainerPath's owner, mode and space" {
	C mkdir -p /tmp/sc /var/lib/sc
	conf "Runtime=$SB_RUNTIME" 'ContainerPath=/var/lib/sc/%n'
	rcheck 0 --conf
	C chmod 777 /var/lib/sc
	rcheck 2 --conf
	finding fail ContainerPath "/var/lib/sc: must be root's"
	only ContainerPath
	C chmod 700 /var/lib/sc
	rcheck 2 --conf
	finding fail ContainerPath "closed to users"
	C bash -c 'chmod 755 /var/lib/sc; chown alice /var/lib/sc'
	rcheck 2 --conf
	finding fail ContainerPath "/var/lib/sc: must be root's"
	C bash -c 'chown root /var/lib/sc; touch /var/lib/sc/file'
	conf "Runtime=$SB_RUNTIME" 'ContainerPath=/var/lib/sc/file/x'
	rcheck 2 --conf
	finding fail ContainerPath "not a directory"
	conf "Runtime=$SB_RUNTIME" 'ContainerPath=/var/lib/sc/deep/er'
	run C unshare -m bash -c 'mount -t tmpfs -o size=20m,mode=755 none /var/lib/sc
		head -c 10m /dev/zero >/var/lib/sc/full; stepbox check --conf'
	is "$status" 2
	finding fail ContainerPath "/var/lib/sc: the file system is full"
	C rm -r /var/lib/sc
	default_conf
}

# slurm_conf LINE...: a Slurm configuration of its own in /tmp/sc.
slurm_conf() {
	C rm -rf /tmp/sc
	C mkdir -p /tmp/sc/plugstack.conf.d
	C cp /etc/slurm/plugstack.conf.d/stepbox.conf /tmp/sc/plugstack.conf.d/
	printf '%s\n' 'include plugstack.conf.d/*' | C tee /tmp/sc/plugstack.conf >/dev/null
	printf '%s\n' 'LaunchParameters=use_interactive_step' "$@" |
		C tee /tmp/sc/slurm.conf >/dev/null
}
plugstack() { printf '%s\n' "$@" | C tee /tmp/sc/plugstack.conf >/dev/null; }
scheck() {
	local code=$1
	shift
	run "-$code" C env SLURM_CONF=/tmp/sc/slurm.conf stepbox check --conf "$@"
}

@test "check: plugstack.conf" {
	local so
	so=$(C sed -n 's/^required \([^ ]*\).*/\1/p' /etc/slurm/plugstack.conf.d/stepbox.conf)
	slurm_conf
	scheck 0
	finding ok plugstack.conf "/tmp/sc/plugstack.conf.d/stepbox.conf:"
	finding ok plugin "built for Slurm"
	plugstack "optional $so conf=/etc/slurm/stepbox.conf"
	scheck 2
	finding fail plugstack.conf "/tmp/sc/plugstack.conf:1: optional"
	only plugstack.conf
	plugstack "# required $so"
	scheck 2
	finding fail plugstack.conf "the plugin is not there"
	plugstack "required $so conf=/etc/slurm/stepbox.conf" "include plugstack.conf.d/*.conf"
	scheck 2
	finding fail plugstack.conf "loaded twice"
	plugstack "required $so"
	scheck 1
	finding warn plugstack.conf "without conf="
	plugstack "required $so conf=/elsewhere konf=1" "nonsense"
	scheck 1
	finding warn plugstack.conf "conf=/elsewhere, but what was checked is"
	finding warn plugstack.conf "konf=1: not known"
	finding warn plugstack.conf "plugstack.conf:2: Slurm ignores this line"
	# By name alone, in PluginDir.
	slurm_conf "PluginDir=/nonesuch:$(dirname "$so")" 'PlugStackConfig=/tmp/sc/other'
	C cp /tmp/sc/plugstack.conf.d/stepbox.conf /tmp/sc/other
	C sed -i 's|^required [^ ]*/|required |' /tmp/sc/other
	scheck 0
	finding ok plugstack.conf "/tmp/sc/other:"
	finding ok plugin "$so"
}

@test "check: a plugin that was built for another Slurm" {
	slurm_conf
	# Real ones, with other numbers.
	plugin() {
		C bash -c 'printf "%s\n" "const char plugin_name[] = \"stepbox\", plugin_type[] = \"spank\";" \
			"const unsigned int plugin_version = $1;" |
			gcc -shared -fPIC -x c - -o /tmp/sc/spank_stepbox.so' x "$1"
	}
	plugstack 'optional /tmp/sc/spank_stepbox.so conf=/etc/slurm/stepbox.conf'
	# Before 21.08 the number was the plugin's own.
	plugin 1
	run C env SLURM_CONF=/tmp/sc/slurm.conf stepbox check --conf
	if slurm_at_least 21.08; then
		finding fail plugin "built for Slurm 20.11 or before"
	else
		finding ok plugin "built for Slurm 20.11 or before"
	fi
	plugin 0x150802
	scheck 2
	finding fail plugin "built for Slurm 21.08.2, this is $(C sinfo --version | cut -d ' ' -f 2): "
	finding fail plugstack.conf optional
	finding warn plugin "does not call /usr/local/bin/stepbox"
	C chmod g+w /tmp/sc/spank_stepbox.so
	scheck 2
	finding fail plugin "writable by root alone"
	C cp /etc/hostname /tmp/sc/spank_stepbox.so
	C chmod 644 /tmp/sc/spank_stepbox.so
	scheck 2
	finding fail plugin "not a plugin of Slurm"
	C rm /tmp/sc/spank_stepbox.so
	scheck 2
	finding fail plugin "No such file"
}

@test "check: a slurmd that is older than the plugin" {
	local conf=/etc/slurm/plugstack.conf.d/stepbox.conf
	run C stepbox check --conf
	finding ok slurmd "has loaded the plugin"
	"$TOP/test/cluster" slurmd "$SB_CLUSTER" stop n2
	C mv "$conf" /etc/slurm/away
	"$TOP/test/cluster" slurmd "$SB_CLUSTER" start n2 3>&-
	C mv /etc/slurm/away "$conf"
	rcheck 1 --conf
	finding warn slurmd "has not loaded"
	only slurmd
	# A user can only compare times.
	C touch "$conf"
	check 1 --conf
	finding warn slurmd "is older than"
	"$TOP/test/cluster" slurmd "$SB_CLUSTER" stop n2
	"$TOP/test/cluster" slurmd "$SB_CLUSTER" start n2 3>&-
	rcheck 0 --conf
	until_true 30 nodes_idle
}

@test "check: oci.conf: absent, ours, foreign" {
	slurm_conf
	scheck 0
	finding ok oci.conf absent
	oci() { printf '%s\n' "$@" | C tee /tmp/sc/oci.conf >/dev/null; }
	oci 'RunTimeRun="crun run --bundle=%b %n.%j.%s.%t"'
	if slurm_at_least 21.08; then
		scheck 1
		finding warn oci.conf "Slurm itself starts containers"
		only oci.conf
	else
		scheck 0
		finding ok oci.conf "this Slurm does not read it"
	fi
	oci 'IgnoreFileConfigJson=true' 'CreateEnvFile=null' \
		'RunTimeRun="exec /usr/local/bin/stepbox run --bundle=%b -- %@"'
	scheck 0
	finding ok oci.conf "calls stepbox (hand-off)"
	oci 'CreateEnvFile=null' 'RunTimeRun="stepbox run --bundle=%b -- %@"'
	scheck 2
	finding fail oci.conf "has Slurm read and change config.json"
	oci 'IgnoreFileConfigJson=true' 'RunTimeRun="/usr/local/bin/stepbox run -- %@"'
	scheck 2
	finding fail oci.conf "does not hand the job's environment over"
	oci 'RunTimeRun="/opt/not-stepbox run -- %@"'
	run C env SLURM_CONF=/tmp/sc/slurm.conf stepbox check --conf
	lacks "calls stepbox"
	oci 'half a line'
	scheck 2
	finding fail oci.conf "oci.conf:1"
}

@test "check: MpiDefault, salloc" {
	slurm_conf 'MpiDefault=pmix_v4'
	if slurm_at_least 23.02; then
		scheck 2
		finding fail MpiDefault "cannot start a container so without an oci.conf"
		printf '%s\n' 'IgnoreFileConfigJson=true' 'CreateEnvFile=null' \
			'RunTimeRun="stepbox run -- %@"' | C tee /tmp/sc/oci.conf
	fi
	scheck 0
	finding ok MpiDefault pmix_v4
	C bash -c 'echo LaunchParameters=slurmstepd_memlock >/tmp/sc/slurm.conf'
	scheck 1
	finding warn salloc "salloc --container does not work"
}

@test "check: without Slurm, and without anything" {
	run C unshare -m bash -c 'cp /etc/slurm/stepbox.conf /tmp/sc.conf
		mount -t tmpfs none /etc/slurm; cp /tmp/sc.conf /etc/slurm/stepbox.conf
		rm /tmp/sc.conf
		for p in slurmd sinfo; do mount --bind /etc/group "$(type -P $p)"; done
		stepbox check --conf'
	is "$status" 0
	finding ok slurm "not installed here"
	lacks plugstack
	# Not even a configuration: a bundle can be looked at.
	run C unshare -m setpriv --reuid=2001 --regid=2001 --clear-groups \
		stepbox check --conf=/nonesuch /images/centos
	is "$status" 2
	finding ok spec "can be had by a user"
	finding fail stepbox.conf /nonesuch
}
