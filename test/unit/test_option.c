/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The options of srun, sbatch and salloc. */
#include "unit.h"

#include "../../spank/contract.h"
#include "../../spank/option.h"

static struct sb_options o;
static struct sb_err err;

static int number(const char *name)
{
	for (int i = 0; i < SB_OPTION_COUNT; i++)
		if (!strcmp(sb_option_table[i].name, name))
			return i;
	fail_msg("no option %s", name);
	return -1;
}

static int give(const char *name, const char *value)
{
	err.text[0] = '\0';
	return sb_option_give(&o, number(name), value, SB_OPTION_LINE, &err);
}

static int give_script(const char *name, const char *value)
{
	return sb_option_give(&o, number(name), value, SB_OPTION_SCRIPT, &err);
}

static int publish(const char *program)
{
	return sb_option_publish(&o, program, 0, &err);
}

static int begin(void **state)
{
	(void)state;
	for (int i = 0; i < SB_OPTION_COUNT; i++) {
		free(o.given[i].value);
		unsetenv(sb_option_table[i].env);
	}
	memset(&o, 0, sizeof(o));
	return 0;
}

static void refused(const char *name, const char *value, const char *message)
{
	assert_int_equal(give(name, value), -1);
	assert_string_equal(err.text, message);
	assert_null(sb_option_any(&o));
}

static void test_table(void **state)
{
	(void)state;
	for (int i = 0; i < SB_OPTION_COUNT; i++) {
		const struct sb_option *t = &sb_option_table[i];

		assert_non_null(t->name);
		/* Slurm's own is not marked as ours. */
		assert_int_equal(!strncmp(t->usage, "[stepbox] ", 10),
				 i != SB_OPTION_CONTAINER);
		assert_int_equal(
			!strncmp(t->env, SB_ENV_PREFIX, strlen(SB_ENV_PREFIX)),
			i != SB_OPTION_CONTAINER);
		/* Either takes a value, or says one. */
		assert_true(!t->argument == !!t->word);
		assert_true(!t->argument == !t->check);
		/* SPANK_OPTION_MAXLEN of 20.11 to 26.05. */
		assert_true(strlen(t->name) <= 75);
		/* What excludes each other stands together. */
		for (int j = i + 2; j < SB_OPTION_COUNT; j++)
			assert_string_not_equal(t->env, sb_option_table[j].env);
	}
}

static void test_values(void **state)
{
	(void)state;
	assert_int_equal(give("container-mounts", "/a:/b:ro,tmpfs:/c"), 0);
	assert_int_equal(give("container-workdir", "/w"), 0);
	assert_int_equal(give("container-env", "A,_b1,PATH"), 0);
	assert_int_equal(give("container-remap-root", NULL), 0);
	assert_int_equal(give("no-container-mount-cwd", ""), 0);
	assert_int_equal(give("container-readonly", NULL), 0);
	assert_int_equal(give("container-runtime", "crun-1.8_x"), 0);
	assert_int_equal(give("container-debug", NULL), 0);
	assert_string_equal(sb_option_any(&o), "container-mounts");
	assert_int_equal(publish("srun"), 0);
	assert_string_equal(getenv(SB_ENV_MOUNTS), "/a:/b:ro,tmpfs:/c");
	assert_string_equal(getenv(SB_ENV_WORKDIR), "/w");
	assert_string_equal(getenv(SB_ENV_KEEP), "A,_b1,PATH");
	assert_string_equal(getenv(SB_ENV_REMAP_ROOT), "yes");
	assert_string_equal(getenv(SB_ENV_MOUNT_CWD), "no");
	assert_string_equal(getenv(SB_ENV_WRITABLE), "no");
	assert_string_equal(getenv(SB_ENV_RUNTIME), "crun-1.8_x");
	assert_string_equal(getenv(SB_ENV_DEBUG), "yes");
	assert_null(getenv(SB_ENV_MOUNT_HOME));
}

