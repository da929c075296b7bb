#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The time limit: Slurm counts in minutes, so this is run once per proctrack.

load lib

@test "time limit" {
	# OverTimeLimit is 0 and the limit counts in minutes; admins may shorten
	# that of a running job, which ends it at Slurm's next look.
	start_step 2
	C scontrol update job="$job" TimeLimit=1
	until_true 150 ended
	run C scontrol -o show job "$job"
	has Reason=TimeLimit
}
