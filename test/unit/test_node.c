/* SPDX-License-Identifier: GPL-2.0-or-later */
/* This node's name: in slurmstepd before 22.05, by its socket. */
#define _GNU_SOURCE
#include "tree.h"

#include "../../spank/node.h"

#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

static char base[64];

static int setup(void **state)
{
	(void)state;
	strcpy(base, tree_make());
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	tree_remove(base);
	return 0;
}

/* A socket bound to name in base. */
static int make_socket(const char *name, int type, int listening)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", tree_path(base, name));
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_true(!listening || !listen(fd, 1));
	return fd;
}

static void finds(const char *path, const char *node)
{
	int fd = make_socket(path, SOCK_STREAM, 1);
	char name[65] = "";

	assert_int_equal(sb_node_listening(name, sizeof(name)), !!node);
	if (node)
		assert_string_equal(name, node);
	close(fd);
}

static void test_listening(void **state)
{
	(void)state;
	finds("n1_12.0", "n1");
	finds("rack_2-n7_12.4294967291", "rack_2-n7");
	finds("n1.example_12.0.1", "n1.example");
	finds("n1", NULL);
	finds("n1_12", NULL);
	finds("n1_12.x", NULL);
	finds("n1_x.0", NULL);
	finds("_12.0", NULL);
	finds(".n_12.0", NULL);
}

static void test_other_sockets(void **state)
{
	int bound = make_socket("n2_1.0", SOCK_STREAM, 0);
	int datagram = make_socket("n3_1.0", SOCK_DGRAM, 0);
	char name[65], small[4];
	int fd;

	(void)state;
	assert_int_equal(sb_node_listening(name, sizeof(name)), 0);
	fd = make_socket("node_1.0", SOCK_STREAM, 1);
	assert_int_equal(sb_node_listening(small, sizeof(small)), 0);
	assert_int_equal(sb_node_listening(name, sizeof(name)), 1);
	assert_string_equal(name, "node");
	close(fd);
	close(datagram);
	close(bound);
}

/* Once found it stays: later the socket may be closed. */
static void test_name(void **state)
{
	int fd = make_socket("n4_1.0", SOCK_STREAM, 1);

	(void)state;
	setenv("SLURMD_NODENAME", "n5", 1);
	assert_string_equal(sb_node_name(), "n5");
	setenv("SLURMD_NODENAME", "../n5", 1);
	assert_string_equal(sb_node_name(), "n4");
	unsetenv("SLURMD_NODENAME");
	assert_string_equal(sb_node_name(), "n4");
	close(fd);
	assert_string_equal(sb_node_name(), "n4");
}

/* libslurm's, in slurmd. */
char *slurm_conf_get_nodename(const char *host);
char *slurm_conf_get_aliased_nodename(void);

static const char *known, *by_known, *alias;

char *slurm_conf_get_nodename(const char *host)
{
	const char *node = known && !strcmp(host, known) ? by_known : NULL;

	return (char *)(uintptr_t)node;
}

char *slurm_conf_get_aliased_nodename(void)
{
	return (char *)(uintptr_t)alias;
}

/* As slurmd itself, that this program has no -N of. */
static void test_of_slurmd(void **state)
{
	char host[65];

	(void)state;
	assert_false(gethostname(host, sizeof(host)));
	host[strcspn(host, ".")] = '\0';
	assert_string_equal(sb_node_of_slurmd(), host);
	known = "localhost";
	by_known = "alone";
	assert_string_equal(sb_node_of_slurmd(), "alone");
	alias = "other";
	assert_string_equal(sb_node_of_slurmd(), "other");
	known = host;
	by_known = "node7";
	assert_string_equal(sb_node_of_slurmd(), "node7");
	/* No name for a directory. */
	by_known = "../x";
	assert_string_equal(sb_node_of_slurmd(), host);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_listening),
		cmocka_unit_test(test_other_sockets),
		cmocka_unit_test(test_name),
		cmocka_unit_test(test_of_slurmd),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
