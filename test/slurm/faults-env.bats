#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What a step starts with: descriptors, arguments, environment, limits, who and
# where it is, and how little memory there may be. A plain step is the measure
# wherever there is one.

load lib

# Where the helper with allocations that fail was built.
: "${SB_BUILD:=$TOP/build-test}"

teardown() {
	C bash -c 'rm -rf /home/alice/t /images/env'
	assert_clean
}

# Writes a script of alice's.
script() { C bash -c 'mkdir -p /home/alice/t && chmod 755 /home/alice/t && cat >"/home/alice/t/$1"; chown -R alice: /home/alice/t' x "$1"; }

# OPTIONS COMMANDS: a step without a container, and one with.
plain() { ash 'eval "o=($1)"; timeout 60 srun -Q -w n1 "${o[@]}" sh -c "$2" 2>t.err </dev/null; echo "rc=$?"' "$@"; }
contained() { plain "--container=$B $1" "${@:2}"; }
same() {
	is "$(contained "$@")" "$(plain "$@")"
}

# In a step, what a script of bash prints; the helper by hand in it.
by_hand() {
	run ash 'mkdir -p t/run; export XDG_RUNTIME_DIR=$PWD/t/run; timeout 120 srun -Q -w n1 bash "t/$1"' "$1"
}

# crun has one of its own there.
no_directory() { is "$(C find /home/alice/t/run -mindepth 1 -name 'stepbox*')" ""; }

@test "fault 49: stdin closed, stdout full or closed, the terminal gone" {
	# Each has something there, and the command's end comes back.
	script closed <<-'END'
		for c in 0 1 2 01 02 12 012; do
			(
				[[ $c != *0* ]] || exec <&-
				[[ $c != *1* ]] || exec >&-
				[[ $c != *2* ]] || exec 2>&-
				exec stepbox run --workdir / --bundle /images/centos -- sh -c 'echo x; echo y >&2; exit 7'
			) >/dev/null 2>&1
			echo "$c: $?"
		done
	END
	by_hand closed
	is "$output" $'0: 7\n1: 7\n2: 7\n01: 7\n02: 7\n12: 7\n012: 7'
	# Nobody reads what stepbox has to say.
	script unread <<-'END'
		mkfifo t/pipe
		exec 4<>t/pipe 5>t/pipe 4<&-
		stepbox run -vv --bundle /images/centos -- sh -c 'exit 7' >&5 2>&5
		echo $?
		stepbox run --bundle /images/centos -- sh -c 'exit 7' >/dev/full 2>/dev/full
		echo $?
		stepbox show /images/centos >&5 2>&5
		stepbox show /images/centos | head -n 1
	END
	by_hand unread
	is "$output" $'7\n7\n# config.json of the step'
	no_directory
	# In a step of Slurm's.
	same '-i none -o none -e none' 'cat; echo x; exit 6'
	same '' 'exec <&- >&-; exit 5'
	run ash 'for o in "" --container=$B; do
			timeout 60 sbatch -Q --wait $o -o /dev/full -e /dev/full --wrap "echo x || exit 9"; echo $?
		done
		srun -Q -w n1 bash -c "yes | head -n 1; echo \${PIPESTATUS[0]}
			stepbox run --workdir / --bundle $B -- yes | head -n 1; echo \${PIPESTATUS[0]}"'
	is "$output" $'9\n9\ny\n141\ny\n141'
	# The terminal goes, and srun with it.
	A bash -c 'echo $$ >script.pid; exec script -qfc "srun -Q --pty --container=$1 sleep 4242" /dev/null' x "$B" \
		>/dev/null 2>&1 3>&- </dev/zero &
	until_true 30 eval '[[ $(sleepers) -ge 1 ]]'
	C bash -c 'kill -KILL $(cat /home/alice/script.pid)'
	until_true 60 ended
}

