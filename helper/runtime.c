/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls of the OCI runtime. */
#define _GNU_SOURCE
#include "runtime.h"

#include "../spank/contract.h"
#include "await.h"
#include "env.h"
#include "fdio.h"
#include "mem.h"
#include "mpi.h"
#include "way.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

/* What a side call may write at all. */
#define MAX_OUTPUT 65536

/* ---- the program ---- */

static int check_program(const char *path, struct sb_err *err)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return sb_fail(err, errno == ENOENT ? SB_NOENT : SB_NOEXEC,
			       "runtime %s: %s", path, strerror(errno));
	/* Whoever can change it would act as every user of the site. */
	if (st.st_uid || st.st_mode & 022)
		return sb_fail(err, SB_NOEXEC,
			       "runtime %s: must be root's and writable by "
			       "root alone",
			       path);
	if (!S_ISREG(st.st_mode) || access(path, X_OK) < 0)
		return sb_fail(err, SB_NOEXEC, "runtime %s: %s", path,
			       S_ISREG(st.st_mode) ? strerror(errno)
						   : "not a file");
	return 0;
}

static char *checked(const char *path, struct sb_err *err)
{
	char *copy;

	if (check_program(path, err) < 0 || sb_way_check(path, err) < 0)
		return NULL;
	copy = strdup(path);
	if (!copy)
		sb_no_memory(err);
	return copy;
}

char *sb_runtime_program(const char *name, struct sb_err *err)
{
	const char *p = SB_RUNTIME_PATH;
	char path[PATH_MAX];

	if (strchr(name, '/')) {
		if (*name != '/') {
			sb_fail(err, SB_FAIL, "runtime %s: not absolute", name);
			return NULL;
		}
		return checked(name, err);
	}
	while (*p) {
		size_t len = strcspn(p, ":");

		snprintf(path, sizeof(path), "%.*s/%s", (int)len, p, name);
		if (!access(path, F_OK))
			return checked(path, err);
		p += len + (p[len] == ':');
	}
	sb_fail(err, SB_NOENT, "runtime %s: not found in %s", name,
		SB_RUNTIME_PATH);
	return NULL;
}

int sb_runtime_state_outside(const struct sb_conf *conf)
{
	const char *pattern = conf->pattern[SB_OP_DELETE];

	return pattern && !sb_pattern_uses(pattern, 'm') &&
	       (conf->ignore_config || !sb_pattern_uses(pattern, 'b')) &&
	       !sb_pattern_uses(pattern, 'p');
}

/* Whether the operation may be called at all. */
static int is_used(const struct sb_conf *conf, enum sb_op op, int create)
{
	if (create && op != SB_OP_RUN)
		return 1;
	if (conf->mode == SB_MODE_CREATE)
		return 0;
	if (conf->ignore_config)
		return op == SB_OP_RUN || op == SB_OP_KILL ||
		       op == SB_OP_DELETE;
	return op == SB_OP_RUN ||
	       (op == SB_OP_DELETE && sb_runtime_state_outside(conf));
}

int sb_runtime_find(struct sb_runtime *rt, int create, struct sb_err *err)
{
	create = sb_conf_has_create(rt->conf) &&
		 (create || rt->conf->mode == SB_MODE_CREATE);
	for (int op = 0; op < SB_OPS; op++) {
		_cleanup_strv_ struct sb_strv words = {0};

		if (!rt->conf->pattern[op] || !is_used(rt->conf, op, create))
			continue;
		if (sb_pattern_expand(rt->conf->pattern[op], &rt->values,
				      &words, err) == 0)
			rt->program[op] = sb_runtime_program(words.v[0], err);
		if (!rt->program[op])
			return sb_wrap(err, "%s", sb_conf_op_key(op));
	}
	return 0;
}

void sb_runtime_free(struct sb_runtime *rt)
{
	for (int op = 0; op < SB_OPS; op++)
		sb_cleanup_free(&rt->program[op]);
	sb_strv_free(&rt->env);
}

