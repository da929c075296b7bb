/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Called by slurmstepd as its OCI runtime: `stepbox handoff TEXT` reads what
 * slurmstepd has to say of the task, and goes on as `stepbox run`.
 *
 * TEXT is the whole command line of the shell by which slurmstepd calls its
 * runtime, and says all in a comment (conf/oci.conf.in). As words of that shell
 * it would not always arrive: many a slurmstepd leaves an argument's quote open
 * (24.11, src/slurmd/slurmstepd/container.c, _pattern_argv()), and all put the
 * bundle's path in as it is.
 */
#define _GNU_SOURCE
#include "handoff.h"

#include "../spank/contract.h"
#include "fdio.h"
#include "mem.h"
#include "run.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

/* The kernel takes no environment anywhere near this. */
#define MAX_ENVIRONMENT (64U << 20)

/* ---- the text ---- */

static int bad(const char *what, struct sb_err *err)
{
	return sb_fail(err, SB_FAIL,
		       "oci.conf: RunTimeRun: no %s in what it says to stepbox "
		       "handoff (is it the line that stepbox ships?)",
		       what);
}

/* Moves *at behind word, if it is there. */
static int take(const char **at, const char *word)
{
	size_t len = strlen(word);

	if (strncmp(*at, word, len))
		return 0;
	*at += len;
	return 1;
}

static int take_number(const char **at, uint32_t *v)
{
	unsigned long n = 0;
	const char *p = *at;

	for (; *p >= '0' && *p <= '9' && n <= UINT32_MAX; p++)
		n = n * 10 + (*p - '0');
	if (p == *at || n > UINT32_MAX)
		return 0;
	*at = p;
	*v = n;
	return 1;
}

/* 'WORD', in which slurmstepd writes quote for a quote. */
static int take_word(const char **at, const char *quote, struct sb_strv *args)
{
	struct sb_buf word = {0};
	const char *p = *at;

	if (*p++ != '\'')
		return 0;
	sb_buf_puts(&word, "");
	while (*p) {
		if (take(&p, quote))
			sb_buf_putc(&word, '\'');
		else if (*p == '\'')
			break;
		else
			sb_buf_putc(&word, *p++);
	}
	if (word.failed)
		sb_buf_free(&word);
	sb_strv_take(args, word.data);
	if (*p != '\'')
		return 0;
	*at = p + 1;
	return 1;
}

/* Whether text is such words, one blank between two, and nothing else. */
static int take_words(const char *text, const char *quote, struct sb_strv *args)
{
	do
		if (!take_word(&text, quote, args))
			return 0;
	while (*text && take(&text, " "));
	return !*text;
}

static int same_words(const struct sb_strv *a, const struct sb_strv *b)
{
	if (a->n != b->n || a->failed || b->failed)
		return 0;
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->v[i], b->v[i]))
			return 0;
	return 1;
}

/*
 * What a quote becomes tells the version: at least up to 24.11.5 slurmstepd
 * adds it once more behind what stands for it, 26.05.5 does not. What is one
 * can only be the other, too, if it is all quotes and blanks: that is refused.
 */
static int take_args(const char *text, struct sb_strv *args, struct sb_err *err)
{
	_cleanup_strv_ struct sb_strv other = {0};
	int first = take_words(text, "'\"'\"''", args);
	int second = take_words(text, "'\"'\"'", &other);

	if (args->failed || other.failed)
		return sb_no_memory(err);
	if (!first && !second)
		return bad("args=%@", err);
	if (first && second && !same_words(args, &other))
		return sb_fail(err, SB_FAIL,
			       "the command's quotes do not arrive in one way "
			       "only: put it in a script");
	if (!first) {
		sb_strv_free(args);
		*args = other;
		other = (struct sb_strv){.v = NULL};
	}
	return 0;
}

int sb_handoff_parse(const char *text, struct sb_handoff *h, struct sb_err *err)
{
	static const char bundle[] = " bundle=", args[] = " args=";
	const char *p = strstr(text, "# step="), *end;

	*h = (struct sb_handoff){.env = NULL};
	if (!p)
		return bad("# step=", err);
	p += strlen("# step=");
	if (!take_number(&p, &h->job) || !take(&p, ".") ||
	    !take_number(&p, &h->step))
		return bad("step=%j.%s", err);
	end = take(&p, " env=") ? strstr(p, bundle) : NULL;
	if (!end)
		return bad("env=%e", err);
	h->env = strndup(p, end - p);
	p = end + strlen(bundle);
	end = strstr(p, args);
	if (!end)
		return bad("bundle=%b args=%@", err);
	h->bundle = strndup(p, end - p);
	if (!h->env || !h->bundle)
		return sb_no_memory(err);
	return take_args(end + strlen(args), &h->args, err);
}

void sb_handoff_free(struct sb_handoff *h)
{
	sb_cleanup_free(&h->env);
	sb_cleanup_free(&h->bundle);
	sb_strv_free(&h->args);
}

/* ---- the environment ---- */