@test "fault 50: arguments and variables of all kinds, byte for byte" {
	script odd <<-'END'
		all=$(for ((i = 1; i < 128; i++)); do printf "\\x$(printf %x $i)"; done; echo x)
		args=("" "-x" "--" "-" "$all" $'a\nb' "it's" '"q"' '$(id)' '`id`' '\' '\\' '%j %b %%' '*' ' a ' 'ünï€😀' "$all$all")
		export ALL=$all EMPTY= QUOTES="it's \"q\"" DOLLAR='$(id) `id` ${HOME}' LINES_=$'a\n\nb\n' DASH=--x UMLAUT='ü€😀' EQ='a=b=c'
		names='ALL|EMPTY|QUOTES|DOLLAR|LINES_|DASH|UMLAUT|EQ|a\.b|a-b|1x|%j|ü'
		printf '%s\0' "${args[@]}" | md5sum
		env "a.b=1" "a-b=2" "1x=3" "%j=%b" "ü=4" cat /proc/self/environ | grep -zE "^($names)=" | sort -z | md5sum
		srun -Q --container=/images/centos sh -c 'printf "%s\0" "$@" | md5sum' x "${args[@]}" 2>/dev/null
		env "a.b=1" "a-b=2" "1x=3" "%j=%b" "ü=4" srun -Q --container=/images/centos cat /proc/self/environ 2>/dev/null |
			grep -zE "^($names)=" | sort -z | md5sum
	END
	run ash 'bash t/odd'
	is "${#lines[@]}" 4
	is "${lines[2]}" "${lines[0]}"
	is "${lines[3]}" "${lines[1]}"
	# What JSON cannot carry is named.
	fails_with 125 ash 'export LATIN=$(printf "caf\351"); srun -Q --container=$B true'
	has "environment variable LATIN: holds bytes that are no UTF-8"
	fails_with 125 ash 'srun -Q --container=$B echo "$(printf "caf\351")"'
	has 'argument "caf'
	# What is no variable stays out; of two a shell takes the last.
	script malformed <<-'END'
		/images/centos/rootfs/bin/oddenv "$(type -P stepbox)" run --workdir / --bundle /images/centos -- \
			sh -c 'tr "\0" "\n" </proc/$$/environ | grep -e EQUALS -e "no name" -e "^=" -e "^EMPTY="; echo "$TWICE"'
	END
	by_hand malformed
	is "$output" $'EMPTY=\n2'
	no_directory
}

@test "fault 51: 1 MB of environment, an argument of 128 KiB, 5,000 variables" {
	script large <<-'END'
		# A word may have 128 KiB with its NUL byte (execve(2)).
		printf -v most '%0131071d' 7
		for ((i = 0; i < 8; i++)); do printf -v "BIG_$i" '%0131000d' $i; export "BIG_$i"; done
		for ((i = 0; i < 5000; i++)); do printf -v "VAR_$i" %050d $i; export "VAR_$i"; done
		cat /proc/self/environ | grep -zE "^(BIG|VAR)_" | sort -z | md5sum
		srun -Q --container=/images/centos cat /proc/self/environ 2>/dev/null | grep -zE "^(BIG|VAR)_" | sort -z | md5sum
		stepbox run --workdir / --bundle /images/centos -- sh -c 'echo ${#1}' x "$most"
		stepbox run --workdir / --bundle /images/centos -- sh -c 'env | grep -c -e ^BIG_ -e ^VAR_'
	END
	run ash 'mkdir -p t/run; export XDG_RUNTIME_DIR=$PWD/t/run; bash t/large'
	is "${#lines[@]}" 4
	is "${lines[1]}" "${lines[0]}"
	is "${lines[2]}" 131071
	is "${lines[3]}" 5008
	no_directory
}

# RUNTIME MODE TASKS: a step with 100 KiB of the job's in /images/env, under a
# stack limit that leaves it 128.
too_much() {
	conf "Runtime=$1" "RunTimeMode=$2"
	fails_with 125 ash 'ulimit -s 256; printf -v MINE %0102400d; export MINE
		srun -Q -w n1 -N1 -n"$1" --chdir=/ --container=/images/env echo ran' "$3"
	is "$(grep -v ^srun: <<<"$output" | sed 's/task [0-9]/task N/')" "$(more_than) (node n1, task N)"
}
more_than() {
	echo "stepbox: arguments and environment are too long: under the stack limit (ulimit -s) a program takes no more than 128 KiB; the longest variable is THEIRS"
}

@test "fault 51: more than execve(2) takes: said before the runtime is called" {
	local runtime mode
	C bash -c 'mkdir -p /images/env && jq ".root.path = \"/images/centos/rootfs\" | .process.env += [\"THEIRS=\" + \"x\" * 102400]" \
		/images/centos/config.json >/images/env/config.json'
	for runtime in crun runc; do
		for mode in run create; do
			too_much "$runtime" "$mode" 1
		done
	done
	too_much crun create 3
	default_conf
	script alone <<-'END'
		ulimit -s 256
		printf -v MINE %0102400d
		export MINE
		stepbox run --workdir / --bundle /images/env -- echo ran
		echo $?
		# As much as is taken: from there on it is the command's own business.
		low=1 high=102400
		while ((high - low > 1)); do
			printf -v MINE "%0$(((low + high) / 2))d"
			if stepbox show --workdir / --mounts "$HOME/t:/mnt" /images/env -- /mnt/a >/dev/null 2>&1; then low=${#MINE}; else high=${#MINE}; fi
		done
		printf -v MINE "%0${low}d"
		for command in /mnt/a true; do
			stepbox run --workdir / --mounts "$HOME/t:/mnt" --bundle /images/env -- $command
			echo $?
		done
	END
	# An interpreter is one more argument, and a script may be one.
	C bash -c 'cd /home/alice/t; n=$(printf %0200d); echo "#!/mnt/b $n" >a; echo "#!/mnt/c $n" >b; echo "#!/bin/echo $n" >c; chmod 755 a b c'
	by_hand alone
	is "$output" "$(more_than) (by hand)
125
stepbox: command /mnt/a: arguments and environment are too long (by hand)
126
0"
	no_directory
	# One that no limit lets through.
	C bash -c 'jq ".process.env[-1] += \"x\" * 102400" /images/env/config.json >/images/env/new; mv /images/env/new /images/env/config.json'
	for n in 1 3; do
		fails_with 125 ash 'srun -Q -w n1 -N1 -n"$1" --chdir=/ --container=/images/env echo ran' "$n"
		is "$(grep -v ^srun: <<<"$output" | sed 's/task [0-9]/task N/')" \
			"stepbox: environment variable THEIRS: has 204807 bytes: a program takes no more than 131071 (node n1, task N)"
	done
}

@test "fault 52: LD_PRELOAD, LD_AUDIT, PATH and others of the job's act in the container alone" {
	C bash -c 'mkdir -p /home/alice/t/bin && cd /home/alice/t && printf "%s\n" \
		"#include <fcntl.h>" "#include <unistd.h>" \
		"unsigned int la_version(unsigned int v) { return v; }" \
		"static void __attribute__((constructor)) was_here(void) {" \
		"char exe[256]; ssize_t n = readlink(\"/proc/self/exe\", exe, 255);" \
		"int fd = open(\"/home/alice/t/seen\", O_WRONLY | O_APPEND | O_CREAT, 0666);" \
		"exe[n] = 10; if (fd >= 0 && write(fd, exe, n + 1) > 0) close(fd); }" >x.c &&
		gcc -shared -fPIC -o evil.so x.c && cp evil.so libjansson.so.4 && cp evil.so libyajl.so.2
		for p in crun runc sh fuse-overlayfs srun; do printf "#!/bin/sh\necho %s >>/home/alice/t/seen\nexit 1\n" $p >bin/$p; chmod 755 bin/$p; done
		chown -R alice: .'
	local what e=/home/alice/t
	for what in "LD_PRELOAD=$e/evil.so" "LD_AUDIT=$e/evil.so" "LD_LIBRARY_PATH=$e" "PATH=$e/bin:/usr/bin:/bin" \
		"GCONV_PATH=$e" "BASH_ENV=$e/bin/sh" "ENV=$e/bin/sh" "MALLOC_TRACE=$e/seen" "GODEBUG=inittrace=1" \
		"XDG_RUNTIME_DIR=/nonesuch" "HOME=/nonesuch" "TMPDIR=/nonesuch" "RUNTIME=evil" "_LIBCONTAINER_INITPIPE=3" \
		"SLURM_STEPBOX_TYPO=x" "LISTEN_FDS=3" "NOTIFY_SOCKET=$e/seen"; do
		[[ $what != LD_* ]] || ! is_sanitized || continue
		C rm -f /home/alice/t/seen
		# Of the job alone: env runs in the task, before the helper.
		run ash 'srun -Q -w n1 env "$1" /usr/local/bin/stepbox run --workdir / $2 --bundle $B -- \
			sh -c "env | grep -F -x -e \"\$1\"; exit 7" x "$1" 2>err; echo $?; grep -v "^srun: error" err' "$what" \
			"$([[ $what == TMPDIR=* ]] || echo --writable)"
		case $what in
		# --bundle's own PATH goes first; ours never comes in.
		PATH=* | SLURM_STEPBOX_*) is "$output" 7 ;;
		*) is "$output" "$what"$'\n7' ;;
		esac
		is "$(C bash -c 'sort -u /home/alice/t/seen 2>/dev/null')" ""
	done
	! is_sanitized || return 0
	# By srun, in a step of Slurm's; and it is no dud.
	run ash 'srun -Q --export=ALL,LD_PRELOAD=/home/alice/t/evil.so --container=$B sh -c "echo \$LD_PRELOAD" 2>/dev/null; cat t/seen 2>/dev/null
		srun -Q env LD_PRELOAD=/home/alice/t/evil.so cat /dev/null; cat t/seen'
	is "${lines[0]}" /home/alice/t/evil.so
	is "${lines[1]##*/}" cat
	is "${#lines[@]}" 2
}

