/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes config.json one that a user namespace with one uid and gid can have. */
#define _GNU_SOURCE
#include "convert.h"

#include "../spank/contract.h"
#include "mem.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

/* What all rules share. */
struct cv {
	const struct sb_convert *c;
	struct sb_strv *notes;
	struct sb_err *err;
	json_t *config, *process, *linux_part;
	int pid, ipc, time; /* has the container such a namespace of its own? */
	int sys;	    /* the mounts so far show the node's /sys */
	const json_t *added[8]; /* mounts of ours; borrowed */
	size_t n_added;
};

__attribute__((format(printf, 2, 3))) static int fail(struct cv *v,
						      const char *fmt, ...)
{
	char text[1000];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return sb_fail(v->err, SB_FAIL, "config.json: %s", text);
}

static int wrong(struct cv *v, const char *path, const char *what)
{
	return fail(v, "%s: not %s", path, what);
}

static int no_memory(struct cv *v)
{
	return sb_fail(v->err, SB_FAIL, "out of memory");
}

__attribute__((format(printf, 2, 3))) static void note(struct cv *v,
						       const char *fmt, ...)
{
	char *line = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&line, fmt, ap) < 0)
		line = NULL;
	va_end(ap);
	sb_strv_take(v->notes, line);
}

static int set(struct cv *v, json_t *object, const char *name, json_t *value)
{
	if (!value || json_object_set_new(object, name, value) < 0)
		return no_memory(v);
	return 0;
}

/*
 * The part of parent at path, whose last word is its name there; NULL in *out
 * where it is missing. A null is as good as missing: programs in Go write one
 * for an empty list, and read it so.
 */
static int part(struct cv *v, json_t *parent, const char *path, json_type type,
		json_t **out)
{
	const char *dot = strrchr(path, '.');
	json_t *o = json_object_get(parent, dot ? dot + 1 : path);

	*out = NULL;
	if (!o || json_is_null(o))
		return 0;
	if (json_typeof(o) != type)
		return wrong(v, path,
			     type == JSON_OBJECT  ? "an object"
			     : type == JSON_ARRAY ? "a list"
						  : "a string");
	*out = o;
	return 0;
}

/* As part, but makes what is missing: an object or a list. */
static int need(struct cv *v, json_t *parent, const char *path, json_type type,
		json_t **out)
{
	const char *dot = strrchr(path, '.');

	if (part(v, parent, path, type, out) < 0)
		return -1;
	if (*out)
		return 0;
	*out = type == JSON_OBJECT ? json_object() : json_array();
	return set(v, parent, dot ? dot + 1 : path, *out);
}

/* Removes the members of the object at path that why gives a reason for. */
static int filter(struct cv *v, json_t *parent, const char *path,
		  const char *(*why)(const struct cv *v, const char *key))
{
	json_t *object;
	void *it, *next;
	const char *key, *reason;

	if (part(v, parent, path, JSON_OBJECT, &object) < 0)
		return -1;
	for (it = json_object_iter(object); it; it = next) {
		next = json_object_iter_next(object, it);
		key = json_object_iter_key(it);
		reason = why(v, key);
		if (!reason)
			continue;
		note(v, "%s: %s: dropped: %s", path, key, reason);
		json_object_del(object, key);
	}
	return 0;
}

/* ---- the document ---- */

static int check_platform(struct cv *v)
{
	static const struct {
		const char *section, *name;
	} others[] = {
		{"windows", "Windows"},
		{"solaris", "Solaris"},
		{"freebsd", "FreeBSD"},
		{"zos", "z/OS"},
	};

	if (json_object_get(v->config, "vm"))
		return sb_fail(v->err, SB_FAIL,
			       "config.json is for a virtual machine (it has "
			       "a vm section), not for a container");
	/* With a linux section it is a Linux container on that system. */
	if (json_object_get(v->config, "linux"))
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (json_object_get(v->config, others[i].section))
			return sb_fail(v->err, SB_FAIL,
				       "config.json is for %s, not for Linux",
				       others[i].name);
	return 0;
}

static int check_version(struct cv *v)
{
	const char *s;
	json_t *o;
	int n = 0;

	if (part(v, v->config, "ociVersion", JSON_STRING, &o) < 0)
		return -1;
	if (!o)
		return 0;
	/* SemVer: a major version keeps what it promised. */
	s = json_string_value(o);
	sscanf(s, "1.%*[0-9].%*[0-9]%n", &n);
	if (!n || (s[n] && s[n] != '-' && s[n] != '+'))
		return fail(v, "ociVersion %s: only 1.x.y is known", s);
	return 0;
}

