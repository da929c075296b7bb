/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Errors as values. */
#include "err.h"

#include "contract.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int sb_fail(struct sb_err *err, int code, const char *fmt, ...)
{
	int saved = errno;
	va_list ap;

	err->code = code;
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
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
	char inner[sizeof(err->text)];
	va_list ap;
	int n;

	memcpy(inner, err->text, sizeof(inner));
	va_start(ap, fmt);
	n = vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n < sizeof(err->text))
		snprintf(err->text + n, sizeof(err->text) - n, ": %s", inner);
	errno = saved;
	return -1;
}

size_t sb_escape(char *dst, size_t size, const char *src)
{
	size_t n = 0;

	for (; *src; src++) {
		unsigned char c = *src;
		int plain = c >= 0x20 && c != 0x7f && c != '\\';

		if (n + (plain ? 1 : 4) >= size)
			break;
		if (plain) {
			dst[n++] = c;
			continue;
		}
		dst[n++] = '\\';
		dst[n++] = '0' + (c >> 6);
		dst[n++] = '0' + ((c >> 3) & 7);
		dst[n++] = '0' + (c & 7);
	}
	if (size)
		dst[n] = '\0';
	return n;
}
