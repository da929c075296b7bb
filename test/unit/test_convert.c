/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include "unit.h"

#include "../../helper/convert.h"

#include <sys/statvfs.h>

/* What the faked node has. */
static const char *const node_files[] = {
	"/proc",	  "/sys",	 "/b/data",    "/data",
	"/locked",	  "/dev/mqueue", "/etc/hosts", "/etc/hostname",
	"/sys/fs/cgroup", "/sys/fs/bpf", "/dev",       "/dev/shm",
	"/dev/hugepages",
};

static int exists(void *arg, const char *path)
{
	const char *hidden = arg;

	if (hidden && !strcmp(path, hidden))
		return 0;
	for (size_t i = 0; i < sizeof(node_files) / sizeof(*node_files); i++)
		if (!strcmp(node_files[i], path))
			return 1;
	return 0;
}

static int device(void *arg, const char *path, char type, unsigned int major,
		  unsigned int minor)
{
	(void)arg;
	return !strcmp(path, "/dev/fuse") && type == 'c' && major == 10 &&
	       minor == 229;
}

static unsigned long flags(void *arg, const char *path)
{
	(void)arg;
	if (!strcmp(path, "/locked"))
		return ST_RDONLY | ST_NOSUID | ST_NODEV | ST_NOEXEC;
	return strcmp(path, "/etc/hosts") ? 0 : ST_NODEV;
}

static struct sb_convert node = {
	.bundle = "/b",
	.umask = 027,
	.kernel_major = 6,
	.kernel_minor = 9,
	.exists = exists,
	.device = device,
	.flags = flags,
};

/* The value at path ("linux.namespaces") after the edits, compact; what the
 * notes say, one a line, in said. The caller frees it; NULL with err set. */
static char said[8192];

static char *converted(const char *text, const char *path, struct sb_err *err)
{
	struct sb_json doc, out = {0};
	struct sb_strv notes = {0};
	char words[128], *word, *value = NULL;
	size_t len;

	assert_int_equal(sb_json_parse(&doc, text, strlen(text), err), 0);
	memcpy(out.mark, doc.mark, sizeof(doc.mark));
	said[0] = '\0';
	if (!sb_convert(doc.root, &node, &notes, err)) {
		json_t *at = doc.root;

		strcpy(words, path);
		for (word = strtok(words, "."); word; word = strtok(NULL, "."))
			at = json_object_get(at, word);
		/* Only a list or an object can be dumped. */
		out.root = json_pack("[o]", at ? json_incref(at)
					       : json_string("missing"));
		value = sb_json_dump(&out, &len, err);
		assert_non_null(value);
		value[len - 1] = '\0';
		memmove(value, value + 1, len - 1);
		for (size_t i = 0; i < notes.n; i++)
			snprintf(said + strlen(said),
				 sizeof(said) - strlen(said), "%s\n",
				 notes.v[i]);
	}
	sb_strv_free(&notes);
	sb_json_free(&out);
	sb_json_free(&doc);
	return value;
}

static void becomes(const char *text, const char *path, const char *want)
{
	struct sb_err err = {.text = ""};
	char *got = converted(text, path, &err);

	if (!got)
		fail_msg("%s: %s", text, err.text);
	assert_string_equal(got, want);
	free(got);
}

static void refused(const char *text, const char *why)
{
	struct sb_err err = {.text = ""};
	char *got = converted(text, "", &err);

	if (got)
		fail_msg("%s was taken", text);
	assert_contains(err.text, why);
	assert_int_equal(err.code, 125);
}

/* A document with the default mounts, so that no more are added, and then the
 * given one; with a namespace or none. */
#define DEFAULTS                                                               \
	"{\"destination\":\"/proc\",\"type\":\"bind\",\"source\":\"/proc\"},"  \
	"{\"destination\":\"/dev\",\"type\":\"tmpfs\"},"                       \
	"{\"destination\":\"/dev/pts\",\"type\":\"tmpfs\"},"                   \
	"{\"destination\":\"/dev/shm\",\"type\":\"tmpfs\"},"                   \
	"{\"destination\":\"/sys\",\"type\":\"tmpfs\"}"

static void mount_in(const char *ns, const char *mount, const char *want)
{
	struct sb_err err = {.text = ""};
	char text[2048], *got, *tail;
	size_t commas = 0;

	snprintf(text, sizeof(text),
		 "{\"linux\":{\"namespaces\":[{\"type\":\"mount\"}%s]},"
		 "\"mounts\":[" DEFAULTS ",%s]}",
		 ns, mount);
	got = converted(text, "mounts", &err);
	if (!got)
		fail_msg("%s: %s", mount, err.text);
	/* What follows the five. */
	for (tail = got; commas < 5 && (tail = strstr(tail, "]}")); tail += 2)
		commas++;
	assert_non_null(tail);
	tail[strlen(tail) - 1] = '\0';
	assert_string_equal(*tail ? tail + 1 : tail, want);
	free(got);
}

#define PID ",{\"type\":\"pid\"}"
#define IPC ",{\"type\":\"ipc\"}"

static void mount_becomes(const char *mount, const char *want)
{
	mount_in("", mount, want);
}

static void mount_refused(const char *mount, const char *why)
{
	char text[1024];

	snprintf(text, sizeof(text), "{\"mounts\":[%s]}", mount);
	refused(text, why);
}

/* ---- the document ---- */

static void test_platform(void **state)
{
	(void)state;
	refused("{\"windows\":{}}",
		"config.json is for Windows, not for Linux");
	refused("{\"solaris\":{}}", "is for Solaris");
	refused("{\"freebsd\":{}}", "is for FreeBSD");
	refused("{\"zos\":{}}", "is for z/OS");
	refused("{\"vm\":{},\"linux\":{}}", "is for a virtual machine");
	/* Written by Go's programs for none. */
	refused("{\"linux\":null,\"windows\":{}}", "is for Windows");
	becomes("{\"vm\":null,\"windows\":null}", "linux.namespaces",
		"[{\"type\":\"mount\"}]");
	becomes("{\"windows\":{\"layerFolders\":[]},\"linux\":{}}", "windows",
		"{\"layerFolders\":[]}");
	refused("[]", "config.json: not an object");
}

