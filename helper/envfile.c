/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CreateEnvFile: the container's environment as a file, %e. */
#define _GNU_SOURCE
#include "envfile.h"

#include "../spank/contract.h"
#include "fdio.h"
#include "mem.h"

#include <string.h>

static void leave_out(struct sb_strv *left, const char *var)
{
	sb_strv_take(left, strndup(var, strcspn(var, "=")));
}

int sb_envfile_write(int dirfd, char **env, enum sb_env_file how,
		     struct sb_strv *left, struct sb_err *err)
{
	_cleanup_buf_ struct sb_buf b = {0};

	if (how != SB_ENV_FILE_NUL && how != SB_ENV_FILE_NEWLINE)
		return 0;
	sb_buf_puts(&b, "");
	for (; env && *env; env++) {
		if (how == SB_ENV_FILE_NEWLINE && strchr(*env, '\n')) {
			leave_out(left, *env);
			continue;
		}
		sb_buf_puts(&b, *env);
		sb_buf_add(&b, how == SB_ENV_FILE_NUL ? "" : "\n", 1);
	}
	if (b.failed || left->failed)
		return sb_no_memory(err);
	return sb_fdio_write(dirfd, SB_ENVFILE_NAME, b.data, b.len, err);
}
