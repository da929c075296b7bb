/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The client side: vouches for a request. */
#define _GNU_SOURCE
#include "client.h"

#include "contract.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Removes our variables from the client's environment; unsetenv moves the
 * rest up, so the same place is looked at again. */
static void forget_inherited(void)
{
	char name[128];

	for (char **e = environ; e && *e;) {
		size_t len = strcspn(*e, "=");

		if (!strncmp(*e, SB_ENV_PREFIX, strlen(SB_ENV_PREFIX)) &&
		    (*e)[len] == '=' && len < sizeof(name)) {
			memcpy(name, *e, len);
			name[len] = '\0';
			unsetenv(name);
		} else {
			e++;
		}
	}
}

int sb_client_init(spank_t sp)
{
	(void)sp;
	/*
	 * Slurm sets SLURM_CONTAINER only where it is not set yet (22.05,
	 * src/srun/libsrun/opt.c): inside a container job it would name the
	 * job's bundle and not the one that this command line asks for.
	 */
	unsetenv(SB_ENV_CONTAINER);
	forget_inherited();
	return 0;
}

int sb_client_post_opt(spank_t sp)
{
	/* Set by Slurm from --container, or from SRUN_CONTAINER and the like,
	 * between sb_client_init and now: this step's own request. */
	const char *bundle = getenv(SB_ENV_CONTAINER);

	if (!bundle)
		return 0;
	if (setenv(SB_ENV_REQUEST, bundle, 1) < 0) {
		slurm_error("stepbox: --container=%s: %s", bundle,
			    strerror(errno));
		return -1;
	}
	/* For Prolog and Epilog scripts: SPANK_STEPBOX_CONTAINER. Slurm has
	 * no such environment for a step inside an allocation. */
	spank_job_control_setenv(sp, "STEPBOX_CONTAINER", bundle, 1);
	return 0;
}

int sb_client_same_text(const char *path, const char *text)
{
	size_t at = 0, len = strlen(text);
	char buf[4096];
	ssize_t n;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return 0;
	while ((n = read(fd, buf, sizeof(buf))) > 0) {
		if (at + n > len || memcmp(text + at, buf, n))
			break;
		at += n;
	}
	close(fd);
	return n == 0 && at == len && len > 0;
}

int sb_client_check(spank_t sp)
{
	char **argv = NULL;
	int argc = 0;

	if (!getenv(SB_ENV_REQUEST) ||
	    spank_get_item(sp, S_JOB_ARGV, &argc, &argv) != ESPANK_SUCCESS ||
	    argc < 2 || !sb_client_same_text(argv[0], argv[1]))
		return 0;
	slurm_error("stepbox: " SB_CLIENT_NO_MULTI_PROG);
	return -1;
}