static void test_mistakes(void **state)
{
	(void)state;
	refused("container-mounts", "/a:b",
		"--container-mounts=/a:b: destination b is not absolute");
	refused("container-mounts", "",
		"--container-mounts=: the value is "
		"empty");
	refused("container-workdir", "w",
		"--container-workdir=w: must begin with / or $");
	refused("container-env", "A,,B",
		"--container-env=A,,B: an element is empty");
	refused("container-env", "A,",
		"--container-env=A,: an element is "
		"empty");
	refused("container-env", "1A",
		"--container-env=1A: 1A is no variable's name");
	refused("container-env", "A=1",
		"--container-env=A=1: A=1 is no variable's name");
	refused("container-env", "OK,A B",
		"--container-env=OK,A B: A B is no variable's name");
	refused("container-mounts", "/a\n:/b",
		"--container-mounts=/a\n:/b: holds a newline or control "
		"character");
	assert_int_equal(give("container-workdir", "/\x7f"), -1);
	assert_int_equal(give("container-workdir", "/\xc3\xa9"), 0);
}

static void test_runtime_name(void **state)
{
	char name[66];

	(void)state;
	memset(name, 'x', sizeof(name));
	name[65] = '\0';
	assert_int_equal(give("container-runtime", name), -1);
	assert_int_equal(give("container-runtime", ".."), -1);
	assert_int_equal(give("container-runtime", "a/b"), -1);
	assert_int_equal(give("container-runtime", "a b"), -1);
	assert_contains(err.text, "--container-runtime=a b: no runtime's name");
	name[64] = '\0';
	assert_int_equal(give("container-runtime", name), 0);
}

static void test_long_value(void **state)
{
	const size_t most = 64 << 10;
	char *value = malloc(most + 2);

	(void)state;
	/* Names of 999 letters, so that all of it is good. */
	memset(value, 'x', most + 1);
	for (size_t i = 999; i < most - 1; i += 1000)
		value[i] = ',';
	value[most] = '\0';
	assert_int_equal(give("container-env", value), 0);
	assert_int_equal(publish("srun"), 0);
	assert_int_equal(strlen(getenv(SB_ENV_KEEP)), most);
	value[most] = 'x';
	value[most + 1] = '\0';
	assert_int_equal(give("container-env", value), -1);
	/* The reason fits, whatever the value. */
	assert_contains(err.text, ": longer than 64 KiB");
	free(value);
}

static void test_last_wins(void **state)
{
	(void)state;
	assert_int_equal(give("container-workdir", "/one"), 0);
	assert_int_equal(give("container-workdir", "/two"), 0);
	assert_int_equal(give("container-mount-home", NULL), 0);
	assert_int_equal(give("container-mount-home", NULL), 0);
	assert_int_equal(publish("srun"), 0);
	assert_string_equal(getenv(SB_ENV_WORKDIR), "/two");
	assert_string_equal(getenv(SB_ENV_MOUNT_HOME), "yes");
	/* A refused one leaves the first. */
	assert_int_equal(give("container-workdir", "three"), -1);
	assert_int_equal(publish("srun"), 0);
	assert_string_equal(getenv(SB_ENV_WORKDIR), "/two");
}

static void test_opposites(void **state)
{
	(void)state;
	assert_int_equal(give("container-writable", NULL), 0);
	assert_int_equal(give("container-readonly", NULL), -1);
	assert_string_equal(err.text, "--container-writable and "
				      "--container-readonly exclude each "
				      "other");
	assert_int_equal(give("no-container-mount-home", NULL), 0);
	assert_int_equal(give("container-mount-home", NULL), -1);
	assert_int_equal(publish("srun"), 0);
	assert_string_equal(getenv(SB_ENV_WRITABLE), "yes");
	assert_string_equal(getenv(SB_ENV_MOUNT_HOME), "no");
}

