/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the child that has become the user does, called in the test itself. */
#ifndef UNIT_REAP_H
#define UNIT_REAP_H

#include "unit.h"

#include "../../spank/reap.h"

#include <fcntl.h>

/* The lowest descriptor that is free. */
static inline int unit_free_fd(void)
{
	int fd = open("/dev/null", O_PATH | O_CLOEXEC);

	assert_true(fd >= 0);
	close(fd);
	return fd;
}

/* sb_reap of task in the step directory at path; said gets its report. */
static inline int unit_reap_task(const char *path, long task, int keep,
				 char *said, size_t size)
{
	struct sb_reap r = {
		.name = "1.2.0", .task = task, .keep_deletes = keep};
	int out[2], rc, dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int before;
	ssize_t n;

	assert_int_equal(pipe(out), 0);
	before = unit_free_fd();
	rc = sb_reap(dir, out[1], &r);
	assert_int_equal(unit_free_fd(), before);
	close(out[1]);
	n = read(out[0], said, size - 1);
	said[n < 0 ? 0 : n] = '\0';
	close(out[0]);
	close(dir);
	return rc;
}

/* The same for all tasks. */
static inline int unit_reap(const char *path, int keep, char *said, size_t size)
{
	return unit_reap_task(path, SB_REAP_ALL, keep, said, size);
}

#endif