static int find_sections(struct cv *v)
{
	if (need(v, v->config, "process", JSON_OBJECT, &v->process) < 0)
		return -1;
	return need(v, v->config, "linux", JSON_OBJECT, &v->linux_part);
}

/* What a step's container does not get, whatever it holds. */
static int drop_fields(struct cv *v)
{
	static const struct {
		const char *section, *name, *why;
	} gone[] = {
		{"", "hostname", "with the node's network goes its name"},
		{"", "domainname", "with the node's network goes its name"},
		{"process", "rlimits", "the job's limits hold"},
		{"process", "oomScoreAdj", "the job's holds"},
		{"process", "scheduler", "the job's holds"},
		{"process", "ioPriority", "the job's holds"},
		{"process", "execCPUAffinity", "the job's binding holds"},
		{"process", "apparmorProfile", "needs real root"},
		{"process", "selinuxLabel", "needs real root"},
		{"linux", "uidMappings", "the job's user is mapped"},
		{"linux", "gidMappings", "the job's group is mapped"},
		{"linux", "cgroupsPath", "the step has its own"},
		{"linux", "resources", "the job's limits hold"},
		{"linux", "intelRdt", "the job's limits hold"},
		{"linux", "memoryPolicy", "the job's binding holds"},
		{"linux", "netDevices", "the container has the node's network"},
		{"linux", "mountLabel", "needs real root"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(gone); i++) {
		const char *s = gone[i].section;
		json_t *from = *s ? json_object_get(v->config, s) : v->config;

		if (!json_object_get(from, gone[i].name))
			continue;
		json_object_del(from, gone[i].name);
		note(v, "%s%s%s: dropped: %s", s, *s ? "." : "", gone[i].name,
		     gone[i].why);
	}
	return 0;
}

/* crun takes some annotations for commands: crun(1), "Extensions". */
static const char *no_annotation(const struct cv *v, const char *key)
{
	static const char *const cgroup[] = {
		"run.oci.systemd.",
		"run.oci.delegate-cgroup",
		"org.systemd.property.",
	};

	(void)v;
	for (size_t i = 0; i < ARRAY_SIZE(cgroup); i++)
		if (!strncmp(key, cgroup[i], strlen(cgroup[i])))
			return "the container is in the step's cgroup";
	if (!strcmp(key, "run.oci.handler"))
		return "the site chooses the runtime";
	return NULL;
}

static int edit_annotations(struct cv *v)
{
	return filter(v, v->config, "annotations", no_annotation);
}

/* ---- process ---- */

/* 0 unless it is another number. */
static int other_id(const json_t *user, const char *name)
{
	const json_t *id = json_object_get(user, name);

	return id && !json_is_null(id) &&
	       !(json_is_integer(id) && !json_integer_value(id));
}

static int edit_user(struct cv *v)
{
	json_t *user;

	if (part(v, v->process, "process.user", JSON_OBJECT, &user) < 0)
		return -1;
	if (other_id(user, "uid") || other_id(user, "gid"))
		note(v, "process.user: replaced: the job's user is the only "
			"one in the container");
	if (json_array_size(json_object_get(user, "additionalGids")))
		note(v, "process.user.additionalGids: dropped: the job's "
			"groups hold");
	return set(v, v->process, "user",
		   json_pack("{s:i, s:i, s:i}", "uid", 0, "gid", 0, "umask",
			     (int)(v->c->umask & 0777)));
}

static int check_capabilities(struct cv *v)
{
	json_t *sets, *list, *name;
	const char *key;
	size_t i;

	if (part(v, v->process, "process.capabilities", JSON_OBJECT, &sets) < 0)
		return -1;
	json_object_foreach (sets, key, list) {
		if (!json_is_array(list) && !json_is_null(list))
			return fail(v, "process.capabilities.%s: not a list",
				    key);
		json_array_foreach (list, i, name) {
			if (!json_is_string(name))
				return fail(v,
					    "process.capabilities.%s[%zu]: not "
					    "a string",
					    key, i);
		}
	}
	return 0;
}

/* ---- linux ---- */

/* Why a namespace type is not wanted; "" where it is; NULL if unknown. */
static const char *namespace_rule(const struct cv *v, const char *type)
{
	static const struct {
		const char *type, *why;
	} rules[] = {
		{"pid", ""},
		{"ipc", ""},
		{"mount", ""},
		{"time", ""},
		{"network", "the container has the node's network"},
		{"uts", "the container has the node's name"},
		{"cgroup", "the container is in the step's cgroup"},
		{"user", "the step has its own"},
	};

	if (!strcmp(type, "time") && !v->c->time)
		return "the runtime knows none";
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		if (!strcmp(type, rules[i].type))
			return rules[i].why;
	return NULL;
}

/* Whether list has a namespace of this type before entry n. */
static int has_namespace(const json_t *list, const char *type, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char *t = json_string_value(
			json_object_get(json_array_get(list, i), "type"));

		if (t && !strcmp(t, type))
			return 1;
	}
	return 0;
}

