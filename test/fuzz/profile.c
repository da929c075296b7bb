/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A site's seccomp profile: what is made of it for a container passes the check
 * of linux.seccomp, and where it can be compiled, the kernel takes the program,
 * and that says to calls what the rules say.
 *
 * Input: a byte (1: an old kernel; 2: without capabilities; 4: arm64), and the
 * profile.
 */
#define _GNU_SOURCE
#include "program.h"

#include "../../helper/profile.h"

static void check(const struct sb_json *doc, const struct sb_profile_for *to)
{
	struct sb_err err = {.text = ""};
	struct sb_seccomp_src src = {.mark = to->mark, .what = "linux.seccomp"};
	json_t *made = sb_profile_resolve(doc, to, &err);
	struct sb_json out = {.root = made};

	if (!made) {
		FUZZ_FAILED(err);
		return;
	}
	src.json = made;
	if (sb_seccomp_check(&src, NULL, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		FUZZ_CHECK(!"what it makes is well-formed");
	}
	check_compile(&src);
	sb_json_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const caps[] = {"CAP_SYS_ADMIN", "CAP_SYS_PTRACE"};
	struct fuzz_in in = {.p = data, .end = data + size};
	unsigned int how = fuzz_byte(&in);
	struct sb_profile_for to = {
		.arch = how & 4 ? "arm64" : "amd64",
		.kernel_major = how & 1 ? 3 : 6,
		.kernel_minor = 1,
		.caps = caps,
		.n_caps = how & 2 ? 0 : 2,
		.mark = "0123456789abcdef0123456789abcdef",
	};
	struct sb_err err = {.text = ""};
	struct sb_json doc;
	size_t len;
	const char *text = fuzz_rest(&in, &len);

	if (!sb_json_parse(&doc, text, len, &err))
		check(&doc, &to);
	sb_json_free(&doc);
	fuzz_done(&in);
	return 0;
}
