/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who the user is, and the container's passwd and group. */
#define _GNU_SOURCE
#include "unit.h"

#include "../../helper/passwd.h"

#include <errno.h>
#include <pwd.h>

#define ENV(...) ((char *[]){__VA_ARGS__, NULL})

/* ---- a host's /etc ---- */

static char etc[64];

static void put(const char *name, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", etc, name);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static int make_etc(void **state)
{
	(void)state;
	strcpy(etc, "/tmp/stepbox-unit-XXXXXX");
	assert_non_null(mkdtemp(etc));
	put("passwd", "root:x:0:0:root:/root:/bin/bash\n"
		      "# alice:x:1000:1000::/wrong:/bin/sh\n"
		      "slurm:$6$secret:64030:64031:Slurm, the:/nonexistent:"
		      "/usr/sbin/nologin\n"
		      "munge:x:114:121::relative:\n"
		      "alice:x:1000:1000:Alice:/home/alice:/bin/zsh\n"
		      "alias:x:1000:1000:Later:/home/alias:/bin/zsh\n"
		      "a/b:x:1001:1001::/home/ab:/bin/sh\n"
		      "bare:x:1002:1002:::\n"
		      "+::::::\n");
	put("group", "root:x:0:\n"
		     "domain users:x:1000:root,alice\n"
		     "g/h:x:1001:\n"
		     "good:x:1001:\n"
		     "+:::\n");
	return 0;
}

static int remove_etc(void **state)
{
	static const char *const names[] = {"passwd", "group"};
	char path[128];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/%s", etc, names[i]);
		unlink(path);
	}
	return rmdir(etc);
}

/* ---- who it is ---- */

