#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# MPI programs, linked here, in containers that hold their libraries: two nodes,
# four ranks, each way of starting them that this Slurm has.

load lib

M=/images/mpi

setup_file() {
	C bash -c '[ -e "$1/config.json" ] || "$2/test/mpi/bundle" "$1"' _ $M "$TOP" >"$BATS_FILE_TMPDIR/why" 2>&1 || :
	# Open MPI 6 does not connect nodes that have the same address.
	! openmpi_6 || C bash -c 'ip link show mpi-n1 || {
		ip link add mpi-n1 type veth peer name mpi-n2
		for n in 1 2; do ip addr add "198.51.100.$n/24" dev "mpi-n$n"; ip link set "mpi-n$n" up; done
	}' >>"$BATS_FILE_TMPDIR/why" 2>&1 || :
}

openmpi_6() { C bash -c 'mpicc.openmpi --showme:version 2>&1 | grep -q "Open MPI [6-9]"'; }

# program MPI NAME: what runs NAME on two nodes. Here both nodes have all
# addresses: each takes one as its own, and believes that it reaches the other.
program() {
	if [[ $1 == openmpi ]] && openmpi_6; then
		C ip link show mpi-n1 >/dev/null || skip "no interface for each node, which Open MPI 6 wants"
		C bash -c 'printf "#!/bin/sh\nexport %s %s\nexec %s \"\$@\"\n" OMPI_MCA_reachable=weighted \
			OMPI_MCA_btl_tcp_if_include=mpi-\$SLURMD_NODENAME "$1" >"$2$1-apart"; chmod 755 "$2$1-apart"' _ "/bin/$2-$1" "$M/rootfs"
		program=/bin/$2-$1-apart
	else
		program=/bin/$2-$1
	fi
}

# needs MPI [PMI]: else the test is skipped.
needs() {
	C test -x "$M/rootfs/bin/sum-$1" || skip "no $1: $(tail -n 1 "$BATS_FILE_TMPDIR/why")"
	[[ ! ${2-} ]] || ash 'srun --mpi=list 2>&1 | grep -qw "$1"' "$2" ||
		skip "this Slurm was built without $2"
}

# Without the hand-off a step with PMIx does not start from 23.02 on.
pmix_starts() {
	[[ ${SB_ENTRY-} == handoff ]] || ! slurm_at_least 23.02 ||
		skip "PMIx needs Slurm's hand-off from 23.02 on (handoff.bats)"
}

sums() {
	local program want='rank 0 of 4: 10
rank 1 of 4: 10
rank 2 of 4: 10
rank 3 of 4: 10'

	program "$2" sum
	# Both nodes are one machine, by which shared memory would be found to
	# go by: what is tested is that the ranks find each other. MPICH makes
	# its segment in any case; in containers of their own, ranks meet in the
	# host's /dev/shm. UCX may speak of networks that are not there; and
	# MPICH over UCX stays in MPI_Finalize now and then, without a container
	# just so (1 in 8 here): that one is tried again.
	run ash 'export UCX_TLS=tcp,self OMPI_MCA_btl=tcp,self
		exec 2>/dev/null
		for try in 1 2 3; do
			timeout -s INT -k 5 20 srun -Q -N2 -n4 --ntasks-per-node=2 --mpi="$1" --container="$2" \
				--container-mounts=/dev/shm "$3" >out 2>err
			rc=$?
			[ $rc = 124 ] || [ $rc = 137 ] || break
		done
		cat out; [ $rc = 0 ] || cat err; exit $rc' "$1" "$M" "$program"
	[[ $status == 0 ]] || { head -n 20 <<<"$output"; return 1; }
	is "$(sort <<<"$output")" "$want"
}

@test "Open MPI by --mpi=pmix" {
	needs openmpi pmix
	pmix_starts
	# The cluster's TmpFS is not /tmp.
	conf "Runtime=$SB_RUNTIME" "RunTimeMode=$SB_MODE" \
		Mount=/tmp/%n/spmix_appdir_%U_%j.%s:/tmp/%n/spmix_appdir_%U_%j.%s:optional
	sums pmix openmpi
}

@test "MPICH by --mpi=pmi2, two nodes" {
	needs mpich pmi2
	C grep -q PMI /usr/lib/x86_64-linux-gnu/libmpich.so.12 || skip "this MPICH has no PMI"
	sums pmi2 mpich
}

# exercise PMI MPI N SRUN-OPTION... (how: what the program is asked for)
exercise() {
	local pmi=$1 mpi=$2 n=$3 program=/bin/exercise-$2
	shift 3
	[[ $* != *-N2* ]] || program "$mpi" exercise
	run ash '[[ "$*" != *-N2* ]] || export UCX_TLS=tcp,self OMPI_MCA_btl=tcp,self
		timeout 120 srun -Q --mpi="$1" --container="$2" "${@:5}" "$3" $4 2>err
		rc=$?; [ $rc = 0 ] || cat err; exit $rc' "$pmi" "$M" "$program" "${how-}" "$@"
	[[ $status == 0 ]] || { head -n 20 <<<"$output"; return 1; }
	is "$(grep -c "^rank [0-9]* of $n: ok$" <<<"$output")" "$n"
}

