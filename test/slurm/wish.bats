#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What the options do, in the container: the same in srun's task, in a batch
# script, in one of sbatch --export=NONE, and in salloc's interactive step. For
# each runtime in each mode, under each proctrack.

load lib

M=/images/made

# As alice: $1 options, $2 the check, $3 what to do before. What the ways print
# is in ways/NAME.out, what else is said in NAME.err, their exit codes in
# NAME.rc. With a terminal all is in NAME.tty.
DRIVER='
cd /home/alice; rm -rf ways; mkdir ways; w=$PWD/ways
eval "o=($1)"; check="exec 2>&1
$2
exit 7"
eval "${3-:}"
printf "#!/bin/sh\n%s\n" "$check" >"$w/job.sh"
{ timeout 30 srun -Q -w n1 "${o[@]}" sh -c "$check" </dev/null >"$w/srun.out" 2>"$w/srun.err"
	echo $? >"$w/srun.rc"; } &
# sbatch --wait looks every two seconds.
batch() {
	local id line i
	id=$(sbatch --parsable -w n1 -o "$w/$1.out" -e "$w/$1.err" "${@:2}" "${o[@]}" "$w/job.sh" 2>"$w/$1.err")
	for ((i = 0; i < 300; i++)); do
		line=$(scontrol -o show job "$id" 2>/dev/null)
		[[ ! $line =~ JobState=(COMPLETED|FAILED).*\ ExitCode=([0-9]+) ]] || break
		sleep 0.05
	done
	echo "${BASH_REMATCH[2]-it does not end}" >"$w/$1.rc"
}
batch sbatch &
batch none --export=NONE &
feed() {
	for ((i = 0; i < 400; i++)); do
		[[ ! -e $w/salloc.rc ]] || return
		grep -q "^ready> " "$w/salloc.tty" 2>/dev/null && break
		sleep 0.05
	done
	echo "eval \"\$CHECK\"; exit"
	for ((i = 0; i < 400; i++)); do
		[[ ! -e $w/salloc.rc ]] || return
		sleep 0.05
	done
}
export CHECK="echo === begin
(
$check
); echo === end; exit 7" PS1="ready> " SHELL=/bin/sh
feed | { timeout 30 script -qefc "SHELL=${SHELL_OF_SALLOC-/bin/sh} salloc -Q -w n1 ${o[*]@Q}" "$w/salloc.tty" >/dev/null 2>&1
	echo $? >"$w/salloc.rc"; }
wait
tr -d "\r" <"$w/salloc.tty" | sed "1,/^=== begin/d; /^=== end/,\$d; /^srun: error: .*Exited with exit code/d" >"$w/salloc.out"
tr -d "\r" <"$w/salloc.tty" | sed "/^=== begin/,\$d" >"$w/salloc.err"
'
# What each way must print, and that the check itself was the end of it.
SAME='
printf "%s\n" "$1" >ways/want
for x in srun sbatch none salloc; do
	diff -u --label wanted --label "$x" ways/want "ways/$x.out" || { cat "ways/$x.err"; bad=1; }
	[[ $(<"ways/$x.rc") == 7 ]] || { echo "$x: exit code $(<"ways/$x.rc")"; cat "ways/$x.err"; bad=1; }
done
[[ ! $bad ]]'

ways() { "$TOP/test/cluster" run "$SB_CLUSTER" -u alice ${SHELL_OF_SALLOC+-e "SHELL_OF_SALLOC=$SHELL_OF_SALLOC"} -- bash -c "$DRIVER" ways "$@"; }

# OPTIONS CHECK WANTED [BEFORE]: CHECK prints WANTED, in all four ways.
all_ways() {
	ways "--container=$M/runc $1" "$2" "${4-:}"
	run A bash -c "$SAME" same "$3"
	[[ $status -eq 0 ]] || {
		echo "$output"
		return 1
	}
}

