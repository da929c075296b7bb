/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libseccomp's contexts, counted by the linker's --wrap. LeakSanitizer is no
 * help there: libseccomp (2.5.4) itself loses nodes of its trees, which are
 * counted by reference (src/db.c), where rules for a call overlap; and without
 * its symbols those cannot be told from a context that we lost.
 */
#include "contexts.h"

#include <seccomp.h>
#include <stddef.h>

static int contexts;

scmp_filter_ctx __real_seccomp_init(uint32_t def);
scmp_filter_ctx __wrap_seccomp_init(uint32_t def);
void __real_seccomp_release(scmp_filter_ctx ctx);
void __wrap_seccomp_release(scmp_filter_ctx ctx);
/* <sanitizer/lsan_interface.h>, <sanitizer/asan_interface.h>; not there without
 * ASan. */
const char *__lsan_default_suppressions(void);
const char *__asan_default_options(void);

scmp_filter_ctx __wrap_seccomp_init(uint32_t def)
{
	scmp_filter_ctx ctx = __real_seccomp_init(def);

	contexts += ctx != NULL;
	return ctx;
}

void __wrap_seccomp_release(scmp_filter_ctx ctx)
{
	contexts -= ctx != NULL;
	__real_seccomp_release(ctx);
}

int fuzz_contexts(void)
{
	return contexts;
}

const char *__lsan_default_suppressions(void)
{
	return "leak:libseccomp.so\n";
}

const char *__asan_default_options(void)
{
	return "print_suppressions=0";
}
