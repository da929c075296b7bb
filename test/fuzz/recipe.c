/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a task reads to enter a container that another had made.
 *
 * Input: the file.
 */
#define _GNU_SOURCE
#include "fuzz.h"

#include "../../helper/mem.h"
#include "../../helper/recipe.h"

#include <fcntl.h>

static void check(void)
{
	_cleanup_fd_ int dir =
		open(fuzz_dir(), O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct sb_err err = {.text = ""};
	struct sb_recipe r;

	FUZZ_CHECK(dir >= 0);
	if (sb_recipe_read(&r, dir, &err) < 0) {
		FUZZ_FAILED(err);
	} else {
		FUZZ_CHECK(r.pid > 1 && r.start > 0);
		FUZZ_CHECK(r.program && r.cwd);
		FUZZ_CHECK(!r.words.failed && !r.site_env.failed);
	}
	sb_recipe_free(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = {.p = data, .end = data + size};
	size_t len;
	const char *text = fuzz_rest(&in, &len);

	fuzz_file("recipe.json", text, len);
	check();
	fuzz_done(&in);
	return 0;
}
