/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_seccomp_compile.c - compiled programs are installed in children, which
 * then make the calls in question. Needs no privilege.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../c/nsinit.h"
#include "check.h"

#define ALLOW 0x7fff0000u
#define ERROR(number) (0x00050000u | (number))

static uint8_t rules[65536];
static uint32_t length;
static _Alignas(8) uint8_t program[65536];

static void put(const void *data, size_t size)
{
	memcpy(rules + length, data, size);
	length += (uint32_t)size;
}

static void put_u32(uint32_t value)
{
	put(&value, sizeof(value));
}

static void begin(uint32_t action, uint32_t arch_count)
{
	length = 0;
	put_u32(action);
	put_u32(arch_count);
	put_u32(0);
	put_u32(0);
}

/* Begins a rule by @name, or by @number when that is NULL, with @count arguments to follow. */
static void rule(const char *name, int32_t number, uint32_t action, uint32_t count)
{
	uint32_t rule_count;

	memcpy(&rule_count, rules + 8, 4);
	rule_count++;
	memcpy(rules + 8, &rule_count, 4);
	put_u32(name ? UINT32_MAX : (uint32_t)number);
	put_u32(action);
	put_u32(count);
	put_u32(name ? (uint32_t)strlen(name) : 0);
}

static void arg(uint32_t index, uint32_t op, uint64_t value, uint64_t value_two)
{
	put_u32(index);
	put_u32(op);
	put(&value, 8);
	put(&value_two, 8);
}

static void end_name(const char *name)
{
	static const char zeros[4];

	put(name, strlen(name));
	put(zeros, (4 - strlen(name) % 4) % 4);
}

static void simple(const char *name, uint32_t action)
{
	rule(name, 0, action, 0);
	end_name(name);
}

static int compile(void)
{
	return nsi_seccomp_compile(rules, length, program, sizeof(program));
}

/* Exit status of a child that runs @body under the program; 1000 + signal when killed. */
static int under_program(int (*body)(void))
{
	int size = compile(), status;
	pid_t pid;

	CHECK(size > 0 && size % 8 == 0);
	if (size <= 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		struct sock_fprog fprog = {
			.len = (unsigned short)(size / 8),
			.filter = (void *)program,
		};

		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
		    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &fprog) < 0)
			_exit(200);
		syscall(SYS_exit_group, body());
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? 1000 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int call_getppid(void)
{
	return syscall(SYS_getppid) < 0 ? errno : 0;
}

static int call_socket(void)
{
	int netlink = socket(AF_NETLINK, SOCK_RAW, 0) < 0 ? errno : 0;
	int local = socket(AF_UNIX, SOCK_STREAM, 0) < 0 ? errno : 0;

	return netlink * 10 + local;
}

static int call_dup(void)
{
	int both = (int)syscall(SYS_dup3, 1, 50, 0) < 0 ? errno : 0;
	int one = (int)syscall(SYS_dup3, 1, 51, 0) < 0 ? errno : 0;

	return both * 10 + one;
}

static int call_unmapped_flags(void)
{
	int masked = fcntl(1, F_DUPFD, 0x1f5) < 0 ? errno : 0;
	int other = fcntl(1, F_GETFD) < 0 ? errno : 0;

	return masked * 10 + other;
}

static void test_actions(void)
{
	begin(ALLOW, 0);
	simple("getppid", ERROR(7));
	CHECK_EQ(under_program(call_getppid), 7);

	begin(ALLOW, 0);
	rule(NULL, SYS_getppid, SCMP_ACT_KILL_PROCESS, 0);
	CHECK_EQ(under_program(call_getppid), 1000 + SIGSYS);

	/* What says the same as the default is left out, not refused. */
	begin(ERROR(9), 1);
	put_u32(0);
	simple("getppid", ERROR(9));
	simple("exit_group", ALLOW);
	simple("exit_group", ALLOW);
	CHECK_EQ(under_program(call_getppid), 9);

	begin(ALLOW, 0);
	CHECK_EQ(under_program(call_getppid), 0);
}

static void test_arguments(void)
{
	begin(ALLOW, 0);
	rule("socket", 0, ERROR(5), 1);
	arg(0, SCMP_CMP_EQ, AF_NETLINK, 0);
	end_name("socket");
	CHECK_EQ(under_program(call_socket), 50);

	/* All arguments have to match. */
	begin(ALLOW, 0);
	rule("dup3", 0, ERROR(5), 2);
	arg(0, SCMP_CMP_LE, 1, 0);
	arg(1, SCMP_CMP_EQ, 50, 0);
	end_name("dup3");
	CHECK_EQ(under_program(call_dup), 50);

	begin(ALLOW, 0);
	rule("fcntl", 0, ERROR(6), 2);
	arg(1, SCMP_CMP_EQ, F_DUPFD, 0);
	arg(2, SCMP_CMP_MASKED_EQ, 0xff, 0xf5);
	end_name("fcntl");
	CHECK_EQ(under_program(call_unmapped_flags), 60);

	begin(ALLOW, 0);
	rule("dup3", 0, ERROR(5), 2);
	arg(0, SCMP_CMP_GE, 1, 0);
	arg(0, SCMP_CMP_LE, 2, 0);
	end_name("dup3");
	CHECK_EQ(compile(), -200000);
}

