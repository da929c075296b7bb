/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The container lives in the step's cgroup. */
#define _GNU_SOURCE
#include "cgroup.h"

#include "../spank/proc.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* One line of /proc/self/cgroup, "ID:CONTROLLERS:PATH" (cgroups(7)). The
 * hierarchies are looked for where every distribution mounts them. */
static void stay_in(char *line)
{
	char path[PATH_MAX], *controllers = strchr(line, ':'), *at;
	struct stat st;

	at = controllers ? strchr(controllers + 1, ':') : NULL;
	if (!at || !strstr(at, "/slurm"))
		return;
	*at++ = '\0';
	controllers++;
	if (!strncmp(controllers, "name=", 5))
		controllers += 5;
	if (snprintf(path, sizeof(path), "/sys/fs/cgroup%s%s%s",
		     *controllers ? "/" : "", controllers,
		     at) >= (int)sizeof(path))
		return;
	if (!stat(path, &st) && st.st_uid == geteuid() && st.st_mode & S_IWUSR)
		(void)!chmod(path, st.st_mode & 0577);
}

void sb_cgroup_stay(void)
{
	char text[8192], *line, *end;

	if (sb_proc_slurp(AT_FDCWD, "/proc/self/cgroup", text, sizeof(text)) <=
	    0)
		return;
	for (line = text; *line; line = end) {
		end = line + strcspn(line, "\n");
		if (*end)
			*end++ = '\0';
		stay_in(line);
	}
}
