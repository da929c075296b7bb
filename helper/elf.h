/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an ELF file says of itself: elf(5). It is only read, nothing of it is
 * run or loaded, and no offset in it is believed. Pure: data in, data out.
 */
#ifndef SB_ELF_H
#define SB_ELF_H

#include <stddef.h>
#include <stdint.h>

/* So much of a program's beginning has its header, its segments' table and its
 * loader's name, in bytes. */
#define SB_ELF_HEAD (256 << 10)

struct sb_elf {
	const unsigned char *data; /* the file; borrowed */
	size_t size;
	int is64, big;	  /* word size, byte order */
	uint16_t machine; /* EM_* */
	/* Where the tables are; bounds are checked when they are read. */
	uint64_t segments, sections;
	unsigned int n_segments, n_sections;
	unsigned int segment_size, section_size;
};

/* Reads the header. Returns 0, or -1: it is no ELF file. */
int sb_elf_open(struct sb_elf *e, const void *data, size_t size);

/* The dynamic loader that it wants, terminated, in its own data; NULL for a
 * static program (or where the table is broken). */
const char *sb_elf_interpreter(const struct sb_elf *e);

/* Reads the 32-bit number that the dynamic symbol called name stands for.
 * Returns 0, or -1: there is none, or it has no value in the file. */
int sb_elf_number(const struct sb_elf *e, const char *name, uint32_t *value);

/* The machine that this program was built for; EM_NONE for one that is not
 * known here. */
uint16_t sb_elf_native(void);

/* Whether the machine's programs run here, without an emulator; 1 where that is
 * not known. */
int sb_elf_runs_here(uint16_t machine);

/* What people call a machine; static. */
const char *sb_elf_machine_name(uint16_t machine);

#endif
