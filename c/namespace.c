/* SPDX-License-Identifier: Apache-2.0 */
/*
 * namespace.c - the helper enters namespaces, or makes them by cloning itself.
 *
 * Joining is setns(2) from this single-threaded process, since a process with
 * threads may not join user or mount namespaces. A pid namespace takes effect
 * for children only, so after it the helper, called the stage, clones itself
 * with CLONE_PARENT: the clone is a child of the caller's process, which gets
 * its pidfd, and the stage ends. The clone does not share memory: the helper is
 * tiny, and the stage must still report. Whoever kills the container's group
 * may kill the stage before it has: so the kernel notes the clone's pid, with
 * the clone, in a page that the caller's process can read.
 */
#include "handshake.h"
#include "helper.h"
#include "slot.h"
#include "sys.h"

#define NSI_CLONE_NEW                                                                            \
	((uint64_t)CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | \
	 CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWTIME)

/*
 * nsi_op_ns_enter() - setns(2) to the descriptor of a slot
 * @run: the run
 * @op:  ns.enter; flags are the CLONE_NEW* types wanted from a pidfd (Linux 5.8), or
 *       the type of the namespace file
 *
 * Return: 0 or -errno.
 */
int nsi_op_ns_enter(struct nsi_run *run, const struct nsi_op *op)
{
	int fd = nsi_slot_get(run, NSI_NS_ENTER_SLOT(op));
	int r;

	run->detail = NSI_AT_JOIN;
	if (fd < 0)
		return fd;
	r = (int)NSI_SYS2(__NR_setns, fd, NSI_NS_ENTER_FLAGS(op));
	if (r < 0)
		return r;
	return nsi_undumpable();
}

/*
 * nsi_op_ns_unshare() - make namespaces of its own
 * @run: the run
 * @op:  ns.unshare
 *
 * Here rather than by clone3(2): the caller's thread waits for that, and making a
 * network namespace takes longer than all the rest of it.
 *
 * Return: 0 or -errno.
 */
int nsi_op_ns_unshare(struct nsi_run *run, const struct nsi_op *op)
{
	int64_t slot = NSI_NS_UNSHARE_SLOT(op);
	int fd, r = 0;

	if (NSI_NS_UNSHARE_FLAGS(op) & ~NSI_CLONE_NEW)
		return -EINVAL;
	run->detail = NSI_AT_JOIN;
	if (slot >= 0) {
		fd = nsi_slot_get(run, (uint64_t)slot);
		r = fd < 0 ? fd : (int)NSI_SYS2(__NR_setns, fd, CLONE_NEWNS);
		nsi_slot_drop(run, (uint64_t)slot);
		run->anchored = r == 0;
	}
	if (r < 0)
		return r;
	run->detail = NSI_AT_CLONE;
	return (int)NSI_SYS1(__NR_unshare, NSI_NS_UNSHARE_FLAGS(op));
}

/*
 * nsi_op_ns_clone() - let the list go on in a clone
 * @run: the run
 * @op:  ns.clone
 *
 * Return: 0 in the clone, -errno in the stage; a stage that has cloned ends here.
 */
int nsi_op_ns_clone(struct nsi_run *run, const struct nsi_op *op)
{
	struct nsi_report report = { .type = NSI_MSG_CLONED, .list = NSI_LIST_CHILD };
	int pidfd = -1;
	struct clone_args args = {
		.flags = NSI_NS_CLONE_FLAGS(op) | CLONE_PARENT | CLONE_PIDFD | CLONE_PARENT_SETTID,
		.pidfd = (uint64_t)(uintptr_t)&pidfd,
		.parent_tid = (uint64_t)(uintptr_t)run->note,
	};
	long pid;
	int r;

	run->detail = NSI_AT_CLONE;
	if (NSI_NS_CLONE_FLAGS(op) & ~NSI_CLONE_NEW)
		return -EINVAL;
	pid = NSI_SYS2(__NR_clone3, &args, sizeof(args));
	if (pid < 0)
		return (int)pid;
	if (pid == 0)
		return 0;
	report.value = pid;
	r = nsi_send(run->sock, &report, NULL, &pidfd, 1);
	if (r < 0)
		/* The parent will never know the clone. */
		NSI_SYS4(__NR_pidfd_send_signal, pidfd, 9, 0, 0);
	nsi_sys_exit(r < 0 ? NSI_EXIT_FAILED : 0);
}
