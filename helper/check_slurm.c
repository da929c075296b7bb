/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The checks of what Slurm itself is configured to do: whether it loads the
 * plugin, and one that was built for it; whether an oci.conf is in the way.
 * Slurm's files are read as it reads them, and none of its libraries is needed.
 */
#define _GNU_SOURCE
#include "check.h"

#include "../spank/contract.h"
#include "../spank/keyval.h"
#include "../spank/proc.h"
#include "elf.h"
#include "fdio.h"
#include "mem.h"
#include "plugstack.h"
#include "runtime.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>

#define PLUGIN "spank_stepbox.so"
#define MAX_PLUGIN_SIZE (64 << 20)
#define VERSION_SECONDS 10
/* slurm.h, SLURM_VERSION_NUM */
#define VERSION(a, b) ((a) << 16 | (b) << 8)

enum oci { OCI_ABSENT, OCI_OURS, OCI_FOREIGN };

struct slurm {
	char dir[PATH_MAX - 16]; /* of slurm.conf; "" without Slurm */
	uint32_t version;	 /* of the programs here; 0: unknown */
	char version_text[64];
	/* of slurm.conf; owned */
	char *plugstack, *plugin_dir, *mpi, *launch;
	struct sb_plugstack stack;
	char plugin[PATH_MAX]; /* the .so that is loaded; "": none */
	enum oci oci;
	/* of oci.conf */
	int calls_us, calls_other, ignores_config, has_env_file;
};

/* ---- Slurm's own ---- */

static int conf_pair(void *arg, const char *key, const char *value,
		     const struct sb_kv_pos *pos, struct sb_err *err)
{
	struct slurm *s = arg;
	struct {
		const char *key;
		char **to;
	} wanted[] = {
		{"PlugStackConfig", &s->plugstack},
		{"PluginDir", &s->plugin_dir},
		{"MpiDefault", &s->mpi},
		{"LaunchParameters", &s->launch},
	};

	(void)pos;
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		if (!strcasecmp(key, wanted[i].key)) {
			free(*wanted[i].to);
			*wanted[i].to = strdup(value);
			if (!*wanted[i].to)
				return sb_no_memory(err);
		}
	return 0;
}

/* Where slurm.conf lies: beside stepbox.conf unless SLURM_CONF says otherwise;
 * a configless slurmd keeps its own. */
static void find_conf(struct slurm *s)
{
	static const char cached[] = "/run/slurm/conf/slurm.conf";
	const char *named = getenv("SLURM_CONF");
	char beside[PATH_MAX];
	const char *tries[] = {named, beside, cached};

	snprintf(beside, sizeof(beside), "%s", SB_CONF_PATH);
	snprintf(strrchr(beside, '/'), 16, "/slurm.conf");
	for (size_t i = 0; i < ARRAY_SIZE(tries); i++) {
		if (!tries[i] || *tries[i] != '/' || access(tries[i], F_OK) < 0)
			continue;
		snprintf(s->dir, sizeof(s->dir), "%.*s",
			 (int)(strrchr(tries[i], '/') - tries[i]), tries[i]);
		return;
	}
}

/* Asks a program for its version: "slurm 22.05.8". */
static uint32_t ask_version(const char *name, char *text, size_t size)
{
	struct sb_err err;
	_cleanup_free_ char *program = sb_runtime_program(name, &err);
	char *words[] = {program, (char *)"-V", NULL};
	char *env[] = {(char *)"PATH=" SB_RUNTIME_PATH, NULL};
	unsigned int a, b, c = 0;
	char out[256], *number;
	sigset_t none;

	sigemptyset(&none);
	if (!program || sb_runtime_call(words, env, &none, VERSION_SECONDS, out,
					sizeof(out), &err))
		return 0;
	out[strcspn(out, "\n")] = '\0';
	number = strchr(out, ' ');
	if (!number || sscanf(number, "%u.%u.%u", &a, &b, &c) < 2 || a > 255 ||
	    b > 255 || c > 255)
		return 0;
	snprintf(text, size, "%s", number + 1);
	return VERSION(a, b) | c;
}

