/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Paths as text. */
#ifndef SB_PATH_H
#define SB_PATH_H

#include <string.h>

/* Whether path is top or below it, by whole components: /images2 is not below
 * /images. Slashes at top's end do not matter. */
static inline int sb_path_is_within(const char *path, const char *top)
{
	size_t len = strlen(top);

	while (len && top[len - 1] == '/')
		len--;
	return !strncmp(path, top, len) && (!path[len] || path[len] == '/');
}

#endif
