/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A site's seccomp profile. */
#define _GNU_SOURCE
#include "profile.h"

#include "../spank/contract.h"
#include "fdio.h"
#include "mem.h"
#include "seccomp.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

/* What stays the same while a profile is resolved. */
struct resolve {
	const struct sb_json *profile;
	const struct sb_profile_for *f;
	const char *scmp;   /* f->arch as archMap has it */
	const char *native; /* and as arches has it */
	struct sb_err *err;
};

/* Go's names, libseccomp's (which conditions use, where they differ), and the
 * runtime-spec's. */
static const struct arch {
	const char *go, *native, *scmp;
} arches[] = {
	{"386", "x86", "SCMP_ARCH_X86"},
	{"amd64", "amd64", "SCMP_ARCH_X86_64"},
	{"arm", "arm", "SCMP_ARCH_ARM"},
	{"arm64", "arm64", "SCMP_ARCH_AARCH64"},
	{"loong64", "loongarch64", "SCMP_ARCH_LOONGARCH64"},
	{"mips64le", "mipsel64", "SCMP_ARCH_MIPSEL64"},
	{"mipsle", "mipsel", "SCMP_ARCH_MIPSEL"},
	{"ppc64", "ppc64", "SCMP_ARCH_PPC64"},
	{"ppc64le", "ppc64le", "SCMP_ARCH_PPC64LE"},
	{"riscv64", "riscv64", "SCMP_ARCH_RISCV64"},
	{"s390x", "s390x", "SCMP_ARCH_S390X"},
};

/* Errors by name: numbers differ between architectures. */
#define E(name)                                                                \
	{                                                                      \
#name, name                                                    \
	}
static const struct {
	const char *name;
	int value;
} errors[] = {
	E(EPERM),	 E(ENOENT),	  E(ESRCH),	      E(EINTR),
	E(EIO),		 E(ENXIO),	  E(E2BIG),	      E(ENOEXEC),
	E(EBADF),	 E(ECHILD),	  E(EAGAIN),	      E(EWOULDBLOCK),
	E(ENOMEM),	 E(EACCES),	  E(EFAULT),	      E(ENOTBLK),
	E(EBUSY),	 E(EEXIST),	  E(EXDEV),	      E(ENODEV),
	E(ENOTDIR),	 E(EISDIR),	  E(EINVAL),	      E(ENFILE),
	E(EMFILE),	 E(ENOTTY),	  E(ETXTBSY),	      E(EFBIG),
	E(ENOSPC),	 E(ESPIPE),	  E(EROFS),	      E(EMLINK),
	E(EPIPE),	 E(EDOM),	  E(ERANGE),	      E(EDEADLK),
	E(ENAMETOOLONG), E(ENOLCK),	  E(ENOSYS),	      E(ENOTEMPTY),
	E(ELOOP),	 E(ENODATA),	  E(ENOTUNIQ),	      E(EOVERFLOW),
	E(ENOTSOCK),	 E(EDESTADDRREQ), E(EMSGSIZE),	      E(EPROTOTYPE),
	E(ENOPROTOOPT),	 E(EOPNOTSUPP),	  E(EPROTONOSUPPORT), E(ENOTSUP),
	E(EPFNOSUPPORT), E(EAFNOSUPPORT), E(ESOCKTNOSUPPORT), E(EADDRINUSE),
	E(ENETDOWN),	 E(ENETUNREACH),  E(EADDRNOTAVAIL),   E(ECONNABORTED),
	E(ECONNRESET),	 E(ENOBUFS),	  E(ECONNREFUSED),    E(ETIMEDOUT),
	E(EHOSTDOWN),	 E(EHOSTUNREACH), E(EALREADY),	      E(EINPROGRESS),
	E(EDQUOT),	 E(ECANCELED),	  E(EKEYREJECTED),    E(ENOKEY),
};
#undef E