static void check_slurm(struct sb_check *c, void *state)
{
	struct slurm *s = state;
	char path[PATH_MAX], client[64];
	struct sb_err err;
	uint32_t v;

	find_conf(s);
	s->version =
		ask_version("slurmd", s->version_text, sizeof(s->version_text));
	v = ask_version("sinfo", client, sizeof(client));
	if (!s->version && v) {
		s->version = v;
		snprintf(s->version_text, sizeof(s->version_text), "%s",
			 client);
	}
	if (!*s->dir && !s->version) {
		sb_check_ok(c, "not installed here");
		return;
	}
	if (!*s->dir) {
		sb_check_warn(
			c, "Set SLURM_CONF, if it is elsewhere.",
			"Slurm %s, but no slurm.conf beside " SB_CONF_PATH,
			s->version_text);
		return;
	}
	snprintf(path, sizeof(path), "%s/slurm.conf", s->dir);
	if (sb_kv_read(path, SB_KV_ANY, conf_pair, s, &err) < 0)
		sb_check_warn(c, "Look at that line; the rest is not known.",
			      "%s", err.text);
	else if (v && (v & ~0xffU) != (s->version & ~0xffU))
		sb_check_warn(c, "Upgrade both.",
			      "slurmd is %s, the programs for users are %s",
			      s->version_text, client);
	else
		sb_check_ok(c, "%s, %s",
			    *s->version_text ? s->version_text : "no programs",
			    path);
}

/* ---- plugstack.conf ---- */

/* Where Slurm would find a plugin that is named so. */
static void locate(struct slurm *s, const char *name)
{
	_cleanup_free_ char *dirs =
		strdup(s->plugin_dir ? s->plugin_dir : SB_SLURM_PLUGIN_DIR);
	char *rest = NULL;

	if (*name == '/' || !dirs) {
		snprintf(s->plugin, sizeof(s->plugin), "%s", name);
		return;
	}
	for (char *d = strtok_r(dirs, ":", &rest); d;
	     d = strtok_r(NULL, ":", &rest)) {
		snprintf(s->plugin, sizeof(s->plugin), "%s/%s", d, name);
		if (!access(s->plugin, F_OK))
			return;
	}
}

static void check_line(struct sb_check *c, const struct sb_plugstack_line *l)
{
	if (!l->required)
		sb_check_fail(c, "Write required in its place.",
			      "%s:%u: optional: where the plugin cannot be "
			      "loaded, containers are run on the node itself, "
			      "without a word",
			      l->file, l->line);
	if (l->strange)
		sb_check_warn(c, "The plugin knows conf=PATH alone.",
			      "%s:%u: %s: not known", l->file, l->line,
			      l->strange);
	if (!l->conf)
		sb_check_warn(
			c, "Add conf=" SB_CONF_PATH ".",
			"%s:%u: without conf=: a node that lacks the "
			"configuration runs containers on the node itself",
			l->file, l->line);
	else if (strcmp(l->conf, c->conf))
		sb_check_warn(c, "Check that one: --conf=PATH.",
			      "%s:%u: conf=%s, but what was checked is %s",
			      l->file, l->line, l->conf, c->conf);
}

static void check_plugstack(struct sb_check *c, void *state)
{
	struct slurm *s = state;
	const struct sb_plugstack *p = &s->stack;
	int before = c->worst;
	char path[PATH_MAX];
	struct sb_err err;

	if (!*s->dir)
		return;
	snprintf(path, sizeof(path), "%s/plugstack.conf", s->dir);
	if (s->plugstack)
		snprintf(path, sizeof(path), "%s", s->plugstack);
	c->worst = 0;
	if (sb_plugstack_read(&s->stack, path, PLUGIN, &err) < 0)
		sb_check_fail(c, "Slurm must be able to read it.", "%s",
			      err.text);
	else if (!p->n)
		sb_check_fail(c,
			      "Copy the example, plugstack.conf in "
			      "share/stepbox, to plugstack.conf.d, and include "
			      "that.",
			      "%s, and what it includes: the plugin is not "
			      "there",
			      path);
	if (p->broken)
		sb_check_warn(c, "required, optional or include, and a path.",
			      "%s: Slurm ignores this line", p->broken);
	if (p->n > 1)
		sb_check_fail(c, "Remove one.",
			      "%s:%u and %s:%u: the plugin is loaded twice",
			      p->lines[0].file, p->lines[0].line,
			      p->lines[1].file, p->lines[1].line);
	for (size_t i = 0; i < p->n; i++)
		check_line(c, &p->lines[i]);
	if (p->n)
		locate(s, p->lines[0].plugin);
	if (!c->worst)
		sb_check_ok(c, "%s:%u: required, conf=%s", p->lines[0].file,
			    p->lines[0].line, p->lines[0].conf);
	c->worst = before > c->worst ? before : c->worst;
}