static int check_namespace(struct cv *v, const json_t *list, size_t i)
{
	const json_t *entry = json_array_get(list, i);
	const json_t *path = json_object_get(entry, "path");
	const char *type = json_string_value(json_object_get(entry, "type"));
	const char *rule = type ? namespace_rule(v, type) : NULL;

	if (!rule)
		return fail(v,
			    "linux.namespaces[%zu].type: %s: no such kind of "
			    "namespace",
			    i, type ? type : "missing");
	if (has_namespace(list, type, i))
		return fail(v, "linux.namespaces[%zu]: a second %s namespace",
			    i, type);
	/* A path matters only where the namespace stays. */
	if ((*rule && strcmp(type, "time")) || !path || json_is_null(path) ||
	    (json_is_string(path) && !json_string_length(path)))
		return 0;
	return fail(v,
		    "linux.namespaces[%zu].path: the %s namespace of another "
		    "container cannot be joined: remove the path",
		    i, type);
}

static int edit_namespaces(struct cv *v)
{
	json_t *list;
	const char *type, *why;

	if (need(v, v->linux_part, "linux.namespaces", JSON_ARRAY, &list) < 0)
		return -1;
	for (size_t i = 0; i < json_array_size(list); i++)
		if (check_namespace(v, list, i) < 0)
			return -1;
	for (size_t i = json_array_size(list); i-- > 0;) {
		type = json_string_value(
			json_object_get(json_array_get(list, i), "type"));
		why = namespace_rule(v, type);
		if (!*why)
			continue;
		note(v, "linux.namespaces: %s: dropped: %s", type, why);
		json_array_remove(list, i);
	}
	v->pid = has_namespace(list, "pid", json_array_size(list));
	v->ipc = has_namespace(list, "ipc", json_array_size(list));
	v->time = has_namespace(list, "time", json_array_size(list));
	if (has_namespace(list, "mount", json_array_size(list)))
		return 0;
	note(v, "linux.namespaces: mount: added: a container needs one");
	if (json_array_append_new(list, json_pack("{s:s}", "type", "mount")) <
	    0)
		return no_memory(v);
	return 0;
}

static int edit_time_offsets(struct cv *v)
{
	if (v->time || !json_object_get(v->linux_part, "timeOffsets"))
		return 0;
	note(v, "linux.timeOffsets: dropped: there is no time namespace");
	json_object_del(v->linux_part, "timeOffsets");
	return 0;
}

/* Whether a sysctl's name, or with a trailing dot its beginning, is that:
 * sysctl(8) has '.' or '/' between the words. */
static int is_sysctl(const char *key, const char *name)
{
	for (; *name; key++, name++)
		if (*key != *name && !(*name == '.' && *key == '/'))
			return 0;
	return !*key || name[-1] == '.';
}

static const char *no_sysctl(const struct cv *v, const char *key)
{
	/* ipc_namespaces(7) */
	static const char *const ipc[] = {
		"kernel.msgmax", "kernel.msgmnb",	   "kernel.msgmni",
		"kernel.sem",	 "kernel.shmall",	   "kernel.shmmax",
		"kernel.shmmni", "kernel.shm_rmid_forced", "fs.mqueue.",
	};
	size_t i;

	if (is_sysctl(key, "net."))
		return "the container has the node's network";
	for (i = 0; i < ARRAY_SIZE(ipc); i++)
		if (is_sysctl(key, ipc[i]))
			break;
	if (i == ARRAY_SIZE(ipc))
		return "it is the node's";
	if (!v->ipc)
		return "it is the node's without an ipc namespace";
	/* The files in /proc/sys belonged to the real root before. */
	if (v->c->kernel_major < 6 ||
	    (v->c->kernel_major == 6 && v->c->kernel_minor < 9))
		return "Linux before 6.9 lets only the real root set it";
	return NULL;
}