/* A script's options are defaults, as all of Slurm's are. */
static void test_script(void **state)
{
	(void)state;
	assert_int_equal(give_script("container-writable", NULL), 0);
	assert_int_equal(give_script("container-workdir", "/script"), 0);
	assert_int_equal(give("container-readonly", NULL), 0);
	setenv("SBATCH_CONTAINER_WORKDIR", "/input", 1);
	setenv("SBATCH_CONTAINER_WRITABLE", "yes", 1);
	assert_int_equal(publish("sbatch"), 0);
	assert_string_equal(getenv(SB_ENV_WRITABLE), "no");
	assert_string_equal(getenv(SB_ENV_WORKDIR), "/input");
	unsetenv("SBATCH_CONTAINER_WORKDIR");
	unsetenv("SBATCH_CONTAINER_WRITABLE");
	assert_int_equal(publish("sbatch"), 0);
	assert_string_equal(getenv(SB_ENV_WORKDIR), "/script");
	begin(NULL);
	assert_int_equal(give_script("container-writable", NULL), 0);
	assert_int_equal(give_script("container-readonly", NULL), -1);
}

static void test_components(void **state)
{
	(void)state;
	assert_int_equal(give("container-workdir", "/one"), 0);
	assert_int_equal(give("container-writable", NULL), 0);
	o.component++;
	assert_int_equal(give("container-workdir", "/one"), 0);
	o.component++;
	assert_int_equal(give("container-workdir", "/two"), -1);
	assert_string_equal(err.text, "--container-workdir: must be the same "
				      "for all components of a heterogeneous "
				      "job");
	assert_int_equal(give("container-writable", NULL), 0);
	o.component++;
	assert_int_equal(give("container-readonly", NULL), -1);
	assert_contains(err.text, "all components");
}

static void test_input_variables(void **state)
{
	(void)state;
	setenv("SRUN_CONTAINER_MOUNTS", "/a:/b", 1);
	setenv("SBATCH_CONTAINER_WORKDIR", "relative", 1);
	setenv("SRUN_CONTAINER_MOUNT_HOME", "On", 1);
	setenv("SRUN_CONTAINER_WRITABLE", "0", 1);
	setenv("SRUN_CONTAINER_ENV", "", 1);
	assert_int_equal(give("no-container-mount-home", NULL), 0);
	assert_int_equal(publish("srun"), 0);
	assert_string_equal(getenv(SB_ENV_MOUNTS), "/a:/b");
	assert_string_equal(getenv(SB_ENV_MOUNT_HOME), "no");
	assert_string_equal(getenv(SB_ENV_WRITABLE), "no");
	/* Another program's, and an empty one. */
	assert_null(getenv(SB_ENV_WORKDIR));
	assert_null(getenv(SB_ENV_KEEP));
	assert_int_equal(publish("sbatch"), -1);
	assert_string_equal(err.text, "SBATCH_CONTAINER_WORKDIR=relative: must "
				      "begin with / or $");
	/* What the command line overrides is not looked at. */
	assert_int_equal(give("container-workdir", "/w"), 0);
	assert_int_equal(publish("sbatch"), 0);
	setenv("SRUN_CONTAINER_WRITABLE", "maybe", 1);
	assert_int_equal(publish("srun"), -1);
	assert_string_equal(
		err.text, "SRUN_CONTAINER_WRITABLE=maybe: neither yes nor no");
	/* Whoever is neither of the three has none. */
	assert_int_equal(publish("scrontab"), 0);
	unsetenv("SRUN_CONTAINER_MOUNTS");
	unsetenv("SBATCH_CONTAINER_WORKDIR");
	unsetenv("SRUN_CONTAINER_MOUNT_HOME");
	unsetenv("SRUN_CONTAINER_WRITABLE");
	unsetenv("SRUN_CONTAINER_ENV");
}

/* What Slurm does with --container where it has that: the first of command
 * line, interactive step, input variable, script. */
