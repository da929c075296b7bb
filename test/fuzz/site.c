/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the plugin, as root, reads besides stepbox.conf: Slurm's oci.conf.
 *
 * Input: a RunTimeRun; a ContainerPath; a node's name; then oci.conf.
 */
#define _GNU_SOURCE
#include "fuzz.h"

#include "../../spank/keyval.h"
#include "../../spank/site.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "jail.h"

#define open(path, flags) jail_open(path, flags)
#include "../../spank/keyval.c"
#undef open

/* %n and %% only; written down a second time. */
static void check_expand(const char *pattern, const char *node)
{
	struct sb_err err = {.text = ""};
	char path[64], want[512] = "";
	size_t n = 0;

	if (sb_site_expand(path, sizeof(path), pattern, node, &err) < 0) {
		FUZZ_FAILED(err);
		return;
	}
	for (const char *p = pattern; *p && n < sizeof(want) - 1; p++) {
		if (*p != '%')
			want[n++] = *p;
		else if (*++p == '%')
			want[n++] = '%';
		else
			n += snprintf(want + n, sizeof(want) - n, "%s", node);
	}
	FUZZ_CHECK(!strcmp(path, want));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = {"oci.conf", NULL};
	struct fuzz_in in = {.p = data, .end = data + size};
	const char *run = fuzz_string(&in), *pattern = fuzz_string(&in);
	char path[PATH_MAX], want[PATH_MAX];
	enum sb_site_oci oci;

	FUZZ_CHECK(!sb_site_calls_us(run) || strstr(run, "stepbox"));
	check_expand(pattern, fuzz_string(&in));
	fuzz_files(&in, names);
	snprintf(path, sizeof(path), "%s/slurm.conf", fuzz_dir());
	setenv("SLURM_CONF", path, 1);
	snprintf(want, sizeof(want), "%s/oci.conf", fuzz_dir());
	oci = sb_site_oci(path, sizeof(path));
	FUZZ_CHECK(oci == SB_SITE_OCI_OURS || oci == SB_SITE_OCI_OTHER);
	FUZZ_CHECK(!strcmp(path, want));
	fuzz_done(&in);
	return 0;
}
