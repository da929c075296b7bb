/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Variables and letters in a path that a user typed. */
#ifndef SB_EXPAND_H
#define SB_EXPAND_H

#include "../spank/err.h"
#include "pattern.h"

/*
 * Replaces $NAME and ${NAME} in text by the variable's value in env (may be
 * NULL), and % and a letter by its value in v; %% is a percent sign. Letters
 * are those of oci.conf(5) but %@ and %p: a path has no arguments, and there is
 * no container yet. PWD is %Z, the task's working directory, where v has that:
 * nobody keeps the variable true between the submission and the node. What a
 * value holds is not expanded again. "$$" is '$'; a '$' before anything but
 * '{', a letter and '_' stays as it is; whoever removes backslashes from what
 * the user typed has done so before.
 *
 * Returns the path, which the caller frees; or NULL with err set: a variable is
 * not set, a letter does not exist or has no value, a '{' is not closed or
 * holds no name, the result is longer than a path can be (PATH_MAX - 1 bytes,
 * path_resolution(7)), or memory runs out.
 */
char *sb_expand(const char *text, char **env, const struct sb_values *v,
		struct sb_err *err);

/* Whether each % in text is followed by a letter that sb_expand knows, whatever
 * the letters stand for. Returns 0, or -1 with err set. */
int sb_expand_check(const char *text, struct sb_err *err);

#endif