# OPTIONS TEXT [BEFORE]: refused on the node, in one line that has TEXT, and
# nothing of the check ran.
no_way() {
	ways "--container=$M/runc $1" 'echo it-ran' "${3-:}"
	run A bash -c 'for x in srun sbatch none salloc; do
		n=$(cat ways/$x.err ways/$x.out | grep -c "stepbox: ")
		[[ $n == 1 && $(<ways/$x.rc) == 125 ]] &&
			grep -q -F -- "$1" ways/$x.err && ! grep -qs ^it-ran ways/$x.out ||
			{ echo "$x: exit code $(<ways/$x.rc)"; cat ways/$x.err ways/$x.out; bad=1; }
		done; [[ ! $bad ]]' no "$2"
	[[ $status -eq 0 ]] || {
		echo "$output"
		return 1
	}
}

# Files of alice's to be mounted.
files() {
	C bash -c 'cd /home/alice && rm -rf x file "odd dir:a,b" && mkdir -p x/sub "odd dir:a,b" &&
		echo in-x >x/f && echo in-file >file && echo odd >"odd dir:a,b/f" &&
		chown -R alice: x file "odd dir:a,b"'
}

# For sbatch --export=NONE Slurm asks su for the user's environment, which wants
# these.
setup_file() {
	C bash -c 'for u in alice bob; do grep -qs "^$u:" /etc/shadow ||
		echo "$u:*:19000:0:99999:7:::" >>/etc/shadow; done'
}

# MOUNT...: the option, quoted.
mounts() {
	local IFS=,
	printf %q "--container-mounts=$*"
}

unchanged() {
	C "$TOP/test/bundles" --sums "$M" | diff <(C cat "$M.sums") -
}

@test "--container-mounts: of all kinds, also where the rootfs lacks the place" {
	files
	all_ways "$(mounts /home/alice/x:/mnt /home/alice/file:/etc/of/new.conf \
		/home/alice/x:/etc/deep/er /home/alice/x:/see:ro /home/alice/x \
		tmpfs:/scratch:size=1m+mode=0700 umount:/dev/mqueue /nonesuch:/opt:optional \
		/home/alice/x:/dev/shm tmpfs:/mnt/sub /home/alice/x:/twice \
		'/home/alice/odd\ dir\:a\,b:/twice' '/home/alice/odd\ dir\:a\,b:/o\ \:\,' \
		/home/alice/file:/etc/os-release /dev/null:/a/b/null)" '
		cat /mnt/f /etc/of/new.conf /etc/deep/er/f /see/f /home/alice/x/f /dev/shm/f /twice/f "/o :,/f" /etc/os-release
		touch /see/t || echo read-only
		stat -f -c "%T %b" /scratch | sed s/65535$/256/; stat -c %a /scratch
		grep -c " /dev/mqueue " /proc/mounts
		ls -d /opt 2>/dev/null
		touch /mnt/sub/t && ls /mnt/sub /home/alice/x/sub
		[ -c /a/b/null ] && cat /etc/passwd | grep -c ^root:
		touch /mnt/$SLURM_JOB_ID; stat -c "%U %u" /mnt/$SLURM_JOB_ID' \
		"in-x
in-file
in-x
in-x
in-x
in-x
odd
odd
in-file
touch: /see/t: Read-only file system
read-only
tmpfs 256
700
0
/home/alice/x/sub:

/mnt/sub:
t
1
alice 2001"
	# Four ways, four jobs: all the user's on the host.
	is "$(C bash -c 'stat -c %U:%G /home/alice/x/[0-9]* | sort | uniq -c | tr -s " "')" " 4 alice:alice"
	unchanged
}

