/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include "../../helper/env.h"

#define LIST(...) ((char *[]){__VA_ARGS__, NULL})

static char *joined(struct sb_strv *l)
{
	static char buf[4096];

	*buf = '\0';
	for (size_t i = 0; i < l->n; i++) {
		strcat(buf, i ? "|" : "");
		strcat(buf, l->v[i]);
	}
	sb_strv_free(l);
	return buf;
}

static char *make(const struct sb_env_of *of)
{
	struct sb_strv out = {0};
	struct sb_err err;

	assert_int_equal(sb_env_container(of, &out, &err), 0);
	return joined(&out);
}

static char *merge(char **job, char **bundle, const char *exclude, int shell)
{
	struct sb_env_of of = {
		.job = job, .bundle = bundle, .shell_inside = shell};
	char *out;
	regex_t re;

	if (!exclude)
		return make(&of);
	assert_int_equal(regcomp(&re, exclude, REG_EXTENDED | REG_NOSUB), 0);
	of.exclude = &re;
	out = make(&of);
	regfree(&re);
	return out;
}

/* With the last field set: where a LIST ends the others, gcc 10 forgets that
 * fields have names, and warns of those that are missing. */
#define MAKE(...)                                                              \
	make(&(const struct sb_env_of){__VA_ARGS__, .shell_inside = 0})

static void test_bundle_wins(void **state)
{
	(void)state;
	assert_string_equal(merge(LIST("PATH=/host", "A=1"),
				  LIST("PATH=/image", "B=2"), NULL, 1),
			    "PATH=/image|A=1|B=2");
}

static void test_job_wins(void **state)
{
	static const char *const names[] = {
		"SLURM_JOB_ID",
		"SLURMD_NODENAME",
		"PMI_RANK",
		"PMIX_RANK",
		"TERM",
		"HOME",
		"USER",
		"LOGNAME",
		"TMPDIR",
		"CUDA_VISIBLE_DEVICES",
		"ROCR_VISIBLE_DEVICES",
		"ZE_AFFINITY",
		"OMP_NUM_THREADS",
	};
	char a[64], b[64];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(a, sizeof(a), "%s=job", names[i]);
		snprintf(b, sizeof(b), "%s=bundle", names[i]);
		assert_string_equal(merge(LIST(a), LIST(b), NULL, 1), a);
	}
	/* whole names: these only begin alike */
	assert_string_equal(
		merge(LIST("HOMEPAGE=j"), LIST("HOMEPAGE=b"), NULL, 1),
		"HOMEPAGE=b");
	assert_string_equal(
		merge(LIST("TERMINFO=j"), LIST("TERMINFO=b"), NULL, 1),
		"TERMINFO=b");
}

static void test_shell(void **state)
{
	(void)state;
	assert_string_equal(
		merge(LIST("SHELL=/bin/zsh"), LIST("SHELL=/bin/sh"), NULL, 1),
		"SHELL=/bin/zsh");
	assert_string_equal(
		merge(LIST("SHELL=/bin/zsh"), LIST("SHELL=/bin/sh"), NULL, 0),
		"SHELL=/bin/sh");
	assert_string_equal(merge(LIST("SHELL=/bin/zsh", "A=1"), NULL, NULL, 0),
			    "A=1");
}

static void test_left_out(void **state)
{
	(void)state;
	assert_string_equal(merge(LIST("SLURM_STEPBOX_DIR=/x", "SLURM_CONF=c",
				       "SLURM_CONFIG=d", "novalue", "=x"),
				  LIST("SLURM_STEPBOX_REQUEST=x"),
				  "^(SLURM_CONF|SLURM_CONF_SERVER)=", 1),
			    "SLURM_CONFIG=d");
}

static void test_bytes(void **state)
{
	(void)state;
	assert_string_equal(
		merge(LIST("A=x\ny", "B=", "C=a=b", "BASH_FUNC_f%%=() { :; }"),
		      NULL, NULL, 1),
		"A=x\ny|B=|C=a=b|BASH_FUNC_f%%=() { :; }");
}

static void test_many(void **state)
{
	struct sb_strv job = {0}, out = {0};
	struct sb_env_of of = {.bundle = LIST("V7=b", "W=1"),
			       .shell_inside = 1};
	struct sb_err err;
	char var[64];

	(void)state;
	for (int i = 0; i < 5000; i++) {
		snprintf(var, sizeof(var), "V%d=%d", i, i);
		sb_strv_add(&job, var);
	}
	of.job = job.v;
	assert_int_equal(sb_env_container(&of, &out, &err), 0);
	assert_int_equal(out.n, 5001);
	assert_string_equal(out.v[7], "V7=b");
	assert_string_equal(out.v[4999], "V4999=4999");
	assert_string_equal(out.v[5000], "W=1");
	sb_strv_free(&job);
	sb_strv_free(&out);
}

