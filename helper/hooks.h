/* SPDX-License-Identifier: GPL-2.0-or-later */
/* DisableHooks: kinds of a bundle's hooks that no container runs. */
#ifndef SB_HOOKS_H
#define SB_HOOKS_H

#include "../spank/err.h"
#include "buf.h"
#include "json.h"

/*
 * Removes the hooks of these kinds from config.json, with a note for each that
 * had any. (Slurm 26.05's own DisableHooks removes none: _modify_config() in
 * src/slurmd/slurmstepd/container.c begins at an empty place of the list.)
 * Returns 0, or -1 with err set: hooks is no object, or memory runs out.
 */
int sb_hooks_disable(json_t *config, const struct sb_strv *kinds,
		     struct sb_strv *notes, struct sb_err *err);

#endif
