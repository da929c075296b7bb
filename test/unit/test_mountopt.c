/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The grammar of --container-mounts. */
#include "unit.h"

#include "../../spank/mountopt.h"

static struct sb_mountopt m;
static struct sb_err err;

/* Reads a list of one. */
static void read_one(const char *text)
{
	const char *at = text;

	if (sb_mountopt_next(&at, &m, &err) != 1)
		fail_msg("%s: %s", text, err.text);
	assert_string_equal(at, "");
	assert_int_equal(sb_mountopt_next(&at, &m, &err), 0);
}

/* Reads until one is refused, for this reason. */
static void refused(const char *list, const char *why)
{
	const char *at = list;
	int rc;

	err.text[0] = '\0';
	while ((rc = sb_mountopt_next(&at, &m, &err)) > 0)
		;
	if (rc == 0)
		fail_msg("%s: taken", list);
	assert_contains(err.text, why);
}

static void bind_is(const char *text, const char *source,
		    const char *destination, const char *opts)
{
	read_one(text);
	assert_int_equal(m.kind, SB_MOUNT_BIND);
	assert_string_equal(m.source, source);
	assert_string_equal(m.destination, destination);
	assert_string_equal(m.options, opts);
}

static void test_bind(void **state)
{
	(void)state;
	bind_is("/a:/b", "/a", "/b", "rbind,rprivate");
	assert_int_equal(m.optional, 0);
	assert_int_equal(m.create, SB_CREATE_AUTO);
	bind_is("/a", "/a", "/a", "rbind,rprivate");
	bind_is("/a:/b:ro", "/a", "/b", "rbind,rprivate,ro");
	bind_is("/a:/b:bind", "/a", "/b", "rprivate,bind");
	bind_is("/a:/b:rslave+bind+ro+nosuid+nodev+noexec+noatime+nodiratime",
		"/a", "/b",
		"ro,bind,rslave,nosuid,nodev,noexec,noatime,nodiratime");
	/* Said twice is not said against oneself. */
	bind_is("/a:/b:ro+ro", "/a", "/b", "rbind,rprivate,ro");
	read_one("/a:/b:optional+x-create=file");
	assert_int_equal(m.optional, 1);
	assert_int_equal(m.create, SB_CREATE_FILE);
	assert_string_equal(m.options, "rbind,rprivate");
	read_one("/a:/b:x-create=dir");
	assert_int_equal(m.create, SB_CREATE_DIR);
	read_one("/a:/b:x-create=auto");
	assert_int_equal(m.create, SB_CREATE_AUTO);
	assert_int_equal(m.optional, 0);
	/* A source may climb: it is the host's. */
	bind_is("/a/../c:/b", "/a/../c", "/b", "rbind,rprivate");
}

static void test_expansions_stay(void **state)
{
	(void)state;
	bind_is("$PWD", "$PWD", "$PWD", "rbind,rprivate");
	bind_is("${SCRATCH}/%j:%Z/x", "${SCRATCH}/%j", "%Z/x",
		"rbind,rprivate");
	/* Quoted, they are to stay what they are. */
	bind_is("/a\\$b\\%c:/d", "/a$$b%%c", "/d", "rbind,rprivate");
	refused("\\$HOME:/a", "source $$HOME is not absolute");
	refused("%%a:/b", "source %%a is not absolute");
}

static void test_quoting(void **state)
{
	(void)state;
	bind_is("/a\\:b\\,c\\\\d:/e", "/a:b,c\\d", "/e", "rbind,rprivate");
	bind_is("/a b+c=d:/e", "/a b+c=d", "/e", "rbind,rprivate");
	bind_is("\\/a:/b", "/a", "/b", "rbind,rprivate");
	refused("/a:/b\\", "backslash at the end");
	refused("/a:/b:ro\\,rw", "flag ro,rw is unknown");
}

