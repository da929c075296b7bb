/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What every unit test needs. */
#ifndef SB_UNIT_H
#define SB_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* text must contain part; says both where it does not. */
#define assert_contains(text, part)                                            \
	do {                                                                   \
		if (!strstr(text, part))                                       \
			fail_msg("\"%s\" is not in \"%s\"", part, text);       \
	} while (0)

/* A temporary file with this text; its path. */
static inline const char *unit_file(const char *text)
{
	static char path[64];
	int fd;

	strcpy(path, "/tmp/stepbox-unit-XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	return path;
}

#endif
