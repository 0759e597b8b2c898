/* SPDX-License-Identifier: Apache-2.0 */
/*
 * library.c - what libnsinit.so exports, but for files.c and seccomp_compile.c.
 *
 * A run lives in memory of the caller and holds everything: functions on
 * different runs may be called from different threads at once, those on one run
 * from one thread at a time. Results are >= 0 or -errno, since errno belongs to
 * a thread that JavaScript cannot look into.
 */
#include "account.h"
#include "cgroup.h"
#include "nsinit.h"
#include "handover.h"
#include "parent.h"
#include "process.h"
#include "slot.h"
#include "sys.h"
#include "undo.h"
#include <linux/poll.h>
#include <linux/wait.h>

/* How long a stage may take from the failure of its parent to its end. */
#define NSI_STAGE_SECONDS 2
/* More than it can have sent: the loop ends also when the socket only fails. */
#define NSI_STAGE_MESSAGES 256

/*
 * nsi_abi() - number of this interface
 *
 * Return: NSI_ABI.
 */
int32_t nsi_abi(void)
{
	return NSI_ABI;
}

/*
 * nsi_sizes() - sizes and offsets that TypeScript relies on
 * @out:   gets at most @count of them, in the order that nsinit.h gives
 * @count: room in @out
 *
 * Return: how many there are.
 */
int32_t nsi_sizes(uint32_t *out, uint32_t count)
{
	const uint32_t sizes[9] = {
		sizeof(struct nsi_plan_header),
		sizeof(struct nsi_op),
		sizeof(struct nsi_report),
		sizeof(struct nsi_user),
		sizeof(struct nsi_run),
		offsetof(struct nsi_run, report),
		offsetof(struct nsi_run, slot),
		offsetof(struct nsi_run, value),
		offsetof(struct nsi_run, payload),
	};

	for (uint32_t i = 0; i < 9 && i < count; i++)
		out[i] = sizes[i];
	return 9;
}

/*
 * nsi_run_init() - make a run ready for a Plan
 * @run:    memory of the caller, aligned to 8 bytes
 * @size:   bytes in @run
 * @plan:   packed Plan, aligned to 8 bytes; must stay unchanged until nsi_run_close()
 * @length: bytes in @plan
 *
 * Return: 0, -EOVERFLOW when @size is too small, -EBADMSG for a malformed Plan.
 */
int32_t nsi_run_init(struct nsi_run *run, uint32_t size, const void *plan, uint32_t length)
{
	int r;

	if (size < sizeof(*run))
		return -EOVERFLOW;
	nsi_run_reset(run);
	r = nsi_plan_open(&run->plan, plan, length);
	if (r < 0) {
		run->report.magic = NSI_REPORT_MAGIC;
		run->report.type = NSI_MSG_ERROR;
		run->report.list = NSI_LIST_NONE;
		run->report.error = -r;
		run->report.detail = NSI_AT_TRUNCATED;
	}
	return r;
}

/*
 * nsi_run_parent() - execute parent operations
 * @run:  the run; its report tells of a failure
 * @from: first operation
 * @to:   the one after the last
 *
 * Waits for the child where the operations say so. The thread that executes spawn
 * is the one whose end PR_SET_PDEATHSIG reports.
 *
 * Return: 0; -errno; or i + 1 where operation i is the caller's to do.
 */
int32_t nsi_run_parent(struct nsi_run *run, uint32_t from, uint32_t to)
{
	return nsi_parent(run, from, to);
}

/*
 * nsi_run_parent_within() - the same, without waiting for the child for long
 * @run:          the run
 * @from, @to:    as there
 * @milliseconds: how long at most, together
 *
 * Return: as there; or NSI_LATER | i where it was not enough: nsi_run_parent() goes on from
 * operation i.
 */
int32_t nsi_run_parent_within(struct nsi_run *run, uint32_t from, uint32_t to,
			      uint32_t milliseconds)
{
	int32_t r;

	run->until_ms = nsi_cgroup_now_ms() + milliseconds;
	r = nsi_parent(run, from, to);
	run->until_ms = run->expired = 0;
	return r;
}

