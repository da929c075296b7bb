/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Capabilities by name, as config.json has them: capabilities(7). */
#ifndef SB_CAPS_H
#define SB_CAPS_H

#include <jansson.h>

/* The sets of config.json's process.capabilities, a bit per capability. */
struct sb_caps {
	unsigned long long bounding, inheritable, ambient, permitted;
};

/* Reads them. What is no capability that this program knows is passed over, as
 * runtimes do it. */
void sb_caps_read(const json_t *config, struct sb_caps *caps);

/* A process's sets with this one capability in force and no other to be had,
 * as config.json has them. A new reference; NULL when memory runs out. */
json_t *sb_caps_only(const char *name);

/* The number of a name ("CAP_KILL"), or -1; and the name of a number, static,
 * or NULL. */
int sb_caps_number(const char *name);
const char *sb_caps_name(unsigned int number);

#endif