/* ---- the plugin ---- */

/*
 * Slurm's spank.h puts Slurm's number into a plugin since 21.08; before it is
 * the plugin's own, and nobody compares (src/common/plugin.c). From then on
 * major and minor must be the same.
 */
static int fits(uint32_t built, uint32_t runs)
{
	if (built < VERSION(1, 0))
		return runs < VERSION(21, 8);
	return !((built ^ runs) & 0xffff00);
}

static void compare_versions(struct sb_check *c, const struct slurm *s,
			     uint32_t built)
{
	char text[32] = "20.11 or before";

	if (built >= VERSION(1, 0))
		snprintf(text, sizeof(text), "%u.%02u.%u", built >> 16,
			 built >> 8 & 0xff, built & 0xff);
	if (!s->version)
		sb_check_warn(c, "Compare by hand: sinfo --version.",
			      "%s: built for Slurm %s; which one runs here is "
			      "not known",
			      s->plugin, text);
	else if (fits(built, s->version))
		sb_check_ok(c, "%s: built for Slurm %s", s->plugin, text);
	else
		sb_check_fail(c,
			      "Build it against this Slurm's headers and "
			      "install that.",
			      "%s: built for Slurm %s, this is %s: %s",
			      s->plugin, text, s->version_text,
			      s->version < VERSION(21, 8)
				      ? "--container is not what it takes it "
					"for"
				      : "Slurm does not load it");
}

static void check_plugin(struct sb_check *c, void *state)
{
	struct slurm *s = state;
	_cleanup_free_ char *data = NULL;
	struct sb_elf elf;
	struct sb_err err;
	struct stat st;
	uint32_t built;
	size_t size;

	if (!*s->plugin)
		return;
	data = sb_fdio_read(AT_FDCWD, s->plugin, MAX_PLUGIN_SIZE, s->plugin,
			    &size, &err);
	if (!data || stat(s->plugin, &st) < 0) {
		sb_check_fail(c, "Install it: with required every srun fails.",
			      "%s", err.text);
		return;
	}
	if (st.st_uid || st.st_mode & 022)
		sb_check_fail(c, "chown root, chmod go-w.",
			      "%s: must be root's and writable by root alone: "
			      "slurmd loads it",
			      s->plugin);
	if (sb_elf_open(&elf, data, size) < 0 ||
	    sb_elf_number(&elf, "plugin_version", &built) < 0) {
		sb_check_fail(c, "Install it again.",
			      "%s: not a plugin of Slurm", s->plugin);
		return;
	}
	compare_versions(c, s, built);
	if (!memmem(data, size, SB_HELPER_PATH, sizeof(SB_HELPER_PATH)))
		sb_check_warn(c, "Install both from one build.",
			      "%s: does not call " SB_HELPER_PATH
			      ", but another helper than this",
			      s->plugin);
	if (access(SB_HELPER_PATH, X_OK) < 0)
		sb_check_fail(c, "Install it: meson install.",
			      SB_HELPER_PATH ": %s", strerror(errno));
}

/* ---- slurmd ---- */

/* Whether a process has the plugin mapped, of whatever build: 1, 0, or -1 if
 * that cannot be seen. */
