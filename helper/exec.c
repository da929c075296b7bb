/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stepbox exec: a command in a container that runs, with what a task of it has:
 * namespaces, environment, working directory, capabilities, filters. Where the
 * tasks are processes of the node, as they are in a container that they share,
 * and no terminal is asked for, the caller becomes the command, as they did;
 * else a child does, before which the caller stands (attend.c).
 */
#define _GNU_SOURCE
#include "exec.h"

#include "../spank/contract.h"
#include "../spank/proc.h"
#include "attend.h"
#include "enter.h"
#include "env.h"
#include "fdio.h"
#include "filter.h"
#include "find.h"
#include "mem.h"
#include "ownwords.h"
#include "recipe.h"
#include "report.h"
#include "supervise.h"
#include "verb.h"

#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>

/* More than the kernel takes: execve(2), three quarters of 8 MiB. */
#define MAX_ENVIRONMENT (8 << 20)

static const struct option exec_options[] = {
	{"terminal", no_argument, NULL, 't'},
	{"conf", required_argument, NULL, 'c'},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static const char help[] =
	"usage: stepbox exec [-t] [--conf=PATH] JOB[.STEP[.TASK]] COMMAND "
	"[ARG...]\n"
	"Runs COMMAND in a container of yours on this node, beside its task.\n"
	"  -t, --terminal  give it a terminal (default: if it has one)\n"
	"  --conf=PATH     the site's configuration (" SB_CONF_PATH ")\n"
	"From elsewhere: srun --overlap --jobid=JOB -w NODE -n1 --pty stepbox "
	"exec JOB sh\n";

struct exec {
	int terminal;
	const char *conf;
	struct sb_target target;
	char **command;
	struct sb_steps steps;
	struct sb_found found;
	char where[64 + HOST_NAME_MAX];
	/* What the container has. */
	pid_t pid; /* its process */
	struct sb_spaces spaces;
	int identify;		    /* -u: see sb_entry */
	int filter;		    /* a file for the init; -1: none */
	struct sb_strv words, args; /* the init's */
	struct sb_strv env;
	int cwd, init_dir;
};

/* ---- the container ---- */

/* Its own process, which holds it however its tasks end; only if that one was
 * killed, the task's. */
static int open_spaces(struct exec *e, struct sb_err *err)
{
	const struct sb_container *c = &e->found.c;
	const struct sb_ctask *t = &e->found.task;
	int rc = 1;

	/* What it has made of namespaces, and of its process, is its own. */
	if (!strcmp(c->mode, SB_REPORT_DIRECT))
		return sb_fail(err, SB_FAIL,
			       "the runtime of this container is no OCI "
			       "runtime: enter it by its own means (pid %d)",
			       t->pid);
	if (c->pid) {
		e->pid = c->pid;
		rc = sb_spaces_open(&e->spaces, c->pid, c->start, SB_SPACE_ANY,
				    err);
	}
	if (rc > 0) {
		sb_spaces_close(&e->spaces);
		e->pid = t->pid;
		rc = sb_spaces_open(&e->spaces, t->pid, t->start, SB_SPACE_ANY,
				    err);
	}
	if (rc > 0)
		return sb_fail(err, SB_FAIL, "the container has just ended");
	if (!rc && e->spaces.fd[SB_SPACE_MNT] < 0)
		return sb_fail(err, SB_FAIL,
			       "the containers of %s are not namespaces: use "
			       "its own exec",
			       *c->runtime ? c->runtime : "its runtime");
	return rc;
}

static int read_shared(struct exec *e, int dir, struct sb_err *err)
{
	struct sb_recipe recipe;
	int rc = sb_recipe_read(&recipe, dir, err);

	for (size_t i = 0; !rc && i < recipe.words.n; i++)
		sb_strv_add(&e->words, recipe.words.v[i]);
	/* By RunTimeExec each task makes himself the user: so do we. */
	e->identify = !rc && recipe.identity && e->spaces.inner < 0;
	sb_recipe_free(&recipe);
	return rc;
}

/* The runtime had the filter from config.json; the init gets it as a file that
 * lies nowhere. */
static int add_filter(struct exec *e, const struct sb_seccomp_src *src,
		      struct sb_err *err)
{
	_cleanup_fd_ int fd = memfd_create("seccomp", MFD_CLOEXEC);
	_cleanup_buf_ struct sb_buf b = {0};
	char number[16];

	if (sb_filter_program(src, &b, NULL, err) < 0)
		return -1;
	if (fd < 0 || sb_fdio_write_all(fd, b.data, b.len) < 0 ||
	    lseek(fd, 0, SEEK_SET) < 0)
		return sb_fail(err, SB_FAIL, "memfd: %s", strerror(errno));
	snprintf(number, sizeof(number), "%d", fd);
	sb_strv_add(&e->words, "-p");
	sb_strv_add(&e->words, number);
	if (e->words.failed)
		return sb_no_memory(err);
	e->filter = steal_fd(&fd);
	return 0;
}

static int read_own(struct exec *e, int dir, struct sb_err *err)
{
	struct sb_json doc = {.root = NULL};
	struct sb_seccomp_src src = {.what = "config.json: linux.seccomp"};
	_cleanup_free_ char *text = NULL;
	size_t len;
	int rc;

	text = sb_fdio_read(dir, "config.json", SB_JSON_MAX_SIZE, "config.json",
			    &len, err);
	if (!text)
		return -1;
	rc = sb_json_parse(&doc, text, len, err);
	if (!rc)
		rc = sb_ownwords(doc.root, &e->words, &src.json, err);
	src.mark = doc.mark;
	if (!rc && src.json)
		rc = add_filter(e, &src, err);
	sb_json_free(&doc);
	return rc;
}

static int read_container(struct exec *e, struct sb_err *err)
{
	_cleanup_fd_ int dir =
		openat(e->found.dir, e->found.c.name,
		       O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (dir < 0)
		return sb_fail(err, SB_FAIL, "%s: %s", e->found.c.name,
			       strerror(errno));
	return e->found.c.shared ? read_shared(e, dir, err)
				 : read_own(e, dir, err);
}

/* ---- the task ---- */

/* How long a task may take to enter, in steps of 10 ms. */
#define TRIES 500

/* Makes the found task the process that is in the container: what it has
 * outside is the node's, its directory before all. */
static int find_inside(struct exec *e, struct sb_err *err)
{
	const struct timespec nap = {.tv_nsec = 10000000};
	struct sb_ctask *t = &e->found.task;
	unsigned long long start;
	pid_t pid;

	for (int i = 0; i < TRIES && sb_proc_is(t->pid, t->start); i++) {
		pid = sb_enter_inside(e->spaces.fd[SB_SPACE_MNT], t->pid,
				      &start);
		if (pid) {
			t->pid = pid;
			t->start = start;
			return 0;
		}
		nanosleep(&nap, NULL);
	}
	return sb_fail(err, SB_FAIL, "the task is not in its container");
}

/* The environment that the command was started with. TERM is the terminal's,
 * which is the caller's and not the task's. */
static int read_environment(struct exec *e, struct sb_err *err)
{
	_cleanup_free_ char *text = malloc(MAX_ENVIRONMENT);
	const char *term = e->terminal ? getenv("TERM") : NULL;
	char path[64], var[256];
	ssize_t len;

	if (!text)
		return sb_no_memory(err);
	snprintf(path, sizeof(path), "/proc/%d/environ", e->found.task.pid);
	len = sb_proc_slurp(AT_FDCWD, path, text, MAX_ENVIRONMENT);
	if (len < 0)
		return sb_fail(err, SB_FAIL, "the task's environment: %s",
			       strerror(errno));
	if (term &&
	    snprintf(var, sizeof(var), "TERM=%s", term) < (int)sizeof(var))
		sb_strv_add(&e->env, var);
	else
		term = NULL;
	for (char *s = text; s < text + len; s += strlen(s) + 1)
		if (!term || strncmp(s, "TERM=", 5))
			sb_strv_add(&e->env, s);
	return e->env.failed ? sb_no_memory(err) : 0;
}

static int open_cwd(struct exec *e, struct sb_err *err)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/cwd", e->found.task.pid);
	e->cwd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (e->cwd < 0)
		return sb_fail(err, SB_FAIL, "the task's working directory: %s",
			       strerror(errno));
	return 0;
}

/* The node's own copy, by its directory, which stays in reach: a container
 * whose Init is no has none. */
static int open_init(struct exec *e, struct sb_err *err)
{
	char dir[] = SB_INIT_PATH;

	*strrchr(dir, '/') = '\0';
	e->init_dir = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (e->init_dir < 0 || faccessat(e->init_dir, "init", X_OK, 0) < 0)
		return sb_fail(err, SB_FAIL, "init %s: %s", SB_INIT_PATH,
			       strerror(errno));
	return 0;
}

static int make_args(struct exec *e, struct sb_err *err)
{
	const struct sb_entry entry = {
		.init = "init",
		.where = e->where,
		.identify = e->identify,
		.uid = geteuid(),
		.gid = getegid(),
		.inner = e->spaces.inner,
		.words = &e->words,
	};

	if (sb_entry_words(&entry, &e->args, err) < 0)
		return -1;
	for (char **word = e->command; *word; word++)
		sb_strv_add(&e->args, *word);
	return e->args.failed ? sb_no_memory(err) : 0;
}

static int prepare(struct exec *e, struct sb_err *err)
{
	const struct sb_step *s;

	if (sb_verb_steps(&e->steps, e->conf, err) < 0 ||
	    sb_find(&e->found, &e->target, &e->steps, err) < 0)
		return -1;
	s = e->found.step;
	snprintf(e->where, sizeof(e->where), "node %s, exec", sb_step_node(s));
	if (open_spaces(e, err) < 0 || read_container(e, err) < 0 ||
	    find_inside(e, err) < 0 || read_environment(e, err) < 0 ||
	    open_cwd(e, err) < 0 || open_init(e, err) < 0)
		return -1;
	/* What was read by its number is the task's if that lives still. */
	if (!sb_proc_is(e->found.task.pid, e->found.task.start))
		return sb_fail(err, SB_FAIL, "the task has just ended");
	return make_args(e, err);
}

/* ---- the command ---- */

/* Whoever is in the pid namespace becomes the command. */
static int become(struct exec *e, struct sb_err *err)
{
	if (sb_spaces_enter(&e->spaces, SB_SPACE_ANY, err) < 0)
		return -1;
	if (fchdir(e->cwd) < 0 && chdir("/") < 0)
		return sb_fail(err, SB_FAIL, "working directory: %s",
			       strerror(errno));
	/* Through one of a directory its program could leave the container. */
	sb_fdio_end_at_exec(STDERR_FILENO + 1);
	if (e->spaces.inner >= 0)
		fcntl(e->spaces.inner, F_SETFD, 0);
	if (e->filter >= 0)
		fcntl(e->filter, F_SETFD, 0);
	syscall(SYS_execveat, e->init_dir, "init", e->args.v, e->env.v, 0);
	return sb_fail(err, SB_FAIL, "init %s: %s", SB_INIT_PATH,
		       strerror(errno));
}

static int take_terminal(int slave, struct sb_err *err)
{
	if (setsid() < 0 || ioctl(slave, TIOCSCTTY, 0) < 0)
		return sb_fail(err, SB_FAIL, "terminal: %s", strerror(errno));
	for (int fd = 0; fd < 3; fd++)
		if (dup2(slave, fd) < 0)
			return sb_fail(err, SB_FAIL, "terminal: %s",
				       strerror(errno));
	return 0;
}

static void __attribute__((noreturn))
child(struct exec *e, const struct sb_attend *a, int slave, pid_t parent)
{
	_cleanup_fd_ int errors = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	struct sb_err err;
	int rc = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* In another pid namespace it has no number. */
	if (getppid() != parent && getppid())
		_exit(SB_FAIL);
	if (slave >= 0)
		rc = take_terminal(slave, &err);
	sigprocmask(SIG_SETMASK, &a->mask, NULL);
	if (!rc)
		become(e, &err);
	if (errors >= 0)
		dup2(errors, STDERR_FILENO);
	sb_verb_failed("exec", &err);
	_exit(err.code);
}

/* The container's end is the command's, even where no pid namespace ends. */
static int watch(const struct exec *e)
{
	return syscall(SYS_pidfd_open, e->pid, 0);
}

static int by_child(struct exec *e, struct sb_err *err)
{
	struct sb_attend a = SB_ATTEND_NONE;
	_cleanup_fd_ int slave = -1;
	pid_t self = getpid();
	int status, rc = 0;

	a.container = watch(e);
	if (e->terminal)
		rc = sb_attend_terminal(&a, e->pid, &slave, err);
	if (!rc)
		rc = sb_attend_block(&a, err);
	/* The child is to be in it: only then it is made. */
	if (!rc)
		rc = sb_spaces_enter(&e->spaces, 1 << SB_SPACE_PID, err);
	if (!rc) {
		a.child = fork();
		if (!a.child)
			child(e, &a, slave, self);
		if (a.child < 0)
			rc = sb_fail(err, SB_FAIL, "fork: %s", strerror(errno));
	}
	sb_cleanup_fd(&slave);
	slave = -1;
	if (!rc)
		status = sb_attend(&a);
	sb_attend_close(&a);
	if (rc)
		return rc;
	sb_supervise_exit_as(status);
}

static int read_line(struct exec *e, int argc, char **argv, struct sb_err *err)
{
	int c;

	e->terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
	while ((c = sb_verb_option(argc, argv, "+:th", exec_options, err)) >
	       0) {
		if (c == 'h')
			return 1;
		e->terminal |= c == 't';
		if (c == 'c')
			e->conf = optarg;
	}
	if (c < 0)
		return -1;
	if (argc - optind < 2)
		return sb_fail(err, SB_FAIL,
			       "needs JOB[.STEP[.TASK]] and a command (see "
			       "stepbox exec --help)");
	e->command = argv + optind + 1;
	return sb_target_parse(&e->target, argv[optind], err);
}

int sb_exec(int argc, char **argv)
{
	struct exec e = {.conf = SB_CONF_PATH,
			 .found = {.dir = -1},
			 .spaces = SB_SPACES_NONE,
			 .filter = -1,
			 .cwd = -1,
			 .init_dir = -1};
	struct sb_err err;
	int rc = read_line(&e, argc, argv, &err);

	if (rc > 0)
		return fputs(help, stdout) < 0 ? SB_FAIL : 0;
	if (!rc)
		rc = prepare(&e, &err);
	/* Neither returns but with an error. */
	if (!rc && e.found.c.shared && !e.terminal)
		become(&e, &err);
	else if (!rc)
		by_child(&e, &err);
	sb_spaces_close(&e.spaces);
	sb_found_free(&e.found);
	sb_steps_free(&e.steps);
	sb_strv_free(&e.words);
	sb_strv_free(&e.args);
	sb_strv_free(&e.env);
	sb_cleanup_fd(&e.filter);
	sb_cleanup_fd(&e.cwd);
	sb_cleanup_fd(&e.init_dir);
	return sb_verb_failed("exec", &err);
}
