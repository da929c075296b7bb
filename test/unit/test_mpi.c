/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include "tree.h"

#include "../../helper/mpi.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

static char base[64];
static struct sb_strv dirs;

static int setup(void **state)
{
	(void)state;
	strcpy(base, tree_make());
	tree_dir(base, "pmix.1.0");
	tree_dir(base, "pmix.1.0/ds21");
	tree_dir(base, "ds12");
	tree_file(base, "file", "x");
	unsetenv("PMI_FD");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	sb_strv_free(&dirs);
	tree_remove(base);
	return 0;
}

static int fd_of(const char *value)
{
	char var[64];
	char *env[] = {var, NULL};

	snprintf(var, sizeof(var), "PMI_FD=%s", value);
	return sb_mpi_fd(env);
}

static void test_fd(void **state)
{
	char *none[] = {NULL};
	char number[16];
	int fd = dup(STDOUT_FILENO);
	int hidden = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 40);

	(void)state;
	assert_int_equal(sb_mpi_fd(none), -1);
	snprintf(number, sizeof(number), "%d", fd);
	assert_int_equal(fd_of(number), fd);
	/* Nobody would inherit it. */
	snprintf(number, sizeof(number), "%d", hidden);
	assert_int_equal(fd_of(number), -1);
	close(hidden);
	close(fd);
	assert_int_equal(fd_of(number), -1);
	/* Standard output is the task's, whatever PMI_FD says. */
	assert_int_equal(fd_of("1"), -1);
	assert_int_equal(fd_of(""), -1);
	assert_int_equal(fd_of("-1"), -1);
	assert_int_equal(fd_of("7x"), -1);
	assert_int_equal(fd_of("99999999999999999999"), -1);
}

