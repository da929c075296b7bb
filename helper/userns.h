/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The user namespace that a container is made in, and a mount namespace with
 * it: the helper's own, before any runtime is called. */
#ifndef SB_USERNS_H
#define SB_USERNS_H

#include "../spank/err.h"

/*
 * Puts the calling process, which must have one thread, into a new user
 * namespace and a new mount namespace. Its user and group are 0 there and
 * nobody else is anybody (root itself keeps all ids); it has all capabilities
 * over what the two namespaces own, and over nothing else. Supplementary
 * groups stay in force, without names. The cgroup tree becomes read-only, so
 * that a runtime leaves the container in the step's cgroup.
 *
 * Source: user_namespaces(7), "Defining user and group ID mappings". Returns
 * 0, or -1 with err set, which says what of this node forbids it.
 */
int sb_userns_enter(struct sb_err *err);

/* The last part of it: makes the cgroup tree read-only in the caller's mount
 * namespace, which is its own. */
void sb_userns_freeze_cgroups(void);

#endif
