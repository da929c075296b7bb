/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include "unit.h"

#include "../../helper/standalone.h"

static int has(void *arg, const char *path)
{
	(void)arg;
	return strcmp(path, "/lacking") != 0;
}

static const struct sb_standalone step = {
	.uid = 2001,
	.gid = 2002,
	.gone = "/tmp/s",
	.layer = "/tmp/s/task-0/rootfs",
	.rootfs = "/b/rootfs",
	.init = 1,
	.has = has,
};

static const char config[] =
	"{\"root\":{\"path\":\"/tmp/s/task-0/rootfs\"},"
	"\"process\":{\"args\":[\"/dev/stepbox/init\",\"-r\",\"/dev/stepbox/"
	"status\",\"-N\",\"-p\",\"-p\",\"/dev/stepbox/seccomp\",\"--\",\"sh\","
	"\"-r\",\"/dev/stepbox/status\"]},"
	"\"linux\":{\"namespaces\":[{\"type\":\"mount\"}],"
	"\"devices\":[{\"path\":\"/dev/fuse\"}]},"
	"\"mounts\":[{\"destination\":\"/dev\",\"source\":\"tmpfs\"},"
	"{\"destination\":\"/dev/stepbox/init\",\"source\":\"/x/init\"},"
	"{\"destination\":\"/dev/stepbox/status\",\"source\":\"/tmp/s/task-0/"
	"status\"},"
	"{\"destination\":\"/dev/stepbox/seccomp\",\"source\":\"/tmp/s/"
	"seccomp\"},"
	"{\"destination\":\"/s2\",\"source\":\"/tmp/s2\"},"
	"{\"destination\":\"/lacking\",\"source\":\"/data\"},"
	"{\"destination\":\"/lacking/below\",\"source\":\"/data\"}]}";

static char *edit(const char *text, const struct sb_standalone *of,
		  struct sb_strv *notes)
{
	struct sb_json doc;
	struct sb_err err;
	size_t len;
	char *out;

	assert_int_equal(sb_json_parse(&doc, text, strlen(text), &err), 0);
	assert_int_equal(sb_standalone_edit(doc.root, of, notes, &err), 0);
	out = sb_json_dump(&doc, &len, &err);
	assert_non_null(out);
	sb_json_free(&doc);
	return out;
}

static void test_step(void **state)
{
	struct sb_strv notes = {0};
	char *out = edit(config, &step, &notes);

	(void)state;
	assert_string_equal(
		out,
		"{\"root\":{\"path\":\"/b/rootfs\"},"
		"\"process\":{\"args\":[\"/dev/stepbox/init\",\"-N\",\"-p\","
		"\"--\",\"sh\",\"-r\",\"/dev/stepbox/status\"]},"
		"\"linux\":{\"namespaces\":[{\"type\":\"mount\"},{\"type\":"
		"\"user\"}],"
		"\"uidMappings\":[{\"containerID\":0,\"hostID\":2001,\"size\":"
		"1}],"
		"\"gidMappings\":[{\"containerID\":0,\"hostID\":2002,\"size\":"
		"1}]},"
		"\"mounts\":[{\"destination\":\"/dev\",\"source\":\"tmpfs\"},"
		"{\"destination\":\"/dev/stepbox/init\",\"source\":\"/x/"
		"init\"},"
		"{\"destination\":\"/s2\",\"source\":\"/tmp/s2\"},"
		"{\"destination\":\"/dev/fuse\",\"type\":\"bind\",\"source\":"
		"\"/dev/fuse\",\"options\":[\"bind\"]}]}");
	/* Two files, two below a missing point, seccomp, device, root, user. */
	assert_int_equal(notes.n, 8);
	free(out);
	sb_strv_free(&notes);
}

/* Root needs no user namespace, and a directory that is kept has its files. */
static void test_kept(void **state)
{
	struct sb_standalone of = step;
	struct sb_strv notes = {0};
	char *out;

	(void)state;
	of.uid = of.gid = 0;
	of.gone = of.layer = NULL;
	out = edit(config, &of, &notes);
	/* Nothing is mounted there without the step. */
	assert_contains(out, "{\"root\":{\"path\":\"/b/rootfs\"},");
	assert_string_equal(strchr(out, ','), strchr(config, ','));
	assert_int_equal(notes.n, 0);
	free(out);
	sb_strv_free(&notes);
}

/* Without the place that the init lies in there is no init. */
static void test_no_init(void **state)
{
	static const char text[] =
		"{\"process\":{\"args\":[\"/.stepbox/stepbox/init\",\"-N\","
		"\"x\",\"--\",\"a\",\"--\",\"b\"]},\"root\":{\"path\":\"x\"},"
		"\"mounts\":[{\"destination\":\"/lacking\"},"
		"{\"destination\":\"/lacking/x\"}]}";
	struct sb_strv notes = {0};
	char *out, *moved = strdup(text), *p;

	(void)state;
	while ((p = strstr(moved, "/.stepbox")))
		memcpy(p, "/lacking/", 9);
	out = edit(moved, &step, &notes);
	assert_contains(out, "\"args\":[\"a\",\"--\",\"b\"]");
	free(out);
	free(moved);
	sb_strv_free(&notes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_step),
		cmocka_unit_test(test_kept),
		cmocka_unit_test(test_no_init),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