@test "fault 53: a thousand inherited descriptors, and none of the first three" {
	script many <<-'END'
		ulimit -n 4096
		# bash has its script open as 255.
		for ((fd = 300; fd < 1300; fd++)); do eval "exec $fd</etc/passwd"; done
		for how in "" --writable; do
			stepbox run --workdir / $how --bundle /images/centos -- sh -c 'echo /proc/self/fd/*'
		done
		exec <&- 2>&-
		stepbox run --workdir / --bundle /images/centos -- sh -c 'readlink /proc/$$/fd/0; readlink /proc/$$/fd/2'
	END
	by_hand many
	# The fourth is that of the directory; busybox' sh has it at a number of its own.
	is "$(sed -E 's#/proc/self/fd/[0-9]+$#DIR#' <<<"${lines[0]}")" "/proc/self/fd/0 /proc/self/fd/1 /proc/self/fd/2 DIR"
	is "$(sed -E 's#/proc/self/fd/[0-9]+$#DIR#' <<<"${lines[1]}")" "/proc/self/fd/0 /proc/self/fd/1 /proc/self/fd/2 DIR"
	is "${lines[2]}" /dev/null
	is "${lines[3]}" /dev/null
	no_directory
	# Of a step, what the plain one has.
	same '-n2' 'ls /proc/$$/fd; true'
}

