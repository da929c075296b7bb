/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A bundle's config.json, any: what is made of it is a document again, and what
 * stepbox promises of it holds, whatever the bundle wanted.
 *
 * Input: two bytes that choose (see choose); with 128 in the first, a string
 * that stands in the command, the environment and mounts; config.json.
 */
#define _GNU_SOURCE
#include "fuzz.h"

#include "../../helper/caps.h"
#include "../../helper/convert.h"
#include "../../helper/form.h"
#include "../../helper/hooks.h"
#include "../../helper/layer.h"
#include "../../helper/mem.h"
#include "../../helper/mounts.h"
#include "../../helper/ownwords.h"
#include "../../helper/spec.h"
#include "../../helper/standalone.h"

#include <fcntl.h>
#include <sys/statvfs.h>

#define PROFILE "the profile"

/* The last of each is the user's word. */
static char *args[] = {
	"/dev/stepbox/init", "-N", "/dev/stepbox", "--", "true", NULL};
static char *env[] = {"PATH=/bin", "A=b", NULL};
static char *umounts[] = {"/data", NULL};

struct choice {
	struct sb_convert convert;
	struct sb_spec spec;
	char **umounts;
	const char *source, *destination;
};

/* ---- a node ---- */

static int exists(void *arg, const char *path)
{
	(void)arg;
	return !strstr(path, "missing");
}

static int device(void *arg, const char *path, char type, unsigned int major,
		  unsigned int minor)
{
	(void)arg, (void)minor;
	FUZZ_CHECK(type == 'c' || type == 'b');
	return *path == '/' && major == 10;
}

static unsigned long flags(void *arg, const char *path)
{
	(void)arg;
	return strstr(path, "locked") ? ST_RDONLY | ST_NOSUID | ST_NODEV |
						ST_NOEXEC | ST_NOATIME
				      : 0;
}

static void choose(struct choice *c, unsigned int a, unsigned int b)
{
	*c = (struct choice){
		.convert = {.bundle = "/bundle",
			    .umask = 022,
			    .shared = a & 1,
			    .kernel_major = a & 2 ? 6 : 5,
			    .kernel_minor = 9,
			    .exists = exists,
			    .device = device,
			    .flags = flags},
		.spec = {.args = args,
			 .env = env,
			 .terminal = !!(a & 4),
			 .rows = a & 8 ? 24 : 0,
			 .columns = 80,
			 .cwd = a & 16 ? "/work" : NULL,
			 .rootfs = "/bundle/rootfs",
			 .readonly = (int)(b % 3) - 1,
			 .identity = !!(a & 32),
			 .seccomp = b / 3 % 3},
		.umounts = a & 64 ? umounts : NULL,
		.source = "/data",
		.destination = "/scratch",
	};
}

/* A user's word where it can stand. Paths were made tidy before. */
static void put_word(struct choice *c, const char *word)
{
	static char variable[1 << 17], path[1 << 17];

	snprintf(variable, sizeof(variable), "A=%s", word);
	snprintf(path, sizeof(path), "/x%s", word);
	args[ARRAY_SIZE(args) - 2] = variable;
	env[ARRAY_SIZE(env) - 2] = variable;
	c->source = strstr(word, "missing") || strstr(word, "locked") ? "/data"
								      : path;
	c->destination = strpbrk(word, "/.") ? "/scratch" : path;
}

/* ---- what is promised ---- */

static const json_t *at(const json_t *config, const char *section,
			const char *name)
{
	return json_object_get(json_object_get(config, section), name);
}

static int same_list(const json_t *list, char **want)
{
	size_t n;

	for (n = 0; want[n]; n++) {
		const char *s = json_string_value(json_array_get(list, n));

		if (!s || strcmp(s, want[n]))
			return 0;
	}
	return json_array_size(list) == n;
}