/* --container-env: whole names, wherever they stand in the list. */
static void test_keep(void **state)
{
	char **job = LIST("PATH=/j", "LANG=j", "LC=j", "SHELL=/j");
	char **bundle = LIST("PATH=/b", "LANG=b", "LC=b");

	(void)state;
	assert_string_equal(MAKE(.job = job, .bundle = bundle, .keep = "PATH"),
			    "PATH=/j|LANG=b|LC=b");
	assert_string_equal(
		MAKE(.job = job, .bundle = bundle, .keep = "X,LC,PATH"),
		"PATH=/j|LANG=b|LC=j");
	assert_string_equal(MAKE(.job = job, .bundle = bundle,
				 .keep = ",LAN,LANGUAGE,,LANG,"),
			    "PATH=/b|LANG=j|LC=b");
	assert_string_equal(MAKE(.job = job, .bundle = bundle, .keep = ""),
			    "PATH=/b|LANG=b|LC=b");
	/* one that the job has not stays the bundle's; SHELL may be asked for
	 * though the container lacks it */
	assert_string_equal(
		MAKE(.job = job, .bundle = LIST("N=b"), .keep = "N,SHELL"),
		"PATH=/j|LANG=j|LC=j|SHELL=/j|N=b");
}

/* The site's word is the last one, but not about what is ours. */
static void test_site(void **state)
{
	char **site = LIST("A=s", "B=s", "C=s", "none", "=x");

	(void)state;
	assert_string_equal(MAKE(.site = site, .job = LIST("A=j", "Z=j"),
				 .bundle = LIST("B=b", "Y=b"), .keep = "A,B"),
			    "A=s|Z=j|B=s|Y=b|C=s");
	assert_string_equal(MAKE(.site = site), "A=s|B=s|C=s");
	assert_string_equal(MAKE(.site = LIST("HOME=s", "SLURM_X=s"),
				 .job = LIST("SLURM_X=j", "HOME=j")),
			    "SLURM_X=s|HOME=s");
	assert_string_equal(
		MAKE(.site = LIST("SHELL=/s"), .job = LIST("SHELL=/j")),
		"SHELL=/s");
	assert_string_equal(MAKE(.site = NULL), "");
}

/* What EnvExclude takes from the job, the site and the bundle may set. */
static void test_excluded_set(void **state)
{
	struct sb_env_of of = {.job = LIST("A=j", "B=j"),
			       .bundle = LIST("A=b"),
			       .site = LIST("B=s"),
			       .keep = "A"};
	regex_t re;

	(void)state;
	assert_int_equal(regcomp(&re, "^[AB]=", REG_EXTENDED | REG_NOSUB), 0);
	of.exclude = &re;
	assert_string_equal(make(&of), "A=b|B=s");
	regfree(&re);
}

static char *with_path(char **env)
{
	struct sb_strv list = {0};
	struct sb_err err;

	for (; env && *env; env++)
		sb_strv_add(&list, *env);
	assert_int_equal(sb_env_path(&list, "/new", &err), 0);
	return joined(&list);
}

/* For each variable the rule that decided; and the rules themselves are
 * followed: whose value it is agrees with sb_env_container. */
static void test_why(void **state)
{
	static const struct {
		const char *name, *why;
	} all[] = {
		{"ONLY_JOB", "the job's"},
		{"ONLY_BUNDLE=x", "the bundle's"},
		{"BOTH", "the bundle's: goes before the job's"},
		{"HOME", "the job's: goes before the bundle's"},
		{"KEPT", "the job's: --container-env names it"},
		{"SITE", "the site's: EnvSet"},
		{"SECRET", "left out: EnvExclude"},
		{"SECRET_BOTH", "the bundle's: EnvExclude keeps the job's out"},
		{"SHELL", "left out: the container lacks this shell"},
		{"SLURM_STEPBOX_DIR", "left out: stepbox's own"},
		{"NONE", "not set"},
	};
	struct sb_env_of of = {
		.job = LIST("ONLY_JOB=1", "BOTH=j", "HOME=/j", "KEPT=j",
			    "SITE=j", "SECRET=j", "SECRET_BOTH=j", "SHELL=/x",
			    "SLURM_STEPBOX_DIR=/"),
		.bundle = LIST("ONLY_BUNDLE=b", "BOTH=b", "HOME=/b", "KEPT=b",
			       "SITE=b", "SECRET_BOTH=b"),
		.site = LIST("SITE=s"),
		.keep = "KEPT",
	};
	struct sb_strv out = {0};
	struct sb_err err;
	regex_t re;

	(void)state;
	assert_int_equal(regcomp(&re, "^SECRET", REG_NOSUB), 0);
	of.exclude = &re;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		assert_string_equal(sb_env_why(&of, all[i].name), all[i].why);
	assert_int_equal(sb_env_container(&of, &out, &err), 0);
	for (size_t i = 0; i < out.n; i++) {
		const char *why = sb_env_why(&of, out.v[i]);
		char owner = strchr(out.v[i], '=')[1];

		if (strchr("jbs", owner))
			assert_int_equal(why[4], owner);
		assert_int_equal(strncmp(why, "left", 4) != 0, 1);
	}
	regfree(&re);
	sb_strv_free(&out);
}

