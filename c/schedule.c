/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schedule.c - when, where and before whom the program runs: sched_setattr(2),
 * ioprio_set(2), sched_setaffinity(2).
 *
 * Real-time policies, a higher nice value and the real-time class of IO take
 * CAP_SYS_NICE over the host, which a process in a user namespace does not have
 * and others give up before exec. So the caller's process sets them, on the child
 * that waits for its last release: nothing is cloned after that, which a deadline
 * task could not do and SCHED_FLAG_RESET_ON_FORK would undo. Affinity is also
 * set by the child itself, before it is in its groups.
 */
#include "plan.h"
#include "sys.h"

#define NSI_IOPRIO_WHO_PROCESS 1
#define NSI_IOPRIO_CLASS_SHIFT 13
#define NSI_IOPRIO_CLASS_MAX 3
#define NSI_IOPRIO_LEVEL_MAX 7

/* struct sched_attr with the utilization clamps (Linux 5.3). */
struct attributes {
	uint32_t size;
	uint32_t policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
	uint32_t util_min, util_max;
};

_Static_assert(sizeof(struct attributes) == 56, "layout of sched_attr");

/* Whom the system calls mean: 0 is the caller, which only the helper may be. */
static int target(const struct nsi_run *run)
{
#ifdef NSI_HELPER
	(void)run;
	return 0;
#else
	return run->pid > 0 ? run->pid : -ESRCH;
#endif
}

/*
 * nsi_op_affinity_set() - on which CPUs the child runs
 * @run: the run
 * @op:  affinity.set
 *
 * Return: 0, -EINVAL when none of the CPUs is there for it, or another -errno.
 */
int nsi_op_affinity_set(struct nsi_run *run, const struct nsi_op *op)
{
	struct nsi_bytes mask = NSI_AFFINITY_SET_MASK(run, op);
	int pid = target(run);
	int r;

	if (pid < 0)
		return pid;
	r = (int)NSI_SYS3(__NR_sched_setaffinity, pid, mask.length, mask.data);
	return r < 0 ? r : 0;
}

/*
 * nsi_op_scheduler_set() - scheduling policy of the child
 * @run: the run
 * @op:  scheduler.set
 *
 * Return: 0 or -errno.
 */
int nsi_op_scheduler_set(struct nsi_run *run, const struct nsi_op *op)
{
	const struct attributes attributes = {
		.size = sizeof(attributes),
		.policy = (uint32_t)NSI_SCHEDULER_SET_POLICY(op),
		.flags = NSI_SCHEDULER_SET_FLAGS(op),
		.nice = (int32_t)NSI_SCHEDULER_SET_NICE(op),
		.priority = (uint32_t)NSI_SCHEDULER_SET_PRIORITY(op),
		.runtime = NSI_SCHEDULER_SET_RUNTIME(op),
		.deadline = NSI_SCHEDULER_SET_DEADLINE(op),
		.period = NSI_SCHEDULER_SET_PERIOD(op),
	};
	int pid = target(run);

	if (pid < 0)
		return pid;
	return (int)NSI_SYS3(__NR_sched_setattr, pid, &attributes, 0);
}

/*
 * nsi_op_ioprio_set() - IO priority of the child
 * @run: the run
 * @op:  ioprio.set
 *
 * Return: 0, -ERANGE, or another -errno.
 */
int nsi_op_ioprio_set(struct nsi_run *run, const struct nsi_op *op)
{
	uint64_t class = NSI_IOPRIO_SET_CLASS(op), level = NSI_IOPRIO_SET_PRIORITY(op);
	int pid = target(run);

	if (pid < 0)
		return pid;
	if (class > NSI_IOPRIO_CLASS_MAX || level > NSI_IOPRIO_LEVEL_MAX)
		return -ERANGE;
	return (int)NSI_SYS3(__NR_ioprio_set, NSI_IOPRIO_WHO_PROCESS, pid,
			     class << NSI_IOPRIO_CLASS_SHIFT | level);
}