void sb_runtime_process(struct sb_runtime *rt, pid_t pid)
{
	static const char none[] = "4294967295"; /* as in oci.conf(5) */

	rt->process[0] = '\0';
	if (pid > 1)
		snprintf(rt->process, sizeof(rt->process), "%d", pid);
	rt->values.letter['p'] = pid > 1 ? rt->process : none;
}

int sb_runtime_words(const struct sb_runtime *rt, enum sb_op op,
		     struct sb_strv *words, struct sb_err *err)
{
	char *program = strdup(rt->program[op]);

	if (!program)
		return sb_no_memory(err);
	if (sb_pattern_expand(rt->conf->pattern[op], &rt->values, words, err) <
	    0) {
		free(program);
		return sb_wrap(err, "%s", sb_conf_op_key(op));
	}
	free(words->v[0]);
	words->v[0] = program;
	return 0;
}

int sb_runtime_environ(struct sb_runtime *rt, struct sb_err *err)
{
	return sb_env_runtime(environ, sb_conf_runtime_env_exclude(rt->conf),
			      &rt->env, err);
}

int sb_runtime_environ_direct(struct sb_runtime *rt, char **env,
			      struct sb_err *err)
{
	return sb_env_direct(env, sb_conf_runtime_env_exclude(rt->conf),
			     &rt->env, err);
}

/* ---- the call ---- */

static int fail_exec(const char *path, int errnum, struct sb_err *err)
{
	return sb_fail(err, errnum == ENOENT ? SB_NOENT : SB_NOEXEC,
		       "runtime %s: %s", path, strerror(errnum));
}

int sb_runtime_exec(char **words, char **env, struct sb_err *err)
{
	int fd = sb_mpi_fd(environ);

	return sb_runtime_execute(
		words, env, fd == SB_MPI_FD ? SB_MPI_FD + 1 : SB_MPI_FD, err);
}

int sb_runtime_execute(char **words, char **env, int first, struct sb_err *err)
{
	/* The runtime's own CVEs with leaked descriptors (CVE-2024-21626) are
	 * not to have ours to work with. */
	sb_fdio_end_at_exec(first);
	execve(words[0], words, env);
	return fail_exec(words[0], errno, err);
}

static void __attribute__((noreturn))
child(char **words, char **env, const sigset_t *mask, int out, int why,
      pid_t caller)
{
	struct sb_err err;

	if (out >= 0) {
		int null = open("/dev/null", O_RDWR | O_CLOEXEC);

		if (dup2(null, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0)
			_exit(SB_FAIL);
		/* To be killed with whatever it starts. */
		setpgid(0, 0);
	}
	signal(SIGPIPE, SIG_DFL);
	/* What a killed caller had begun nobody would ever end. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != caller)
		_exit(SB_FAIL);
	sigprocmask(SIG_SETMASK, mask, NULL);
	sb_runtime_exec(words, env, &err);
	/* No other way: what a runtime says and its exit code are its own. */
	if (write(why, &errno, sizeof(errno)) < 0)
		_exit(SB_FAIL);
	_exit(err.code);
}

static int wait_for(pid_t pid, int group, int seconds, int *status)
{
	int fd = syscall(SYS_pidfd_open, pid, 0);
	struct pollfd pfd = {.fd = fd, .events = POLLIN};
	struct timespec t = {.tv_sec = seconds};
	int n = 1;

	/* No pidfd (Linux < 5.3): no deadline either. */
	if (fd >= 0) {
		do
			n = ppoll(&pfd, 1, &t, NULL);
		while (n < 0 && errno == EINTR);
		close(fd);
	}
	if (n == 0 && group)
		kill(-pid, SIGKILL);
	if (n == 0)
		kill(pid, SIGKILL);
	sb_await(pid, status);
	return n == 0 ? -1 : 0;
}

/* Where a side call writes: a file and no pipe, so that nothing which outlives
 * the call can hold us, and one that cannot grow (RLIMIT_FSIZE would do, but
 * crun copies itself to a file first). */
static int output_file(void)
{
	int fd = memfd_create("stepbox", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd >= 0 &&
	    (ftruncate(fd, MAX_OUTPUT) < 0 ||
	     fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK) < 0)) {
		close(fd);
		return -1;
	}
	return fd;
}

