/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What root needs of stepbox.conf; the helper reads and checks all of it. */
#ifndef SB_SITE_H
#define SB_SITE_H

#include "err.h"

#include <limits.h>

struct sb_site {
	char place[PATH_MAX];	      /* ContainerPath: a pattern (place.h) */
	int allow_root;		      /* AllowRoot */
	int trust_container;	      /* TrustSlurmContainer */
	int keep;		      /* DisableCleanup */
	int file_debug, syslog_debug; /* FileDebug, SyslogDebug: levels */
};

/*
 * The configuration file: the conf=PATH of plugstack.conf's line (argc, argv),
 * else the compiled-in one if it is there. Returns NULL where stepbox is not
 * configured on this node; the string is argv's or static, do not free.
 */
const char *sb_site_conf(int argc, char **argv);

/*
 * Reads conf. Returns 0, or -1 with err set: the file cannot be read or is not
 * root's alone to write, a line is no pair, a value of ours is bad.
 */
int sb_site_read(struct sb_site *site, const char *conf, struct sb_err *err);

/* What Slurm's oci.conf on this host says. */
enum sb_site_oci {
	SB_SITE_OCI_NONE,  /* there is none: nobody but us runs containers */
	SB_SITE_OCI_OURS,  /* its RunTimeRun calls stepbox: Slurm does, too */
	SB_SITE_OCI_OTHER, /* Slurm runs them, and by another program */
};

/*
 * Looks for oci.conf beside slurm.conf, where Slurm does (22.05,
 * src/common/read_config.c, get_extra_conf_path()). path gets its name, for
 * messages. One that cannot be read, is not root's alone to write, or is no
 * configuration counts as OTHER.
 */
enum sb_site_oci sb_site_oci(char *path, size_t size);

/* Whether the RunTimeRun in value calls a program called stepbox. */
int sb_site_calls_us(const char *value);

#endif