static void test_path(void **state)
{
	(void)state;
	assert_string_equal(with_path(LIST("A=1", "PATH=/a:/b", "PATHX=2")),
			    "A=1|PATH=/new:/a:/b|PATHX=2");
	assert_string_equal(with_path(LIST("A=1")),
			    "A=1|PATH=/new:/usr/local/sbin:/usr/local/bin:"
			    "/usr/sbin:/usr/bin:/sbin:/bin");
	assert_string_equal(with_path(NULL),
			    "PATH=/new:/usr/local/sbin:/usr/local/bin:"
			    "/usr/sbin:/usr/bin:/sbin:/bin");
}

static void test_get(void **state)
{
	char **env = LIST("AB=1", "A=2", "A=3", "E=");

	(void)state;
	assert_string_equal(sb_env_get(env, "A"), "2");
	assert_string_equal(sb_env_get(env, "E"), "");
	assert_null(sb_env_get(env, "B"));
	assert_null(sb_env_get(NULL, "A"));
}

static void test_runtime(void **state)
{
	struct sb_strv out = {0};
	struct sb_err err;
	char *job[] = {"PATH=/evil",
		       "LD_PRELOAD=x",
		       "HOME=/h",
		       "SLURM_JOBID=1",
		       "SLURM_STEPBOX_DIR=/x",
		       "XDG_RUNTIME_DIR=/run/user/1",
		       "GCONV_PATH=x",
		       NULL};

	(void)state;
	assert_int_equal(sb_env_runtime(job, NULL, &out, &err), 0);
	assert_string_equal(joined(&out),
			    "PATH=" SB_RUNTIME_PATH "|HOME=/h|SLURM_JOBID=1|"
			    "XDG_RUNTIME_DIR=/run/user/1");
}

static void test_runtime_exclude(void **state)
{
	struct sb_strv out = {0};
	struct sb_err err;
	regex_t re;

	(void)state;
	assert_int_equal(regcomp(&re, "^(HOME|PATH)=", REG_EXTENDED), 0);
	assert_int_equal(sb_env_runtime(LIST("HOME=/h", "USER=u", "SLURM_A=1"),
					&re, &out, &err),
			 0);
	assert_string_equal(joined(&out),
			    "PATH=" SB_RUNTIME_PATH "|USER=u|SLURM_A=1");
	regfree(&re);
}

/* The job's, but for what would steer programs of the host. */
static void test_direct(void **state)
{
	struct sb_strv out = {0};
	struct sb_err err;
	regex_t re;
	char **job = (char *[]){"PATH=/home/u/bin",
				"LD_PRELOAD=x.so",
				"LD_LIBRARY_PATH=/x",
				"GCONV_PATH=x",
				"MALLOC_CHECK_=3",
				"GLIBC_TUNABLES=x",
				"BASH_ENV=x",
				"BASH_FUNC_ls%%=() { id; }",
				"ENV=x",
				"IFS=x",
				"ENVIRONMENT=batch",
				"LDFLAGS=-x",
				"CUDA_VISIBLE_DEVICES=1",
				"APPTAINER_BIND=/x",
				"A=b\nc",
				"SLURM_CONF=/x",
				NULL};

	(void)state;
	assert_int_equal(regcomp(&re, "^SLURM_CONF=", REG_EXTENDED), 0);
	assert_int_equal(sb_env_direct(job, &re, &out, &err), 0);
	assert_string_equal(joined(&out), "PATH=" SB_RUNTIME_PATH
					  "|ENVIRONMENT=batch|LDFLAGS=-x|"
					  "CUDA_VISIBLE_DEVICES=1|"
					  "APPTAINER_BIND=/x|A=b\nc");
	regfree(&re);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bundle_wins),
		cmocka_unit_test(test_job_wins),
		cmocka_unit_test(test_shell),
		cmocka_unit_test(test_left_out),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_keep),
		cmocka_unit_test(test_site),
		cmocka_unit_test(test_excluded_set),
		cmocka_unit_test(test_why),
		cmocka_unit_test(test_path),
		cmocka_unit_test(test_get),
		cmocka_unit_test(test_runtime),
		cmocka_unit_test(test_runtime_exclude),
		cmocka_unit_test(test_direct),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