static const char *const top_fields[] = {
	"defaultAction",    "defaultErrnoRet", "defaultErrno", "architectures",
	"archMap",	    "syscalls",	       "flags",	       "listenerPath",
	"listenerMetadata", "comment",
};
static const char *const rule_fields[] = {
	"names", "name",    "action",	"args",	    "errnoRet",
	"errno", "comment", "includes", "excludes",
};
static const char *const filter_fields[] = {"caps", "arches", "minKernel"};
static const char *const map_fields[] = {"architecture", "subArchitectures"};

/* where names the object, "" at the top; field is in it. */
static int bad(const struct resolve *r, const char *where, const char *field,
	       const char *why)
{
	return sb_fail(r->err, SB_FAIL, "%s%s%s: %s", where, *where ? "." : "",
		       field, why);
}

static int no_memory(const struct resolve *r)
{
	return sb_fail(r->err, SB_FAIL, "out of memory");
}

/* o must be an object and have fields of the table only. */
static int check_fields(const struct resolve *r, const char *where,
			const json_t *o, const char *const *table, size_t n)
{
	const char *key;
	json_t *v;

	if (!json_is_object(o))
		return sb_fail(r->err, SB_FAIL, "%s: not an object",
			       *where ? where : "profile");
	json_object_foreach ((json_t *)o, key, v) {
		size_t i = 0;

		while (i < n && strcmp(table[i], key))
			i++;
		if (i == n)
			return bad(r, where, key, "not known");
	}
	return 0;
}

/* A field that may be absent or null (both: NULL in *out), else has type. */
static int get(const struct resolve *r, const char *where, const json_t *o,
	       const char *key, json_type type, json_t **out)
{
	static const char *const why[] = {
		[JSON_OBJECT] = "not an object",
		[JSON_ARRAY] = "not an array",
		[JSON_STRING] = "not a string",
	};

	*out = json_object_get(o, key);
	if (json_is_null(*out))
		*out = NULL;
	if (*out && json_typeof(*out) != type)
		return bad(r, where, key, why[type]);
	return 0;
}

/* As get, of an array of strings. */
static int get_strings(const struct resolve *r, const char *where,
		       const json_t *o, const char *key, json_t **out)
{
	char field[64];

	if (get(r, where, o, key, JSON_ARRAY, out) < 0)
		return -1;
	for (size_t i = 0; i < json_array_size(*out); i++) {
		if (json_is_string(json_array_get(*out, i)))
			continue;
		snprintf(field, sizeof(field), "%s[%zu]", key, i);
		return bad(r, where, field, "not a string");
	}
	return 0;
}

/* Puts a copy of o's field into out, if o has it. */
static int copy(const struct resolve *r, const json_t *o, const char *key,
		json_t *out)
{
	const json_t *v = json_object_get(o, key);

	if (!v || json_is_null(v))
		return 0;
	return json_object_set_new(out, key, json_deep_copy(v)) < 0
		       ? no_memory(r)
		       : 0;
}

static int has(const json_t *list, const char *s)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		if (!strcmp(json_string_value(json_array_get(list, i)), s))
			return 1;
	return 0;
}

/*
 * The errno as a number: by_name ("EPERM", or "1") where it is given, as it
 * wins in Podman, else by_number.
 */
static int copy_errno(const struct resolve *r, const char *where,
		      const json_t *o, const char *by_name,
		      const char *by_number, json_t *out)
{
	size_t i = 0;
	const char *s;
	json_t *v;
	long number = -1;

	if (get(r, where, o, by_name, JSON_STRING, &v) < 0)
		return -1;
	s = json_string_value(v);
	if (!s || !*s)
		return copy(r, o, by_number, out);
	while (i < ARRAY_SIZE(errors) && strcmp(errors[i].name, s))
		i++;
	if (i < ARRAY_SIZE(errors))
		number = errors[i].value;
	else if (strlen(s) < 6 && s[strspn(s, "0123456789")] == '\0')
		number = strtol(s, NULL, 10);
	if (number < 0)
		return bad(r, where, by_name, "no error of this name");
	return json_object_set_new(out, by_number, json_integer(number)) < 0
		       ? no_memory(r)
		       : 0;
}

