/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What says which data to remove, which command to run and which process to
 * end: the record of a writable container's data, as root's child reads it; the
 * RunTimeDelete that an earlier step has left; a runtime's answer to
 * RunTimeQuery. The first removes what we make, and nothing else; the second
 * runs the words that it has, and is gone; the third names no process that
 * was there before us.
 *
 * Input: the first, whose '@' stands for a directory that has some; behind a
 * byte 0x1e each, the second and the third.
 */
#define _GNU_SOURCE
#include "fuzz.h"

#include "../../helper/create.h"
#include "../../helper/json.h"
#include "../../helper/mem.h"
#include "../../helper/pending.h"
#include "../../spank/proc.h"
#include "../../spank/reap.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "jail.h"

/* ---- the data ---- */

static int open_parent(const char *path, int flags)
{
	FUZZ_CHECK(*path == '/');
	return jail_open(path, flags);
}

#define open(path, flags) open_parent(path, flags)
#include "../../spank/reap.c"
#undef open

/* ---- the command ---- */

static const char *left;
static size_t left_len;
static unsigned int calls;
static struct sb_runtime runtime;

/* Words for sb_pending_keep: the record's. */
static int mock_words(const struct sb_runtime *rt, enum sb_op op,
		      struct sb_strv *words, struct sb_err *err)
{
	FUZZ_CHECK(rt == &runtime && op == SB_OP_DELETE);
	for (const char *p = left; p < left + left_len; p += strlen(p) + 1)
		sb_strv_add(words, p);
	return words->failed ? sb_no_memory(err) : 0;
}

static int mock_outside(const struct sb_conf *conf)
{
	return conf == runtime.conf;
}

static int mock_call(char **words, char **env, const sigset_t *mask,
		     int seconds, char *out, size_t size, struct sb_err *err)
{
	const char *p = left;

	(void)err;
	FUZZ_CHECK(env == runtime.env.v && mask && seconds > 0 && out && size);
	FUZZ_CHECK(*words && **words == '/');
	for (; *words; words++) {
		FUZZ_CHECK(p < left + left_len && !strcmp(p, *words));
		p += strlen(p) + 1;
	}
	FUZZ_CHECK(p == left + left_len);
	calls++;
	return 0;
}

#define sb_runtime_words mock_words
#define sb_runtime_state_outside mock_outside
#define sb_runtime_call mock_call
#include "../../helper/pending.c"

/* ---- the process ---- */

static const char *answer;
static size_t answer_len;

#define OUR_START 1000

static int mock_do(const struct sb_runtime *rt, enum sb_op op,
		   const sigset_t *mask, int seconds, char *out, size_t size,
		   struct sb_err *err)
{
	size_t len = answer_len < size - 1 ? answer_len : size - 1;

	(void)mask, (void)err;
	FUZZ_CHECK(rt == &runtime && op == SB_OP_QUERY && seconds > 0);
	if (len)
		memcpy(out, answer, len);
	out[len] = '\0';
	return 0;
}

/* Some processes are not there, some are older than we. */
static unsigned long long start_of(pid_t pid)
{
	return pid == getpid() ? OUR_START : OUR_START - 50 + pid % 100;
}

static int mock_read(pid_t pid, struct sb_proc *p)
{
	FUZZ_CHECK(pid > 1);
	if (pid != getpid() && pid % 7 == 0)
		return -1;
	*p = (struct sb_proc){.state = 'S', .start = start_of(pid)};
	return 0;
}

#define sb_runtime_do mock_do
#define sb_proc_read mock_read
#include "../../helper/create.c"

/* ---- the checks ---- */

static void make_data(void)
{
	static const char *const dirs[] = {
		"step",
		"step/task-0",
		"data",
		"data/stepbox.1",
		"data/stepbox.1/sub",
		"data/other",
		"data/stepbox.two",
		"data/other/stepbox.3",
	};

	for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs); i++)
		fuzz_subdir(dirs[i]);
	fuzz_file("data/stepbox.1/sub/file", "x", 1);
	fuzz_file("data/stepbox.file", "x", 1);
	fuzz_file("data/other/kept", "x", 1);
	(void)!symlink("other", fuzz_path("data/stepbox.link"));
}

static int is_there(const char *name)
{
	struct stat st;

	return !lstat(fuzz_path(name), &st);
}

