# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What test/failmalloc and test/soak share: both want stepbox installed, bundles,
# and a user. Sets w, a directory of the run's, in which only $w/tmp and $w/mnt
# are for what stepbox is to leave empty.

# in_slurm USER SELF ARG...: where there is nothing of that, does it as USER in a
# private Slurm that is started for it; else returns.
in_slurm() {
    local place rc user=$1 top=${2%/test/*}
    shift
    [[ ! -e /images/centos ]] || return 0
    place=$(mktemp -d /tmp/stepbox-fault.XXXXXX)
    chmod 755 "$place"
    rc=1
    if SB_SITE=small "$top/test/cluster" up "$place/c" --nodes 1 --install "$top/build-test" \
        --site "$top/test/site" >"$place/log" 2>&1; then
        "$top/test/cluster" run "$place/c" -u "$user" -- "$@"
        rc=$?
    else
        cat "$place/log"
    fi
    "$top/test/cluster" down "$place/c"
    rm -rf "$place"
    exit "$rc"
}

# What can only be a container's, or whoever made it: this is no sh.
# shellcheck disable=SC2009 # by user, then by name
others() { ps -u "$who" -o comm= | grep -cE '^(crun|runc|fuse-overlayfs|sh|init|stepbox.*|[1-9])$'; }
mounts() { wc -l </proc/self/mounts; }

# What lies where all may write, or plugin and Slurm do: files, and cgroups.
traces() {
    {
        find /dev/shm /run/user -mindepth 1 -user "$who"
        find /run/stepbox -mindepth 2 ! -name .owner ! -name .trash
        find /sys/fs/cgroup -mindepth 1 -type d
    } 2>/dev/null | sort
}

# begin USER: whose containers they are.
begin() {
    who=$1
    w=$(mktemp -d "/tmp/stepbox-fault.XXXXXX")
    # shellcheck disable=SC2064 # now
    trap "rm -rf '$w'" EXIT
    mkdir "$w/tmp" "$w/mnt"
    cd "$w" || exit
    others_before=$(others)
    mounts_before=$(mounts)
    traces_before=$(traces)
}

# Prints what is there that was not when it began; removes the files.
left() {
    local now i
    for ((i = 0; i < 100; i++)); do
        now=$(others)
        ((now > others_before)) || break
        sleep 0.1
    done
    ((now <= others_before)) || echo "processes: $(ps -u "$who" -o pid=,comm=,args= | tr '\n' ';')"
    now=$(mounts)
    ((now == mounts_before)) || echo "$now mounts instead of $mounts_before"
    now=$(find "$w/tmp" "$w/mnt" -mindepth 1 | tr '\n' ' ')
    [[ ! $now ]] || echo "files: $now"
    now=$(comm -13 <(echo "$traces_before") <(traces) | tr '\n' ' ')
    [[ ! $now ]] || echo "files: $now"
    find "$w/tmp" "$w/mnt" -mindepth 1 -delete
}
