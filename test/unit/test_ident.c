/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include "tree.h"

#include "../../helper/ident.h"
#include "../../spank/contract.h"

static struct sb_ident ident;
static struct sb_mounts mounts;
static struct sb_taskdir dir;
static struct sb_bundle bundle;
static struct sb_job job;
static struct sb_ident_of of;
static char base[64];

/* Ids that no node has; ann and staff are the client's word for them. */
#define UID 3912345
#define GID 3912346
#define ANN "ann:x:3912345:3912346:"
#define STAFF "staff:x:3912346:\n"

static void config(const char *text)
{
	struct sb_err err = {.text = ""};

	sb_json_free(&bundle.config);
	if (sb_json_parse(&bundle.config, text, strlen(text), &err) < 0)
		fail_msg("%s", err.text);
}

static int setup(void **state)
{
	struct sb_err err = {.text = ""};

	(void)state;
	strcpy(base, tree_make());
	tree_dir(base, "etc");
	setenv(SB_ENV_IDENTITY, "3912345:ann:3912346:staff", 1);
	setenv("HOME", "/home/ann", 1);
	setenv("SHELL", "/bin/zsh", 1);
	assert_int_equal(sb_taskdir_open(&dir, NULL, 0, &err), 0);
	bundle = (struct sb_bundle){
		.fd = -1, .rootfs_fd = open(base, O_PATH | O_DIRECTORY)};
	config("{}");
	job = (struct sb_job){.uid = UID, .gid = GID};
	of = (struct sb_ident_of){
		.job = &job, .bundle = &bundle, .dir = &dir, .mounts = &mounts};
	return 0;
}

static void forget(void)
{
	sb_ident_free(&ident);
	ident = (struct sb_ident){.files = {{.path = NULL}}};
}

static int teardown(void **state)
{
	(void)state;
	forget();
	sb_mounts_free(&mounts);
	sb_bundle_close(&bundle);
	sb_taskdir_close(&dir);
	tree_remove(base);
	return 0;
}

static void plan(void)
{
	struct sb_err err = {.text = ""};

	forget();
	if (sb_ident_plan(&ident, &of, &err) < 0)
		fail_msg("%s", err.text);
	assert_string_equal(ident.files[0].path, "/etc/passwd");
	assert_string_equal(ident.files[1].path, "/etc/group");
}

/* The text of the file that is to be path in the container; NULL: its own. */
static const char *text_of(const char *path)
{
	const char *source = ident.files[!strcmp(path, "/etc/group")].source;
	static char text[4096];
	struct stat st;
	FILE *f;

	if (!source)
		return NULL;
	assert_string_equal(source, tree_path(dir.path, path + 5));
	assert_int_equal(stat(source, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	f = fopen(source, "r");
	assert_non_null(f);
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	fclose(f);
	return text;
}

static void becomes(const char *path, const char *want)
{
	const char *text = text_of(path);

	assert_non_null(text);
	assert_string_equal(text, want);
}

static void stays(const char *path)
{
	assert_null(text_of(path));
}

#define PASSWD "root:x:0:0:root:/root:/bin/sh\n"
#define GROUP "root:x:0:\n"

#define ADDED ANN ":/home/ann:/bin/zsh\n"

static void test_added(void **state)
{
	(void)state;
	tree_file(base, "etc/passwd", PASSWD);
	tree_file(base, "etc/group", GROUP);
	plan();
	becomes("/etc/passwd", PASSWD ADDED);
	becomes("/etc/group", GROUP STAFF);
}

/* Each file on its own. */
static void test_one_has_him(void **state)
{
	(void)state;
	tree_file(base, "etc/passwd", PASSWD "u:x:3912345:1::/:/bin/sh\n");
	tree_file(base, "etc/group", GROUP);
	plan();
	stays("/etc/passwd");
	becomes("/etc/group", GROUP STAFF);
	tree_file(base, "etc/passwd", PASSWD);
	tree_file(base, "etc/group", GROUP "g:x:3912346:\n");
	plan();
	becomes("/etc/passwd", PASSWD ADDED);
	stays("/etc/group");
	tree_file(base, "etc/passwd", PASSWD "u:x:3912345:1::/:/bin/sh\n");
	plan();
	stays("/etc/passwd");
	stays("/etc/group");
}

static void test_no_files(void **state)
{
	(void)state;
	plan();
	becomes("/etc/passwd", ADDED);
	becomes("/etc/group", STAFF);
}

/* Whoever mounts the file, or what it lies in, has decided. */
static void test_mounted(void **state)
{
	struct sb_err err = {.text = ""};

	(void)state;
	config("{\"mounts\":[{\"destination\":\"/etc/passwd\"}]}");
	plan();
	stays("/etc/passwd");
	becomes("/etc/group", STAFF);
	config("{\"mounts\":[{\"destination\":\"/etc\"}]}");
	plan();
	stays("/etc/passwd");
	stays("/etc/group");
	config("{}");
	assert_int_equal(sb_mounts_tmpfs(&mounts, "/etc/group", "", &err), 0);
	plan();
	becomes("/etc/passwd", ADDED);
	stays("/etc/group");
}

/* A link is the container's: the host's file of that name is not meant. */
static void test_links(void **state)
{
	(void)state;
	tree_dir(base, "data");
	tree_file(base, "data/passwd", "u:x:3912345:1::/:/bin/sh\n");
	tree_link(base, "etc/passwd", "/data/passwd");
	tree_link(base, "etc/group", "/../../../../../../../../etc/group");
	plan();
	stays("/etc/passwd");
	/* it leads to itself there, so it has no text */
	becomes("/etc/group", STAFF);
}

/* Whether this node has SlurmUser. */
static int has_slurm(void)
{
	FILE *f = fopen("/etc/passwd", "r");
	char line[1024];
	int has = 0;

	while (f && fgets(line, sizeof(line), f))
		has |= !strncmp(line, "slurm:", 6);
	if (f)
		fclose(f);
	return has;
}

/* Without whom Slurm's clients refuse to run. */
static void test_slurm_user(void **state)
{
	(void)state;
	tree_file(base, "etc/passwd", PASSWD);
	plan();
	becomes("/etc/passwd", PASSWD ADDED);
	of.slurm_users = 1;
	if (!has_slurm()) {
		plan();
		becomes("/etc/passwd", PASSWD ADDED);
		print_message("this node has no user slurm\n");
		skip();
	}
	plan();
	assert_contains(text_of("/etc/passwd"), PASSWD "slurm:x:");
	assert_contains(text_of("/etc/passwd"), "\n" ADDED);
	becomes("/etc/group", STAFF);
	/* also where he himself is there already; nobody is there twice */
	tree_file(base, "etc/passwd", "u:x:3912345:1::/:/bin/sh\n");
	plan();
	assert_contains(text_of("/etc/passwd"), "\nslurm:x:");
	assert_null(strstr(text_of("/etc/passwd"), "ann"));
	tree_file(base, "etc/passwd",
		  "slurm:x:7:7::/:/bin/sh\nu:x:3912345:1::/:/bin/sh\n");
	plan();
	stays("/etc/passwd");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_added),    TEST(test_one_has_him),
		TEST(test_no_files), TEST(test_mounted),
		TEST(test_links),    TEST(test_slurm_user),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
