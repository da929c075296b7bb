/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What root needs of stepbox.conf. */
#define _GNU_SOURCE
#include "site.h"

#include "contract.h"
#include "keyval.h"

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
			n += strlen(strcpy(dst + n, add));
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
