/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an ELF file says of itself. */
#define _GNU_SOURCE
#include "elf.h"

#include "mem.h"

#include <elf.h>

/* The number of n bytes at at; 0 beyond the end. */
static uint64_t number(const struct sb_elf *e, uint64_t at, unsigned int n)
{
	uint64_t v = 0;

	if (at > e->size || n > e->size - at)
		return 0;
	for (unsigned int i = 0; i < n; i++)
		v = v << 8 | e->data[at + (e->big ? i : n - 1 - i)];
	return v;
}

/* A member of a structure whose 32 and 64 bit forms differ. */
#define MEMBER(e, at, type, name)                                              \
	((e)->is64 ? number(e, (at) + offsetof(Elf64_##type, name),            \
			    sizeof(((Elf64_##type *)0)->name))                 \
		   : number(e, (at) + offsetof(Elf32_##type, name),            \
			    sizeof(((Elf32_##type *)0)->name)))

int sb_elf_open(struct sb_elf *e, const void *data, size_t size)
{
	*e = (struct sb_elf){.data = data, .size = size};
	if (size < sizeof(Elf32_Ehdr) || memcmp(data, ELFMAG, SELFMAG))
		return -1;
	e->is64 = e->data[EI_CLASS] == ELFCLASS64;
	e->big = e->data[EI_DATA] == ELFDATA2MSB;
	if (e->is64 && size < sizeof(Elf64_Ehdr))
		return -1;
	e->machine = MEMBER(e, 0, Ehdr, e_machine);
	e->segments = MEMBER(e, 0, Ehdr, e_phoff);
	e->n_segments = MEMBER(e, 0, Ehdr, e_phnum);
	e->segment_size = MEMBER(e, 0, Ehdr, e_phentsize);
	e->sections = MEMBER(e, 0, Ehdr, e_shoff);
	e->n_sections = MEMBER(e, 0, Ehdr, e_shnum);
	e->section_size = MEMBER(e, 0, Ehdr, e_shentsize);
	return 0;
}

/* Where the i-th entry of a table lies; beyond the file if it does not. */
static uint64_t entry(const struct sb_elf *e, uint64_t table, unsigned int i,
		      unsigned int size)
{
	uint64_t offset = (uint64_t)i * size;

	return table > e->size || offset > e->size - table ? e->size
							   : table + offset;
}

/* The string at offset, or NULL: it does not end within the limit. */
static const char *string(const struct sb_elf *e, uint64_t offset,
			  uint64_t limit)
{
	if (offset > e->size)
		return NULL;
	if (limit > e->size - offset)
		limit = e->size - offset;
	return memchr(e->data + offset, '\0', limit)
		       ? (const char *)e->data + offset
		       : NULL;
}

const char *sb_elf_interpreter(const struct sb_elf *e)
{
	for (unsigned int i = 0; i < e->n_segments; i++) {
		uint64_t at = entry(e, e->segments, i, e->segment_size);

		if (MEMBER(e, at, Phdr, p_type) == PT_INTERP)
			return string(e, MEMBER(e, at, Phdr, p_offset),
				      MEMBER(e, at, Phdr, p_filesz));
	}
	return NULL;
}

/* ---- symbols ---- */

/* Reads what a symbol at at stands for, by the section that it lies in. */
static int symbol_value(const struct sb_elf *e, uint64_t at, uint32_t *value)
{
	unsigned int index = MEMBER(e, at, Sym, st_shndx);
	uint64_t address = MEMBER(e, at, Sym, st_value);
	uint64_t section, begin, size, offset;

	if (index == SHN_UNDEF || index >= e->n_sections)
		return -1;
	section = entry(e, e->sections, index, e->section_size);
	begin = MEMBER(e, section, Shdr, sh_addr);
	size = MEMBER(e, section, Shdr, sh_size);
	offset = MEMBER(e, section, Shdr, sh_offset);
	if (MEMBER(e, section, Shdr, sh_type) == SHT_NOBITS ||
	    address < begin || size < sizeof(*value) ||
	    address - begin > size - sizeof(*value) || offset > e->size ||
	    address - begin > e->size - offset)
		return -1;
	offset += address - begin;
	if (offset > e->size || sizeof(*value) > e->size - offset)
		return -1;
	*value = number(e, offset, sizeof(*value));
	return 0;
}

/* Looks in one table of symbols. */
static int find_symbol(const struct sb_elf *e, uint64_t section,
		       const char *name, uint32_t *value)
{
	uint64_t table = MEMBER(e, section, Shdr, sh_offset);
	uint64_t size = MEMBER(e, section, Shdr, sh_size);
	uint64_t link = entry(e, e->sections, MEMBER(e, section, Shdr, sh_link),
			      e->section_size);
	uint64_t names = MEMBER(e, link, Shdr, sh_offset);
	uint64_t names_size = MEMBER(e, link, Shdr, sh_size);
	size_t one = e->is64 ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym);

	if (size > e->size)
		size = e->size;
	for (uint64_t i = 0; i < size / one; i++) {
		uint64_t at = entry(e, table, i, one), offset;
		const char *its;

		offset = MEMBER(e, at, Sym, st_name);
		if (offset >= names_size || names > e->size)
			continue;
		its = string(e, names + offset, names_size - offset);
		if (its && !strcmp(its, name))
			return symbol_value(e, at, value);
	}
	return -1;
}

int sb_elf_number(const struct sb_elf *e, const char *name, uint32_t *value)
{
	for (unsigned int i = 0; i < e->n_sections; i++) {
		uint64_t at = entry(e, e->sections, i, e->section_size);

		if (MEMBER(e, at, Shdr, sh_type) == SHT_DYNSYM &&
		    !find_symbol(e, at, name, value))
			return 0;
	}
	return -1;
}

/* ---- machines ---- */

static const struct {
	uint16_t machine;
	const char *name;
} machines[] = {
	{EM_X86_64, "x86-64"},	     {EM_AARCH64, "arm64"},
	{EM_386, "x86 (32 bit)"},    {EM_ARM, "arm"},
	{EM_RISCV, "riscv"},	     {EM_PPC64, "ppc64"},
	{EM_S390, "s390"},	     {EM_MIPS, "mips"},
	{EM_SPARCV9, "sparc64"},
#ifdef EM_LOONGARCH
	{EM_LOONGARCH, "loongarch"},
#endif
};

uint16_t sb_elf_native(void)
{
#if defined(__x86_64__)
	return EM_X86_64;
#elif defined(__aarch64__)
	return EM_AARCH64;
#elif defined(__i386__)
	return EM_386;
#elif defined(__arm__)
	return EM_ARM;
#elif defined(__riscv)
	return EM_RISCV;
#elif defined(__powerpc64__)
	return EM_PPC64;
#elif defined(__s390__)
	return EM_S390;
#else
	return EM_NONE; /* not known: nothing is said to be foreign */
#endif
}

int sb_elf_runs_here(uint16_t machine)
{
	uint16_t native = sb_elf_native();

	/* Both kernels run the older machine's programs too. */
	return native == EM_NONE || machine == native ||
	       (native == EM_X86_64 && machine == EM_386) ||
	       (native == EM_AARCH64 && machine == EM_ARM);
}

const char *sb_elf_machine_name(uint16_t machine)
{
	for (size_t i = 0; i < ARRAY_SIZE(machines); i++)
		if (machines[i].machine == machine)
			return machines[i].name;
	return "another machine";
}
