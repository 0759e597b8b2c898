/* SPDX-License-Identifier: Apache-2.0 */
/*
 * child.c - executes the child's list, operation by operation, in the helper.
 *
 * Order and meaning are the Plan's; this file adds only what holds for every
 * list: set-up runs with umask 0 (modes are the Plan's) and without core dumps,
 * an injected fault takes the place of its operation, the first failure is
 * reported with its index and ends the process. A child whose parent has gone
 * ends as well: at the next sync, or before exec, it finds the socket closed.
 *
 * fds.receive and sync, the child's half of the hand-shake, stand here too.
 */
#include "account.h"
#include "handshake.h"
#include "helper.h"
#include "slot.h"
#include "sys.h"
#include <linux/prctl.h>
#include <linux/resource.h>

struct limit {
	uint64_t soft, hard;
};

/* What was inherited, to be given on when the Plan says nothing else. */
static struct {
	struct limit core;
	unsigned int umask;
} inherited;

static int quiet_start(void)
{
	struct limit none;
	int r;

	inherited.umask = (unsigned int)NSI_SYS1(__NR_umask, 0);
	r = (int)NSI_SYS4(__NR_prlimit64, 0, RLIMIT_CORE, 0, &inherited.core);
	if (r < 0)
		return r;
	/* The hard limit stays: raising the soft one again needs no privilege. */
	none.soft = 0;
	none.hard = inherited.core.hard;
	return (int)NSI_SYS4(__NR_prlimit64, 0, RLIMIT_CORE, &none, 0);
}

static int sets_core_limit(const struct nsi_op *op)
{
	return op->kind == NSI_OP_RLIMIT_SET && NSI_RLIMIT_SET_RESOURCE(op) == RLIMIT_CORE;
}

/*
 * nsi_child_restore() - take back the umask and the core limit of the set-up
 * @run: what its list sets itself stays
 *
 * Return: 0 or -errno.
 */
int nsi_child_restore(const struct nsi_run *run)
{
	int has_umask = 0, has_core = 0;

	for (uint32_t i = 0; i < run->plan.count[NSI_LIST_CHILD]; i++) {
		const struct nsi_op *op = &run->plan.op[NSI_LIST_CHILD][i];

		has_umask |= op->kind == NSI_OP_UMASK_SET;
		has_core |= sets_core_limit(op);
	}
	if (!has_umask)
		NSI_SYS1(__NR_umask, inherited.umask);
	if (has_core)
		return 0;
	return (int)NSI_SYS4(__NR_prlimit64, 0, RLIMIT_CORE, &inherited.core, 0);
}

static int execute(struct nsi_run *run, const struct nsi_op *op)
{
#define NSI_CASE(NAME, name) \
	case NSI_OP_##NAME:  \
		return nsi_op_##name(run, op);
	switch (op->kind) {
		NSI_CHILD_OPS(NSI_CASE)
	default:
		return -ENOSYS;
	}
#undef NSI_CASE
}

static void report_failure(struct nsi_run *run, uint32_t index, int r)
{
	struct nsi_report report = {
		.type = NSI_MSG_ERROR,
		.list = NSI_LIST_CHILD,
		.index = index,
		.error = -r,
		.detail = run->detail,
		.value = run->value,
		.length = run->said,
	};

	/* Nobody is left to be told when this fails. */
	(void)nsi_send(run->sock, &report, run->payload, NULL, 0);
}

/*
 * nsi_child() - execute the child's list
 * @run: with the Plan open and the socket set
 *
 * Does not return when the list ends in an exec that succeeds. The list may be
 * another when park returns, which then says where it goes on.
 *
 * Return: exit status of the helper.
 */
