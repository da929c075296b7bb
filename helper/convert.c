/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes config.json one that a user namespace with one uid and gid can have. */
#define _GNU_SOURCE
#include "convert.h"

#include "../spank/contract.h"
#include "edit.h"
#include "mem.h"
#include "mountlist.h"
#include "path.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

/* What all rules share. */
struct cv {
	const struct sb_convert *c;
	struct sb_edit *e;
	json_t *config, *process, *linux_part;
	int pid, ipc; /* has the container such a namespace of its own? */
};

/* Removes the members of the object at path that why gives a reason for. */
static int filter(struct cv *v, json_t *parent, const char *path,
		  const char *(*why)(const struct cv *v, const char *key))
{
	json_t *object;
	void *it, *next;
	const char *key, *reason;

	if (sb_edit_part(v->e, parent, path, JSON_OBJECT, &object) < 0)
		return -1;
	for (it = json_object_iter(object); it; it = next) {
		next = json_object_iter_next(object, it);
		key = json_object_iter_key(it);
		reason = why(v, key);
		if (!reason)
			continue;
		sb_edit_note(v->e, "%s: %s: dropped: %s", path, key, reason);
		json_object_del(object, key);
	}
	return 0;
}

/* ---- the document ---- */

/* A null is as good as missing. */
static int has_section(const struct cv *v, const char *name)
{
	const json_t *section = json_object_get(v->config, name);

	return section && !json_is_null(section);
}

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

	if (has_section(v, "vm"))
		return sb_fail(v->e->err, SB_FAIL,
			       "config.json is for a virtual machine (it has "
			       "a vm section), not for a container");
	/* With a linux section it is a Linux container on that system. */
	if (has_section(v, "linux"))
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (has_section(v, others[i].section))
			return sb_fail(v->e->err, SB_FAIL,
				       "config.json is for %s, not for Linux",
				       others[i].name);
	return 0;
}

static int check_version(struct cv *v)
{
	const char *s;
	json_t *o;
	int n = 0;

	if (sb_edit_part(v->e, v->config, "ociVersion", JSON_STRING, &o) < 0)
		return -1;
	if (!o)
		return 0;
	/* SemVer: a major version keeps what it promised. */
	s = json_string_value(o);
	sscanf(s, "1.%*[0-9].%*[0-9]%n", &n);
	if (!n || (s[n] && s[n] != '-' && s[n] != '+'))
		return sb_edit_fail(v->e, "ociVersion %s: only 1.x.y is known",
				    s);
	return 0;
}

static int find_sections(struct cv *v)
{
	struct sb_edit *e = v->e;

	if (sb_edit_need(e, v->config, "process", JSON_OBJECT, &v->process) < 0)
		return -1;
	return sb_edit_need(e, v->config, "linux", JSON_OBJECT, &v->linux_part);
}

/* Even where the container has no such directory, and its place is taken by
 * another: /proc/self/fd/N as cwd is the way out of CVE-2024-21626. */
static int check_cwd(struct cv *v)
{
	const json_t *cwd = json_object_get(v->process, "cwd");
	const char *s = json_string_value(cwd);

	if (!cwd || json_is_null(cwd) || sb_path_is_cwd(s))
		return 0;
	return sb_edit_wrong(v->e, "process.cwd",
			     "an absolute path outside /proc");
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
		{"linux", "timeOffsets", "there is no time namespace"},
		{"linux", "netDevices", "the container has the node's network"},
		{"linux", "mountLabel", "needs real root"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(gone); i++) {
		const char *s = gone[i].section;
		json_t *from = *s ? json_object_get(v->config, s) : v->config;

		if (!json_object_get(from, gone[i].name))
			continue;
		json_object_del(from, gone[i].name);
		sb_edit_note(v->e, "%s%s%s: dropped: %s", s, *s ? "." : "",
			     gone[i].name, gone[i].why);
	}
	return 0;
}

/* crun takes some annotations for commands: crun(1), "Extensions", and what
 * `crun features` lists as potentially unsafe. NULL where one may stay. */
