/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A site's seccomp profile, in the format that Docker and Podman read, made
 * into the linux.seccomp of one container on one machine. Source of the
 * format: moby/profiles, seccomp/seccomp.go, and containers/common,
 * pkg/seccomp/types.go (which adds defaultErrno and errno). A "comment" may
 * stand at the top too. Unlike both, a field that is not known is an error: a
 * condition with a slip of the pen would allow what it was to deny.
 */
#ifndef SB_PROFILE_H
#define SB_PROFILE_H

#include "../spank/err.h"
#include "json.h"

/* Whom the profile is for; all borrowed. */
struct sb_profile_for {
	const char *arch; /* Go's name: "amd64" */
	unsigned int kernel_major, kernel_minor;
	const char *const *caps; /* the bounding set: "CAP_..." */
	size_t n_caps;
	const char *mark; /* struct sb_json's, of the document that the result
			   * goes into; NULL: the profile's own stays */
};

/* Fills in architecture (the one we are built for) and kernel (uname(2)); the
 * rest is zero. Returns 0, or -1 with err set. */
int sb_profile_here(struct sb_profile_for *f, struct sb_err *err);

/* Reads the profile in path; the caller releases doc. Returns 0; or -1 with
 * err set ("PATH: why"). */
int sb_profile_load(const char *path, struct sb_json *doc, struct sb_err *err);

/*
 * Makes linux.seccomp (OCI runtime-spec, config-linux.md) of profile; the
 * caller owns it. Every rule is checked, also those whose conditions f does not
 * meet. NULL with err set ("PATH IN THE PROFILE: why").
 */
json_t *sb_profile_resolve(const struct sb_json *profile,
			   const struct sb_profile_for *f, struct sb_err *err);

#endif