# Within a node by whatever the library finds: shared memory, and copies from
# one rank's memory to another's. Between what it takes for two nodes, by TCP.
@test "ring, allreduce, large messages, one-sided: Open MPI" {
	needs openmpi pmix
	pmix_starts
	conf "Runtime=$SB_RUNTIME" "RunTimeMode=$SB_MODE" \
		Mount=/tmp/%n/spmix_appdir_%U_%j.%s:/tmp/%n/spmix_appdir_%U_%j.%s:optional
	exercise pmix openmpi 8 -N1 -n8 --overcommit
	# One-sided it takes shared memory with whoever has the host's name.
	how=two-sided exercise pmix openmpi 16 -N2 -n16 --overcommit
}

@test "ring, allreduce, large messages: MPICH" {
	needs mpich pmi2
	# Debian 12's MPICH 4.0.2 gets MPI_Get and MPI_Put wrong anywhere.
	how=two-sided
	exercise pmi2 mpich 8 -N1 -n8 --overcommit
	# Between nodes it takes UCX, by TCP, and with that MPI_Finalize() hangs
	# at times, without a container as well: only what comes before counts.
	run ash 'srun -Q --mpi=pmi2 --container="$1" -N2 -n16 --overcommit --chdir=/ /bin/exercise-mpich two-sided >out 2>&1 &
		for ((i = 0; i < 2400; i++)); do
			[[ $(grep -c "^rank .*: ok" out) != 16 ]] && kill -0 %1 2>/dev/null || break
			sleep 0.05
		done
		for ((i = 0; i < 100; i++)); do kill -0 %1 2>/dev/null || break; sleep 0.05; done
		kill -INT %1 2>/dev/null; sleep 0.1; kill -INT %1 2>/dev/null; wait; cat out' "$M"
	is "$(grep -c "^rank [0-9]* of 16: ok$" <<<"$output")" 16
}

@test "MPICH in containers that are created and started" {
	needs mpich pmi2
	conf "Runtime=$SB_RUNTIME" RunTimeMode=create
	sums pmi2 mpich
}

@test "PMI2's socket is descriptor 3 in the container, and nothing else is open" {
	run ash 'srun -Q -N1 -n2 --mpi=pmi2 --container=$B sh -c "
		echo \$PMI_FD; printf \"cmd=init pmi_version=1 pmi_subversion=1\\n\" >&3; head -n 1 <&3 | cut -d\" \" -f 1,2
		for f in /proc/self/fd/*; do echo \${f##*/} \$(readlink \$f); done" 2>/dev/null | sort | uniq -c | tr -s " "'
	has "2 3"
	has "2 cmd=response_to_init "
	lacks " 4 socket"
	is "$(grep -c socket <<<"$output")" 2
}

@test "PMI2's socket and a site's own commands: kept where they say so, else told" {
	local crun='crun --root=%m/crun --cgroup-manager=disabled'
	local rest="RunTimeKill=\"$crun kill %n.%j.%s.%t KILL\"
RunTimeDelete=\"$crun delete --force %n.%j.%s.%t\"
RunTimeMode=run"

	[[ $SB_RUNTIME == crun ]] || skip "the commands are crun's"
	conf "RunTimeRun=\"$crun run --bundle=%b --preserve-fds=%f %n.%j.%s.%t\"" "$rest"
	run ash 'srun -Q -N1 --mpi=pmi2 --container=$B sh -c "echo fd=\$PMI_FD; readlink /proc/self/fd/3"'
	has "fd=3"
	has "socket:"
	conf "RunTimeRun=\"$crun run --bundle=%b %n.%j.%s.%t\"" "$rest"
	run ash 'srun -Q -N1 --mpi=pmi2 --container=$B true'
	is "$status" 0
	has "PMI_FD is not passed on: RunTimeRun has no %f"
	run ash 'srun -Q -N1 --mpi=none --container=$B true'
	lacks "%f"
}

@test "PMIx's directory is in the container, those of other steps are not" {
	ash 'srun --mpi=list 2>&1 | grep -qw pmix' || skip "this Slurm was built without pmix"
	pmix_starts
	ash 'srun -Q -N2 -n2 --mpi=pmix sh -c "touch other.\$SLURM_PROCID; sleep 4242"' >/dev/null 2>&1 3>&- &
	until_true 20 C test -e /home/alice/other.0 -a -e /home/alice/other.1
	run ash 'srun -Q -N2 -n2 --mpi=pmix --container=$B sh -c "
		for v in PMIX_SERVER_TMPDIR PMIX_RANK PMIX_NAMESPACE PMIX_SERVER_URI2; do
			eval \"[ -n \\\"\\\$\$v\\\" ]\" || echo \$v is not set
		done
		touch \$PMIX_SERVER_TMPDIR/x && echo mine
		find /var/spool -type d -name pmix.\\* | wc -l" 2>/dev/null | sort | uniq -c | tr -s " "; rm other.*'
	is "$output" $' 2 1\n 2 mine'
}
