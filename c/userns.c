/* SPDX-License-Identifier: Apache-2.0 */
/*
 * userns.c - user namespaces that only carry id maps.
 *
 * An id-mapped mount (mount_setattr(2), Linux 5.12) takes its maps from a user
 * namespace, and such a namespace exists only with a process in it. So a child is
 * cloned that does nothing but wait to be killed: its maps are written, its
 * namespace file is opened, and it goes. It shares the caller's memory and runs on
 * a stack of its own, makes system calls only, has every signal blocked, and the
 * kernel kills it when the calling thread ends before it has been killed here.
 */
#include "cleanup.h"
#include "idmap.h"
#include "process.h"
#include "slot.h"
#include "sys.h"
#include "vfork.h"
#include <linux/mman.h>
#include <linux/prctl.h>
#include <linux/signal.h>

#define NSI_STACK_SIZE 16384
#define NSI_PROT_READ_WRITE 3

struct holder {
	long caller; /* process id */
};

/* First and only function of the child, which has a copy of the descriptor table. */
__attribute__((noreturn)) static void hold(void *argument)
{
	const struct holder *holder = argument;

	nsi_sys_prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	/* The caller may have ended before that was in force. */
	while (NSI_SYS0(__NR_getppid) == holder->caller)
		NSI_SYS5(__NR_ppoll, 0, 0, 0, 0, 0);
	for (;;)
		NSI_SYS1(__NR_exit, 0);
}

/* The child with its pidfd in @pidfd; its pid or -errno. */
static long start_holder(struct holder *holder, void *stack, int *pidfd)
{
	const uint64_t all = ~(uint64_t)0;
	const struct clone_args args = {
		.flags = CLONE_VM | CLONE_PIDFD | CLONE_NEWUSER,
		.pidfd = (uint64_t)(uintptr_t)pidfd,
		.stack = (uint64_t)(uintptr_t)stack,
		.stack_size = NSI_STACK_SIZE,
	};
	uint64_t mask = 0;
	long pid;

	holder->caller = NSI_SYS0(__NR_getpid);
	NSI_SYS4(__NR_rt_sigprocmask, SIG_SETMASK, &all, &mask, sizeof(all));
	pid = nsi_clone_on_stack(&args, hold, holder);
	NSI_SYS4(__NR_rt_sigprocmask, SIG_SETMASK, &mask, 0, sizeof(mask));
	return pid;
}

static int open_mapped(struct nsi_run *run, const struct nsi_op *op, long pid, int pidfd)
{
	int r;

	run->detail = NSI_AT_RESOLVE;
	NSI_AUTO_FD int dirfd = nsi_idmap_open((int)pid, pidfd);
	if (dirfd < 0)
		return dirfd;
	r = nsi_idmap_write(run, dirfd, 0, NSI_USERNS_MAKE_UIDS(run, op),
			    NSI_USERNS_MAKE_GIDS(run, op));
	if (r < 0)
		return r;
	run->value = 0;
	run->detail = NSI_AT_OPEN;
	return nsi_sys_openat(dirfd, "ns/user", O_RDONLY, 0);
}

/*
 * nsi_op_userns_make() - a user namespace with these maps and no process
 * @run: value becomes 2 for a refused uid_map, 3 for a refused gid_map
 * @op:  userns.make
 *
 * Return: 0 or -errno.
 */
int nsi_op_userns_make(struct nsi_run *run, const struct nsi_op *op)
{
	struct holder holder = { 0 };
	int32_t status[2];
	int pidfd = -1;
	long stack, pid;
	int fd, r;

	run->detail = NSI_AT_CLONE;
	stack = NSI_SYS6(__NR_mmap, 0, NSI_STACK_SIZE, NSI_PROT_READ_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	if (stack < 0 && stack > -4096)
		return (int)stack;
	pid = start_holder(&holder, (void *)stack, &pidfd);
	if (pid < 0) {
		NSI_SYS2(__NR_munmap, stack, NSI_STACK_SIZE);
		return (int)pid;
	}
	fd = open_mapped(run, op, pid, pidfd);
	r = nsi_process_signal(pidfd, SIGKILL);
	if (r == 0)
		r = nsi_process_wait(pidfd, 0, status);
	nsi_sys_close(pidfd);
	/* While the child may run its stack has to stay. */
	if (r == 0)
		NSI_SYS2(__NR_munmap, stack, NSI_STACK_SIZE);
	if (fd < 0)
		return fd;
	if (r < 0) {
		nsi_sys_close(fd);
		return r;
	}
	return nsi_slot_put(run, NSI_USERNS_MAKE_SLOT(op), fd);
}
