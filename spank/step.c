/* SPDX-License-Identifier: GPL-2.0-or-later */
/* slurmstepd's side. */
#define _GNU_SOURCE
#include "step.h"

#include "client.h"
#include "contract.h"
#include "keyval.h"
#include "node.h"
#include "owner.h"
#include "place.h"
#include "proc.h"
#include "reap.h"
#include "site.h"
#include "slurm.h"
#include "stepdir.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* A task's container is ended within this time, or at the step's end. */
#define TASK_MS 5000
/* All that the nets do, children included. Slurm's PrologEpilogTimeout is for
 * our epilog too, and drains the node. */
#define EPILOG_MS 5000
#define START_MS 15000

/* One slurmstepd serves one step. */
static struct {
	int wanted;  /* a container of ours was requested */
	int refused; /* and cannot be had; why says the reason */
	struct sb_err why;
	struct sb_user user;
	struct sb_stepdir dir;
	int handed_off;	 /* Slurm calls the helper: oci.conf */
	int vouched;	 /* by the plugin on the submitting side */
	long long spent; /* ms, on children so far */
	int slow;	 /* a child was too slow: no more before the end */
	int signalled;	 /* a task died in a way that may leave things behind */
	uint32_t tasks, ended; /* on this node */
	int keep;	       /* DisableCleanup */
	int tell;	       /* log lines whatever SlurmdDebug says */
	char place[PATH_MAX];  /* ContainerPath, for this step */
	int levels; /* so many directories of it are the step's own */
} step = {.dir = {.node = -1, .fd = -1}};

/* ---- the decision ---- */

/* Reads a variable of the job's. Returns 1; 0 where it is not set; -1 where
 * it does not fit, with err set. */
static int job_env(spank_t sp, const char *name, char *buf, size_t size,
		   struct sb_err *err)
{
	spank_err_t rc = spank_getenv(sp, name, buf, size);

	if (rc == ESPANK_SUCCESS)
		return 1;
	if (rc == ESPANK_NOSPACE)
		return sb_fail(err, SB_FAIL, "%s: longer than %zu bytes", name,
			       size - 1);
	return 0;
}

static int read_request(spank_t sp, char *bundle, size_t size, int *vouched,
			struct sb_err *err)
{
	char marker[PATH_MAX];
	int have, marked;

	have = job_env(sp, SB_ENV_CONTAINER, bundle, size, err);
	marked = job_env(sp, SB_ENV_REQUEST, marker, sizeof(marker), err);
	if (have < 0 || marked < 0)
		return -1;
	*vouched = marked && (!have || !strcmp(bundle, marker));
	if (!have && marked)
		memcpy(bundle, marker, strlen(marker) + 1);
	return have || marked;
}

static int get_user(spank_t sp, struct sb_err *err)
{
	gid_t *groups = NULL;
	int n = 0;

	if (spank_get_item(sp, S_JOB_UID, &step.user.uid) != ESPANK_SUCCESS ||
	    spank_get_item(sp, S_JOB_GID, &step.user.gid) != ESPANK_SUCCESS ||
	    spank_get_item(sp, S_JOB_SUPPLEMENTARY_GIDS, &groups, &n) !=
		    ESPANK_SUCCESS)
		return sb_fail(err, SB_FAIL,
			       "Slurm does not say whose job "
			       "this is");
	step.user.groups = groups;
	step.user.ngroups = n;
	return 0;
}

static int check_policy(const struct sb_site *site, const char *bundle,
			int vouched, struct sb_err *err)
{
	if (!vouched && !site->trust_container)
		return sb_fail(
			err, SB_FAIL,
			"SLURM_CONTAINER=%s came without stepbox's mark: "
			"the srun, sbatch or salloc that sent it has no "
			"stepbox plugin in its plugstack.conf (or set "
			"TrustSlurmContainer=yes)",
			bundle);
	if (!step.user.uid && !site->allow_root)
		return sb_fail(err, SB_FAIL,
			       "a job of root gets no container "
			       "(AllowRoot=yes allows it)");
	return 0;
}

/* Which run of a requeued job this is. S_SLURM_RESTART_COUNT is 0 for every one
 * (22.05 and 24.11 set only the environment's). The job's owner may forge it:
 * it only tells his own directories apart. */
