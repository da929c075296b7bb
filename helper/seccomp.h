/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * linux.seccomp made into a program for seccomp(2). Source: OCI runtime-spec,
 * config-linux.md, "Seccomp"; what it leaves open is as crun and runc have it:
 * a system call whose name is not known is passed over; so is a rule whose
 * action is the default one; two conditions on one argument are two rules.
 */
#ifndef SB_SECCOMP_H
#define SB_SECCOMP_H

#include "../spank/err.h"
#include "buf.h"

#include <jansson.h>

/* What is read; all borrowed. */
struct sb_seccomp_src {
	const json_t *json;
	const char *mark; /* struct sb_json's, of the document json is from */
	const char *what; /* json's name in messages: "linux.seccomp", or "" */
};

/* What seccomp(2) needs besides the program. */
struct sb_seccomp {
	/* SECCOMP_FILTER_FLAG_*. A kernel that does not know one says EINVAL;
	 * none changes what the filter allows, so the loader tries again
	 * without. */
	unsigned int flags;
	unsigned int len; /* instructions */
};

/*
 * Checks names, types and values. Names of system calls and architectures that
 * this libseccomp does not know are no error; they are added to skipped (may
 * be NULL; copies). Returns 0; or -1 with err set ("WHAT.PATH: why").
 */
int sb_seccomp_check(const struct sb_seccomp_src *src, struct sb_strv *skipped,
		     struct sb_err *err);

/* Checks src->json as one entry of linux.seccomp.syscalls. Returns 0; or -1
 * with err set ("WHAT.PATH: why"). */
int sb_seccomp_check_rule(const struct sb_seccomp_src *src, struct sb_err *err);

/*
 * Compiles: writes the program, an array of struct sock_filter, to fd, an empty
 * file or memfd. The native architecture is always in; one of the other byte
 * order goes to skipped, as none of its programs can run here. A system call
 * newer than all that the rules name gets ENOSYS and not a default action that
 * denies, as in runc: libcs try new calls first, and take only ENOSYS for an
 * answer. Where several rules fit a call, one without conditions comes before
 * one with some, and one condition before several; else the order is
 * libseccomp's. Refused besides what sb_seccomp_check refuses: rules that
 * contradict each other; a program the kernel would not take (over
 * BPF_MAXINSNS). Returns 0; or -1 with err set, and whatever in fd.
 */
int sb_seccomp_compile(const struct sb_seccomp_src *src, int fd,
		       struct sb_seccomp *out, struct sb_strv *skipped,
		       struct sb_err *err);

#endif
