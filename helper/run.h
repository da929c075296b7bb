/* SPDX-License-Identifier: GPL-2.0-or-later */
/* stepbox run: a task's command in a container. */
#ifndef SB_RUN_H
#define SB_RUN_H

/* The verb. Returns the exit code, unless it becomes the runtime. */
int sb_run(int argc, char **argv);

#endif
