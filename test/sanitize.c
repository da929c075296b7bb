/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Linked into a sanitized helper: LeakSanitizer looks where a process calls
 * exit(3), and most of ours end otherwise: by _exit(2), or since they become
 * another program. Both come here, by the linker's --wrap.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* <sanitizer/lsan_interface.h>; not there without ASan. */
int __lsan_do_recoverable_leak_check(void) __attribute__((weak));
int __lsan_is_turned_off(void);
const char *__lsan_default_suppressions(void);
/* <sanitizer/asan_interface.h> */
const char *__asan_default_options(void);

int __real_execve(const char *path, char *const argv[], char *const envp[]);
int __wrap_execve(const char *path, char *const argv[], char *const envp[]);
void __real__exit(int status) __attribute__((noreturn));
void __wrap__exit(int status) __attribute__((noreturn));

long __real_syscall(long number, long a, long b, long c, long d, long e);
long __wrap_syscall(long number, long a, long b, long c, long d, long e);

#define LEAKS 23 /* LeakSanitizer's own exit code */
#define FEW 8	 /* processes */

/* Whether /proc tells what the sanitizer needs: it looks at a process by
 * ptrace(2), from a thread of its own. */
static int tell(int *tracer, int *filters)
{
	FILE *f = fopen("/proc/self/status", "re");
	char line[256];

	*tracer = *filters = 0;
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "TracerPid: %d", tracer) != 1)
			sscanf(line, "Seccomp_filters: %d", filters);
	if (f)
		fclose(f);
	return f != NULL;
}

static int filters_before;

static void __attribute__((constructor)) learn(void)
{
	int tracer;

	tell(&tracer, &filters_before);
}

/* Whether a thread would be in another pid namespace, from where it cannot hold
 * what it comes from. */
static int is_parted(void)
{
	struct stat own, of_children;

	return stat("/proc/self/ns/pid", &own) < 0 ||
	       stat("/proc/self/ns/pid_for_children", &of_children) < 0 ||
	       own.st_ino != of_children.st_ino;
}

/* Where it cannot look it would fail, and with it the test, or hang: in a
 * process that strace holds, or that may have no thread, behind a container's
 * seccomp filter, where a container has no /proc, and between two pid
 * namespaces. */
int __lsan_is_turned_off(void)
{
	struct rlimit processes;
	int tracer, filters;

	return !tell(&tracer, &filters) || tracer || is_parted() ||
	       filters != filters_before ||
	       (!getrlimit(RLIMIT_NPROC, &processes) &&
		processes.rlim_cur < FEW);
}

/* An environment is the process's for good, and setenv(3) makes another of it
 * without a word. */
const char *__lsan_default_suppressions(void)
{
	return "leak:sb_handoff_environ\n";
}

const char *__asan_default_options(void)
{
	return "print_suppressions=0";
}

static void look(void)
{
	if (__lsan_do_recoverable_leak_check &&
	    __lsan_do_recoverable_leak_check())
		__real__exit(LEAKS);
}

int __wrap_execve(const char *path, char *const argv[], char *const envp[])
{
	look();
	return __real_execve(path, argv, envp);
}

/* What is variadic takes integers as any other function does, wherever ASan
 * is; no call of ours has a sixth. */
long __wrap_syscall(long number, long a, long b, long c, long d, long e)
{
	if (number == SYS_execveat)
		look();
	return __real_syscall(number, a, b, c, d, e);
}

void __wrap__exit(int status)
{
	look();
	__real__exit(status);
}
