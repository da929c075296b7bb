/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include "unit.h"

#include "../../helper/elf.h"

#include <elf.h>

/* A symbol of this very program, for the dynamic table (-rdynamic). */
extern const unsigned int test_elf_number;
__attribute__((visibility("default"))) const unsigned int test_elf_number =
	0x160508;

static unsigned char *slurp(const char *path, size_t *size)
{
	FILE *f = fopen(path, "r");
	unsigned char *data = malloc(8 << 20);

	assert_non_null(f);
	assert_non_null(data);
	*size = fread(data, 1, 8 << 20, f);
	fclose(f);
	return data;
}

static void test_self(void **state)
{
	size_t size;
	unsigned char *data = slurp("/proc/self/exe", &size);
	struct sb_elf elf;
	uint32_t v = 0;

	(void)state;
	assert_int_equal(sb_elf_open(&elf, data, size), 0);
	assert_true(sb_elf_runs_here(elf.machine));
	assert_int_equal(elf.machine, sb_elf_native());
	assert_non_null(sb_elf_interpreter(&elf));
	assert_contains(sb_elf_interpreter(&elf), "ld");
	assert_int_equal(sb_elf_number(&elf, "test_elf_number", &v), 0);
	assert_int_equal(v, 0x160508);
	assert_int_equal(sb_elf_number(&elf, "test_elf_numbe", &v), -1);
	/* It is known, but has no value here. */
	assert_int_equal(sb_elf_number(&elf, "fopen", &v), -1);
	free(data);
}

/* The other byte order and word size, made by hand. */
static void test_foreign(void **state)
{
	unsigned char data[256] = {0};
	struct sb_elf elf;

	(void)state;
	memcpy(data, ELFMAG, SELFMAG);
	data[EI_CLASS] = ELFCLASS32;
	data[EI_DATA] = ELFDATA2MSB;
	data[19] = EM_SPARC;	       /* e_machine */
	data[31] = 64;		       /* e_phoff */
	data[43] = sizeof(Elf32_Phdr); /* e_phentsize */
	data[45] = 1;		       /* e_phnum */
	data[64 + 3] = PT_INTERP;
	data[64 + 7] = 128; /* p_offset */
	data[64 + 19] = 10; /* p_filesz */
	strcpy((char *)data + 128, "/lib/ld.x");
	assert_int_equal(sb_elf_open(&elf, data, sizeof(data)), 0);
	assert_int_equal(elf.machine, EM_SPARC);
	assert_false(sb_elf_runs_here(elf.machine));
	assert_string_equal(sb_elf_interpreter(&elf), "/lib/ld.x");
	/* Not terminated within its segment, or beyond the file. */
	data[64 + 19] = 9;
	assert_null(sb_elf_interpreter(&elf));
	data[64 + 4] = 0xff;
	assert_null(sb_elf_interpreter(&elf));
	assert_string_equal(sb_elf_machine_name(EM_AARCH64), "arm64");
	assert_non_null(sb_elf_machine_name(0xfefe));
}

static void test_none(void **state)
{
	struct sb_elf elf;

	(void)state;
	assert_int_equal(sb_elf_open(&elf, "", 0), -1);
	assert_int_equal(sb_elf_open(&elf, ELFMAG, 4), -1);
	assert_int_equal(
		sb_elf_open(&elf,
			    "#!/bin/sh\n................................"
			    "....................................",
			    70),
		-1);
}

/* Whatever is cut off or changed, nothing beyond the data is read (ASan) and
 * all ends. */
static void test_broken(void **state)
{
	size_t size, i;
	unsigned char *data = slurp("/proc/self/exe", &size);
	unsigned int seed = 4711;
	uint32_t v;

	(void)state;
	for (i = 0; i < 2000; i++) {
		size_t n = i % 2 ? size : rand_r(&seed) % 8192 % size;
		unsigned char *part = malloc(n ? n : 1);
		struct sb_elf elf;

		memcpy(part, data, n);
		for (int k = 0; n && k < 3; k++)
			part[rand_r(&seed) % (n < 1024 ? n : 1024)] =
				rand_r(&seed);
		if (!sb_elf_open(&elf, part, n)) {
			sb_elf_interpreter(&elf);
			sb_elf_number(&elf, "test_elf_number", &v);
		}
		free(part);
	}
	free(data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_self),
		cmocka_unit_test(test_foreign),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_broken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
