/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For a target whose code opens what its input names: include this, after all
 * headers, and then the code. It opens only what is in the target's own
 * directory.
 */
#ifndef SB_FUZZ_JAIL_H
#define SB_FUZZ_JAIL_H

#include "fuzz.h"

#include <errno.h>
#include <fcntl.h>

static int jail_open(const char *path, int flags)
{
	if (fuzz_is_ours(path))
		return open(path, flags);
	errno = ENOENT;
	return -1;
}

#endif
