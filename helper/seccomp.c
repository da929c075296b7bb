/* SPDX-License-Identifier: GPL-2.0-or-later */
/* linux.seccomp made into a program for seccomp(2). */
#define _GNU_SOURCE
#include "seccomp.h"

#include "../spank/contract.h"
#include "fdio.h"
#include "mem.h"

#include <ctype.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Linux: include/linux/err.h; the kernel cuts a larger one down to it. */
#define MAX_ERRNO 4095
#define MAX_TRACE 0xffff
#define MAX_ARGS 6

/* Not in the headers of Linux < 5.19. */
#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

/* From this many rules on a binary tree is worth its instructions. Few rules
 * are fast anyway, and with none libseccomp before 2.5.4 makes a bad tree. */
#define TREE_MIN 32

/* The bit by which x32's calls differ from x86_64's, in the same AUDIT_ARCH
 * (Linux: arch/x86/include/uapi/asm/unistd.h). */
#define X32_BIT 0x40000000

#define MAX_ARCHES 24

/* The program of one rule for this machine has more than so many instructions.
 */
#define APART_LEAST 8
#define MAX_APART (BPF_MAXINSNS / APART_LEAST)

/*
 * An architecture in the filter. Each has a context, and so a program, of its
 * own: libseccomp takes several times as long for the same in one, as it looks
 * for each jump's target from the jump on.
 */
struct arch {
	uint32_t token;
	int newest; /* call that the rules know of it */
	scmp_filter_ctx ctx;
};

/* A rule that has a program of its own (stands_apart). */
struct apart {
	int nr;
	uint32_t action;
	size_t n;
	struct scmp_arg_cmp cmp[MAX_ARGS];
	scmp_filter_ctx ctx[MAX_ARCHES]; /* as struct build's arch */
};

struct build {
	int compile; /* or only check */
	const char *mark;
	struct sb_strv *skipped;
	struct sb_err *err;
	uint32_t def;
	unsigned int n_rules;
	struct arch arch[MAX_ARCHES];
	size_t n_arches;
	struct apart *apart;
	size_t n_apart;
	char where[128]; /* the object at hand, for messages */
};

static const struct action {
	const char *name;
	uint32_t value;
	uint32_t max_ret; /* 0: takes no errnoRet */
} actions[] = {
	{"SCMP_ACT_ALLOW", SCMP_ACT_ALLOW, 0},
	{"SCMP_ACT_ERRNO", SCMP_ACT_ERRNO(0), MAX_ERRNO},
	{"SCMP_ACT_KILL", SCMP_ACT_KILL_THREAD, 0},
	{"SCMP_ACT_KILL_THREAD", SCMP_ACT_KILL_THREAD, 0},
	{"SCMP_ACT_KILL_PROCESS", SCMP_ACT_KILL_PROCESS, 0},
	{"SCMP_ACT_TRAP", SCMP_ACT_TRAP, 0},
	{"SCMP_ACT_TRACE", SCMP_ACT_TRACE(0), MAX_TRACE},
	{"SCMP_ACT_LOG", SCMP_ACT_LOG, 0},
	{"SCMP_ACT_NOTIFY", SCMP_ACT_NOTIFY, 0},
};

static const struct {
	const char *name;
	enum scmp_compare value;
} operators[] = {
	{"SCMP_CMP_NE", SCMP_CMP_NE},
	{"SCMP_CMP_LT", SCMP_CMP_LT},
	{"SCMP_CMP_LE", SCMP_CMP_LE},
	{"SCMP_CMP_EQ", SCMP_CMP_EQ},
	{"SCMP_CMP_GE", SCMP_CMP_GE},
	{"SCMP_CMP_GT", SCMP_CMP_GT},
	{"SCMP_CMP_MASKED_EQ", SCMP_CMP_MASKED_EQ},
};

static const struct {
	const char *name;
	unsigned int value;
} flags[] = {
	{"SECCOMP_FILTER_FLAG_TSYNC", SECCOMP_FILTER_FLAG_TSYNC},
	{"SECCOMP_FILTER_FLAG_LOG", SECCOMP_FILTER_FLAG_LOG},
	{"SECCOMP_FILTER_FLAG_SPEC_ALLOW", SECCOMP_FILTER_FLAG_SPEC_ALLOW},
	/* The kernel refuses it without a listener, which we never have. */
	{"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", 0},
};