static int edit_sysctl(struct cv *v)
{
	return filter(v, v->linux_part, "linux.sysctl", no_sysctl);
}

/* Reads a device number; -1 for none (a carried number is none, either). */
static long long device_number(const json_t *device, const char *name)
{
	const json_t *n = json_object_get(device, name);

	if (!json_is_integer(n) || json_integer_value(n) > UINT_MAX)
		return -1;
	return json_integer_value(n);
}

/* Whether the node has the device: it can be shown, but none be made. */
static int node_has(const struct cv *v, const json_t *device)
{
	const char *type = json_string_value(json_object_get(device, "type"));
	const char *path = json_string_value(json_object_get(device, "path"));
	long long major = device_number(device, "major");
	long long minor = device_number(device, "minor");

	if (!type || !path || *path != '/' || major < 0 || minor < 0)
		return 0;
	if (strcmp(type, "c") && strcmp(type, "u") && strcmp(type, "b"))
		return 0;
	/* mknod(1): u is another word for c. */
	return v->c->device(v->c->arg, path, *type == 'b' ? 'b' : 'c', major,
			    minor);
}

static int edit_devices(struct cv *v)
{
	json_t *list, *device;
	const char *path;

	if (part(v, v->linux_part, "linux.devices", JSON_ARRAY, &list) < 0)
		return -1;
	for (size_t i = json_array_size(list); i-- > 0;) {
		device = json_array_get(list, i);
		path = json_string_value(json_object_get(device, "path"));
		if (!path)
			return fail(v, "linux.devices[%zu].path: not a string",
				    i);
		if (node_has(v, device)) {
			/* The node's own file is shown, as it is. */
			json_object_del(device, "uid");
			json_object_del(device, "gid");
			json_object_del(device, "fileMode");
			continue;
		}
		note(v,
		     "linux.devices: %s: dropped: the node has no such "
		     "device there",
		     path);
		json_array_remove(list, i);
	}
	return 0;
}

/* ---- mounts ---- */

/* An entry of mounts. */
struct mnt {
	size_t i; /* its place in the bundle's list */
	json_t *m, *options;
	const char *dest;
	const char *type; /* never NULL; "bind" with such an option */
};

struct kind;

/* Edits a mount: 0 to keep it, 1 to drop it (the rule says why), -1 with the
 * error set. */
typedef int mount_rule(struct cv *v, struct mnt *m, const struct kind *k);

struct kind {
	const char *type;
	mount_rule *rule;
	const char *place; /* where the node has it */
	const char *how;   /* and how to bind it */
};

static const char *option(const struct mnt *m, size_t i)
{
	return json_string_value(json_array_get(m->options, i));
}

static int has_option(const struct mnt *m, const char *name)
{
	for (size_t i = 0; i < json_array_size(m->options); i++)
		if (!strcmp(option(m, i), name))
			return 1;
	return 0;
}

/* Whether name ends with end. */
static int ends(const char *name, const char *end)
{
	size_t n = strlen(name), e = strlen(end);

	return n >= e && !strcmp(name + n - e, end);
}

static int is_propagation(const char *option)
{
	static const char *const names[] = {"private", "shared", "slave",
					    "unbindable"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(option + (*option == 'r'), names[i]))
			return 1;
	return 0;
}

/* Whether path is top or below it. */
static int is_below(const char *path, const char *top)
{
	size_t n = strlen(top);

	return !strncmp(path, top, n) && (!path[n] || path[n] == '/');
}

/* A list of the words between commas. */
static json_t *list_of(const char *words)
{
	json_t *list = json_array();

	while (list && *words) {
		size_t n = strcspn(words, ",");

		json_array_append_new(list, json_stringn(words, n));
		words += n + (words[n] == ',');
	}
	return list;
}

/* Makes the mount another one; its propagation stays. */
static int become(struct cv *v, struct mnt *m, const char *type,
		  const char *source, const char *options)
{
	json_t *list = list_of(options);

	for (size_t i = 0; i < json_array_size(m->options); i++)
		if (is_propagation(option(m, i)))
			json_array_append(list, json_array_get(m->options, i));
	if (set(v, m->m, "options", list) < 0)
		return -1;
	m->options = list;
	m->type = type;
	if (set(v, m->m, "type", json_string(type)) < 0)
		return -1;
	return set(v, m->m, "source", json_string(source));
}

