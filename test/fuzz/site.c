/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the plugin, as root, reads besides stepbox.conf, Slurm's oci.conf;
 * and where ContainerPath leads.
 *
 * Input: a RunTimeRun; a ContainerPath; a node's name; then oci.conf.
 */
#define _GNU_SOURCE
#include "fuzz.h"

#include "../../spank/keyval.h"
#include "../../spank/place.h"
#include "../../spank/site.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
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

/* What a letter is for the step of check_place; written down a second time. */
static const char *value_of(char letter, const char *name)
{
	return letter == 'n' || letter == 'u' ? name
	       : letter == '%'		      ? "%"
	       : letter == 'j'		      ? "4711"
	       : letter == 's'		      ? "3"
					      : "1000";
}

/* Up to the component that has %t, if any has. Returns -1 for lack of room. */
static int expand(char *dst, size_t size, const char *pattern, const char *name)
{
	size_t n = 0;

	for (const char *p = pattern; *p; p++) {
		if (n + 1 >= size)
			return -1;
		if (p[0] == '%' && p[1] == 't') {
			while (n && dst[n - 1] != '/')
				n--;
			n -= n > 1;
			break;
		}
		if (*p == '%')
			n += snprintf(dst + n, size - n, "%s",
				      value_of(*++p, name));
		else
			dst[n++] = *p;
	}
	if (n >= size)
		return -1;
	dst[n] = '\0';
	return 0;
}

/* What any step's place is, is found by what is known of it. */
static void check_place(const char *pattern, const char *name)
{
	struct sb_place all = {.node = name,
			       .job = 4711,
			       .user = name,
			       .step = 3,
			       .uid = 1000},
			some = {.node = name, .job = 4711}, none = {.job = 0};
	struct sb_err err = {.text = ""};
	char path[256], want[4096] = "", known[1024];

	if (!*name || *name == '.' || strchr(name, '/'))
		return;
	if (sb_place_check(pattern, &err) < 0 ||
	    sb_place_expand(path, sizeof(path), pattern, &all, &err) < 0) {
		FUZZ_FAILED(err);
		return;
	}
	if (expand(want, sizeof(want), pattern, name) < 0)
		return;
	FUZZ_CHECK(!strcmp(path, want));
	FUZZ_CHECK(sb_place_levels(pattern, path) >= 0);
	snprintf(want, sizeof(want), "%s/%s", path, name);
	FUZZ_CHECK(!sb_place_glob(known, sizeof(known), pattern, &some) &&
		   !fnmatch(known, want, FNM_PATHNAME));
	FUZZ_CHECK(!sb_place_glob(known, sizeof(known), pattern, &none) &&
		   !fnmatch(known, want, FNM_PATHNAME));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = {"oci.conf", NULL};
	struct fuzz_in in = {.p = data, .end = data + size};
	const char *run = fuzz_string(&in), *pattern = fuzz_string(&in);
	char path[PATH_MAX], want[PATH_MAX];
	enum sb_site_oci oci;

	FUZZ_CHECK(!sb_site_calls_us(run) || strstr(run, "stepbox"));
	check_place(pattern, fuzz_string(&in));
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