/* "user group home shell" of uid and gid. */
static const char *who_in(const char *dir, char **env, unsigned int uid,
			  unsigned int gid)
{
	static char text[8192];
	struct sb_err err = {.text = ""};
	struct sb_who who;

	if (sb_who_read(&who, dir, env, uid, gid, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(who.uid, uid);
	assert_int_equal(who.gid, gid);
	snprintf(text, sizeof(text), "%s|%s|%s|%s", who.user, who.group,
		 who.home, who.shell);
	sb_who_free(&who);
	assert_null(who.user);
	sb_who_free(&who);
	return text;
}

static const char *who_is(char **env, unsigned int uid, unsigned int gid)
{
	return who_in(etc, env, uid, gid);
}

#define IDENTITY "SLURM_STEPBOX_IDENTITY="

static void test_identity(void **state)
{
	(void)state;
	assert_string_equal(who_is(ENV(IDENTITY "1000:bob:1000:staff",
				       "HOME=/h", "SHELL=/bin/ksh", "USER=x"),
				   1000, 1000),
			    "bob|staff|/h|/bin/ksh");
	/* the client knows the name, the node the home */
	assert_string_equal(
		who_is(ENV(IDENTITY "1000:bob:1000:staff"), 1000, 1000),
		"bob|staff|/home/alice|/bin/sh");
	/* each name for its own id */
	assert_string_equal(who_is(ENV(IDENTITY "1000:bob:7:staff"), 1000, 8),
			    "bob|group8|/home/alice|/bin/sh");
	assert_string_equal(who_is(ENV(IDENTITY "7:bob:8:staff"), 9, 8),
			    "user9|staff|/|/bin/sh");
}

static void test_identity_is_broken(void **state)
{
	static const char *const texts[] = {
		"",
		":",
		":::",
		"70",
		"70:bob",
		"70:bob:70",
		"70:bob:70:staff:",
		"70:bob:70:staff:x",
		" 70:bob: 70:staff",
		"+70:bob:-70:staff",
		"70x:bob:0x46:staff",
		"4294967366:bob:4294967366:staff",
		"99999999999999999999:bob:99999999999999999999:staff",
		":bob::staff",
		"70::70:",
		"70:b/b:70:/",
		"70:b\nroot:70:\n",
		"70:b\tb:70:\x7f",
		"70:+bob:70:-staff",
		"70:#bob:70: staff",
	};
	char var[256];

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		snprintf(var, sizeof(var), IDENTITY "%s", texts[i]);
		assert_string_equal(who_is(ENV(var), 70, 70),
				    "user70|group70|/|/bin/sh");
	}
}

static void test_host(void **state)
{
	(void)state;
	/* the first entry counts, comments and NIS do not */
	assert_string_equal(who_is(ENV(NULL), 1000, 1000),
			    "alice|domain users|/home/alice|/bin/sh");
	assert_string_equal(who_is(ENV("USER=x", "SLURM_JOB_USER=y"), 1000, 5),
			    "alice|group5|/home/alice|/bin/sh");
	assert_string_equal(who_is(ENV("HOME=/scratch/a"), 1000, 1000),
			    "alice|domain users|/scratch/a|/bin/sh");
	/* "+::::::" is uid 0 to glibc */
	assert_string_equal(who_is(ENV(NULL), 0, 0), "root|root|/root|/bin/sh");
	/* a name that is none, and a home that is none */
	assert_string_equal(who_is(ENV("USER=ab"), 1001, 1001),
			    "ab|good|/|/bin/sh");
	assert_string_equal(who_is(ENV(NULL), 1002, 1),
			    "bare|group1|/|/bin/sh");
}

static void test_host_has_no_files(void **state)
{
	char deep[5000];

	(void)state;
	assert_string_equal(who_in("/nonexistent", ENV(NULL), 1000, 1000),
			    "user1000|group1000|/|/bin/sh");
	memset(deep, 'x', sizeof(deep));
	deep[sizeof(deep) - 1] = '\0';
	assert_string_equal(who_in(deep, NULL, 4294967294U, 1),
			    "user4294967294|group1|/|/bin/sh");
}

static void test_job(void **state)
{
	(void)state;
	assert_string_equal(who_is(ENV("SLURM_JOB_USER=carol", "USER=dave",
				       "SLURM_JOB_GROUP=crew"),
				   70, 71),
			    "carol|crew|/|/bin/sh");
	assert_string_equal(who_is(ENV("SLURM_JOB_UID=70", "SLURM_JOB_GID=71",
				       "SLURM_JOB_USER=carol", "USER=dave",
				       "SLURM_JOB_GROUP=crew"),
				   70, 71),
			    "carol|crew|/|/bin/sh");
	/* somebody else's */
	assert_string_equal(who_is(ENV("SLURM_JOB_UID=7",
				       "SLURM_JOB_GID=", "SLURM_JOB_USER=carol",
				       "USER=dave", "SLURM_JOB_GROUP=crew"),
				   70, 71),
			    "dave|group71|/|/bin/sh");
	assert_string_equal(who_is(ENV("USER="), 70, 71),
			    "user70|group71|/|/bin/sh");
}

static void test_long(void **state)
{
	static char user[400] = "USER=", home[5000] = "HOME=/";

	(void)state;
	memset(user + 5, 'u', 255);
	assert_int_equal(strspn(who_is(ENV(user), 70, 70), "u"), 255);
	memset(user + 5, 'u', 256);
	assert_string_equal(who_is(ENV(user), 70, 70),
			    "user70|group70|/|/bin/sh");
	memset(home + 6, 'h', 4094);
	assert_int_equal(strlen(who_is(ENV(home), 70, 70)),
			 strlen("user70|group70|") + 4095 + strlen("|/bin/sh"));
	memset(home + 6, 'h', 4095);
	assert_string_equal(who_is(ENV(home), 70, 70),
			    "user70|group70|/|/bin/sh");
}

static void test_home_and_shell(void **state)
{
	static char *const bad[] = {
		"",	"x",	     "/a:b",  "/a\nroot::0:0::/:",
		"/a\r", "/a\x1b[2J", "/a\x7f"};
	char home[64], shell[64];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(home, sizeof(home), "HOME=%s", bad[i]);
		snprintf(shell, sizeof(shell), "SHELL=%s", bad[i]);
		assert_string_equal(who_is(ENV(home, shell), 70, 70),
				    "user70|group70|/|/bin/sh");
		assert_string_equal(who_is(ENV(home, shell), 1000, 70),
				    "alice|group70|/home/alice|/bin/sh");
	}
	assert_string_equal(who_is(ENV("HOME=/h\xc3\xb6me x"), 70, 70),
			    "user70|group70|/h\xc3\xb6me x|/bin/sh");
}

