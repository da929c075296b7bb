/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stepbox show: the way of `stepbox run` up to the runtime, with a layer that
 * is only planned and no namespace entered. All that there is to tell becomes
 * one JSON object; what people read is printed from that.
 */
#define _GNU_SOURCE
#include "show.h"

#include "../spank/contract.h"
#include "diff.h"
#include "dryrun.h"
#include "fdio.h"
#include "mem.h"
#include "standalone.h"

#include <ctype.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

struct show {
	struct sb_dryrun d;
	struct sb_conf conf;
	json_t *all; /* the result */
};

/* ---- the object ---- */

/* A string; with bytes that JSON cannot carry escaped. NULL for NULL. */
static json_t *text(const char *t)
{
	char safe[4 * PATH_MAX];
	json_t *string = t ? json_string(t) : json_null();

	if (string)
		return string;
	sb_escape(safe, sizeof(safe), t);
	return json_string(safe);
}

static json_t *list(const struct sb_strv *l)
{
	json_t *a = json_array();

	for (size_t i = 0; i < l->n; i++)
		json_array_append_new(a, text(l->v[i]));
	return a;
}

static void set(json_t *object, const char *name, json_t *value)
{
	json_object_set_new(object, name, value);
}

/* Who set a variable that the plan calls the site's. */
static const char *whose(const struct show *s, const char *name,
			 const char *why)
{
	const struct sb_inside *in = &s->d.plan.inside;

	if (strncmp(why, "the site's", 10) ||
	    sb_env_get(s->conf.env_set.v, name))
		return why;
	return sb_env_get(in->env.v, name)
		       ? "stepbox's: where it is shown inside"
		       : "stepbox's: root's, by --container-remap-root";
}

static json_t *environment(const struct show *s)
{
	const struct sb_strv *env = &s->d.plan.env;
	json_t *a = json_array();

	for (size_t i = 0; i < env->n; i++) {
		_cleanup_free_ char *name =
			strndup(env->v[i], strcspn(env->v[i], "="));
		const char *why = i < s->d.explain.why.n ? s->d.explain.why.v[i]
							 : "stepbox's";
		char more[PATH_MAX + 64];
		json_t *e;

		if (!name) {
			json_decref(a);
			return NULL;
		}
		e = json_object();
		why = whose(s, name, why);
		if (s->d.plan.inside.path && !strcmp(name, "PATH")) {
			snprintf(more, sizeof(more), "%s; SlurmClient adds %s",
				 why, s->d.plan.inside.path);
			why = more;
		}
		set(e, "name", text(name));
		set(e, "value", text(env->v[i] + strlen(name) + 1));
		set(e, "from", text(why));
		json_array_append_new(a, e);
	}
	return a;
}

static json_t *left_out(const struct show *s)
{
	json_t *a = json_array();

	for (size_t i = 0; i < s->d.explain.left.n; i++) {
		json_t *e = json_object();

		set(e, "name", text(s->d.explain.left.v[i]));
		set(e, "why", text(s->d.explain.left_why.v[i]));
		json_array_append_new(a, e);
	}
	return a;
}

/* What the user namespace is made with (userns.h), and what the init makes of
 * it. */
static json_t *ids(const struct show *s)
{
	json_t *o = json_object(), *command = json_object();
	long long uid = s->d.job.uid, gid = s->d.job.gid;
	long long count = uid ? 1 : 4294967295LL;

	set(o, "uid",
	    json_pack("[{s:I,s:I,s:I}]", "container", 0LL, "node", uid, "count",
		      count));
	set(o, "gid",
	    json_pack("[{s:I,s:I,s:I}]", "container", 0LL, "node",
		      uid ? gid : 0LL, "count", count));
	set(command, "uid", json_integer(s->d.plan.inside.identity ? uid : 0));
	set(command, "gid", json_integer(s->d.plan.inside.identity ? gid : 0));
	set(o, "command", command);
	return o;
}

static int is_layered(const struct show *s)
{
	return s->d.plan.root &&
	       strcmp(s->d.plan.root, s->d.plan.bundle.rootfs);
}

static json_t *layer(const struct show *s)
{
	_cleanup_free_ struct sb_layer_point *points = NULL;
	json_t *o, *a;
	struct sb_err no_memory;
	size_t n = 0;

	if (!is_layered(s))
		return json_null();
	if (sb_mounts_lacking(s->d.plan.bundle.config.root,
			      s->d.plan.bundle.rootfs_fd, &points, &n,
			      &no_memory) < 0)
		return NULL;
	o = json_object();
	a = json_array();
	for (size_t i = 0; i < n; i++)
		json_array_append_new(a, text(points[i].path));
	set(o, "over", text(s->d.plan.bundle.rootfs));
	set(o, "mount_points", a);
	set(o, "writable", json_boolean(sb_plan_writable(&s->d.job, &s->conf)));
	return o;
}

