/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What linux.seccomp says to a call: a second reading of it, which knows
 * neither trees nor programs but goes through the rules one by one. Of a
 * section that sb_seccomp_check has passed, and for calls of this machine's
 * architecture.
 *
 * Where several rules fit a call and do not say the same, libseccomp's order
 * decides (its own, by argument and operator); any of them may be right.
 */
#ifndef SB_FUZZ_RULES_H
#define SB_FUZZ_RULES_H

#include "fuzz.h"

#include <errno.h>
#include <jansson.h>
#include <linux/seccomp.h>
#include <seccomp.h>

#define RULES_MOST 1024

struct rules {
	const json_t *list;
	const char *mark; /* of the document (json.h) */
	uint32_t def;
	int newest; /* call that any rule names; INT32_MAX: it does not matter
		     */
};

/* Elsewhere some calls are one call with an argument (socketcall, ipc). */
static inline int rules_known_here(void)
{
	return seccomp_arch_native() == SCMP_ARCH_X86_64 ||
	       seccomp_arch_native() == SCMP_ARCH_AARCH64;
}

static inline uint64_t rules_number(const struct rules *r, const json_t *v)
{
	return json_is_string(v)
		       ? strtoull(json_string_value(v) + strlen(r->mark), NULL,
				  10)
		       : (uint64_t)json_integer_value(v);
}

static inline uint32_t rules_action(const struct rules *r, const json_t *o,
				    const char *key, const char *ret_key)
{
	const char *name = json_string_value(json_object_get(o, key));
	const json_t *ret = json_object_get(o, ret_key);
	uint32_t value =
		!ret || json_is_null(ret) ? EPERM : rules_number(r, ret);

	name += strlen("SCMP_ACT_");
	if (!strcmp(name, "ALLOW"))
		return SECCOMP_RET_ALLOW;
	if (!strcmp(name, "LOG"))
		return SECCOMP_RET_LOG;
	if (!strcmp(name, "TRAP"))
		return SECCOMP_RET_TRAP;
	if (!strcmp(name, "ERRNO"))
		return SECCOMP_RET_ERRNO | value;
	if (!strcmp(name, "TRACE"))
		return SECCOMP_RET_TRACE | value;
	return strcmp(name, "KILL_PROCESS") ? SECCOMP_RET_KILL_THREAD
					    : SECCOMP_RET_KILL_PROCESS;
}

static inline int rules_names(const json_t *rule, int nr)
{
	const json_t *names = json_object_get(rule, "names");

	for (size_t i = 0; i < json_array_size(names); i++)
		if (nr == seccomp_syscall_resolve_name(
				  json_string_value(json_array_get(names, i))))
			return 1;
	return 0;
}

/* config-linux.md names libseccomp's operators; libseccomp masks both sides. */
static inline int rules_compare(const struct rules *r, const json_t *arg,
				const uint64_t *args)
{
	const char *op = json_string_value(json_object_get(arg, "op"));
	uint64_t a = args[json_integer_value(json_object_get(arg, "index"))];
	uint64_t b = rules_number(r, json_object_get(arg, "value"));
	uint64_t two = rules_number(r, json_object_get(arg, "valueTwo"));

	op += strlen("SCMP_CMP_");
	if (!strcmp(op, "MASKED_EQ"))
		return (a & b) == (two & b);
	if (!strcmp(op, "NE"))
		return a != b;
	if (!strcmp(op, "EQ"))
		return a == b;
	if (*op == 'L')
		return op[1] == 'E' ? a <= b : a < b;
	return op[1] == 'E' ? a >= b : a > b;
}

/* All of its conditions must hold; or any, where two are on one argument. */
static inline int rules_match(const struct rules *r, const json_t *rule,
			      const uint64_t *args)
{
	const json_t *list = json_object_get(rule, "args");
	size_t n = json_array_size(list), held = 0;
	unsigned int seen = 0, any = 0;

	for (size_t i = 0; i < n; i++) {
		const json_t *arg = json_array_get(list, i);
		unsigned int bit =
			1U << json_integer_value(json_object_get(arg, "index"));

		any |= seen & bit;
		seen |= bit;
		held += rules_compare(r, arg, args);
	}
	return any ? held > 0 : held == n;
}

static inline struct rules rules_of(const json_t *section, const char *mark)
{
	struct rules r = {.list = json_object_get(section, "syscalls"),
			  .mark = mark,
			  .newest = INT32_MAX};
	int newest = 0;

	r.def = rules_action(&r, section, "defaultAction", "defaultErrnoRet");
	for (size_t i = 0; i < json_array_size(r.list); i++) {
		const json_t *names =
			json_object_get(json_array_get(r.list, i), "names");

		for (size_t k = 0; k < json_array_size(names); k++) {
			int nr = seccomp_syscall_resolve_name(
				json_string_value(json_array_get(names, k)));

			newest = nr > newest ? nr : newest;
		}
	}
	/* seccomp.h: what is newer than the rules is not denied but missing. */
	if (r.def != SECCOMP_RET_ALLOW && r.def != SECCOMP_RET_LOG &&
	    (r.def & SECCOMP_RET_ACTION_FULL) != SECCOMP_RET_TRACE)
		r.newest = newest;
	return r;
}

/* What may be said to the call: up to RULES_MOST actions, in out. Returns how
 * many; at least one. */
static inline size_t rules_say(const struct rules *r,
			       const struct seccomp_data *d, uint32_t *out)
{
	const uint64_t args[6] = {d->args[0], d->args[1], d->args[2],
				  d->args[3], d->args[4], d->args[5]};
	size_t n = 0;

	*out = SECCOMP_RET_ERRNO | ENOSYS;
	if (d->nr > r->newest)
		return 1;
	for (size_t i = 0; i < json_array_size(r->list); i++) {
		const json_t *rule = json_array_get(r->list, i);
		uint32_t action = rules_action(r, rule, "action", "errnoRet");

		/* A rule of the default action is none, as in runtimes. */
		if (n < RULES_MOST && action != r->def &&
		    rules_names(rule, d->nr) && rules_match(r, rule, args))
			out[n++] = action;
	}
	if (!n)
		out[n++] = r->def;
	return n;
}

/* Sets the arguments that the rule's conditions are about to what they name,
 * and by more. */
static inline void rules_arguments(const struct rules *r, const json_t *rule,
				   uint64_t by, __u64 *args)
{
	const json_t *list = json_object_get(rule, "args");

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *arg = json_array_get(list, i);
		const char *op = json_string_value(json_object_get(arg, "op"));
		const char *key = strstr(op, "MASKED") ? "valueTwo" : "value";

		args[json_integer_value(json_object_get(arg, "index"))] =
			rules_number(r, json_object_get(arg, key)) + by;
	}
}

#endif