int nsi_child(struct nsi_run *run)
{
	int r = quiet_start();

	while (r >= 0 && run->next < run->plan.count[NSI_LIST_CHILD]) {
		const uint32_t i = run->next++;
		const uint16_t kind = run->plan.op[NSI_LIST_CHILD][i].kind;

		run->detail = NSI_AT_NONE;
		run->value = 0;
		r = nsi_plan_fault(&run->plan, NSI_LIST_CHILD, i);
		if (r >= 0)
			r = execute(run, &run->plan.op[NSI_LIST_CHILD][i]);
		if (r >= 0)
			continue;
		report_failure(run, i - run->first, r);
		if (kind == NSI_OP_EXEC)
			return r == -ENOENT || r == -ENOTDIR ? NSI_EXIT_NOT_FOUND :
							       NSI_EXIT_NOT_EXECUTABLE;
	}
	return r < 0 ? NSI_EXIT_FAILED : 0;
}

static int keep_received(struct nsi_run *run, const struct nsi_report *report, const int *fds,
			 uint32_t count)
{
	uint32_t slot;
	int r = 0;

	if (report->type != NSI_MSG_FDS || report->length != count * sizeof(slot))
		r = -EPROTO;
	for (uint32_t i = 0; i < count; i++) {
		if (r < 0) {
			nsi_sys_close(fds[i]);
			continue;
		}
		__builtin_memcpy(&slot, run->payload + i * sizeof(slot), sizeof(slot));
		r = nsi_slot_put(run, slot, fds[i]);
	}
	return r;
}

/*
 * nsi_op_fds_receive() - receive the descriptors of the list's slots
 * @run: the run
 * @op:  fds.receive; slots is the list that fds.send has
 *
 * Return: 0, -EPIPE when the parent is gone, or another -errno.
 */
int nsi_op_fds_receive(struct nsi_run *run, const struct nsi_op *op)
{
	struct nsi_bytes slots = NSI_FDS_RECEIVE_SLOTS(run, op);
	uint32_t want = slots.length / (uint32_t)sizeof(uint32_t);
	int fds[NSI_FDS_PER_MESSAGE];
	struct nsi_report report;
	uint32_t count;
	int r;

	run->detail = NSI_AT_PROTOCOL;
	while (want) {
		r = nsi_receive(run->sock, &report, run->payload, sizeof(run->payload), fds,
				NSI_FDS_PER_MESSAGE, &count);
		if (r <= 0)
			return r < 0 ? r : -EPIPE;
		r = keep_received(run, &report, fds, count);
		if (r < 0)
			return r;
		if (!count || count > want)
			return -EPROTO;
		want -= count;
	}
	return 0;
}

/*
 * nsi_op_sync() - tell the parent that a point is reached, wait for its release
 * @run: gets the user record when the point is NSI_POINT_USER
 * @op:  sync
 *
 * A caller without privilege could not open the uid_map of a process that is not
 * dumpable: it would belong to root (proc(5)). So the flag is lifted for
 * NSI_POINT_IDMAP, when the namespace is new and nobody else is in it.
 *
 * Return: 0, -EPIPE when the parent is gone, or another -errno.
 */
int nsi_op_sync(struct nsi_run *run, const struct nsi_op *op)
{
	struct nsi_report report = { .type = NSI_MSG_POINT, .list = NSI_LIST_CHILD };
	uint32_t point = (uint32_t)NSI_SYNC_POINT(op), count;
	int r = 0;

	/* user.files has found the files that are known: nobody is waiting to be asked. */
	if (point == NSI_POINT_USER && run->have_user)
		return 0;
	run->detail = NSI_AT_PROTOCOL;
	report.point = point;
	if (point == NSI_POINT_IDMAP)
		r = nsi_sys_prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	if (r == 0)
		r = nsi_send(run->sock, &report, NULL, NULL, 0);
	if (r < 0)
		return r;
	r = nsi_receive(run->sock, &report, run->payload, sizeof(run->payload), NULL, 0, &count);
	if (r <= 0)
		return r < 0 ? r : -EPIPE;
	if (report.type != NSI_MSG_RELEASE || report.point != point)
		return -EPROTO;
	if (point == NSI_POINT_IDMAP) {
		r = nsi_undumpable();
		if (r < 0)
			return r;
	}
	return point == NSI_POINT_USER ? nsi_user_keep(run, run->payload, report.length) : 0;
}
