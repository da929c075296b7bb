/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What lies in a step directory, all of it the user's word, as root's child
 * (reap.c) and as the verbs (containers.c) read it; and root's record of it.
 * Whom the child would kill is no process of another's, and what it tells root
 * is bounded.
 *
 * And the helper's own report of a bundle with any name: it names no process
 * but those it is about, and comes back as it was.
 *
 * Input, apart by a byte 0x1e each: the task's state, what serves it, its pid
 * file; the shared container's state, and who joined; the step's "shared"; the
 * record.
 */
#define _GNU_SOURCE
#include "fuzz.h"

#include "../../helper/containers.h"
#include "../../helper/report.h"
#include "../../helper/share.h"
#include "../../spank/owner.h"
#include "../../spank/proc.h"
#include "../../spank/reap.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The processes are this machine's: none is touched. */
static int mock_kill(pid_t pid, unsigned long long start)
{
	FUZZ_CHECK(pid > 0 && start > 0 && start <= INT64_MAX);
	return 0;
}

static int mock_wait(pid_t pid, unsigned long long start, int ms)
{
	FUZZ_CHECK(pid > 0 && start > 0 && ms > 0);
	return pid % 2 ? -1 : 0;
}

#define sb_proc_kill mock_kill
#define sb_proc_wait mock_wait
#include "../../spank/reap.c"

static int one_container(const struct sb_container *c, void *arg)
{
	struct sb_container copy;

	(void)arg;
	FUZZ_CHECK(strlen(c->name) < sizeof(c->name));
	FUZZ_CHECK(strlen(c->runtime) < sizeof(c->runtime));
	FUZZ_CHECK(strlen(c->mode) < sizeof(c->mode));
	FUZZ_CHECK(strlen(c->bundle) < sizeof(c->bundle));
	FUZZ_CHECK(c->shared || c->n == 1);
	for (size_t i = 1; i < c->n; i++)
		FUZZ_CHECK(c->tasks[i - 1].rank <= c->tasks[i].rank);
	sb_container_lives(c);
	FUZZ_CHECK(!sb_container_copy(&copy, c));
	free(copy.tasks);
	return 0;
}

static void look(int dir)
{
	struct sb_share s = {.dir = dir, .lock = -1};
	enum sb_share_state state;
	struct sb_err err = {.text = ""};
	struct sb_owner o;

	if (sb_containers_each(dir, one_container, NULL, &err) < 0)
		FUZZ_FAILED(err);
	FUZZ_CHECK(!sb_share_find(&s, &state, &err));
	if (state == SB_SHARE_READY)
		FUZZ_CHECK(*s.name && *s.name != '.' && !strchr(s.name, '/'));
	sb_share_close(&s);
	if (!sb_owner_read(dir, "record", &o)) {
		FUZZ_CHECK(strlen(o.boot) < sizeof(o.boot));
		sb_owner_dead(&o);
	}
}

/* A report of ours, of a process that is not there. */
static void write_report(int dir, const char *bundle)
{
	const struct sb_report r = {
		.runtime = "crun",
		.how = "run",
		.bundle = bundle,
		.rank = 7,
		.pid = INT_MAX,
		.ended = 1,
		.status = 256,
	};
	int task = openat(dir, "task-0", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct sb_err err;

	FUZZ_CHECK(task >= 0);
	FUZZ_CHECK(!sb_report_write(task, &r, &err));
	close(task);
}

static int check_ours(const struct sb_container *c, void *arg)
{
	static char bundle[4 * PATH_MAX];

	if (strcmp(c->name, "task-0"))
		return 0;
	sb_escape(bundle, sizeof(bundle), arg);
	FUZZ_CHECK(!strcmp(c->bundle, bundle));
	FUZZ_CHECK(!strcmp(c->runtime, "crun") && !strcmp(c->mode, "run"));
	FUZZ_CHECK(c->has_status && c->status == 256 && !c->server);
	FUZZ_CHECK(c->n == 1 && c->tasks[0].rank == 7);
	return 0;
}

static void there_and_back(int dir, const uint8_t *data, size_t size)
{
	char bundle[PATH_MAX];
	struct sb_err err;
	size_t len = strnlen((const char *)data, size);

	len = len < sizeof(bundle) ? len : sizeof(bundle) - 1;
	if (len)
		memcpy(bundle, data, len);
	bundle[len] = '\0';
	write_report(dir, bundle);
	FUZZ_CHECK(!sb_containers_each(dir, check_ours, bundle, &err));
}

static void reap(int dir, long task)
{
	struct sb_reap r = {.name = "1.0.0", .task = task};
	static char told[1 << 16];
	int out = memfd_create("told", MFD_CLOEXEC), rc;
	ssize_t n;

	FUZZ_CHECK(out >= 0);
	rc = sb_reap(dir, out, &r);
	FUZZ_CHECK(rc == SB_REAP_DONE || rc == SB_REAP_LEFT);
	n = pread(out, told, sizeof(told), 0);
	FUZZ_CHECK(n >= 0 && n < (ssize_t)sizeof(told));
	close(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* No SB_FILE_LAYER: what that names is removed. */
	static const char *const names[] = {
		"task-0/" SB_FILE_STATE,
		"task-0/" SB_FILE_SERVERS,
		"task-0/" SB_FILE_PID,
		"task-0" SB_NODE_SUFFIX "/" SB_FILE_STATE,
		"task-0" SB_NODE_SUFFIX "/" SB_FILE_JOINED,
		SB_FILE_SHARED,
		"record",
		NULL,
	};
	struct fuzz_in in = {.p = data, .end = data + size};
	int dir;

	/* The last round emptied it. */
	fuzz_subdir("task-0");
	fuzz_subdir("task-0" SB_NODE_SUFFIX);
	fuzz_files(&in, names);
	dir = open(fuzz_dir(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	FUZZ_CHECK(dir >= 0);
	look(dir);
	reap(dir, 0);
	there_and_back(dir, data, size);
	reap(dir, SB_REAP_SHARED);
	reap(dir, SB_REAP_ALL);
	close(dir);
	fuzz_done(&in);
	return 0;
}