static void test_version(void **state)
{
	static const char *const good[] = {"1.0.0",	"1.0.0-rc5",
					   "1.0.2-dev", "1.2.0+x",
					   "1.10.11",	"1.1.0-rc.2"};
	static const char *const bad[] = {
		"2.0.0", "0.5.0-dev", "",	"1",	  "1.0",    "1.0.",
		"1.x.0", "10.0.0",    "1.0.0x", "v1.0.0", "1.0.0.0"};
	char text[128];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		snprintf(text, sizeof(text), "{\"ociVersion\":\"%s\"}",
			 good[i]);
		becomes(text, "linux.namespaces", "[{\"type\":\"mount\"}]");
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		snprintf(text, sizeof(text), "{\"ociVersion\":\"%s\"}", bad[i]);
		refused(text, "only 1.x.y is known");
	}
	refused("{\"ociVersion\":\"2.0.0\"}",
		"config.json: ociVersion 2.0.0: only 1.x.y is known");
	refused("{\"ociVersion\":1}", "ociVersion: not a string");
}

static void fault_10_cwd(void **state)
{
	static const char *const good[] = {
		"/",	    "/proc",	  "/procs/x",	     "/x/proc/1",
		"/proc/..", "/proc/../x", "/proc/1/../../x", "/proc/."};
	static const char *const bad[] = {"",
					  ".",
					  "x",
					  "proc/self",
					  "/proc/self/fd/7",
					  "//proc/self/fd/7",
					  "/./proc//self",
					  "/x/../proc/self",
					  "/../proc/self/../1",
					  "/proc/./self/fd/7"};
	char text[128];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		snprintf(text, sizeof(text), "{\"process\":{\"cwd\":\"%s\"}}",
			 good[i]);
		becomes(text, "nothing", "\"missing\"");
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		snprintf(text, sizeof(text), "{\"process\":{\"cwd\":\"%s\"}}",
			 bad[i]);
		refused(text, "config.json: process.cwd: not an absolute path "
			      "outside /proc");
	}
	/* Written by Go's programs for none. */
	becomes("{\"process\":{\"cwd\":null}}", "process.cwd", "null");
}

static void test_empty(void **state)
{
	(void)state;
	becomes("{}", "process",
		"{\"user\":{\"uid\":0,\"gid\":0,\"umask\":23}}");
	becomes("{}", "linux", "{\"namespaces\":[{\"type\":\"mount\"}]}");
	assert_contains(said, "linux.namespaces: mount: added");
	/* Go's programs write null for what is empty. */
	becomes("{\"process\":null,\"linux\":null,\"mounts\":null,"
		"\"annotations\":null}",
		"linux", "{\"namespaces\":[{\"type\":\"mount\"}]}");
	becomes("{\"linux\":{\"namespaces\":null,\"devices\":null,"
		"\"sysctl\":null},\"process\":{\"user\":null,"
		"\"capabilities\":null}}",
		"process.user", "{\"uid\":0,\"gid\":0,\"umask\":23}");
}

static void test_not_of_form(void **state)
{
	(void)state;
	refused("{\"process\":[]}", "config.json: process: not an object");
	refused("{\"linux\":1}", "config.json: linux: not an object");
	refused("{\"linux\":{\"namespaces\":{}}}",
		"config.json: linux.namespaces: not a list");
	refused("{\"linux\":{\"sysctl\":[]}}", "linux.sysctl: not an object");
	refused("{\"linux\":{\"devices\":{}}}", "linux.devices: not a list");
	refused("{\"linux\":{\"devices\":[1]}}", "linux.devices[0].path: not");
	refused("{\"process\":{\"user\":\"root\"}}",
		"process.user: not an obj");
	refused("{\"annotations\":[]}", "annotations: not an object");
	refused("{\"mounts\":{}}", "config.json: mounts: not a list");
}

/* What no rule names reaches the runtime as it was. */
static void test_kept(void **state)
{
	static const char *const kept[][2] = {
		{"hooks", "{\"prestart\":[{\"path\":\"/x\"}]}"},
		{"root", "{\"path\":\"r\",\"readonly\":true}"},
		{"x-new", "[1.50,{\"k\":null},18446744073709551615]"},
	};
	static const char *const linux_kept[][2] = {
		{"seccomp", "{\"defaultAction\":\"SCMP_ACT_ALLOW\"}"},
		{"maskedPaths", "[\"/proc/kcore\"]"},
		{"readonlyPaths", "[\"/proc/sys\"]"},
		{"personality", "{\"domain\":\"LINUX\"}"},
		{"rootfsPropagation", "\"slave\""},
		{"newer", "1e400"},
	};
	char text[512], path[64];

	(void)state;
	for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++) {
		snprintf(text, sizeof(text), "{\"%s\":%s}", kept[i][0],
			 kept[i][1]);
		becomes(text, kept[i][0], kept[i][1]);
	}
	for (size_t i = 0; i < sizeof(linux_kept) / sizeof(*linux_kept); i++) {
		snprintf(text, sizeof(text), "{\"linux\":{\"%s\":%s}}",
			 linux_kept[i][0], linux_kept[i][1]);
		snprintf(path, sizeof(path), "linux.%s", linux_kept[i][0]);
		becomes(text, path, linux_kept[i][1]);
	}
	becomes("{\"process\":{\"noNewPrivileges\":true}}",
		"process.noNewPrivileges", "true");
}