static int bind_place(struct cv *v, struct mnt *m, const char *place,
		      const char *how, const char *why)
{
	note(v, "mounts: %s: %s replaced by a bind of %s: %s", m->dest, m->type,
	     place, why);
	return become(v, m, "bind", place, how);
}

static int drop_mount(struct cv *v, const struct mnt *m, const char *why)
{
	note(v, "mounts: %s: %s dropped: %s", m->dest, m->type, why);
	return 1;
}

/* Why a mount option cannot be had, or NULL. */
static const char *no_option(const struct mnt *m, const char *o)
{
	static const char *const labels[] = {
		"context=", "fscontext=", "defcontext=", "rootcontext="};
	/* mm/shmem.c: refused unless in the first user namespace. */
	static const char *const shmem[] = {"noswap", "quota", "usrquota",
					    "grpquota"};

	for (size_t i = 0; i < ARRAY_SIZE(labels); i++)
		if (!strncmp(o, labels[i], strlen(labels[i])))
			return "a label needs real root";
	if (!strcmp(o + (*o == 'r'), "idmap"))
		return "ids cannot be mapped anew";
	/* mount_namespaces(7): locked on what the node has mounted. */
	if (!strcmp(m->type, "bind"))
		return ends(o, "atime") ? "it is as the node has it" : NULL;
	if ((!strncmp(o, "uid=", 4) || !strncmp(o, "gid=", 4)) &&
	    strcmp(o + 4, "0"))
		return "there is no such id in the container";
	for (size_t i = 0; i < ARRAY_SIZE(shmem); i++)
		if (!strcmp(o, shmem[i]))
			return "it needs real root";
	return NULL;
}

static void edit_options(struct cv *v, struct mnt *m)
{
	const char *why;

	for (size_t i = json_array_size(m->options); i-- > 0;) {
		why = no_option(m, option(m, i));
		if (!why)
			continue;
		note(v, "mounts: %s: option %s dropped: %s", m->dest,
		     option(m, i), why);
		json_array_remove(m->options, i);
	}
	json_object_del(m->m, "uidMappings");
	json_object_del(m->m, "gidMappings");
}

/* Any that a user namespace may mount. */
static int keep_mount(struct cv *v, struct mnt *m, const struct kind *k)
{
	(void)v;
	(void)m;
	(void)k;
	return 0;
}

static int mount_proc(struct cv *v, struct mnt *m, const struct kind *k)
{
	int ro = has_option(m, "ro");

	if (v->pid)
		return 0;
	return bind_place(v, m, k->place,
			  ro ? "rbind,nosuid,noexec,nodev,ro" : k->how,
			  "there is no pid namespace");
}

static int mount_sysfs(struct cv *v, struct mnt *m, const struct kind *k)
{
	return bind_place(v, m, k->place, k->how,
			  "a new one needs a network namespace");
}

static int mount_devpts(struct cv *v, struct mnt *m, const struct kind *k)
{
	(void)k;
	if (has_option(m, "newinstance"))
		return 0;
	if (json_array_append_new(m->options, json_string("newinstance")) < 0)
		return no_memory(v);
	return 0;
}

static int mount_mqueue(struct cv *v, struct mnt *m, const struct kind *k)
{
	if (v->ipc)
		return 0;
	if (!v->c->exists(v->c->arg, k->place))
		return drop_mount(v, m, "there is no ipc namespace");
	return bind_place(v, m, k->place, k->how, "there is no ipc namespace");
}

/* One that only the real root mounts, but the node has. */
static int mount_kernel(struct cv *v, struct mnt *m, const struct kind *k)
{
	if (v->sys && is_below(m->dest, "/sys"))
		return drop_mount(v, m, "it comes with the bind of /sys");
	if (!v->c->exists(v->c->arg, k->place))
		return drop_mount(v, m, "the node has none");
	return bind_place(v, m, k->place, k->how, "a user cannot mount it");
}

/* A bind whose source the node lacks: container engines make some files
 * themselves, which are gone or elsewhere now. */
