/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The names in config.json, as a program in Go reads them. */
#include "names.h"

#include "../spank/contract.h"
#include "mem.h"

#include <stdio.h>
#include <string.h>

#define HOOK "path args env timeout"

/* Where ("[]" is for each entry of a list), and which names are known there. */
static const struct level {
	const char *path, *names;
} levels[] = {
	{"", "ociVersion process root hostname domainname mounts hooks "
	     "annotations linux solaris windows vm zos freebsd"},
	{"root", "path readonly"},
	{"process",
	 "terminal consoleSize user args commandLine env cwd capabilities "
	 "rlimits noNewPrivileges apparmorProfile oomScoreAdj scheduler "
	 "selinuxLabel ioPriority execCPUAffinity"},
	{"process.consoleSize", "height width"},
	{"process.user", "uid gid umask additionalGids username"},
	{"process.capabilities",
	 "bounding effective inheritable permitted ambient"},
	{"mounts[]", "destination type source options uidMappings gidMappings"},
	{"hooks", "prestart createRuntime createContainer startContainer "
		  "poststart poststop"},
	{"hooks.prestart[]", HOOK},
	{"hooks.createRuntime[]", HOOK},
	{"hooks.createContainer[]", HOOK},
	{"hooks.startContainer[]", HOOK},
	{"hooks.poststart[]", HOOK},
	{"hooks.poststop[]", HOOK},
	{"linux",
	 "uidMappings gidMappings sysctl resources cgroupsPath namespaces "
	 "devices netDevices seccomp rootfsPropagation maskedPaths "
	 "readonlyPaths mountLabel intelRdt memoryPolicy personality "
	 "timeOffsets"},
	{"linux.namespaces[]", "type path"},
	{"linux.devices[]", "path type major minor fileMode uid gid"},
	{"linux.personality", "domain flags"},
	{"linux.seccomp",
	 "defaultAction defaultErrnoRet architectures flags listenerPath "
	 "listenerMetadata syscalls"},
	{"linux.seccomp.syscalls[]", "names action errnoRet args"},
	{"linux.seccomp.syscalls[].args[]", "index value valueTwo op"},
};

struct at {
	char level[64];	 /* one of levels, or nothing of theirs */
	char where[128]; /* the same with numbers in the brackets */
	struct sb_err *err;
};

/* The next character of s as Go folds it, in lower case; *s goes on behind. */
static unsigned char folded(const char **s)
{
	unsigned char c;

	if (!strncmp(*s, "\xc5\xbf", 2)) { /* U+017F */
		*s += 2;
		return 's';
	}
	if (!strncmp(*s, "\xe2\x84\xaa", 3)) { /* U+212A */
		*s += 3;
		return 'k';
	}
	c = *(*s)++;
	return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

/* Whether key folds to the len bytes at name. */
static int is_like(const char *key, const char *name, size_t len)
{
	const char *end = name + len;

	while (*key && name < end)
		if (folded(&key) != folded(&name))
			return 0;
	return !*key && name == end;
}

/* The name in the list that key is, or folds to; its length in *len. NULL for
 * none. */
static const char *known(const char *names, const char *key, size_t *len)
{
	for (; *names; names += *len + (names[*len] == ' ')) {
		*len = strcspn(names, " ");
		if (is_like(key, names, *len))
			return names;
	}
	return NULL;
}

static const char *names_at(const char *path)
{
	for (size_t i = 0; i < ARRAY_SIZE(levels); i++)
		if (!strcmp(levels[i].path, path))
			return levels[i].names;
	return NULL;
}

static int check(struct at *at, json_t *v);

/* Most have none, and need no path. */
static int has_parts(const json_t *v)
{
	return json_is_object(v) || json_is_array(v);
}

/* One step down, to v, which has this name in levels, and that in messages. */
static int enter(struct at *at, json_t *v, const char *level, const char *where)
{
	size_t n = strlen(at->level), w = strlen(at->where);
	const char *dot = n && *level != '[' ? "." : "";
	int rc;

	snprintf(at->level + n, sizeof(at->level) - n, "%s%s", dot, level);
	snprintf(at->where + w, sizeof(at->where) - w, "%s%s", dot, where);
	rc = check(at, v);
	at->level[n] = '\0';
	at->where[w] = '\0';
	return rc;
}

static int check_object(struct at *at, json_t *object, const char *names)
{
	const char *key, *name;
	size_t len = 0;
	json_t *v;

	json_object_foreach (object, key, v) {
		name = known(names, key, &len);
		if (!name)
			continue;
		if (strlen(key) != len || strncmp(key, name, len))
			return sb_fail(at->err, SB_FAIL,
				       "config.json: %s%s%s: a runtime may "
				       "take it for %.*s",
				       at->where, *at->where ? "." : "", key,
				       (int)len, name);
		if (has_parts(v) && enter(at, v, key, key) < 0)
			return -1;
	}
	return 0;
}

static int check(struct at *at, json_t *v)
{
	const char *names = json_is_object(v) ? names_at(at->level) : NULL;
	char where[32];
	size_t i;
	json_t *e;

	if (names)
		return check_object(at, v, names);
	json_array_foreach (v, i, e) {
		if (!has_parts(e))
			continue;
		snprintf(where, sizeof(where), "[%zu]", i);
		if (enter(at, e, "[]", where) < 0)
			return -1;
	}
	return 0;
}

int sb_names_check(json_t *config, struct sb_err *err)
{
	struct at at = {.err = err};

	return check(&at, config);
}
