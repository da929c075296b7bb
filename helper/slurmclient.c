/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Slurm's client programs of the host, working in a container of any make. */
#define _GNU_SOURCE
#include "slurmclient.h"

#include "../spank/contract.h"
#include "../spank/keyval.h"
#include "elf.h"
#include "fdio.h"
#include "mem.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#define MUNGE "/run/munge"

static const char *const programs[] = {
	"sacct",   "sacctmgr", "salloc", "sattach",  "sbatch", "sbcast",
	"scancel", "scontrol", "sdiag",	 "sinfo",    "sprio",  "squeue",
	"srun",	   "sshare",   "sstat",	 "strigger",
};

/* The dynamic loader that program names, links resolved. buf has PATH_MAX
 * bytes. */
static int find_loader(const char *program, char *buf, struct sb_err *err)
{
	_cleanup_fd_ int fd = open(program, O_RDONLY | O_CLOEXEC);
	_cleanup_free_ char *head = malloc(SB_ELF_HEAD);
	ssize_t n = fd < 0 || !head ? -1 : pread(fd, head, SB_ELF_HEAD, 0);
	const char *loader;
	struct sb_elf elf;

	if (!head)
		return sb_no_memory(err);
	if (n < 0 || sb_elf_open(&elf, head, n) < 0)
		return sb_fail(err, SB_FAIL, "%s: not a program", program);
	loader = sb_elf_interpreter(&elf);
	if (loader && realpath(loader, buf))
		return 0;
	return sb_fail(err, SB_FAIL, "%s: its dynamic loader was not found",
		       program);
}

/* Cuts the last component off, in place. */
static char *parent_of(char *path)
{
	char *slash = strrchr(path, '/');

	if (slash)
		*slash = '\0';
	return path;
}

/*
 * What the init reads: the loader's path in the container, and the list of
 * directories that it is to look in. Only the host's: a library of the
 * container's in between would be one of another make.
 */
static int write_recipe(int bin, const char *host, const char *loader,
			const char *prefix, struct sb_err *err)
{
	_cleanup_free_ char *dir = strdup(loader), *text = NULL;
	int n;

	if (!dir)
		return sb_no_memory(err);
	parent_of(dir);
	n = asprintf(&text,
		     "%s%s\n%s%s:%s" SB_SLURM_PLUGIN_DIR
		     ":%s%s/lib:%s%s/lib64:%s%s/lib/slurm:%s%s/lib64/slurm",
		     host, loader, host, dir, host, host, prefix, host, prefix,
		     host, prefix, host, prefix);
	if (n < 0) {
		text = NULL;
		return sb_no_memory(err);
	}
	return sb_fdio_write(bin, ".loader", text, n, err);
}

/* The directory for PATH: a link to our init for each program there is; what
 * it stands for is in .host, by the same name: programs look at it. */
static int make_bin(const struct sb_taskdir *dir, const char *place,
		    const char *host, const char *srun, const char *loader,
		    struct sb_err *err)
{
	_cleanup_free_ char *from = strdup(srun), *prefix = NULL;
	char init[PATH_MAX], path[PATH_MAX], dot[64];
	_cleanup_fd_ int bin = -1;

	if (mkdirat(dir->fd, "bin", 0700) < 0 && errno != EEXIST)
		return sb_fail(err, SB_FAIL, "step directory %s/bin: %s",
			       dir->path, strerror(errno));
	if (mkdirat(dir->fd, "bin/.host", 0700) < 0 && errno != EEXIST)
		return sb_fail(err, SB_FAIL, "step directory %s/bin: %s",
			       dir->path, strerror(errno));
	bin = openat(dir->fd, "bin", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	prefix = from ? strdup(parent_of(from)) : NULL;
	if (bin < 0 || !prefix)
		return sb_no_memory(err);
	snprintf(init, sizeof(init), "%s/init", place);
	for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
		snprintf(path, sizeof(path), "%s/%s", from, programs[i]);
		if (access(path, X_OK) < 0)
			continue;
		snprintf(path, sizeof(path), "%s%s/%s", host, from,
			 programs[i]);
		snprintf(dot, sizeof(dot), ".host/%s", programs[i]);
		if ((symlinkat(init, bin, programs[i]) < 0 ||
		     symlinkat(path, bin, dot) < 0) &&
		    errno != EEXIST)
			return sb_fail(err, SB_FAIL,
				       "step directory %s/bin: %s", dir->path,
				       strerror(errno));
	}
	return write_recipe(bin, host, loader, parent_of(prefix), err);
}

