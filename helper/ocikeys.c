/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values of oci.conf(5)'s keys that are words of Slurm's. */
#define _GNU_SOURCE
#include "ocikeys.h"

#include "../spank/contract.h"
#include "form.h"
#include "mem.h"

#include <string.h>
#include <strings.h>

/* The place of the len bytes at word in words (n of them), or -1. */
static int find(const char *word, size_t len, const char *const *words,
		size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strlen(words[i]) == len &&
		    !strncasecmp(word, words[i], len))
			return i;
	return -1;
}

int sb_ocikeys_env_file(const char *value)
{
	static const struct {
		const char *word;
		enum sb_env_file how;
	} words[] = {
		{"null", SB_ENV_FILE_NUL},
		{"true", SB_ENV_FILE_NUL},
		{"y", SB_ENV_FILE_NUL},
		{"yes", SB_ENV_FILE_NUL},
		{"1", SB_ENV_FILE_NUL},
		{"newline", SB_ENV_FILE_NEWLINE},
		{"disabled", SB_ENV_FILE_NONE},
		{"false", SB_ENV_FILE_NONE},
		{"n", SB_ENV_FILE_NONE},
		{"no", SB_ENV_FILE_NONE},
		{"0", SB_ENV_FILE_NONE},
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (!strcasecmp(value, words[i].word))
			return words[i].how;
	return -1;
}

/* The next word of a list with commas: moves *at behind it, *len is its
 * length. NULL at the end; empty ones are passed over. */
static const char *next_word(const char **at, size_t *len)
{
	const char *word = *at + strspn(*at, ", \t");

	*len = strcspn(word, ", \t");
	*at = word + *len;
	return *len ? word : NULL;
}

int sb_ocikeys_hooks(const char *value, struct sb_strv *kinds,
		     struct sb_err *err)
{
	const char *word;
	size_t len;
	int i;

	while ((word = next_word(&value, &len))) {
		i = find(word, len, sb_form_hooks, SB_FORM_HOOKS);
		if (i < 0)
			return sb_fail(err, SB_FAIL,
				       "%.*s: no kind of hooks: prestart, "
				       "createRuntime, createContainer, "
				       "startContainer, poststart, poststop",
				       (int)len, word);
		sb_strv_add(kinds, sb_form_hooks[i]);
	}
	return kinds->failed ? sb_no_memory(err) : 0;
}

/* Slurm, src/common/read_config.c, debug_str2flags(): of 20.11 to 26.05 all
 * that one of them takes, lest an oci.conf be refused that a site's own Slurm
 * has read. */
/* clang-format off: one to a line is no more to be read */
static const char *const debug_flags[] = {
	"Accrue",
	"Agent",
	"AuditRPCs",
	"AuditTLS",
	"Backfill",
	"BackfillMap",
	"BurstBuffer",
	"cgroup",
	"ConMgr",
	"CPU_Bind",
	"CpuFrequency",
	"Data",
	"DB_Archive",
	"DB_Assoc",
	"DB_Event",
	"DB_Job",
	"DB_QOS",
	"DB_Query",
	"DB_Reservation",
	"DB_Resource",
	"DB_Step",
	"DB_TRES",
	"DB_Usage",
	"DB_WCKey",
	"DBD_Agent",
	"Dependency",
	"Elasticsearch",
	"Energy",
	"ExtSensors",
	"Federation",
	"Filesystem",
	"FrontEnd",
	"Gang",
	"GLOB_SILENCE",
	"Gres",
	"Hetjob",
	"Interconnect",
	"JAG",
	"JobAccountGather",
	"JobComp",
	"JobContainer",
	"License",
	"Metrics",
	"MPI",
	"Namespace",
	"Net",
	"NetRaw",
	"Network",
	"NetworkRaw",
	"NO_CONF_HASH",
	"NodeFeatures",
	"NoRealTime",
	"Power",
	"PowerSave",
	"Priority",
	"Profile",
	"Protocol",
	"Reservation",
	"Route",
	"Sack",
	"Script",
	"SelectType",
	"Steps",
	"Switch",
	"Task",
	"thread",
	"threads",
	"TimeCray",
	"TLS",
	"TraceJobs",
	"TRESNode",
	"Trigger",
	"Triggers",
	"WorkQ",
	"WorkQueue",
};
/* clang-format on */

int sb_ocikeys_flags(const char *value, struct sb_err *err)
{
	const char *word;
	size_t len;

	while ((word = next_word(&value, &len)))
		if (find(word, len, debug_flags, ARRAY_SIZE(debug_flags)) < 0)
			return sb_fail(err, SB_FAIL,
				       "%.*s: no debug flag of Slurm's "
				       "(slurm.conf(5), DebugFlags)",
				       (int)len, word);
	return 0;
}
