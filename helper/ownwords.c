/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What whoever enters a task's own container must tell the init. */
#define _GNU_SOURCE
#include "ownwords.h"

#include "inside.h"
#include "mem.h"

#include <string.h>

/* The init's options without a value (init.c). */
#define FLAGS "nqstx"

static const char *word(const json_t *args, size_t i)
{
	const char *s = json_string_value(json_array_get(args, i));

	return s ? s : "";
}

/* inside.c: only our init is called so, and with its place first of all. */
static int is_init(const json_t *args)
{
	const char *slash = strrchr(word(args, 0), '/');

	return slash && !strcmp(slash, "/init") && !strcmp(word(args, 1), "-N");
}

/* Returns whether the capabilities were among them. */
static int take_words(const json_t *args, struct sb_strv *words)
{
	int caps = 0;

	if (!is_init(args))
		return 0;
	for (size_t i = 1; i < json_array_size(args); i++) {
		const char *s = word(args, i);

		if (*s != '-' || !strcmp(s, "--"))
			break;
		if (strchr(FLAGS, s[1]))
			continue;
		i++;
		if (s[1] != 'k' && s[1] != 'p')
			continue;
		caps |= s[1] == 'k';
		sb_strv_add(words, s);
		sb_strv_add(words, word(args, i));
	}
	return caps;
}

int sb_ownwords(const json_t *config, struct sb_strv *words,
		const json_t **runtimes, struct sb_err *err)
{
	const json_t *process = json_object_get(config, "process");

	sb_inside_process(config, words);
	if (!take_words(json_object_get(process, "args"), words))
		sb_inside_caps(config, words);
	*runtimes =
		json_object_get(json_object_get(config, "linux"), "seccomp");
	return words->failed ? sb_no_memory(err) : 0;
}
