/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes config.json's list of mounts one that a user namespace can have. */
#define _GNU_SOURCE
#include "mountlist.h"

#include "../spank/contract.h"
#include "mem.h"
#include "path.h"

#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

/* What all rules share. */
struct work {
	const struct sb_mountlist_facts *f;
	struct sb_edit *e;
	int sys;		/* the mounts so far show the node's /sys */
	const json_t *added[8]; /* mounts of ours; borrowed */
	size_t n_added;
};

/* ---- an entry ---- */

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
typedef int mount_rule(struct work *w, struct mnt *m, const struct kind *k);

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
static int become(struct work *w, struct mnt *m, const char *type,
		  const char *source, const char *options)
{
	json_t *list = list_of(options);

	for (size_t i = 0; i < json_array_size(m->options); i++)
		if (is_propagation(option(m, i)))
			json_array_append(list, json_array_get(m->options, i));
	if (sb_edit_set(w->e, m->m, "options", list) < 0)
		return -1;
	m->options = list;
	m->type = type;
	if (sb_edit_set(w->e, m->m, "type", json_string(type)) < 0)
		return -1;
	return sb_edit_set(w->e, m->m, "source", json_string(source));
}

static int bind_place(struct work *w, struct mnt *m, const char *place,
		      const char *how, const char *why)
{
	sb_edit_note(w->e, "mounts: %s: %s replaced by a bind of %s: %s",
		     m->dest, m->type, place, why);
	return become(w, m, "bind", place, how);
}

static int drop_mount(struct work *w, const struct mnt *m, const char *why)
{
	sb_edit_note(w->e, "mounts: %s: %s dropped: %s", m->dest, m->type, why);
	return 1;
}

/* Why a mount option cannot be had, or NULL. */
static const char *no_option(const struct work *w, const struct mnt *m,
			     const char *o)
{
	static const char *const labels[] = {
		"context=", "fscontext=", "defcontext=", "rootcontext="};
	/* mm/shmem.c: refused unless in the first user namespace. */
	static const char *const shmem[] = {"noswap", "quota", "usrquota",
					    "grpquota"};
	const char *idmap;

	for (size_t i = 0; i < ARRAY_SIZE(labels); i++)
		if (!strncmp(o, labels[i], strlen(labels[i])))
			return "a label needs real root";
	/* crun(1) has maps of the mount's own behind it. */
	idmap = o + (*o == 'r');
	if (!strcmp(idmap, "idmap") || !strncmp(idmap, "idmap=", 6))
		return "ids cannot be mapped anew";
	if (w->f->identity && !strcmp(m->dest, "/proc") &&
	    (!strcmp(o, "ro") || !strcmp(o, "rro")))
		return "with it the init cannot become the user";
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

static void edit_options(struct work *w, struct mnt *m)
{
	const char *why;

	for (size_t i = json_array_size(m->options); i-- > 0;) {
		why = no_option(w, m, option(m, i));
		if (!why)
			continue;
		sb_edit_note(w->e, "mounts: %s: option %s dropped: %s", m->dest,
			     option(m, i), why);
		json_array_remove(m->options, i);
	}
	json_object_del(m->m, "uidMappings");
	json_object_del(m->m, "gidMappings");
}

/* Any that a user namespace may mount. */
static int keep_mount(struct work *w, struct mnt *m, const struct kind *k)
{
	(void)w;
	(void)m;
	(void)k;
	return 0;
}

static int mount_proc(struct work *w, struct mnt *m, const struct kind *k)
{
	int ro = has_option(m, "ro");

	if (w->f->pid)
		return 0;
	return bind_place(w, m, k->place,
			  ro ? "rbind,nosuid,noexec,nodev,ro" : k->how,
			  "there is no pid namespace");
}

static int mount_sysfs(struct work *w, struct mnt *m, const struct kind *k)
{
	return bind_place(w, m, k->place, k->how,
			  "a new one needs a network namespace");
}

static int mount_devpts(struct work *w, struct mnt *m, const struct kind *k)
{
	(void)k;
	if (has_option(m, "newinstance"))
		return 0;
	if (json_array_append_new(m->options, json_string("newinstance")) < 0)
		return sb_edit_no_memory(w->e);
	return 0;
}

static int mount_mqueue(struct work *w, struct mnt *m, const struct kind *k)
{
	if (w->f->ipc)
		return 0;
	if (!w->f->exists(w->f->arg, k->place))
		return drop_mount(w, m, "there is no ipc namespace");
	return bind_place(w, m, k->place, k->how, "there is no ipc namespace");
}

/* One that only the real root mounts, but the node has. */
static int mount_kernel(struct work *w, struct mnt *m, const struct kind *k)
{
	if (w->sys && sb_path_is_within(m->dest, "/sys"))
		return drop_mount(w, m, "it comes with the bind of /sys");
	if (!w->f->exists(w->f->arg, k->place))
		return drop_mount(w, m, "the node has none");
	return bind_place(w, m, k->place, k->how, "a user cannot mount it");
}

/* A bind whose source the node lacks: container engines make some files
 * themselves, which are gone or elsewhere now. */
static int mount_lost(struct work *w, struct mnt *m, const char *source)
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
		    w->f->exists(w->f->arg, files[i]))
			return bind_place(w, m, files[i], "rbind,ro", why);
		else if (!strcmp(m->dest, files[i]))
			return drop_mount(w, m, why);
	for (size_t i = 0; i < ARRAY_SIZE(gone); i++)
		if (sb_path_is_within(m->dest, gone[i]))
			return drop_mount(w, m, why);
	if (strcmp(m->dest, "/dev/shm"))
		return sb_edit_fail(
			w->e,
			"mounts[%zu].source: %s: not on this node, or "
			"closed to you (to be mounted at %s)",
			m->i, source, m->dest);
	sb_edit_note(w->e, "mounts: /dev/shm: bind replaced by a tmpfs: %s",
		     why);
	return become(w, m, "tmpfs", "shm", "nosuid,nodev,mode=1777");
}

