/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libseccomp in the fuzzers: its contexts are counted, and its leaks are not
 * ours. */
#ifndef SB_FUZZ_CONTEXTS_H
#define SB_FUZZ_CONTEXTS_H

/* How many contexts nobody has released yet. */
int fuzz_contexts(void);

#endif