@test "fault 54: limits that are low: it runs, or one line says what it was" {
	local limit
	script limits <<-'END'
		limit=$1
		prlimit "$limit" stepbox run --workdir / --bundle /images/centos -- echo ran
	END
	# A sanitizer has files, space and a process of its own.
	for limit in nofile=3 nofile=5 nofile=16 nofile=24 nofile=31 nofile=32 nofile=32,runc nofile=64 memlock=0 fsize=0 fsize=1000 stack=65536 \
		nproc=1 as=3000000 as=6000000 as=33554431 as=400000000 as=400000000,runc core=0 sigpending=0 msgqueue=0 nice=0 rtprio=0; do
		case $limit in nofile=? | nofile=32* | as=* | nproc=*) ! is_sanitized || continue ;; esac
		[[ $limit != *,runc ]] || conf Runtime=runc
		run ash 'mkdir -p t/run; export XDG_RUNTIME_DIR=$PWD/t/run
			{ srun -Q -w n1 bash t/limits "--$1" 2>&1; echo "rc=$?"; } | grep -v "^srun: error"' "${limit%,*}"
		default_conf
		case $limit in
		nofile=32* | nofile=64 | memlock=* | stack=* | core=* | sigpending=* | msgqueue=* | nice=* | rtprio=*)
			is "$output" $'ran\nrc=0'
			;;
		nofile=*) is "$output" "stepbox: the limit of open files (ulimit -n) is ${limit#*=}: too low to make a container (by hand)"$'\nrc=125' ;;
		fsize=*) has "File too large (by hand)"$'\nrc=125' ;;
		nproc=*) has "fork: Resource temporarily unavailable (by hand)"$'\nrc=125' ;;
		# It reserves a gigabyte, and says at length that there is none.
		as=*,runc) lacks stepbox: ;;
		as=400000000) [[ $SB_RUNTIME == runc ]] || is "$output" $'ran\nrc=0' ;;
		as=*)
			is "$output" "stepbox: the limit of address space (ulimit -v) is $((${limit#*=} / 1024)) KiB: too low to make a container (by hand)"$'\nrc=125' ;;
		esac
		[[ $limit == as=400* || $output == ran* ]] || is "$(grep -c '^stepbox:' <<<"$output")" 1
		no_directory
	done
	# In a step of Slurm's, the job's own, which are the submitter's.
	same '' 'cat /proc/self/limits'
}