/* config-linux.md's list. What libseccomp calls them is this in lower case. */
static const char *const arches[] = {
	"X86",	 "X86_64", "X32",	  "ARM",     "AARCH64",
	"MIPS",	 "MIPS64", "MIPS64N32",	  "MIPSEL",  "MIPSEL64",
	"PPC",	 "PPC64",  "MIPSEL64N32", "PPC64LE", "S390",
	"S390X", "PARISC", "PARISC64",	  "RISCV64", "LOONGARCH64",
	"M68K",	 "SH",	   "SHEB",
};

/* Between the object's name and a field's: the top may have no name. */
static const char *dot(const struct build *b)
{
	return b->where[0] ? "." : "";
}

static int bad(const struct build *b, const char *field, const char *why)
{
	return sb_fail(b->err, SB_FAIL, "%s%s%s: %s", b->where, dot(b), field,
		       why);
}

static int bad_at(const struct build *b, const char *field, size_t i,
		  const char *why)
{
	return sb_fail(b->err, SB_FAIL, "%s%s%s[%zu]: %s", b->where, dot(b),
		       field, i, why);
}

static int bad_name(const struct build *b, const char *field, const char *name)
{
	return sb_fail(b->err, SB_FAIL, "%s%s%s: \"%s\" is not known", b->where,
		       dot(b), field, name);
}

/* Go's programs write null for what is not there. */
static int absent(const json_t *v)
{
	return !v || json_is_null(v);
}

/* An optional array: NULL in *out if absent. */
static int get_array(const struct build *b, const json_t *o, const char *key,
		     const json_t **out)
{
	*out = json_object_get(o, key);
	if (absent(*out))
		*out = NULL;
	else if (!json_is_array(*out))
		return bad(b, key, "not an array");
	return 0;
}

static int get_string(const struct build *b, const json_t *o, const char *key,
		      const char **out)
{
	const json_t *v = json_object_get(o, key);

	*out = json_string_value(v);
	if (absent(v))
		return bad(b, key, "missing");
	return *out ? 0 : bad(b, key, "not a string");
}

/* A number beyond jansson's comes as a marked string (json.h). */
static int to_u64(const struct build *b, const json_t *v, uint64_t *out)
{
	const char *s = json_string_value(v);
	size_t len = s && b->mark ? strlen(b->mark) : 0;
	char *end;

	if (json_is_integer(v) && json_integer_value(v) >= 0) {
		*out = json_integer_value(v);
		return 0;
	}
	if (!len || strncmp(s, b->mark, len) || !isdigit((unsigned char)s[len]))
		return -1;
	errno = 0;
	*out = strtoull(s + len, &end, 10);
	return errno || *end ? -1 : 0;
}

static int get_u64(const struct build *b, const json_t *o, const char *key,
		   uint64_t max, uint64_t *out)
{
	const json_t *v = json_object_get(o, key);
	char why[64];

	if (absent(v))
		return bad(b, key, "missing");
	if (!to_u64(b, v, out) && *out <= max)
		return 0;
	snprintf(why, sizeof(why), "not a number from 0 to %ju",
		 (uintmax_t)max);
	return bad(b, key, why);
}

/* What of o is the action and its errno. */
static int get_action(const struct build *b, const json_t *o, const char *key,
		      const char *ret_key, uint32_t *out)
{
	const struct action *a = actions, *end = a + ARRAY_SIZE(actions);
	const char *name;
	uint64_t ret = EPERM;

	if (get_string(b, o, key, &name) < 0)
		return -1;
	while (a < end && strcmp(a->name, name))
		a++;
	if (a == end)
		return bad_name(b, key, name);
	if (a->value == SCMP_ACT_NOTIFY)
		return bad(b, key,
			   "SCMP_ACT_NOTIFY needs an agent to ask; there is "
			   "none: use SCMP_ACT_ERRNO");
	*out = a->value;
	if (!a->max_ret && !absent(json_object_get(o, ret_key)))
		return bad(b, ret_key, "its action takes no errno");
	if (!absent(json_object_get(o, ret_key)) &&
	    get_u64(b, o, ret_key, a->max_ret, &ret) < 0)
		return -1;
	if (a->max_ret)
		*out |= ret;
	return 0;
}

