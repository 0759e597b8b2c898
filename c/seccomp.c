/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seccomp.c - installs a filter that the library compiled (seccomp_compile.c).
 *
 * seccomp(2) needs no_new_privs or CAP_SYS_ADMIN; the Plan sees to it. A filter
 * may refuse anything but execve(2): so where exec is the next operation, all
 * that precedes execve(2) is done before the filter is in force.
 *
 * A listener (SECCOMP_FILTER_FLAG_NEW_LISTENER, Linux 5.0) could not be handed over
 * behind a filter that refuses sendmsg(2). So what asks it is a filter of its own,
 * loaded first, which lets the hand-over and the loading of the rest pass
 * (lib/plan/seccomp_split.ts); nobody has to wait for anybody.
 */
#include "handshake.h"
#include "helper.h"
#include "sys.h"
#include <linux/filter.h>
#include <linux/seccomp.h>

static int send_listener(struct nsi_run *run, int fd, int by_sendmmsg)
{
	const uint32_t slot = NSI_SLOT_SECCOMP;
	struct nsi_report report = {
		.type = NSI_MSG_FDS,
		.list = NSI_LIST_CHILD,
		.length = sizeof(slot),
	};

	run->detail = NSI_AT_PROTOCOL;
	if (by_sendmmsg)
		return nsi_send_by_sendmmsg(run->sock, &report, &slot, &fd, 1);
	return nsi_send(run->sock, &report, &slot, &fd, 1);
}

/* Where exec follows, with or without a further filter, does what it needs while it may. */
static int prepare_exec(struct nsi_run *run, const struct nsi_op *op)
{
	const struct nsi_op *end = run->plan.op[NSI_LIST_CHILD] + run->plan.count[NSI_LIST_CHILD];
	const struct nsi_op *next = op + 1;

	while (next < end && next->kind == NSI_OP_SECCOMP_LOAD)
		next++;
	if (next == end || next->kind != NSI_OP_EXEC)
		return 0;
	return nsi_exec_prepare(run, next);
}

static int install(struct nsi_run *run, struct nsi_bytes program, uint64_t flags)
{
	struct sock_fprog filter = {
		.len = (unsigned short)(program.length / sizeof(struct sock_filter)),
		.filter = (struct sock_filter *)(uintptr_t)program.data,
	};

	if (!program.length || program.length % sizeof(struct sock_filter) ||
	    program.length / sizeof(struct sock_filter) > BPF_MAXINSNS)
		return -EINVAL;
	run->detail = NSI_AT_NONE;
	return (int)NSI_SYS3(__NR_seccomp, SECCOMP_SET_MODE_FILTER, flags, &filter);
}

/*
 * nsi_op_seccomp_notify() - install the part that asks a listener, send the listener
 * @run: the run
 * @op:  seccomp.notify; its program lets pass what this function calls
 *
 * The descriptor stays open until exec closes it: behind the filter not even
 * close(2) is certain.
 *
 * Return: 0, -EBUSY when a filter of the caller's has a listener, or another -errno.
 */
int nsi_op_seccomp_notify(struct nsi_run *run, const struct nsi_op *op)
{
	uint64_t flags = NSI_SECCOMP_NOTIFY_FLAGS(op);
	int r;

	if (!(flags & SECCOMP_FILTER_FLAG_NEW_LISTENER))
		return -EINVAL;
	r = prepare_exec(run, op);
	if (r == 0)
		r = install(run, NSI_SECCOMP_NOTIFY_PROGRAM(run, op), flags);
	return r < 0 ? r : send_listener(run, r, NSI_SECCOMP_NOTIFY_SEND(op) == 1);
}

/*
 * nsi_op_seccomp_load() - install the filter
 * @run: the run
 * @op:  seccomp.load
 *
 * Return: 0 or -errno.
 */
int nsi_op_seccomp_load(struct nsi_run *run, const struct nsi_op *op)
{
	int r;

	if (NSI_SECCOMP_LOAD_FLAGS(op) & SECCOMP_FILTER_FLAG_NEW_LISTENER)
		return -EINVAL;
	r = prepare_exec(run, op);
	if (r == 0)
		r = install(run, NSI_SECCOMP_LOAD_PROGRAM(run, op), NSI_SECCOMP_LOAD_FLAGS(op));
	/* A thread that could not be synchronised; there is only one. */
	return r > 0 ? -ESRCH : r;
}
