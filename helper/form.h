/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The form of config.json: whether what it has is of the types that
 * runtime-spec demands (config.md, config-linux.md). Runtimes do not agree:
 * crun takes no notice of a maskedPaths that is a string or of a "true" in
 * quotes, runc refuses the file. What is not masked because of a typing error
 * should be known before.
 */
#ifndef SB_FORM_H
#define SB_FORM_H

#include "../spank/err.h"
#include "json.h"

/* The kinds of hooks (config.md, POSIX-platform Hooks). */
#define SB_FORM_HOOKS 6
extern const char *const sb_form_hooks[SB_FORM_HOOKS];

/*
 * Looks at every field that reaches the runtime, and at the process that the
 * bundle's maker thought of. Not at what a step's container does not get
 * anyway, nor at seccomp, which has a reader of its own; unknown fields may be
 * anything but another spelling of a known one (names.h). null is as good as
 * nothing (Go's programs write it), but not in a list. Returns 0, or -1 with
 * err set: "config.json: PATH: not a string".
 */
int sb_form_check(const struct sb_json *doc, struct sb_err *err);

#endif