static void check_process(const json_t *config, const struct choice *c)
{
	const json_t *user = at(config, "process", "user");
	const char *cwd = json_string_value(at(config, "process", "cwd"));
	static const char *const gone[] = {
		"rlimits",	   "oomScoreAdj",  "scheduler",
		"ioPriority",	   "commandLine",  "execCPUAffinity",
		"apparmorProfile", "selinuxLabel",
	};

	FUZZ_CHECK(same_list(at(config, "process", "args"), args));
	FUZZ_CHECK(same_list(at(config, "process", "env"), env));
	FUZZ_CHECK(cwd && *cwd == '/' && strncmp(cwd, "/proc/", 6));
	FUZZ_CHECK(!c->spec.cwd || !strcmp(cwd, c->spec.cwd));
	FUZZ_CHECK(json_is_boolean(at(config, "process", "terminal")) &&
		   json_is_true(at(config, "process", "terminal")) ==
			   c->spec.terminal);
	FUZZ_CHECK(!at(config, "process", "consoleSize") ==
		   !(c->spec.terminal && c->spec.rows));
	FUZZ_CHECK(json_integer_value(json_object_get(user, "uid")) == 0 &&
		   json_integer_value(json_object_get(user, "gid")) == 0 &&
		   json_object_size(user) == 3);
	for (size_t i = 0; i < ARRAY_SIZE(gone); i++)
		FUZZ_CHECK(!at(config, "process", gone[i]));
	if (c->spec.identity)
		FUZZ_CHECK(json_object_size(
				   at(config, "process", "capabilities")) == 3);
}

static void check_namespaces(const json_t *list, int shared)
{
	static const char *const kept[] = {"pid", "ipc", "mount"};
	int n[ARRAY_SIZE(kept)] = {0};
	const json_t *e, *path;
	const char *type;
	size_t i, k;

	json_array_foreach (list, i, e) {
		type = json_string_value(json_object_get(e, "type"));
		path = json_object_get(e, "path");
		FUZZ_CHECK(type);
		for (k = 0; k < ARRAY_SIZE(kept); k++)
			if (!strcmp(type, kept[k]))
				break;
		FUZZ_CHECK(k < ARRAY_SIZE(kept));
		FUZZ_CHECK(++n[k] == 1);
		FUZZ_CHECK(!path || json_is_null(path) ||
			   !json_string_length(path));
	}
	FUZZ_CHECK(n[2] == 1 && !(shared && n[0]));
}

static void check_linux(const json_t *config, const struct choice *c)
{
	static const char *const gone[] = {
		"uidMappings", "gidMappings", "cgroupsPath",
		"resources",   "intelRdt",    "memoryPolicy",
		"timeOffsets", "netDevices",  "mountLabel",
	};
	const json_t *seccomp = at(config, "linux", "seccomp"), *e;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(gone); i++)
		FUZZ_CHECK(!at(config, "linux", gone[i]));
	check_namespaces(at(config, "linux", "namespaces"), c->convert.shared);
	if (c->spec.seccomp == SB_SPEC_SECCOMP_OURS)
		FUZZ_CHECK(!seccomp);
	if (c->spec.seccomp == SB_SPEC_SECCOMP_SET)
		FUZZ_CHECK(!strcmp(json_string_value(seccomp), PROFILE));
	json_array_foreach (at(config, "linux", "devices"), i, e)
		FUZZ_CHECK(!json_object_get(e, "uid") &&
			   !json_object_get(e, "fileMode"));
}

static int has_option(const json_t *options, const char *want)
{
	const json_t *e;
	size_t i;

	json_array_foreach (options, i, e)
		if (!strcmp(json_string_value(e), want))
			return 1;
	return 0;
}

/* Whether the runtime must mount it anew, after the bind itself: then it needs
 * the flags that the node's own mount has. */
static int is_remounted(const json_t *options)
{
	const json_t *e;
	size_t i;

	json_array_foreach (options, i, e) {
		const char *o = json_string_value(e);

		o += *o == 'r';
		if (strcmp(o, "bind") && strcmp(o, "w") &&
		    strcmp(o, "private") && strcmp(o, "shared") &&
		    strcmp(o, "slave") && strcmp(o, "unbindable"))
			return 1;
	}
	return 0;
}

/* No empty words, no dots; ".." stays, as there may be a link before it. */
static int is_tidy(const char *d)
{
	size_t len = strlen(d);

	return *d == '/' && !strstr(d, "//") && !strstr(d, "/./") &&
	       (len == 1 || d[len - 1] != '/') &&
	       (len < 2 || strcmp(d + len - 2, "/."));
}