/* Adds archMap's entry i to list, if it is ours. */
static int map_arch(const struct resolve *r, size_t i, const json_t *entry,
		    json_t *list)
{
	json_t *arch, *sub;
	char where[64];

	snprintf(where, sizeof(where), "archMap[%zu]", i);
	if (check_fields(r, where, entry, map_fields, ARRAY_SIZE(map_fields)) <
		    0 ||
	    get(r, where, entry, "architecture", JSON_STRING, &arch) < 0 ||
	    get_strings(r, where, entry, "subArchitectures", &sub) < 0)
		return -1;
	if (!arch)
		return bad(r, where, "architecture", "missing");
	if (json_array_size(list) ||
	    strcmp(json_string_value(arch), r->scmp) != 0)
		return 0;
	if (json_array_append(list, arch) < 0 ||
	    (sub && json_array_extend(list, sub) < 0))
		return no_memory(r);
	return 0;
}

static int resolve_arches(const struct resolve *r, json_t *out)
{
	const json_t *root = r->profile->root;
	json_t *list, *map, *made;

	if (get_strings(r, "", root, "architectures", &list) < 0 ||
	    get(r, "", root, "archMap", JSON_ARRAY, &map) < 0)
		return -1;
	if (json_array_size(list) && json_array_size(map))
		return bad(r, "", "archMap", "not beside architectures");
	made = json_array();
	if (!made || json_object_set_new(out, "architectures", made) < 0)
		return no_memory(r);
	if (list && json_array_extend(made, list) < 0)
		return no_memory(r);
	for (size_t i = 0; i < json_array_size(map); i++)
		if (map_arch(r, i, json_array_get(map, i), made) < 0)
			return -1;
	if (!json_array_size(made))
		json_object_del(out, "architectures");
	return 0;
}

/* "4.8": moby/profiles, KernelVersion. */
static int parse_kernel(const char *s, unsigned int *major, unsigned int *minor)
{
	char rest;

	return isdigit((unsigned char)*s) && strlen(s) < 10 &&
			       !s[strspn(s, "0123456789.")] &&
			       sscanf(s, "%u.%u%c", major, minor, &rest) == 2
		       ? 0
		       : -1;
}

/* One condition set: which of its parts there are, and hold. */
struct met {
	int caps, any_cap, all_caps;
	int arches, arch;
	int kernel, is_new;
};

static int look_at_caps(const struct resolve *r, const char *where,
			const json_t *o, struct met *m)
{
	char field[64];
	json_t *list;

	if (get_strings(r, where, o, "caps", &list) < 0)
		return -1;
	m->caps = json_array_size(list) > 0;
	m->all_caps = 1;
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *cap = json_string_value(json_array_get(list, i));
		size_t k = 0;

		if (strncmp(cap, "CAP_", 4) != 0) {
			snprintf(field, sizeof(field), "caps[%zu]", i);
			return bad(r, where, field, "not a capability");
		}
		while (k < r->f->n_caps && strcmp(r->f->caps[k], cap))
			k++;
		m->any_cap |= k < r->f->n_caps;
		m->all_caps &= k < r->f->n_caps;
	}
	return 0;
}

static int look_at(const struct resolve *r, const char *rule, const char *key,
		   const json_t *o, struct met *m)
{
	unsigned int major, minor;
	json_t *list, *kernel;
	char where[64];

	*m = (struct met){0};
	if (!o || json_is_null(o))
		return 0;
	snprintf(where, sizeof(where), "%s.%s", rule, key);
	if (check_fields(r, where, o, filter_fields,
			 ARRAY_SIZE(filter_fields)) < 0 ||
	    look_at_caps(r, where, o, m) < 0 ||
	    get_strings(r, where, o, "arches", &list) < 0 ||
	    get(r, where, o, "minKernel", JSON_STRING, &kernel) < 0)
		return -1;
	m->arches = json_array_size(list) > 0;
	m->arch = has(list, r->f->arch) || has(list, r->native);
	m->kernel = kernel && *json_string_value(kernel);
	if (!m->kernel)
		return 0;
	if (parse_kernel(json_string_value(kernel), &major, &minor) < 0)
		return bad(r, where, "minKernel", "not a MAJOR.MINOR");
	m->is_new =
		r->f->kernel_major > major ||
		(r->f->kernel_major == major && r->f->kernel_minor >= minor);
	return 0;
}

