/* SPDX-License-Identifier: Apache-2.0 */
/*
 * handover.c - the attached command line becomes the monitor, in place.
 *
 * While a container runs in the foreground nothing of JavaScript is needed: the
 * process executes the helper as "nsinit monitor", keeps its pid, its children
 * and descriptors 0 to 2, and gives back its memory. The Plan travels in a memfd;
 * the descriptors that the monitor operation and lock.take name stay open, all
 * others above 2 are closed by execve(2).
 *
 * Call it from the main thread: children that asked for a parent-death signal
 * get it when another thread takes over their parent's place.
 */
#include "handover.h"
#include "cleanup.h"
#include "slot.h"
#include "spawn.h"
#include "sys.h"
#include "text.h"
#include <linux/close_range.h>

/* Clears or sets close-on-exec of one descriptor; -1 names none. */
static int pass(int64_t fd, int flag)
{
	if (fd == -1)
		return 0;
	/* A negative one, or what a command line never passes: 0 to 2 are the monitor's. */
	if (fd < 3 || fd > INT32_MAX)
		return -EBADF;
	return nsi_sys_fcntl((int)fd, F_SETFD, flag);
}

static int find_operation(const struct nsi_run *run, const struct nsi_op **op_out)
{
	for (uint32_t i = 0; i < run->plan.count[NSI_LIST_PARENT]; i++) {
		if (run->plan.op[NSI_LIST_PARENT][i].kind == NSI_OP_MONITOR) {
			*op_out = &run->plan.op[NSI_LIST_PARENT][i];
			return nsi_plan_fault(&run->plan, NSI_LIST_PARENT, i);
		}
	}
	return -EINVAL;
}

static int pass_all(const struct nsi_run *run, const struct nsi_op *op, int planfd, int flag)
{
	int r = pass(planfd, flag);

	if (r == 0)
		r = pass((int64_t)NSI_MONITOR_PIDFD(op), flag);
	if (r == 0)
		r = pass(NSI_MONITOR_MASTER(op), flag);
	if (r == 0)
		r = pass(NSI_MONITOR_STDIN(op), flag);
	if (r == 0)
		r = pass(NSI_MONITOR_STDOUT(op), flag);
	if (r == 0)
		r = pass(NSI_MONITOR_STDERR(op), flag);
	for (uint32_t i = 0; i < run->plan.count[NSI_LIST_UNDO] && r == 0; i++) {
		const struct nsi_op *undo = &run->plan.op[NSI_LIST_UNDO][i];

		if (undo->kind == NSI_OP_LOCK_TAKE)
			r = pass((int64_t)NSI_LOCK_TAKE_FD(undo), flag);
	}
	return r;
}

/*
 * nsi_handover() - become the monitor
 * @run: with a monitor operation in its parent list
 *
 * Return: -errno, with every descriptor still open but close-on-exec.
 */
int nsi_handover(struct nsi_run *run)
{
	const struct nsi_op *op = NULL;
	char number[24];
	const char *argv[] = { "nsinit", "monitor", number, NULL };
	const char *envp[] = { NULL };
	int helperfd, r;

	r = find_operation(run, &op);
	if (r < 0)
		return r;
	run->detail = NSI_AT_OPEN;
	helperfd = nsi_helper_fd();
	if (helperfd < 0)
		return helperfd;
	NSI_AUTO_FD int planfd = nsi_memfd("nsinit-plan", 0, run->plan.base, run->plan.length);
	if (planfd < 0)
		return planfd;
	nsi_text_number(number, (uint64_t)planfd);
	r = (int)NSI_SYS3(__NR_close_range, 3, ~0U, CLOSE_RANGE_CLOEXEC);
	if (r == 0)
		r = pass_all(run, op, planfd, 0);
	if (r == 0) {
		run->detail = NSI_AT_EXEC;
		r = (int)NSI_SYS5(__NR_execveat, helperfd, "", argv, envp, AT_EMPTY_PATH);
	}
	/* No caller has any use for descriptors that leak into later programs. */
	(void)pass_all(run, op, planfd, FD_CLOEXEC);
	return r;
}

/*
 * nsi_op_monitor() - the monitor operation, as the library executes it
 * @run: the run
 * @op:  monitor
 *
 * Return: -errno; it does not return on success.
 */
int nsi_op_monitor(struct nsi_run *run, const struct nsi_op *op)
{
	(void)op;
	return nsi_handover(run);
}
