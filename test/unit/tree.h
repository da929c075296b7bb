/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Temporary trees of files, for tests. Define _GNU_SOURCE before anything. */
#ifndef SB_TREE_H
#define SB_TREE_H

#include "unit.h"

#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>

/* A new directory, empty; its path, which the next call overwrites. */
static inline const char *tree_make(void)
{
	static char path[64];

	strcpy(path, "/tmp/stepbox-unit-XXXXXX");
	assert_non_null(mkdtemp(path));
	return path;
}

/* top/name; valid until the eighth call from now. */
static inline const char *tree_path(const char *top, const char *name)
{
	static char paths[8][256];
	static unsigned int n;
	char *path = paths[n++ % 8];

	assert_true(snprintf(path, 256, "%s/%s", top, name) < 256);
	return path;
}

/* Skips the test where files cannot be made another's. */
static inline void tree_need_root(void)
{
	if (geteuid()) {
		print_message("only root can make root's directories\n");
		skip();
	}
}

static inline void tree_dir(const char *top, const char *name)
{
	assert_int_equal(mkdir(tree_path(top, name), 0755), 0);
}

static inline void tree_link(const char *top, const char *name, const char *to)
{
	assert_int_equal(symlink(to, tree_path(top, name)), 0);
}

/* The file name in top gets this text. */
static inline void tree_file(const char *top, const char *name,
			     const char *text)
{
	FILE *f = fopen(tree_path(top, name), "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

/* overlayfs leaves directories that their owner cannot read, one in another:
 * after each the walk ends, with 1, and begins anew. */
static inline int tree_allow(const char *path, const struct stat *st, int type,
			     struct FTW *at)
{
	(void)st, (void)at;
	return type == FTW_DNR ? chmod(path, 0700) ? -1 : 1 : 0;
}

static inline int tree_unlink(const char *path, const struct stat *st, int type,
			      struct FTW *at)
{
	(void)st, (void)type, (void)at;
	return remove(path);
}

static inline void tree_remove(const char *top)
{
	while (nftw(top, tree_allow, 16, FTW_PHYS | FTW_MOUNT) > 0)
		;
	nftw(top, tree_unlink, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

#endif
