/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parent.c - executes the parent's list in the caller's process.
 *
 * That process has many threads and is not ours, so everything here is a system
 * call on descriptors of the run: no setns, no chdir, no global state. The other
 * half is the hand-shake: pump() takes one message of the child and does what it
 * says, and await, await.exec wait until the wanted thing has happened. A child
 * that fails reports {list, index, errno, detail}, which becomes the report of
 * the run; one that ends in silence is NSI_AT_CHILD with its exit status.
 *
 * Opening descriptors for the child (fd.use, tree.open, ns.open, cgroup.open)
 * stands in open.c.
 */
#include "parent.h"
#include "cgroup.h"
#include "handshake.h"
#include "hold.h"
#include "process.h"
#include "slot.h"
#include "sys.h"

/* An operation is the caller's to do. */
#define NSI_CALLERS 1

static int execute(struct nsi_run *run, const struct nsi_op *op)
{
#define NSI_CASE(NAME, name) \
	case NSI_OP_##NAME:  \
		return nsi_op_##name(run, op);
	switch (op->kind) {
		NSI_PARENT_OPS(NSI_CASE)
	case NSI_OP_USER_RESOLVE:
		/* The child knows who it is, or TypeScript looks it up. */
		return run->have_user ? 0 : NSI_CALLERS;
	default:
		/* state.save and others are TypeScript's. */
		return -ENOSYS;
	}
#undef NSI_CASE
}

/*
 * nsi_parent() - execute operations of the parent's list
 * @run:  the run; its report tells of a failure
 * @from: first operation
 * @to:   the one after the last
 *
 * Return: 0; the -errno of the failure; i + 1 where operation i is the caller's to do,
 * who goes on behind it: user.resolve, unless the child has found its user; or NSI_LATER | i
 * where operation i is to be taken up again, as run->until_ms has come.
 */
int nsi_parent(struct nsi_run *run, uint32_t from, uint32_t to)
{
	struct nsi_report *report = &run->report;
	int r = 0;

	if (from > to || to > run->plan.count[NSI_LIST_PARENT])
		return -EINVAL;
	for (uint32_t i = from; i < to; i++) {
		__builtin_memset(report, 0, sizeof(*report));
		run->detail = NSI_AT_NONE;
		run->value = 0;
		r = nsi_plan_fault(&run->plan, NSI_LIST_PARENT, i);
		if (r == 0)
			r = execute(run, &run->plan.op[NSI_LIST_PARENT][i]);
		if (r < 0 && run->expired)
			return NSI_LATER | (int)i;
		if (r < 0 && report->type != NSI_MSG_ERROR) {
			report->magic = NSI_REPORT_MAGIC;
			report->type = NSI_MSG_ERROR;
			report->list = NSI_LIST_PARENT;
			report->index = i;
			report->error = -r;
			report->detail = run->detail;
			report->value = run->value;
			report->length = run->said;
		}
		if (r < 0)
			return r;
		if (r == NSI_CALLERS)
			return (int)i + 1;
	}
	return 0;
}

static void close_all(const int *fds, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		nsi_sys_close(fds[i]);
}

static int keep_fds(struct nsi_run *run, const struct nsi_report *report, const int *fds,
		    uint32_t count)
{
	uint32_t slot;
	int r = 0;

	if (report->length != count * sizeof(slot)) {
		close_all(fds, count);
		return -EPROTO;
	}
	for (uint32_t i = 0; i < count; i++) {
		__builtin_memcpy(&slot, run->payload + i * sizeof(slot), sizeof(slot));
		if (nsi_slot_put(run, slot, fds[i]) < 0)
			r = -EPROTO;
	}
	return r;
}

/* The stage has cloned itself and ends; from here on the clone is the child. */
static int keep_clone(struct nsi_run *run, const struct nsi_report *report, const int *fds,
		      uint32_t count)
{
	int32_t status[2];
	int r;

	if (count != 1 || run->cloned || report->value <= 0 || report->value > INT32_MAX) {
		close_all(fds, count);
		return -EPROTO;
	}
	run->stage = run->pidfd;
	run->pidfd = fds[0];
	run->pid = (int32_t)report->value;
	run->cloned = 1;
	r = nsi_process_wait(run->stage, 0, status);
	nsi_sys_close(run->stage);
	run->stage = -1;
	return r;
}

static int keep_error(struct nsi_run *run, const struct nsi_report *report)
{
	if (report->error <= 0 || report->error >= 4096 || report->list != NSI_LIST_CHILD ||
	    report->index >= run->plan.count[NSI_LIST_CHILD])
		return -EPROTO;
	run->report = *report;
	return -report->error;
}