@test "--container-mounts: variables and letters are the node's" {
	files
	all_ways "--container-workdir=/u/%u $(mounts '$HOME/x:/h' '${HOME}/x:/b' /home/%u/x:/u/%u \
		/home/alice/x:/j/%j /home/alice/x:/n/%n '$PWD/x:/cwd' '/home/alice/x:/p/\$HOME' \
		'/home/alice/x:/q/\%j' /home/alice/x:/r/%%)" '
		cat /h/f /b/f /u/alice/f /j/$SLURM_JOB_ID/f /n/n1/f /cwd/f "/p/\$HOME/f" /q/%j/f /r/%/f; pwd' \
		$'in-x\nin-x\nin-x\nin-x\nin-x\nin-x\nin-x\nin-x\nin-x\n/u/alice'
	no_way '--container-mounts=\$NONESUCH/x:/h' 'stepbox: --container-mounts: $NONESUCH: not set in the job'\''s environment (node n1, task 0)'
	no_way '--container-mounts=/x%q:/h' '--container-mounts: %q: no such letter'
	no_way '--container-mounts=/home:%u' '--container-mounts: alice: not absolute'
}

@test "--container-mounts: what cannot be had" {
	files
	no_way '--container-mounts=/home/alice/x/y/z:/mnt' \
		'stepbox: --container-mounts: /home/alice/x/y: No such file or directory (node n1, task 0)'
	C bash -c 'chmod 700 /home/bob && mkdir -p /home/bob/secret'
	no_way '--container-mounts=/home/bob/secret:/mnt' 'stepbox: --container-mounts: /home/bob: Permission denied'
	no_way '--container-mounts=/home/alice/x:/mnt:x-create=file' 'is a directory, against x-create'
	no_way '--container-mounts=/home/alice/x:/etc/os-release/x' '/etc/os-release/x: the root file system'
	C chmod 755 /home/bob
}

@test "--container-workdir" {
	files
	all_ways '--container-workdir=/usr --container-mounts=/home/alice' 'pwd' /usr
	all_ways '--container-workdir=\$HOME/x --container-mounts=/home/alice/x' 'pwd; cat f' $'/home/alice/x\nin-x'
	no_way '--container-workdir=/nonesuch' '/nonesuch'
	no_way '--container-workdir=\$HOME' '/home/alice'
	no_way '--container-workdir=/etc/os-release' '/etc/os-release'
}

@test "--container-mount-home, --container-mount-cwd, and their opposites" {
	files
	all_ways --container-mount-home 'pwd; cat $HOME/file; ls /home; touch ~/x/$SLURM_JOB_ID && echo made' \
		$'/home/alice\nin-file\nalice\nmade'
	all_ways --container-mount-cwd 'pwd; cat f; ls -A /home/alice; touch $SLURM_JOB_ID && echo made' \
		$'/home/alice/x\nin-x\nx\nmade' 'cd x'
	is "$(C bash -c 'stat -c %U:%G /home/alice/x/[0-9]* | sort | uniq -c | tr -s " "')" " 8 alice:alice"
	conf "Runtime=$SB_RUNTIME" "RunTimeMode=$SB_MODE" MountHome=yes
	all_ways '' 'pwd; cat file' $'/home/alice\nin-file'
	all_ways '--no-container-mount-home --no-container-mount-cwd' 'pwd; ls -d /home/alice' \
		$'/\nls: /home/alice: No such file or directory'
}

@test "who one is, and --container-remap-root" {
	files
	local who='id -un; id -u; id -g; whoami; stat -c "%U" /mnt/f; touch /mnt/$SLURM_JOB_ID; stat -c %u:%g /mnt/$SLURM_JOB_ID; echo "$HOME $USER $LOGNAME"'
	all_ways '--container-mounts=/home/alice/x:/mnt' "$who" \
		$'alice\n2001\n2001\nalice\nalice\n2001:2001\n/home/alice alice alice'
	all_ways '--no-container-remap-root --container-mounts=/home/alice/x:/mnt' "$who" \
		$'alice\n2001\n2001\nalice\nalice\n2001:2001\n/home/alice alice alice'
	all_ways '--container-remap-root --container-mounts=/home/alice/x:/mnt' "$who; chown 0:0 /mnt/f && echo mine" \
		$'root\n0\n0\nroot\nroot\n0:0\n/root root root\nmine'
	is "$(C bash -c 'stat -c %U:%G /home/alice/x/[0-9]* /home/alice/x/f | sort | uniq -c | tr -s " "')" " 13 alice:alice"
	# With one's own home: that.
	all_ways '--container-remap-root --container-mount-home' 'id -u; echo "$HOME $USER"; cat ~/file' \
		$'0\n/home/alice root\nin-file'
}