/*
 * nsi_run_release() - let the child go on from a point
 * @run:     the run
 * @point:   that await has seen
 * @payload: @length bytes
 *
 * Return: 0 or -errno; the child's own failure is in the run's report.
 */
int32_t nsi_run_release(struct nsi_run *run, uint32_t point, const void *payload, uint32_t length)
{
	__builtin_memset(&run->report, 0, sizeof(run->report));
	return nsi_parent_release(run, point, payload, length);
}

/*
 * nsi_run_continue() - go on with a further Plan
 * @run:    the run, whose child, socket and slots stay
 * @plan:   packed Plan, aligned to 8 bytes; must stay unchanged until nsi_run_close()
 * @length: bytes in @plan
 *
 * Return: 0, -EBADMSG for a malformed Plan, with which the run is as before.
 */
int32_t nsi_run_continue(struct nsi_run *run, const void *plan, uint32_t length)
{
	struct nsi_plan next;
	int r = nsi_plan_open(&next, plan, length);

	if (r == 0)
		run->plan = next;
	return r;
}

/*
 * nsi_run_slot() - look at a slot
 * @run:  the run, which still owns the descriptor
 * @slot: number
 *
 * Return: the descriptor, or -EBADF.
 */
int32_t nsi_run_slot(struct nsi_run *run, uint32_t slot)
{
	return nsi_slot_get(run, slot);
}

/*
 * nsi_run_take() - take the descriptor out of a slot
 * @run:  the run
 * @slot: number
 *
 * Return: the descriptor, owned by the caller, or -EBADF.
 */
int32_t nsi_run_take(struct nsi_run *run, uint32_t slot)
{
	int fd = nsi_slot_get(run, slot);

	if (fd >= 0)
		run->slot[slot] = -1;
	return fd;
}

/*
 * nsi_run_accounts() - which files the child has given as passwd and group
 * @run: the run
 * @out: gets two struct nsi_account
 *
 * Return: 0, or -errno.
 */
int32_t nsi_run_accounts(struct nsi_run *run, void *out)
{
	struct nsi_account found[2];
	int r = nsi_account_look(nsi_slot_get(run, NSI_SLOT_PASSWD), &found[0]);

	if (r == 0)
		r = nsi_account_look(nsi_slot_get(run, NSI_SLOT_GROUP), &found[1]);
	if (r == 0)
		__builtin_memcpy(out, found, sizeof(found));
	return r;
}

/*
 * nsi_run_pid() - pid of the child
 * @run: the run
 *
 * Return: the pid in the caller's pid namespace, or -ESRCH.
 */
int32_t nsi_run_pid(struct nsi_run *run)
{
	return run->pid > 0 ? run->pid : -ESRCH;
}

/*
 * nsi_run_pidfd() - pidfd of the child
 * @run: the run, which still owns the descriptor
 *
 * Return: the descriptor, or -EBADF.
 */
int32_t nsi_run_pidfd(struct nsi_run *run)
{
	return run->pidfd < 0 ? -EBADF : run->pidfd;
}

/*
 * nsi_run_take_pidfd() - take the pidfd of the child
 * @run: the run, which forgets its child
 *
 * Return: the descriptor, owned by the caller, or -EBADF.
 */
int32_t nsi_run_take_pidfd(struct nsi_run *run)
{
	int fd = run->pidfd;

	run->pidfd = -1;
	return fd < 0 ? -EBADF : fd;
}

static void end(int32_t *pidfd)
{
	int32_t status[2];

	if (*pidfd < 0)
		return;
	(void)nsi_process_signal(*pidfd, 9);
	(void)nsi_process_wait(*pidfd, 0, status);
	nsi_sys_close(*pidfd);
	*pidfd = -1;
}

static int may_clone(const struct nsi_run *run)
{
	return !run->cloned && nsi_parent_has_clone(run);
}

