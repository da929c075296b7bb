/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a runtime that is no OCI runtime gets (IgnoreFileConfigJson): what the
 * user named, as it is, be it a directory, a file, or a name that only the
 * runtime knows; and an environment. There is no config.json, so nothing can be
 * changed in one.
 */
#ifndef SB_IMAGE_H
#define SB_IMAGE_H

#include "../spank/err.h"
#include "plan.h"

/*
 * Plans it, in place of sb_plan_make: sets p->bundle.path and p->root, both
 * what the user named, and p->env, the job's environment with the site's
 * EnvSet. A path is made absolute and must be there; what is none is kept as it
 * is. Returns 0, or -1 with err set: it is not there, the site does not allow
 * it (BundlePath), or the user asks for what takes a config.json.
 */
int sb_image_plan(struct sb_plan *p, struct sb_err *err);

#endif
