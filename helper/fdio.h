/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files by descriptor. */
#ifndef SB_FDIO_H
#define SB_FDIO_H

#include "../spank/err.h"

#include <sys/types.h>

/*
 * Reads all of path below dirfd: a regular file of at most max bytes; never
 * waits for a FIFO's writer. what names it in messages. Returns the text,
 * terminated, which the caller frees, and its length in *len; or NULL with err
 * set, errno kept; EFBIG for one that is larger, EINVAL for no regular file.
 */
char *sb_fdio_read(int dirfd, const char *path, size_t max, const char *what,
		   size_t *len, struct sb_err *err);

/*
 * Writes a file below dirfd whole or not at all (a temporary name, then
 * rename), mode 0600. Returns 0, or -1 with err set. Nothing is synced: a crash
 * of the machine ends the step, and whatever is left of its files.
 */
int sb_fdio_write(int dirfd, const char *name, const void *data, size_t len,
		  struct sb_err *err);

/* write(2) until all is written. Where nobody reads any more, or a limit of
 * file sizes is reached, that is an error (EPIPE, EFBIG) and no signal. Returns
 * 0, or -1 with errno set. */
int sb_fdio_write_all(int fd, const void *data, size_t len);

/* The absolute path of an open descriptor; the caller frees it. NULL with
 * errno set. */
char *sb_fdio_path(int fd);

/* Opens path below the root directory rootfd, links taken as a process with
 * that root would (openat2(2), RESOLVE_IN_ROOT). Returns the descriptor, or -1
 * with errno set; ENOSYS before Linux 5.6. */
int sb_fdio_open_in_root(int rootfd, const char *path, int flags);

/* sb_fdio_read for a path below the root directory rootfd, taken likewise. */
char *sb_fdio_read_in_root(int rootfd, const char *path, size_t max,
			   size_t *len, struct sb_err *err);

/* Whether path exists below the root directory rootfd (before Linux 5.6 a link
 * to an absolute path counts as existing). */
int sb_fdio_in_root(int rootfd, const char *path);

/* From first on no descriptor survives an execve(2) of the calling process. */
void sb_fdio_end_at_exec(int first);

/*
 * The first part of path that fails access(2) with the error that path gives:
 * what a message should name. Writes it to buf and returns it.
 */
const char *sb_fdio_blame(const char *path, char *buf, size_t size);

#endif
