/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The program that the tests of signals run: it writes down what it gets.
 *
 *	sigcount FILE [SECONDS]
 *
 * FILE.N, N being the task's number, gets a line "ready" when it has begun,
 * then a line per signal, with its name; after "child" where a child of it got
 * one. It goes on for SECONDS after SIGTERM (by default half a second, so that
 * a second one would be seen), then writes "end" and ends with 15. A line is
 * one write, at the end of the file: two processes can share it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

static int file;

static void note(const char *who, const char *what)
{
	char line[64];
	int n = snprintf(line, sizeof(line), "%s%s\n", who, what);

	if (write(file, line, n) != n)
		_exit(1);
}

static const char *name(int sig)
{
	static char number[16];
	static const struct {
		int sig;
		const char *name;
	} names[] = {
		{SIGHUP, "HUP"},   {SIGINT, "INT"},   {SIGQUIT, "QUIT"},
		{SIGUSR1, "USR1"}, {SIGUSR2, "USR2"}, {SIGTERM, "TERM"},
		{SIGCONT, "CONT"}, {SIGTSTP, "TSTP"}, {SIGALRM, "ALRM"},
		{SIGURG, "URG"},   {SIGTTIN, "TTIN"}, {SIGTTOU, "TTOU"},
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].sig == sig)
			return names[i].name;
	snprintf(number, sizeof(number), "%d", sig);
	return number;
}

static struct timespec left_until(const struct timespec *end)
{
	struct timespec now;
	long ms;

	clock_gettime(CLOCK_MONOTONIC, &now);
	ms = (end->tv_sec - now.tv_sec) * 1000 +
	     (end->tv_nsec - now.tv_nsec) / 1000000;
	if (ms < 0)
		ms = 0;
	return (struct timespec){ms / 1000, ms % 1000 * 1000000};
}

/* Writes down what comes until the time after SIGTERM is over. */
static void watch(const char *who, const sigset_t *all, int linger_ms)
{
	struct timespec end, left = {1000000, 0};
	int sig, ending = 0;

	for (;;) {
		if (ending)
			left = left_until(&end);
		sig = sigtimedwait(all, NULL, &left);
		if (sig < 0 && errno == EAGAIN && ending)
			return;
		if (sig < 0 || sig == SIGCHLD)
			continue;
		note(who, name(sig));
		if (sig != SIGTERM || ending)
			continue;
		ending = 1;
		clock_gettime(CLOCK_MONOTONIC, &end);
		end.tv_sec += linger_ms / 1000;
		end.tv_nsec += linger_ms % 1000 * 1000000;
	}
}

int main(int argc, char **argv)
{
	int linger_ms = argc > 2 ? 1000 * atof(argv[2]) : 500;
	const char *task = getenv("SLURM_PROCID");
	char path[4096];
	pid_t parent = getpid();
	sigset_t all;

	if (argc < 2)
		return 2;
	snprintf(path, sizeof(path), "%s.%s", argv[1], task ? task : "0");
	file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (file < 0) {
		perror(path);
		return 1;
	}
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	if (!fork()) {
		/* As Slurm has it, a child lives while its task does. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(0);
		watch("child ", &all, 3600 * 1000);
	}
	note("", "ready");
	watch("", &all, linger_ms);
	note("", "end");
	return 15;
}