static void test_dropped(void **state)
{
	static const char *const gone[] = {
		"hostname",
		"domainname",
		"process.rlimits",
		"process.oomScoreAdj",
		"process.scheduler",
		"process.ioPriority",
		"process.execCPUAffinity",
		"process.apparmorProfile",
		"process.selinuxLabel",
		"linux.uidMappings",
		"linux.gidMappings",
		"linux.cgroupsPath",
		"linux.resources",
		"linux.intelRdt",
		"linux.memoryPolicy",
		"linux.netDevices",
		"linux.mountLabel",
	};
	char text[256], line[128];

	(void)state;
	for (size_t i = 0; i < sizeof(gone) / sizeof(*gone); i++) {
		const char *dot = strchr(gone[i], '.');

		if (dot)
			snprintf(text, sizeof(text), "{\"%.*s\":{\"%s\":7}}",
				 (int)(dot - gone[i]), gone[i], dot + 1);
		else
			snprintf(text, sizeof(text), "{\"%s\":7}", gone[i]);
		becomes(text, gone[i], "\"missing\"");
		snprintf(line, sizeof(line), "%s: dropped: ", gone[i]);
		assert_contains(said, line);
	}
}

static void test_annotations(void **state)
{
	static const char *const gone[][2] = {
		{"run.oci.systemd.subgroup", "cgroup"},
		{"run.oci.systemd.force_cgroup_v1", "cgroup"},
		{"run.oci.delegate-cgroup", "cgroup"},
		{"org.systemd.property.TasksMax", "cgroup"},
		{"run.oci.seccomp_bpf_data", "filters"},
		{"run.oci.seccomp.receiver", "filters"},
		{"run.oci.handler", "the site chooses"},
		{"krun.cpus", "the site chooses"},
		{"module.wasm.image/variant", "the site chooses"},
		{"io.kubernetes.cri.container-type", "the site chooses"},
		{"run.oci.pidfd_receiver", "crun takes it"},
		{"run.oci.mount_context_type", "crun takes it"},
		{"run.oci.timens_offset", "crun takes it"},
		{"run.oci.of_next_year", "crun takes it"},
		{"org.criu.config", "crun takes it"},
	};
	static const char *const kept[] = {
		"run.oci.hooks.stdout",
		"run.oci.hooks.stderr",
		"run.oci.keep_original_groups",
		"org.opencontainers.image.os",
		"io.kubernetes.cri.sandbox-id",
		"run.ocimum",
		"x.run.oci.handler",
		"",
	};
	char text[512], want[256];

	(void)state;
	for (size_t i = 0; i < sizeof(gone) / sizeof(*gone); i++) {
		snprintf(text, sizeof(text),
			 "{\"annotations\":{\"a\":\"b\",\"%s\":\"1\"}}",
			 gone[i][0]);
		becomes(text, "annotations", "{\"a\":\"b\"}");
		snprintf(want, sizeof(want),
			 "annotations: %s: dropped: ", gone[i][0]);
		assert_contains(said, want);
		assert_contains(said, gone[i][1]);
	}
	for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++) {
		snprintf(want, sizeof(want), "{\"%s\":\"1\"}", kept[i]);
		snprintf(text, sizeof(text), "{\"annotations\":%s}", want);
		becomes(text, "annotations", want);
		assert_null(strstr(said, "annotations"));
	}
}

/* ---- process ---- */

static void test_user(void **state)
{
	static const char *const only = "{\"uid\":0,\"gid\":0,\"umask\":23}";

	(void)state;
	becomes("{\"process\":{\"user\":{\"uid\":1000,\"gid\":5,"
		"\"umask\":63,\"additionalGids\":[5,6],\"username\":\"x\"}}}",
		"process.user", only);
	assert_contains(said, "process.user: replaced: ");
	assert_contains(said, "process.user.additionalGids: dropped: ");
	becomes("{\"process\":{\"user\":{\"uid\":0,\"gid\":0}}}",
		"process.user", only);
	assert_null(strstr(said, "process.user"));
	/* A number that is carried as text is another one. */
	becomes("{\"process\":{\"user\":{\"uid\":18446744073709551615}}}",
		"process.user", only);
	assert_contains(said, "process.user: replaced: ");
}

static void test_capabilities(void **state)
{
	static const char *const caps =
		"{\"bounding\":[\"CAP_KILL\",\"CAP_ODD\"],\"ambient\":null,"
		"\"effective\":[]}";
	char text[256];

	(void)state;
	snprintf(text, sizeof(text), "{\"process\":{\"capabilities\":%s}}",
		 caps);
	becomes(text, "process.capabilities", caps);
	refused("{\"process\":{\"capabilities\":[]}}",
		"process.capabilities: not an object");
	refused("{\"process\":{\"capabilities\":{\"bounding\":\"CAP_X\"}}}",
		"process.capabilities.bounding: not a list");
	refused("{\"process\":{\"capabilities\":{\"ambient\":[\"A\",3]}}}",
		"process.capabilities.ambient[1]: not a string");
}

/* ---- linux ---- */

static void test_namespaces(void **state)
{
	(void)state;
	becomes("{\"linux\":{\"namespaces\":[{\"type\":\"pid\"},"
		"{\"type\":\"network\",\"path\":\"/run/netns/a\"},"
		"{\"type\":\"ipc\",\"path\":null},{\"type\":\"uts\"},{\"type\":"
		"\"mount\"},"
		"{\"type\":\"cgroup\"},{\"type\":\"user\",\"path\":\"/u\"},"
		"{\"type\":\"time\",\"path\":\"\"}]}}",
		"linux.namespaces",
		"[{\"type\":\"pid\"},{\"type\":\"ipc\",\"path\":null},{"
		"\"type\":\"mount\"}]");
	assert_contains(said, "linux.namespaces: network: dropped: ");
	assert_contains(said, "linux.namespaces: time: dropped: ");
	assert_contains(said, "linux.namespaces: user: dropped: ");
	refused("{\"linux\":{\"namespaces\":[{\"type\":\"mount\"},"
		"{\"type\":\"pid\",\"path\":\"/proc/1/ns/pid\"}]}}",
		"linux.namespaces[1].path: the pid namespace of another");
	refused("{\"linux\":{\"namespaces\":[{\"type\":\"ipc\",\"path\":7}]}}",
		"linux.namespaces[0].path");
	refused("{\"linux\":{\"namespaces\":[{\"type\":\"mount\","
		"\"path\":\"/x\"}]}}",
		"linux.namespaces[0].path: the mount namespace");
	refused("{\"linux\":{\"namespaces\":[{\"type\":\"time\","
		"\"path\":\"/x\"}]}}",
		"linux.namespaces[0].path: the time namespace");
	refused("{\"linux\":{\"namespaces\":[{\"type\":\"pid\"},"
		"{\"type\":\"pid\"}]}}",
		"linux.namespaces[1]: a second pid namespace");
	refused("{\"linux\":{\"namespaces\":[{\"type\":\"network\"},"
		"{\"type\":\"network\"}]}}",
		"linux.namespaces[1]: a second network namespace");
	refused("{\"linux\":{\"namespaces\":[{\"type\":\"net\"}]}}",
		"linux.namespaces[0].type: net: no such kind");
	refused("{\"linux\":{\"namespaces\":[{}]}}",
		"linux.namespaces[0].type: missing");
	refused("{\"linux\":{\"namespaces\":[\"pid\"]}}",
		"linux.namespaces[0].type: missing");
}