int sb_runtime_call(char **words, char **env, const sigset_t *mask, int seconds,
		    char *out, size_t size, struct sb_err *err)
{
	_cleanup_fd_ int file = -1, why_read = -1;
	int status = 0, late, why[2], errno_there;
	pid_t self = getpid(), pid;
	ssize_t n;

	if (out) {
		*out = '\0';
		file = output_file();
		if (file < 0)
			return sb_fail(err, SB_FAIL, "memfd: %s",
				       strerror(errno));
	}
	if (pipe2(why, O_CLOEXEC) < 0)
		return sb_fail(err, SB_FAIL, "pipe: %s", strerror(errno));
	why_read = why[0];
	pid = fork();
	if (!pid)
		child(words, env, mask, file, why[1], self);
	close(why[1]);
	if (pid < 0)
		return sb_fail(err, SB_FAIL, "fork: %s", strerror(errno));
	late = wait_for(pid, out != NULL, seconds, &status);
	if (out) {
		n = pread(file, out, size - 1, 0);
		out[n < 0 ? 0 : n] = '\0';
	}
	/* It is closed by now: by what was executed, or the child's end. */
	if (read(why_read, &errno_there, sizeof(errno_there)) ==
	    sizeof(errno_there))
		return fail_exec(words[0], errno_there, err);
	if (late)
		return sb_fail(err, SB_FAIL, "%s: no answer in %d s", words[0],
			       seconds);
	return status;
}

void sb_runtime_tell(const struct sb_runtime *rt, enum sb_op op, char **words)
{
	_cleanup_buf_ struct sb_buf line = {0};

	if (!rt->tell)
		return;
	sb_buf_puts(&line, sb_conf_op_key(op));
	sb_buf_putc(&line, ':');
	for (; *words; words++) {
		sb_buf_putc(&line, ' ');
		sb_buf_puts(&line, *words);
	}
	if (!line.failed)
		rt->tell(rt->tell_arg, line.data);
}

static void tell_end(const struct sb_runtime *rt, enum sb_op op, int status)
{
	char text[96];

	if (!rt->tell)
		return;
	if (status < 0)
		snprintf(text, sizeof(text), "%s: failed", sb_conf_op_key(op));
	else if (WIFSIGNALED(status))
		snprintf(text, sizeof(text), "%s: killed by signal %d",
			 sb_conf_op_key(op), WTERMSIG(status));
	else
		snprintf(text, sizeof(text), "%s: exit code %d",
			 sb_conf_op_key(op), WEXITSTATUS(status));
	rt->tell(rt->tell_arg, text);
}

int sb_runtime_do(const struct sb_runtime *rt, enum sb_op op,
		  const sigset_t *mask, int seconds, char *out, size_t size,
		  struct sb_err *err)
{
	_cleanup_strv_ struct sb_strv words = {0};
	int status;

	/* For kill(1) of procps 4294967295 is -1: all processes of the user. */
	if ((op == SB_OP_KILL || op == SB_OP_DELETE) && !*rt->process &&
	    sb_pattern_uses(rt->conf->pattern[op], 'p'))
		return 0;
	if (sb_runtime_words(rt, op, &words, err) < 0)
		return -1;
	sb_runtime_tell(rt, op, words.v);
	status = sb_runtime_call(words.v, rt->env.v, mask, seconds, out, size,
				 err);
	tell_end(rt, op, status);
	return status;
}
