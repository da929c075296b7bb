/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the checks tell: a line for each finding. */
#define _GNU_SOURCE
#include "check.h"

#include "../spank/err.h"

#include <stdarg.h>
#include <stdio.h>

__attribute__((format(printf, 4, 0))) static void
tell(const struct sb_check *c, const char *level, const char *remedy,
     const char *fmt, va_list ap)
{
	char text[2048], safe[4096];

	vsnprintf(text, sizeof(text), fmt, ap);
	sb_escape(safe, sizeof(safe), text);
	printf("%-5s %-15s %s\n", level, c->name, safe);
	if (remedy) {
		sb_escape(safe, sizeof(safe), remedy);
		printf("%21s -> %s\n", "", safe);
	}
	/* A check that hangs must not hide what came before. */
	fflush(stdout);
}

void sb_check_ok(struct sb_check *c, const char *fmt, ...)
{
	va_list ap;

	if (c->quiet)
		return;
	va_start(ap, fmt);
	tell(c, "ok", NULL, fmt, ap);
	va_end(ap);
}

void sb_check_warn(struct sb_check *c, const char *remedy, const char *fmt, ...)
{
	va_list ap;

	if (!c->worst)
		c->worst = 1;
	va_start(ap, fmt);
	tell(c, "warn", remedy, fmt, ap);
	va_end(ap);
}

void sb_check_fail(struct sb_check *c, const char *remedy, const char *fmt, ...)
{
	va_list ap;

	c->worst = 2;
	c->failures++;
	va_start(ap, fmt);
	tell(c, "fail", remedy, fmt, ap);
	va_end(ap);
}

void sb_check_rows(struct sb_check *c, const struct sb_check_row *rows,
		   size_t n, void *state)
{
	for (size_t i = 0; i < n; i++) {
		c->name = rows[i].name;
		rows[i].fn(c, state);
	}
}