/* Whether a rule is for us: all of includes, nothing of excludes. -1 with err
 * set. */
static int applies(const struct resolve *r, const char *where,
		   const json_t *rule)
{
	struct met in, ex;

	if (look_at(r, where, "includes", json_object_get(rule, "includes"),
		    &in) < 0 ||
	    look_at(r, where, "excludes", json_object_get(rule, "excludes"),
		    &ex) < 0)
		return -1;
	return (!in.caps || in.all_caps) && (!in.arches || in.arch) &&
	       (!in.kernel || in.is_new) && !(ex.caps && ex.any_cap) &&
	       !(ex.arches && ex.arch) && !(ex.kernel && ex.is_new);
}

/* "name" is what a rule had before "names". */
static int copy_names(const struct resolve *r, const char *where,
		      const json_t *rule, json_t *out)
{
	json_t *name, *names;

	if (get(r, where, rule, "name", JSON_STRING, &name) < 0 ||
	    get_strings(r, where, rule, "names", &names) < 0)
		return -1;
	if (!name || !*json_string_value(name))
		return copy(r, rule, "names", out);
	if (json_array_size(names))
		return bad(r, where, "name", "not beside names");
	names = json_array();
	if (!names || json_object_set_new(out, "names", names) < 0 ||
	    json_array_append(names, name) < 0)
		return no_memory(r);
	return 0;
}

/* A number too big for jansson carries its document's mark (json.h). */
static int remark(const struct resolve *r, json_t *arg, const char *key)
{
	const char *s = json_string_value(json_object_get(arg, key));
	size_t len = strlen(r->profile->mark);
	char text[128];

	if (!s || !r->f->mark || strncmp(s, r->profile->mark, len) != 0)
		return 0;
	snprintf(text, sizeof(text), "%s%s", r->f->mark, s + len);
	return json_object_set_new(arg, key, json_string(text)) < 0
		       ? no_memory(r)
		       : 0;
}

static int copy_args(const struct resolve *r, const json_t *rule, json_t *out)
{
	const json_t *args;

	if (copy(r, rule, "args", out) < 0)
		return -1;
	args = json_object_get(out, "args");
	for (size_t i = 0; i < json_array_size(args); i++)
		if (remark(r, json_array_get(args, i), "value") < 0 ||
		    remark(r, json_array_get(args, i), "valueTwo") < 0)
			return -1;
	return 0;
}

/* Makes the runtime-spec's rule of the profile's in made. */
static int make_rule(const struct resolve *r, const char *where,
		     const json_t *rule, json_t *made)
{
	struct sb_seccomp_src src = {.json = made, .what = where};
	json_t *comment;

	src.mark = r->f->mark ? r->f->mark : r->profile->mark;
	if (check_fields(r, where, rule, rule_fields, ARRAY_SIZE(rule_fields)) <
		    0 ||
	    get(r, where, rule, "comment", JSON_STRING, &comment) < 0 ||
	    copy_names(r, where, rule, made) < 0 ||
	    copy(r, rule, "action", made) < 0 ||
	    copy_errno(r, where, rule, "errno", "errnoRet", made) < 0 ||
	    copy_args(r, rule, made) < 0)
		return -1;
	return sb_seccomp_check_rule(&src, r->err);
}

static int resolve_rule(const struct resolve *r, size_t i, json_t *out)
{
	const json_t *rules = json_object_get(r->profile->root, "syscalls");
	const json_t *rule = json_array_get(rules, i);
	json_t *made = json_object();
	char where[32];
	int rc;

	snprintf(where, sizeof(where), "syscalls[%zu]", i);
	rc = made ? make_rule(r, where, rule, made) : no_memory(r);
	if (!rc)
		rc = applies(r, where, rule);
	if (rc > 0 && json_array_append(out, made) < 0)
		rc = no_memory(r);
	json_decref(made);
	return rc < 0 ? -1 : 0;
}