/* The socket is closed: executed, or dead without a report. */
static int child_gone(struct nsi_run *run)
{
	int32_t status[2] = { 0, 0 };
	int r;

	nsi_sys_close(run->sock);
	run->sock = -1;
	if (run->exec_sent)
		return 0;
	/* It closes its socket only by ending, and may not have come to the end of that. */
	(void)nsi_process_signal(run->pidfd, 9);
	r = nsi_process_wait(run->pidfd, NSI_WNOWAIT, status);
	run->detail = NSI_AT_CHILD;
	if (r == 0)
		run->value = status[0] == NSI_CLD_EXITED ? status[1] : 128 + status[1];
	return -ECHILD;
}

/* Waiting is taken up again by the same operation: what has come stands in the run. */
static int await_message(struct nsi_run *run)
{
	int64_t rest = -1;
	int r;

	run->expired = 0;
	if (run->until_ms) {
		rest = run->until_ms - nsi_cgroup_now_ms();
		if (rest < 0)
			rest = 0;
	}
	r = nsi_hold_wait_for(run->sock, rest);
	run->expired = r == -ETIMEDOUT;
	return r;
}

/*
 * nsi_parent_pump() - take one message of the child, waiting for it
 * @run: the run
 *
 * Return: 1, 0 when the child has executed its program and the socket is closed,
 * or -errno: the child's own, -ECHILD, -EPROTO.
 */
int nsi_parent_pump(struct nsi_run *run)
{
	int fds[NSI_FDS_PER_MESSAGE];
	struct nsi_report report;
	uint32_t count;
	int r;

	if (run->sock < 0)
		return -ENOTCONN;
	run->detail = NSI_AT_NONE;
	r = await_message(run);
	if (r < 0)
		return r;
	run->detail = NSI_AT_PROTOCOL;
	r = nsi_receive(run->sock, &report, run->payload, sizeof(run->payload), fds,
			NSI_FDS_PER_MESSAGE, &count);
	if (r == 0)
		return child_gone(run);
	if (r < 0)
		return r;
	switch (report.type) {
	case NSI_MSG_FDS:
		r = keep_fds(run, &report, fds, count);
		return r < 0 ? r : 1;
	case NSI_MSG_CLONED:
		r = keep_clone(run, &report, fds, count);
		return r < 0 ? r : 1;
	default:
		break;
	}
	close_all(fds, count);
	switch (report.type) {
	case NSI_MSG_POINT:
		run->reached = report.point;
		return 1;
	case NSI_MSG_EXEC:
		run->exec_sent = 1;
		return 1;
	case NSI_MSG_ERROR:
		return keep_error(run, &report);
	default:
		return -EPROTO;
	}
}

/* Does the child clone itself before it comes to this point? Its messages may overtake
 * that of the stage, and until that has come pid is the stage's. */
static int needs_clone(const struct nsi_run *run, uint64_t point)
{
	for (uint32_t i = 0; i < run->plan.count[NSI_LIST_CHILD]; i++) {
		const struct nsi_op *op = &run->plan.op[NSI_LIST_CHILD][i];

		if (op->kind == NSI_OP_NS_CLONE)
			return 1;
		if (op->kind == NSI_OP_SYNC && NSI_SYNC_POINT(op) == point)
			return 0;
	}
	return 0;
}

/*
 * nsi_parent_has_clone() - whether the child is a stage, which clones itself and ends
 * @run: the run
 *
 * Return: 1 or 0.
 */
int nsi_parent_has_clone(const struct nsi_run *run)
{
	for (uint32_t i = 0; i < run->plan.count[NSI_LIST_CHILD]; i++)
		if (run->plan.op[NSI_LIST_CHILD][i].kind == NSI_OP_NS_CLONE)
			return 1;
	return 0;
}

/*
 * nsi_op_await() - wait until the child reaches the point
 * @run: the run
 * @op:  await
 *
 * Return: 0 or -errno.
 */
int nsi_op_await(struct nsi_run *run, const struct nsi_op *op)
{
	uint64_t point = NSI_AWAIT_POINT(op);
	int clone = needs_clone(run, point), r;

	while (run->reached != point || (clone && !run->cloned)) {
		/* Without having asked who it is: it knows, and is past the point. */
		if (point == NSI_POINT_USER && run->exec_sent) {
			run->have_user = 1;
			return 0;
		}
		r = nsi_parent_pump(run);
		if (r < 0)
			return r;
		if (r == 0)
			return -EPROTO;
	}
	return 0;
}

/*
 * nsi_op_await_listener() - wait until the seccomp listener has come
 * @run: gets it in its slot
 * @op:  await.listener
 *
 * Return: 0 or -errno.
 */
int nsi_op_await_listener(struct nsi_run *run, const struct nsi_op *op)
{
	int r;

	(void)op;
	while (nsi_slot_get(run, NSI_SLOT_SECCOMP) < 0) {
		r = nsi_parent_pump(run);
		if (r <= 0)
			return r < 0 ? r : -EPROTO;
	}
	return 0;
}

/*
 * nsi_op_await_exec() - wait until the child has executed the program
 * @run: the run
 * @op:  await.exec
 *
 * Return: 0 or -errno.
 */
