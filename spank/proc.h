/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Processes by pid and start time, without allocation: usable between fork
 * and exec of a program with threads (only async-signal-safe calls).
 */
#ifndef SB_PROC_H
#define SB_PROC_H

#include <sys/types.h>

/* Of /proc/PID/stat (proc_pid_stat(5)). */
struct sb_proc {
	pid_t ppid;
	char state;		  /* field 3 */
	unsigned long long start; /* field 22, clock ticks since boot */
};

/* Returns 0, or -1 where there is no such process. */
int sb_proc_read(pid_t pid, struct sb_proc *p);

/* Whether pid lives, is no zombie, and began at start. */
int sb_proc_is(pid_t pid, unsigned long long start);

/*
 * Kills the process pid, if it began at start (0: whenever), by SIGKILL
 * through a pidfd, and first those of its children it has now: a runtime that
 * cannot be trusted to take its container along. Waits up to 2 seconds for
 * each. Returns how many processes it ended, or -1 if one would not end.
 */
int sb_proc_kill(pid_t pid, unsigned long long start);

/* Waits at most ms milliseconds for the end of pid, if it began at start.
 * Returns 0 if it has ended, -1 if not. */
int sb_proc_wait(pid_t pid, unsigned long long start, int ms);

/* Writes at most max of pid's children (of all its threads) to pids; returns
 * how many. Needs /proc/PID/task/TID/children (CONFIG_PROC_CHILDREN). */
int sb_proc_children(pid_t pid, pid_t *pids, int max);

/* Whether pid's mount namespace is another than the caller's: 1, 0, or -1 if
 * that cannot be told. */
int sb_proc_elsewhere(pid_t pid);

/* This boot's id (36 characters and a NUL); "" where the kernel has none. */
void sb_proc_boot(char id[40]);

/* The inode that identifies the caller's pid namespace; 0 if unknown. */
unsigned long long sb_proc_pidns(void);

/*
 * openat(2) of name in the directory dir, with O_CLOEXEC, but of no symbolic
 * link (ELOOP) and of nothing that is mounted there (EXDEV): to ask what a user
 * has mounted what it is may be to wait for ever. Returns a descriptor, or -1
 * with errno set.
 */
int sb_proc_open(int dir, const char *name, int flags);

/* Reads at most size - 1 bytes of path below dirfd and terminates them; follows
 * no link at the end, and below a directory (not AT_FDCWD) reads nothing that
 * is mounted there. Returns the length, or -1. */
ssize_t sb_proc_slurp(int dirfd, const char *path, char *buf, size_t size);

/* Writes prefix and v in decimal digits to buf, terminated, without stdio. buf
 * has room for strlen(prefix) + 21 bytes. Returns buf. */
char *sb_proc_name(char *buf, const char *prefix, unsigned long long v);

/* The number at *s, at most max; moves *s behind it. -1 where none is. */
long long sb_proc_number(const char **s, unsigned long long max);

#endif
