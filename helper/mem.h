/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ownership made visible: what leaves a scope is released, unless stolen. */
#ifndef SB_MEM_H
#define SB_MEM_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* p points to the pointer, of whatever type; it is NULL afterwards. */
static inline void sb_cleanup_free(void *p)
{
	int saved = errno;
	void *old, *none = NULL;

	memcpy(&old, p, sizeof(old));
	free(old);
	memcpy(p, &none, sizeof(none));
	errno = saved;
}

/* One close and no retry on EINTR: on Linux the descriptor is gone already. */
static inline void sb_cleanup_fd(const int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	errno = saved;
}

#define _cleanup_free_ __attribute__((cleanup(sb_cleanup_free)))
#define _cleanup_fd_ __attribute__((cleanup(sb_cleanup_fd)))

#define steal_ptr(p)                                                           \
	({                                                                     \
		__typeof__(p) *sb_p_ = &(p);                                   \
		__typeof__(p) sb_v_ = *sb_p_;                                  \
		*sb_p_ = NULL;                                                 \
		sb_v_;                                                         \
	})

static inline int steal_fd(int *fd)
{
	int v = *fd;

	*fd = -1;
	return v;
}

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#endif