/* ---- the texts ---- */

typedef int add_fn(const char *, size_t, const struct sb_who *,
		   struct sb_buf *);

static const struct sb_who alice = {.uid = 1000,
				    .gid = 2000,
				    .user = "alice",
				    .group = "staff",
				    .home = "/home/alice",
				    .shell = "/bin/zsh"};

/* What add makes of len bytes of old must be want; NULL: nothing. */
static void makes_bytes(add_fn *add, const char *old, size_t len,
			const char *want, size_t want_len)
{
	/* exactly len bytes, so that a sanitizer sees a read behind them */
	char *copy = old ? malloc(len ? len : 1) : NULL;
	struct sb_buf out = {0};

	if (old)
		memcpy(copy, old, len);
	assert_int_equal(add(copy, len, &alice, &out), want != NULL);
	assert_int_equal(out.len, want ? want_len : 0);
	if (want)
		assert_memory_equal(out.data, want, want_len);
	else
		assert_null(out.data);
	sb_buf_free(&out);
	free(copy);
}

static void makes(add_fn *add, const char *old, const char *want)
{
	makes_bytes(add, old, old ? strlen(old) : 0, want,
		    want ? strlen(want) : 0);
}

#define ROOT "root:x:0:0:root:/root:/bin/ash\n"
#define ALICE "alice:x:1000:2000::/home/alice:/bin/zsh\n"
#define STAFF "staff:x:2000:\n"

static void test_passwd_last(void **state)
{
	(void)state;
	makes(sb_passwd_add, NULL, ALICE);
	makes(sb_passwd_add, "", ALICE);
	makes(sb_passwd_add, "\n", "\n" ALICE);
	makes(sb_passwd_add, ROOT, ROOT ALICE);
	makes(sb_passwd_add, "root:x:0:0::/:/bin/ash",
	      "root:x:0:0::/:/bin/ash\n" ALICE);
	/* names that only begin or end alike */
	makes(sb_passwd_add, "alice2:x:5:5::/:/bin/sh\n",
	      "alice2:x:5:5::/:/bin/sh\n" ALICE);
	makes(sb_passwd_add, "alic:x:5:5::/:/bin/sh\n",
	      "alic:x:5:5::/:/bin/sh\n" ALICE);
	/* 1000 elsewhere than in the uid's place */
	makes(sb_passwd_add, "a:1000:5:1000:1000:/1000:/1000\n",
	      "a:1000:5:1000:1000:/1000:/1000\n" ALICE);
}

static void test_passwd_is_there(void **state)
{
	(void)state;
	makes(sb_passwd_add, ROOT ALICE, NULL);
	makes(sb_passwd_add, "bob:x:1000:5::/:/bin/sh", NULL);
	makes(sb_passwd_add, "bob::1000:5:::", NULL);
	makes(sb_passwd_add, ROOT "bob:x:01000:5::/:/bin/sh\r\n", NULL);
	/* by another line than the one with the name */
	makes(sb_passwd_add,
	      "alice:x:5:5::/:/bin/sh\nbob:x:1000:5::/:/bin/sh\n", NULL);
}

static void test_passwd_first(void **state)
{
	(void)state;
	makes(sb_passwd_add, ROOT "alice:x:5:5::/:/bin/sh\n",
	      ALICE ROOT "alice:x:5:5::/:/bin/sh\n");
	makes(sb_passwd_add, "alice:x:5:5::/:/bin/sh",
	      ALICE "alice:x:5:5::/:/bin/sh\n");
	/* glibc takes this one */
	makes(sb_passwd_add, "alice:x:5:5\n", ALICE "alice:x:5:5\n");
}

