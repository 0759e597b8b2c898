/* SPDX-License-Identifier: Apache-2.0 */
/*
 * probe.c - what this kernel lets the caller do, found out by trying.
 *
 * Whether a namespace can be made depends on more than the kernel's version:
 * sysctls, security modules, filters of a surrounding container. A child that
 * is made with it, uses it and ends changes nothing. It makes nothing but system
 * calls, so it may share the memory (vfork.c): to copy the page tables of a large
 * process takes longer than all that it does. It has no exit signal, so nobody
 * else's wait sees it.
 */
#include "nsinit.h"
#include "sys.h"
#include "vfork.h"
#include <linux/mount.h>
#include <linux/wait.h>

/* The first of the numbers that are the same on every architecture. */
#define NSI_FIRST_COMMON_CALL 424u
#define NSI_MS_REC_PRIVATE (16384UL | (1UL << 18))
#define NSI_P_PID 1

struct nsi_trial {
	uint32_t flags;
	int32_t proc;
};

/* The fields of siginfo_t that waitid(2) fills in for a child, with room for the rest. */
struct nsi_child_info {
	int32_t signo, error, code, pad;
	int32_t pid;
	uint32_t uid;
	int32_t status;
	int32_t rest[25];
};

static long wait_child(long pid)
{
	struct nsi_child_info info = { 0 };
	long r;

	do {
		r = NSI_SYS5(__NR_waitid, NSI_P_PID, pid, &info, WEXITED | __WALL, 0);
	} while (r == -EINTR);
	if (r < 0)
		return r;
	return info.code == 1 /* CLD_EXITED */ ? -(long)info.status : -ECHILD;
}

/* A copy of this process that calls @entry; what it ended with as -errno. */
static long in_child(void (*entry)(void *), struct nsi_trial *trial)
{
	struct clone_args args = { 0 };
	long pid = nsi_clone_on_stack(&args, entry, trial);

	return pid < 0 ? pid : wait_child(pid);
}

/* Inside the namespaces: what the first steps of a container do there. */
static void use_main(void *argument)
{
	const struct nsi_trial *trial = argument;
	long r = 0;

	if (trial->flags & CLONE_NEWNS)
		r = NSI_SYS5(__NR_mount, "none", "/", 0, NSI_MS_REC_PRIVATE, 0);
	if (r == 0 && (trial->flags & CLONE_NEWUTS))
		r = NSI_SYS2(__NR_sethostname, "probe", 5);
	if (r == 0 && trial->proc)
		r = NSI_SYS5(__NR_mount, "proc", "/proc", "proc", 0, 0);
	nsi_sys_exit((int)-r);
}

/* Memory with clocks of a time namespace is its own: that is made by a copy, for its children. */
static void make_main(void *argument)
{
	struct nsi_trial *trial = argument;
	long r = NSI_SYS1(__NR_unshare, trial->flags);

	/* A new pid namespace is that of children. */
	if (r == 0)
		r = in_child(use_main, trial);
	nsi_sys_exit((int)-r);
}

/* A child within the namespaces; what it ended with as -errno. */
static long in_namespaces(struct nsi_trial *trial)
{
	struct clone_args args = { .flags = trial->flags };
	int pidfd = -1;
	long pid = nsi_clone_vfork(&args, use_main, trial, &pidfd);

	if (pid < 0)
		return pid;
	nsi_sys_close(pidfd);
	return wait_child(pid);
}

/*
 * nsi_probe_namespaces() - tries to make namespaces, and to use them
 * @flags: CLONE_NEW*, all at once
 * @proc:  not 0: a new /proc is mounted as well, which needs CLONE_NEWNS and
 *         CLONE_NEWPID; the kernel refuses it to who sees only a part of another
 *
 * Return: 0, or the -errno of what was refused.
 */
int32_t nsi_probe_namespaces(uint32_t flags, int32_t proc)
{
	const uint32_t needed = CLONE_NEWNS | CLONE_NEWPID;
	struct nsi_trial trial = { .flags = flags, .proc = proc };

	if (proc && (flags & needed) != needed)
		return -EINVAL;
	return (int32_t)(flags & CLONE_NEWTIME ? in_child(make_main, &trial) :
						 in_namespaces(&trial));
}

/*
 * nsi_probe_call() - tries a system call with arguments that cannot be right
 * @number: its number, from pidfd_send_signal(2) on
 *
 * Return: -errno, -ENOSYS when the kernel does not have it; 0 never happens.
 */
int32_t nsi_probe_call(uint32_t number)
{
	if (number < NSI_FIRST_COMMON_CALL)
		return -EINVAL;
	return (int32_t)NSI_SYS6(number, -1, -1, -1, -1, -1, -1);
}