static int get_cmp(const struct build *b, const json_t *o,
		   struct scmp_arg_cmp *c)
{
	const char *op;
	uint64_t index, two = 0;
	size_t i = 0;

	if (get_u64(b, o, "index", MAX_ARGS - 1, &index) < 0 ||
	    get_string(b, o, "op", &op) < 0 ||
	    get_u64(b, o, "value", UINT64_MAX, &c->datum_a) < 0)
		return -1;
	if (!absent(json_object_get(o, "valueTwo")) &&
	    get_u64(b, o, "valueTwo", UINT64_MAX, &two) < 0)
		return -1;
	while (i < ARRAY_SIZE(operators) && strcmp(operators[i].name, op))
		i++;
	if (i == ARRAY_SIZE(operators))
		return bad_name(b, "op", op);
	c->arg = index;
	c->op = operators[i].value;
	c->datum_b = two;
	return 0;
}

/* The conditions of a rule, *n of them, which the caller frees. */
static int get_cmps(struct build *b, const json_t *rule,
		    struct scmp_arg_cmp **cmp, size_t *n)
{
	size_t len = strlen(b->where);
	const json_t *args;

	if (get_array(b, rule, "args", &args) < 0)
		return -1;
	*n = json_array_size(args);
	*cmp = *n ? calloc(*n, sizeof(**cmp)) : NULL;
	if (*n && !*cmp)
		return sb_fail(b->err, SB_FAIL, "out of memory");
	for (size_t i = 0; i < *n; i++) {
		const json_t *arg = json_array_get(args, i);

		if (!json_is_object(arg))
			return bad_at(b, "args", i, "not an object");
		snprintf(b->where + len, sizeof(b->where) - len, ".args[%zu]",
			 i);
		if (get_cmp(b, arg, *cmp + i) < 0)
			return -1;
		b->where[len] = '\0';
	}
	return 0;
}

static int same_arg_twice(const struct scmp_arg_cmp *cmp, size_t n)
{
	unsigned int seen = 0;

	for (size_t i = 0; i < n; i++) {
		if (seen & 1U << cmp[i].arg)
			return 1;
		seen |= 1U << cmp[i].arg;
	}
	return 0;
}

/* A context for one architecture. Returns 0 or libseccomp's -errno. */
static int make_context(uint32_t token, uint32_t def, scmp_filter_ctx *out)
{
	int rc;

	errno = 0;
	*out = seccomp_init(def);
	if (!*out)
		return errno == ENOMEM ? -ENOMEM : -EINVAL;
	if (token == seccomp_arch_native())
		return 0;
	rc = seccomp_arch_add(*out, token);
	return rc ? rc : seccomp_arch_remove(*out, seccomp_arch_native());
}

/*
 * Whether libseccomp must not see the rule beside others for its call. What it
 * (2.5, 2.6: src/db.c, src/gen_bpf.c) makes of several is not always what they
 * say, and sometimes it never ends, where one has several conditions, or the
 * upper half of a value matters.
 */
static int stands_apart(const struct scmp_arg_cmp *cmp, size_t n)
{
	return n > 1 || (n && (cmp->datum_a | cmp->datum_b) >> 32);
}

/* In whatever order; each is on an argument of its own. */
static int same_conditions(const struct apart *a,
			   const struct scmp_arg_cmp *cmp, size_t n)
{
	size_t same = 0;

	for (size_t i = 0; a->n == n && i < n; i++)
		for (size_t k = 0; k < n; k++)
			same += a->cmp[i].arg == cmp[k].arg &&
				a->cmp[i].op == cmp[k].op &&
				a->cmp[i].datum_a == cmp[k].datum_a &&
				a->cmp[i].datum_b == cmp[k].datum_b;
	return same == n;
}

