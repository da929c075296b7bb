/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs a command with an environment that no shell would make: entries without
 * '=', without a name, and one name twice, before its own. */
#define _GNU_SOURCE
#include <stdio.h>
#include <unistd.h>

#define MAX 1000

int main(int argc, char **argv)
{
	static char odd[][16] = {"NO_EQUALS_SIGN", "=no name", "TWICE=1",
				 "TWICE=2", "", "=", "EMPTY="};
	char *env[MAX + 1];
	int n = 0;

	for (int i = 0; i < (int)(sizeof(odd) / sizeof(odd[0])); i++)
		env[n++] = odd[i];
	for (char **e = environ; *e && n < MAX; e++)
		env[n++] = *e;
	env[n] = NULL;
	if (argc > 1)
		execve(argv[1], argv + 1, env);
	perror("oddenv");
	return 1;
}
