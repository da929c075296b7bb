/* SPDX-License-Identifier: GPL-2.0-or-later */
/* DisableHooks: kinds of a bundle's hooks that no container runs. */
#include "hooks.h"

#include "../spank/contract.h"
#include "edit.h"
#include "mem.h"

int sb_hooks_disable(json_t *config, const struct sb_strv *kinds,
		     struct sb_strv *notes, struct sb_err *err)
{
	struct sb_edit e = {.notes = notes, .err = err};
	json_t *hooks;

	if (!kinds->n)
		return 0;
	if (sb_edit_part(&e, config, "hooks", JSON_OBJECT, &hooks) < 0)
		return -1;
	for (size_t i = 0; hooks && i < kinds->n; i++) {
		if (!json_object_get(hooks, kinds->v[i]))
			continue;
		json_object_del(hooks, kinds->v[i]);
		sb_edit_note(&e, "hooks.%s: dropped: DisableHooks",
			     kinds->v[i]);
	}
	return notes->failed ? sb_edit_no_memory(&e) : 0;
}