static void check_mount(const json_t *m)
{
	const char *d = json_string_value(json_object_get(m, "destination"));
	const char *type = json_string_value(json_object_get(m, "type"));
	const char *source = json_string_value(json_object_get(m, "source"));
	const json_t *options = json_object_get(m, "options"), *e;
	static const char *const types[] = {"bind",  "tmpfs",	"ramfs",
					    "fuse",  "overlay", "proc",
					    "sysfs", "devpts",	"mqueue"};
	size_t i;

	FUZZ_CHECK(d && is_tidy(d) && type);
	for (i = 0; i < ARRAY_SIZE(types) && strcmp(type, types[i]); i++)
		;
	FUZZ_CHECK(i < ARRAY_SIZE(types));
	FUZZ_CHECK(json_is_array(options));
	json_array_foreach (options, i, e)
		FUZZ_CHECK(json_is_string(e));
	if (strcmp(type, "bind"))
		return;
	FUZZ_CHECK(source && *source == '/' && !strstr(source, "missing"));
	FUZZ_CHECK(has_option(options, "rbind"));
	if (strstr(source, "locked") && is_remounted(options))
		FUZZ_CHECK(has_option(options, "ro") &&
			   has_option(options, "nosuid") &&
			   has_option(options, "nodev") &&
			   has_option(options, "noexec"));
}

static void check_all(const json_t *config, const struct choice *c)
{
	const json_t *mounts = json_object_get(config, "mounts"), *m;
	const char *key;
	size_t i;

	check_process(config, c);
	check_linux(config, c);
	FUZZ_CHECK(json_is_array(mounts));
	json_array_foreach (mounts, i, m)
		check_mount(m);
	FUZZ_CHECK(!strcmp(json_string_value(at(config, "root", "path")),
			   "/bundle/rootfs"));
	FUZZ_CHECK(c->spec.readonly < 0 ||
		   json_is_true(at(config, "root", "readonly")) ==
			   c->spec.readonly);
	FUZZ_CHECK(!json_object_get(config, "hostname") &&
		   !json_object_get(config, "domainname"));
	json_object_foreach ((json_t *)json_object_get(config, "annotations"),
			     key, m)
		FUZZ_CHECK(strncmp(key, "run.oci.seccomp", 15) &&
			   strcmp(key, "run.oci.handler"));
}

/* ---- the way of `stepbox run` ---- */

static int taken(const void *arg, const char *path)
{
	(void)arg;
	return !strcmp(path, "/taken");
}

static int edit(struct sb_json *doc, struct choice *c, struct sb_strv *notes,
		struct sb_err *err)
{
	const struct sb_spec_mount added[] = {
		{"/opt/site", "/site", "bind", "rbind,ro", 0},
		{c->source, c->destination, "bind", "rbind,nosuid,,nodev", 0},
	};
	_cleanup_strv_ struct sb_strv theirs = {0};
	json_t *profile = json_string(PROFILE);
	int rc;

	c->spec.profile = profile;
	rc = sb_spec_env(doc->root, &theirs, err);
	if (!rc)
		rc = sb_convert(doc->root, &c->convert, notes, err);
	if (!rc) {
		sb_spec_tmpfs(doc->root, taken, NULL);
		rc = sb_spec_mounts(doc->root, added, ARRAY_SIZE(added),
				    c->umounts, err);
	}
	if (!rc)
		rc = sb_spec_edit(doc->root, &c->spec, err);
	json_decref(profile);
	return rc;
}

/* DisableHooks: of these kinds none is left, of others all. */
static void disable_hooks(json_t *config)
{
	_cleanup_strv_ struct sb_strv kinds = {0}, notes = {0};
	struct sb_err err = {.text = ""};
	size_t others;
	json_t *hooks;

	sb_strv_add(&kinds, "prestart");
	sb_strv_add(&kinds, "poststop");
	hooks = json_object_get(config, "hooks");
	others = json_object_size(hooks) -
		 !!json_object_get(hooks, "prestart") -
		 !!json_object_get(hooks, "poststop");
	if (sb_hooks_disable(config, &kinds, &notes, &err) < 0) {
		FUZZ_FAILED(err);
		return;
	}
	hooks = json_object_get(config, "hooks");
	FUZZ_CHECK(!json_object_get(hooks, "prestart") &&
		   !json_object_get(hooks, "poststop"));
	FUZZ_CHECK(json_object_size(hooks) == others);
}

