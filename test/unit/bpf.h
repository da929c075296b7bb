/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a seccomp program says to a call: the kernel's interpreter in small. */
#ifndef UNIT_BPF_H
#define UNIT_BPF_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <string.h>

/* The accumulator, and the memory that ST and LD MEM use. */
struct bpf_state {
	uint32_t acc, mem[BPF_MEMWORDS];
};

/* Instruction p where it is no jump on a condition and no end. Returns how many
 * instructions are passed over; -1: it is another. */
static inline long bpf_plain(const struct sock_filter *p,
			     const struct seccomp_data *d, struct bpf_state *s)
{
	switch (p->code) {
	case BPF_LD | BPF_W | BPF_ABS:
		memcpy(&s->acc, (const char *)d + p->k, sizeof(s->acc));
		return 0;
	case BPF_LD | BPF_MEM:
		s->acc = s->mem[p->k];
		return 0;
	case BPF_ST:
		s->mem[p->k] = s->acc;
		return 0;
	case BPF_ALU | BPF_AND | BPF_K:
		s->acc &= p->k;
		return 0;
	case BPF_JMP | BPF_JA:
		return p->k;
	default:
		return -1;
	}
}

/* Whether the condition of a jump holds; -1: it is none that we know. */
static inline int bpf_holds(const struct sock_filter *p, uint32_t acc)
{
	switch (p->code) {
	case BPF_JMP | BPF_JEQ | BPF_K:
		return acc == p->k;
	case BPF_JMP | BPF_JGT | BPF_K:
		return acc > p->k;
	case BPF_JMP | BPF_JGE | BPF_K:
		return acc >= p->k;
	case BPF_JMP | BPF_JSET | BPF_K:
		return !!(acc & p->k);
	default:
		return -1;
	}
}

/* Runs the program of n instructions. Returns 0 with *action set (SECCOMP_RET_*
 * and its data); -1 where it has an instruction that libseccomp does not make,
 * or leaves itself. */
static inline int bpf_run(const struct sock_filter *p, size_t n,
			  const struct seccomp_data *d, uint32_t *action)
{
	struct bpf_state s = {0};

	for (size_t i = 0; i < n; i++) {
		long over = bpf_plain(p + i, d, &s);
		int yes;

		if (p[i].code == (BPF_RET | BPF_K)) {
			*action = p[i].k;
			return 0;
		}
		if (over < 0) {
			yes = bpf_holds(p + i, s.acc);
			if (yes < 0)
				return -1;
			over = yes ? p[i].jt : p[i].jf;
		}
		i += over;
	}
	return -1;
}

#endif