int nsi_op_await_exec(struct nsi_run *run, const struct nsi_op *op)
{
	int r;

	(void)op;
	do {
		r = nsi_parent_pump(run);
	} while (r > 0);
	/* A stage that was killed before it could tell of its clone: nobody knows that. */
	if (r == 0 && nsi_parent_has_clone(run) && !run->cloned)
		return -ECHILD;
	return r;
}

/*
 * nsi_op_await_end() - wait until the child has done its list, which has no exec
 * @run: forgets the child
 * @op:  await.end
 *
 * Return: 0; the child's own failure; or another -errno.
 */
int nsi_op_await_end(struct nsi_run *run, const struct nsi_op *op)
{
	int32_t status[2];
	int r;

	(void)op;
	do {
		r = nsi_parent_pump(run);
	} while (r > 0);
	if (r == 0)
		return -EPROTO;
	if (r != -ECHILD || run->detail != NSI_AT_CHILD || run->value)
		return r;
	r = nsi_process_wait(run->pidfd, 0, status);
	nsi_sys_close(run->pidfd);
	run->pidfd = -1;
	return r;
}

/*
 * nsi_op_process_use() - take a process of others for the child
 * @run: gets its pid, and no pidfd: it is not ours to kill
 * @op:  process.use
 *
 * Return: 0 or -errno.
 */
int nsi_op_process_use(struct nsi_run *run, const struct nsi_op *op)
{
	uint64_t pid = NSI_PROCESS_USE_PID(op);

	if (run->pidfd >= 0 || run->sock >= 0)
		return -EALREADY;
	if (!pid || pid > INT32_MAX)
		return -ESRCH;
	run->pid = (int32_t)pid;
	return 0;
}

/*
 * nsi_parent_last_words() - why the child has closed its socket
 * @run: its report becomes what the child sent before
 *
 * Return: -errno.
 */
int nsi_parent_last_words(struct nsi_run *run)
{
	int r;

	do {
		r = nsi_parent_pump(run);
	} while (r > 0);
	return r < 0 ? r : -EPROTO;
}

/*
 * nsi_parent_release() - let the child go on from a point
 * @run:     the run
 * @point:   that the child has reached
 * @payload: @length bytes
 *
 * When the child has gone its last words are the error.
 *
 * Return: 0 or -errno.
 */
int nsi_parent_release(struct nsi_run *run, uint32_t point, const void *payload, uint32_t length)
{
	struct nsi_report report = {
		.type = NSI_MSG_RELEASE,
		.list = NSI_LIST_PARENT,
		.point = point,
		.length = length,
	};
	int r;

	if (run->sock < 0)
		return -ENOTCONN;
	run->detail = NSI_AT_PROTOCOL;
	r = nsi_send(run->sock, &report, payload, NULL, 0);
	/* It may come to the same point again. */
	if (r == 0)
		run->reached = 0;
	return r == -EPIPE ? nsi_parent_last_words(run) : r;
}

/*
 * nsi_op_release() - let the child go on from the point
 * @run: the run
 * @op:  release
 *
 * Return: 0 or -errno.
 */
int nsi_op_release(struct nsi_run *run, const struct nsi_op *op)
{
	struct nsi_bytes payload = NSI_RELEASE_PAYLOAD(run, op);

	return nsi_parent_release(run, (uint32_t)NSI_RELEASE_POINT(op), payload.data,
				  payload.length);
}

/*
 * nsi_op_fds_send() - give the descriptors of the list's slots to the child
 * @run: the slots are empty afterwards, so that the child holds the only copy
 * @op:  fds.send
 *
 * Return: 0, -EBADF for an empty slot, or another -errno.
 */
int nsi_op_fds_send(struct nsi_run *run, const struct nsi_op *op)
{
	struct nsi_bytes slots = NSI_FDS_SEND_SLOTS(run, op);
	uint32_t total = slots.length / (uint32_t)sizeof(uint32_t);
	uint32_t slot[NSI_FDS_PER_MESSAGE], count;
	int fds[NSI_FDS_PER_MESSAGE], r = 0;

	run->detail = NSI_AT_PROTOCOL;
	for (uint32_t done = 0; done < total && r == 0; done += count) {
		struct nsi_report report = { .type = NSI_MSG_FDS, .list = NSI_LIST_PARENT };

		count = total - done < NSI_FDS_PER_MESSAGE ? total - done : NSI_FDS_PER_MESSAGE;
		report.length = count * (uint32_t)sizeof(*slot);
		__builtin_memcpy(slot, slots.data + done * sizeof(*slot), report.length);
		for (uint32_t i = 0; i < count; i++) {
			fds[i] = nsi_slot_get(run, slot[i]);
			if (fds[i] < 0)
				return fds[i];
		}
		r = nsi_send(run->sock, &report, slot, fds, count);
		for (uint32_t i = 0; i < count && r == 0; i++)
			nsi_slot_drop(run, slot[i]);
	}
	return r == -EPIPE ? nsi_parent_last_words(run) : r;
}