static void test_time_offsets(void **state)
{
	(void)state;
	becomes("{\"linux\":{\"timeOffsets\":{\"boottime\":{\"secs\":1}}}}",
		"linux.timeOffsets", "\"missing\"");
	assert_contains(said, "linux.timeOffsets: dropped: ");
	becomes("{\"linux\":{\"namespaces\":[{\"type\":\"time\"}],"
		"\"timeOffsets\":{\"boottime\":{\"secs\":1}}}}",
		"linux", "{\"namespaces\":[{\"type\":\"mount\"}]}");
	assert_contains(said, "linux.namespaces: time: dropped: ");
	assert_contains(said, "linux.timeOffsets: dropped: ");
}

#define SYSCTLS                                                                \
	"\"sysctl\":{\"net.core.somaxconn\":\"1\",\"net/ipv4/x\":\"1\","       \
	"\"kernel.shmmax\":\"2\",\"kernel/sem\":\"3\","                        \
	"\"fs.mqueue.msg_max\":\"4\",\"fs/mqueue/queues_max\":\"5\","          \
	"\"kernel.hostname\":\"h\",\"kernel.domainname\":\"d\","               \
	"\"kernel.shmmaximum\":\"6\",\"kernel.shm\":\"7\","                    \
	"\"vm.swappiness\":\"8\",\"fs.mqueue\":\"9\"}}}"

static void test_sysctl(void **state)
{
	(void)state;
	becomes("{\"linux\":{\"namespaces\":[{\"type\":\"ipc\"}]," SYSCTLS,
		"linux.sysctl",
		"{\"kernel.shmmax\":\"2\",\"kernel/sem\":\"3\","
		"\"fs.mqueue.msg_max\":\"4\",\"fs/mqueue/queues_max\":\"5\"}");
	assert_contains(said, "linux.sysctl: net/ipv4/x: dropped: ");
	assert_contains(said, "linux.sysctl: kernel.hostname: dropped: ");
	becomes("{\"linux\":{" SYSCTLS, "linux.sysctl", "{}");
	assert_contains(said, "without an ipc namespace");
	node.kernel_minor = 8;
	becomes("{\"linux\":{\"namespaces\":[{\"type\":\"ipc\"}]," SYSCTLS,
		"linux.sysctl", "{}");
	assert_contains(said, "Linux before 6.9");
	node.kernel_minor = 9;
}

static void test_devices(void **state)
{
	(void)state;
	becomes("{\"linux\":{\"devices\":["
		"{\"path\":\"/dev/sda\",\"type\":\"b\",\"major\":8,"
		"\"minor\":0},"
		"{\"path\":\"/dev/fuse\",\"type\":\"c\",\"major\":10,"
		"\"minor\":229,\"fileMode\":438,\"uid\":0,\"gid\":0,\"x\":1},"
		"{\"path\":\"/x/../dev//./fuse\",\"type\":\"u\",\"major\":10,"
		"\"minor\":229},"
		"{\"path\":\"/dev/fuse\",\"type\":\"b\",\"major\":10,"
		"\"minor\":229},"
		"{\"path\":\"/dev/fuse\",\"type\":\"c\",\"major\":10,"
		"\"minor\":4294967525},"
		"{\"path\":\"/dev/fuse\",\"type\":\"c\","
		"\"major\":18446744073709551615,\"minor\":229},"
		"{\"path\":\"/dev/fuse\",\"type\":\"c\",\"major\":-1,"
		"\"minor\":229},"
		"{\"path\":\"/dev/fuse\",\"type\":\"c\"},"
		"{\"path\":\"/dev/fuse\",\"type\":\"p\"},"
		"{\"path\":\"dev/fuse\",\"type\":\"c\",\"major\":10,"
		"\"minor\":229}]}}",
		"linux.devices",
		"[{\"path\":\"/dev/fuse\",\"type\":\"c\",\"major\":10,"
		"\"minor\":229,\"x\":1},"
		"{\"path\":\"/dev/fuse\",\"type\":\"u\",\"major\":10,"
		"\"minor\":229}]");
	assert_contains(said, "linux.devices: /dev/sda: dropped: ");
}

/* ---- mounts ---- */

#define BIND(dest, source, options)                                            \
	"{\"destination\":\"" dest "\",\"type\":\"bind\",\"source\":\"" source \
	"\",\"options\":[" options "]}"
#define MOUNT(dest, type, options)                                             \
	"{\"destination\":\"" dest "\",\"type\":\"" type                       \
	"\",\"source\":\"s\",\"options\":[" options "]}"
#define NONE "\"rbind\",\"nosuid\",\"noexec\",\"nodev\""
#define RONE NONE ",\"ro\""

