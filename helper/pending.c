/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RunTimeDelete for what a runtime keeps outside the step directory. */
#define _GNU_SOURCE
#include "pending.h"

#include "../spank/contract.h"
#include "fdio.h"
#include "mem.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_RECORD 65536
#define DELETE_SECONDS 10

int sb_pending_keep(const struct sb_runtime *rt, const struct sb_taskdir *dir,
		    struct sb_err *err)
{
	_cleanup_strv_ struct sb_strv words = {0};
	_cleanup_buf_ struct sb_buf record = {0};

	if (!sb_runtime_state_outside(rt->conf))
		return 0;
	if (sb_runtime_words(rt, SB_OP_DELETE, &words, err) < 0)
		return -1;
	for (size_t i = 0; i < words.n; i++)
		sb_buf_add(&record, words.v[i], strlen(words.v[i]) + 1);
	if (record.failed)
		return sb_no_memory(err);
	return sb_fdio_write(dir->fd, SB_FILE_DELETE, record.data, record.len,
			     err);
}

static void run_record(const struct sb_runtime *rt, int dirfd, const char *name)
{
	_cleanup_strv_ struct sb_strv words = {0};
	_cleanup_free_ char *text = NULL;
	sigset_t mask;
	char out[1024];
	struct sb_err err;
	size_t len;
	int whole;

	text = sb_fdio_read(dirfd, name, MAX_RECORD, name, &len, &err);
	if (!text && errno == ENOMEM)
		return; /* it stays, for when there is memory again */
	whole = text && len && !text[len - 1];
	for (char *p = text; whole && p < text + len; p += strlen(p) + 1)
		sb_strv_add(&words, p);
	/* Whoever removes it runs it: another task may be here too. */
	if (words.failed || unlinkat(dirfd, name, 0) < 0 || !words.n ||
	    *words.v[0] != '/')
		return;
	sigprocmask(SIG_SETMASK, NULL, &mask);
	sb_runtime_call(words.v, rt->env.v, &mask, DELETE_SECONDS, out,
			sizeof(out), &err);
}

void sb_pending_run(const struct sb_runtime *rt, const struct sb_taskdir *dir,
		    uid_t uid)
{
	char path[PATH_MAX];
	struct dirent *e;
	struct stat st;
	DIR *d = NULL;
	int fd;

	if (dir->temporary || snprintf(path, sizeof(path), "%s/../" SB_USER_DIR,
				       dir->step, uid) >= (int)sizeof(path))
		return;
	/* By hand --dir may lie anywhere, and what lies beside it be anyone's.
	 */
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0 && !fstat(fd, &st) && st.st_uid == geteuid() &&
	    !(st.st_mode & 022))
		d = fdopendir(fd);
	if (fd >= 0 && !d)
		close(fd);
	while (d && (e = readdir(d)))
		if (*e->d_name != '.')
			run_record(rt, dirfd(d), e->d_name);
	if (d)
		closedir(d);
}