/* Returns 0 or libseccomp's -errno. */
static int add_apart(struct build *b, int nr, uint32_t action,
		     const struct scmp_arg_cmp *cmp, size_t n)
{
	struct apart *a;
	int rc = 0;

	for (size_t i = 0; i < b->n_apart; i++)
		if (b->apart[i].nr == nr &&
		    same_conditions(b->apart + i, cmp, n))
			return b->apart[i].action == action ? 0 : -EEXIST;
	if (b->n_apart == MAX_APART)
		return -E2BIG;
	a = reallocarray(b->apart, b->n_apart + 1, sizeof(*a));
	if (!a)
		return -ENOMEM;
	b->apart = a;
	a += b->n_apart++;
	*a = (struct apart){.nr = nr, .action = action, .n = n};
	memcpy(a->cmp, cmp, n * sizeof(*cmp));
	for (size_t i = 0; i < b->n_arches && !rc; i++) {
		rc = make_context(b->arch[i].token, b->def, a->ctx + i);
		if (!rc)
			rc = seccomp_rule_add_array(a->ctx[i], action, nr, n,
						    cmp);
	}
	return rc;
}

static const char *refusal(int error)
{
	switch (error) {
	case EEXIST:
		return "contradicts a rule before it";
	case EINVAL:
		return "this kernel does not know the action";
	case E2BIG:
		return "too large: the kernel takes 4096 instructions";
	default:
		return strerror(error);
	}
}

static int add(struct build *b, const char *name, int nr, uint32_t action,
	       const struct scmp_arg_cmp *cmp, size_t n)
{
	int rc = 0;

	if (stands_apart(cmp, n))
		rc = add_apart(b, nr, action, cmp, n);
	else
		for (size_t i = 0; i < b->n_arches && !rc; i++)
			rc = seccomp_rule_add_array(b->arch[i].ctx, action, nr,
						    n, cmp);
	b->n_rules++;
	if (!rc)
		return 0;
	return sb_fail(b->err, SB_FAIL, "%s: %s: %s", b->where, name,
		       refusal(-rc));
}

static int add_all(struct build *b, const char *name, int nr, uint32_t action,
		   const struct scmp_arg_cmp *cmp, size_t n)
{
	if (!same_arg_twice(cmp, n))
		return add(b, name, nr, action, cmp, n);
	/* libseccomp takes one condition on an argument; runtimes have made
	 * rules of their own of more ever since it could not do "and". */
	for (size_t i = 0; i < n; i++)
		if (add(b, name, nr, action, cmp + i, 1) < 0)
			return -1;
	return 0;
}

static void skip(struct build *b, const char *name)
{
	if (b->skipped)
		sb_strv_add(b->skipped, name);
}

/* Whether what the rules do not name is let through, or seen by somebody who
 * can make up an answer. */
static int is_open(uint32_t action)
{
	return action == SCMP_ACT_ALLOW || action == SCMP_ACT_LOG ||
	       (action & 0xffff0000) == SCMP_ACT_TRACE(0);
}

/* A default action that a libc may meet with a call it could do without. */
static int hides_newer(uint32_t action)
{
	return !is_open(action) && action != SCMP_ACT_ERRNO(ENOSYS);
}

/* Remembers how new the calls are that the rules name. */
static void note_newest(struct build *b, const char *name)
{
	for (struct arch *a = b->arch; a < b->arch + b->n_arches; a++) {
		int nr = seccomp_syscall_resolve_name_arch(a->token, name);

		if (nr > a->newest)
			a->newest = nr;
	}
}

static int do_name(struct build *b, const char *name, uint32_t action,
		   const struct scmp_arg_cmp *cmp, size_t n)
{
	int nr = seccomp_syscall_resolve_name(name);

	if (nr == __NR_SCMP_ERROR) {
		skip(b, name);
		return 0;
	}
	if (!b->compile)
		return 0;
	if (hides_newer(b->def))
		note_newest(b, name);
	/* libseccomp refuses a rule that changes nothing. */
	if (action == b->def)
		return 0;
	return add_all(b, name, nr, action, cmp, n);
}

static int do_rule(struct build *b, const json_t *rule)
{
	_cleanup_free_ struct scmp_arg_cmp *cmp = NULL;
	const json_t *names;
	uint32_t action;
	size_t n;

	if (get_array(b, rule, "names", &names) < 0 ||
	    get_action(b, rule, "action", "errnoRet", &action) < 0 ||
	    get_cmps(b, rule, &cmp, &n) < 0)
		return -1;
	if (!json_array_size(names))
		return bad(b, "names", "missing");
	for (size_t i = 0; i < json_array_size(names); i++) {
		const char *name = json_string_value(json_array_get(names, i));

		if (!name || !*name)
			return bad_at(b, "names", i, "not a name");
		if (do_name(b, name, action, cmp, n) < 0)
			return -1;
	}
	return 0;
}

