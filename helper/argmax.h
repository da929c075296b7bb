/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How much a program can be given. */
#ifndef SB_ARGMAX_H
#define SB_ARGMAX_H

#include "../spank/err.h"

/*
 * Whether execve(2) would take args, of which the first is the program's path
 * too, and env under the calling process' stack limit, which containers
 * inherit; if not, the runtime would be the one to find out, in words of its
 * own and with half a container made. Returns 0, or -1 with err set, which
 * names the argument or variable that is too long alone, or the sum in bytes.
 *
 * The rule is execve(2), "Limits on size of arguments and environment", as
 * Linux has it since 4.13.
 */
int sb_argmax_check(char **args, char **env, struct sb_err *err);

#endif
