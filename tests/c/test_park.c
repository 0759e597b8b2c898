/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_park.c - a child that waits: for a release, for a further Plan, for a new
 * parent; and what it does not go on with. Needs root.
 */
#include "build_plan.h"
#include "handshake.h"
#include "nsinit.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define STRIP 1

static struct builder builder;

/* A Plan whose child waits, and then executes what ends with @status. */
static uint8_t *waiting(uint32_t flags, uint32_t *length)
{
	struct nsi_op *op;

	builder_reset(&builder);
	op = add_op(&builder, NSI_LIST_PARENT, NSI_OP_SPAWN);
	op->n[0] = (uint64_t)-1;
	add_op(&builder, NSI_LIST_PARENT, NSI_OP_AWAIT)->n[0] = NSI_POINT_PARKED;
	add_op(&builder, NSI_LIST_CHILD, NSI_OP_PARK)->flags = flags;
	op = add_op(&builder, NSI_LIST_CHILD, NSI_OP_EXEC);
	op->s[0] = add_list(&builder, "/bin/sh");
	op->s[1] = add_list(&builder, "sh\0-c\0exit 3");
	op->s[2] = add_list(&builder, "A=1");
	return pack(&builder, length);
}

/* The rest of a child's list; @command is a list. */
static uint8_t *rest(struct nsi_ref (*argv)(void), int sends, uint32_t *length)
{
	struct nsi_op *op;

	builder_reset(&builder);
	if (sends)
		add_op(&builder, NSI_LIST_PARENT, NSI_OP_PLAN_SEND);
	add_op(&builder, NSI_LIST_PARENT, NSI_OP_AWAIT_EXEC);
	op = add_op(&builder, NSI_LIST_CHILD, NSI_OP_EXEC);
	op->s[0] = add_list(&builder, "/bin/sh");
	op->s[1] = argv();
	op->s[2] = add_list(&builder, "A=1");
	return pack(&builder, length);
}

static struct nsi_ref exit_seven(void)
{
	return add_list(&builder, "sh\0-c\0exit 7");
}

/* A descriptor of the set-up would be 3. */
static struct nsi_ref exit_without_descriptors(void)
{
	return add_list(&builder, "sh\0-c\0test ! -e /proc/self/fd/3 && exit 7");
}

static int ended(struct nsi_run *run)
{
	int32_t status[2];

	CHECK_EQUAL(nsi_wait(run->pidfd, 0, status), 0);
	CHECK_EQUAL(nsi_run_close(run), 0);
	return status[0] == CLD_EXITED ? status[1] : 128 + status[1];
}

static uint8_t *start(struct nsi_run *run, uint32_t flags)
{
	uint32_t length;
	uint8_t *plan = waiting(flags, &length);

	CHECK_EQUAL(nsi_run_init(run, sizeof(*run), plan, length), 0);
	CHECK_EQUAL(nsi_run_parent(run, 0, 2), 0);
	CHECK_EQUAL(run->reached, NSI_POINT_PARKED);
	return plan;
}

static void test_release(void)
{
	struct nsi_run run;
	uint8_t *plan = start(&run, 0);

	CHECK_EQUAL(nsi_run_release(&run, NSI_POINT_PARKED, NULL, 0), 0);
	CHECK_EQUAL(ended(&run), 3);
	free(plan);
}

static void test_plan(struct nsi_ref (*argv)(void), uint32_t flags)
{
	struct nsi_run run;
	uint8_t *plan = start(&run, flags), *next;
	uint32_t length;

	next = rest(argv, 1, &length);
	CHECK_EQUAL(nsi_run_continue(&run, next, length - 1), -EBADMSG);
	CHECK_EQUAL(nsi_run_continue(&run, next, length), 0);
	free(plan);
	CHECK_EQUAL(nsi_run_parent(&run, 0, 2), 0);
	CHECK_EQUAL(ended(&run), 7);
	free(next);
}