static void test_passwd_malformed(void **state)
{
	static const char *const lines[] = {
		"bob:x:1000:5::/", /* a field too few */
		"bob:x:1000",
		"1000",
		":x:1000:5::/:/bin/sh",
		"#bob:x:1000:5::/:/bin/sh",
		"+bob:x:1000:5::/:/bin/sh",
		" bob:x:1000:5::/:/bin/sh",
		"bob:x:1000x:5::/:/bin/sh",
		"bob:x: 1000:5::/:/bin/sh",
		"bob:x:+1000:5::/:/bin/sh",
		"bob:x:0x3e8:5::/:/bin/sh",
		"bob:x:4294968296:5::/:/bin/sh",
		"bob:x:1000::::",
		"bob:x:1000:x:::",
		"bob:x::1000:::",
		"::::::",
		"\r",
		"\xff\xfe",
	};
	char old[128], want[256];

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		snprintf(old, sizeof(old), "%s\n" ROOT, lines[i]);
		snprintf(want, sizeof(want), "%s\n" ROOT ALICE, lines[i]);
		makes(sb_passwd_add, old, want);
		snprintf(old, sizeof(old), ROOT "%s", lines[i]);
		snprintf(want, sizeof(want), ROOT "%s\n" ALICE, lines[i]);
		makes(sb_passwd_add, old, want);
	}
}

static void test_passwd_bytes(void **state)
{
	static const char crlf[] = "a:x:5:5::/:/bin/sh\r\nb:x:6:6::/:/bin/sh\r";
	static const char nul[] = "bob:x:1000:5::/:/bin\0sh\nc\0d";
	static const char nul_want[] = "bob:x:1000:5::/:/bin\0sh\nc\0d\n" ALICE;
	static const char first[] = "\0bob:x:1000:5::/:/bin/sh";
	static const char first_want[] = "\0bob:x:1000:5::/:/bin/sh\n" ALICE;

	(void)state;
	makes(sb_passwd_add, crlf,
	      "a:x:5:5::/:/bin/sh\r\nb:x:6:6::/:/bin/sh\r\n" ALICE);
	makes_bytes(sb_passwd_add, nul, sizeof(nul) - 1, nul_want,
		    sizeof(nul_want) - 1);
	makes_bytes(sb_passwd_add, first, sizeof(first) - 1, first_want,
		    sizeof(first_want) - 1);
}

static void test_group(void **state)
{
	(void)state;
	makes(sb_group_add, NULL, STAFF);
	makes(sb_group_add, "root:x:0:", "root:x:0:\n" STAFF);
	makes(sb_group_add, "root:x:0:\n", "root:x:0:\n" STAFF);
	makes(sb_group_add, "crew:x:2000:\n", NULL);
	makes(sb_group_add, "crew:x:2000:a,b\r\n", NULL);
	makes(sb_group_add, "staff:x:50:a\nroot:x:0:\n",
	      STAFF "staff:x:50:a\nroot:x:0:\n");
	/* musl wants the last colon; a user's name or id is of no matter */
	makes(sb_group_add, "crew:x:2000\n", "crew:x:2000\n" STAFF);
	makes(sb_group_add, "crew:x:2000\r\n", "crew:x:2000\r\n" STAFF);
	makes(sb_group_add, "alice:x:1000:\n", "alice:x:1000:\n" STAFF);
}

static void test_limits(void **state)
{
	size_t len = SB_PASSWD_MAX + 1;
	char *big = malloc(len);
	struct sb_buf out = {0};

	(void)state;
	assert_non_null(big);
	memset(big, '\n', len);
	errno = 0;
	assert_int_equal(sb_passwd_add(big, len, &alice, &out), -1);
	assert_int_equal(errno, EFBIG);
	assert_int_equal(sb_group_add(big, len, &alice, &out), -1);
	assert_int_equal(sb_passwd_copy(big, len, etc, "slurm", &out), -1);
	assert_null(out.data);
	assert_int_equal(sb_passwd_add(big, len - 1, &alice, &out), 1);
	assert_int_equal(out.len, len - 1 + strlen(ALICE));
	assert_string_equal(out.data + len - 1, ALICE);
	sb_buf_free(&out);
	/* one line without an end, and many colons */
	memset(big, ':', len);
	assert_int_equal(sb_group_add(big, len - 1, &alice, &out), 1);
	sb_buf_free(&out);
	free(big);
}