/* The words of an operation that run does not use: not looked up. */
static int unused_words(const struct show *s, enum sb_op op,
			struct sb_strv *words, struct sb_err *err)
{
	return sb_pattern_expand(s->conf.pattern[op], &s->d.rt.values, words,
				 err);
}

static json_t *operations(const struct show *s, struct sb_err *err)
{
	json_t *o = json_object();

	for (int op = 0; op < SB_OPS; op++) {
		_cleanup_strv_ struct sb_strv words = {0};
		int create = s->d.plan.mode == SB_MODE_CREATE;
		int called = s->d.rt.program[op] && create == (op != SB_OP_RUN);
		json_t *e;

		if (!s->conf.pattern[op])
			continue;
		/* State outside the step directory: removed in either mode. */
		called |= (op == SB_OP_DELETE || s->conf.ignore_config) &&
			  s->d.rt.program[op] != NULL;
		if ((s->d.rt.program[op]
			     ? sb_runtime_words(&s->d.rt, op, &words, err)
			     : unused_words(s, op, &words, err)) < 0) {
			json_decref(o);
			return NULL;
		}
		e = json_object();
		set(e, "argv", list(&words));
		set(e, "called", json_boolean(called));
		set(o, sb_conf_op_key(op), e);
	}
	return o;
}

static json_t *difference(struct show *s, struct sb_err *err)
{
	_cleanup_free_ char *a = NULL, *b = NULL;
	_cleanup_buf_ struct sb_buf diff = {0};
	char name[PATH_MAX + 16];
	size_t len;

	snprintf(name, sizeof(name), "%s/config.json", s->d.before.path);
	a = sb_json_pretty(&s->d.before.config, &len, err);
	b = a ? sb_json_pretty(&s->d.plan.bundle.config, &len, err) : NULL;
	if (!b ||
	    sb_diff(a, b, name, "config.json of the step", &diff, err) < 0)
		return NULL;
	return text(diff.data ? diff.data : "");
}

static int has_path(void *arg, const char *path)
{
	const struct show *s = arg;

	return sb_fdio_in_root(s->d.plan.bundle.rootfs_fd, path);
}

/* A document for whoever wants to go on by hand. */
static json_t *standalone(struct show *s, struct sb_strv *notes,
			  struct sb_err *err)
{
	const struct sb_standalone of = {
		.uid = s->d.job.uid,
		.gid = s->d.job.gid,
		.gone = s->d.dir.temporary ? s->d.dir.step : NULL,
		.layer = is_layered(s) ? s->d.plan.root : NULL,
		.rootfs = s->d.plan.bundle.rootfs,
		.init = s->d.plan.inside.init,
		.has = has_path,
		.arg = s,
	};
	json_t *copy = json_deep_copy(s->d.plan.bundle.config.root);

	if (!copy) {
		sb_no_memory(err);
		return NULL;
	}
	if (sb_standalone_edit(copy, &of, notes, err) < 0) {
		json_decref(copy);
		return NULL;
	}
	return copy;
}

/* The mounts that are made, as config.json has them. */
static json_t *mounts(const struct show *s)
{
	json_t *m = json_object_get(s->d.plan.bundle.config.root, "mounts");

	return m ? json_incref(m) : json_array();
}

/* What there is to tell with a config.json, and without. */
static int gather_common(struct show *s, json_t *ops, struct sb_err *err)
{
	json_t *all = s->all, *env = environment(s);

	set(all, "bundle", text(s->d.plan.bundle.path));
	set(all, "directory", text(s->d.dir.path));
	set(all, "kept", json_boolean(!s->d.dir.temporary));
	set(all, "command", list(&s->d.job.cmd));
	set(all, "runtime", text(s->conf.runtime));
	set(all, "mode",
	    text(s->d.plan.mode == SB_MODE_RUN ? "run" : "create"));
	set(all, "remarks", list(&s->d.remarks));
	set(all, "environment", env);
	set(all, "left_out", left_out(s));
	set(all, "operations", ops);
	set(all, "runtime_environment", list(&s->d.rt.env));
	return env && !s->d.remarks.failed ? 0 : sb_no_memory(err);
}

static int gather_direct(struct show *s, struct sb_err *err)
{
	json_t *ops = operations(s, err);

	if (!ops)
		return -1;
	return gather_common(s, ops, err);
}

