# SPDX-License-Identifier: GPL-2.0-or-later
# stepbox show: what run would do, without doing it.
load lib

# show WORDS...: as alice, in her home; out gets standard output alone.
show() { A stepbox show "$@"; }

# Bundles whose root file system has every mount point that they name.
all="/images/centos /images/nopid /images/host /images/made/umoci
	/images/made/seccomp /images/made/podman /images/made/podman-bob
	/images/made/runc /images/made/example /images/made/future
	/images/made/minimal /images/made/time"

@test "show: crun runs the document under config as it is" {
	local runtime=crun
	# That release's cannot make a user namespace without newgidmap.
	[[ $(C crun --version) != "crun version 0."* ]] || runtime=runc
	conf "Runtime=$SB_RUNTIME" "RunTimeMode=$SB_MODE" \
		'Mount=/etc/resolv.conf:/etc/resolv.conf:ro+optional'
	for bundle in $all; do
		run ash '
			rm -rf t && mkdir t &&
			stepbox show --json "$1" -- sh -c "id -u; exit 7" >out.json &&
			jq .config out.json >t/config.json &&
			"$2" --root="$HOME/t/root" run -b t "shown$$"' "$bundle" "$runtime"
		[[ $status == 7 && $output == *2001* ]] || {
			echo "$bundle: exit code $status: $output"
			return 1
		}
	done
}

@test "show: --json has the document that the runtime gets in a step" {
	# A runtime that only keeps what it was given.
	C bash -c 'printf "#!/bin/sh\ncat \"\$1\"/config.json\n" >/usr/local/sbin/keep-config
		chmod 755 /usr/local/sbin/keep-config'
	conf 'RunTimeRun="keep-config %b"' 'RunTimeKill="true"' 'RunTimeDelete="true %m"'
	run -0 ash '
		mkdir -p -m 700 d
		for b in /images/centos /images/made/umoci /images/made/seccomp; do
			stepbox run --dir="$HOME/d" --bundle=$b -- id -u | jq -S . >ran
			rm -rf d/*
			stepbox show $b --dir="$HOME/d" --json -- id -u |
				jq -S .step_config >shown
			rm -rf d/*
			cmp ran shown || { diff -u ran shown; exit 1; }
			grep -q "[a-z]" ran
		done'
}

@test "show: the difference makes the document of the bundle's, as jq prints both" {
	# And it is as short as can be: diff --minimal has as many lines of it.
	# The example has numbers that jq rounds.
	run -0 ash '
		for b in /images/centos /images/made/*; do
			case $b in */windows | */major2 | */example | *.sums) continue ;; esac
			stepbox show --json "$b" -- id >out.json || exit 1
			jq . "$b/config.json" >old
			jq .step_config out.json >new
			jq -j .diff out.json >patch
			cp old made
			busybox patch made patch >/dev/null && cmp made new || { echo "$b"; exit 1; }
			[ "$(grep -c "^[-+]" patch)" = \
				"$(diff -u --minimal old new | grep -c "^[-+]")" ] || { echo "$b"; exit 1; }
		done'
	# The same from the text.
	run -0 ash '
		stepbox show "$B" -- id >text
		sed -n "/^--- /,/^# /p" text | sed "\$d" >patch
		jq . "$B/config.json" >c
		busybox patch c patch >/dev/null
		sed -n "/^{/,/^}/p" text | cmp - c'
}