static int has_mapped(pid_t pid)
{
	char name[32], line[PATH_MAX + 128];
	int found = 0;
	FILE *f;

	snprintf(name, sizeof(name), "/proc/%d/maps", pid);
	f = fopen(name, "re");
	if (!f)
		return -1;
	while (fgets(line, sizeof(line), f))
		found |= strstr(line, "/" PLUGIN) != NULL;
	if (ferror(f))
		found = -1;
	fclose(f);
	return found;
}

/* When a process began, in seconds of the clock. */
static time_t begin_of(pid_t pid)
{
	struct timespec now, up;
	struct sb_proc p;

	if (sb_proc_read(pid, &p) < 0)
		return 0;
	clock_gettime(CLOCK_REALTIME, &now);
	clock_gettime(CLOCK_BOOTTIME, &up);
	return now.tv_sec - up.tv_sec +
	       (time_t)(p.start / sysconf(_SC_CLK_TCK));
}

/* Whether the program it runs is no longer the one on disk. */
static int is_replaced(pid_t pid)
{
	static const char mark[] = " (deleted)";
	char name[32], exe[PATH_MAX];
	ssize_t n;

	snprintf(name, sizeof(name), "/proc/%d/exe", pid);
	n = readlink(name, exe, sizeof(exe));
	return n > (ssize_t)strlen(mark) &&
	       !memcmp(exe + n - strlen(mark), mark, strlen(mark));
}

/* since: when what it should have loaded was put in place. */
static void check_daemon(struct sb_check *c, const struct slurm *s, pid_t pid,
			 time_t since)
{
	static const char remedy[] =
		"Restart slurmd: until then it may not call the plugin's "
		"epilog, the net for containers of a killed slurmstepd.";
	int mapped = has_mapped(pid);

	if (is_replaced(pid))
		sb_check_warn(c, "Restart slurmd.",
			      "pid %d: another slurmd has been installed since",
			      pid);
	if (!mapped)
		sb_check_warn(c, remedy, "pid %d has not loaded %s", pid,
			      s->plugin);
	else if (mapped < 0 && begin_of(pid) + 1 < since)
		sb_check_warn(c, remedy,
			      "pid %d is older than %s or its line in "
			      "plugstack.conf",
			      pid, s->plugin);
	else
		sb_check_ok(c, "pid %d %s loaded the plugin", pid,
			    mapped < 0 ? "can have" : "has");
}

static void check_slurmd(struct sb_check *c, void *state)
{
	struct slurm *s = state;
	char name[300], comm[32];
	struct dirent *e;
	struct stat so, line;
	DIR *d;

	if (!*s->plugin || stat(s->plugin, &so) < 0)
		return;
	if (!stat(s->stack.lines[0].file, &line) && line.st_ctime > so.st_ctime)
		so.st_ctime = line.st_ctime;
	d = opendir("/proc");
	while (d && (e = readdir(d))) {
		const char *number = e->d_name;
		long long pid = sb_proc_number(&number, INT_MAX);

		if (pid < 0)
			continue;
		snprintf(name, sizeof(name), "/proc/%s/comm", e->d_name);
		if (sb_proc_slurp(AT_FDCWD, name, comm, sizeof(comm)) > 0 &&
		    !strcmp(comm, "slurmd\n"))
			check_daemon(c, s, pid, so.st_ctime);
	}
	if (d)
		closedir(d);
}

/* ---- oci.conf ---- */

/* Whether a word of a command is stepbox. */
static int calls_stepbox(const char *command)
{
	const char *p = command;

	while ((p = strstr(p, "stepbox"))) {
		const char *end = p + strlen("stepbox");

		if ((p == command || strchr(" \t/\"'", p[-1])) &&
		    (!*end || strchr(" \t\"'", *end)))
			return 1;
		p = end;
	}
	return 0;
}

