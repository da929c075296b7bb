/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A program as the kernel wants it for seccomp(2), and as the rules have it. */
#ifndef SB_FUZZ_PROGRAM_H
#define SB_FUZZ_PROGRAM_H

#include "contexts.h"
#include "rules.h"

#include "../../helper/seccomp.h"
#include "../unit/bpf.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* What bpf_check_classic and seccomp_check_filter (Linux, net/core/filter.c and
 * kernel/seccomp.c) demand of an instruction, as far as libseccomp makes it;
 * left: how many follow it. */
static inline void check_instruction(const struct sock_filter *f,
				     unsigned int left)
{
	switch (f->code) {
	case BPF_LD | BPF_W | BPF_ABS:
		FUZZ_CHECK(f->k < sizeof(struct seccomp_data) && f->k % 4 == 0);
		break;
	case BPF_RET | BPF_K:
		break;
	case BPF_ALU | BPF_AND | BPF_K:
		break;
	case BPF_ST:
	case BPF_LD | BPF_MEM:
		FUZZ_CHECK(f->k < BPF_MEMWORDS);
		break;
	case BPF_JMP | BPF_JA:
		FUZZ_CHECK(f->k < left);
		break;
	case BPF_JMP | BPF_JEQ | BPF_K:
	case BPF_JMP | BPF_JGT | BPF_K:
	case BPF_JMP | BPF_JGE | BPF_K:
	case BPF_JMP | BPF_JSET | BPF_K:
		FUZZ_CHECK(f->jt < left && f->jf < left);
		break;
	default:
		FUZZ_CHECK(!"an instruction that libseccomp does not make");
	}
}

/* What the program says to one call is what the rules say. */
static inline void check_call(const struct rules *r,
			      const struct sock_filter *f, unsigned int len,
			      const struct seccomp_data *d)
{
	uint32_t want[RULES_MOST], got;
	size_t n = rules_say(r, d, want), i = 0;

	FUZZ_CHECK(!bpf_run(f, len, d, &got));
	while (i < n && want[i] != got)
		i++;
	if (i < n)
		return;
	fprintf(stderr, "call %d (%jx %jx %jx %jx %jx %jx): %x, not %x\n",
		d->nr, (uintmax_t)d->args[0], (uintmax_t)d->args[1],
		(uintmax_t)d->args[2], (uintmax_t)d->args[3],
		(uintmax_t)d->args[4], (uintmax_t)d->args[5], got, *want);
	FUZZ_CHECK(!"the program says what the rules say");
}

/* Calls that a rule is about: at, just below and just above its values, and
 * beyond 32 bits; and the same of another rule for arguments that it leaves. */
static inline void check_rule_calls(const struct rules *r, const json_t *rule,
				    const json_t *other,
				    const struct sock_filter *f,
				    unsigned int len)
{
	static const uint64_t by[] = {-1, 0, 1, 1ULL << 32, (1ULL << 32) - 1};
	static const size_t n = sizeof(by) / sizeof(*by);
	const json_t *names = json_object_get(rule, "names");

	for (size_t i = 0; i < json_array_size(names) && i < 64; i++) {
		int nr = seccomp_syscall_resolve_name(
			json_string_value(json_array_get(names, i)));

		for (size_t k = 0; nr >= 0 && k < n * n; k++) {
			struct seccomp_data d = {.nr = nr,
						 .arch = seccomp_arch_native()};

			rules_arguments(r, other, by[k / n], d.args);
			rules_arguments(r, rule, by[k % n], d.args);
			check_call(r, f, len, &d);
		}
	}
}

static inline void check_calls(const struct sb_seccomp_src *src,
			       const struct sock_filter *f, unsigned int len)
{
	const struct rules r = rules_of(src->json, src->mark);
	const json_t *rules = json_object_get(src->json, "syscalls");

	if (!rules_known_here())
		return;
	for (size_t i = 0; i < json_array_size(rules) && i < 64; i++)
		check_rule_calls(&r, json_array_get(rules, i),
				 json_array_get(rules, i ? i - 1 : 1), f, len);
	for (int nr = 0; nr < 600; nr += 7) {
		const struct seccomp_data d = {.nr = nr,
					       .arch = seccomp_arch_native()};

		check_call(&r, f, len, &d);
	}
}

static inline void check_program(const struct sb_seccomp_src *src, int fd,
				 const struct sb_seccomp *out)
{
	struct sock_filter *f;
	struct stat st;

	FUZZ_CHECK(out->len > 0 && out->len <= BPF_MAXINSNS);
	FUZZ_CHECK(!fstat(fd, &st) &&
		   st.st_size == (off_t)(out->len * sizeof(*f)));
	f = malloc(st.st_size);
	FUZZ_CHECK(f && pread(fd, f, st.st_size, 0) == st.st_size);
	for (unsigned int i = 0; i < out->len; i++)
		check_instruction(&f[i], out->len - i - 1);
	FUZZ_CHECK(BPF_CLASS(f[out->len - 1].code) == BPF_RET);
	check_calls(src, f, out->len);
	free(f);
}

/* Compiles it; where that is possible, the program is valid, and decides as the
 * rules do. Returns whether it was. */
static inline int check_compile(const struct sb_seccomp_src *src)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC), rc;
	struct sb_strv skipped = {0};
	struct sb_err err = {.text = ""};
	struct sb_seccomp out;

	FUZZ_CHECK(fd >= 0);
	rc = sb_seccomp_compile(src, fd, &out, &skipped, &err);
	FUZZ_CHECK(!fuzz_contexts());
	if (rc < 0)
		FUZZ_FAILED(err);
	else
		check_program(src, fd, &out);
	sb_strv_free(&skipped);
	close(fd);
	return rc == 0;
}

#endif