@test "show: every variable and where its value is from" {
	conf "Runtime=$SB_RUNTIME" 'EnvSet=SITE_VAR=1' 'EnvExclude="^SECRET"'
	run -0 ash '
		SECRET_X=1 BUNDLE_VAR=mine JOB_VAR=2 LANG=C SHELL=/nonesuch \
			stepbox show --json --env=LANG "$B" -- env >out.json
		from() { jq -r --arg n "$1" ".environment[] | select(.name == \$n) | .value + \" \" + .from" out.json; }
		from SITE_VAR; from BUNDLE_VAR; from JOB_VAR; from LANG; from HOME
		jq -r ".left_out[] | .name + \" \" + .why" out.json'
	has "1 the site's: EnvSet"
	has "from-bundle the bundle's: goes before the job's"
	has "2 the job's"
	has "C the job's: --container-env names it"
	has "/home/alice the job's"
	has "SECRET_X left out: EnvExclude"
	has "SHELL left out: the container lacks this shell"
	# It is the environment that a command then has.
	run -0 ash '
		jq -r ".environment[] | .name + \"=\" + .value" out.json | sort >shown
		SECRET_X=1 BUNDLE_VAR=mine JOB_VAR=2 LANG=C SHELL=/nonesuch \
			stepbox run --env=LANG --bundle="$B" -- env | sort >had
		diff <(grep -Ev "^(_|SHLVL)=" shown) <(grep -Ev "^(_|SHLVL)=" had)'
}

@test "show: the words for the runtime, those that are called" {
	run -0 ash 'stepbox show --json "$B" -- id |
		jq -r ".operations | to_entries[] | select(.value.called) | .key + \" \" + .value.argv[0]"'
	if [[ $SB_MODE == run ]]; then
		[[ $output == "RunTimeRun /"*"/$SB_RUNTIME" ]]
	else
		has "RunTimeCreate /usr/"
		has "RunTimeStart /usr/"
		lacks RunTimeRun
	fi
	# The text has the same.
	run -0 show "$B" -- id
	has "--bundle="
	has "# commands of the runtime"
}

@test "show: mounts, layer and ids" {
	run -0 show --json --mounts=/etc/hostname:/deep/place:ro "$B" -- id
	is "$(jq -c '.mounts[] | select(.destination == "/deep/place") | [.source, .type]' <<<"$output")" \
		'["/etc/hostname","bind"]'
	is "$(jq -c .layer.mount_points <<<"$output")" '["/deep/place"]'
	is "$(jq -c '.ids | [.uid[0].node, .uid[0].container, .command.uid]' <<<"$output")" '[2001,0,2001]'
	run -0 show --json --remap-root "$B" -- id
	is "$(jq -c .ids.command.uid <<<"$output")" 0
	is "$(jq -c .layer <<<"$output")" null
}

@test "show: without a command it is the bundle's own, without a bundle an error" {
	run -0 show --json "$B"
	is "$(jq -c .command <<<"$output")" "$(C jq -c .process.args "$B/config.json")"
	fails_with 125 show -- id
	has "no bundle"
	fails_with 125 show /images/nonesuch
	has "stepbox: bundle /images/nonesuch: No such file or directory"
	fails_with 125 show "$B" --color=sometimes
	has "not always, never or auto"
}

@test "show: no directory, no process, no container is left; nothing is started" {
	run -0 ash '
		ls -a /tmp >before
		stepbox show --writable --mounts=/etc:/some/where "$B" -- id >/dev/null
		stepbox show --json --writable "$B" >/dev/null
		! stepbox show /images/made/windows 2>/dev/null
		ls -a /tmp | diff before -'
	# Where user namespaces are forbidden, it still tells.
	run -0 ash 'unshare -Ur sh -c "
		echo 0 >/proc/sys/user/max_user_namespaces
		! unshare -U true 2>/dev/null || exit 1
		stepbox show $B -- id"'
	has "# config.json of the step"
}

@test "show: colours on a terminal only, or where they are asked for" {
	run -0 show "$B" -- id
	lacks $'\033'
	# Nor does what comes from outside drive a terminal.
	run -0 ash 'export X="$(printf "\033]0;x\007")" "$(printf "Y\033")=1" 2>/dev/null
		stepbox show --mounts="/etc:$(printf "/a\033[2J")" "$B" -- echo "$X"'
	has 'X=\033]0;x\007'
	lacks $'\033'
	run -0 show --color=always "$B" -- id
	has $'\033[32m+'
	run -0 ash 'script -qec "stepbox show \"$B\" -- id" /dev/null </dev/null'
	has $'\033[31m-'
	run -0 ash 'script -qec "NO_COLOR=1 stepbox show \"$B\" -- id" /dev/null </dev/null'
	lacks $'\033['
}