static void test_mount_form(void **state)
{
	(void)state;
	mount_refused("1", "mounts[0]: not an object");
	mount_refused("{}", "mounts[0].destination: not a path");
	mount_refused("{\"destination\":\"\"}", "mounts[0].destination: not");
	mount_refused("{\"destination\":3}", "mounts[0].destination: not");
	mount_refused("{\"destination\":\"/x\",\"type\":3}",
		      "mounts[0].type: not a string");
	mount_refused("{\"destination\":\"/x\",\"type\":\"tmpfs\","
		      "\"options\":\"ro\"}",
		      "mounts[0].options: not a list");
	mount_refused("{\"destination\":\"/x\",\"type\":\"tmpfs\","
		      "\"options\":[\"ro\",1]}",
		      "mounts[0].options: not a list of strings");
	mount_refused("{\"destination\":\"/x\"}",
		      "mounts[0]: /x: a user cannot mount");
	/* The bundle's own index, whatever was added and dropped before. */
	mount_refused(MOUNT("/sys/fs/cgroup", "cgroup", "") "," MOUNT(
			      "/x", "tmpfs", "") "," MOUNT("/y", "xfs", ""),
		      "mounts[2]: /y: a user cannot mount file systems of type "
		      "xfs");
}

/* The init writes below /proc/self to become the user. */
static void test_readonly_proc(void **state)
{
	static const char text[] =
		"{\"linux\":{\"namespaces\":[{\"type\":\"pid\"}]},\"mounts\":["
		"{\"destination\":\"/proc/\",\"type\":\"proc\",\"options\":"
		"[\"nosuid\",\"ro\",\"rro\"]}]}";
	struct sb_err err = {.text = ""};
	char *got;

	(void)state;
	for (int i = 0; i < 2; i++) {
		node.identity = i;
		got = converted(text, "mounts", &err);
		assert_non_null(got);
		assert_int_equal(!strstr(got, "[\"nosuid\",\"ro\",\"rro\"]"),
				 i);
		assert_int_equal(!!strstr(got, "[\"nosuid\"]"), i);
		assert_int_equal(!!strstr(said, "mounts: /proc: option ro "
						"dropped: with it"),
				 i);
		free(got);
	}
	/* The node's own, too. */
	mount_becomes(MOUNT("/proc", "proc", "\"ro\""),
		      "{\"destination\":\"/proc\",\"type\":\"bind\","
		      "\"source\":\"/proc\",\"options\":[" NONE "]}");
	node.identity = 0;
}

static void test_readonly_paths(void **state)
{
	static const char text[] =
		"{\"linux\":{\"readonlyPaths\":[\"/proc\",\"/proc/sys\","
		"\"//proc/.\",\"/proc/self\",\"/proc/self/gid_map\",\"/proc/"
		"1\","
		"\"/proc/selfish\",\"proc\",\"/proc/thread-self\",\"/\","
		"\"/proc/bus\",\"/proc2\"]}}";

	(void)state;
	node.identity = 1;
	becomes(text, "linux.readonlyPaths",
		"[\"/proc/sys\",\"/proc/selfish\",\"/proc/bus\",\"/proc2\"]");
	assert_contains(said, "linux.readonlyPaths: /proc: dropped: ");
	node.identity = 0;
	becomes("{\"linux\":{\"readonlyPaths\":[\"/proc\"]}}",
		"linux.readonlyPaths", "[\"/proc\"]");
}

/* The bundle's own name may be of any bytes. */
static void test_source_that_is_no_utf8(void **state)
{
	(void)state;
	node.bundle = "/caf\xe9";
	mount_refused(BIND("/x", "data", ""),
		      "mount of /caf\xe9/data: holds bytes that are no UTF-8");
	node.bundle = "/b";
}

/* What takes the root's place is no mount, however it is written. */
static void fault_14_the_root(void **state)
{
	static const char *const roots[] = {"/",     "//",    ".",     "..",
					    "/./..", "/a/..", "/a/../"};
	char text[128];

	(void)state;
	for (size_t i = 0; i < sizeof(roots) / sizeof(*roots); i++) {
		snprintf(text, sizeof(text),
			 "{\"destination\":\"%s\",\"type\":\"tmpfs\"}",
			 roots[i]);
		mount_refused(text, "mounts[0].destination: / is the whole "
				    "container");
	}
}

static void test_destination(void **state)
{
	(void)state;
	mount_becomes(MOUNT("tmp", "tmpfs", ""), MOUNT("/tmp", "tmpfs", ""));
	assert_contains(said, "mounts: tmp: made absolute");
	mount_becomes(MOUNT("//a/./b//", "tmpfs", ""),
		      MOUNT("/a/b", "tmpfs", ""));
	mount_becomes(MOUNT("/a/../.b/...", "tmpfs", ""),
		      MOUNT("/.b/...", "tmpfs", ""));
	assert_contains(said, "mounts: /a/../.b/...: taken for /.b/...\n");
	mount_becomes(MOUNT("/../../a/b/./..//c/..", "tmpfs", ""),
		      MOUNT("/a", "tmpfs", ""));
	mount_becomes(MOUNT("../a..", "tmpfs", ""), MOUNT("/a..", "tmpfs", ""));
	mount_becomes(MOUNT("/dev/../x", "tmpfs", ""),
		      MOUNT("/x", "tmpfs", ""));
}

static void test_other_types(void **state)
{
	static const char *const bad[] = {"ext4", "xfs", "nfs",	 "9p",
					  "none", "",	 "btrfs"};
	static const char *const good[] = {"tmpfs", "ramfs", "overlay", "fuse"};
	char text[256], why[64];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		snprintf(text, sizeof(text),
			 "{\"destination\":\"/x\",\"type\":\"%s\"}", bad[i]);
		snprintf(why, sizeof(why), "file systems of type %s", bad[i]);
		mount_refused(text, why);
	}
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		snprintf(text, sizeof(text),
			 "{\"destination\":\"/x\",\"type\":\"%s\","
			 "\"source\":\"s\",\"options\":[\"ro\"]}",
			 good[i]);
		mount_becomes(text, text);
	}
}

