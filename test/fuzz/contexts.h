/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How many of libseccomp's contexts nobody has released yet. */
#ifndef SB_FUZZ_CONTEXTS_H
#define SB_FUZZ_CONTEXTS_H

int fuzz_contexts(void);

#endif