static const char *no_annotation(const struct cv *v, const char *key)
{
	static const char cgroup[] = "the container is in the step's cgroup";
	static const char runtime[] = "the site chooses the runtime";
	static const char command[] = "crun takes it for a command";
	/* The first that key begins with holds. */
	static const struct {
		const char *name, *why;
	} known[] = {
		{"run.oci.systemd.", cgroup},
		{"run.oci.delegate-cgroup", cgroup},
		{"org.systemd.property.", cgroup},
		/* Among them a filter that crun takes in place of
		 * linux.seccomp, and so of the site's. */
		{"run.oci.seccomp",
		 "filters come from linux.seccomp and the site"},
		{"run.oci.handler", runtime},
		{"krun.", runtime},
		{"module.wasm.image/variant", runtime},
		/* With "sandbox" crun passes over the site's handler. */
		{"io.kubernetes.cri.container-type", runtime},
		/* What hooks say, which run as the user; and his groups, which
		 * nobody can change. */
		{"run.oci.hooks.", NULL},
		{"run.oci.keep_original_groups", NULL},
		{"run.oci.", command},
		{"org.criu.", command},
	};

	(void)v;
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (!strncmp(key, known[i].name, strlen(known[i].name)))
			return known[i].why;
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
	struct sb_edit *e = v->e;
	json_t *user;

	if (sb_edit_part(e, v->process, "process.user", JSON_OBJECT, &user) < 0)
		return -1;
	if (other_id(user, "uid") || other_id(user, "gid"))
		sb_edit_note(e, "process.user: replaced: the job's user is the "
				"only one in the container");
	if (json_array_size(json_object_get(user, "additionalGids")))
		sb_edit_note(e, "process.user.additionalGids: dropped: the "
				"job's groups hold");
	return sb_edit_set(e, v->process, "user",
			   json_pack("{s:i, s:i, s:i}", "uid", 0, "gid", 0,
				     "umask", (int)(v->c->umask & 0777)));
}

static int check_capabilities(struct cv *v)
{
	json_t *sets, *list, *name;
	const char *key;
	size_t i;

	if (sb_edit_part(v->e, v->process, "process.capabilities", JSON_OBJECT,
			 &sets) < 0)
		return -1;
	json_object_foreach (sets, key, list) {
		if (!json_is_array(list) && !json_is_null(list))
			return sb_edit_fail(
				v->e, "process.capabilities.%s: not a list",
				key);
		json_array_foreach (list, i, name) {
			if (!json_is_string(name))
				return sb_edit_fail(
					v->e,
					"process.capabilities.%s[%zu]: not "
					"a string",
					key, i);
		}
	}
	return 0;
}

/* ---- linux ---- */

/* Why a namespace type is not wanted; "" where it is; NULL if unknown. */
static const char *namespace_rule(const char *type)
{
	static const struct {
		const char *type, *why;
	} rules[] = {
		{"pid", ""},
		{"ipc", ""},
		{"mount", ""},
		{"time", "the runtime knows none"},
		{"network", "the container has the node's network"},
		{"uts", "the container has the node's name"},
		{"cgroup", "the container is in the step's cgroup"},
		{"user", "the step has its own"},
	};

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
	const char *rule = type ? namespace_rule(type) : NULL;

	if (!rule)
		return sb_edit_fail(
			v->e,
			"linux.namespaces[%zu].type: %s: no such kind of "
			"namespace",
			i, type ? type : "missing");
	if (has_namespace(list, type, i))
		return sb_edit_fail(
			v->e, "linux.namespaces[%zu]: a second %s namespace", i,
			type);
	/* A path matters where the namespace stays; or where the container
	 * would get another's time: the node's own is no substitute. */
	if ((*rule && strcmp(type, "time")) || !path || json_is_null(path) ||
	    (json_is_string(path) && !json_string_length(path)))
		return 0;
	return sb_edit_fail(
		v->e,
		"linux.namespaces[%zu].path: the %s namespace of another "
		"container cannot be joined: remove the path",
		i, type);
}