static void test_options(void **state)
{
	(void)state;
	mount_becomes(MOUNT("/x", "tmpfs",
			    "\"uid=5\",\"mode=755\",\"gid=0\",\"gid=12\","
			    "\"context=a:b\",\"rootcontext=x\",\"size=1\","
			    "\"noswap\",\"idmap\",\"ridmap\",\"rprivate\","
			    "\"idmap=uids=0-0-1;gids=0-0-1\","
			    "\"ridmap=uids=0-1-1\",\"idmapped\","
			    "\"noatime\""),
		      MOUNT("/x", "tmpfs",
			    "\"mode=755\",\"gid=0\",\"size=1\",\"rprivate\","
			    "\"idmapped\",\"noatime\""));
	assert_contains(said, "mounts: /x: option uid=5 dropped: ");
	mount_becomes("{\"destination\":\"/x\",\"type\":\"tmpfs\","
		      "\"uidMappings\":[],\"gidMappings\":[],\"new\":1}",
		      "{\"destination\":\"/x\",\"type\":\"tmpfs\",\"new\":1,"
		      "\"options\":[]}");
}

static void test_kernel_mounts(void **state)
{
	(void)state;
	mount_becomes(MOUNT("/s", "sysfs", "\"rw\",\"rslave\""),
		      BIND("/s", "/sys", RONE ",\"rslave\""));
	assert_contains(said, "mounts: /s: sysfs replaced by a bind of /sys");
	mount_becomes(MOUNT("/sys/fs/cgroup", "cgroup", "\"relatime\""),
		      BIND("/sys/fs/cgroup", "/sys/fs/cgroup", RONE));
	mount_becomes(MOUNT("/c", "cgroup2", ""),
		      BIND("/c", "/sys/fs/cgroup", RONE));
	mount_becomes(MOUNT("/x", "debugfs", ""), "");
	assert_contains(said, "mounts: /x: debugfs dropped: the node has none");
	mount_becomes(MOUNT("/h", "hugetlbfs", "\"pagesize=2M\""),
		      BIND("/h", "/dev/hugepages", NONE));
}

/* What is below the node's /sys is there already. */
static void test_sys(void **state)
{
	struct sb_err err;
	char *got;

	(void)state;
	got = converted("{\"mounts\":["
			"{\"destination\":\"/sys/\",\"type\":\"sysfs\"},"
			"{\"destination\":\"/sys/fs/cgroup\",\"type\":"
			"\"cgroup\"},"
			"{\"destination\":\"/sys/fs/bpf\",\"type\":\"bpf\"},"
			"{\"destination\":\"/b\",\"type\":\"bpf\"}]}",
			"mounts", &err);
	assert_non_null(got);
	assert_null(strstr(got, "cgroup"));
	assert_null(strstr(got, "/sys/fs/bpf\",\"type"));
	assert_contains(got, "\"source\":\"/sys/fs/bpf\"");
	free(got);
	/* Added ones count as well. */
	got = converted("{\"mounts\":[{\"destination\":\"/sys/fs/cgroup\","
			"\"type\":\"cgroup\"}]}",
			"mounts", &err);
	assert_non_null(got);
	assert_null(strstr(got, "cgroup"));
	free(got);
}

static void test_proc_mount(void **state)
{
	static const char *const proc = MOUNT("/p", "proc", "\"hidepid=2\"");

	(void)state;
	mount_in(PID, proc, proc);
	mount_in("", proc, BIND("/p", "/proc", NONE));
	mount_in("", MOUNT("/p", "proc", "\"ro\""), BIND("/p", "/proc", RONE));
}

static void test_mqueue(void **state)
{
	static const char *const mqueue = MOUNT("/q", "mqueue", "\"nosuid\"");
	static char hidden[] = "/dev/mqueue";

	(void)state;
	mount_in(IPC, mqueue, mqueue);
	mount_in("", mqueue, BIND("/q", "/dev/mqueue", NONE));
	node.arg = hidden;
	mount_in("", mqueue, "");
	node.arg = NULL;
}

static void test_devpts(void **state)
{
	(void)state;
	mount_becomes(MOUNT("/d", "devpts",
			    "\"newinstance\",\"mode=0620\",\"gid=5\""),
		      MOUNT("/d", "devpts", "\"newinstance\",\"mode=0620\""));
	mount_becomes(MOUNT("/d", "devpts", "\"gid=0\""),
		      MOUNT("/d", "devpts", "\"gid=0\",\"newinstance\""));
}

static void test_bind(void **state)
{
	(void)state;
	mount_becomes(BIND("/x", "/data", "\"bind\",\"ro\",\"rslave\""),
		      BIND("/x", "/data", "\"rbind\",\"ro\",\"rslave\""));
	mount_becomes(BIND("/x", "/data", "\"rbind\",\"ro\""),
		      BIND("/x", "/data", "\"rbind\",\"ro\""));
	mount_becomes(BIND("/x", "/data", "\"bind\",\"rbind\""),
		      BIND("/x", "/data", "\"rbind\""));
	mount_becomes(BIND("/x", "/data", ""),
		      BIND("/x", "/data", "\"rbind\""));
	mount_becomes("{\"destination\":\"/x\",\"source\":\"/data\","
		      "\"options\":[\"bind\"]}",
		      "{\"destination\":\"/x\",\"source\":\"/data\","
		      "\"options\":[\"rbind\"],\"type\":\"bind\"}");
	/* The type of a bind mount is a dummy. */
	mount_becomes("{\"destination\":\"/x\",\"type\":\"ext4\","
		      "\"source\":\"/data\",\"options\":[\"rbind\"]}",
		      BIND("/x", "/data", "\"rbind\""));
	mount_becomes(BIND("/x", "data", "\"bind\""),
		      BIND("/x", "/b/data", "\"rbind\""));
	/* What is locked; and ids and labels. */
	mount_becomes(BIND("/x", "/data",
			   "\"bind\",\"noatime\",\"rrelatime\",\"lazytime\","
			   "\"idmap\",\"context=x\",\"nodev\""),
		      BIND("/x", "/data", "\"rbind\",\"lazytime\",\"nodev\""));
	mount_refused("{\"destination\":\"/x\",\"type\":\"bind\"}",
		      "mounts[0]: /x: a bind mount without a source");
	mount_refused(
		MOUNT("/a", "tmpfs", "") "," BIND("/x", "gone", "\"bind\""),
		"mounts[1].source: /b/gone: not on this node, or closed to you "
		"(to be mounted at /x)");
}