/* An absolute source; relative ones are relative to the bundle (config.md,
 * Mounts). Returns it, owned by the caller; NULL without memory. */
static char *absolute(const struct work *w, const char *source)
{
	char *path = NULL;

	if (*source == '/')
		return strdup(source);
	if (asprintf(&path, "%s/%s", w->f->bundle, source) < 0)
		return NULL;
	return path;
}

/* A user namespace may not bind a directory without what is mounted below it:
 * that could show what the node hides. */
static int bind_all(struct work *w, struct mnt *m)
{
	for (size_t i = json_array_size(m->options); i-- > 0;)
		if (!strcmp(option(m, i), "bind"))
			json_array_remove(m->options, i);
	if (has_option(m, "rbind"))
		return 0;
	if (json_array_insert_new(m->options, 0, json_string("rbind")) < 0)
		return sb_edit_no_memory(w->e);
	return 0;
}

static int mount_bind(struct work *w, struct mnt *m, const struct kind *k)
{
	const char *source = json_string_value(json_object_get(m->m, "source"));
	_cleanup_free_ char *path = NULL;

	(void)k;
	if (!source || !*source)
		return sb_edit_fail(
			w->e, "mounts[%zu]: %s: a bind mount without a source",
			m->i, m->dest);
	path = absolute(w, source);
	if (!path)
		return sb_edit_no_memory(w->e);
	if (sb_json_need_text("mount of", path, w->e->err) < 0)
		return -1;
	if (!w->f->exists(w->f->arg, path))
		return mount_lost(w, m, path);
	if (sb_edit_set(w->e, m->m, "type", json_string("bind")) < 0 ||
	    sb_edit_set(w->e, m->m, "source", json_string(path)) < 0)
		return -1;
	return bind_all(w, m);
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

static int edit_destination(struct work *w, struct mnt *m)
{
	const char *given =
		json_string_value(json_object_get(m->m, "destination"));
	_cleanup_free_ char *path = NULL;

	if (!given || !*given)
		return sb_edit_fail(w->e, "mounts[%zu].destination: not a path",
				    m->i);
	/* Relative ones are relative to / (config.md, Mounts). */
	if (*given != '/')
		sb_edit_note(w->e, "mounts: %s: made absolute", given);
	if (asprintf(&path, "/%s", given) < 0)
		return sb_edit_no_memory(w->e);
	/* As it is compared with others; and what runtimes find behind a ".."
	 * they may make, in the bundle. */
	sb_path_tidy(path);
	if (sb_path_has_dotdot(given))
		sb_edit_note(w->e, "mounts: %s: taken for %s", given, path);
	if (!path[1])
		return sb_edit_fail(
			w->e,
			"mounts[%zu].destination: / is the whole container",
			m->i);
	if (sb_edit_set(w->e, m->m, "destination", json_string(path)) < 0)
		return -1;
	m->dest = json_string_value(json_object_get(m->m, "destination"));
	return 0;
}

/* Reads an entry: its form is as it must be afterwards. */
static int read_mount(struct work *w, struct mnt *m)
{
	char path[64];
	json_t *o;

	snprintf(path, sizeof(path), "mounts[%zu]", m->i);
	if (!json_is_object(m->m))
		return sb_edit_wrong(w->e, path, "an object");
	if (edit_destination(w, m) < 0)
		return -1;
	snprintf(path, sizeof(path), "mounts[%zu].options", m->i);
	if (sb_edit_need(w->e, m->m, path, JSON_ARRAY, &m->options) < 0)
		return -1;
	for (size_t i = 0; i < json_array_size(m->options); i++)
		if (!option(m, i))
			return sb_edit_wrong(w->e, path, "a list of strings");
	snprintf(path, sizeof(path), "mounts[%zu].type", m->i);
	if (sb_edit_part(w->e, m->m, path, JSON_STRING, &o) < 0)
		return -1;
	m->type = o ? json_string_value(o) : "none";
	if (has_option(m, "bind") || has_option(m, "rbind"))
		m->type = "bind";
	return 0;
}

const struct sb_mountlist_locked sb_mountlist_locked[SB_MOUNTLIST_LOCKED] = {
	{ST_RDONLY, "ro", "rw"},
	{ST_NOSUID, "nosuid", "suid"},
	{ST_NODEV, "nodev", "dev"},
	{ST_NOEXEC, "noexec", "exec"},
};

static int keep_locked(struct work *w, struct mnt *m, const char *source)
{
	const struct sb_mountlist_locked *l = sb_mountlist_locked;
	unsigned long flags;
	size_t i, n = json_array_size(m->options);

	for (i = 0; i < n; i++)
		if (strcmp(option(m, i), "rbind") &&
		    strcmp(option(m, i), "rw") && !is_propagation(option(m, i)))
			break;
	if (i == n)
		return 0;
	flags = w->f->flags(w->f->arg, source);
	for (i = 0; i < SB_MOUNTLIST_LOCKED; i++, l++) {
		if (!(flags & l->flag) ||
		    (has_option(m, l->name) && !has_option(m, l->undo)))
			continue;
		sb_edit_note(w->e,
			     "mounts: %s: option %s added: %s is mounted so",
			     m->dest, l->name, source);
		/* The last one wins. */
		if (json_array_append_new(m->options, json_string(l->name)) < 0)
			return sb_edit_no_memory(w->e);
	}
	return 0;
}

static int no_proc(struct work *w, const struct mnt *m)
{
	return sb_edit_fail(
		w->e,
		"mounts[%zu]: /proc: a %s in its place: only a proc can be "
		"there, or a bind of /proc",
		m->i, m->type);
}

static int edit_mount(struct work *w, struct mnt *m)
{
	const char *source;
	int rc;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (strcmp(m->type, kinds[i].type))
			continue;
		/* The document's own string may go away. */
		m->type = kinds[i].type;
		edit_options(w, m);
		rc = kinds[i].rule(w, m, &kinds[i]);
		source = json_string_value(json_object_get(m->m, "source"));
		if (rc)
			return rc;
		if (sb_path_takes_proc(m->dest, m->type,
				       strcmp(m->type, "bind") ? NULL : source))
			return no_proc(w, m);
		if (!strcmp(m->dest, "/sys"))
			w->sys = !strcmp(m->type, "bind") &&
				 !strcmp(source, "/sys");
		return strcmp(m->type, "bind") ? 0 : keep_locked(w, m, source);
	}
	return sb_edit_fail(
		w->e,
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
static int has_node_dev(struct work *w, const json_t *list)
{
	struct mnt m = {.m = (json_t *)mounted_at(list, "/dev")};

	if (!m.m || read_mount(w, &m) < 0)
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

		if (sb_path_is_within(json_string_value(d), dest))
			break;
	}
	return i;
}

/* Adds the default file systems (config-linux.md) that the bundle lacks, and
 * /dev, which two of them lie in: as runtimes write them, for the rules. */
static int add_defaults(struct work *w, json_t *list)
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
	int node_dev = has_node_dev(w, list);

	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		json_t *m;

		if (mounted_at(list, all[i].dest) ||
		    (node_dev && sb_path_is_within(all[i].dest, "/dev")))
			continue;
		sb_edit_note(w->e, "mounts: %s: added: programs expect it",
			     all[i].dest);
		m = json_pack("{s:s, s:s, s:s, s:o}", "destination",
			      all[i].dest, "type", all[i].type, "source",
			      all[i].type, "options", list_of(all[i].options));
		if (json_array_insert_new(list, place_for(list, all[i].dest),
					  m) < 0)
			return sb_edit_no_memory(w->e);
		w->added[w->n_added++] = m;
	}
	return 0;
}

static int is_added(const struct work *w, const json_t *mount)
{
	for (size_t i = 0; i < w->n_added; i++)
		if (w->added[i] == mount)
			return 1;
	return 0;
}

int sb_mountlist_edit(json_t *config, const struct sb_mountlist_facts *facts,
		      struct sb_edit *e)
{
	struct work w = {.f = facts, .e = e};
	json_t *list;
	size_t i, at;
	int rc, ours;

	if (sb_edit_need(e, config, "mounts", JSON_ARRAY, &list) < 0)
		return -1;
	for (i = 0; i < json_array_size(list); i++) {
		struct mnt m = {.i = i, .m = json_array_get(list, i)};

		if (read_mount(&w, &m) < 0)
			return -1;
	}
	if (add_defaults(&w, list) < 0)
		return -1;
	for (i = at = 0; at < json_array_size(list); i += !ours) {
		struct mnt m = {.i = i, .m = json_array_get(list, at)};

		ours = is_added(&w, m.m);
		rc = read_mount(&w, &m) < 0 ? -1 : edit_mount(&w, &m);
		if (rc < 0)
			return -1;
		if (rc)
			json_array_remove(list, at);
		else
			at++;
	}
	return 0;
}