static int edit_namespaces(struct cv *v)
{
	json_t *list;
	const char *type, *why;

	if (sb_edit_need(v->e, v->linux_part, "linux.namespaces", JSON_ARRAY,
			 &list) < 0)
		return -1;
	for (size_t i = 0; i < json_array_size(list); i++)
		if (check_namespace(v, list, i) < 0)
			return -1;
	for (size_t i = json_array_size(list); i-- > 0;) {
		type = json_string_value(
			json_object_get(json_array_get(list, i), "type"));
		why = namespace_rule(type);
		/* check_namespace() knows them all. */
		if (!why)
			continue;
		if (!*why && v->c->shared && !strcmp(type, "pid"))
			why = "several tasks share the container";
		if (!*why)
			continue;
		sb_edit_note(v->e, "linux.namespaces: %s: dropped: %s", type,
			     why);
		json_array_remove(list, i);
	}
	v->pid = has_namespace(list, "pid", json_array_size(list));
	v->ipc = has_namespace(list, "ipc", json_array_size(list));
	if (has_namespace(list, "mount", json_array_size(list)))
		return 0;
	sb_edit_note(v->e,
		     "linux.namespaces: mount: added: a container needs one");
	if (json_array_append_new(list, json_pack("{s:s}", "type", "mount")) <
	    0)
		return sb_edit_no_memory(v->e);
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

/* As it is compared with mounts. Returns the new one, borrowed; NULL without
 * memory. */
static const char *tidy_path(json_t *device, const char *path)
{
	_cleanup_free_ char *copy = strdup(path);

	if (!copy)
		return NULL;
	if (*copy == '/')
		sb_path_tidy(copy);
	if (json_object_set_new(device, "path", json_string(copy)) < 0)
		return NULL;
	return json_string_value(json_object_get(device, "path"));
}

static int edit_devices(struct cv *v)
{
	json_t *list, *device;
	const char *path;

	if (sb_edit_part(v->e, v->linux_part, "linux.devices", JSON_ARRAY,
			 &list) < 0)
		return -1;
	for (size_t i = json_array_size(list); i-- > 0;) {
		device = json_array_get(list, i);
		path = json_string_value(json_object_get(device, "path"));
		if (!path)
			return sb_edit_fail(
				v->e, "linux.devices[%zu].path: not a string",
				i);
		path = tidy_path(device, path);
		if (!path)
			return sb_edit_no_memory(v->e);
		if (node_has(v, device)) {
			/* The node's own file is shown, as it is. */
			json_object_del(device, "uid");
			json_object_del(device, "gid");
			json_object_del(device, "fileMode");
			continue;
		}
		sb_edit_note(v->e,
			     "linux.devices: %s: dropped: the node has no such "
			     "device there",
			     path);
		json_array_remove(list, i);
	}
	return 0;
}

/* Whether path, mounted anew, keeps the init from becoming the user: /proc and
 * what is a process's there, where it writes; and /, since what then is below
 * the root counts as a chroot (user_namespaces(7)). */
static int is_needed(char *path)
{
	static const char *const links[] = {"/proc/self", "/proc/thread-self"};

	sb_path_tidy(path);
	for (size_t i = 0; i < ARRAY_SIZE(links); i++)
		if (sb_path_is_within(path, links[i]))
			return 1;
	if (!strcmp(path, "/") || !strcmp(path, "/proc"))
		return 1;
	return sb_path_is_within(path, "/proc") && path[6] >= '0' &&
	       path[6] <= '9';
}

static int edit_readonly_paths(struct cv *v)
{
	_cleanup_free_ char *path = NULL;
	const char *given;
	json_t *list;

	if (sb_edit_part(v->e, v->linux_part, "linux.readonlyPaths", JSON_ARRAY,
			 &list) < 0)
		return -1;
	for (size_t i = json_array_size(list); v->c->identity && i-- > 0;) {
		given = json_string_value(json_array_get(list, i));
		if (!given)
			continue;
		sb_cleanup_free(&path);
		if (asprintf(&path, "/%s", given) < 0) {
			path = NULL;
			return sb_edit_no_memory(v->e);
		}
		if (!is_needed(path))
			continue;
		sb_edit_note(v->e,
			     "linux.readonlyPaths: %s: dropped: with it the "
			     "init cannot become the user",
			     given);
		json_array_remove(list, i);
	}
	return 0;
}

static int edit_mounts(struct cv *v)
{
	const struct sb_mountlist_facts facts = {
		.bundle = v->c->bundle,
		.pid = v->pid,
		.ipc = v->ipc,
		.identity = v->c->identity,
		.exists = v->c->exists,
		.flags = v->c->flags,
		.arg = v->c->arg,
	};

	return sb_mountlist_edit(v->config, &facts, v->e);
}

/* ---- all ---- */

typedef int edit_fn(struct cv *v);

/* In the manual's order. What comes later may rely on what comes before. */
static edit_fn *const edits[] = {
	check_platform,	  check_version, find_sections,	      check_cwd,
	drop_fields,	  edit_user,	 check_capabilities,  edit_namespaces,
	edit_sysctl,	  edit_devices,	 edit_readonly_paths, edit_mounts,
	edit_annotations,
};

int sb_convert(json_t *config, const struct sb_convert *c,
	       struct sb_strv *notes, struct sb_err *err)
{
	struct sb_edit e = {.notes = notes, .err = err};
	struct cv v = {.c = c, .e = &e, .config = config};

	if (!json_is_object(config))
		return sb_fail(err, SB_FAIL, "config.json: not an object");
	for (size_t i = 0; i < ARRAY_SIZE(edits); i++)
		if (edits[i](&v) < 0)
			return -1;
	return notes->failed ? sb_edit_no_memory(&e) : 0;
}
