/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ELF files, which users' programs are. Nothing outside of the file is read.
 *
 * Input: a symbol's name, and the file.
 */
#include "fuzz.h"

#include "../../helper/elf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = {.p = data, .end = data + size};
	const char *name = fuzz_string(&in), *loader;
	uint32_t value = 0;
	struct sb_elf e;
	size_t len;
	const char *file = fuzz_rest(&in, &len);

	if (!sb_elf_open(&e, file, len)) {
		loader = sb_elf_interpreter(&e);
		FUZZ_CHECK(!loader ||
			   (loader >= file && loader < file + len &&
			    memchr(loader, '\0', file + len - loader)));
		sb_elf_number(&e, name, &value);
		FUZZ_CHECK(*sb_elf_machine_name(e.machine));
		sb_elf_runs_here(e.machine);
	}
	fuzz_done(&in);
	return 0;
}