/* What is not sealed could change after the check, and what is no Plan is none. */
static void test_refused(int sealed, int cut, uint32_t type, int error)
{
	struct nsi_report report = { .type = type, .list = NSI_LIST_PARENT };
	struct nsi_run run;
	uint8_t *plan = start(&run, STRIP), *next;
	uint32_t length;
	int fd = memfd_create("plan", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	next = rest(exit_seven, 0, &length);
	CHECK(fd >= 0);
	CHECK_EQUAL(write(fd, next, length - (uint32_t)cut), length - (uint32_t)cut);
	if (sealed)
		CHECK_EQUAL(fcntl(fd, F_ADD_SEALS, 0xf), 0);
	CHECK_EQUAL(nsi_send(run.sock, &report, NULL, &fd, 1), 0);
	close(fd);
	CHECK_EQUAL(nsi_run_continue(&run, next, length), 0);
	CHECK_EQUAL(nsi_run_parent(&run, 0, 1), error);
	CHECK_EQUAL(run.report.type, NSI_MSG_ERROR);
	CHECK_EQUAL(ended(&run), 125);
	free(plan);
	free(next);
}

static void test_parent_gone(void)
{
	struct nsi_run run;
	uint8_t *plan = start(&run, STRIP);

	close(run.sock);
	run.sock = -1;
	CHECK_EQUAL(ended(&run), 125);
	free(plan);
}

static int with_place(struct nsi_run *run, enum nsi_kind kind, const char *dir, uint64_t pid,
		      uint8_t **plan)
{
	struct nsi_op *op;
	uint32_t length;

	builder_reset(&builder);
	op = add_op(&builder, NSI_LIST_PARENT, kind);
	op->n[0] = pid;
	op->s[0] = add_text(&builder, dir);
	op->s[1] = add_text(&builder, "start.sock");
	if (kind == NSI_OP_PARK_CONNECT)
		add_op(&builder, NSI_LIST_PARENT, NSI_OP_AWAIT)->n[0] = NSI_POINT_PARKED;
	*plan = pack(&builder, &length);
	if (kind == NSI_OP_PARK_CONNECT)
		CHECK_EQUAL(nsi_run_init(run, sizeof(*run), *plan, length), 0);
	else
		CHECK_EQUAL(nsi_run_continue(run, *plan, length), 0);
	return nsi_run_parent(run, 0, builder.count[NSI_LIST_PARENT]);
}

/* Killed before it has read the point, which the kernel reports as a reset. */
static void connect_and_go(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	struct pollfd ready = { .fd = fd, .events = POLLIN };

	CHECK(strlen(path) < sizeof(address.sun_path));
	strcpy(address.sun_path, path);
	CHECK_EQUAL(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	CHECK_EQUAL(poll(&ready, 1, 10000), 1);
	CHECK_EQUAL(close(fd), 0);
}

static void test_new_parent(void)
{
	char dir[] = "/tmp/nsinit-park-XXXXXX", path[64];
	struct nsi_run run, other;
	uint8_t *plan = start(&run, 0), *publish, *connect_first, *connect;
	struct stat st;

	CHECK(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/start.sock", dir);
	CHECK_EQUAL(with_place(&run, NSI_OP_PARK_PUBLISH, dir, 0, &publish), 0);
	CHECK_EQUAL(stat(path, &st), 0);
	CHECK_EQUAL(st.st_mode & 07777, 0600);
	close(run.sock);
	run.sock = -1;
	/* One that goes away is followed by the next. */
	CHECK_EQUAL(with_place(&other, NSI_OP_PARK_CONNECT, dir, (uint64_t)run.pid, &connect_first),
		    0);
	CHECK_EQUAL(nsi_run_close(&other), 0);
	connect_and_go(path);
	CHECK_EQUAL(with_place(&other, NSI_OP_PARK_CONNECT, dir, (uint64_t)run.pid, &connect), 0);
	CHECK_EQUAL(nsi_run_release(&other, NSI_POINT_PARKED, NULL, 0), 0);
	/* One that goes away before the program runs takes it along. */
	CHECK_EQUAL(ended(&run), 3);
	CHECK_EQUAL(nsi_run_close(&other), 0);
	free(connect);
	CHECK_EQUAL(with_place(&other, NSI_OP_PARK_CONNECT, dir, (uint64_t)getpid(), &connect),
		    -ECONNREFUSED);
	CHECK_EQUAL(nsi_run_close(&other), 0);
	unlink(path);
	rmdir(dir);
	free(plan);
	free(publish);
	free(connect_first);
	free(connect);
}

int main(void)
{
	if (geteuid()) {
		puts("needs root");
		return 77;
	}
	test_release();
	test_plan(exit_seven, 0);
	test_plan(exit_without_descriptors, STRIP);
	test_refused(0, 0, NSI_MSG_PLAN, -EBADMSG);
	test_refused(1, 8, NSI_MSG_PLAN, -EBADMSG);
	test_refused(1, 0, NSI_MSG_FDS, -EPROTO);
	test_parent_gone();
	test_new_parent();
	CHECK_EQUAL(waitpid(-1, NULL, WNOHANG | __WALL), -1);
	CHECK_EQUAL(errno, ECHILD);
	return 0;
}
