/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which task has the container made that all of a node's tasks share. */
#define _GNU_SOURCE
#include "share.h"

#include "../spank/contract.h"
#include "../spank/proc.h"
#include "fdio.h"
#include "mem.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define LOCK SB_FILE_SHARED ".lock"

/*
 * By fcntl(2), F_SETLK: such a lock is the process's own. What it forks does
 * not keep it, as with flock(2), and so it goes with the maker, whatever the
 * maker has started.
 */
static int lock(const struct sb_share *s, int type, int wait)
{
	struct flock l = {.l_type = type, .l_whence = SEEK_SET};
	int rc;

	do
		rc = fcntl(s->lock, wait ? F_SETLKW : F_SETLK, &l);
	while (rc < 0 && wait && errno == EINTR);
	return rc;
}

/* What could not be written is the lock's length: that takes no room, and even
 * a full file system can tell it. */
static int tell_by_length(const struct sb_share *s, int code)
{
	return ftruncate(s->lock, code);
}

static int told_by_length(struct sb_share *s, enum sb_share_state *state)
{
	struct stat st;

	if (s->lock < 0 || fstat(s->lock, &st) < 0 || st.st_size < SB_FAIL ||
	    st.st_size > SB_NOENT)
		return 0;
	s->code = st.st_size;
	*state = SB_SHARE_FAILED;
	return 1;
}

/* Returns 1 with *state set, or 0 where nothing was published. */
static int look(struct sb_share *s, enum sb_share_state *state)
{
	char text[96];
	int code;

	if (sb_proc_slurp(s->dir, SB_FILE_SHARED, text, sizeof(text)) <= 0)
		return told_by_length(s, state);
	s->name[0] = '\0';
	if (sscanf(text, "ready %39s %d", s->name, &s->maker) == 2) {
		*state = SB_SHARE_READY;
		/* It is a name below the step directory, and no path. */
		return !strchr(s->name, '/') && *s->name != '.';
	}
	if (sscanf(text, "failed %d", &code) == 1) {
		s->code = code;
		*state = SB_SHARE_FAILED;
		return 1;
	}
	*state = SB_SHARE_TASK;
	return !strcmp(text, "task\n");
}

static int open_lock(struct sb_share *s, struct sb_err *err)
{
	if (s->lock < 0)
		s->lock =
			openat(s->dir, LOCK,
			       O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (s->lock < 0)
		return sb_fail(err, SB_FAIL, "step directory: %s: %s", LOCK,
			       strerror(errno));
	return 0;
}

/* With the lock: what another published while we waited, or it is our turn. */
static int decide(struct sb_share *s, enum sb_share_state *state)
{
	if (look(s, state))
		sb_share_close(s);
	else
		*state = SB_SHARE_MAKE;
	return 0;
}

static int failed_lock(struct sb_err *err)
{
	return sb_fail(err, SB_FAIL, "step directory: %s: %s", LOCK,
		       strerror(errno));
}

int sb_share_find(struct sb_share *s, enum sb_share_state *state,
		  struct sb_err *err)
{
	if (look(s, state))
		return 0;
	if (open_lock(s, err) < 0)
		return -1;
	if (!lock(s, F_WRLCK, 0))
		return decide(s, state);
	if (errno != EAGAIN && errno != EACCES)
		return failed_lock(err);
	/* To read: when the maker is done, all go on at once. */
	if (lock(s, F_RDLCK, 1) < 0)
		return failed_lock(err);
	if (look(s, state)) {
		sb_share_close(s);
		return 0;
	}
	/* He died. Not from read to write, which two could wait for forever. */
	lock(s, F_UNLCK, 0);
	if (lock(s, F_WRLCK, 1) < 0)
		return failed_lock(err);
	return decide(s, state);
}

int sb_share_again(struct sb_share *s, enum sb_share_state *state,
		   struct sb_err *err)
{
	const struct sb_share before = *s;

	if (open_lock(s, err) < 0)
		return -1;
	if (lock(s, F_WRLCK, 1) < 0)
		return failed_lock(err);
	if (look(s, state) && *state == SB_SHARE_READY &&
	    !strcmp(before.name, s->name) && before.maker == s->maker)
		unlinkat(s->dir, SB_FILE_SHARED, 0);
	return decide(s, state);
}

/* The others shall not try in vain, one after the other, and each say why. Of
 * a failure the reason has been said; this one follows from it, mostly. */
static int unwritten(struct sb_share *s, enum sb_share_state state,
		     struct sb_err *err)
{
	int failed = state == SB_SHARE_FAILED;

	sb_wrap(err, "step directory");
	return tell_by_length(s, failed ? s->code : SB_FAIL) < 0 || !failed ? -1
									    : 0;
}

int sb_share_publish(struct sb_share *s, enum sb_share_state state,
		     struct sb_err *err)
{
	char text[96];
	int n = 0;

	if (state == SB_SHARE_READY)
		n = snprintf(text, sizeof(text), "ready %s %d\n", s->name,
			     s->maker);
	else if (state == SB_SHARE_FAILED)
		n = snprintf(text, sizeof(text), "failed %d\n", s->code);
	else
		n = snprintf(text, sizeof(text), "task\n");
	n = sb_fdio_write(s->dir, SB_FILE_SHARED, text, n, err);
	if (n < 0)
		n = unwritten(s, state, err);
	sb_share_close(s);
	return n;
}

void sb_share_close(struct sb_share *s)
{
	sb_cleanup_fd(&s->lock);
	s->lock = -1;
}