int sb_handoff_environ(char *env, size_t len, struct sb_err *err)
{
	size_t n = 0, i = 0;
	char **list;

	for (size_t at = 0; at < len; at++)
		n += !env[at];
	if (!len || env[len - 1])
		return sb_fail(err, SB_FAIL,
			       "the task's environment: not ended by a NUL "
			       "byte (oci.conf: CreateEnvFile=null)");
	list = malloc((n + 1) * sizeof(*list));
	if (!list)
		return sb_no_memory(err);
	for (char *p = env; p < env + len; p += strlen(p) + 1)
		list[i++] = p;
	list[i] = NULL;
	/* What is there is slurmd's. */
	environ = list;
	return 0;
}

/* Slurm made it readable by the user's group: it goes at once. */
static int load_environ(const struct sb_handoff *h, struct sb_err *err)
{
	size_t len = 0;
	char *env = sb_fdio_read(AT_FDCWD, h->env, MAX_ENVIRONMENT, h->env,
				 &len, err);

	if (!env)
		return sb_wrap(err, "the task's environment (oci.conf: "
				    "CreateEnvFile=null)");
	unlink(h->env);
	if (sb_handoff_environ(env, len, err) < 0) {
		free(env);
		return -1;
	}
	return 0;
}

/* ---- the verb ---- */

/* Whether the node's plugin has put its three words before the command
 * (spank/step.c, prepend()): the first is the helper that it knows. */
static int has_plugin(const struct sb_handoff *h)
{
	const char *slash = h->args.n > 3 ? strrchr(h->args.v[0], '/') : NULL;

	return slash && getenv(SB_ENV_DIR) && !strcmp(slash, "/stepbox") &&
	       !strcmp(h->args.v[1], "run") && !strcmp(h->args.v[2], "--");
}

/* Cuts the last component off; returns it, or NULL if there is none. Slurm
 * doubles slashes. */
static const char *cut(char *path)
{
	char *slash = strrchr(path, '/'), *name;

	if (!slash)
		return NULL;
	name = slash + 1;
	while (slash > path && slash[-1] == '/')
		slash--;
	*slash = '\0';
	return name;
}

/* The step's directory of Slurm's: that of the task's, or the one above it. */
static char *spool_of(const struct sb_handoff *h)
{
	char *dir = strdup(h->env), *step = strdup(h->env);
	const char *name = NULL;

	if (dir && step && cut(dir) && cut(step))
		name = cut(step);
	if (name && !strncmp(name, "task-", 5)) {
		free(dir);
		return step;
	}
	free(step);
	return dir;
}

/* The plugin's bundle goes before Slurm's: our client has seen to it that all
 * components have the same, and srun may ask for another's (24.11), or for what
 * lay in memory that it had freed (26.05.5), in all but the last. */
static int tell_run(const struct sb_handoff *h, int plugin, struct sb_err *err)
{
	_cleanup_free_ char *spool = spool_of(h);
	const char *restart = getenv("SLURM_RESTART_COUNT");
	char step[64];

	snprintf(step, sizeof(step), "%u.%u.%.10s", h->job, h->step,
		 restart ? restart : "0");
	if (!spool || unsetenv(SB_ENV_ARGV0) < 0 ||
	    setenv(SB_ENV_BUNDLE, h->bundle, !plugin) < 0 ||
	    setenv(SB_ENV_SPOOL, spool, 1) < 0 ||
	    setenv(SB_ENV_STEP, step, !plugin) < 0 ||
	    (!plugin &&
	     (setenv(SB_ENV_ALONE, "yes", 1) < 0 || unsetenv(SB_ENV_DIR) < 0 ||
	      unsetenv(SB_ENV_CONF) < 0)))
		return sb_no_memory(err);
	return 0;
}

static int run(struct sb_handoff *h, struct sb_err *err)
{
	_cleanup_strv_ struct sb_strv words = {0};
	int plugin;

	if (load_environ(h, err) < 0)
		return -1;
	plugin = has_plugin(h);
	if (tell_run(h, plugin, err) < 0)
		return -1;
	if (plugin)
		return sb_run(h->args.n - 1, h->args.v + 1);
	sb_strv_add(&words, "run");
	sb_strv_add(&words, "--");
	for (size_t i = 0; i < h->args.n; i++)
		sb_strv_add(&words, h->args.v[i]);
	if (words.failed)
		return sb_no_memory(err);
	return sb_run(words.n, words.v);
}

int sb_handoff(int argc, char **argv)
{
	struct sb_handoff h = {.env = NULL};
	char text[SB_ERR_ESCAPED];
	struct sb_err err;
	int rc = -1;

	if (argc != 2)
		sb_fail(&err, SB_FAIL,
			"usage: stepbox handoff TEXT (oci.conf)");
	else if (!sb_handoff_parse(argv[1], &h, &err))
		rc = run(&h, &err);
	if (rc < 0) {
		sb_escape(text, sizeof(text), err.text);
		fprintf(stderr, "stepbox: %s\n", text);
	}
	sb_handoff_free(&h);
	return rc < 0 ? (int)err.code : rc;
}