static uint32_t restart_count(spank_t sp)
{
	char text[16];
	const char *s = text;
	long long n;

	if (spank_getenv(sp, "SLURM_RESTART_COUNT", text, sizeof(text)) !=
	    ESPANK_SUCCESS)
		return 0;
	n = sb_proc_number(&s, UINT32_MAX);
	return n < 0 || *s ? 0 : n;
}

/* Where ContainerPath is for this step. */
static int find_place(const struct sb_site *site, uint32_t job, uint32_t id,
		      struct sb_err *err)
{
	struct passwd pw, *found = NULL;
	struct sb_place of = {
		.node = sb_node_name(),
		.job = job,
		.step = id,
		.uid = step.user.uid,
		.user = "?",
	};
	char text[4096];

	/* slurmstepd asked the same before: the job runs as this user. */
	if (sb_place_has(site->place, 'u')) {
		if (getpwuid_r(of.uid, &pw, text, sizeof(text), &found) ||
		    !found)
			return sb_fail(err, SB_FAIL,
				       "ContainerPath: %%u: uid %u has no name "
				       "on this node",
				       of.uid);
		of.user = found->pw_name;
	}
	if (sb_place_expand(step.place, sizeof(step.place), site->place, &of,
			    err) < 0)
		return -1;
	step.levels = sb_place_levels(site->place, step.place);
	return 0;
}

/* Another step's end may just have removed what this one found. */
static int make_there(uint32_t job, uint32_t id, uint32_t restart,
		      struct sb_err *err)
{
	for (int tries = 20;; tries--) {
		int rc;

		step.dir.node = sb_stepdir_open_node(step.place, sb_node_name(),
						     1, err);
		if (step.dir.node >= 0) {
			rc = sb_stepdir_make(&step.dir, job, id, restart,
					     &step.user, err);
			if (!rc)
				return 0;
			rc = errno;
			close(step.dir.node);
			step.dir.node = -1;
			errno = rc;
		}
		if (errno != ENOENT || !step.levels || !tries)
			return -1;
	}
}

static int make_dir(spank_t sp, const struct sb_site *site, struct sb_err *err)
{
	uint32_t job, id;

	if (spank_get_item(sp, S_JOB_ID, &job) != ESPANK_SUCCESS ||
	    spank_get_item(sp, S_JOB_STEPID, &id) != ESPANK_SUCCESS)
		return sb_fail(err, SB_FAIL,
			       "Slurm does not say which step "
			       "this is");
	/* Without it each task gets a container of its own. */
	if (spank_get_item(sp, S_JOB_LOCAL_TASK_COUNT, &step.tasks) !=
	    ESPANK_SUCCESS)
		step.tasks = 1;
	if (find_place(site, job, id, err) < 0)
		return -1;
	if (!make_there(job, id, restart_count(sp), err))
		return 0;
	if (step.levels)
		sb_stepdir_prune(step.place, sb_node_name(), step.levels);
	return -1;
}

/* Tells the helper, through the job's environment, all but argv[0]. */
static int tell_helper(spank_t sp, const char *conf, const char *bundle,
		       struct sb_err *err)
{
	char dir[PATH_MAX + 512], tasks[16];
	const struct {
		const char *name, *value;
	} vars[] = {
		{SB_ENV_CONTAINER, bundle},   {SB_ENV_BUNDLE, bundle},
		{SB_ENV_CONF, conf},	      {SB_ENV_DIR, dir},
		{SB_ENV_STEP, step.dir.name}, {SB_ENV_TASKS, tasks},
	};

	snprintf(tasks, sizeof(tasks), "%u", step.tasks);
	snprintf(dir, sizeof(dir), "%s/%s/%s", step.place, sb_node_name(),
		 step.dir.name);
	for (size_t i = 0; i < sizeof(vars) / sizeof(vars[0]); i++)
		if (spank_setenv(sp, vars[i].name, vars[i].value, 1) !=
		    ESPANK_SUCCESS)
			return sb_fail(err, SB_FAIL,
				       "cannot set %s in the job's environment",
				       vars[i].name);
	return 0;
}

/* slurm_info is what Slurm logs by default, slurm_verbose is not. */
static int tells(const struct sb_site *site)
{
	return site->file_debug >= SB_LEVEL_VERBOSE ||
	       site->syslog_debug >= SB_LEVEL_VERBOSE;
}