@test "fault 54: no memory, at one allocation in many of each way to run" {
	run C setpriv --reuid=2001 --regid=2001 --clear-groups env HOME=/home/alice \
		"$TOP/test/failmalloc" --program "$SB_BUILD/test/fault/stepbox-failing" --stride 131 --from $((RANDOM % 131 + 1))
	echo "$output"
	is "$status" 0
	is "$(grep -c ' 0 wrong$' <<<"$output")" 21
	# direct may have fewer allocations than that.
	[[ $(grep -v ^direct: <<<"$output") != *" 0 runs "* ]]
}

@test "fault 54: many runs leave nothing, and nothing is lost in many rounds" {
	local build=$SB_BUILD
	# It counts bytes by the C library's own word, which ASan has not.
	! is_sanitized || build=$TOP/build-test
	run C "$TOP/test/soak" --rounds "$build/test/fault/rounds" 48
	echo "$output"
	is "$status" 0
	has "48 runs in"
	has "descriptors; then"
	has "4 steps in"
}

@test "fault 55: oom_score_adj, nice, affinity and umask are the job's" {
	local look='cat /proc/self/oom_score_adj; cut -d" " -f19 /proc/self/stat; grep Cpus_allowed_list /proc/self/status; umask; touch /dev/shm/m; stat -c %a /dev/shm/m; rm /dev/shm/m'
	same '' "$look"
	run ash 'for u in 000 077 027; do umask $u; for c in "" --container=$B; do
		srun -Q -w n1 $c sh -c umask 2>/dev/null; done; done'
	is "$output" $'0000\n0000\n0077\n0077\n0027\n0027'
	script odd <<-'END'
		umask 000
		run=(choom -n 321 -- nice -n 7 taskset -c 0)
		"${run[@]}" sh -c "$1"
		"${run[@]}" stepbox run --workdir / --bundle /images/centos -- sh -c "$1"
		# What is ours is nobody else's to write to meanwhile.
		"${run[@]}" stepbox run --workdir / --bundle /images/centos -- sleep 30 &
		until [[ -e $(echo t/run/stepbox-*/task-0/config.json) ]]; do sleep 0.05; done
		find t/run/stepbox-* ! -type l -perm /022
		find t/run/stepbox-* -maxdepth 1 -type d -perm /077
		kill $!
		wait
	END
	run ash 'mkdir -p t/run; export XDG_RUNTIME_DIR=$PWD/t/run; timeout 60 srun -Q -w n1 bash t/odd "$1" 2>/dev/null' "$look"
	is "${#lines[@]}" 10
	is "${lines[0]} ${lines[1]} ${lines[2]##*[!0-9]} ${lines[3]}" "321 7 0 0000"
	is "$(printf '%s\n' "${lines[@]:5:5}")" "$(printf '%s\n' "${lines[@]:0:5}")"
	no_directory
	# A daemon's that is never to be killed, where root may set that.
	C bash -c '{ echo -1000 >/proc/self/oom_score_adj; } 2>/dev/null' || return 0
	run C bash -c 'cd /; echo -1000 >/proc/self/oom_score_adj; setpriv --reuid=2001 --regid=2001 --clear-groups \
		stepbox run --workdir / --bundle '"$B"' -- cat /proc/self/oom_score_adj'
	is "$output" -1000
}