static int gather(struct show *s, struct sb_err *err)
{
	json_t *all = s->all, *diff, *ops, *alone, *over;
	_cleanup_strv_ struct sb_strv notes = {0};

	diff = difference(s, err);
	ops = diff ? operations(s, err) : NULL;
	alone = ops ? standalone(s, &notes, err) : NULL;
	if (!alone) {
		json_decref(diff);
		json_decref(ops);
		return sb_json_no_memory() ? sb_no_memory(err) : -1;
	}
	set(all, "rootfs", text(s->d.before.rootfs));
	set(all, "config", alone);
	set(all, "config_without", list(&notes));
	set(all, "step_config", json_incref(s->d.plan.bundle.config.root));
	set(all, "diff", diff);
	set(all, "changes", list(&s->d.plan.notes));
	set(all, "mounts", mounts(s));
	over = layer(s);
	set(all, "layer", over);
	set(all, "ids", ids(s));
	if (gather_common(s, ops, err) < 0)
		return -1;
	return over && !sb_json_no_memory() ? 0 : sb_no_memory(err);
}

/* ---- for people ---- */

struct paint {
	const char *head, *gone, *added, *at, *dim, *off;
};

static const struct paint plain = {"", "", "", "", "", ""};
static const struct paint colors = {"\033[1m",	"\033[31m", "\033[32m",
				    "\033[36m", "\033[2m",  "\033[m"};

static const char *get(const json_t *o, const char *name)
{
	const char *v = json_string_value(json_object_get(o, name));

	return v ? v : "";
}

static void head(const struct paint *p, const char *title)
{
	printf("%s# %s%s\n", p->head, title, p->off);
}

/* Text from outside, on one line. */
static void put(const char *t)
{
	char safe[8192];

	if (sb_escape(safe, sizeof(safe), t) < sizeof(safe) - 4)
		fputs(safe, stdout);
	else
		printf("%s...", safe);
}

/* A word as a shell would read it. */
static void put_word(const char *w)
{
	static const char safe[] = "%+,-./:=@_";
	const char *p = w;

	while (isalnum((unsigned char)*p) || (*p && strchr(safe, *p)))
		p++;
	if (*w && !*p) {
		put(w);
		return;
	}
	putchar('\'');
	for (p = w; *p; p++)
		if (*p == '\'')
			fputs("'\\''", stdout);
		else
			putchar((unsigned char)*p < ' ' || *p == 0x7f ? '?'
								      : *p);
	putchar('\'');
}

static void put_diff(const struct paint *p, const char *diff)
{
	for (size_t n; *diff; diff += n) {
		const char *c = *diff == '-'   ? p->gone
				: *diff == '+' ? p->added
				: *diff == '@' ? p->at
					       : "";

		n = strcspn(diff, "\n");
		printf("%s%.*s%s\n", c, (int)n, diff, *c ? p->off : "");
		n += !!diff[n];
	}
}

static void put_list(const struct paint *p, const char *title,
		     const json_t *lines)
{
	size_t i;
	json_t *e;

	if (!json_array_size(lines))
		return;
	head(p, title);
	json_array_foreach (lines, i, e) {
		fputs("  ", stdout);
		put(json_string_value(e));
		putchar('\n');
	}
}

static void put_environment(const struct paint *p, const json_t *all)
{
	size_t i;
	json_t *e;

	head(p, "environment of the command");
	json_array_foreach (json_object_get(all, "environment"), i, e) {
		fputs("  ", stdout);
		put(get(e, "name"));
		putchar('=');
		put(get(e, "value"));
		printf("  %s# %s%s\n", p->dim, get(e, "from"), p->off);
	}
	json_array_foreach (json_object_get(all, "left_out"), i, e) {
		printf("  %s(", p->dim);
		put(get(e, "name"));
		printf("  # %s)%s\n", get(e, "why"), p->off);
	}
}

static void put_mounts(const struct paint *p, const json_t *all)
{
	const json_t *layer = json_object_get(all, "layer");
	size_t i, j;
	json_t *e, *o;

	head(p, "mounts, in this order");
	json_array_foreach (json_object_get(all, "mounts"), i, e) {
		fputs("  ", stdout);
		put(get(e, "destination"));
		fputs("  ", stdout);
		put(get(e, "type"));
		putchar(' ');
		put(get(e, "source"));
		json_array_foreach (json_object_get(e, "options"), j, o) {
			fputs(j ? "," : "  ", stdout);
			put(json_string_value(o));
		}
		putchar('\n');
	}
	if (!json_is_object(layer))
		return;
	fputs("  a layer over ", stdout);
	put(get(all, "rootfs"));
	if (json_is_true(json_object_get(layer, "writable")))
		fputs(", to be written to", stdout);
	json_array_foreach (json_object_get(layer, "mount_points"), i, e) {
		fputs(i ? ", " : ": it lacks ", stdout);
		put(json_string_value(e));
	}
	putchar('\n');
}

