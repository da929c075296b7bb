/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The controlling terminal. */
#define _GNU_SOURCE
#include "tty.h"

#include <signal.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

void sb_tty_release(void)
{
	struct timespec none = {0};
	sigset_t hup;

	if (ioctl(STDIN_FILENO, TIOCNOTTY) < 0)
		return;
	sigemptyset(&hup);
	sigaddset(&hup, SIGHUP);
	sigaddset(&hup, SIGCONT);
	while (sigtimedwait(&hup, NULL, &none) > 0)
		;
}

void sb_tty_stop_too(int sig)
{
	if ((sig == SIGTSTP || sig == SIGTTIN || sig == SIGTTOU) &&
	    isatty(STDIN_FILENO))
		raise(SIGSTOP);
}
