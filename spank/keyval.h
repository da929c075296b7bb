/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The grammar of Slurm's configuration files (oci.conf, and so ours):
 * KEY=VALUE pairs, several on a line, "quoted values", # comments, \ at the
 * end of a line, Include FILE. Source: Slurm, src/common/parse_config.c.
 */
#ifndef SB_KEYVAL_H
#define SB_KEYVAL_H

#include "err.h"

/* Where a pair stood. */
struct sb_kv_pos {
	const char *file;
	unsigned int line;
};

/*
 * Called for each pair, in order; key and value are valid during the call
 * only. Returns 0, or -1 with err set, which ends the reading; the position is
 * put before the text by the caller.
 */
typedef int sb_kv_fn(void *arg, const char *key, const char *value,
		     const struct sb_kv_pos *pos, struct sb_err *err);

/* Who must have written a file that is read. */
enum sb_kv_trust {
	SB_KV_ANY,
	SB_KV_ROOT, /* root's, and writable by root alone; Includes too */
};

/*
 * Reads path and calls fn for each pair. An Include's relative FILE is looked
 * up beside the file that names it, and else beside path.
 *
 * Returns 0; or -1 with err set ("FILE:LINE: why"): the file cannot be read,
 * is no regular file, larger than 1 MiB or not trusted, a line is no pair,
 * Includes are nested more than 8 deep, or fn failed. errno is that of the
 * failed open for a file that cannot be opened, else 0.
 */
int sb_kv_read(const char *path, enum sb_kv_trust trust, sb_kv_fn *fn,
	       void *arg, struct sb_err *err);

/* The same for text that was read already (size bytes), called path. */
int sb_kv_parse(const char *path, const char *text, size_t size, sb_kv_fn *fn,
		void *arg, struct sb_err *err);

/* "yes", "true", "on", "1", "up" to 1 and their opposites to 0, in any case,
 * as Slurm's s_p_handle_boolean; -1 for anything else. */
int sb_kv_bool(const char *value);

/* Levels of Slurm's logs that mean something here. */
enum {
	SB_LEVEL_VERBOSE = 4,
	SB_LEVEL_DEBUG = 5,
};

/* A level's number: quiet, fatal, error, info, verbose, debug, debug2 to
 * debug5 are 0 to 9, by name in any case or by number (Slurm,
 * log_string2num()). Returns -1 for another word. */
int sb_kv_level(const char *value);

#endif
