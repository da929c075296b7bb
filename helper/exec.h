/* SPDX-License-Identifier: GPL-2.0-or-later */
/* stepbox exec: a command in a container that runs. */
#ifndef SB_EXEC_H
#define SB_EXEC_H

/*
 * The verb; argv[0] is its name. Becomes the command, or stands before it: then
 * it ends as the command does. Returns SB_FAIL, SB_NOEXEC or SB_NOENT where the
 * command was not started.
 */
int sb_exec(int argc, char **argv);

#endif
