#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The options on srun, sbatch and salloc, as far as these programs themselves
# deal with them: help, mistakes, input variables, and what a program started
# inside does not inherit.

load lib

# A program and what it shall run.
PROGRAMS=("srun true" "sbatch --wrap=true" "salloc true")

# TEXT SCRIPT: the first line says TEXT, what follows is Slurm's, and nothing
# was submitted.
refuses() {
	local program=${2%% -*}
	run ash "$2"
	program=${program##* }
	is "${lines[0]-}" "$program: error: stepbox: $1" || return 1
	[[ $status -ne 0 ]] || { echo "exit code 0"; return 1; }
	[[ ${#lines[@]} -le 3 ]] || { echo "$output"; return 1; }
	no_jobs
}

@test "help: every option, in all three programs" {
	local program option
	for program in srun sbatch salloc; do
		run A "$program" --help
		for option in mounts=SRC:DST workdir=PATH env=NAME mount-home \
			mount-cwd remap-root writable readonly runtime=NAME debug; do
			has "--container-$option"
		done
		for option in mount-home mount-cwd remap-root; do
			has "--no-container-$option"
		done
		has "[stepbox] "
		lacks conflicting
		# Once, and the same whether it is Slurm's or ours.
		is "$(grep -c "^      --container[ =]" <<<"$output")" 1
		slurm_at_least 26.05 || has "      --container             Path to OCI container bundle"
	done
}

@test "mistakes are found at submission, by all three programs" {
	local p
	for p in "${PROGRAMS[@]}"; do
		refuses "--container-mounts=/a:b: destination b is not absolute" \
			"${p% *} --container=\$B --container-mounts=/a:b ${p#* }"
		refuses "--container-writable and --container-readonly exclude each other" \
			"${p% *} --container=\$B --container-writable --container-readonly ${p#* }"
	done
}

@test "mounts: bad ones" {
	local s='srun --container=$B --container-mounts='
	refuses "--container-mounts=a:/b: source a is not absolute" "${s}a:/b true"
	refuses "--container-mounts=/a:/b:foo: flag foo is unknown" "${s}/a:/b:foo true"
	refuses "--container-mounts=/a:/b:ro+rw: flags ro and rw exclude each other" "${s}/a:/b:ro+rw true"
	refuses "--container-mounts=/a:/b,,/c: an element is empty" "${s}/a:/b,,/c true"
	refuses "--container-mounts=/a:/b,: an element is empty" "${s}/a:/b, true"
	refuses "--container-mounts=: the value is empty" "${s} true"
	refuses '--container-mounts=/a:/b/../c: destination has a ".." component' "${s}/a:/b/../c true"
	refuses "--container-mounts=tmpfs:/t:size=x: flag size=x: bad value" "${s}tmpfs:/t:size=x true"
}

@test "other values: bad ones" {
	local s='srun --container=$B'
	refuses "--container-workdir=x: must begin with / or \$" "$s --container-workdir=x true"
	refuses "--container-env=A,1B: 1B is no variable's name" "$s --container-env=A,1B true"
	refuses "--container-env=A,,B: an element is empty" "$s --container-env=A,,B true"
	refuses "--container-runtime=.x: no runtime's name: at most 64 of A-Z a-z 0-9 _ - . and no . at first" \
		"$s --container-runtime=.x true"
	refuses '--container-workdir=/a\012b: holds a newline or control character' \
		"$s --container-workdir=\$'/a\\nb' true 2>&1 | head -n 1; exit 1"
	run ash 'srun --container=$B --container-workdir=/$(printf %70000s | tr " " x) true 2>&1 | cut -c-400'
	has ": longer than 64 KiB"
}

@test "each switch and its opposite exclude each other" {
	local o
	for o in mount-home mount-cwd remap-root; do
		refuses "--container-$o and --no-container-$o exclude each other" \
			"srun --container=\$B --container-$o --no-container-$o true"
		refuses "--no-container-$o and --container-$o exclude each other" \
			"srun --container=\$B --no-container-$o --container-$o true"
	done
	refuses "--container-readonly and --container-writable exclude each other" \
		'srun --container=$B --container-readonly --container-writable true'
}

@test "an option without --container" {
	local p
	for p in "${PROGRAMS[@]}"; do
		refuses "--container-mounts: needs --container" "${p% *} --container-mounts=/a:/b ${p#* }"
		refuses "--container-writable: needs --container" "${p% *} --container-writable ${p#* }"
	done
	# SRUN_CONTAINER is a --container.
	run -0 ash 'SRUN_CONTAINER=$B srun -Q --container-env=A true'
}

@test "--container: input variables and #SBATCH, the command line wins" {
	ash 'printf "#!/bin/sh\n#SBATCH --container=%s\ngrep -c ^NAME=.CentOS /etc/os-release\n" "$B" >job.sh
		printf "#!/bin/sh\n#SBATCH --container /images/nonesuch\ngrep -c ^NAME=.CentOS /etc/os-release\n" >none.sh'
	run ash 'exec 2>/dev/null
		SRUN_CONTAINER=$B srun -Q grep -c ^NAME=.CentOS /etc/os-release
		SRUN_CONTAINER=/images/nonesuch srun -Q --container=$B grep -c ^NAME=.CentOS /etc/os-release
		SBATCH_CONTAINER=$B SALLOC_CONTAINER=$B srun -Q grep -c ^NAME=.Debian /etc/os-release
		SBATCH_CONTAINER=$B sbatch -Q -W -o out --wrap "grep -c ^NAME=.CentOS /etc/os-release"; grep -v ^stepbox: out
		sbatch -Q -W -o out job.sh; grep -v ^stepbox: out
		sbatch -Q -W -o out --container=$B none.sh; grep -v ^stepbox: out
		SBATCH_CONTAINER=$B sbatch -Q -W -o out none.sh; grep -v ^stepbox: out
		SBATCH_CONTAINER=/images/nonesuch sbatch -Q -W -o out --container=$B job.sh; grep -v ^stepbox: out
		{ sleep 1; echo "echo in-\$(grep -c ^NAME=.CentOS /etc/os-release)"; echo exit; sleep 1; } |
			SALLOC_CONTAINER=$B SRUN_CONTAINER=/images/nonesuch script -qec "salloc -Q" /dev/null | grep -o ^in-1
		rm job.sh none.sh out'
	is "$output" $'1\n1\n1\n1\n1\n1\n1\n1\nin-1'
}

@test "--container: not inherited by an srun without it" {
	run ash 'printf "#!/bin/sh\nenv | grep -c _OPTION_stepbox\nsrun -Q grep -c ^NAME=.Debian /etc/os-release\n" >job.sh
		salloc -Q --container=$B srun -Q grep -c ^NAME=.Debian /etc/os-release
		salloc -Q --container=$B env | grep -c _OPTION_
		sbatch -Q -W -o out --container=/images/host job.sh; grep -v ^stepbox: out; rm job.sh out'
	is "$output" $'1\n0\n0\n1'
}

@test "abbreviations" {
	refuses "--container-workdir=x: must begin with / or \$" 'srun --container=$B --container-work=x true'
	refuses "--no-container-mount-home: needs --container" 'srun --no-container-mount-h true'
	run ash 'srun --container-mount=/a true'
	has "ambiguous"
}

# Slurm drops its own --container there, and the plugin never gets to know.
@test "scrontab: our options are refused, not ignored" {
	local option=--container-env=A
	C sh -c 'type scrontab' >/dev/null 2>&1 || skip "Debian packs scrontab since trixie"
	slurm_at_least 21.08 || option='--container=$B'
	run ash "printf '#SCRON %s\n0 0 1 1 * true\n' $option >tab; scrontab tab; echo rc=\$?; scrontab -l; rm tab"
	has "scrontab: error: stepbox: ${option%=*}: scrontab submits no containers: have its command call srun --container"
	lacks "rc=0"
	lacks "#SCRON $option"
	no_jobs
}

@test "input variables: each program has its own, and the command line wins" {
	refuses "SRUN_CONTAINER_MOUNTS=a: source a is not absolute" \
		'SRUN_CONTAINER_MOUNTS=a srun --container=$B true'
	refuses "SBATCH_CONTAINER_WORKDIR=a: must begin with / or \$" \
		'SBATCH_CONTAINER_WORKDIR=a sbatch --container=$B --wrap=true'
	refuses "SALLOC_CONTAINER_REMAP_ROOT=maybe: neither yes nor no" \
		'SALLOC_CONTAINER_REMAP_ROOT=maybe salloc --container=$B true'
	run -0 ash 'SBATCH_CONTAINER_MOUNTS=a srun -Q --container=$B true'
	run -0 ash 'SRUN_CONTAINER_ENV=1 srun -Q --container=$B --container-env=A true'
	run -0 ash 'SRUN_CONTAINER_MOUNTS= srun -Q --container=$B true'
	# Without a container they are nobody's business.
	run -0 ash 'SRUN_CONTAINER_MOUNTS=a SRUN_CONTAINER_WRITABLE=maybe srun -Q true'
	is "$output" ""
}

@test "salloc: what is published, and that Slurm passes nothing on besides" {
	run -0 ash 'SALLOC_CONTAINER_ENV=A,B SALLOC_CONTAINER_MOUNT_HOME=0 SLURM_STEPBOX_WORKDIR=/forged \
		salloc -Q --container=$B --container-mounts=\$HOME:/h --container-mounts=/a:/b:ro --no-container-mount-cwd \
		env | grep -E "^SLURM_STEPBOX_|_OPTION_" | sort'
	is "$output" "SLURM_STEPBOX_ENV=A,B
SLURM_STEPBOX_IDENTITY=2001:alice:2001:alice
SLURM_STEPBOX_INTERACTIVE=1
SLURM_STEPBOX_MOUNTS=/a:/b:ro
SLURM_STEPBOX_MOUNT_CWD=no
SLURM_STEPBOX_MOUNT_HOME=no
SLURM_STEPBOX_REQUEST=$B"
}

@test "an srun inside an allocation inherits no option" {
	# One that did would be refused: it has no --container.
	run -0 ash 'salloc -Q --container=$B --container-env=A --container-writable sh -c "srun -Q env" | grep -c ^SLURM_STEPBOX_ || :'
	is "$output" 0
	run -0 ash 'salloc -Q --container=$B --container-env=A srun -Q hostname >/dev/null'
	is "$output" ""
}

# SCRIPT: what tasks of SCRIPT's steps got of the options. A task prolog sees
# them before the helper takes them away.
arrived() {
	ash 'printf "#!/bin/sh\nenv | grep -E \"^SLURM_STEPBOX_(ENV|WRITABLE|INTERACTIVE)=\" | sort >>/home/alice/seen\n" >prolog
		chmod 755 prolog; : >seen
		export SLURM_TASK_PROLOG=/home/alice/prolog
		'"$1"' >/dev/null 2>err
		grep -v "working directory is" err; cat seen; rm -f prolog seen err'
}

@test "srun: what arrives, with --export=NONE too" {
	local names
	for names in ALL NONE FOO=1; do
		is "$(arrived "srun -Q --export=$names --container=\$B --container-env=A --container-readonly true")" \
			"SLURM_STEPBOX_ENV=A
SLURM_STEPBOX_WRITABLE=no"
	done
	is "$(arrived 'SLURM_STEPBOX_ENV=forged srun -Q --container=$B --container-writable true')" \
		SLURM_STEPBOX_WRITABLE=yes
}

@test "salloc: its options hold for the interactive step" {
	is "$(arrived 'export SRUN_CONTAINER_ENV=INPUT; { sleep 0.5; echo exit; sleep 0.5; } |
		script -qec "salloc -Q --container=$B --container-env=A --container-readonly" /dev/null')" \
		"SLURM_STEPBOX_ENV=A
SLURM_STEPBOX_WRITABLE=no"
}

@test "salloc: its options do not hold for an srun with a container of its own" {
	is "$(arrived 'salloc -Q --container=$B --container-env=A --container-readonly srun -Q --container=$B --container-writable true')" \
		SLURM_STEPBOX_WRITABLE=yes
	is "$(arrived 'export SRUN_CONTAINER_ENV=INPUT
		salloc -Q --container=$B --container-env=A sh -c "srun -Q --container=$B true"')" \
		SLURM_STEPBOX_ENV=INPUT
}

@test "sbatch: the command line overrides the script, input variables too" {
	ash 'printf "#!/bin/sh\n#SBATCH --container-writable --container-workdir=/\ntrue\n" >job.sh
		printf "#!/bin/sh\n#SBATCH --container-writable --container-readonly\ntrue\n" >both.sh'
	run -0 ash 'sbatch -Q -W -o /dev/null --container=$B --container-readonly job.sh'
	is "$output" ""
	refuses "SBATCH_CONTAINER_WORKDIR=x: must begin with / or \$" \
		'SBATCH_CONTAINER_WORKDIR=x sbatch --container=$B job.sh'
	refuses "--container-writable and --container-readonly exclude each other" \
		'sbatch --container=$B both.sh'
	A rm job.sh both.sh
}

@test "heterogeneous jobs: one environment serves all components" {
	refuses "--container-workdir: must be the same for all components of a heterogeneous job" \
		'srun --container=$B --container-workdir=/a true : --container=$B --container-workdir=/b true'
}
