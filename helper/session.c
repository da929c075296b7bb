/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What of the user's session follows him into the container. */
#define _GNU_SOURCE
#include "session.h"

#include "../spank/contract.h"
#include "exclude.h"
#include "fdio.h"
#include "mem.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define X11_SOCKETS "/tmp/.X11-unix"

/* Mounts file and points the variable to where it is inside. */
static int show(struct sb_mounts *m, const char *place, const char *name,
		const char *file, const char *variable, struct sb_strv *env,
		struct sb_err *err)
{
	const char *inside = sb_mounts_path(m, place, name);
	char *set = NULL;

	if (!inside || asprintf(&set, "%s=%s", variable, inside) < 0)
		return sb_no_memory(err);
	sb_strv_take(env, set);
	return sb_mounts_bind(m, file, inside, "bind", err);
}

static int is_socket(const char *path)
{
	struct stat st;

	return path && *path == '/' && !stat(path, &st) && S_ISSOCK(st.st_mode);
}

/* Whom X clients prove themselves by: Xsecurity(7). */
static const char *xauthority(char *buf, size_t size)
{
	const char *file = getenv("XAUTHORITY"), *home = getenv("HOME");
	struct stat st;

	if (!file && home &&
	    snprintf(buf, size, "%s/.Xauthority", home) < (int)size)
		file = buf;
	return file && *file == '/' && !stat(file, &st) && S_ISREG(st.st_mode)
		       ? file
		       : NULL;
}

/* A variable of the job's that the container is to have; *value NULL: it is
 * not. */
static int variable(const struct sb_session_of *of, const char *name,
		    const char **value, struct sb_err *err)
{
	_cleanup_free_ char *whole = NULL;
	int out;

	*value = getenv(name);
	if (!*value || !of->exclude)
		return 0;
	if (asprintf(&whole, "%s=%s", name, *value) < 0) {
		whole = NULL;
		return sb_no_memory(err);
	}
	out = sb_exclude_match(of->exclude, whole);
	if (out)
		*value = NULL;
	return out < 0 ? sb_no_memory(err) : 0;
}

static int show_sockets(struct sb_mounts *m, const struct sb_session_of *of,
			struct sb_err *err)
{
	if (access(X11_SOCKETS, X_OK) < 0 ||
	    (of->no_points &&
	     !sb_fdio_in_root(of->bundle->rootfs_fd, X11_SOCKETS) &&
	     !sb_spec_covers(of->bundle->config.root, X11_SOCKETS) &&
	     !sb_mounts_cover(m, X11_SOCKETS)))
		return 0;
	return sb_mounts_bind(m, X11_SOCKETS, X11_SOCKETS, "rbind", err);
}

int sb_session_plan(struct sb_mounts *m, const struct sb_session_of *of,
		    struct sb_strv *env, struct sb_err *err)
{
	const char *agent, *display, *file;
	char buf[PATH_MAX];

	if (variable(of, "SSH_AUTH_SOCK", &agent, err) < 0 ||
	    variable(of, "DISPLAY", &display, err) < 0)
		return -1;
	if (is_socket(agent) && show(m, of->place, "ssh-agent", agent,
				     "SSH_AUTH_SOCK", env, err) < 0)
		return -1;
	if (!display || !*display)
		return 0;
	file = xauthority(buf, sizeof(buf));
	if (file &&
	    show(m, of->place, "xauthority", file, "XAUTHORITY", env, err) < 0)
		return -1;
	return *display == ':' ? show_sockets(m, of, err) : 0;
}
