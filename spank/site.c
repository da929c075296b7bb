/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What root needs of stepbox.conf. */
#define _GNU_SOURCE
#include "site.h"

#include "contract.h"
#include "keyval.h"
#include "place.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

const char *sb_site_conf(int argc, char **argv)
{
	for (int i = 0; i < argc; i++)
		if (!strncmp(argv[i], "conf=", 5))
			return argv[i] + 5;
	return access(SB_CONF_PATH, F_OK) < 0 ? NULL : SB_CONF_PATH;
}

static int flag(int *to, const char *key, const char *value, struct sb_err *err)
{
	*to = sb_kv_bool(value);
	if (*to < 0)
		return sb_fail(err, SB_FAIL, "%s=%s: neither yes nor no", key,
			       value);
	return 0;
}

static int level(int *to, const char *key, const char *value,
		 struct sb_err *err)
{
	*to = sb_kv_level(value);
	if (*to < 0)
		return sb_fail(err, SB_FAIL,
			       "%s=%s: no level of Slurm's logs (quiet to "
			       "debug5, or 0 to 9)",
			       key, value);
	return 0;
}

static int place(struct sb_site *site, const char *value, struct sb_err *err)
{
	if (sb_place_check(value, err) < 0)
		return -1;
	if (strlen(value) >= sizeof(site->place))
		return sb_fail(err, SB_FAIL, "ContainerPath: too long");
	memcpy(site->place, value, strlen(value) + 1);
	return 0;
}

static int pair(void *arg, const char *key, const char *value,
		const struct sb_kv_pos *pos, struct sb_err *err)
{
	struct sb_site *site = arg;

	(void)pos;
	if (!strcasecmp(key, "ContainerPath"))
		return place(site, value, err);
	if (!strcasecmp(key, "AllowRoot"))
		return flag(&site->allow_root, key, value, err);
	if (!strcasecmp(key, "TrustSlurmContainer"))
		return flag(&site->trust_container, key, value, err);
	if (!strcasecmp(key, "DisableCleanup"))
		return flag(&site->keep, key, value, err);
	if (!strcasecmp(key, "FileDebug"))
		return level(&site->file_debug, key, value, err);
	if (!strcasecmp(key, "SyslogDebug"))
		return level(&site->syslog_debug, key, value, err);
	return 0;
}

int sb_site_read(struct sb_site *site, const char *conf, struct sb_err *err)
{
	*site = (struct sb_site){.place = SB_CONTAINER_PATH};
	if (sb_kv_read(conf, SB_KV_ROOT, pair, site, err) < 0)
		return sb_wrap(err, "configuration");
	return 0;
}

/* ---- Slurm's own ---- */

int sb_site_calls_us(const char *value)
{
	static const char between[] = " \t;&|()<>'", name[] = "stepbox";

	while (*(value += strspn(value, between))) {
		size_t len = strcspn(value, between);
		const char *slash = memrchr(value, '/', len);
		const char *base = slash ? slash + 1 : value;

		if (value + len - base == sizeof(name) - 1 &&
		    !memcmp(base, name, sizeof(name) - 1))
			return 1;
		value += len;
	}
	return 0;
}

static int oci_pair(void *arg, const char *key, const char *value,
		    const struct sb_kv_pos *pos, struct sb_err *err)
{
	(void)pos, (void)err;
	if (!strcasecmp(key, "RunTimeRun"))
		*(int *)arg = sb_site_calls_us(value);
	return 0;
}

enum sb_site_oci sb_site_oci(char *path, size_t size)
{
	/* In slurmstepd slurmd's word, inherited, not the job's. */
	const char *conf = getenv("SLURM_CONF"), *slash;
	struct sb_err err;
	int ours = 0;

	if (!conf || !*conf)
		conf = SB_CONF_PATH;
	slash = strrchr(conf, '/');
	if (!slash || snprintf(path, size, "%.*s/oci.conf", (int)(slash - conf),
			       conf) >= (int)size)
		return SB_SITE_OCI_NONE;
	if (access(path, F_OK) < 0)
		return SB_SITE_OCI_NONE;
	if (sb_kv_read(path, SB_KV_ROOT, oci_pair, &ours, &err) < 0)
		return SB_SITE_OCI_OTHER;
	return ours ? SB_SITE_OCI_OURS : SB_SITE_OCI_OTHER;
}