static void test_what_cannot_stand(void **state)
{
	struct sb_who who = alice;
	struct sb_buf out = {0};

	(void)state;
	who.home = "/a:b";
	who.shell = "/bin/sh\nroot2:x:0:0::/:/bin/sh";
	assert_int_equal(sb_passwd_add(NULL, 0, &who, &out), 1);
	assert_string_equal(out.data, "alice:x:1000:2000::/:/bin/sh\n");
	sb_buf_free(&out);
	who.user = who.group = "a:b";
	assert_int_equal(sb_passwd_add(NULL, 0, &who, &out), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(sb_group_add(NULL, 0, &who, &out), -1);
	assert_null(out.data);
}

/* What sb_passwd_copy makes of old; NULL: nothing. */
static void copies(const char *old, const char *name, const char *want)
{
	struct sb_buf out = {0};

	assert_int_equal(
		sb_passwd_copy(old, old ? strlen(old) : 0, etc, name, &out),
		want != NULL);
	if (want)
		assert_string_equal(out.data, want);
	else
		assert_null(out.data);
	sb_buf_free(&out);
}

static void test_copy(void **state)
{
	struct sb_buf out = {0};

	(void)state;
	/* never the password */
	copies("a:x:5:5::/:/bin/sh", "slurm",
	       "a:x:5:5::/:/bin/sh\n"
	       "slurm:x:64030:64031:Slurm, the:/nonexistent:"
	       "/usr/sbin/nologin\n");
	copies(NULL, "munge", "munge:x:114:121::/:/bin/sh\n");
	/* behind whoever has the uid already */
	copies("b:x:114:5::/:/bin/sh\n", "munge",
	       "b:x:114:5::/:/bin/sh\nmunge:x:114:121::/:/bin/sh\n");
	copies("slurm:x:5:5::/:/bin/sh\n", "slurm", NULL);
	copies(ROOT, "nobody-here", NULL);
	assert_int_equal(sb_passwd_copy(NULL, 0, etc, "+", &out), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(sb_passwd_copy(NULL, 0, "/nonexistent", "slurm", &out),
			 0);
}

/* libc itself is asked: by name and by uid it is the user. */
static void test_libc_finds_it(void **state)
{
	static const char *const olds[] = {
		"",
		"alice:x:5:5::/:/bin/sh",
		"alice:x:5:5\n",
		"#alice:x:1000:5::/:/bin/sh\nbob:x:1000\r\n+::::::\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(olds) / sizeof(olds[0]); i++) {
		struct passwd *p, by_name = {0}, by_uid = {0};
		struct sb_buf out = {0};
		FILE *f;

		assert_int_equal(
			sb_passwd_add(olds[i], strlen(olds[i]), &alice, &out),
			1);
		f = fmemopen(out.data, out.len, "r");
		assert_non_null(f);
		while ((p = fgetpwent(f))) {
			if (!strcmp(p->pw_name, "alice") && !by_name.pw_name)
				by_name = (struct passwd){.pw_name = "alice",
							  .pw_uid = p->pw_uid};
			if (p->pw_uid == 1000 && !by_uid.pw_name)
				by_uid.pw_name = strdup(p->pw_name);
		}
		fclose(f);
		assert_int_equal(by_name.pw_uid, 1000);
		assert_non_null(by_uid.pw_name);
		if (i < 3)
			assert_string_equal(by_uid.pw_name, "alice");
		free(by_uid.pw_name);
		sb_buf_free(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_identity),
		cmocka_unit_test(test_identity_is_broken),
		cmocka_unit_test(test_host),
		cmocka_unit_test(test_host_has_no_files),
		cmocka_unit_test(test_job),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_home_and_shell),
		cmocka_unit_test(test_passwd_last),
		cmocka_unit_test(test_passwd_is_there),
		cmocka_unit_test(test_passwd_first),
		cmocka_unit_test(test_passwd_malformed),
		cmocka_unit_test(test_passwd_bytes),
		cmocka_unit_test(test_group),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_what_cannot_stand),
		cmocka_unit_test(test_copy),
		cmocka_unit_test(test_libc_finds_it),
	};

	return cmocka_run_group_tests(tests, make_etc, remove_etc);
}