/* The host's directories that programs, loader and libraries lie in. */
static int show_host(struct sb_mounts *m, const char *host, const char *srun,
		     struct sb_err *err)
{
	static const char *const dirs[] = {"/usr", "/lib", "/lib64"};
	_cleanup_free_ char *prefix = strdup(srun);
	const char *to;
	struct stat st;

	if (!prefix)
		return sb_no_memory(err);
	parent_of(parent_of(prefix));
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		if (lstat(dirs[i], &st) < 0 || !S_ISDIR(st.st_mode))
			continue;
		to = sb_mounts_path(m, host, dirs[i] + 1);
		if (!to)
			return sb_no_memory(err);
		if (sb_mounts_bind(m, dirs[i], to, "rbind,ro", err) < 0)
			return -1;
	}
	if (!strncmp(prefix, "/usr", 4) && (!prefix[4] || prefix[4] == '/'))
		return 0;
	to = *prefix ? sb_mounts_path(m, host, prefix + 1) : NULL;
	if (!to)
		return sb_fail(err, SB_FAIL,
			       "%s: not in a directory of its own", srun);
	return sb_mounts_bind(m, prefix, to, "rbind,ro", err);
}

static int plugin_pair(void *arg, const char *key, const char *value,
		       const struct sb_kv_pos *pos, struct sb_err *err)
{
	char **dirs = arg;

	(void)pos;
	if (strcasecmp(key, "PluginDir") != 0)
		return 0;
	free(*dirs);
	*dirs = strdup(value);
	return *dirs ? 0 : sb_no_memory(err);
}

/* slurm.conf's PluginDir, without all of which the programs do not start. What
 * is not there, or not read, they say themselves. */
static int show_plugins(struct sb_mounts *m, const char *conf_dir,
			struct sb_err *err)
{
	_cleanup_free_ char *path = NULL, *dirs = NULL;
	struct sb_err unread;
	char *rest = NULL;

	if (asprintf(&path, "%s/slurm.conf", conf_dir) < 0) {
		path = NULL;
		return sb_no_memory(err);
	}
	sb_kv_read(path, SB_KV_ANY, plugin_pair, &dirs, &unread);
	if (sb_mounts_bind(m, SB_SLURM_PLUGIN_DIR, SB_SLURM_PLUGIN_DIR,
			   "rbind,ro", err) < 0)
		return -1;
	for (char *d = dirs ? strtok_r(dirs, ":", &rest) : NULL; d;
	     d = strtok_r(NULL, ":", &rest))
		if (*d == '/' && strcmp(d, SB_SLURM_PLUGIN_DIR) != 0 &&
		    !access(d, F_OK) &&
		    sb_mounts_bind(m, d, d, "rbind,ro", err) < 0)
			return -1;
	return 0;
}

/* Where the host has them, since slurm.conf and the programs name them so. */
static int show_same(struct sb_mounts *m, struct sb_err *err)
{
	const char *slurm_conf = getenv("SLURM_CONF");
	_cleanup_free_ char *conf = strdup(
		slurm_conf && *slurm_conf == '/' ? slurm_conf : SB_CONF_PATH);

	if (!conf)
		return sb_no_memory(err);
	parent_of(conf);
	if (sb_mounts_bind(m, conf, conf, "rbind,ro", err) < 0 ||
	    show_plugins(m, conf, err) < 0)
		return -1;
	return sb_mounts_bind(m, MUNGE, MUNGE, "rbind,ro", err);
}

int sb_slurmclient_plan(struct sb_mounts *m, const struct sb_taskdir *dir,
			const char *found, const char *place, const char **path,
			struct sb_err *err)
{
	const char *host = sb_mounts_path(m, place, "host"), *source;
	char srun[PATH_MAX], loader[PATH_MAX];

	*path = sb_mounts_path(m, place, "bin");
	source = sb_mounts_path(m, dir->path, "bin");
	if (!host || !*path || !source)
		return sb_no_memory(err);
	if (!found)
		return sb_fail(err, SB_FAIL,
			       "SlurmClient=yes: srun: not found in %s, or not "
			       "root's",
			       SB_RUNTIME_PATH);
	if (!realpath(found, srun))
		return sb_fail(err, SB_FAIL, "SlurmClient=yes: %s: %s", found,
			       strerror(errno));
	if (find_loader(srun, loader, err) < 0 ||
	    make_bin(dir, place, host, srun, loader, err) < 0 ||
	    show_host(m, host, srun, err) < 0 ||
	    sb_mounts_bind(m, source, *path, "bind,ro", err) < 0 ||
	    show_same(m, err) < 0)
		return sb_wrap(err, "SlurmClient=yes");
	return 0;
}
