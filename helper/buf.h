/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Growing strings and lists of strings. */
#ifndef SB_BUF_H
#define SB_BUF_H

#include <stddef.h>

/* A string that grows; start with {0}. data is terminated once anything was
 * added. failed is set, and stays, when memory ran out. */
struct sb_buf {
	char *data;
	size_t len, room;
	int failed;
};

void sb_buf_add(struct sb_buf *b, const void *data, size_t len);
void sb_buf_puts(struct sb_buf *b, const char *s);
void sb_buf_putc(struct sb_buf *b, char c);
void sb_buf_free(struct sb_buf *b);

/* A NULL-terminated list of strings that it owns; start with {0}. */
struct sb_strv {
	char **v; /* NULL while empty */
	size_t n, room;
	int failed;
};

/* Adds a copy of s; or s itself, which then belongs to the list (freed if
 * memory runs out; NULL counts as such). */
void sb_strv_add(struct sb_strv *l, const char *s);
void sb_strv_take(struct sb_strv *l, char *s);
void sb_strv_free(struct sb_strv *l);

#define _cleanup_buf_ __attribute__((cleanup(sb_buf_free)))
#define _cleanup_strv_ __attribute__((cleanup(sb_strv_free)))

#endif