static void test_container(void **state)
{
	(void)state;
	assert_int_equal(number("container"), SB_OPTION_CONTAINER);
	refused("container", "", "--container=: the value is empty");
	setenv("SBATCH_CONTAINER", "/input", 1);
	assert_int_equal(sb_option_publish_container(&o, "srun", 0, &err), 0);
	assert_null(getenv(SB_ENV_CONTAINER));
	assert_int_equal(sb_option_publish_container(&o, "sbatch", 0, &err), 0);
	assert_string_equal(getenv(SB_ENV_CONTAINER), "/input");
	assert_int_equal(give_script("container", "/script"), 0);
	assert_int_equal(sb_option_publish_container(&o, "sbatch", 0, &err), 0);
	assert_string_equal(getenv(SB_ENV_CONTAINER), "/input");
	unsetenv("SBATCH_CONTAINER");
	assert_int_equal(sb_option_publish_container(&o, "sbatch", 0, &err), 0);
	assert_string_equal(getenv(SB_ENV_CONTAINER), "/script");
	setenv(SB_ENV_CONTAINER, "/allocation", 1);
	setenv("SRUN_CONTAINER", "/input", 1);
	assert_int_equal(sb_option_publish_container(&o, "srun", 1, &err), 0);
	assert_string_equal(getenv(SB_ENV_CONTAINER), "/allocation");
	assert_int_equal(give("container", "relative"), 0);
	assert_int_equal(sb_option_publish_container(&o, "srun", 1, &err), 0);
	assert_string_equal(getenv(SB_ENV_CONTAINER), "relative");
	unsetenv("SRUN_CONTAINER");
	/* The others leave it alone: it may be Slurm's. */
	setenv(SB_ENV_CONTAINER, "/slurms", 1);
	assert_int_equal(publish("srun"), 0);
	assert_string_equal(getenv(SB_ENV_CONTAINER), "/slurms");
	assert_string_equal(sb_option_container(&o, "srun"), "relative");
	/* Of a later component: test_het. */
	o.component++;
	assert_string_equal(sb_option_container(&o, "srun"), "relative");
	assert_int_equal(give("container", "/other"), 0);
	assert_string_equal(sb_option_container(&o, "srun"), "/other");
}

static void test_keep(void **state)
{
	(void)state;
	setenv(SB_ENV_WORKDIR, "/allocation", 1);
	setenv(SB_ENV_WRITABLE, "yes", 1);
	setenv("SRUN_CONTAINER_WORKDIR", "/input", 1);
	assert_int_equal(give("container-readonly", NULL), 0);
	assert_int_equal(sb_option_publish(&o, "srun", 1, &err), 0);
	assert_string_equal(getenv(SB_ENV_WORKDIR), "/allocation");
	assert_string_equal(getenv(SB_ENV_WRITABLE), "no");
	assert_int_equal(publish("srun"), 0);
	assert_string_equal(getenv(SB_ENV_WORKDIR), "/input");
	unsetenv("SRUN_CONTAINER_WORKDIR");
}

static void test_words(void **state)
{
	(void)state;
	assert_true(sb_option_is("--container-env", "container-env"));
	assert_true(sb_option_is("--container-env=A", "container-env"));
	assert_true(sb_option_is("--container-e", "container-env"));
	assert_true(sb_option_is("--no-container-mount-h",
				 "no-container-mount-home"));
	assert_false(sb_option_is("--container", "container-env"));
	assert_true(sb_option_is("--container=/x", "container"));
	assert_true(sb_option_is("--container", "container"));
	assert_false(sb_option_is("--container-env=A", "container"));
	assert_false(sb_option_is("--", "container"));
	assert_false(sb_option_is("--container=/x", "container-env"));
	assert_false(sb_option_is("--container-envy", "container-env"));
	assert_false(sb_option_is("--container-mount-home",
				  "no-container-mount-home"));
	assert_false(sb_option_is("container-env", "container-env"));
	assert_false(sb_option_is("--", "container-env"));
	assert_false(sb_option_is("--=x", "container-env"));
	assert_false(sb_option_is("", "container-env"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, begin)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_table),      TEST(test_values),
		TEST(test_mistakes),   TEST(test_runtime_name),
		TEST(test_long_value), TEST(test_last_wins),
		TEST(test_opposites),  TEST(test_script),
		TEST(test_components), TEST(test_input_variables),
		TEST(test_container),  TEST(test_keep),
		TEST(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
