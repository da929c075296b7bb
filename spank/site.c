/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What root needs of stepbox.conf. */
#define _GNU_SOURCE
#include "site.h"

#include "contract.h"
#include "keyval.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

struct reading {
	struct sb_site *site;
	const char *node;
};

const char *sb_site_conf(int argc, char **argv)
{
	for (int i = 0; i < argc; i++)
		if (!strncmp(argv[i], "conf=", 5))
			return argv[i] + 5;
	return access(SB_CONF_PATH, F_OK) < 0 ? NULL : SB_CONF_PATH;
}

int sb_site_expand(char *dst, size_t size, const char *pattern,
		   const char *node, struct sb_err *err)
{
	size_t n = 0;

	if (*pattern != '/')
		return sb_fail(err, SB_FAIL, "ContainerPath=%s: not absolute",
			       pattern);
	for (const char *p = pattern; *p; p++) {
		const char *add = NULL;

		if (*p == '%' && p[1] == 'n')
			add = node;
		else if (*p == '%' && p[1] == '%')
			add = "%";
		else if (*p == '%')
			return sb_fail(
				err, SB_FAIL,
				"ContainerPath=%s: only %%n and %%%% are "
				"possible (stepbox adds node and step)",
				pattern);
		if (n + (add ? strlen(add) : 1) >= size)
			return sb_fail(err, SB_FAIL, "ContainerPath: too long");
		if (add) {
			memcpy(dst + n, add, strlen(add));
			n += strlen(add);
			p++;
		} else {
			dst[n++] = *p;
		}
	}
	dst[n] = '\0';
	return 0;
}

static int flag(int *to, const char *key, const char *value, struct sb_err *err)
{
	*to = sb_kv_bool(value);
	if (*to < 0)
		return sb_fail(err, SB_FAIL, "%s=%s: neither yes nor no", key,
			       value);
	return 0;
}

static int pair(void *arg, const char *key, const char *value,
		const struct sb_kv_pos *pos, struct sb_err *err)
{
	struct reading *r = arg;

	(void)pos;
	if (!strcasecmp(key, "ContainerPath"))
		return sb_site_expand(r->site->path, sizeof(r->site->path),
				      value, r->node, err);
	if (!strcasecmp(key, "AllowRoot"))
		return flag(&r->site->allow_root, key, value, err);
	if (!strcasecmp(key, "TrustSlurmContainer"))
		return flag(&r->site->trust_container, key, value, err);
	return 0;
}

int sb_site_read(struct sb_site *site, const char *conf, const char *node,
		 struct sb_err *err)
{
	struct reading r = {.site = site, .node = node};

	*site = (struct sb_site){.allow_root = 0};
	if (sb_site_expand(site->path, sizeof(site->path), SB_CONTAINER_PATH,
			   node, err) < 0)
		return -1;
	if (sb_kv_read(conf, SB_KV_ROOT, pair, &r, err) < 0)
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
