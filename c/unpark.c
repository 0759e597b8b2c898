/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unpark.c - the parent's side of a child that is parked.
 *
 * Whoever holds the socket decides how the child goes on; see park.c.
 *
 * Library only.
 */
#include "cleanup.h"
#include "handshake.h"
#include "nsinit.h"
#include "parent.h"
#include "spawn.h"
#include "sys.h"

/* One message with one descriptor. */
static int send_one(struct nsi_run *run, uint32_t type, int fd)
{
	struct nsi_report report = {
		.type = type,
		.list = NSI_LIST_PARENT,
		.point = NSI_POINT_PARKED,
	};
	int r;

	if (run->sock < 0)
		return -ENOTCONN;
	run->detail = NSI_AT_PROTOCOL;
	r = nsi_send(run->sock, &report, NULL, &fd, 1);
	return r == -EPIPE ? nsi_parent_last_words(run) : r;
}

/*
 * nsi_op_plan_send() - the child goes on with the list of this Plan
 * @run: whose Plan nsi_run_continue() has changed
 * @op:  plan.send
 *
 * Return: 0 or -errno.
 */
int nsi_op_plan_send(struct nsi_run *run, const struct nsi_op *op)
{
	(void)op;
	run->detail = NSI_AT_OPEN;
	NSI_AUTO_FD int fd = nsi_memfd("nsinit-plan", 0, run->plan.base, run->plan.length);
	return fd < 0 ? fd : send_one(run, NSI_MSG_PLAN, fd);
}