static int mount_lost(struct cv *v, struct mnt *m, const char *source)
{
	static const char *const files[] = {"/etc/hosts", "/etc/resolv.conf",
					    "/etc/hostname"};
	static const char *const gone[] = {
		"/etc/passwd", "/etc/group",   "/run/.containerenv",
		"/.dockerenv", "/run/secrets", "/run/podman-init",
		"/dev/init",
	};
	static const char *const why = "its source is not on this node";

	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		if (!strcmp(m->dest, files[i]) &&
		    v->c->exists(v->c->arg, files[i]))
			return bind_place(v, m, files[i], "rbind,ro", why);
		else if (!strcmp(m->dest, files[i]))
			return drop_mount(v, m, why);
	for (size_t i = 0; i < ARRAY_SIZE(gone); i++)
		if (is_below(m->dest, gone[i]))
			return drop_mount(v, m, why);
	if (strcmp(m->dest, "/dev/shm"))
		return fail(v,
			    "mounts[%zu].source: %s: not on this node, or "
			    "closed to you (to be mounted at %s)",
			    m->i, source, m->dest);
	note(v, "mounts: /dev/shm: bind replaced by a tmpfs: %s", why);
	return become(v, m, "tmpfs", "shm", "nosuid,nodev,mode=1777");
}

/* An absolute source; relative ones are relative to the bundle (config.md,
 * Mounts). Returns it, owned by the caller; NULL without memory. */
static char *absolute(const struct cv *v, const char *source)
{
	char *path = NULL;

	if (*source == '/')
		return strdup(source);
	if (asprintf(&path, "%s/%s", v->c->bundle, source) < 0)
		return NULL;
	return path;
}

/* A user namespace may not bind a directory without what is mounted below it:
 * that could show what the node hides. */
static int bind_all(struct cv *v, struct mnt *m)
{
	for (size_t i = json_array_size(m->options); i-- > 0;)
		if (!strcmp(option(m, i), "bind"))
			json_array_remove(m->options, i);
	if (has_option(m, "rbind"))
		return 0;
	if (json_array_insert_new(m->options, 0, json_string("rbind")) < 0)
		return no_memory(v);
	return 0;
}

static int mount_bind(struct cv *v, struct mnt *m, const struct kind *k)
{
	const char *source = json_string_value(json_object_get(m->m, "source"));
	_cleanup_free_ char *path = NULL;

	(void)k;
	if (!source || !*source)
		return fail(v, "mounts[%zu]: %s: a bind mount without a source",
			    m->i, m->dest);
	path = absolute(v, source);
	if (!path)
		return no_memory(v);
	if (!v->c->exists(v->c->arg, path))
		return mount_lost(v, m, path);
	if (set(v, m->m, "type", json_string("bind")) < 0 ||
	    set(v, m->m, "source", json_string(path)) < 0)
		return -1;
	return bind_all(v, m);
}

#define RO "rbind,nosuid,noexec,nodev,ro"
#define RW "rbind,nosuid,noexec,nodev"

/*
 * What a user namespace may mount are the types with FS_USERNS_MOUNT in Linux:
 * overlay since 5.11, fuse since 4.18; sysfs and cgroup only with a network or
 * cgroup namespace of its own. Others that the kernel makes up are shown where
 * the node has them. What is not here is of a disk or a server.
 */
static const struct kind kinds[] = {
	{"bind", mount_bind, NULL, NULL},
	{"tmpfs", keep_mount, NULL, NULL},
	{"ramfs", keep_mount, NULL, NULL},
	{"overlay", keep_mount, NULL, NULL},
	{"fuse", keep_mount, NULL, NULL},
	{"proc", mount_proc, "/proc", RW},
	{"sysfs", mount_sysfs, "/sys", RO},
	{"devpts", mount_devpts, NULL, NULL},
	{"mqueue", mount_mqueue, "/dev/mqueue", RW},
	{"cgroup", mount_kernel, "/sys/fs/cgroup", RO},
	{"cgroup2", mount_kernel, "/sys/fs/cgroup", RO},
	{"bpf", mount_kernel, "/sys/fs/bpf", RO},
	{"configfs", mount_kernel, "/sys/kernel/config", RO},
	{"debugfs", mount_kernel, "/sys/kernel/debug", RO},
	{"tracefs", mount_kernel, "/sys/kernel/tracing", RO},
	{"securityfs", mount_kernel, "/sys/kernel/security", RO},
	{"selinuxfs", mount_kernel, "/sys/fs/selinux", RO},
	{"fusectl", mount_kernel, "/sys/fs/fuse/connections", RO},
	{"pstore", mount_kernel, "/sys/fs/pstore", RO},
	{"resctrl", mount_kernel, "/sys/fs/resctrl", RO},
	{"efivarfs", mount_kernel, "/sys/firmware/efi/efivars", RO},
	{"binfmt_misc", mount_kernel, "/proc/sys/fs/binfmt_misc", RO},
	{"hugetlbfs", mount_kernel, "/dev/hugepages", RW},
	{"devtmpfs", mount_kernel, "/dev", "rbind,nosuid,noexec"},
};

