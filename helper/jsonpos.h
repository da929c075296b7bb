/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where in a JSON text a part of the document stands: for messages. */
#ifndef SB_JSONPOS_H
#define SB_JSONPOS_H

#include <stddef.h>

/*
 * The line, from 1, on which the part called path ("mounts[3].source",
 * "process.cwd") begins in text, which sb_json_parse took. Where the document
 * ends earlier than the path, the line of the last part that is there; 0 where
 * not even the first word of path is in it.
 */
unsigned int sb_jsonpos_line(const char *text, size_t len, const char *path);

#endif
