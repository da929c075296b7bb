/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The difference of two texts, line by line, in diff(1)'s unified form. */
#ifndef SB_DIFF_H
#define SB_DIFF_H

#include "../spank/err.h"
#include "buf.h"

/*
 * Adds to out what makes a into b, with three lines around each change, as
 * "diff -u" and patch(1) have it; the two names go to the heading. Nothing for
 * texts that are the same. Each text is empty or ends with a newline. Texts
 * that have next to nothing in common are not compared to the end: what is
 * between their common beginning and end is then removed and added as a whole.
 * Returns 0, or -1 with err set when memory runs out.
 */
int sb_diff(const char *a, const char *b, const char *a_name,
	    const char *b_name, struct sb_buf *out, struct sb_err *err);

#endif
