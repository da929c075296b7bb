/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A bundle's linux.seccomp: what is compiled has passed the check, and is a
 * program that the kernel takes and that says to calls what the rules say.
 *
 * Input: the section, a JSON text.
 */
#define _GNU_SOURCE
#include "program.h"

#include "../../helper/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = {.p = data, .end = data + size};
	struct sb_seccomp_src src = {.what = "linux.seccomp"};
	struct sb_strv skipped = {0};
	struct sb_err err = {.text = ""};
	struct sb_json doc;
	size_t len;
	const char *text = fuzz_rest(&in, &len);
	int good;

	if (!sb_json_parse(&doc, text, len, &err)) {
		src.json = doc.root;
		src.mark = doc.mark;
		good = !sb_seccomp_check(&src, &skipped, &err);
		if (!good)
			FUZZ_FAILED(err);
		FUZZ_CHECK(!check_compile(&src) || good);
		sb_strv_free(&skipped);
	}
	sb_json_free(&doc);
	fuzz_done(&in);
	return 0;
}
