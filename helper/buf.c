/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Growing strings and lists of strings. */
#include "buf.h"

#include "mem.h"

#include <string.h>

void sb_buf_add(struct sb_buf *b, const void *data, size_t len)
{
	if (b->failed)
		return;
	if (b->len + len + 1 > b->room) {
		size_t room = (b->len + len + 1) * 2;
		char *p = realloc(b->data, room);

		if (!p) {
			b->failed = 1;
			return;
		}
		b->data = p;
		b->room = room;
	}
	memcpy(b->data + b->len, data, len);
	b->len += len;
	b->data[b->len] = '\0';
}

void sb_buf_puts(struct sb_buf *b, const char *s)
{
	sb_buf_add(b, s, strlen(s));
}

void sb_buf_putc(struct sb_buf *b, char c)
{
	sb_buf_add(b, &c, 1);
}

void sb_buf_free(struct sb_buf *b)
{
	sb_cleanup_free(&b->data);
	*b = (struct sb_buf){0};
}

void sb_strv_take(struct sb_strv *l, char *s)
{
	if (s && l->n + 2 > l->room) {
		size_t room = l->room ? 2 * l->room : 16;
		char **v = realloc(l->v, room * sizeof(*v));

		if (!v) {
			free(s);
			s = NULL;
		} else {
			l->v = v;
			l->room = room;
		}
	}
	if (!s) {
		l->failed = 1;
		return;
	}
	l->v[l->n++] = s;
	l->v[l->n] = NULL;
}

void sb_strv_add(struct sb_strv *l, const char *s)
{
	sb_strv_take(l, strdup(s));
}

void sb_strv_free(struct sb_strv *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i]);
	sb_cleanup_free(&l->v);
	*l = (struct sb_strv){0};
}
