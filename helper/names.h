/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The names in config.json, as a program in Go reads them: encoding/json takes
 * a member for a field also where the case differs, and U+017F for an s and
 * U+212A for a k. What is an unknown field to us, and kept, would be one more
 * word on a known field to runc, and the last one holds: a command in place of
 * the job's, a filter in place of the site's.
 */
#ifndef SB_NAMES_H
#define SB_NAMES_H

#include "../spank/err.h"

#include <jansson.h>

/*
 * Looks for names that fold to one that the runtime-spec has there (config.md,
 * config-linux.md of version 1.3) and are not it, in all that reaches the
 * runtime, and in linux.seccomp. Not in what a step's container does not get
 * anyway, nor in maps whose names are free (annotations, linux.sysctl), nor
 * below unknown fields. Returns 0; or -1 with err set: "config.json: PATH: a
 * runtime may take it for NAME".
 */
int sb_names_check(json_t *config, struct sb_err *err);

#endif