static int oci_pair(void *arg, const char *key, const char *value,
		    const struct sb_kv_pos *pos, struct sb_err *err)
{
	struct slurm *s = arg;

	(void)pos, (void)err;
	if (!strcasecmp(key, "RunTimeRun") || !strcasecmp(key, "RunTimeCreate"))
		*(calls_stepbox(value) ? &s->calls_us : &s->calls_other) = 1;
	if (!strcasecmp(key, "IgnoreFileConfigJson"))
		s->ignores_config = sb_kv_bool(value) == 1;
	if (!strcasecmp(key, "CreateEnvFile"))
		s->has_env_file =
			strcasecmp(value, "disabled") && sb_kv_bool(value) != 0;
	return 0;
}

static void check_ours(struct sb_check *c, const struct slurm *s,
		       const char *path)
{
	if (!s->ignores_config)
		sb_check_fail(c, "Add IgnoreFileConfigJson=true.",
			      "%s: calls stepbox, but has Slurm read and "
			      "change config.json first",
			      path);
	else if (!s->has_env_file)
		sb_check_fail(c, "Add CreateEnvFile=null.",
			      "%s: calls stepbox, but does not hand the job's "
			      "environment over",
			      path);
	else
		sb_check_ok(c, "%s: calls stepbox (hand-off)", path);
}

static void check_oci(struct sb_check *c, void *state)
{
	struct slurm *s = state;
	char path[PATH_MAX];
	struct sb_err err;

	if (!*s->dir)
		return;
	snprintf(path, sizeof(path), "%s/oci.conf", s->dir);
	if (access(path, F_OK) < 0) {
		sb_check_ok(c, "%s: absent: the plugin starts containers",
			    path);
		return;
	}
	s->oci = OCI_FOREIGN;
	if (sb_kv_read(path, SB_KV_ANY, oci_pair, s, &err) < 0) {
		sb_check_fail(c, "Correct it, or remove it.", "%s", err.text);
		return;
	}
	if (s->calls_us && !s->calls_other)
		s->oci = OCI_OURS;
	if (s->oci == OCI_OURS)
		check_ours(c, s, path);
	else if (s->version && s->version < VERSION(21, 8))
		sb_check_ok(c, "%s: this Slurm does not read it", path);
	else
		sb_check_warn(c, "Remove it, if stepbox is to run containers.",
			      "%s: Slurm itself starts containers, without "
			      "stepbox",
			      path);
}

/* ---- what does not go together ---- */

/* Slurm, src/plugins/mpi/pmix: since 23.02 it wants the directory that only an
 * oci.conf gives a container. */
static void check_mpi(struct sb_check *c, void *state)
{
	struct slurm *s = state;

	if (!s->mpi)
		return;
	if (!strncasecmp(s->mpi, "pmix", 4) && s->oci == OCI_ABSENT &&
	    s->version >= VERSION(23, 2))
		sb_check_fail(c,
			      "MpiDefault=none, users say --mpi=pmix; or the "
			      "oci.conf that stepbox ships, for both.",
			      "MpiDefault=%s: this Slurm cannot start a "
			      "container so without an oci.conf",
			      s->mpi);
	else
		sb_check_ok(c, "%s", s->mpi);
}

static void check_salloc(struct sb_check *c, void *state)
{
	struct slurm *s = state;

	if (!*s->dir)
		return;
	if (s->launch && strcasestr(s->launch, "use_interactive_step"))
		sb_check_ok(c, "LaunchParameters has use_interactive_step");
	else
		sb_check_warn(c,
			      "LaunchParameters=use_interactive_step in "
			      "slurm.conf.",
			      "salloc --container does not work: its shell is "
			      "no step");
}

static const struct sb_check_row rows[] = {
	{"slurm", check_slurm},	  {"plugstack.conf", check_plugstack},
	{"plugin", check_plugin}, {"slurmd", check_slurmd},
	{"oci.conf", check_oci},  {"MpiDefault", check_mpi},
	{"salloc", check_salloc},
};

void sb_check_slurm(struct sb_check *c)
{
	struct slurm s = {.version = 0};

	sb_check_rows(c, rows, ARRAY_SIZE(rows), &s);
	sb_plugstack_free(&s.stack);
	free(s.plugstack);
	free(s.plugin_dir);
	free(s.mpi);
	free(s.launch);
}