static int do_rules(struct build *b, const json_t *o)
{
	size_t len = strlen(b->where);
	const json_t *rules;

	if (get_array(b, o, "syscalls", &rules) < 0)
		return -1;
	for (size_t i = 0; i < json_array_size(rules); i++) {
		const json_t *rule = json_array_get(rules, i);

		if (!json_is_object(rule))
			return bad_at(b, "syscalls", i, "not an object");
		snprintf(b->where + len, sizeof(b->where) - len,
			 ".syscalls[%zu]", i);
		if (do_rule(b, rule) < 0)
			return -1;
		b->where[len] = '\0';
	}
	return 0;
}

/* libseccomp's number for the spec's name; 0 if it does not know it. */
static uint32_t arch_token(const char *name)
{
	char lower[16];
	size_t i = 0;

	for (; i < sizeof(lower) - 1 && name[i]; i++)
		lower[i] = tolower((unsigned char)name[i]);
	lower[i] = '\0';
	return seccomp_arch_resolve_name(lower);
}

/* Takes an architecture in, once. Returns 0 or libseccomp's -errno. */
static int add_arch(struct build *b, uint32_t token)
{
	struct arch *a = b->arch + b->n_arches;
	int rc;

	for (size_t i = 0; i < b->n_arches; i++)
		if (b->arch[i].token == token)
			return 0;
	if (b->n_arches == MAX_ARCHES)
		return -E2BIG;
	*a = (struct arch){.token = token};
	rc = b->compile ? make_context(token, b->def, &a->ctx) : 0;
	if (!rc)
		b->n_arches++;
	else if (a->ctx)
		seccomp_release(a->ctx);
	return rc;
}

static int do_arch(struct build *b, size_t i, const char *name)
{
	const char *p = name + strlen("SCMP_ARCH_");
	uint32_t token;
	size_t k = 0;
	int rc;

	if (!strncmp(name, "SCMP_ARCH_", p - name))
		while (k < ARRAY_SIZE(arches) && strcmp(arches[k], p))
			k++;
	else
		k = ARRAY_SIZE(arches);
	if (k == ARRAY_SIZE(arches))
		return bad_at(b, "architectures", i, "not known");
	token = arch_token(p);
	rc = token ? add_arch(b, token) : -EDOM;
	/* EDOM: the other byte order. No program of it runs here. */
	if (rc == -EDOM)
		skip(b, name);
	else if (rc)
		return bad_at(b, "architectures", i, strerror(-rc));
	return 0;
}

static int do_arches(struct build *b, const json_t *o)
{
	int rc = add_arch(b, seccomp_arch_native());
	const json_t *list;

	if (rc)
		return bad(b, "defaultAction",
			   rc == -ENOMEM ? strerror(ENOMEM)
					 : "libseccomp refuses it; this kernel "
					   "may not know the action");
	if (get_array(b, o, "architectures", &list) < 0)
		return -1;
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *name = json_string_value(json_array_get(list, i));

		if (!name)
			return bad_at(b, "architectures", i, "not a string");
		if (do_arch(b, i, name) < 0)
			return -1;
	}
	return 0;
}

static int do_flags(const struct build *b, const json_t *o, unsigned int *out)
{
	const json_t *list;

	if (get_array(b, o, "flags", &list) < 0)
		return -1;
	/* Runtimes: what is not asked for at all is not to cost speed. */
	*out = list ? 0 : SECCOMP_FILTER_FLAG_SPEC_ALLOW;
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *name = json_string_value(json_array_get(list, i));
		size_t k = 0;

		while (name && k < ARRAY_SIZE(flags) &&
		       strcmp(flags[k].name, name))
			k++;
		if (!name || k == ARRAY_SIZE(flags))
			return bad_at(b, "flags", i, "not known");
		*out |= flags[k].value;
	}
	return 0;
}

/* All but the rules. */
static int do_top(struct build *b, const json_t *o, unsigned int *flag_bits)
{
	if (!json_is_object(o))
		return sb_fail(b->err, SB_FAIL, "%s: not an object", b->where);
	if (get_action(b, o, "defaultAction", "defaultErrnoRet", &b->def) < 0 ||
	    do_flags(b, o, flag_bits) < 0)
		return -1;
	return do_arches(b, o);
}

