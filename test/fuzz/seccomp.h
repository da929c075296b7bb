/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A program as the kernel wants it for seccomp(2). */
#ifndef SB_FUZZ_SECCOMP_H
#define SB_FUZZ_SECCOMP_H

#include "fuzz.h"

#include "../../helper/seccomp.h"

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

static inline void check_program(int fd, const struct sb_seccomp *out)
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
	free(f);
}

/* Compiles it; where that is possible, the program is valid. Returns whether it
 * was. */
static inline int check_compile(const struct sb_seccomp_src *src)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC), rc;
	struct sb_strv skipped = {0};
	struct sb_err err = {.text = ""};
	struct sb_seccomp out;

	FUZZ_CHECK(fd >= 0);
	rc = sb_seccomp_compile(src, fd, &out, &skipped, &err);
	if (rc < 0)
		FUZZ_FAILED(err);
	else
		check_program(fd, &out);
	sb_strv_free(&skipped);
	close(fd);
	return rc == 0;
}

#endif