/*
 * A stage that is killed between its clone and the report of it would leave a child that
 * nobody knows. So it is only told that no release will come, which ends it or its clone at
 * the next sync, and read until one of both is certain; what hangs elsewhere is killed.
 * Others may have killed it, with all that is in the group: see end_unreported().
 */
static void settle_stage(struct nsi_run *run)
{
	struct pollfd poll = { .fd = run->sock, .events = POLLIN };
	struct {
		int64_t seconds, nanoseconds;
	} patience = { NSI_STAGE_SECONDS, 0 };

	NSI_SYS2(__NR_shutdown, run->sock, 1 /* SHUT_WR */);
	for (int message = 0; message < NSI_STAGE_MESSAGES && !run->cloned && run->sock >= 0;
	     message++) {
		long r = NSI_SYS5(__NR_ppoll, &poll, 1, &patience, 0, 8);

		if (r == 0)
			(void)nsi_process_signal(run->pidfd, 9);
		if (r != -EINTR && nsi_parent_pump(run) == -EPROTO)
			return;
	}
}

/*
 * The stage is dead, and whether it has cloned itself stands in its note. Unless we reap
 * the clone nobody does: it is our child, so its number is not another's, and until
 * it is reaped its pid namespace does not end, nor that namespace's first process
 * (zap_pid_ns_processes()).
 */
static void end_unreported(const struct nsi_run *run)
{
	int32_t pid = 0, status[2];
	int pidfd;

	if (NSI_SYS4(__NR_pread64, run->notefd, &pid, sizeof(pid), 0) != sizeof(pid) || pid <= 0)
		return;
	pidfd = (int)NSI_SYS2(__NR_pidfd_open, pid, 0);
	if (pidfd < 0)
		return;
	/* A child of this process, or nothing is done. */
	if (nsi_process_wait(pidfd, WNOHANG | NSI_WNOWAIT, status) != -ECHILD) {
		(void)nsi_process_signal(pidfd, 9);
		(void)nsi_process_wait(pidfd, 0, status);
	}
	nsi_sys_close(pidfd);
}

/*
 * nsi_run_abort() - kill and reap the child, and the stage
 * @run: the run; its report stays
 *
 * Return: 0.
 */
int32_t nsi_run_abort(struct nsi_run *run)
{
	const struct nsi_report first = run->report;

	if (run->pidfd >= 0 && run->sock >= 0 && may_clone(run)) {
		settle_stage(run);
		run->report = first;
	}
	end(&run->pidfd);
	end(&run->stage);
	if (run->notefd >= 0 && !run->cloned)
		end_unreported(run);
	if (run->sock >= 0)
		nsi_sys_close(run->sock);
	run->sock = -1;
	return 0;
}

/*
 * nsi_run_undo() - execute all undo operations
 * @run: the first failure is in its report
 *
 * Return: 0 or the first failure.
 */
int32_t nsi_run_undo(struct nsi_run *run)
{
	__builtin_memset(&run->report, 0, sizeof(run->report));
	return nsi_undo(run);
}

static void drop(int32_t *fd)
{
	if (*fd >= 0)
		nsi_sys_close(*fd);
	*fd = -1;
}

/*
 * nsi_run_close() - close every descriptor that the run still owns
 * @run: the run; the Plan is not needed any more
 *
 * A child that has not been taken lives on and becomes a zombie when it ends.
 *
 * Return: 0.
 */
int32_t nsi_run_close(struct nsi_run *run)
{
	drop(&run->sock);
	drop(&run->pidfd);
	drop(&run->stage);
	drop(&run->notefd);
	drop(&run->rootfd);
	drop(&run->procfd);
	drop(&run->ttyfd);
	drop(&run->nullfd);
	drop(&run->emptyfd);
	for (uint32_t slot = 0; slot < NSI_SLOTS; slot++)
		drop(&run->slot[slot]);
	return 0;
}

/*
 * nsi_run_monitor() - become the helper in its monitor role
 * @run: with a monitor operation in its parent list
 *
 * Return: -errno; it does not return on success.
 */
int32_t nsi_run_monitor(struct nsi_run *run)
{
	return nsi_handover(run);
}
