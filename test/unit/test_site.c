/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What root reads of stepbox.conf. */
#include "unit.h"

#include "../../spank/site.h"

#include <sys/stat.h>

static void test_conf_argument(void **state)
{
	char *argv[] = {"x=1", "conf=/some/where", NULL};

	(void)state;
	assert_string_equal(sb_site_conf(2, argv), "/some/where");
}

static void test_read(void **state)
{
	struct sb_site site;
	struct sb_err err = {.text = ""};
	const char *path;

	(void)state;
	if (getuid())
		skip(); /* only root's own file is believed */
	path = unit_file("Runtime=crun\nContainerPath=/x/%n allowroot=yes\n");
	assert_int_equal(sb_site_read(&site, path, &err), 0);
	assert_string_equal(site.place, "/x/%n");
	assert_true(site.allow_root);
	assert_false(site.trust_container);
	assert_false(site.keep);
	unlink(path);
	path = unit_file("DisableCleanup=yes FileDebug=debug SyslogDebug=4\n");
	assert_int_equal(sb_site_read(&site, path, &err), 0);
	assert_string_equal(site.place, SB_CONTAINER_PATH);
	assert_true(site.keep);
	assert_int_equal(site.file_debug, 5);
	assert_int_equal(site.syslog_debug, 4);
	chmod(path, 0666);
	assert_int_equal(sb_site_read(&site, path, &err), -1);
	assert_contains(err.text, "writable");
	unlink(path);
	assert_int_equal(sb_site_read(&site, path, &err), -1);
	assert_contains(err.text, "No such file");
	/* An included file is root's word too. */
	{
		char inner[64], text[128];

		strcpy(inner, unit_file("AllowRoot=yes\n"));
		chmod(inner, 0622);
		snprintf(text, sizeof(text), "Include %s\n", inner);
		path = unit_file(text);
		assert_int_equal(sb_site_read(&site, path, &err), -1);
		assert_contains(err.text, "root alone");
		unlink(path);
		unlink(inner);
	}
	path = unit_file("\nContainerPath=/x/%b\n");
	assert_int_equal(sb_site_read(&site, path, &err), -1);
	assert_contains(err.text, ":2: ContainerPath=/x/%b: %b: the user");
	unlink(path);
	path = unit_file("\nAllowRoot=perhaps\n");
	assert_int_equal(sb_site_read(&site, path, &err), -1);
	assert_contains(err.text, ":2: AllowRoot=perhaps");
	unlink(path);
}

static void test_calls_us(void **state)
{
	static const char *const ours[] = {
		"exec /usr/bin/stepbox handoff x",
		"stepbox handoff",
		"IFS= && exec stepbox;true",
		"A=1 '/opt/a/stepbox' run",
	};
	static const char *const others[] = {
		"",
		"runc run --bundle=%b %n",
		"/usr/bin/stepbox2 run",
		"/opt/stepbox/crun run",
		"exec my-stepbox",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		assert_int_equal(sb_site_calls_us(ours[i]), 1);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_int_equal(sb_site_calls_us(others[i]), 0);
}

static enum sb_site_oci oci_of(const char *dir, const char *text)
{
	char path[160], found[160] = "";
	enum sb_site_oci oci;
	FILE *f;

	snprintf(path, sizeof(path), "%s/slurm.conf", dir);
	setenv("SLURM_CONF", path, 1);
	snprintf(path, sizeof(path), "%s/oci.conf", dir);
	f = text ? fopen(path, "w") : NULL;
	if (f) {
		fputs(text, f);
		fclose(f);
	}
	oci = sb_site_oci(found, sizeof(found));
	assert_string_equal(found, path);
	unlink(path);
	unsetenv("SLURM_CONF");
	return oci;
}

static void test_oci(void **state)
{
	char dir[] = "/tmp/stepbox-unit-XXXXXX";

	(void)state;
	if (getuid())
		skip(); /* only root's own file is believed */
	assert_non_null(mkdtemp(dir));
	assert_int_equal(oci_of(dir, NULL), SB_SITE_OCI_NONE);
	assert_int_equal(oci_of(dir, "IgnoreFileConfigJson=true\n"
				     "RunTimeRun=\"exec /a/stepbox handoff "
				     "$(x) \\# %@\"\n"),
			 SB_SITE_OCI_OURS);
	assert_int_equal(oci_of(dir, "RunTimeRun=\"runc run %b\" # stepbox\n"),
			 SB_SITE_OCI_OTHER);
	assert_int_equal(oci_of(dir, "RunTimeCreate=\"stepbox create\"\n"),
			 SB_SITE_OCI_OTHER);
	assert_int_equal(oci_of(dir, "what is this\n"), SB_SITE_OCI_OTHER);
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_conf_argument),
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_calls_us),
		cmocka_unit_test(test_oci),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