static void look(const json_t *config)
{
	_cleanup_fd_ int root =
		open(fuzz_dir(), O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_strv_ struct sb_strv words = {0};
	struct sb_layer_point *points = NULL;
	const json_t *seccomp = NULL;
	struct sb_err err = {.text = ""};
	struct sb_caps caps;
	size_t n = 0;

	sb_caps_read(config, &caps);
	FUZZ_CHECK(sb_spec_covers(config, "/site/x"));
	FUZZ_CHECK(!sb_ownwords(config, &words, &seccomp, &err));
	if (sb_mounts_lacking(config, root, &points, &n, &err) < 0)
		FUZZ_FAILED(err);
	for (size_t i = 0; i < n; i++)
		FUZZ_CHECK(is_tidy(points[i].path));
	free(points);
}

static int has(void *arg, const char *path)
{
	(void)arg;
	return strlen(path) % 2;
}

/* `stepbox show --standalone`; on the step's document, which is not needed
 * afterwards. */
static void stand_alone(struct sb_json *doc, unsigned int how)
{
	const struct sb_standalone of = {
		.uid = how & 1 ? 1000 : 0,
		.gid = 100,
		.gone = how & 2 ? "/bundle" : NULL,
		.layer = how & 4 ? "/layer" : NULL,
		.rootfs = "/bundle/rootfs",
		.init = how & 8,
		.has = has,
	};
	_cleanup_strv_ struct sb_strv notes = {0};
	struct sb_err err = {.text = ""};

	if (sb_standalone_edit(doc->root, &of, &notes, &err) < 0)
		FUZZ_FAILED(err);
}

/* A document of the wrong form may have a number where the edits take a string:
 * what that becomes is no JSON, and goes nowhere. */
static void dump_and_parse(const struct sb_json *doc, int good)
{
	_cleanup_json_ struct sb_json again = {.root = NULL};
	_cleanup_free_ char *text = NULL, *second = NULL;
	struct sb_err err;
	size_t len;

	text = sb_json_dump(doc, &len, &err);
	FUZZ_CHECK(text && len == strlen(text));
	if (!good)
		return;
	/* The edits nest nothing deeper than what they put in. */
	FUZZ_CHECK(!sb_json_parse(&again, text, len, &err));
	second = sb_json_dump(&again, &len, &err);
	FUZZ_CHECK(second && !strcmp(text, second));
}

static int is_utf8(const char *s)
{
	json_t *string = json_string(s);
	int yes = string != NULL;

	json_decref(string);
	return yes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = {.p = data, .end = data + size};
	unsigned int a = fuzz_byte(&in), b = fuzz_byte(&in);
	_cleanup_json_ struct sb_json doc = {.root = NULL};
	_cleanup_strv_ struct sb_strv notes = {0};
	struct sb_err err = {.text = ""};
	struct choice c;
	size_t len;
	int good;
	const char *word = a & 128 ? fuzz_string(&in) : "";
	const char *text = fuzz_rest(&in, &len);

	choose(&c, a, b);
	put_word(&c, word);
	/* bundle.c lets nothing but an object come here. */
	if (sb_json_parse(&doc, text, len, &err) < 0 ||
	    !json_is_object(doc.root)) {
		fuzz_done(&in);
		return 0;
	}
	good = !sb_form_check(&doc, &err);
	if (!good)
		FUZZ_FAILED(err);
	/* The edits are for documents of the right form; but others must not
	 * hurt them. */
	if (edit(&doc, &c, &notes, &err) < 0) {
		FUZZ_FAILED(err);
	} else {
		FUZZ_CHECK(is_utf8(word));
		FUZZ_CHECK(!good || !sb_form_check(&doc, &err));
		check_all(doc.root, &c);
		look(doc.root);
		disable_hooks(doc.root);
		dump_and_parse(&doc, good);
		stand_alone(&doc, b >> 4);
		dump_and_parse(&doc, good);
	}
	fuzz_done(&in);
	return 0;
}