static int resolve_rules(const struct resolve *r, json_t *out)
{
	json_t *rules, *made = json_array();

	if (!made || json_object_set_new(out, "syscalls", made) < 0)
		return no_memory(r);
	if (get(r, "", r->profile->root, "syscalls", JSON_ARRAY, &rules) < 0)
		return -1;
	for (size_t i = 0; i < json_array_size(rules); i++)
		if (resolve_rule(r, i, made) < 0)
			return -1;
	return 0;
}

/* A string, or none: checked, and put into out where out is to have it. */
static int copy_string(const struct resolve *r, const char *key, json_t *out)
{
	json_t *v;

	if (get(r, "", r->profile->root, key, JSON_STRING, &v) < 0)
		return -1;
	return out ? copy(r, r->profile->root, key, out) : 0;
}

static int resolve_top(const struct resolve *r, json_t *out)
{
	const json_t *root = r->profile->root;
	struct sb_seccomp_src src = {.json = out, .what = ""};

	if (check_fields(r, "", root, top_fields, ARRAY_SIZE(top_fields)) < 0 ||
	    copy_string(r, "comment", NULL) < 0 ||
	    copy(r, root, "defaultAction", out) < 0 ||
	    copy_errno(r, "", root, "defaultErrno", "defaultErrnoRet", out) <
		    0 ||
	    resolve_arches(r, out) < 0 || copy(r, root, "flags", out) < 0 ||
	    copy_string(r, "listenerPath", out) < 0 ||
	    copy_string(r, "listenerMetadata", out) < 0)
		return -1;
	return sb_seccomp_check(&src, NULL, r->err);
}

json_t *sb_profile_resolve(const struct sb_json *profile,
			   const struct sb_profile_for *f, struct sb_err *err)
{
	struct resolve r = {profile, f, "", f->arch, err};
	json_t *out = json_object();

	for (size_t i = 0; i < ARRAY_SIZE(arches); i++)
		if (!strcmp(arches[i].go, f->arch)) {
			r.scmp = arches[i].scmp;
			r.native = arches[i].native;
		}
	if (!out) {
		no_memory(&r);
	} else if (resolve_top(&r, out) < 0 || resolve_rules(&r, out) < 0) {
		json_decref(out);
		out = NULL;
	}
	return out;
}

int sb_profile_load(const char *path, struct sb_json *doc, struct sb_err *err)
{
	_cleanup_free_ char *text = NULL;
	size_t len;

	*doc = (struct sb_json){.root = NULL};
	text = sb_fdio_read(AT_FDCWD, path, SB_JSON_MAX_SIZE, path, &len, err);
	if (!text)
		return -1;
	return sb_json_parse(doc, text, len, err) < 0 ? sb_wrap(err, "%s", path)
						      : 0;
}

/* Not uname(2)'s machine: setarch(1) changes that, and the filter is for the
 * programs of this machine whatever it says. */
static const char *built_for(void)
{
#if defined(__x86_64__)
	return "amd64";
#elif defined(__i386__)
	return "386";
#elif defined(__aarch64__)
	return "arm64";
#elif defined(__arm__)
	return "arm";
#elif defined(__powerpc64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return "ppc64le";
#elif defined(__powerpc64__)
	return "ppc64";
#elif defined(__s390x__)
	return "s390x";
#elif defined(__riscv) && __riscv_xlen == 64
	return "riscv64";
#elif defined(__loongarch64)
	return "loong64";
#elif defined(__mips64) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return "mips64le";
#elif defined(__mips__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return "mipsle";
#else
	return ""; /* no archMap entry, no condition will match */
#endif
}

int sb_profile_here(struct sb_profile_for *f, struct sb_err *err)
{
	struct utsname u;

	*f = (struct sb_profile_for){.arch = built_for()};
	if (uname(&u) < 0 ||
	    sscanf(u.release, "%u.%u", &f->kernel_major, &f->kernel_minor) != 2)
		return sb_fail(err, SB_FAIL,
			       "uname: cannot tell the kernel's "
			       "version");
	return 0;
}