/* Without it the init, and most of what runs there, can do nothing. */
static void fault_14_no_proc(void **state)
{
	(void)state;
	mount_refused(BIND("/proc", "/data", "\"bind\""),
		      "mounts[0]: /proc: a bind in its place: only a proc");
	mount_refused(MOUNT("/a", "tmpfs", "") ","
					       "{\"destination\":\"/./proc/\","
					       "\"type\":\"tmpfs\","
					       "\"source\":\"/proc\"}",
		      "mounts[1]: /proc: a tmpfs in its place: only a proc");
	mount_becomes(BIND("/proc", "/proc", "\"bind\""),
		      BIND("/proc", "/proc", "\"rbind\""));
	mount_becomes(BIND("/proc/kcore", "/data", "\"bind\""),
		      BIND("/proc/kcore", "/data", "\"rbind\""));
	mount_becomes(BIND("/process", "/data", "\"bind\""),
		      BIND("/process", "/data", "\"rbind\""));
}

/* A bind whose flags are set anew keeps those of the node's mount. */
static void test_locked(void **state)
{
	(void)state;
	mount_becomes(BIND("/x", "/locked", "\"bind\",\"rw\",\"rslave\""),
		      BIND("/x", "/locked", "\"rbind\",\"rw\",\"rslave\""));
	mount_becomes(BIND("/x", "/locked", "\"bind\",\"ro\""),
		      BIND("/x", "/locked",
			   "\"rbind\",\"ro\",\"nosuid\",\"nodev\","
			   "\"noexec\""));
	assert_contains(said, "mounts: /x: option nodev added: ");
	mount_becomes(BIND("/x", "/locked",
			   "\"bind\",\"noexec\",\"rw\",\"exec\",\"nosuid\""),
		      BIND("/x", "/locked",
			   "\"rbind\",\"noexec\",\"rw\",\"exec\","
			   "\"nosuid\",\"ro\",\"nodev\",\"noexec\""));
	mount_becomes(BIND("/x", "/data", "\"rbind\",\"ro\""),
		      BIND("/x", "/data", "\"rbind\",\"ro\""));
}

/* What container engines make themselves and take away again. */
static void test_lost(void **state)
{
	static const char *const gone[] = {
		"/run/.containerenv", "/.dockerenv", "/run/secrets",
		"/run/secrets/x",     "/etc/passwd", "/etc/resolv.conf",
		"/dev/init",
	};
	char text[256];

	(void)state;
	mount_becomes(BIND("/etc/hosts", "/g", "\"bind\",\"rprivate\""),
		      BIND("/etc/hosts", "/etc/hosts",
			   "\"rbind\",\"ro\",\"rprivate\",\"nodev\""));
	mount_becomes(BIND("/etc/hosts", "/data", "\"rbind\""),
		      BIND("/etc/hosts", "/data", "\"rbind\""));
	for (size_t i = 0; i < sizeof(gone) / sizeof(*gone); i++) {
		snprintf(text, sizeof(text),
			 "{\"destination\":\"%s\",\"type\":\"bind\","
			 "\"source\":\"/gone\"}",
			 gone[i]);
		mount_becomes(text, "");
	}
	mount_becomes(BIND("/dev/shm", "/gone", "\"bind\",\"rprivate\""),
		      "{\"destination\":\"/dev/shm\",\"type\":\"tmpfs\","
		      "\"source\":\"shm\",\"options\":[\"nosuid\",\"nodev\","
		      "\"mode=1777\",\"rprivate\"]}");
}

#define PROC BIND("/proc", "/proc", NONE)
#define DEV                                                                    \
	"{\"destination\":\"/dev\",\"type\":\"tmpfs\",\"source\":\"tmpfs\","   \
	"\"options\":[\"nosuid\",\"strictatime\",\"mode=755\","                \
	"\"size=65536k\"]}"
#define PTS                                                                    \
	"{\"destination\":\"/dev/pts\",\"type\":\"devpts\","                   \
	"\"source\":\"devpts\",\"options\":[\"nosuid\",\"noexec\","            \
	"\"ptmxmode=0666\",\"mode=0620\",\"newinstance\"]}"
#define SHM                                                                    \
	"{\"destination\":\"/dev/shm\",\"type\":\"tmpfs\","                    \
	"\"source\":\"tmpfs\",\"options\":[\"nosuid\",\"nodev\","              \
	"\"mode=1777\"]}"
#define SYS BIND("/sys", "/sys", RONE)

static void test_defaults(void **state)
{
	(void)state;
	becomes("{}", "mounts", "[" PROC "," DEV "," PTS "," SHM "," SYS "]");
	assert_contains(said, "mounts: /dev/shm: added: ");
	/* Each before what it would hide. */
	becomes("{\"mounts\":[" MOUNT("/a", "tmpfs", "") "," MOUNT(
			"/dev/shm/x", "tmpfs", "") "," MOUNT("/proc/y", "tmpfs",
							     "") "]}",
		"mounts",
		"[" MOUNT("/a", "tmpfs", "") "," DEV "," SHM "," MOUNT(
			"/dev/shm/x", "tmpfs",
			"") "," PROC "," MOUNT("/proc/y", "tmpfs",
					       "") "," PTS "," SYS "]");
	/* The node's /dev has all there is. */
	becomes("{\"mounts\":[" BIND("/dev", "/dev", "\"rbind\"") "]}",
		"mounts",
		"[" BIND("/dev", "/dev", "\"rbind\"") "," PROC "," SYS "]");
	becomes("{\"mounts\":[" MOUNT("/dev", "devtmpfs", "") "]}", "mounts",
		"[" BIND("/dev", "/dev",
			 "\"rbind\",\"nosuid\",\"noexec\"") "," PROC "," SYS
							    "]");
}

/* ---- documents made by others ---- */

static char *read_document(const char *name)
{
	static char text[16384];
	char path[512];
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), SRCDIR "/test/unit/data/%s.json", name);
	f = fopen(path, "r");
	if (!f)
		fail_msg("%s cannot be read", path);
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = '\0';
	return text;
}

