/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Allocations that fail, for test/failmalloc: linked into the helper by
 * --wrap, which in a static program takes libc's own calls and the libraries'
 * with it.
 *
 * STEPBOX_FAIL_ALLOC=N:FILE lets the Nth allocation fail (each process of a
 * fork counts on from what it inherits), N+:FILE that one and all after it.
 * FILE gets a line for each that failed: its number and its caller.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <regex.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
char *__real_strdup(const char *s);
char *__real_strndup(const char *s, size_t n);
int __real_vasprintf(char **to, const char *fmt, va_list ap);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
char *__wrap_strdup(const char *s);
char *__wrap_strndup(const char *s, size_t n);
int __wrap_vasprintf(char **to, const char *fmt, va_list ap);
int __wrap_asprintf(char **to, const char *fmt, ...);
int __real_regcomp(regex_t *re, const char *text, int flags);
int __wrap_regcomp(regex_t *re, const char *text, int flags);
int __real_seccomp_export_bpf(const void *ctx, int fd);
int __wrap_seccomp_export_bpf(const void *ctx, int fd);

static struct {
	int ever, paused;
	unsigned long at, count;
	const char *file;
} plan;

/* Before main and after libc, whose own start is not to fail. */
static void __attribute__((constructor)) learn(void)
{
	const char *s = getenv("STEPBOX_FAIL_ALLOC");
	char *end;

	if (!s)
		return;
	plan.at = strtoul(s, &end, 10);
	plan.ever = *end == '+';
	end += plan.ever;
	plan.file = *end == ':' ? end + 1 : NULL;
}

static void tell(const void *caller)
{
	char line[96];
	int n = snprintf(line, sizeof(line), "%lu %p\n", plan.count, caller);
	int fd = open(plan.file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC,
		      0666);

	if (fd >= 0 && write(fd, line, n) != n)
		abort();
	if (fd >= 0)
		close(fd);
}

static int fails(const void *caller)
{
	if (!plan.at || plan.paused || ++plan.count < plan.at ||
	    (plan.count > plan.at && !plan.ever))
		return 0;
	if (plan.file)
		tell(caller);
	errno = ENOMEM;
	return 1;
}

#define HERE fails(__builtin_return_address(0))

void *__wrap_malloc(size_t size)
{
	return HERE ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return HERE ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t size)
{
	return HERE ? NULL : __real_realloc(p, size);
}

/* Where libc is shared, what it calls itself is not wrapped. */
char *__wrap_strdup(const char *s)
{
	return HERE ? NULL : __real_strdup(s);
}

char *__wrap_strndup(const char *s, size_t n)
{
	return HERE ? NULL : __real_strndup(s, n);
}

int __wrap_vasprintf(char **to, const char *fmt, va_list ap)
{
	return HERE ? -1 : __real_vasprintf(to, fmt, ap);
}

int __wrap_asprintf(char **to, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (HERE)
		return -1;
	va_start(ap, fmt);
	n = __real_vasprintf(to, fmt, ap);
	va_end(ap);
	return n;
}

/* As one allocation: glibc's (2.36) own regcomp frees twice what it has no
 * memory to keep, and so does libseccomp (2.5). */
int __wrap_regcomp(regex_t *re, const char *text, int flags)
{
	int rc;

	if (HERE)
		return REG_ESPACE;
	plan.paused = 1;
	rc = __real_regcomp(re, text, flags);
	plan.paused = 0;
	return rc;
}

int __wrap_seccomp_export_bpf(const void *ctx, int fd)
{
	int rc;

	if (HERE)
		return -ENOMEM;
	plan.paused = 1;
	rc = __real_seccomp_export_bpf(ctx, fd);
	plan.paused = 0;
	return rc;
}