static void put_ids(const struct paint *p, const json_t *all)
{
	const json_t *o = json_object_get(all, "ids"), *of = NULL;
	static const char *const kinds[] = {"uid", "gid"};

	head(p, "ids");
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		of = json_array_get(json_object_get(o, kinds[i]), 0);
		printf("  %s: the node's %lld is 0 in the container's user "
		       "namespace, the command's is %lld\n",
		       kinds[i],
		       (long long)json_integer_value(
			       json_object_get(of, "node")),
		       (long long)json_integer_value(json_object_get(
			       json_object_get(o, "command"), kinds[i])));
	}
}

static void put_operations(const struct paint *p, const json_t *all)
{
	json_t *ops = json_object_get(all, "operations"), *e, *w;
	const char *name;
	size_t i;

	head(p, "commands of the runtime");
	json_object_foreach (ops, name, e) {
		int called = json_is_true(json_object_get(e, "called"));

		printf("  %s%s:", called ? "" : p->dim, name);
		json_array_foreach (json_object_get(e, "argv"), i, w) {
			putchar(' ');
			put_word(json_string_value(w));
		}
		printf("%s\n", called ? "" : "  # not called");
		fputs(called ? "" : p->off, stdout);
	}
}

/* What is looked for first comes last: that is what a terminal shows. */
static int print_text(const struct show *s, const struct paint *p,
		      struct sb_err *err)
{
	_cleanup_free_ char *config = NULL;
	const json_t *all = s->all;
	size_t len;

	config = sb_json_pretty(&s->d.plan.bundle.config, &len, err);
	if (!config)
		return -1;
	head(p, "config.json of the step");
	fputs(config, stdout);
	head(p, "difference to the bundle's, both as jq prints them");
	put_diff(p, get(all, "diff"));
	put_list(p, "changes to the bundle's, and why",
		 json_object_get(all, "changes"));
	put_environment(p, all);
	put_mounts(p, all);
	put_ids(p, all);
	put_operations(p, all);
	put_list(p, "run would say", json_object_get(all, "remarks"));
	return 0;
}

static int print_direct(const struct show *s, const struct paint *p)
{
	put_environment(p, s->all);
	put_list(p, "environment of the runtime",
		 json_object_get(s->all, "runtime_environment"));
	put_operations(p, s->all);
	put_list(p, "run would say", json_object_get(s->all, "remarks"));
	return 0;
}

static int print_json(const struct show *s, struct sb_err *err)
{
	struct sb_json doc = {.root = s->all};
	_cleanup_free_ char *out = NULL;
	size_t len;

	memcpy(doc.mark, s->d.plan.bundle.config.mark, sizeof(doc.mark));
	out = sb_json_pretty(&doc, &len, err);
	if (!out)
		return -1;
	fputs(out, stdout);
	return 0;
}

static int choose_paint(const char *when, const struct paint **p,
			struct sb_err *err)
{
	int tty = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");

	if (!when || !strcmp(when, "auto"))
		*p = tty ? &colors : &plain;
	else if (!strcmp(when, "always"))
		*p = &colors;
	else if (!strcmp(when, "never"))
		*p = &plain;
	else
		return sb_fail(err, SB_FAIL,
			       "--color=%s: not always, never or auto", when);
	return 0;
}

/* ---- the verb ---- */

static int show(struct show *s, struct sb_err *err)
{
	const struct paint *paint = &plain;

	if (choose_paint(s->d.job.color, &paint, err) < 0)
		return -1;
	if (!s->d.job.bundle)
		return sb_fail(err, SB_FAIL,
			       "no bundle: name one (see stepbox show --help)");
	if (sb_conf_load(&s->conf, s->d.job.conf, s->d.job.runtime, err) < 0)
		return -1;
	s->d.conf = &s->conf;
	s->all = json_object();
	/* Before the first document is read nothing keeps that in mind. */
	if (!s->all)
		return sb_no_memory(err);
	if (sb_dryrun_make(&s->d, err) < 0 ||
	    (s->conf.ignore_config ? gather_direct(s, err) : gather(s, err)) <
		    0)
		return -1;
	if (s->d.job.json)
		return print_json(s, err);
	return s->conf.ignore_config ? print_direct(s, paint)
				     : print_text(s, paint, err);
}

int sb_show(int argc, char **argv)
{
	struct show s = {.d = SB_DRYRUN_INIT};
	char safe[SB_ERR_ESCAPED];
	struct sb_err err;
	int rc = sb_job_read_show(&s.d.job, argc, argv, &err);

	/* Of a pager that has seen enough: the directory must go. */
	signal(SIGPIPE, SIG_IGN);
	if (!rc)
		rc = show(&s, &err);
	if (rc < 0) {
		sb_escape(safe, sizeof(safe), err.text);
		fprintf(stderr, "stepbox: %s\n", safe);
	}
	json_decref(s.all);
	sb_dryrun_free(&s.d);
	sb_conf_free(&s.conf);
	return rc < 0 ? err.code : 0;
}
