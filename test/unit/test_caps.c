/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include "../../helper/caps.h"

#include <linux/capability.h>

#define C(name)                                                                \
	{                                                                      \
#name, name                                                    \
	}

/* What the kernel's own header says. */
static const struct {
	const char *name;
	int number;
} theirs[] = {
	C(CAP_CHOWN),
	C(CAP_DAC_OVERRIDE),
	C(CAP_DAC_READ_SEARCH),
	C(CAP_FOWNER),
	C(CAP_FSETID),
	C(CAP_KILL),
	C(CAP_SETGID),
	C(CAP_SETUID),
	C(CAP_SETPCAP),
	C(CAP_LINUX_IMMUTABLE),
	C(CAP_NET_BIND_SERVICE),
	C(CAP_NET_BROADCAST),
	C(CAP_NET_ADMIN),
	C(CAP_NET_RAW),
	C(CAP_IPC_LOCK),
	C(CAP_IPC_OWNER),
	C(CAP_SYS_MODULE),
	C(CAP_SYS_RAWIO),
	C(CAP_SYS_CHROOT),
	C(CAP_SYS_PTRACE),
	C(CAP_SYS_PACCT),
	C(CAP_SYS_ADMIN),
	C(CAP_SYS_BOOT),
	C(CAP_SYS_NICE),
	C(CAP_SYS_RESOURCE),
	C(CAP_SYS_TIME),
	C(CAP_SYS_TTY_CONFIG),
	C(CAP_MKNOD),
	C(CAP_LEASE),
	C(CAP_AUDIT_WRITE),
	C(CAP_AUDIT_CONTROL),
	C(CAP_SETFCAP),
	C(CAP_MAC_OVERRIDE),
	C(CAP_MAC_ADMIN),
	C(CAP_SYSLOG),
	C(CAP_WAKE_ALARM),
	C(CAP_BLOCK_SUSPEND),
	C(CAP_AUDIT_READ),
#ifdef CAP_PERFMON /* Linux 5.8 */
	C(CAP_PERFMON),
	C(CAP_BPF),
#endif
#ifdef CAP_CHECKPOINT_RESTORE /* Linux 5.9 */
	C(CAP_CHECKPOINT_RESTORE),
#endif
};

static void test_kernels_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(theirs) / sizeof(theirs[0]); i++) {
		assert_int_equal(sb_caps_number(theirs[i].name),
				 theirs[i].number);
		assert_string_equal(sb_caps_name(theirs[i].number),
				    theirs[i].name);
	}
	/* A header with newer ones: the table wants them. */
	for (unsigned int i = 0; i <= CAP_LAST_CAP; i++)
		assert_non_null(sb_caps_name(i));
}

static void test_unknown(void **state)
{
	unsigned int n = 0;

	(void)state;
	assert_int_equal(sb_caps_number("CAP_NONESUCH"), -1);
	assert_int_equal(sb_caps_number("KILL"), -1);
	assert_int_equal(sb_caps_number("cap_kill"), -1);
	assert_int_equal(sb_caps_number(""), -1);
	while (sb_caps_name(n))
		assert_int_equal(sb_caps_number(sb_caps_name(n)), n), n++;
	/* they are bits of one word */
	assert_true(n > CAP_LAST_CAP && n <= 64);
	assert_null(sb_caps_name(64));
	assert_null(sb_caps_name(-1));
}

static struct sb_caps caps_of(const char *text)
{
	struct sb_caps caps = {.bounding = 1, .inheritable = 1, .ambient = 1};
	json_t *j = json_loads(text, 0, NULL);

	assert_non_null(j);
	sb_caps_read(j, &caps);
	json_decref(j);
	return caps;
}

static void test_read(void **state)
{
	struct sb_caps c;

	(void)state;
	c = caps_of("{\"process\":{\"capabilities\":{"
		    "\"bounding\":[\"CAP_CHOWN\",\"CAP_CHECKPOINT_RESTORE\"],"
		    "\"inheritable\":[\"CAP_KILL\",\"CAP_KILL\"],"
		    "\"effective\":[\"CAP_SYS_ADMIN\"],"
		    "\"ambient\":[\"CAP_SETFCAP\"]}}}");
	assert_true(c.bounding == (1ULL << 40 | 1));
	assert_true(c.inheritable == 1ULL << CAP_KILL);
	assert_true(c.ambient == 1ULL << CAP_SETFCAP);
	c = caps_of("{\"process\":{\"capabilities\":{\"bounding\":[7,null,"
		    "\"CAP_FUTURE\",\"CAP_FOWNER\"],\"ambient\":{}}}}");
	assert_true(c.bounding == 1ULL << CAP_FOWNER);
	assert_true(c.inheritable == 0);
	assert_true(c.ambient == 0);
	c = caps_of("{\"process\":[]}");
	assert_true(!c.bounding && !c.inheritable && !c.ambient);
	c = caps_of("{}");
	assert_true(!c.bounding && !c.inheritable && !c.ambient);
}

static void test_only(void **state)
{
	json_t *config = json_object(), *process = json_object();
	json_t *sets = sb_caps_only("CAP_SETFCAP");
	const json_t *effective = json_object_get(sets, "effective");
	struct sb_caps c;

	(void)state;
	assert_int_equal(json_array_size(effective), 1);
	assert_string_equal(json_string_value(json_array_get(effective, 0)),
			    "CAP_SETFCAP");
	json_object_set_new(process, "capabilities", sets);
	json_object_set_new(config, "process", process);
	sb_caps_read(config, &c);
	assert_true(c.bounding == 1ULL << CAP_SETFCAP);
	assert_true(c.permitted == c.bounding);
	assert_true(!c.ambient && !c.inheritable);
	json_decref(config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kernels_table),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
