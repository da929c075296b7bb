/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The regular expressions of EnvExclude and RunTimeEnvExclude. */
#include "exclude.h"

#include "../spank/contract.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* One's length. */
#define MAX_WRITTEN_OUT 50000
/* How often groups of its may be repeated where one has an assertion. */
#define MAX_AGAIN 4

/* How often '+' or "{n,m}", which p may stand at, writes down what it repeats.
 */
static unsigned long times(const char *p)
{
	unsigned long n = 0, m = 0;
	char *end;

	if (*p == '+')
		return 2;
	if (*p == '{' && isdigit((unsigned char)p[1])) {
		n = strtoul(p + 1, &end, 10);
		if (*end == ',' && isdigit((unsigned char)end[1]))
			m = strtoul(end + 1, NULL, 10);
	}
	return n > m ? n : m ? m : 1;
}

/* The end of the bracket expression at p, or of an escaped character. */
static const char *skip(const char *p)
{
	if (*p == '\\')
		return p[1] ? p + 1 : p;
	p += 1 + (p[1] == '^');
	p += *p == ']';
	while (*p && *p != ']')
		p++;
	return *p ? p : p - 1;
}

/* An assertion: regex(7), and glibc's own with a backslash. */
static int is_anchor(const char *p)
{
	return *p == '^' || *p == '$' ||
	       (*p == '\\' && p[1] && strchr("bB<>`'", p[1]));
}

/*
 * glibc writes repetitions out (posix/regcomp.c, parse_dup_op), and those of
 * repetitions, so that a line of '+' takes all the memory there is. What text
 * becomes is at most its length, times its largest repetition of a character,
 * times each of a group or a repetition. Assertions within groups that are
 * repeated again and again take it all the time there is
 * (duplicate_node_closure).
 */
static int is_too_long(const char *text)
{
	size_t len = strlen(text);
	unsigned long most = 1, groups = 1, n;
	int depth = 0, anchored = 0, again = 0, behind = 0;

	for (const char *p = text; *p; p++) {
		n = times(p);
		if (n > MAX_WRITTEN_OUT)
			return 1;
		again += behind && strchr("*+?{", *p);
		anchored |= depth && is_anchor(p);
		depth += *p == '(' ? 1 : *p == ')' ? -!!depth : 0;
		if (behind)
			groups *= n;
		else if (n > most)
			most = n;
		if (groups > MAX_WRITTEN_OUT ||
		    most * groups > MAX_WRITTEN_OUT / len)
			return 1;
		behind = strchr(")}+*?", *p) != NULL;
		if (*p == '[' || *p == '\\')
			p = skip(p);
	}
	return anchored && again > MAX_AGAIN;
}

int sb_exclude_compile(regex_t *exclude, const char *key, const char *text,
		       struct sb_err *err)
{
	char why[128];
	int rc;

	if (is_too_long(text))
		return sb_fail(err, SB_FAIL,
			       "%s=\"%s\": too much is repeated, or over %d "
			       "characters when that is written out",
			       key, text, MAX_WRITTEN_OUT);
	rc = regcomp(exclude, text, REG_EXTENDED | REG_NOSUB);
	if (!rc)
		return 0;
	regerror(rc, exclude, why, sizeof(why));
	return sb_fail(err, SB_FAIL, "%s=\"%s\": %s", key, text, why);
}

int sb_exclude_match(const regex_t *exclude, const char *var)
{
	int rc = exclude ? regexec(exclude, var, 0, NULL, 0) : REG_NOMATCH;

	return rc == REG_NOMATCH ? 0 : !rc ? 1 : -1;
}
