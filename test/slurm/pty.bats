#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# "Terminals" of stepbox(1): a terminal, and standard input and output, are in a
# container what they are without one. For each runtime in each mode. A user at
# the terminal is played by test/slurm/terminal.

load lib

# How one gets a terminal: by srun, alone and as the first of three tasks that
# share a container, and by salloc's interactive step.
ways=("srun -Q --pty -n1" "srun -Q --pty -n3 -N1 --container-per=node"
	"salloc -Q -n1")
host=/images/host

# on_terminal WAY BUNDLE STEP...: a shell, "sh" where srun has to name one, whose
# prompt is "ready> ". $shell names another.
on_terminal() {
	local way=$1 bundle=$2
	shift 2
	[[ $way != srun* ]] || way+=" --container=$bundle ${shell-sh}"
	[[ $way != salloc* ]] || way+=" --container=$bundle"
	# shellcheck disable=SC2086 # words
	ash 'export TERM=xterm-256color
		exec "$@"' "$TOP/test/slurm/terminal" --size 31x97 'wait:[$#] ' \
		"send:PS1=read\"y> \"; PS2=\\n" 'wait:ready> ' "$@" -- $way
}

# each_way BUNDLE STEP...: on_terminal, whose code must be $code.
each_way() {
	local way
	for way in "${ways[@]}"; do
		run on_terminal "$way" "$@"
		[[ $status -eq ${code-0} ]] || {
			echo "$way: exit code $status: $output"
			return 1
		}
		lacks "job control"
		lacks "not a tty"
		lacks "can't access tty"
	done
}

# A job that says when it is in the foreground; a moment later it is sleep.
go='sh -c "echo g\"\"o; exec sleep 61"'

@test "^C, ^Z and fg, ^\\ and the exit status: the shells of busybox and of the host" {
	for bundle in "$B" "$host"; do
		shell='sh'
		[[ $bundle == "$B" ]] || shell=bash
		code=7 each_way "$bundle" \
			"send:$go\n" 'wait:\ngo\r' pause:0.5 'send:\003' 'wait:ready> ' \
			'send:echo rc=$?\n' 'wait:\nrc=130' 'wait:ready> ' \
			"send:$go\n" 'wait:\ngo\r' pause:0.5 'send:\032' 'wait:Stopped.*' 'wait:ready> ' \
			'send:echo rc=$?\n' 'wait:\nrc=14[68]' 'wait:ready> ' \
			'send:jobs\n' 'wait:Stopped' 'wait:ready> ' \
			'send:fg\n' 'wait:sleep' 'pause:0.3' 'send:\003' 'wait:ready> ' \
			'send:jobs; echo rc=$?\n' 'wait:\nrc=' 'wait:ready> ' \
			"send:ulimit -c 0; $go\n" 'wait:\ngo\r' pause:0.5 'send:\034' 'wait:ready> ' \
			'send:echo rc=$?\n' 'wait:\nrc=131' 'wait:ready> ' \
			'send:exit 7\n'
	done
}

@test "the exit status of a shell that is killed" {
	for way in "${ways[@]}"; do
		run on_terminal "$way" "$B" 'send:kill -9 $$\n'
		is "$way $status" "$way 137"
	done
}

@test "the window's size, and its changes" {
	each_way "$B" 'send:stty size\n' 'wait:\n31 97\r' 'wait:ready> ' \
		size:40x120 'send:until [ "$(stty size)" = "40 120" ]; do :; done; echo lar""ger\n' \
		'wait:\nlarger\r' 'wait:ready> ' size:25x81 \
		'send:until [ "$(stty size)" = "25 81" ]; do :; done; echo small""er\n' \
		'wait:\nsmaller\r' 'wait:ready> ' 'send:exit\n'
}

@test "a program in the foreground gets SIGWINCH" {
	each_way "$B" \
		"send:sh -c 'trap \"stty size\" WINCH; echo g\"\"o; while :; do sleep 0.1; done'\n" \
		'wait:\ngo\r' size:40x120 'wait:\n40 120\r' size:24x80 'wait:\n24 80\r' \
		'send:\003' 'wait:ready> ' 'send:exit 0\n'
}

@test "TERM and its 256 colours" {
	each_way "$B" 'send:echo =$TERM=\n' 'wait:\n=xterm-256color=\r' 'wait:ready> ' \
		'send:printf "\\\\033[38;5;201mx\\\\033[0m\\\\n"\n' 'wait:\n\033\[38;5;201mx\033\[0m\r\n' \
		'wait:ready> ' 'send:exit\n'
	C bash -c 'type -P tput' >/dev/null || skip "no tput here"
	each_way "$host" 'send:tput colors\n' 'wait:\n256\r' 'wait:ready> ' 'send:exit\n'
}

@test "the terminal has a name, and it is the one it goes by; /dev/tty" {
	for bundle in "$B" "$host"; do
		each_way "$bundle" \
			'send:t=$(tty) && test -c $t && echo name=$t\n' 'wait:\nname=/dev/(pts/[0-9]+|console)\r' 'wait:ready> ' \
			'send:for f in 0 1 2; do test -t $f && echo ter""minal; done\n' \
			'wait:\nterminal\r\nterminal\r\nterminal\r' 'wait:ready> ' \
			'send:echo by-na""me >$t; echo by-t""ty >/dev/tty\n' \
			'wait:\nby-name\r\nby-tty\r' 'wait:ready> ' 'send:exit\n'
	done
}

# Keys that follow Escape at once would be one key with it.
@test "vi edits a file and saves it: busybox's, and the host's" {
	A rm -f /home/alice/text
	run ash 'TERM=xterm exec "$@"' "$TOP/test/slurm/terminal" --size 20x70 \
		'wait:~' 'send:ifirst line\nsecond\033' pause:1 \
		'send:kA too\033' pause:1 'send::wq\n' -- \
		srun -Q --pty --container="$B" --container-mount-home vi /home/alice/text
	is "$status" 0
	is "$(A cat /home/alice/text)" $'first line too\nsecond'
	C bash -c 'type -P vim || type -P vim.tiny' >/dev/null || skip "no vim here"
	A rm -f /home/alice/text
	for way in "${ways[@]}"; do
		run on_terminal "$way" "$host" \
			'send:$(command -v vim || command -v vim.tiny) -u NONE -N /home/alice/text\n' \
			'wait:~' 'send:ione\ntwo\033' pause:1 'send::wq\n' 'wait:ready> ' 'send:exit\n'
		is "$way $status" "$way 0"
		is "$(A cat /home/alice/text)" $'one\ntwo'
		A rm /home/alice/text
	done
}

@test "tmux: windows, detached and attached again; and it ends with the step" {
	C bash -c 'type -P tmux' >/dev/null || skip "no tmux here"
	each_way "$host" 'send:export TMUX_TMPDIR=/home/alice\n' 'wait:ready> ' \
		'send:tmux -f /dev/null new-session -s work "PS1=tmux\\\\>\\\\  sh"\n' 'wait:\[work\]' \
		'wait:tmux> ' 'send:echo in-$((40 + 2))-$(tty)\n' 'wait:in-42-/dev/' \
		'send:\002"' 'pause:1' 'send:\002d' 'wait:\[detached' 'wait:ready> ' \
		'send:tmux list-panes -t work | wc -l\n' 'wait:\n2\r' 'wait:ready> ' \
		'send:tmux attach -t work\n' 'wait:\[work\]' 'pause:1' 'send:\002d' 'wait:ready> ' \
		'send:exit\n'
}

# as_plain OPTION... -- COMMAND...: what the tasks print, each line with its
# task, is what they print without a container.
as_plain() {
	local plain inside
	plain=$(ash 'srun -Q -l "$@" 2>&1 <in | sort' "$@")
	inside=$(ash 'srun -Q -l --container=$B "$@" 2>/dev/null <in | sort' "$@")
	[[ $plain ]]
	is "$inside" "$plain"
}

@test "standard input: of all tasks, of task 0 alone, none, from a file" {
	ash 'printf "one\ntwo\n" >in'
	for input in all 0 none /home/alice/in; do
		as_plain -n3 --input="$input" sh -c 'cat; echo end'
	done
	as_plain -n1 --input=none sh -c 'test -t 0 || echo none; cat'
}

@test "standard output and error: a file per task, one for all" {
	run ash 'rm -f out.* err.*
		srun -Q -n3 --container=$B --output=out.%t --error=err.%t sh -c "echo out \$SLURM_PROCID; echo err \$SLURM_PROCID >&2; exit \$SLURM_PROCID" 2>/dev/null
		echo $?; cat out.0 out.1 out.2; cat err.[0-2] | grep -v ^stepbox:
		srun -Q -n3 --container=$B --output=out.all sh -c "echo out \$SLURM_PROCID" 2>/dev/null; grep -v ^stepbox: out.all | sort
		srun -Q -n2 --container=$B --output=none sh -c "echo none" 2>/dev/null; rm out.* err.*'
	is "$output" $'2\nout 0\nout 1\nout 2\nerr 0\nerr 1\nerr 2\nout 0\nout 1\nout 2'
}

@test "all 256 byte values, both ways" {
	run ash 'python3 -c "import sys; sys.stdout.buffer.write(bytes(range(256)) * 3)" >bytes
		for n in 1 3; do
			srun -Q -n$n --input=0 --container=$B cat <bytes 2>/dev/null | cmp - bytes && echo same
		done
		srun -Q --chdir=/ --container=$B --output=/home/alice/copy cat <bytes; cmp copy bytes && echo same
		rm bytes copy'
	is "$output" $'same\nsame\nsame'
}

@test "100 MB, both ways at once" {
	run ash 'head -c 100000000 /dev/urandom >bytes
		sum=$(md5sum <bytes)
		[ "$(srun -Q --container=$B cat <bytes 2>/dev/null | md5sum)" = "$sum" ] && echo same
		[ "$(srun -Q --container=$B --input=/home/alice/bytes md5sum 2>/dev/null)" = "$sum" ] && echo same
		rm bytes'
	is "$output" $'same\nsame'
}