@test "fault 56: a working directory that is gone or closed, a user nobody knows, 100 groups" {
	script gone <<-'END'
		run="stepbox run --bundle /images/centos --"
		mkdir t/gone t/closed && cd t/gone && rmdir ../gone
		$run sh -c 'pwd; exit 7'
		echo $?
		cd ~/t/closed && mkdir in && cd in && chmod 000 ..
		$run sh -c 'pwd; exit 7'
		echo $?
		chmod 700 ..
		srun -Q --overlap -w n1 --container=/images/centos pwd 2>/dev/null
	END
	run ash 'mkdir -p t/run; export XDG_RUNTIME_DIR=$PWD/t/run; timeout 120 salloc -Q -w n1 bash t/gone 2>/dev/null'
	is "$output" $'/\n7\n/\n7\n/'
	no_directory
	# Without a word on him anywhere; with and without a home.
	run C bash -c 'mkdir -p -m 777 /images/env; chmod 777 /images/env; cd /; for home in "" HOME=/images/env; do
		setpriv --reuid=4711 --regid=4712 --clear-groups env -i PATH="$PATH" $home \
			stepbox run --workdir / --bundle '"$B"' -- sh -c "id -u; id -g; id -un; id -gn; whoami; exit 7"; echo $?; done'
	is "$output" $'4711\n4712\nuser4711\ngroup4712\nuser4711\n7\n4711\n4712\nuser4711\ngroup4712\nuser4711\n7'
	# All groups stay in force.
	C bash -c 'mkdir -p /images/env && echo for-group-5099 >/images/env/f && chown 0:5099 /images/env/f && chmod 640 /images/env/f'
	run C bash -c 'cd /; setpriv --reuid=2001 --regid=2001 --groups="$(seq -s, 5000 5099)" \
		stepbox run --workdir / --mounts /images/env:/mnt --bundle '"$B"' -- sh -c "cat /mnt/f; id -G | wc -w"'
	is "${lines[0]}" for-group-5099
	[[ ${lines[1]} -ge 1 ]]
	run C bash -c 'cd /; setpriv --reuid=2001 --regid=2001 --groups="$(seq -s, 5000 5098)" \
		stepbox run --workdir / --mounts /images/env:/mnt --bundle '"$B"' -- cat /mnt/f'
	[[ $status -ne 0 ]]
	has "Permission denied"
}

# COMMAND...: as alice, where "echo LIMIT >/proc/sys/user/max_user_namespaces"
# was done: the limit is a namespace's own.
with_namespaces() {
	C bash -c 'unshare -U sleep 4242 & p=$!
		until [[ $(readlink /proc/$p/ns/user) != "$(readlink /proc/self/ns/user)" ]]; do sleep 0.05; done
		echo "0 0 65536" >/proc/$p/uid_map; echo "0 0 65536" >/proc/$p/gid_map
		nsenter -U -t $p sh -c "echo $1 >/proc/sys/user/max_user_namespaces
			exec setpriv --reuid=2001 --regid=2001 --clear-groups \"\$@\"" "$@"
		rc=$?; kill $p; exit $rc' x "$@"
}