static void test_settle_moves_it(void **state)
{
	struct stat before, after;
	char byte = 0;
	int pair[2], fd;

	(void)state;
	assert_int_equal(sb_mpi_settle(), 0);
	assert_int_equal(pipe(pair), 0);
	assert_int_equal(write(pair[1], "x", 1), 1);
	fd = fcntl(pair[0], F_DUPFD, 50);
	assert_int_equal(fstat(fd, &before), 0);
	setenv("PMI_FD", "50", 1);
	assert_int_equal(fd, 50);
	assert_int_equal(sb_mpi_settle(), 1);
	assert_string_equal(getenv("PMI_FD"), "3");
	assert_int_equal(fcntl(50, F_GETFD), -1);
	assert_int_equal(fstat(SB_MPI_FD, &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	assert_int_equal(read(SB_MPI_FD, &byte, 1), 1);
	assert_int_equal(byte, 'x');
	/* There already: nothing to do, and nothing closed. */
	assert_int_equal(sb_mpi_settle(), 1);
	assert_int_equal(fstat(SB_MPI_FD, &after), 0);
	close(SB_MPI_FD);
	assert_int_equal(sb_mpi_settle(), 0);
}

static void find(const char *server, const char *ds21, const char *ds12)
{
	struct sb_err err;
	char a[160], b[160], c[160];
	char *env[] = {a, b, c, NULL};

	snprintf(a, sizeof(a), "PMIX_SERVER_TMPDIR=%s%s",
		 *server == '/' ? base : "", server);
	snprintf(b, sizeof(b), "PMIX_DSTORE_21_BASE_PATH=%s%s", base, ds21);
	snprintf(c, sizeof(c), "PMIX_DSTORE_ESH_BASE_PATH=%s%s", base, ds12);
	sb_strv_free(&dirs);
	assert_int_equal(sb_mpi_dirs(env, 2001, base, &dirs, &err), 0);
}

static void is(size_t i, const char *name)
{
	assert_true(i < dirs.n);
	assert_memory_equal(dirs.v[i], base, strlen(base));
	assert_string_equal(dirs.v[i] + strlen(base), name);
}

static void test_dirs(void **state)
{
	char *none[] = {NULL};
	struct sb_err err;

	(void)state;
	assert_int_equal(sb_mpi_dirs(none, 2001, base, &dirs, &err), 0);
	assert_int_equal(dirs.n, 0);
	/* As Slurm writes them. */
	find("/pmix.1.0/", "/pmix.1.0//ds21", "/pmix.1.0//none");
	assert_int_equal(dirs.n, 1);
	is(0, "/pmix.1.0");
	/* Elsewhere. */
	find("/pmix.1.0", "/pmix.1.0/ds21", "/ds12");
	assert_int_equal(dirs.n, 2);
	is(1, "/ds12");
	find("/gone", "/pmix.1.0/ds21", "/ds12");
	assert_int_equal(dirs.n, 2);
	is(0, "/pmix.1.0/ds21");
	/* Nothing that could be mounted. */
	find("/file", "/gone", "/pmix.1.0/../ds12");
	assert_int_equal(dirs.n, 0);
	find("pmix.1.0", "/gone", "/gone");
	assert_int_equal(dirs.n, 0);
}

static void find_ranks(const char *name, uid_t uid, const char *spool)
{
	struct sb_err err;
	char tmp[96], space[96];
	char *env[] = {tmp, space, NULL};

	snprintf(tmp, sizeof(tmp), "SLURM_PMIX_TMPDIR=%s", base);
	snprintf(space, sizeof(space), "PMIX_NAMESPACE=%s", name);
	sb_strv_free(&dirs);
	assert_int_equal(sb_mpi_dirs(env, uid, spool, &dirs, &err), 0);
}

static void test_the_ranks_own_directory(void **state)
{
	(void)state;
	tree_dir(base, "spmix_appdir_2001_7.0");
	find_ranks("slurm.pmix.7.0", 2001, NULL);
	assert_int_equal(dirs.n, 1);
	is(0, "/spmix_appdir_2001_7.0");
	/* All that Slurm has for the step, and that is in it. */
	find_ranks("slurm.pmix.7.0", 2001, base);
	assert_int_equal(dirs.n, 1);
	is(0, "");
	/* Of another step, user, launcher; a way out. */
	find_ranks("slurm.pmix.7.1", 2001, NULL);
	assert_int_equal(dirs.n, 0);
	find_ranks("slurm.pmix.7.0", 2002, NULL);
	assert_int_equal(dirs.n, 0);
	find_ranks("prterun.7.0", 2001, NULL);
	assert_int_equal(dirs.n, 0);
	find_ranks("slurm.pmix.7.0/../ds12", 2001, NULL);
	assert_int_equal(dirs.n, 0);
}

/* What a user may write there: nothing is added, and nothing overflows. */
static void test_hostile(void **state)
{
	static const char *const names[] = {
		"PMIX_SERVER_TMPDIR",
		"PMIX_DSTORE_21_BASE_PATH",
		"PMIX_DSTORE_ESH_BASE_PATH",
		"PMIX_NAMESPACE=slurm.pmix.1.0/../../x\nPMIX",
		"PMIX_NAMESPACE=slurm.pmix.1.0\nSLURM_PMIX_TMPDIR",
	};
	static char huge[3 * PATH_MAX], var[4 * PATH_MAX], more[128];
	const char *values[] = {"",
				".",
				"..",
				"relative",
				"/..",
				"/nowhere",
				"/proc/self/exe",
				"\n",
				"%n%s",
				huge};

	(void)state;
	memset(huge, '/', sizeof(huge) - 1);
	for (size_t i = 0; i < 5 * sizeof(values) / sizeof(values[0]); i++) {
		const char *name = names[i % 5], *nl = strchr(name, '\n');
		char *env[] = {var, nl ? more : NULL, NULL};
		struct sb_err err;

		snprintf(more, sizeof(more), "%.*s", nl ? (int)(nl - name) : 0,
			 name);
		snprintf(var, sizeof(var), "%s=%s", nl ? nl + 1 : name,
			 values[i / 5]);
		sb_strv_free(&dirs);
		assert_int_equal(sb_mpi_dirs(env, 2001, huge, &dirs, &err), 0);
		assert_int_equal(dirs.n, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_fd, setup, teardown),
		cmocka_unit_test_setup_teardown(test_settle_moves_it, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_dirs, setup, teardown),
		cmocka_unit_test_setup_teardown(test_the_ranks_own_directory,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_hostile, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
