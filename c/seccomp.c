/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seccomp.c - installs a filter that the library compiled (seccomp_compile.c).
 *
 * seccomp(2) needs no_new_privs or CAP_SYS_ADMIN; the Plan sees to it. A filter
 * may refuse anything but execve(2): so where exec is the next operation, all
 * that precedes execve(2) is done before the filter is in force. With
 * SECCOMP_FILTER_FLAG_NEW_LISTENER (Linux 5.0) the listener goes to the parent.
 */
#include "handshake.h"
#include "helper.h"
#include "sys.h"
#include <linux/filter.h>
#include <linux/seccomp.h>

static int send_listener(struct nsi_run *run, int fd)
{
	const uint32_t slot = NSI_SLOT_SECCOMP;
	struct nsi_report report = {
		.type = NSI_MSG_FDS,
		.list = NSI_LIST_CHILD,
		.length = sizeof(slot),
	};
	int r;

	run->detail = NSI_AT_PROTOCOL;
	r = nsi_send(run->sock, &report, &slot, &fd, 1);
	nsi_sys_close(fd);
	return r;
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
	const struct nsi_op *next = op + 1;
	struct nsi_bytes program = NSI_SECCOMP_LOAD_PROGRAM(run, op);
	struct sock_fprog filter = {
		.len = (unsigned short)(program.length / sizeof(struct sock_filter)),
		.filter = (struct sock_filter *)(uintptr_t)program.data,
	};
	int r;

	if (!program.length || program.length % sizeof(struct sock_filter) ||
	    program.length / sizeof(struct sock_filter) > BPF_MAXINSNS)
		return -EINVAL;
	if (next < run->plan.op[NSI_LIST_CHILD] + run->plan.count[NSI_LIST_CHILD] &&
	    next->kind == NSI_OP_EXEC) {
		r = nsi_exec_prepare(run, next);
		if (r < 0)
			return r;
	}
	run->detail = NSI_AT_NONE;
	r = (int)NSI_SYS3(__NR_seccomp, SECCOMP_SET_MODE_FILTER, NSI_SECCOMP_LOAD_FLAGS(op),
			  &filter);
	/* A thread that could not be synchronised; there is only one. */
	if (r > 0 && !(NSI_SECCOMP_LOAD_FLAGS(op) & SECCOMP_FILTER_FLAG_NEW_LISTENER))
		return -ESRCH;
	return r > 0 ? send_listener(run, r) : r;
}
