/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A child that does first what may not come to an end. */
#define _GNU_SOURCE
#include "trial.h"

#include "await.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <unistd.h>

/* Not RLIMIT_CPU, which counts what the parent has used, and that a site may
 * have set. */
static void limit(unsigned int seconds)
{
	const struct itimerval t = {.it_value.tv_sec = seconds};
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGPROF);
	if (signal(SIGPROF, SIG_DFL) == SIG_ERR ||
	    sigprocmask(SIG_UNBLOCK, &set, NULL) < 0 ||
	    setitimer(ITIMER_PROF, &t, NULL) < 0)
		_exit(1);
}

int sb_trial(unsigned int seconds, int *status)
{
	pid_t parent = getpid(), pid = fork();

	if (pid < 0)
		return -1;
	if (!pid) {
		if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
			_exit(1);
		limit(seconds);
		return 1;
	}
	return sb_await(pid, status);
}