@test "fault 57: no user namespaces, none left, or forbidden by a security module" {
	run -125 with_namespaces 0 stepbox run --workdir / --bundle "$B" -- true
	is "${#lines[@]}" 1
	is "$output" "stepbox: user namespace: No space left on device: this node forbids user namespaces: sysctl user.max_user_namespaces is 0 (by hand)"
	# Enough for the outer one and not for the init's.
	run -125 with_namespaces 1 stepbox run --workdir / --bundle "$B" -- true
	is "$output" "stepbox: user namespace: the inner one: No space left on device (by hand)"
	# As SELinux and AppArmor do it: one that cannot be made, or cannot be used.
	while IFS='|' read -r -u 9 what inject; do
		# shellcheck disable=SC2086 # words
		run -125 A strace -D -qq -o /dev/null $inject stepbox run --workdir / --bundle "$B" -- true
		is "$(grep -v ^strace: <<<"$output" | sed 's/user namespaces.*(by/user namespaces... (by/')" \
			"stepbox: $what: this node forbids user namespaces... (by hand)"
	done 9<<-'END'
		user namespace: Operation not permitted|-e inject=unshare:error=EPERM
		user namespace: Permission denied|-e inject=unshare:error=EACCES
		/proc/self/setgroups: Operation not permitted|-P /proc/self/setgroups -e inject=write:error=EPERM
		/proc/self/setgroups: Permission denied|-P /proc/self/setgroups -e inject=open,openat:error=EACCES
		/proc/self/gid_map: Operation not permitted|-P /proc/self/gid_map -e inject=write:error=EPERM
		/proc/self/uid_map: Permission denied|-P /proc/self/uid_map -e inject=open,openat:error=EACCES
	END
}

# KIND COMMAND...: as alice, where /sys/fs/cgroup is of that kind, as far as this
# machine has it.
with_cgroups() {
	C unshare -m bash -c 'kind=$1; shift
		cd /; umount -R /sys/fs/cgroup
		[[ $kind == none ]] || mount -t "$([[ $kind == v2 ]] && echo cgroup2 || echo tmpfs)" none /sys/fs/cgroup
		cd /sys/fs/cgroup
		[[ $kind != v1 && $kind != hybrid ]] || for c in freezer pids devices; do
			mkdir $c; mount -t cgroup -o $c none $c 2>/dev/null || rmdir $c; done
		[[ $kind != hybrid ]] || { mkdir unified; mount -t cgroup2 none unified; }
		cd /; setpriv --reuid=2001 --regid=2001 --clear-groups stepbox run --workdir / --bundle "$0" -- "$@"' "$B" "$@"
}

@test "fault 57: no subuids, no /dev/shm, cgroups of any kind" {
	local kind runtime
	# Nobody who would give out subuids (test/site).
	run C bash -c 'type newuidmap newgidmap'
	[[ $status -ne 0 ]]
	lacks /newuidmap
	is "$(contained '' 'id -u')" $'2001\nrc=0'
	# The node has no /dev/shm that one could use, the bundle none at all.
	C bash -c 'mkdir -p /images/env && jq ".mounts |= map(select(.destination != \"/dev/shm\")) |
		.root.path = \"/images/centos/rootfs\"" /images/centos/config.json >/images/env/config.json'
	run C unshare -m bash -c 'mount -t tmpfs -o ro,mode=000 none /dev/shm
		for b in /images/env /images/centos; do setpriv --reuid=2001 --regid=2001 --clear-groups \
			stepbox run --workdir / --bundle $b -- sh -c "exit 7"; echo $?; done'
	is "$output" $'7\n7'
	run ash 'srun -Q -n2 -N1 --container=/images/env sh -c "id -u" 2>/dev/null'
	is "$output" $'2001\n2001'
	# The kinds of trees that nodes have; where a runtime cannot do with one, in
	# its own words, and with no other harm.
	for runtime in crun runc; do
		conf "Runtime=$runtime"
		for kind in v2 v1 hybrid none; do
			run with_cgroups "$kind" sh -c "echo inside; exit 7"
			[[ $kind != none || $status -ne 7 ]]
			[[ $status -eq 7 ]] || {
				[[ $kind != v2 && $status -ne 0 ]]
				lacks inside
			}
			is "${#lines[@]}" 1
		done
	done
}