#if defined(__x86_64__)
/* getppid by the 32-bit way in: number 64 there. */
static int call_getppid_32(void)
{
	long r;

	__asm__ volatile("int $0x80" : "=a"(r) : "a"(64) : "memory", "r8", "r9", "r10", "r11");
	return r < 0 ? (int)-r : 0;
}

static int call_getppid_x32(void)
{
	return syscall(0x40000000 | SYS_getppid) < 0 ? errno : 0;
}

/* A rule holds whichever way a call is made. */
static void test_arches(void)
{
	begin(ALLOW, 0);
	simple("getppid", ERROR(7));
	CHECK_EQ(under_program(call_getppid_32), 7);
	CHECK_EQ(under_program(call_getppid_x32), 7);
	begin(ALLOW, 2);
	put_u32(SCMP_ARCH_X86_64);
	put_u32(SCMP_ARCH_X86);
	simple("getppid", ERROR(8));
	CHECK_EQ(under_program(call_getppid_32), 8);
}
#else
static void test_arches(void)
{
}
#endif

static void test_refusals(void)
{
	uint32_t whole;

	begin(ALLOW, 0);
	simple("getppid", ERROR(7));
	simple("no_such_call", ERROR(7));
	CHECK_EQ(compile(), -10001);
	begin(ALLOW, 0);
	simple("getpid", ERROR(7));
	simple("getppid", 0x12340000);
	CHECK_EQ(compile(), -200001);
	begin(0x12340000, 0);
	CHECK_EQ(compile(), -EINVAL);
	begin(ALLOW, 2);
	put_u32(0);
	put_u32(12345);
	CHECK_EQ(compile(), -100001);
	begin(ALLOW, 1);
	put_u32(SCMP_ARCH_S390X); /* of the other byte order */
	CHECK_EQ(compile(), -100000);
	begin(ALLOW, 0);
	rule(NULL, -7, ERROR(1), 0);
	CHECK_EQ(compile(), -EBADMSG);
	begin(ALLOW, 0);
	rule("getppid", 0, ERROR(1), 1);
	arg(6, SCMP_CMP_EQ, 0, 0);
	end_name("getppid");
	CHECK_EQ(compile(), -EINVAL);
	begin(ALLOW, 0);
	rule("getppid", 0, ERROR(1), 1);
	arg(0, 99, 0, 0);
	end_name("getppid");
	CHECK_EQ(compile(), -EINVAL);

	/* Every shorter text is refused, and so is a longer one. */
	begin(ALLOW, 1);
	put_u32(0);
	rule("socket", 0, ERROR(5), 1);
	arg(0, SCMP_CMP_EQ, AF_NETLINK, 0);
	end_name("socket");
	CHECK(compile() > 0);
	CHECK_EQ(nsi_seccomp_compile(rules, length, program, 8), -EOVERFLOW);
	whole = length;
	for (uint32_t i = 0; i < whole; i++) {
		uint8_t *copy = malloc(i ? i : 1);

		memcpy(copy, rules, i);
		CHECK_EQ(nsi_seccomp_compile(copy, i, program, sizeof(program)), -EBADMSG);
		free(copy);
	}
	put_u32(0);
	CHECK_EQ(compile(), -EBADMSG);
}

/* Damaged rules give some error or some program, and never touch other memory. */
static void test_fuzz(void)
{
	uint32_t seed = 12345;

	begin(ALLOW, 1);
	put_u32(0);
	rule("socket", 0, ERROR(5), 1);
	arg(0, SCMP_CMP_EQ, AF_NETLINK, 0);
	end_name("socket");
	simple("getppid", ERROR(7));
	for (int i = 0; i < 3000; i++) {
		uint8_t *copy = malloc(length);

		memcpy(copy, rules, length);
		for (int k = 0; k < 3; k++) {
			seed = seed * 1103515245u + 12345u;
			copy[(seed >> 8) % length] = (uint8_t)(seed >> 24);
		}
		(void)nsi_seccomp_compile(copy, length, program, sizeof(program));
		free(copy);
	}
}

int main(void)
{
	test_actions();
	test_arguments();
	test_arches();
	test_refusals();
	test_fuzz();
	return check_result();
}