/* A destination as it is compared: absolute, no empty words, no dots. In
 * place. */
static void tidy(char *path)
{
	char *to = path, *from = path;

	while (*from) {
		size_t n = strcspn(from, "/");

		if (n && !(n == 1 && *from == '.')) {
			memmove(to, from, n);
			to += n;
			*to++ = '/';
		}
		from += n + (from[n] == '/');
	}
	*(to > path ? to - 1 : to) = '\0';
}

static int edit_destination(struct cv *v, struct mnt *m)
{
	const char *given =
		json_string_value(json_object_get(m->m, "destination"));
	_cleanup_free_ char *path = NULL;

	if (!given || !*given)
		return fail(v, "mounts[%zu].destination: not a path", m->i);
	/* Relative ones are relative to / (config.md, Mounts). The last byte
	 * is tidy's. */
	if (*given != '/')
		note(v, "mounts: %s: made absolute", given);
	if (asprintf(&path, "/%s/", given) < 0)
		return no_memory(v);
	tidy(path + 1);
	if (set(v, m->m, "destination", json_string(path)) < 0)
		return -1;
	m->dest = json_string_value(json_object_get(m->m, "destination"));
	return 0;
}

/* Reads an entry: its form is as it must be afterwards. */
static int read_mount(struct cv *v, struct mnt *m)
{
	char path[64];
	json_t *o;

	snprintf(path, sizeof(path), "mounts[%zu]", m->i);
	if (!json_is_object(m->m))
		return wrong(v, path, "an object");
	if (edit_destination(v, m) < 0)
		return -1;
	snprintf(path, sizeof(path), "mounts[%zu].options", m->i);
	if (need(v, m->m, path, JSON_ARRAY, &m->options) < 0)
		return -1;
	for (size_t i = 0; i < json_array_size(m->options); i++)
		if (!option(m, i))
			return wrong(v, path, "a list of strings");
	snprintf(path, sizeof(path), "mounts[%zu].type", m->i);
	if (part(v, m->m, path, JSON_STRING, &o) < 0)
		return -1;
	m->type = o ? json_string_value(o) : "none";
	if (has_option(m, "bind") || has_option(m, "rbind"))
		m->type = "bind";
	return 0;
}

/*
 * What the node has mounted read-only, nosuid, nodev or noexec stays so in a
 * user namespace: a bind that would change it fails (mount_namespaces(7)).
 * Runtimes set a bind's flags anew if it has any, and not all add these (runc
 * 1.1 does not).
 */
static int keep_locked(struct cv *v, struct mnt *m, const char *source)
{
	static const struct {
		unsigned long flag;
		const char *name, *undo;
	} locked[] = {
		{ST_RDONLY, "ro", "rw"},
		{ST_NOSUID, "nosuid", "suid"},
		{ST_NODEV, "nodev", "dev"},
		{ST_NOEXEC, "noexec", "exec"},
	};
	unsigned long flags;
	size_t i, n = json_array_size(m->options);

	for (i = 0; i < n; i++)
		if (strcmp(option(m, i), "rbind") &&
		    strcmp(option(m, i), "rw") && !is_propagation(option(m, i)))
			break;
	if (i == n)
		return 0;
	flags = v->c->flags(v->c->arg, source);
	for (i = 0; i < ARRAY_SIZE(locked); i++) {
		if (!(flags & locked[i].flag) ||
		    (has_option(m, locked[i].name) &&
		     !has_option(m, locked[i].undo)))
			continue;
		note(v, "mounts: %s: option %s added: %s is mounted so",
		     m->dest, locked[i].name, source);
		/* The last one wins. */
		if (json_array_append_new(m->options,
					  json_string(locked[i].name)) < 0)
			return no_memory(v);
	}
	return 0;
}

static int edit_mount(struct cv *v, struct mnt *m)
{
	const char *source;
	int rc;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (strcmp(m->type, kinds[i].type))
			continue;
		/* The document's own string may go away. */
		m->type = kinds[i].type;
		edit_options(v, m);
		rc = kinds[i].rule(v, m, &kinds[i]);
		source = json_string_value(json_object_get(m->m, "source"));
		if (rc)
			return rc;
		if (!strcmp(m->dest, "/sys"))
			v->sys = !strcmp(m->type, "bind") &&
				 !strcmp(source, "/sys");
		return strcmp(m->type, "bind") ? 0 : keep_locked(v, m, source);
	}
	return fail(
		v,
		"mounts[%zu]: %s: a user cannot mount file systems of type %s",
		m->i, m->dest, m->type);
}

