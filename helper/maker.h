/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The container that all tasks of a step share on a node: made by one of
 * them. */
#ifndef SB_MAKER_H
#define SB_MAKER_H

#include "prepare.h"
#include "share.h"

/*
 * Has the runtime make it, by a child of the calling task, which thus keeps
 * neither a child of the runtime's nor the duties of a subreaper. r's job is
 * read, its step directory is open; what the child then makes
 * of it, the caller does not see.
 *
 * Returns what to publish: READY with s->name set, TASK (it was said why, if
 * the user should know), or FAILED with s->code set: that was said too.
 */
enum sb_share_state sb_maker_make(struct sb_run *r, struct sb_share *s);

#endif
