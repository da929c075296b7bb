/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Errors as values. */
#define _GNU_SOURCE
#include "err.h"

#include "contract.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Sets text to that, without its middle if it is too long (without its end, if
 * memory runs out as well). */
__attribute__((format(printf, 2, 0))) static void
set_text(struct sb_err *err, const char *fmt, va_list ap)
{
	static const size_t half = sizeof(err->text) / 2 - 2;
	va_list again;
	char *whole;
	int n;

	va_copy(again, ap);
	n = vsnprintf(err->text, sizeof(err->text), fmt, ap);
	if (n >= (int)sizeof(err->text) && vasprintf(&whole, fmt, again) == n) {
		memcpy(err->text + half, "...", 3);
		memcpy(err->text + half + 3, whole + n - half, half + 1);
		free(whole);
	}
	va_end(again);
}

int sb_fail(struct sb_err *err, int code, const char *fmt, ...)
{
	int saved = errno;
	va_list ap;

	err->code = code;
	va_start(ap, fmt);
	set_text(err, fmt, ap);
	va_end(ap);
	errno = saved;
	return -1;
}

int sb_no_memory(struct sb_err *err)
{
	return sb_fail(err, SB_FAIL, "out of memory");
}

int sb_wrap(struct sb_err *err, const char *fmt, ...)
{
	int saved = errno;
	struct sb_err inner = *err, outer;
	va_list ap;

	va_start(ap, fmt);
	set_text(&outer, fmt, ap);
	va_end(ap);
	sb_fail(err, inner.code, "%s: %s", outer.text, inner.text);
	errno = saved;
	return -1;
}

size_t sb_utf8_char(const char *s)
{
	const unsigned char *p = (const unsigned char *)s;
	size_t len = *p < 0x80	 ? 1
		     : *p < 0xc2 ? 0
		     : *p < 0xe0 ? 2
		     : *p < 0xf0 ? 3
		     : *p < 0xf5 ? 4
				 : 0;

	/* overlong forms, surrogates, beyond U+10FFFF */
	if ((*p == 0xe0 && p[1] < 0xa0) || (*p == 0xed && p[1] > 0x9f) ||
	    (*p == 0xf0 && p[1] < 0x90) || (*p == 0xf4 && p[1] > 0x8f))
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return len;
}

/* The length of what may be shown as it is at s; 0 if that is nothing. */
static size_t plain(const char *s)
{
	const unsigned char *p = (const unsigned char *)s;

	if (*p < 0x20 || *p == 0x7f || *p == '\\' ||
	    (*p == 0xc2 && p[1] < 0xa0))
		return 0;
	return sb_utf8_char(s);
}

size_t sb_escape(char *dst, size_t size, const char *src)
{
	size_t n = 0;

	while (*src) {
		size_t len = plain(src);
		unsigned char c = *src;

		if (n + (len ? len : 4) >= size)
			break;
		if (len) {
			memcpy(dst + n, src, len);
			n += len;
			src += len;
			continue;
		}
		dst[n++] = '\\';
		dst[n++] = '0' + (c >> 6);
		dst[n++] = '0' + ((c >> 3) & 7);
		dst[n++] = '0' + (c & 7);
		src++;
	}
	if (size)
		dst[n] = '\0';
	return n;
}
