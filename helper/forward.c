/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RunTimeRun as a child. */
#define _GNU_SOURCE
#include "forward.h"

#include "../spank/contract.h"
#include "mem.h"
#include "runtime.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static void __attribute__((noreturn))
child(char **words, char **env, const sigset_t *mask)
{
	char text[SB_ERR_ESCAPED];
	struct sb_err err;

	sigprocmask(SIG_SETMASK, mask, NULL);
	sb_runtime_exec(words, env, &err);
	sb_escape(text, sizeof(text), err.text);
	fprintf(stderr, "stepbox: %s\n", text);
	_exit(err.code);
}

/* What ^Z does to a process group, as far as it does: nothing to a session's
 * leader. */
static void stop_too(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTSTP);
	raise(SIGTSTP);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

int sb_forward_run(char **words, char **env, int *status, struct sb_err *err)
{
	sigset_t all, mask;
	siginfo_t si;
	pid_t pid;

	/* First: no signal may come between, and end us alone. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &mask);
	pid = fork();
	if (pid < 0)
		return sb_fail(err, SB_FAIL, "fork: %s", strerror(errno));
	if (!pid)
		child(words, env, &mask);
	for (;;) {
		if (waitpid(pid, status, WNOHANG) == pid)
			return 0;
		if (sigwaitinfo(&all, &si) < 0)
			continue;
		/* The kernel's own are a terminal's: the child has them, too.
		 */
		if (si.si_signo == SIGTSTP && si.si_code == SI_KERNEL)
			stop_too();
		else if (si.si_signo != SIGCHLD && si.si_code != SI_KERNEL)
			kill(pid, si.si_signo);
	}
}
