/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What MPI's start-up needs of a container. */
#define _GNU_SOURCE
#include "mpi.h"

#include "../spank/contract.h"
#include "../spank/mountopt.h"
#include "env.h"
#include "mem.h"
#include "path.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* ---- by descriptor ---- */

int sb_mpi_fd(char **env)
{
	const char *value = sb_env_get(env, "PMI_FD");
	char *end;
	long fd;
	int flags;

	if (!value || *value < '0' || *value > '9')
		return -1;
	fd = strtol(value, &end, 10);
	if (*end || fd <= STDERR_FILENO || fd > INT_MAX)
		return -1;
	flags = fcntl(fd, F_GETFD);
	return flags < 0 || flags & FD_CLOEXEC ? -1 : fd;
}

int sb_mpi_settle(void)
{
	int fd = sb_mpi_fd(environ);
	char number[16];

	if (fd < 0)
		return 0;
	if (fd == SB_MPI_FD)
		return 1;
	snprintf(number, sizeof(number), "%d", SB_MPI_FD);
	if (dup2(fd, SB_MPI_FD) < 0)
		return 0;
	if (setenv("PMI_FD", number, 1) < 0)
		return -1;
	close(fd);
	return 1;
}

/* ---- by files ---- */

/* Adds path, if it is a directory and not below one that is known. */
static void add_dir(struct sb_strv *dirs, const char *path)
{
	struct sb_err no_path;
	char whole[PATH_MAX];
	struct stat st;

	if (!path || *path != '/' || strlen(path) >= sizeof(whole))
		return;
	memcpy(whole, path, strlen(path) + 1);
	if (sb_mountopt_normalize(whole, &no_path) < 0 ||
	    stat(whole, &st) < 0 || !S_ISDIR(st.st_mode))
		return;
	for (size_t i = 0; i < dirs->n; i++)
		if (sb_path_is_within(whole, dirs->v[i]))
			return;
	sb_strv_add(dirs, whole);
}

/* Slurm, src/plugins/mpi/pmix/pmixp_info.c, _env_set(): "spmix_appdir_", the
 * user, job and step, which are also in the name space. */
static void add_ranks_dir(char **env, uid_t uid, struct sb_strv *dirs)
{
	static const char slurms[] = "slurm.pmix.";
	const char *name = sb_env_get(env, "PMIX_NAMESPACE");
	const char *base = sb_env_get(env, "SLURM_PMIX_TMPDIR");
	char path[PATH_MAX];

	if (!name || strncmp(name, slurms, strlen(slurms)) ||
	    strchr(name, '/') ||
	    snprintf(path, sizeof(path), "%s/spmix_appdir_%u_%s",
		     base ? base : "/tmp", uid,
		     name + strlen(slurms)) >= (int)sizeof(path))
		return;
	add_dir(dirs, path);
}

int sb_mpi_dirs(char **env, uid_t uid, const char *spool, struct sb_strv *dirs,
		struct sb_err *err)
{
	/* The first is above the others as long as Slurm starts the server
	 * (PMIx, src/mca/gds/ds12 and ds21, *_setup_fork()). */
	static const char *const names[] = {
		"PMIX_SERVER_TMPDIR",
		"PMIX_DSTORE_21_BASE_PATH",
		"PMIX_DSTORE_ESH_BASE_PATH",
	};

	/* Above them all, where Slurm has one. */
	if (sb_env_get(env, "PMIX_NAMESPACE"))
		add_dir(dirs, spool);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		add_dir(dirs, sb_env_get(env, names[i]));
	add_ranks_dir(env, uid, dirs);
	return dirs->failed ? sb_no_memory(err) : 0;
}