static int prepare(spank_t sp, const char *conf, const char *bundle,
		   int vouched, struct sb_err *err)
{
	struct sb_site site;

	if (get_user(sp, err) < 0 || sb_site_read(&site, conf, err) < 0 ||
	    check_policy(&site, bundle, vouched, err) < 0)
		return -1;
	step.keep = site.keep;
	step.tell = tells(&site);
	if (make_dir(sp, &site, err) < 0)
		return -1;
	return tell_helper(sp, conf, bundle, err);
}

/*
 * With an oci.conf, Slurm hands every --container to the runtime that it names,
 * whatever we would do. If that is us, the helper is called in any case: we
 * prepare its way, where our client vouches for the request; what comes from
 * another, the helper can make do with what Slurm tells it. A Slurm without
 * --container knows no oci.conf: nobody but us would do anything.
 */
static int left_to_slurm(int vouched)
{
	char path[PATH_MAX];

	if (!SB_SLURM_HAS_CONTAINER)
		return 0;
	switch (sb_site_oci(path, sizeof(path))) {
	case SB_SITE_OCI_NONE:
		return 0;
	case SB_SITE_OCI_OURS:
		step.handed_off = 1;
		return !vouched;
	default:
		slurm_info("stepbox: %s exists: --container is left to Slurm",
			   path);
		return 1;
	}
}

void sb_step_begin(spank_t sp, int argc, char **argv)
{
	char bundle[PATH_MAX];
	int vouched = 0, rc;
	const char *conf;

	rc = read_request(sp, bundle, sizeof(bundle), &vouched, &step.why);
	if (!rc)
		return;
	conf = sb_site_conf(argc, argv);
	if (!conf) {
		slurm_debug("stepbox: not configured here: --container is "
			    "recorded only");
		return;
	}
	if (left_to_slurm(vouched))
		return;
	step.wanted = 1;
	step.vouched = vouched;
	if (rc < 0 || prepare(sp, conf, bundle, vouched, &step.why) < 0)
		step.refused = 1;
}

/* ---- the hand-over ---- */

/* Ends the calling task. One line per node: its first task says it. */
static void __attribute__((noreturn)) refuse(spank_t sp)
{
	char text[SB_ERR_ESCAPED], line[sizeof(text) + 512];
	int task = 0, n;

	spank_get_item(sp, S_TASK_ID, &task);
	sb_escape(text, sizeof(text), step.why.text);
	n = snprintf(line, sizeof(line), "stepbox: %s (node %s)\n", text,
		     sb_node_name());
	if (task <= 0 && n > 0 && write(STDERR_FILENO, line, n) < 0)
		slurm_error("%s", line);
	_exit(step.why.code);
}

/* Whether text looks like a --multi-prog configuration: its first line that
 * says anything begins with task numbers. */
static int looks_multi_prog(const char *text)
{
	if (!strchr(text, '\n'))
		return 0;
	while (*text == '#' || *text == '\n')
		text += strcspn(text, "\n") + !!text[strcspn(text, "\n")];
	text += strspn(text, " \t");
	if (*text != '*' && (*text < '0' || *text > '9'))
		return 0;
	text += strspn(text, "0123456789,:*-");
	return *text == ' ' || *text == '\t';
}

/*
 * srun --multi-prog before 23.11: S_JOB_ARGV is the configuration file's path
 * and its text, and what we write there is not what slurmstepd executes
 * (22.05, src/slurmd/slurmstepd/slurmstepd_job.c). Our client refuses it where
 * the file surely is (client.c); here, where it may not be, one without us is
 * judged by the text.
 */
static int is_multi_prog(int argc, char **argv)
{
	return argc >= 2 && (sb_client_same_text(argv[0], argv[1]) ||
			     (!step.vouched && looks_multi_prog(argv[1])));
}

