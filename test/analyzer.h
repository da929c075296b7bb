/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Included first where test/lint/analyzer and test/lint/tidy look at a file:
 * analyzers see one file at a time, and would have to assume that what sets an
 * error may return 0. They all return -1.
 */
#include "../helper/edit.h"
#include "../spank/err.h"

#define sb_fail(...) (sb_fail(__VA_ARGS__), -1)
#define sb_no_memory(err) (sb_no_memory(err), -1)
#define sb_wrap(...) (sb_wrap(__VA_ARGS__), -1)
#define sb_edit_fail(...) (sb_edit_fail(__VA_ARGS__), -1)
#define sb_edit_no_memory(e) (sb_edit_no_memory(e), -1)
#define sb_edit_wrong(...) (sb_edit_wrong(__VA_ARGS__), -1)
