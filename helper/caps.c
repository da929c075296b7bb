/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Capabilities by name. */
#include "caps.h"

#include "mem.h"

#include <string.h>

/* In the order of linux/capability.h. */
static const char *const names[] = {
	"CAP_CHOWN",
	"CAP_DAC_OVERRIDE",
	"CAP_DAC_READ_SEARCH",
	"CAP_FOWNER",
	"CAP_FSETID",
	"CAP_KILL",
	"CAP_SETGID",
	"CAP_SETUID",
	"CAP_SETPCAP",
	"CAP_LINUX_IMMUTABLE",
	"CAP_NET_BIND_SERVICE",
	"CAP_NET_BROADCAST",
	"CAP_NET_ADMIN",
	"CAP_NET_RAW",
	"CAP_IPC_LOCK",
	"CAP_IPC_OWNER",
	"CAP_SYS_MODULE",
	"CAP_SYS_RAWIO",
	"CAP_SYS_CHROOT",
	"CAP_SYS_PTRACE",
	"CAP_SYS_PACCT",
	"CAP_SYS_ADMIN",
	"CAP_SYS_BOOT",
	"CAP_SYS_NICE",
	"CAP_SYS_RESOURCE",
	"CAP_SYS_TIME",
	"CAP_SYS_TTY_CONFIG",
	"CAP_MKNOD",
	"CAP_LEASE",
	"CAP_AUDIT_WRITE",
	"CAP_AUDIT_CONTROL",
	"CAP_SETFCAP",
	"CAP_MAC_OVERRIDE",
	"CAP_MAC_ADMIN",
	"CAP_SYSLOG",
	"CAP_WAKE_ALARM",
	"CAP_BLOCK_SUSPEND",
	"CAP_AUDIT_READ",
	"CAP_PERFMON",
	"CAP_BPF",
	"CAP_CHECKPOINT_RESTORE",
};

int sb_caps_number(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(name, names[i]))
			return i;
	return -1;
}

const char *sb_caps_name(unsigned int number)
{
	return number < ARRAY_SIZE(names) ? names[number] : NULL;
}

static unsigned long long mask(const json_t *sets, const char *set)
{
	unsigned long long bits = 0;
	const char *name;
	size_t i;
	json_t *e;
	int n;

	json_array_foreach (json_object_get(sets, set), i, e) {
		name = json_string_value(e);
		n = name ? sb_caps_number(name) : -1;
		if (n >= 0)
			bits |= 1ULL << n;
	}
	return bits;
}

void sb_caps_read(const json_t *config, struct sb_caps *caps)
{
	const json_t *sets = json_object_get(json_object_get(config, "process"),
					     "capabilities");

	caps->bounding = mask(sets, "bounding");
	caps->inheritable = mask(sets, "inheritable");
	caps->ambient = mask(sets, "ambient");
	caps->permitted = mask(sets, "permitted");
}

json_t *sb_caps_only(const char *name)
{
	return json_pack("{s:[s], s:[s], s:[s]}", "bounding", name, "effective",
			 name, "permitted", name);
}
