/* SPDX-License-Identifier: GPL-2.0-or-later */
/* This node's name. */
#define _GNU_SOURCE
#include "node.h"

#include "proc.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/*
 * How slurmd finds its own name where it has no -N: by NodeHostname, by the
 * host's other names, by localhost (20.11 to 26.05, src/slurmd/slurmd/slurmd.c,
 * src/common/read_config.h). In no public header, hence weak: without them it
 * is the host's name. Each string is the caller's, and small enough to keep.
 */
extern char *slurm_conf_get_nodename(const char *host) __attribute__((weak));
extern char *slurm_conf_get_aliased_nodename(void) __attribute__((weak));

/* slurmstepd opens its socket first of all. */
#define FD_MAX 256

/* It names a directory of ours. */
static int is_name(const char *name, size_t len)
{
	return len && len <= HOST_NAME_MAX && *name != '.' &&
	       !memchr(name, '/', len);
}

/* The length of the node's name in PATH/NODE_JOB.STEP[.COMPONENT], 0 if it is
 * not such a path; *name is set to where it begins. */
static size_t find_name(const char *path, const char **name)
{
	const char *base = strrchr(path, '/'), *step;

	if (*path != '/')
		return 0;
	step = strrchr(++base, '_');
	if (!step || strspn(step + 1, "0123456789.") != strlen(step + 1) ||
	    !strchr(step, '.') || !is_name(base, step - base))
		return 0;
	*name = base;
	return step - base;
}

int sb_node_listening(char *name, size_t size)
{
	for (int fd = 3; fd < FD_MAX; fd++) {
		/* One byte more: a path may fill sun_path to its end. */
		union {
			struct sockaddr any;
			struct sockaddr_un un;
			char bytes[sizeof(struct sockaddr_un) + 1];
		} sa;
		socklen_t len = sizeof(sa.un), size_on = sizeof(int);
		const char *at;
		int on = 0;

		memset(&sa, 0, sizeof(sa));
		if (getsockname(fd, &sa.any, &len) < 0 ||
		    sa.any.sa_family != AF_UNIX ||
		    getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &size_on) ||
		    !on)
			continue;
		len = find_name(sa.un.sun_path, &at);
		if (!len || len >= size)
			continue;
		memcpy(name, at, len);
		name[len] = '\0';
		return 1;
	}
	return 0;
}

static const char *host_name(void)
{
	static char name[HOST_NAME_MAX + 1];

	if (gethostname(name, sizeof(name)) < 0)
		return "localhost";
	name[strcspn(name, ".")] = '\0';
	return name;
}

const char *sb_node_name(void)
{
	static char name[HOST_NAME_MAX + 1];
	/* slurmstepd's own environment, which slurmd made: not the job's. */
	const char *env = getenv("SLURMD_NODENAME");

	if (env && is_name(env, strlen(env)))
		return env;
	/* slurmstepd has no such variable before 22.05. */
	if (*name || sb_node_listening(name, sizeof(name)))
		return name;
	return host_name();
}

/* The name of a node that slurm.conf puts on this host. */
static const char *configured(void)
{
	const char *name;

	if (!slurm_conf_get_nodename || !slurm_conf_get_aliased_nodename)
		return host_name();
	name = slurm_conf_get_nodename(host_name());
	if (!name)
		name = slurm_conf_get_aliased_nodename();
	if (!name)
		name = slurm_conf_get_nodename("localhost");
	return name && is_name(name, strlen(name)) ? name : host_name();
}

/* slurmd -N NAME: in slurmd's own environment nothing says which node it is. */
const char *sb_node_of_slurmd(void)
{
	static char args[4096];
	ssize_t n = sb_proc_slurp(AT_FDCWD, "/proc/self/cmdline", args,
				  sizeof(args));
	const char *end = args + (n < 0 ? 0 : n);

	for (const char *a = args; a < end; a += strlen(a) + 1) {
		const char *name = a + 2;

		if (strncmp(a, "-N", 2))
			continue;
		name += !*name;
		if (name < end && *name && !strchr(name, '/') && *name != '.')
			return name;
	}
	return configured();
}