static struct build start(const struct sb_seccomp_src *src,
			  struct sb_strv *skipped, struct sb_err *err)
{
	struct build b = {.mark = src->mark, .skipped = skipped, .err = err};

	snprintf(b.where, sizeof(b.where), "%.63s", src->what);
	return b;
}

int sb_seccomp_check(const struct sb_seccomp_src *src, struct sb_strv *skipped,
		     struct sb_err *err)
{
	struct build b = start(src, skipped, err);
	unsigned int flag_bits;

	if (do_top(&b, src->json, &flag_bits) < 0)
		return -1;
	return do_rules(&b, src->json);
}

int sb_seccomp_check_rule(const struct sb_seccomp_src *src, struct sb_err *err)
{
	struct build b = start(src, NULL, err);

	return do_rule(&b, src->json);
}

#define STMT(op, k) ((struct sock_filter)BPF_STMT(op, k))
#define JUMP(op, k, jt, jf) ((struct sock_filter)BPF_JUMP(op, k, jt, jf))
#define LOAD(field)                                                            \
	STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))

/* What the programs of the architectures have before them: GATE_LEN
 * instructions for each, and one for all others. */
#define GATE_LEN 7

/*
 * One architecture's gate: to is its program's place, counted from here; what
 * is not its own goes on after the gate. What is newer than all that the rules
 * know gets ENOSYS, if a default action would hide it.
 */
static void make_gate(const struct build *b, const struct arch *a, uint32_t to,
		      struct sock_filter *p)
{
	uint32_t newest =
		hides_newer(b->def) ? (uint32_t)a->newest : UINT32_MAX;
	int is_x32 = a->token == SCMP_ARCH_X32, has_x32 = 0;

	for (size_t i = 0; i < b->n_arches; i++)
		has_x32 |= b->arch[i].token == SCMP_ARCH_X32;
	p[0] = LOAD(arch);
	p[1] = JUMP(BPF_JMP | BPF_JEQ | BPF_K,
		    is_x32 ? SCMP_ARCH_X86_64 : a->token, 0, GATE_LEN - 2);
	p[2] = LOAD(nr);
	/* A tracer's -1 is no call, so not a new one. */
	p[3] = JUMP(BPF_JMP | BPF_JGE | BPF_K, UINT32_MAX, 2, 0);
	if (is_x32)
		p[3] = JUMP(BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 3);
	else if (a->token == SCMP_ARCH_X86_64)
		/* x32's, or for libseccomp to refuse */
		p[3] = JUMP(BPF_JMP | BPF_JGE | BPF_K, X32_BIT, has_x32 ? 3 : 2,
			    0);
	else if (a->token == SCMP_ARCH_S390 || a->token == SCMP_ARCH_S390X)
		/* A number beyond the kernel's table arrives as 0, which
		 * nothing else uses (Linux: arch/s390/kernel/syscall.c). */
		p[3] = JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0,
			    newest == UINT32_MAX ? 2 : 1, 0);
	p[4] = JUMP(BPF_JMP | BPF_JGT | BPF_K, newest, 0, 1);
	p[5] = STMT(BPF_RET | BPF_K, SCMP_ACT_ERRNO(ENOSYS));
	/* A jump counts from the next instruction. */
	p[6] = STMT(BPF_JMP | BPF_JA, to - GATE_LEN);
}

/* Writes a program to fd from instruction *at on, which becomes where it ends.
 * Returns 0 or libseccomp's -errno. */
static int write_one(scmp_filter_ctx ctx, int fd, off_t *at)
{
	off_t end;
	int rc;

	if (lseek(fd, *at * sizeof(struct sock_filter), SEEK_SET) < 0)
		return -errno;
	rc = seccomp_export_bpf(ctx, fd);
	if (rc)
		return rc;
	end = lseek(fd, 0, SEEK_CUR);
	if (end < 0)
		return -errno;
	*at = end / (off_t)sizeof(struct sock_filter);
	return 0;
}

/* Makes the program of n instructions at at go on behind its end where it comes
 * to the default action. Returns 0 or -errno. */
