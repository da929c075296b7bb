/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What every fuzz target shares. An input is a few bytes that choose, strings
 * that each end with a NUL byte, and the rest: pieces are taken off its front,
 * and where it is used up they are 0 and "". Each string is a copy of just its
 * length, so that ASan sees the first byte that is read beyond it.
 */
#ifndef SB_FUZZ_H
#define SB_FUZZ_H

#include "../../spank/contract.h"
#include "../../spank/err.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The entry that libFuzzer, and replay.c, call. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An invariant: both a fuzzer and a test end where it does not hold. */
#define FUZZ_CHECK(what)                                                       \
	do {                                                                   \
		if (!(what)) {                                                 \
			fprintf(stderr, "%s:%d: does not hold: %s\n",          \
				__FILE__, __LINE__, #what);                    \
			abort();                                               \
		}                                                              \
	} while (0)

/* Something returned -1: it must have said why, with a code of ours. */
#define FUZZ_FAILED(err)                                                       \
	do {                                                                   \
		FUZZ_CHECK(*(err).text);                                       \
		FUZZ_CHECK(strnlen((err).text, sizeof((err).text)) <           \
			   sizeof((err).text));                                \
		FUZZ_CHECK((err).code == SB_FAIL || (err).code == SB_NOENT ||  \
			   (err).code == SB_NOEXEC);                           \
	} while (0)

#define FUZZ_STRINGS 256

struct fuzz_in {
	const uint8_t *p, *end;
	void *owned[FUZZ_STRINGS];
	size_t n;
};

static inline void *fuzz_keep(struct fuzz_in *in, size_t size)
{
	void *p = malloc(size ? size : 1);

	if (!p)
		abort();
	in->owned[in->n++] = p;
	return p;
}

static inline unsigned int fuzz_byte(struct fuzz_in *in)
{
	return in->p < in->end ? *in->p++ : 0;
}

/* The next string; NULL where there is none, or too many were taken. */
static inline char *fuzz_more(struct fuzz_in *in)
{
	size_t left = in->end - in->p, len;
	char *s;

	if (!left || in->n == FUZZ_STRINGS)
		return NULL;
	len = strnlen((const char *)in->p, left);
	s = fuzz_keep(in, len + 1);
	memcpy(s, in->p, len);
	s[len] = '\0';
	in->p += len < left ? len + 1 : len;
	return s;
}

/* The same; "" where there is none. */
static inline char *fuzz_string(struct fuzz_in *in)
{
	char *s = fuzz_more(in);

	if (!s) {
		if (in->n == FUZZ_STRINGS)
			abort(); /* the target takes too many */
		s = fuzz_keep(in, 1);
		*s = '\0';
	}
	return s;
}

/* All that is left, not terminated. */
static inline char *fuzz_rest(struct fuzz_in *in, size_t *len)
{
	char *s;

	*len = in->end - in->p;
	s = fuzz_keep(in, *len);
	if (*len)
		memcpy(s, in->p, *len);
	in->p = in->end;
	return s;
}

/* Frees it. Every descriptor that the target's code opened must be closed by
 * now. */
void fuzz_done(struct fuzz_in *in);

/*
 * A directory of this process's own, in memory where there is such a file
 * system; it goes with the process, unless that crashes. Only files that
 * fuzz_file wrote are in it, and directories that fuzz_subdir made.
 */
const char *fuzz_dir(void);

/* name below it gets these bytes; with data NULL it goes. */
void fuzz_file(const char *name, const void *data, size_t len);

void fuzz_subdir(const char *name);

/* Removes what is called name below it, with all that is in it. */
void fuzz_remove(const char *name);

/* Its path; valid until the next call. */
const char *fuzz_path(const char *name);

/* Writes what is left, split at each byte 0x1e (ASCII's record separator), to
 * the files called names, a NULL-terminated list. What has no part goes. */
void fuzz_files(struct fuzz_in *in, const char *const *names);

/* 1 where path is below fuzz_dir, and has no "..": what a target opens for its
 * input must be. */
int fuzz_is_ours(const char *path);

#endif