@test "--container-writable and --container-readonly" {
	local change='rm /etc/os-release && mv /usr /opt && echo x >/new && cat /new && ls -d /opt/bin'
	all_ways --container-writable "$change; ls /etc/os-release" \
		$'x\n/opt/bin\nls: /etc/os-release: No such file or directory'
	all_ways --container-readonly 'touch /new; rm -f /etc/os-release' \
		$'touch: /new: Read-only file system\nrm: can\'t remove \'/etc/os-release\': Read-only file system'
	# Both have gone with their steps; and the default is the bundle's.
	all_ways '' 'ls -d /new /opt; grep -c ^NAME /etc/os-release; touch /new' \
		$'ls: /new: No such file or directory\nls: /opt: No such file or directory\n1\ntouch: /new: Read-only file system'
	unchanged
}

@test "--container-runtime" {
	local other=runc seen
	[[ $SB_RUNTIME == crun ]] || other=crun
	no_way --container-runtime=$other \
		"--container-runtime=$other: not one of those that AllowRuntime in the site's configuration names"
	all_ways --container-runtime="$SB_RUNTIME" 'id -un' alice
	conf "Runtime=$SB_RUNTIME" "RunTimeMode=$SB_MODE" AllowRuntime=$other
	seen=$(wc -l <"$SB_CLUSTER/slurmd.n1.log")
	all_ways --container-runtime=$other 'id -un' alice
	used() { [[ $(tail -n "+$((seen + 1))" "$SB_CLUSTER/slurmd.n1.log" | grep -c "stepbox: .*task 0: $other ") == 4 ]]; }
	until_true 20 used
	no_way --container-runtime=nonesuch "--container-runtime=nonesuch: not one of those"
	conf "Runtime=$SB_RUNTIME" AllowRuntime=nonesuch
	no_way --container-runtime=nonesuch "Runtime=nonesuch"
}