/* Before 23.11. */
static int overwrite(spank_t sp, struct sb_err *err)
{
	char **argv = NULL, *helper;
	int argc = 0;

	if (spank_get_item(sp, S_JOB_ARGV, &argc, &argv) != ESPANK_SUCCESS ||
	    argc < 1 || !argv || !argv[0])
		return sb_fail(err, SB_FAIL, "Slurm does not say what to run");
	if (is_multi_prog(argc, argv))
		return sb_fail(err, SB_FAIL, SB_CLIENT_NO_MULTI_PROG);
	helper = strdup(SB_HELPER_PATH);
	if (!helper ||
	    spank_setenv(sp, SB_ENV_ARGV0, argv[0], 1) != ESPANK_SUCCESS) {
		free(helper);
		return sb_fail(err, SB_FAIL, "cannot pass the command on");
	}
	/* slurmstepd's argv and the task's are one array here, and this
	 * process is about to execute it. An absolute path, or slurmstepd
	 * would look in the user's PATH. */
	argv[0] = helper;
	return 0;
}

/* The task's own argv, which with --multi-prog is not what S_JOB_ARGV says. */
static int prepend(spank_t sp, struct sb_err *err)
{
	const char *words[] = {SB_HELPER_PATH, "run", "--"};

	/* A job's own variable of that name would have the helper take these
	 * words for the command's. */
	spank_unsetenv(sp, SB_ENV_ARGV0);
	if (spank_prepend_task_argv(sp, 3, words) != ESPANK_SUCCESS)
		return sb_fail(err, SB_FAIL, "cannot pass the command on");
	return 0;
}

static int hand_over(spank_t sp, struct sb_err *err)
{
	if (access(SB_HELPER_PATH, X_OK) < 0)
		return sb_fail(err, errno == ENOENT ? SB_NOENT : SB_NOEXEC,
			       "helper %s: %s", SB_HELPER_PATH,
			       strerror(errno));
	/* Handed off, the words tell the helper that we had our part in it, and
	 * keep Slurm from looking for the command on the host. */
	if (spank_prepend_task_argv)
		return prepend(sp, err);
	return step.handed_off ? 0 : overwrite(sp, err);
}

void sb_step_hand_over(spank_t sp)
{
	if (!step.wanted)
		return;
	if (step.refused || hand_over(sp, &step.why) < 0)
		refuse(sp);
}

/* ---- the end ---- */

/* Logs what a child said, line by line. */
static void log_lines(const char *text)
{
	char line[512], safe[1024];

	while (*text) {
		size_t len = strcspn(text, "\n");
		size_t cut = len < sizeof(line) - 1 ? len : sizeof(line) - 1;

		memcpy(line, text, cut);
		line[cut] = '\0';
		sb_escape(safe, sizeof(safe), line);
		if (*safe && step.tell)
			slurm_info("stepbox: %s: %s", step.dir.name, safe);
		else if (*safe)
			slurm_verbose("stepbox: %s: %s", step.dir.name, safe);
		text += len + !!text[len];
	}
}

/* Has a child end what r names of the step's; what is for messages. */
static void reap_now(struct sb_reap *r, const char *what)
{
	char text[SB_REPORT_MAX + 1];
	long long began = sb_now_ms();
	int rc = sb_asuser(&step.user, step.dir.fd, -1, sb_reap, r, TASK_MS,
			   text);

	/* The user can stop his child, and let it go on just before its time
	 * is up. Waiting that out for every task would run into
	 * UnkillableStepTimeout, which drains the node: so all tasks together
	 * have no more time than one. */
	step.spent += sb_now_ms() - began;
	step.slow |= rc < 0 || step.spent > TASK_MS;
	if (rc)
		slurm_info("stepbox: %s: %s: its container may still run",
			   step.dir.name, what);
	log_lines(text);
}

/* What the tasks shared goes with the last one. Slurm would find it in the
 * step's cgroup at once, and wait for a second. */
static void end_shared(void)
{
	struct sb_reap r = {.name = step.dir.name, .task = SB_REAP_SHARED};

	if (step.tasks > 1 && ++step.ended == step.tasks && !step.slow)
		reap_now(&r, "the node's tasks");
}

void sb_step_task_exit(spank_t sp)
{
	struct sb_reap r = {.name = step.dir.name};
	int status = 0, task = -1;
	char what[32];

	if (step.dir.fd < 0 ||
	    spank_get_item(sp, S_TASK_EXIT_STATUS, &status) != ESPANK_SUCCESS ||
	    spank_get_item(sp, S_TASK_ID, &task) != ESPANK_SUCCESS || task < 0)
		return;
	/* A helper or runtime that came to its own end has taken its container
	 * with it. One that was killed, or a shell around one (128 + n), may
	 * not have, and that container would hold the step's output open. */
	if (!WIFEXITED(status) || WEXITSTATUS(status) >= SB_FAIL) {
		step.signalled |=
			!WIFEXITED(status) || WEXITSTATUS(status) > SB_NOENT;
		r.task = task;
		snprintf(what, sizeof(what), "task %d", task);
		if (!step.slow)
			reap_now(&r, what);
	}
	end_shared();
}

