/* SPDX-License-Identifier: GPL-2.0-or-later */
/* stepbox kill: a signal to the tasks of containers. */
#define _GNU_SOURCE
#include "killverb.h"

#include "../spank/contract.h"
#include "../spank/proc.h"
#include "asowner.h"
#include "containers.h"
#include "mem.h"
#include "target.h"
#include "verb.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/syscall.h>
#include <time.h>

/* For the steps of one user. */
#define SECONDS 10
/* How long a container may take to begin, in steps of 10 ms. */
#define AWAIT 500
/* How many an exit status can tell. */
#define MAX_COUNT 100

static const struct option kill_options[] = {
	{"signal", required_argument, NULL, 's'},
	{"conf", required_argument, NULL, 'c'},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static const char help[] =
	"usage: stepbox kill [-s SIGNAL] [--conf=PATH] JOB[.STEP[.TASK]]\n"
	"Sends a signal to the tasks of your containers on this node; as root, "
	"of\neverybody's.\n"
	"  -s, --signal=SIGNAL  its name or number (default: TERM)\n"
	"  --conf=PATH          the site's configuration (" SB_CONF_PATH ")\n";

/* signal(7); names that sigabbrev_np(3), of glibc 2.32, would know. */
static const struct {
	const char *name;
	int number;
} signals[] = {
	{"HUP", SIGHUP},   {"INT", SIGINT},	  {"QUIT", SIGQUIT},
	{"ILL", SIGILL},   {"TRAP", SIGTRAP},	  {"ABRT", SIGABRT},
	{"BUS", SIGBUS},   {"FPE", SIGFPE},	  {"KILL", SIGKILL},
	{"USR1", SIGUSR1}, {"SEGV", SIGSEGV},	  {"USR2", SIGUSR2},
	{"PIPE", SIGPIPE}, {"ALRM", SIGALRM},	  {"TERM", SIGTERM},
	{"CHLD", SIGCHLD}, {"CONT", SIGCONT},	  {"STOP", SIGSTOP},
	{"TSTP", SIGTSTP}, {"TTIN", SIGTTIN},	  {"TTOU", SIGTTOU},
	{"URG", SIGURG},   {"XCPU", SIGXCPU},	  {"XFSZ", SIGXFSZ},
	{"PROF", SIGPROF}, {"VTALRM", SIGVTALRM}, {"WINCH", SIGWINCH},
	{"IO", SIGIO},	   {"PWR", SIGPWR},	  {"SYS", SIGSYS},
};

int sb_killverb_signal(const char *name)
{
	const char *s = name;
	long long n = sb_proc_number(&s, SIGRTMAX);

	if (n >= 0)
		return *s ? -1 : n;
	if (!strncasecmp(name, "SIG", 3))
		name += 3;
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		if (!strcasecmp(name, signals[i].name))
			return signals[i].number;
	return -1;
}

struct work {
	struct sb_target target;
	const char *conf;
	int signal;
	int count, denied;
};

static int send_to(pid_t pid, unsigned long long start, int sig)
{
	_cleanup_fd_ int fd = syscall(SYS_pidfd_open, pid, 0);

	if (fd < 0 && errno != ENOSYS)
		return -1;
	/* Open first, look then: what is seen is what the pidfd stands for. */
	if (!sb_proc_is(pid, start)) {
		errno = ESRCH;
		return -1;
	}
	return fd < 0 ? kill(pid, sig)
		      : syscall(SYS_pidfd_send_signal, fd, sig, NULL, 0);
}

/* What nobody can pass on, and what belongs to that. */
static int goes_straight(int sig)
{
	return sig == SIGSTOP || sig == SIGCONT || sig == SIGKILL;
}

/* The command, an init's first child. Before that is there the runtime has the
 * process, or the init is not yet ready: what comes then is lost. */
static pid_t await_command(const struct sb_container *c)
{
	const struct timespec nap = {.tv_nsec = 10000000};
	pid_t pid;

	for (int i = 0; i < AWAIT && sb_proc_is(c->pid, c->start); i++) {
		if (sb_proc_children(c->pid, &pid, 1) == 1)
			return pid;
		nanosleep(&nap, NULL);
	}
	return 0;
}

/* The container's process is our init, which passes on what it can get, or the
 * command itself. The init's first child is the command; what the command has
 * left to it comes behind. By SIGKILL all of it is to end. */
static int send_to_own(const struct sb_container *c, int sig)
{
	pid_t command = c->init && sig != SIGKILL ? await_command(c) : 0;
	struct sb_proc p;

	if (command && goes_straight(sig) && !sb_proc_read(command, &p) &&
	    p.ppid == c->pid)
		return send_to(command, p.start, sig);
	return send_to(c->pid, c->start, sig);
}

/* Of those who share one: a runtime's exec that stands for the task outside
 * passes on what it can get. */
static int send_to_joined(const struct sb_ctask *t, int sig)
{
	return goes_straight(sig) ? send_to(t->inside, t->inside_start, sig)
				  : send_to(t->pid, t->start, sig);
}

static int one_container(const struct sb_container *c, void *arg)
{
	struct work *w = arg;

	for (size_t i = 0; i < c->n; i++) {
		const struct sb_ctask *t = &c->tasks[i];

		if (!t->pid ||
		    (w->target.has_task && w->target.task != t->rank))
			continue;
		if (!(c->shared ? send_to_joined(t, w->signal)
				: send_to_own(c, w->signal)))
			w->count++;
		else if (errno != ESRCH)
			w->denied = errno;
	}
	return 0;
}

static int one_step(int dir, int out, void *arg)
{
	struct work *w = arg;
	struct sb_err err;

	(void)out;
	w->count = 0;
	sb_containers_each(dir, one_container, w, &err);
	return w->count < MAX_COUNT ? w->count : MAX_COUNT;
}

static int send_all(struct work *w, struct sb_err *err)
{
	struct sb_steps steps;
	int rc = sb_verb_steps(&steps, w->conf, err), count = 0, n;

	for (size_t i = 0; !rc && i < steps.n; i++) {
		const struct sb_step *s = &steps.v[i];

		if (s->job != w->target.job ||
		    (w->target.has_step && s->step != w->target.step))
			continue;
		n = sb_asowner(s, one_step, w, SECONDS, err);
		if (n >= 0)
			count += n;
		else if (errno != ENOENT)
			rc = -1;
	}
	sb_steps_free(&steps);
	if (!rc && w->denied)
		return sb_fail(err, SB_FAIL, "signal %d: %s", w->signal,
			       strerror(w->denied));
	if (!rc && !count)
		return sb_fail(err, SB_FAIL,
			       "no such task runs on this machine (see stepbox "
			       "ps)");
	return rc;
}

int sb_killverb(int argc, char **argv)
{
	struct work w = {.conf = SB_CONF_PATH, .signal = SIGTERM};
	const char *name = "TERM";
	struct sb_err err;
	int c, rc;

	while ((c = sb_verb_option(argc, argv, ":s:h", kill_options, &err)) >
	       0) {
		if (c == 'h')
			return fputs(help, stdout) < 0 ? SB_FAIL : 0;
		if (c == 's')
			name = optarg;
		if (c == 'c')
			w.conf = optarg;
	}
	rc = c;
	w.signal = sb_killverb_signal(name);
	if (!rc && w.signal < 0)
		rc = sb_fail(&err, SB_FAIL, "-s %s: no such signal", name);
	if (!rc && argc - optind != 1)
		rc = sb_fail(&err, SB_FAIL,
			     "needs one JOB[.STEP[.TASK]] (see stepbox kill "
			     "--help)");
	if (!rc)
		rc = sb_target_parse(&w.target, argv[optind], &err);
	if (!rc)
		rc = send_all(&w, &err);
	return rc < 0 ? sb_verb_failed("kill", &err) : 0;
}