static void test_tmpfs(void **state)
{
	(void)state;
	read_one("tmpfs:/scratch");
	assert_int_equal(m.kind, SB_MOUNT_TMPFS);
	assert_string_equal(m.source, "");
	assert_string_equal(m.destination, "/scratch");
	assert_string_equal(m.options, "nosuid,nodev,mode=1777");
	read_one("tmpfs:/s:size=10g+mode=0700+nr_inodes=1k+suid+dev+noexec");
	assert_string_equal(m.options, "suid,dev,noexec,size=10g,mode=0700,"
				       "nr_inodes=1k");
	read_one("tmpfs:/s:size=50%+x-create=dir");
	assert_string_equal(m.options, "nosuid,nodev,mode=1777,size=50%");
	refused("tmpfs", "destination is missing");
	refused("tmpfs:/s:bind", "flag bind is not for a tmpfs");
	refused("tmpfs:/s:optional", "flag optional is not for a tmpfs");
	refused("tmpfs:/s:x-create=file", "is not for a tmpfs");
	refused("tmpfs:/s:size=", "flag size=: bad value");
	refused("tmpfs:/s:size=1x", "flag size=1x: bad value");
	refused("tmpfs:/s:size=g", "bad value");
	refused("tmpfs:/s:size=-1", "bad value");
	refused("tmpfs:/s:size=1\\,mode=0", "bad value");
	refused("tmpfs:/s:size=9999999999999999999999", "bad value");
	refused("tmpfs:/s:mode=8", "bad value");
	refused("tmpfs:/s:mode=17777", "bad value");
	refused("tmpfs:/s:nr_inodes=1%", "bad value");
	refused("tmpfs:/s:size=1+size=2", "size=1 and size=2 exclude");
}

static void test_umount(void **state)
{
	(void)state;
	read_one("umount:/sys");
	assert_int_equal(m.kind, SB_MOUNT_UMOUNT);
	assert_string_equal(m.source, "");
	assert_string_equal(m.destination, "/sys");
	assert_string_equal(m.options, "");
	refused("umount", "destination is missing");
	refused("umount:/sys:ro", "umount has no flags");
	refused("umount:sys", "destination sys is not absolute");
}

static void test_list(void **state)
{
	const char *at = "/a:/b:ro,tmpfs:/c,/d";

	(void)state;
	assert_int_equal(sb_mountopt_next(&at, &m, &err), 1);
	assert_string_equal(m.options, "rbind,rprivate,ro");
	assert_int_equal(sb_mountopt_next(&at, &m, &err), 1);
	assert_int_equal(m.kind, SB_MOUNT_TMPFS);
	assert_int_equal(sb_mountopt_next(&at, &m, &err), 1);
	/* Nothing stays of the one before. */
	assert_int_equal(m.kind, SB_MOUNT_BIND);
	assert_string_equal(m.options, "rbind,rprivate");
	assert_int_equal(sb_mountopt_next(&at, &m, &err), 0);
	at = "";
	assert_int_equal(sb_mountopt_next(&at, &m, &err), 0);
	refused(",/a:/b", "an element is empty");
	refused("/a:/b,,/c:/d", "an element is empty");
	refused("/a:/b,", "an element is empty");
	refused(",", "an element is empty");
	refused("/a:/b, /c:/d", "source  /c is not absolute");
}

static void test_mistakes(void **state)
{
	(void)state;
	refused("a:/b", "source a is not absolute");
	refused("/a:b", "destination b is not absolute");
	refused(":/b", "source is missing");
	refused("/a:", "destination is missing");
	refused("/a::ro", "destination is missing");
	refused("/a:/b:", "a flag is empty");
	refused("/a:/b:ro+", "a flag is empty");
	refused("/a:/b:ro++nodev", "a flag is empty");
	refused("/a:/b:ro:x", "too many colons");
	refused("/a:/b:r", "flag r is unknown");
	refused("/a:/b:RO", "flag RO is unknown");
	refused("/a:/b:rox", "flag rox is unknown");
	refused("/a:/b:x-create=", "flag x-create= is unknown");
	refused("/a:/b:x-create=dirx", "flag x-create=dirx is unknown");
	refused("/a:/b:size=1", "flag size=1 is not for a bind");
	refused("/a:/b:ro+rw", "flags ro and rw exclude each other");
	refused("/a:/b:bind+rbind", "exclude each other");
	refused("/a:/b:rshared+private", "exclude each other");
	refused("/a:/b:suid+nosuid", "exclude each other");
	refused("/a:/b:dev+nodev", "exclude each other");
	refused("/a:/b:exec+noexec", "exclude each other");
	refused("/a:/b:noatime+relatime", "exclude each other");
	refused("/a:/b:x-create=dir+x-create=file", "exclude each other");
	refused("/a:/b/../c", "\"..\" component");
	refused("/a:/..", "\"..\" component");
	refused("/a/..", "\"..\" component");
	refused("/a:$X/../y", "\"..\" component");
	refused("/a:/", "the whole container");
	refused("/", "the whole container");
	refused("umount:/./", "the whole container");
}

