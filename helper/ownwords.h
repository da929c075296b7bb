/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What whoever enters a task's own container must tell the init: read from the
 * config.json that the runtime got. */
#ifndef SB_OWNWORDS_H
#define SB_OWNWORDS_H

#include "../spank/err.h"
#include "buf.h"

#include <jansson.h>

/*
 * Adds the init's options for no_new_privs, the personality, the capabilities
 * and the filters that the container's own init was told to load. Where the
 * runtime limits the command and not the init, they say what the runtime does,
 * but for linux.seccomp: *runtimes is then that, borrowed from config, else
 * NULL. Returns 0, or -1 with err set.
 */
int sb_ownwords(const json_t *config, struct sb_strv *words,
		const json_t **runtimes, struct sb_err *err);

#endif