void sb_step_end(void)
{
	char text[SB_REPORT_MAX + 1];
	int left;

	if (step.dir.fd < 0)
		return;
	if (step.keep)
		left = sb_stepdir_keep(&step.dir, &step.user, step.signalled,
				       text);
	else
		left = sb_stepdir_remove(&step.dir, &step.user, step.signalled,
					 text);
	log_lines(text);
	if (left)
		slurm_error("stepbox: step directory %s could not be removed "
			    "now: it will be tried again",
			    step.dir.name);
	else if (step.keep)
		slurm_info("stepbox: %s/%s/%s stays (DisableCleanup): "
			   "\"stepbox clean\", by root, removes it",
			   step.place, sb_node_name(), step.dir.name);
	if (step.levels)
		sb_stepdir_prune(step.place, sb_node_name(), step.levels);
}

/* ---- the nets ---- */

static void found(const char *name, int became, const char *text)
{
	static const char *const words[] = {
		[SB_STEPDIR_GONE] = "cleaned up",
		[SB_STEPDIR_LEFT] = "could not be removed, will be tried again",
		[SB_STEPDIR_KEPT] =
			"ended; the directory stays (DisableCleanup)",
	};

	snprintf(step.dir.name, sizeof(step.dir.name), "%.47s", name);
	log_lines(text);
	slurm_info("stepbox: %s: its slurmstepd was gone: %s", name,
		   words[became]);
}

struct sweeping {
	const struct sb_site *site;
	const char *node;
	struct sb_sweep sweep;
};

static void sweep(struct sweeping *s, const char *path)
{
	struct sb_err err;
	int fd = sb_stepdir_open_node(path, s->node, 0, &err);

	if (fd < 0) {
		if (errno != ENOENT)
			slurm_info("stepbox: %s", err.text);
		return;
	}
	sb_stepdir_sweep(fd, &s->sweep);
	close(fd);
}

/* path is one of a node of that name, and perhaps ours. */
static void sweep_place(void *arg, char *path)
{
	struct sweeping *s = arg;
	char records[PATH_MAX];
	struct stat st;

	if (snprintf(records, sizeof(records), "%s/" SB_OWNER_DIR, path) >=
		    (int)sizeof(records) ||
	    lstat(records, &st) < 0 || !S_ISDIR(st.st_mode) || st.st_uid)
		return;
	*strrchr(path, '/') = '\0';
	sweep(s, path);
	sb_stepdir_prune(path, s->node, sb_place_levels(s->site->place, path));
}

void sb_step_sweep(int argc, char **argv, uint32_t job)
{
	const char *conf = sb_site_conf(argc, argv);
	struct sb_place of = {
		.node = job ? sb_node_name() : sb_node_of_slurmd(),
		.job = job,
		.user = "?",
	};
	struct sb_site site;
	struct sweeping s = {
		.site = &site,
		.node = of.node,
		.sweep = {.job = job,
			  .end = sb_now_ms() + (job ? EPILOG_MS : START_MS),
			  .found = found},
	};
	char path[PATH_MAX];
	struct sb_err err;

	if (!conf)
		return;
	if (sb_site_read(&site, conf, &err) < 0) {
		slurm_info("stepbox: %s", err.text);
		return;
	}
	step.tell = tells(&site);
	s.sweep.keep = site.keep;
	if (!sb_place_varies(site.place)) {
		if (!sb_place_expand(path, sizeof(path), site.place, &of, &err))
			sweep(&s, path);
	} else {
		/* Another for each user, job or step: all that are there. */
		of.user = NULL;
		if (!sb_place_glob(path, sizeof(path), site.place, &of))
			sb_stepdir_each(path, sweep_place, &s);
	}
	if (s.sweep.skipped)
		slurm_info("stepbox: no time to clean up the rest: slurmd's "
			   "start or \"stepbox clean\", by root, goes on");
}
