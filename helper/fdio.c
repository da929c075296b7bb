/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files by descriptor. */
#define _GNU_SOURCE
#include "fdio.h"

#include "../spank/contract.h"
#include "mem.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/* Reads all of fd, which may be the -1 of a failed open. */
static char *read_all(int fd, size_t max, const char *what, size_t *len,
		      struct sb_err *err)
{
	_cleanup_free_ char *text = NULL;
	struct stat st;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0)
		goto fail;
	if (!S_ISREG(st.st_mode)) {
		sb_fail(err, SB_FAIL, "%s: not a regular file", what);
		errno = EINVAL;
		return NULL;
	}
	if ((size_t)st.st_size > max) {
		sb_fail(err, SB_FAIL, "%s: larger than %zu bytes", what, max);
		errno = EFBIG;
		return NULL;
	}
	text = malloc(st.st_size + 1);
	if (!text)
		goto fail;
	for (*len = 0; *len < (size_t)st.st_size; *len += n) {
		n = read(fd, text + *len, st.st_size - *len);
		if (n < 0)
			goto fail;
		if (!n)
			break;
	}
	text[*len] = '\0';
	return steal_ptr(text);
fail:
	sb_fail(err, SB_FAIL, "%s: %s", what, strerror(errno));
	return NULL;
}

#define READ_FLAGS (O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)

char *sb_fdio_read(int dirfd, const char *path, size_t max, const char *what,
		   size_t *len, struct sb_err *err)
{
	_cleanup_fd_ int fd = openat(dirfd, path, READ_FLAGS);

	return read_all(fd, max, what, len, err);
}

char *sb_fdio_read_in_root(int rootfd, const char *path, size_t max,
			   size_t *len, struct sb_err *err)
{
	_cleanup_fd_ int fd = sb_fdio_open_in_root(rootfd, path, READ_FLAGS);

	return read_all(fd, max, path, len, err);
}

static int write_all(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		p += n;
		len -= n;
	}
	return 0;
}

int sb_fdio_write_all(int fd, const void *data, size_t len)
{
	const struct sigaction ignore = {.sa_handler = SIG_IGN};
	struct sigaction pipe, size;
	int rc, errnum;

	sigaction(SIGPIPE, &ignore, &pipe);
	sigaction(SIGXFSZ, &ignore, &size);
	rc = write_all(fd, data, len);
	errnum = errno;
	/* Blocked, they wait all the same, until they are ignored anew. */
	sigaction(SIGPIPE, &ignore, NULL);
	sigaction(SIGXFSZ, &ignore, NULL);
	sigaction(SIGPIPE, &pipe, NULL);
	sigaction(SIGXFSZ, &size, NULL);
	errno = errnum;
	return rc;
}

int sb_fdio_write(int dirfd, const char *name, const void *data, size_t len,
		  struct sb_err *err)
{
	char tmp[NAME_MAX];
	int fd, rc;

	snprintf(tmp, sizeof(tmp), ".%.200s.new", name);
	fd = openat(dirfd, tmp,
		    O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
		    0600);
	if (fd < 0)
		return sb_fail(err, SB_FAIL, "%s: %s", name, strerror(errno));
	rc = sb_fdio_write_all(fd, data, len);
	/* close tells of errors too (quota, NFS). */
	if (close(fd) < 0)
		rc = -1;
	if (rc < 0 || renameat(dirfd, tmp, dirfd, name) < 0) {
		sb_fail(err, SB_FAIL, "%s: %s", name, strerror(errno));
		unlinkat(dirfd, tmp, 0);
		return -1;
	}
	return 0;
}

char *sb_fdio_path(int fd)
{
	char link[32], path[PATH_MAX];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (n < 0)
		return NULL;
	path[n] = '\0';
	return strdup(path);
}

int sb_fdio_open_in_root(int rootfd, const char *path, int flags)
{
	struct open_how how = {.flags = flags, .resolve = RESOLVE_IN_ROOT};

	int fd, tries = 100;

	/* EAGAIN: somebody mounted or renamed something meanwhile, anywhere. */
	do
		fd = syscall(__NR_openat2, rootfd, path, &how, sizeof(how));
	while (fd < 0 && errno == EAGAIN && --tries);
	return fd;
}

int sb_fdio_in_root(int rootfd, const char *path)
{
	struct stat st;
	int fd;

	fd = sb_fdio_open_in_root(rootfd, path, O_PATH | O_CLOEXEC);
	if (fd >= 0) {
		close(fd);
		return 1;
	}
	if (errno != ENOSYS && errno != EPERM)
		return 0;
	path += strspn(path, "/");
	return !fstatat(rootfd, *path ? path : ".", &st, AT_SYMLINK_NOFOLLOW);
}

void sb_fdio_end_at_exec(int first)
{
	/* Before Linux 5.11 one by one. */
	if (syscall(__NR_close_range, first, ~0U, 1 << 2 /* CLOEXEC */) < 0)
		for (int fd = first; fd < 1024; fd++)
			fcntl(fd, F_SETFD, FD_CLOEXEC);
}

const char *sb_fdio_blame(const char *path, char *buf, size_t size)
{
	size_t len = strlen(path), at = 0;
	int saved = errno;

	if (len >= size)
		return path;
	while (at < len) {
		at += strspn(path + at, "/");
		at += strcspn(path + at, "/");
		memcpy(buf, path, at);
		buf[at] = '\0';
		if (faccessat(AT_FDCWD, buf, at < len ? X_OK : F_OK,
			      AT_EACCESS) < 0)
			break;
	}
	errno = saved;
	return buf;
}
