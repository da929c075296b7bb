/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Heterogeneous jobs and steps: one environment serves all their components. */
#include "het.h"

#include "contract.h"
#include "slurm.h"

#include <stdlib.h>
#include <string.h>

/*
 * Not in Slurm's headers, but exported for cli_filter plugins, which get this
 * object and call this function (22.05, src/common/slurm_opt.h). A copy of its
 * string is returned. Weak: slurmd and slurmstepd have no such object.
 */
struct slurm_opt;
extern struct slurm_opt opt __attribute__((weak));
extern char *slurm_option_get(struct slurm_opt *from, const char *name)
	__attribute__((weak));

const char *sb_het_container(int *known)
{
	*known = &opt && slurm_option_get;
	return *known ? slurm_option_get(&opt, "container") : NULL;
}

int sb_het_check(struct sb_het *h, const char *bundle, struct sb_err *err)
{
	const char *first = h->first;

	if (!h->components++) {
		h->first = bundle ? strdup(bundle) : NULL;
		return bundle && !h->first ? sb_no_memory(err) : 0;
	}
	if (first && bundle ? !strcmp(first, bundle) : first == bundle)
		return 0;
	return sb_fail(err, SB_FAIL,
		       "--container: must be the same for all components of a "
		       "heterogeneous job: %.200s and %.200s",
		       first ? first : "none", bundle ? bundle : "none");
}