/* What is called name in data is gone only after a record that names it. */
static void check_gone(const char *record_path, const char *name)
{
	const char *base = strrchr(record_path, '/');
	char path[64];

	snprintf(path, sizeof(path), "data/%s", name);
	FUZZ_CHECK(is_there(path) ||
		   (base && !strcmp(base, strrchr(path, '/'))));
}

static void check_layer(const char *text)
{
	char path[2 * PATH_MAX];
	int in = *text == '@', dir, rc, out = memfd_create("told", MFD_CLOEXEC);
	struct sb_reap r = {.name = "1.0.0", .task = SB_REAP_ALL};

	FUZZ_CHECK(out >= 0);
	snprintf(path, sizeof(path), "%s%.*s", in ? fuzz_dir() : "",
		 PATH_MAX + 64, text + in);
	fuzz_file("step/task-0/" SB_FILE_LAYER, path, strlen(path));
	dir = open(fuzz_path("step"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	FUZZ_CHECK(dir >= 0);
	rc = sb_reap(dir, out, &r);
	FUZZ_CHECK(rc == SB_REAP_DONE || rc == SB_REAP_LEFT);
	close(dir);
	close(out);
	/* The record stays until the data are gone, and no longer. */
	FUZZ_CHECK(is_there("step/task-0/" SB_FILE_LAYER) ==
		   (rc == SB_REAP_LEFT));
	FUZZ_CHECK(is_there("data/other/kept"));
	FUZZ_CHECK(is_there("data/stepbox.file"));
	FUZZ_CHECK(is_there("data/stepbox.link"));
	check_gone(path, "stepbox.1");
	check_gone(path, "stepbox.two");
	check_gone(path, "other/stepbox.3");
	if (!strcmp(text, "@/data/stepbox.1"))
		FUZZ_CHECK(!is_there("data/stepbox.1") && rc == SB_REAP_DONE);
}

/* Whether it is the record of a command: words, each with its end. */
static int is_command(void)
{
	return left_len && left_len <= MAX_RECORD && *left == '/' &&
	       !left[left_len - 1];
}

static void check_pending(void)
{
	char step[PATH_MAX], user[32], name[64];
	struct sb_taskdir dir = {.step = step};
	struct sb_err err = {.text = ""};

	snprintf(step, sizeof(step), "%s", fuzz_path("step"));
	snprintf(user, sizeof(user), SB_USER_DIR, 7);
	fuzz_subdir(user);
	snprintf(name, sizeof(name), "%s/1.0.0.task-0", user);
	fuzz_file(name, left, left_len);
	calls = 0;
	sb_pending_run(&runtime, &dir, 7);
	FUZZ_CHECK(calls == (unsigned int)is_command());
	FUZZ_CHECK(!is_there(name));
	if (!is_command())
		return;
	/* What is kept is what is run. */
	dir.fd = open(fuzz_path(user), O_PATH | O_DIRECTORY | O_CLOEXEC);
	FUZZ_CHECK(dir.fd >= 0);
	FUZZ_CHECK(!sb_pending_keep(&runtime, &dir, &err));
	close(dir.fd);
	sb_pending_run(&runtime, &dir, 7);
	FUZZ_CHECK(calls == 2);
}

static void check_query(void)
{
	const struct sb_create c = {.rt = &runtime, .pidfd = -1};
	struct sb_json doc;
	struct sb_err err;
	pid_t pid = query_pid(&c, &err);

	FUZZ_CHECK(pid >= 0);
	if (!pid)
		return;
	FUZZ_CHECK(pid > 1 && start_of(pid) >= OUR_START);
	FUZZ_CHECK(!sb_json_parse(&doc, answer, strnlen(answer, answer_len),
				  &err));
	FUZZ_CHECK(pid == json_integer_value(json_object_get(doc.root, "pid")));
	sb_json_free(&doc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = {.p = data, .end = data + size};
	const uint8_t *end = size ? memchr(data, 0x1e, size) : NULL, *more;
	char *text;

	in.end = end ? end : data + size;
	text = fuzz_string(&in);
	in.p = end ? end + 1 : data + size;
	in.end = data + size;
	more = in.p < in.end ? memchr(in.p, 0x1e, in.end - in.p) : NULL;
	in.end = more ? more : in.end;
	left = fuzz_rest(&in, &left_len);
	in.p = more ? more + 1 : in.end;
	in.end = more ? data + size : in.end;
	answer = fuzz_rest(&in, &answer_len);
	make_data();
	check_layer(text);
	check_pending();
	check_query();
	fuzz_done(&in);
	return 0;
}
