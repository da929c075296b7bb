/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Errors as values: a caller-owned, fixed-size text that never allocates. */
#ifndef SB_ERR_H
#define SB_ERR_H

#include <stddef.h>

struct sb_err {
	int code;	 /* an enum sb_exit */
	char text[1024]; /* one line: "what: on what: why"; not escaped */
};

/* Room for any such text after sb_escape. */
#define SB_ERR_ESCAPED (4 * sizeof(((struct sb_err *)0)->text))

/*
 * Sets err to code and the formatted text. One that is too long, by the path of
 * 4095 bytes in it, loses its middle, not the reason at its end. Returns -1, so
 * that a caller can write `return sb_fail(...)`. Keeps errno.
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
 * Copies src to dst (size bytes, always terminated) with control characters
 * (C0, DEL, C1), bytes that are no UTF-8 and backslash as \ooo, so that a text
 * from outside stays one line and cannot drive a terminal. What does not fit is
 * cut. Async-signal-safe. Returns the length written.
 */
size_t sb_escape(char *dst, size_t size, const char *src);

/* The length of the well-formed UTF-8 character (RFC 3629) at s, 1 to 4; 0 if
 * there is none. Async-signal-safe. */
size_t sb_utf8_char(const char *s);

#endif
