/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include "tree.h"

#include "../../helper/session.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

static struct sb_mounts mounts;
static struct sb_strv env;
static char base[64];
static struct sb_bundle bundle;
static const regex_t *exclude;

static int setup(void **state)
{
	(void)state;
	strcpy(base, tree_make());
	unsetenv("SSH_AUTH_SOCK");
	unsetenv("DISPLAY");
	unsetenv("XAUTHORITY");
	setenv("HOME", base, 1);
	bundle = (struct sb_bundle){.rootfs_fd =
					    open(base, O_PATH | O_DIRECTORY),
				    .config = {.root = json_object()}};
	exclude = NULL;
	return bundle.rootfs_fd < 0;
}

static int teardown(void **state)
{
	(void)state;
	sb_mounts_free(&mounts);
	sb_strv_free(&env);
	close(bundle.rootfs_fd);
	json_decref(bundle.config.root);
	tree_remove(base);
	return 0;
}

static void plan(void)
{
	const struct sb_session_of of = {.bundle = &bundle,
					 .place = "/dev/stepbox",
					 .exclude = exclude,
					 .no_points = 1};
	struct sb_err err = {.text = ""};

	sb_mounts_free(&mounts);
	sb_strv_free(&env);
	if (sb_session_plan(&mounts, &of, &env, &err) < 0)
		fail_msg("%s", err.text);
}

static const char *make_socket(const char *name)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(a.sun_path, tree_path(base, name));
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	close(fd);
	return tree_path(base, name);
}

static void nothing(void)
{
	plan();
	assert_int_equal(mounts.n, 0);
	assert_int_equal(env.n, 0);
}

static void shown(const char *source, const char *destination,
		  const char *variable)
{
	assert_int_equal(mounts.n, 1);
	assert_string_equal(mounts.list[0].source, source);
	assert_string_equal(mounts.list[0].destination, destination);
	assert_true(mounts.list[0].file);
	assert_int_equal(strncmp(mounts.list[0].options, "bind", 4), 0);
	assert_int_equal(env.n, 1);
	assert_string_equal(env.v[0], variable);
}

static void test_agent(void **state)
{
	const char *path;

	(void)state;
	nothing();
	path = make_socket("agent");
	setenv("SSH_AUTH_SOCK", path, 1);
	plan();
	shown(path, "/dev/stepbox/ssh-agent",
	      "SSH_AUTH_SOCK=/dev/stepbox/ssh-agent");
	/* gone with a session of long ago, something else, relative */
	setenv("SSH_AUTH_SOCK", tree_path(base, "none"), 1);
	nothing();
	tree_file(base, "plain", "x");
	setenv("SSH_AUTH_SOCK", tree_path(base, "plain"), 1);
	nothing();
	assert_int_equal(chdir(base), 0);
	setenv("SSH_AUTH_SOCK", "agent", 1);
	nothing();
	assert_int_equal(chdir("/"), 0);
	setenv("SSH_AUTH_SOCK", "", 1);
	nothing();
}

/* Whom X clients prove themselves by; a display of another host. */
static void test_xauthority(void **state)
{
	(void)state;
	tree_file(base, "cookie", "x");
	setenv("XAUTHORITY", tree_path(base, "cookie"), 1);
	nothing();
	setenv("DISPLAY", "", 1);
	nothing();
	setenv("DISPLAY", "login1:10.0", 1);
	plan();
	shown(tree_path(base, "cookie"), "/dev/stepbox/xauthority",
	      "XAUTHORITY=/dev/stepbox/xauthority");
	setenv("XAUTHORITY", tree_path(base, "none"), 1);
	nothing();
	setenv("XAUTHORITY", base, 1);
	nothing();
	setenv("XAUTHORITY", "cookie", 1);
	nothing();
	/* in the home directory, where nothing names one */
	unsetenv("XAUTHORITY");
	nothing();
	tree_file(base, ".Xauthority", "x");
	plan();
	shown(tree_path(base, ".Xauthority"), "/dev/stepbox/xauthority",
	      "XAUTHORITY=/dev/stepbox/xauthority");
	unsetenv("HOME");
	nothing();
}

/* A display of this very host has its sockets in a directory. */
static void test_local_display(void **state)
{
	static const char sockets[] = "/tmp/.X11-unix";

	(void)state;
	setenv("DISPLAY", ":0", 1);
	/* without a place for them there they are not worth a layer */
	nothing();
	tree_dir(base, "tmp");
	tree_dir(base, "tmp/.X11-unix");
	if (!access(sockets, X_OK)) {
		plan();
		assert_int_equal(mounts.n, 1);
		assert_string_equal(mounts.list[0].source, sockets);
		assert_string_equal(mounts.list[0].destination, sockets);
		assert_false(mounts.list[0].file);
		assert_int_equal(env.n, 0);
	} else {
		nothing();
	}
	setenv("DISPLAY", "localhost:10.0", 1);
	nothing();
}

static void test_both(void **state)
{
	(void)state;
	setenv("SSH_AUTH_SOCK", make_socket("agent"), 1);
	tree_file(base, ".Xauthority", "x");
	setenv("DISPLAY", "login1:10.0", 1);
	plan();
	assert_int_equal(mounts.n, 2);
	assert_int_equal(env.n, 2);
	assert_string_equal(env.v[0], "SSH_AUTH_SOCK=/dev/stepbox/ssh-agent");
	assert_string_equal(env.v[1], "XAUTHORITY=/dev/stepbox/xauthority");
}

static void test_excluded(void **state)
{
	regex_t re;

	(void)state;
	setenv("SSH_AUTH_SOCK", make_socket("agent"), 1);
	tree_file(base, ".Xauthority", "x");
	setenv("DISPLAY", "login1:10.0", 1);
	assert_int_equal(regcomp(&re, "^(SSH_|DISPLAY)", REG_EXTENDED), 0);
	exclude = &re;
	nothing();
	regfree(&re);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_agent),	  TEST(test_xauthority),
		TEST(test_local_display), TEST(test_both),
		TEST(test_excluded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
