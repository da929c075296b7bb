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

static char *merge(char **job, char **bundle, const char *exclude, int shell)
{
	struct sb_strv out = {0};
	struct sb_err err;
	regex_t re;

	if (exclude)
		assert_int_equal(
			regcomp(&re, exclude, REG_EXTENDED | REG_NOSUB), 0);
	assert_int_equal(sb_env_container(job, bundle, exclude ? &re : NULL,
					  shell, &out, &err),
			 0);
	if (exclude)
		regfree(&re);
	return joined(&out);
}

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
			    "SLURM_CONFIG=d|SLURM_STEPBOX_REQUEST=x");
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
	struct sb_err err;
	char var[64];

	(void)state;
	for (int i = 0; i < 5000; i++) {
		snprintf(var, sizeof(var), "V%d=%d", i, i);
		sb_strv_add(&job, var);
	}
	assert_int_equal(sb_env_container(job.v, LIST("V7=b", "W=1"), NULL, 1,
					  &out, &err),
			 0);
	assert_int_equal(out.n, 5001);
	assert_string_equal(out.v[7], "V7=b");
	assert_string_equal(out.v[4999], "V4999=4999");
	assert_string_equal(out.v[5000], "W=1");
	sb_strv_free(&job);
	sb_strv_free(&out);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bundle_wins),
		cmocka_unit_test(test_job_wins),
		cmocka_unit_test(test_shell),
		cmocka_unit_test(test_left_out),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_runtime),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