static int let_go_on(const struct build *b, int fd, off_t at, size_t n)
{
	struct sock_filter code[BPF_MAXINSNS];

	/* too large, as is told in the end */
	if (n > BPF_MAXINSNS)
		return 0;
	at *= sizeof(*code);
	if (pread(fd, code, n * sizeof(*code), at) !=
	    (ssize_t)(n * sizeof(*code)))
		return -EIO;
	for (size_t i = 0; i < n; i++)
		if (code[i].code == (BPF_RET | BPF_K) && code[i].k == b->def)
			code[i] = STMT(BPF_JMP | BPF_JA, n - i - 1);
	return pwrite(fd, code, n * sizeof(*code), at) < 0 ? -errno : 0;
}

/* Writes architecture i's program to fd from *at on: of what libseccomp can
 * have in one, and then of each rule that stands apart. As in libseccomp, a
 * rule with less conditions comes before. Returns 0 or -errno. */
static int write_arch(const struct build *b, size_t i, int fd, off_t *at)
{
	off_t from = *at;
	int rc = write_one(b->arch[i].ctx, fd, at);

	for (size_t k = 0; k < b->n_apart && !rc; k++) {
		rc = let_go_on(b, fd, from, *at - from);
		from = *at;
		if (!rc)
			rc = write_one(b->apart[k].ctx[i], fd, at);
	}
	return rc;
}

/* Writes the programs to fd behind the gates, then the gates. Returns the
 * number of instructions; or libseccomp's -errno. */
static off_t write_all(const struct build *b, int fd)
{
	struct sock_filter gate[MAX_ARCHES * GATE_LEN + 1];
	size_t n = 0, len = b->n_arches * GATE_LEN + 1;
	off_t at = len;
	int rc;

	for (size_t i = 0; i < b->n_arches; i++, n += GATE_LEN) {
		make_gate(b, b->arch + i, at - n, gate + n);
		rc = write_arch(b, i, fd, &at);
		if (rc)
			return rc;
	}
	/* libseccomp's action for an architecture that is not in. */
	gate[n] = STMT(BPF_RET | BPF_K, SCMP_ACT_KILL);
	if (lseek(fd, 0, SEEK_SET) < 0 ||
	    sb_fdio_write_all(fd, gate, len * sizeof(*gate)) < 0)
		return -errno;
	return at;
}

/* Whether there is memory for what libseccomp makes of the rules: when it runs
 * out in there, libseccomp (2.5) frees twice and reads what it has freed. */
static int has_memory(const struct build *b)
{
	volatile char *p = malloc((1 << 20) + b->n_rules * 4096);

	if (p)
		*p = 0;
	free((void *)p);
	return p != NULL;
}

static int write_program(const struct build *b, int fd, unsigned int *len,
			 struct sb_err *err)
{
	off_t n = has_memory(b) ? 0 : -ENOMEM;

	for (size_t i = 0; i < b->n_arches && !n && b->n_rules >= TREE_MIN; i++)
		n = seccomp_attr_set(b->arch[i].ctx, SCMP_FLTATR_CTL_OPTIMIZE,
				     2);
	if (!n)
		n = write_all(b, fd);
	if (n < 0)
		return sb_fail(err, SB_FAIL, "%s: no program: %s", b->where,
			       strerror(-n));
	if (n > BPF_MAXINSNS)
		return sb_fail(err, SB_FAIL,
			       "%s: too large: its program has %jd "
			       "instructions, the kernel takes %d",
			       b->where, (intmax_t)n, BPF_MAXINSNS);
	*len = n;
	return 0;
}

static void finish(struct build *b)
{
	for (size_t i = 0; i < b->n_arches; i++) {
		for (size_t k = 0; k < b->n_apart; k++)
			if (b->apart[k].ctx[i])
				seccomp_release(b->apart[k].ctx[i]);
		seccomp_release(b->arch[i].ctx);
	}
	free(b->apart);
}

int sb_seccomp_compile(const struct sb_seccomp_src *src, int fd,
		       struct sb_seccomp *out, struct sb_strv *skipped,
		       struct sb_err *err)
{
	struct build b = start(src, skipped, err);
	int rc = -1;

	b.compile = 1;
	*out = (struct sb_seccomp){0};
	if (!do_top(&b, src->json, &out->flags) && !do_rules(&b, src->json))
		rc = write_program(&b, fd, &out->len, err);
	finish(&b);
	return rc;
}