/* ---- the list of mounts ---- */

/* The entry mounted at dest; NULL for none. Borrowed. */
static const json_t *mounted_at(const json_t *list, const char *dest)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *m = json_array_get(list, i);
		const json_t *d = json_object_get(m, "destination");

		if (!strcmp(json_string_value(d), dest))
			return m;
	}
	return NULL;
}

/* Whether /dev is the node's own: then all below it is there. */
static int has_node_dev(struct cv *v, const json_t *list)
{
	struct mnt m = {.m = (json_t *)mounted_at(list, "/dev")};

	if (!m.m || read_mount(v, &m) < 0)
		return 0;
	return !strcmp(m.type, "bind") || !strcmp(m.type, "devtmpfs");
}

/* Where a mount at dest must come: before the first that it would hide. */
static size_t place_for(const json_t *list, const char *dest)
{
	size_t i;

	for (i = 0; i < json_array_size(list); i++) {
		const json_t *d =
			json_object_get(json_array_get(list, i), "destination");

		if (is_below(json_string_value(d), dest))
			break;
	}
	return i;
}

/* Adds the default file systems (config-linux.md) that the bundle lacks, and
 * /dev, which two of them lie in: as runtimes write them, for the rules. */
static int add_defaults(struct cv *v, json_t *list)
{
	static const struct {
		const char *dest, *type, *options;
	} all[] = {
		{"/proc", "proc", ""},
		{"/dev", "tmpfs", "nosuid,strictatime,mode=755,size=65536k"},
		{"/dev/pts", "devpts", "nosuid,noexec,ptmxmode=0666,mode=0620"},
		{"/dev/shm", "tmpfs", "nosuid,nodev,mode=1777"},
		{"/sys", "sysfs", ""},
	};
	int node_dev = has_node_dev(v, list);

	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		json_t *m;

		if (mounted_at(list, all[i].dest) ||
		    (node_dev && is_below(all[i].dest, "/dev")))
			continue;
		note(v, "mounts: %s: added: programs expect it", all[i].dest);
		m = json_pack("{s:s, s:s, s:s, s:o}", "destination",
			      all[i].dest, "type", all[i].type, "source",
			      all[i].type, "options", list_of(all[i].options));
		if (json_array_insert_new(list, place_for(list, all[i].dest),
					  m) < 0)
			return no_memory(v);
		v->added[v->n_added++] = m;
	}
	return 0;
}

static int is_added(const struct cv *v, const json_t *mount)
{
	for (size_t i = 0; i < v->n_added; i++)
		if (v->added[i] == mount)
			return 1;
	return 0;
}

static int edit_mounts(struct cv *v)
{
	json_t *list;
	size_t i, at;
	int rc, ours;

	if (need(v, v->config, "mounts", JSON_ARRAY, &list) < 0)
		return -1;
	for (i = 0; i < json_array_size(list); i++) {
		struct mnt m = {.i = i, .m = json_array_get(list, i)};

		if (read_mount(v, &m) < 0)
			return -1;
	}
	if (add_defaults(v, list) < 0)
		return -1;
	for (i = at = 0; at < json_array_size(list); i += !ours) {
		struct mnt m = {.i = i, .m = json_array_get(list, at)};

		ours = is_added(v, m.m);
		rc = read_mount(v, &m) < 0 ? -1 : edit_mount(v, &m);
		if (rc < 0)
			return -1;
		if (rc)
			json_array_remove(list, at);
		else
			at++;
	}
	return 0;
}

/* ---- all ---- */

typedef int edit_fn(struct cv *v);

/* In the manual's order. What comes later may rely on what comes before. */
static edit_fn *const edits[] = {
	check_platform, check_version,	    find_sections,   drop_fields,
	edit_user,	check_capabilities, edit_namespaces, edit_time_offsets,
	edit_sysctl,	edit_devices,	    edit_mounts,     edit_annotations,
};

int sb_convert(json_t *config, const struct sb_convert *c,
	       struct sb_strv *notes, struct sb_err *err)
{
	struct cv v = {.c = c, .notes = notes, .err = err, .config = config};

	if (!json_is_object(config))
		return sb_fail(err, SB_FAIL, "config.json: not an object");
	for (size_t i = 0; i < ARRAY_SIZE(edits); i++)
		if (edits[i](&v) < 0)
			return -1;
	return notes->failed ? no_memory(&v) : 0;
}