static void test_normalize(void **state)
{
	(void)state;
	bind_is("/a:/b//c/./d/", "/a", "/b/c/d", "rbind,rprivate");
	bind_is("/a:/..b/c..", "/a", "/..b/c..", "rbind,rprivate");
	bind_is("/a:$HOME/./x/", "/a", "$HOME/x", "rbind,rprivate");
	{
		char expanded[] = "/home//alice/";
		char climbs[] = "/home/..";

		assert_int_equal(sb_mountopt_normalize(expanded, &err), 0);
		assert_string_equal(expanded, "/home/alice");
		assert_int_equal(sb_mountopt_normalize(climbs, &err), -1);
	}
}

static void test_limits(void **state)
{
	static char text[3 * PATH_MAX];
	const size_t longest = PATH_MAX - 1;

	(void)state;
	memset(text, 'x', sizeof(text));
	text[0] = '/';
	text[longest] = '\0';
	read_one(text);
	assert_int_equal(strlen(m.source), longest);
	assert_int_equal(strlen(m.destination), longest);
	text[longest] = 'x';
	text[longest + 1] = '\0';
	refused(text, "source is longer than 4095 bytes");
	/* What grows by unquoting is counted as it is written. */
	memset(text + longest, 'x', 2);
	memcpy(text + longest - 1, "\\$", 3);
	refused(text, "source is longer");
	memcpy(text, "/a:/", 4);
	memset(text + 4, 'x', longest);
	text[4 + longest] = '\0';
	refused(text, "destination is longer");
	memcpy(text, "/a:/b:", 6);
	memset(text + 6, 'x', 600);
	text[606] = '\0';
	refused(text, "flags is longer");
	memset(text + 6, 'x', 500);
	text[506] = '\0';
	refused(text, "is unknown");
}

/* All the flags that go together fit. */
static void test_all_flags(void **state)
{
	(void)state;
	read_one("tmpfs:/a:ro+rprivate+nosuid+nodev+noexec+strictatime+"
		 "nodiratime+size=123456789012345678g+mode=1777+"
		 "nr_inodes=123456789012345678k+x-create=auto");
	assert_contains(m.options, "nr_inodes=123456789012345678k");
}

/* No text makes it read or write beyond its end, or go on forever. */
static void test_any_text(void **state)
{
	static const char *const words[] = {
		"/",	   "a",	   ":", ",", "\\",	"+",	 "..",
		"$",	   "%",	   "=", ".", "ro",	"size=", "mode=7",
		"tmpfs:/", "/a:/", "",	"x", "umount:", "rbind",
	};
	unsigned int seed = 1;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		char text[256] = "";
		char *copy;
		const char *at;
		int n = 0;

		for (int k = 0; k < 12; k++) {
			seed = seed * 1103515245 + 12345;
			strcat(text, words[(seed >> 16) %
					   (sizeof(words) / sizeof(words[0]))]);
		}
		/* On the heap, where a sanitizer sees its end. */
		at = copy = strdup(text);
		while (sb_mountopt_next(&at, &m, &err) > 0) {
			assert_true(*m.destination);
			assert_null(strstr(m.destination, "/../"));
			assert_true(at <= copy + strlen(copy));
			assert_true(n++ < 256);
		}
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bind),
		cmocka_unit_test(test_expansions_stay),
		cmocka_unit_test(test_quoting),
		cmocka_unit_test(test_tmpfs),
		cmocka_unit_test(test_umount),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_normalize),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_all_flags),
		cmocka_unit_test(test_any_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