/* runc spec: all that is left of it, but process. */
static void test_runc_spec(void **state)
{
	char *text = read_document("runc");

	(void)state;
	becomes(text, "linux",
		"{\"namespaces\":[{\"type\":\"pid\"},{\"type\":\"ipc\"},"
		"{\"type\":\"mount\"}],\"maskedPaths\":[\"/proc/acpi\","
		"\"/proc/asound\",\"/proc/kcore\",\"/proc/keys\","
		"\"/proc/latency_stats\",\"/proc/timer_list\","
		"\"/proc/timer_stats\",\"/proc/sched_debug\","
		"\"/sys/firmware\",\"/proc/scsi\"],\"readonlyPaths\":["
		"\"/proc/bus\",\"/proc/fs\",\"/proc/irq\",\"/proc/sys\","
		"\"/proc/sysrq-trigger\"]}");
	becomes(text, "mounts",
		"[{\"destination\":\"/proc\",\"type\":\"proc\","
		"\"source\":\"proc\",\"options\":[]}," DEV ","
		"{\"destination\":\"/dev/pts\",\"type\":\"devpts\","
		"\"source\":\"devpts\",\"options\":[\"nosuid\",\"noexec\","
		"\"newinstance\",\"ptmxmode=0666\",\"mode=0620\"]},"
		"{\"destination\":\"/dev/shm\",\"type\":\"tmpfs\","
		"\"source\":\"shm\",\"options\":[\"nosuid\",\"noexec\","
		"\"nodev\",\"mode=1777\",\"size=65536k\"]},"
		"{\"destination\":\"/dev/mqueue\",\"type\":\"mqueue\","
		"\"source\":\"mqueue\",\"options\":[\"nosuid\",\"noexec\","
		"\"nodev\"]}," SYS "]");
	becomes(text, "hostname", "\"missing\"");
	becomes(text, "process.noNewPrivileges", "true");
	becomes(text, "process.rlimits", "\"missing\"");
	becomes(text, "root", "{\"path\":\"rootfs\",\"readonly\":true}");
}

/* podman: its files are on another node. */
static void test_podman(void **state)
{
	struct sb_err err;
	char *got = converted(read_document("podman"), "mounts", &err);

	(void)state;
	assert_non_null(got);
	assert_contains(got, BIND("/etc/hosts", "/etc/hosts",
				  "\"rbind\",\"ro\",\"rprivate\",\"nodev\""));
	assert_contains(got, "\"/dev/shm\",\"type\":\"tmpfs\"");
	assert_null(strstr(got, "containerenv"));
	assert_null(strstr(got, "resolv.conf"));
	free(got);
}

/* Nothing is left that a user namespace cannot have, and what can be had is
 * taken as it is: a second time changes nothing, and says nothing. */
static void test_twice(void **state)
{
	static const char *const names[] = {"runc", "podman", "umoci-rootless"};
	static const char *const bad[] = {
		"\"network\"", "\"uts\"",     "\"type\":\"user\"",
		"\"sysfs\"",   "\"cgroup\"",  "gid=5",
		"rlimits",     "hostname\":", "resources",
		"cgroupsPath", "uidMappings"};
	struct sb_err err = {.text = ""};
	char *once, *twice;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		once = converted(read_document(names[i]), "", &err);
		if (!once)
			fail_msg("%s: %s", names[i], err.text);
		assert_true(*said);
		for (size_t j = 0; j < sizeof(bad) / sizeof(*bad); j++)
			if (strstr(once, bad[j]))
				fail_msg("%s: %s is left", names[i], bad[j]);
		twice = converted(once, "", &err);
		assert_non_null(twice);
		assert_string_equal(twice, once);
		assert_string_equal(said, "");
		free(once);
		free(twice);
	}
}

/* Tasks of the node will enter: no pid namespace, and so the node's /proc. */
static void test_shared(void **state)
{
	struct sb_err err = {.text = ""};
	char *text;

	(void)state;
	node.shared = 1;
	text = converted("{\"linux\":{\"namespaces\":[{\"type\":\"pid\"},"
			 "{\"type\":\"ipc\"},{\"type\":\"mount\"}]},"
			 "\"mounts\":[{\"destination\":\"/proc\",\"type\":"
			 "\"proc\",\"source\":\"proc\"}]}",
			 "linux.namespaces", &err);
	if (!text)
		fail_msg("%s", err.text);
	assert_string_equal(text, "[{\"type\":\"ipc\"},{\"type\":\"mount\"}]");
	assert_contains(said, "linux.namespaces: pid: dropped: several tasks");
	assert_contains(said, "/proc");
	free(text);
	node.shared = 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_platform),
		cmocka_unit_test(test_version),
		cmocka_unit_test(fault_10_cwd),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_not_of_form),
		cmocka_unit_test(test_kept),
		cmocka_unit_test(test_dropped),
		cmocka_unit_test(test_annotations),
		cmocka_unit_test(test_user),
		cmocka_unit_test(test_capabilities),
		cmocka_unit_test(test_namespaces),
		cmocka_unit_test(test_shared),
		cmocka_unit_test(test_time_offsets),
		cmocka_unit_test(test_sysctl),
		cmocka_unit_test(test_devices),
		cmocka_unit_test(test_mount_form),
		cmocka_unit_test(test_readonly_proc),
		cmocka_unit_test(test_readonly_paths),
		cmocka_unit_test(test_source_that_is_no_utf8),
		cmocka_unit_test(fault_14_the_root),
		cmocka_unit_test(test_destination),
		cmocka_unit_test(test_other_types),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_kernel_mounts),
		cmocka_unit_test(test_sys),
		cmocka_unit_test(test_proc_mount),
		cmocka_unit_test(test_mqueue),
		cmocka_unit_test(test_devpts),
		cmocka_unit_test(test_bind),
		cmocka_unit_test(fault_14_no_proc),
		cmocka_unit_test(test_locked),
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_runc_spec),
		cmocka_unit_test(test_podman),
		cmocka_unit_test(test_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
