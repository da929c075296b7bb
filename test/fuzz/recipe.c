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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_fd_ int dir = -1;
	struct sb_err err = {.text = ""};
	struct sb_recipe r;

	fuzz_file("recipe.json", data ? data : (const uint8_t *)"", size);
	dir = open(fuzz_dir(), O_PATH | O_DIRECTORY | O_CLOEXEC);
	FUZZ_CHECK(dir >= 0);
	if (sb_recipe_read(&r, dir, &err) < 0) {
		FUZZ_FAILED(err);
	} else {
		FUZZ_CHECK(r.pid > 1 && r.start > 0);
		FUZZ_CHECK(r.program && r.cwd);
		FUZZ_CHECK(!r.words.failed && !r.site_env.failed);
	}
	sb_recipe_free(&r);
	return 0;
}