# NAME VALUE...: as input variables of all three programs.
inputs() {
	local p
	while (($#)); do
		for p in SRUN SBATCH SALLOC; do
			printf 'export %s_CONTAINER_%s=%q; ' "$p" "$1" "$2"
		done
		shift 2
	done
}

@test "input variables, and the command line before them" {
	files
	local vars
	vars="$(inputs MOUNTS /home/alice/x:/mnt WORKDIR /mnt WRITABLE 1 REMAP_ROOT yes MOUNT_CWD 1)"
	all_ways '' 'pwd; cat f; id -u; echo x >/new && cat /new; cat /home/alice/file' $'/mnt\nin-x\n0\nx\nin-file' "$vars"
	all_ways '--container-workdir=/usr --container-readonly --no-container-remap-root --no-container-mount-cwd' \
		'pwd; cat /mnt/f; id -u; touch /new; ls -d /home' \
		$'/usr\nin-x\n2001\ntouch: /new: Read-only file system\nls: /home: No such file or directory' "$vars"
	# The option's mounts come in the variable's place.
	all_ways --container-mounts=/home/alice/x:/srv 'cat /srv/f; ls -d /mnt' \
		$'in-x\nls: /mnt: No such file or directory' "$(inputs MOUNTS /home/alice/x:/mnt)"
	all_ways '' 'pwd; cat file' $'/home/alice\nin-file' "$(inputs MOUNT_HOME 1 RUNTIME "$SB_RUNTIME" ENV A READONLY 1)"
	all_ways --no-container-mount-home 'ls -d /home' 'ls: /home: No such file or directory' "$(inputs MOUNT_HOME 1)"
	no_way '' '--container-runtime=nonesuch' "$(inputs RUNTIME nonesuch)"
}

@test "a step inside inherits none of an allocation's options" {
	files
	conf "Runtime=$SB_RUNTIME" "RunTimeMode=$SB_MODE" SlurmClient=yes
	all_ways '--container-mounts=/home/alice/x:/mnt --container-workdir=/mnt --container-writable' '
		pwd; touch /new && echo writable
		srun -Q --overlap --chdir=/usr --container='$M'/podman /bin/sh -c "exec 2>&1
			grep ^NAME /etc/os-release; pwd; ls -d /mnt; id -u; env | grep -c ^SLURM_STEPBOX; exit 0" 2>&1
		srun -Q --overlap --chdir=/ --container='$M'/runc --container-remap-root --container-mounts=/home/alice/file:/file \
			/bin/sh -c "exec 2>&1; id -u; cat /file; touch /new; pwd; ls -d /mnt; exit 0" 2>&1
		srun -Q --overlap --chdir=/ /bin/sh -c "
			/bin/grep -c ^NAME=.Debian /etc/os-release; /usr/bin/id -u; /usr/bin/env | /bin/grep -c ^SLURM_STEPBOX
			echo \${SLURM_CONTAINER-none}" 2>&1' \
		"/mnt
writable
NAME=\"podman\"
/usr
ls: /mnt: No such file or directory
2001
0
0
in-file
touch: /new: Read-only file system
/
ls: /mnt: No such file or directory
1
2001
0
none"
}

# name, EnvSet, --container-env, job, bundle, what the container has. "-": none.
TABLE="
T_ALL		s k j b s
T_SITE_BUNDLE	s - - b s
T_SITE_JOB	s - j - s
T_SITE		s - - - s
T_KEPT		- k j b j
T_KEPT_LACKS	- k - b b
T_BOTH		- - j b b
T_JOB		- - j - j
T_BUNDLE	- - - b b
T_NOBODY	- k - - -
X_JOB		- - j - -
X_KEPT		- k j - -
X_BOTH		- - j b b
X_KEPT_BOTH	- k j b b
X_SITE		s - j b s
SLURM_T		- - j b j
SLURM_T_SITE	s - j b s
SLURM_T_BUNDLE	- - - b b
PMI_T		- - j b j
PMIX_T		- - j b j
TERM		- - j b j
LANG		- - j - j
LC_ALL		- - j b b
CUDA_VISIBLE_DEVICES	- - j b j
GPU_DEVICE_ORDINAL	- - j b j
HIP_VISIBLE_DEVICES	- - j b j
NVIDIA_VISIBLE_DEVICES	- - j b j
ROCR_T		- - j b j
ZE_T		- - j b j
OMP_T		- - j b j
OMP_T_SITE	s - j b s
CUDA_T		- - j b b
HOME		- - /home/alice b /home/alice
USER		- - alice b alice
LOGNAME		- - alice b alice
TMPDIR		- - /home/alice/t b /home/alice/t
PATH		- - /usr/bin:/bin /bin:/usr/bin /bin:/usr/bin
SHELL		- - /bin/sh /bin/ash /bin/sh
"

# A bundle with these variables: NAME=VALUE...
env_bundle() {
	C bash -c 'mkdir -p /images/env && jq --arg env "$*" ".process.env = (\$env | split(\" \")) |
		.root.path = \"/images/made/runc/rootfs\"" /images/made/runc/config.json >/images/env/config.json' x "$@"
}

# TABLE OPTIONS: each row, in srun, sbatch and salloc.
env_table() {
	local name site kept job bundle has sites=() keep='' before='' bundles=() names=() want=()
	while read -r name site kept job bundle has; do
		[[ $name ]] || continue
		names+=("$name")
		want+=("$name=${has/#-/none}")
		[[ $site == - ]] || sites+=("EnvSet=$name=$site")
		[[ $kept == - ]] || keep+=${keep:+,}$name
		[[ $bundle == - ]] || bundles+=("$name=$bundle")
		[[ $job == - ]] || before+="export $name=$job; "
	done <<<"$1"
	conf "Runtime=$SB_RUNTIME" "RunTimeMode=$SB_MODE" 'EnvExclude="^X_"' "${sites[@]}"
	env_bundle "${bundles[@]}"
	C install -d -o alice /home/alice/t
	ways "--container=/images/env ${keep:+--container-env=$keep} ${2-}" \
		"for n in ${names[*]}; do eval \"echo \\\$n=\\\${\$n-none}\"; done" "$before"
	run A bash -c 'for x in srun sbatch salloc; do
		diff -u --label wanted --label $x <(echo "$1") ways/$x.out || { cat ways/$x.err; bad=1; }; done
		[[ ! $bad ]]' x "$(printf '%s\n' "${want[@]}")"
	C rm -r /images/env
	[[ $status -eq 0 ]] || {
		echo "$output"
		return 1
	}
}

@test "the environment: EnvSet, --container-env, the job's own, the bundle, the job" {
	env_table "$TABLE"
}

@test "the environment: HOME, USER and LOGNAME of --container-remap-root" {
	env_table "
		HOME	- - /home/alice b /root
		USER	- - alice b root
		LOGNAME	s - alice b s" --container-remap-root
	env_table "
		HOME	- - /home/alice b /home/alice
		USER	- - alice b root
		LOGNAME	- - alice - root" "--container-remap-root --container-mount-home"
	env_table "
		HOME	/site - /home/alice b /site
		USER	- k alice b root" --container-remap-root
}

@test "the environment: a SHELL that the container lacks" {
	export SHELL_OF_SALLOC=/bin/nonesuch
	env_table "SHELL	- - /bin/nonesuch - -"
	env_table "SHELL	- - /bin/nonesuch /bin/ash /bin/ash"
	env_table "SHELL	- k /bin/nonesuch /bin/ash /bin/nonesuch"
	env_table "SHELL	/bin/sh - /bin/nonesuch - /bin/sh"
}

@test "root's bundle of runc spec: two users at once, read-only and writable" {
	local user kind both
	C bash -c 'rm -rf /images/meet && mkdir -m 1777 /images/meet'
	# Each says that it is there, and waits for the other three.
	both='exec timeout 60 srun -Q -w n1 --container=$1 $3 --container-mounts=/images/meet:/meet sh -c "
		exec 2>&1
		touch /meet/\$(id -un)-$2; n=0
		until [ \$(ls /meet | wc -l) = 4 ] || [ \$n = 300 ]; do n=\$((n + 1)); sleep 0.1; done
		id -un; id -u; ls /meet | wc -l
		echo \$(id -un) >/mine && cat /mine; echo \$(id -un) >/dev/shm/mine; sleep 0.3; cat /dev/shm/mine
		touch /meet/done-\$(id -un)-$2; sleep 0.2" 2>&1 |
		grep -v "^stepbox:.*working directory" | sed "s/^sh: line [0-9]*/sh/"'
	for user in alice bob; do
		for kind in readonly writable; do
			"$TOP/test/cluster" run "$SB_CLUSTER" -u "$user" -- bash -c "$both" x "$M/runc" "$kind" \
				"--container-$kind" >"$BATS_TEST_TMPDIR/$user-$kind" 3>&- &
		done
	done
	wait
	for user in alice:2001 bob:2002; do
		is "$(<"$BATS_TEST_TMPDIR/${user%:*}-writable")" \
			"${user%:*}"$'\n'"${user#*:}"$'\n4\n'"${user%:*}"$'\n'"${user%:*}"
		is "$(<"$BATS_TEST_TMPDIR/${user%:*}-readonly")" \
			"${user%:*}"$'\n'"${user#*:}"$'\n4\nsh: can\'t create /mine: Read-only file system\n'"${user%:*}"
	done
	is "$(C bash -c 'stat -c %U /images/meet/* | sort | uniq -c | tr -s " "')" $' 4 alice\n 4 bob'
	C rm -r /images/meet
	unchanged
}
