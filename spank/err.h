/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Errors as values: a caller-owned, fixed-size text that never allocates. */
#ifndef SB_ERR_H
#define SB_ERR_H

#include <stddef.h>

struct sb_err {
	int code;	 /* an enum sb_exit */
	char text[1024]; /* one line: "what: on what: why"; not escaped */
};

/*
 * Sets err to code and the formatted text. Returns -1, so that a caller can
 * write `return sb_fail(...)`. Keeps errno.
 */
int sb_fail(struct sb_err *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The same for memory that ran out. */
int sb_no_memory(struct sb_err *err);

/* Puts the formatted text and ": " before err's text; code stays. Returns -1
 * and keeps errno. */
int sb_wrap(struct sb_err *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Copies src to dst (size bytes, always terminated) with control bytes,
 * DEL and backslash as \ooo, so that a text from outside stays one line and
 * cannot drive a terminal. What does not fit is cut. Async-signal-safe.
 * Returns the length written.
 */
size_t sb_escape(char *dst, size_t size, const char *src);

#endif
