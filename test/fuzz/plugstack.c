/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Slurm's plugstack.conf.
 *
 * Input: plugstack.conf; behind a byte 0x1e, more.conf, which may be included.
 */
#define _GNU_SOURCE
#include "fuzz.h"

#include "../../helper/fdio.h"
#include "../../helper/mem.h"
#include "../../helper/plugstack.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

/* Only what is in the target's own directory is read, or looked for. */
static char *jail_read(int dir, const char *path, size_t max, const char *what,
		       size_t *len, struct sb_err *err)
{
	if (fuzz_is_ours(path))
		return sb_fdio_read(dir, path, max, what, len, err);
	errno = ENOENT;
	sb_fail(err, SB_FAIL, "%s", strerror(errno));
	return NULL;
}

static int jail_glob(const char *pattern, int flags,
		     int (*failed)(const char *, int), glob_t *found)
{
	return fuzz_is_ours(pattern) ? glob(pattern, flags, failed, found)
				     : GLOB_NOMATCH;
}

#define sb_fdio_read jail_read
#define glob(a, b, c, d) jail_glob(a, b, c, d)
#include "../../helper/plugstack.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = {"plugstack.conf", "more.conf",
					    NULL};
	struct fuzz_in in = {.p = data, .end = data + size};
	struct sb_err err = {.text = ""};
	struct sb_plugstack p;
	char path[PATH_MAX];

	fuzz_files(&in, names);
	snprintf(path, sizeof(path), "%s/plugstack.conf", fuzz_dir());
	if (sb_plugstack_read(&p, path, "stepbox.so", &err) < 0)
		FUZZ_FAILED(err);
	for (size_t i = 0; i < p.n; i++) {
		const char *plugin = p.lines[i].plugin;
		const char *slash = plugin ? strrchr(plugin, '/') : NULL;

		/* Memory never ran out. */
		FUZZ_CHECK(plugin && p.lines[i].file);
		FUZZ_CHECK(!strcmp(slash ? slash + 1 : plugin, "stepbox.so"));
		FUZZ_CHECK(p.lines[i].line >= 1);
	}
	sb_plugstack_free(&p);
	fuzz_done(&in);
	return 0;
}
