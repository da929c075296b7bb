/* SPDX-License-Identifier: GPL-2.0-or-later */
/* stepbox: the helper program; its verbs are this table. */
#include "../spank/contract.h"
#include "checkverb.h"
#include "clean.h"
#include "exec.h"
#include "handoff.h"
#include "job.h"
#include "killverb.h"
#include "mem.h"
#include "ps.h"
#include "run.h"
#include "show.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static int version(int argc, char **argv)
{
	(void)argc, (void)argv;
	puts("stepbox " SB_VERSION);
	return 0;
}

static const struct {
	const char *name;
	int (*fn)(int argc, char **argv);
	const char *help;
} verbs[] = {
	{"run", sb_run, "run a command in a container (run --help)"},
	{"check", sb_checkverb, "find what is wrong (check --help)"},
	{"show", sb_show, "show what run would do (show --help)"},
	{"handoff", sb_handoff, "the same as run, called by Slurm: oci.conf"},
	{"exec", sb_exec, "run a command in a container that runs"},
	{"ps", sb_ps, "list this node's containers (ps --help)"},
	{"kill", sb_killverb, "send a signal to a container's tasks"},
	{"clean", sb_clean, "remove what dead steps have left"},
	{"version", version, "print the version"},
};

static int usage(FILE *to, int code)
{
	fputs("usage: stepbox VERB [ARG...]\n", to);
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		fprintf(to, "  %-10s %s\n", verbs[i].name, verbs[i].help);
	return code;
}

/* What we open is not to get the number of a closed one of these: messages
 * would go there, and runtimes want all three. */
static int open_missing(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
			return -1;
	return 0;
}

int main(int argc, char **argv)
{
	if (open_missing() < 0) {
		perror("stepbox: /dev/null");
		return SB_FAIL;
	}
	/* Inherited as ignored, it would hide every child's exit status. */
	signal(SIGCHLD, SIG_DFL);
	/* Executed in place of a command whose argv[0] it could not keep. */
	if (getenv(SB_ENV_ARGV0))
		return sb_run(argc, argv);
	if (argc < 2)
		return usage(stderr, SB_FAIL);
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "help"))
		return usage(stdout, 0);
	if (!strcmp(argv[1], "--version"))
		return version(argc, argv);
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		if (!strcmp(argv[1], verbs[i].name))
			return verbs[i].fn(argc - 1, argv + 1);
	fprintf(stderr, "stepbox: %s: no such verb\n", argv[1]);
	return usage(stderr, SB_FAIL);
}
