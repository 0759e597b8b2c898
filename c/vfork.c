/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vfork.c - children of a large process with many threads that is not ours.
 *
 * fork(2) would copy its page tables, and what its other threads held at the
 * moment would stay locked for ever in the child. So a child shares the memory
 * (CLONE_VM), runs on a stack of its own, makes nothing but system calls until it
 * executes a program, and the calling thread is suspended so long (CLONE_VFORK).
 * Descriptors and signal handlers are copies (no CLONE_FILES, no CLONE_SIGHAND).
 * All signals are blocked meanwhile: a handler of the process must not run in the
 * child. Library and helper clone the same way.
 */
#include "vfork.h"
#include "sys.h"
#include <linux/mman.h>
#include <linux/signal.h>

#define NSI_SIGNALS 64
#define NSI_STACK_SIZE 65536
#define NSI_STACK_GUARD 65536 /* a page, whatever its size */
#define NSI_PROT_NONE 0
#define NSI_PROT_READ_WRITE 3

/* sigaction(2) as the kernel takes it. */
struct action {
	uint64_t handler;
	unsigned long flags;
	void *restorer;
	uint64_t mask;
};

/*
 * Whoever ignores SIGCHLD, as a careless parent may hand down, has the status of its
 * children thrown away: execve(2) makes SIGCHLD the exit signal, whatever clone3(2) said.
 */
static void keep_statuses(void)
{
	const uint64_t ignore = 1;
	struct action action = { 0 };

	NSI_SYS4(__NR_rt_sigaction, SIGCHLD, 0, &action, sizeof(action.mask));
	if (action.handler != ignore && !(action.flags & SA_NOCLDWAIT))
		return;
	if (action.handler == ignore)
		action.handler = 0;
	action.flags &= ~(unsigned long)SA_NOCLDWAIT;
	NSI_SYS4(__NR_rt_sigaction, SIGCHLD, &action, 0, sizeof(action.mask));
}

/*
 * nsi_clone_on_stack() - clone3(2) whose child calls a function
 * @args:     with a stack of its own
 * @entry:    does not return; with CLONE_VM only system calls are allowed there
 * @argument: given to @entry
 *
 * Return: pid of the child, or -errno.
 */
long nsi_clone_on_stack(const struct clone_args *args, void (*entry)(void *), void *argument)
{
#if defined(__x86_64__)
	long r = __NR_clone3;
	register void *function __asm__("r8") = (void *)entry;
	register void *given __asm__("r9") = argument;

	__asm__ volatile("syscall\n\t"
			 "test %%rax, %%rax\n\t"
			 "jnz 1f\n\t"
			 "xor %%ebp, %%ebp\n\t"
			 "mov %%r9, %%rdi\n\t"
			 "call *%%r8\n\t"
			 "ud2\n"
			 "1:"
			 : "+a"(r)
			 : "D"(args), "S"(sizeof(*args)), "r"(function), "r"(given)
			 : "rcx", "r11", "memory", "cc");
	return r;
#elif defined(__aarch64__)
	register long x8 __asm__("x8") = __NR_clone3;
	register long x0 __asm__("x0") = (long)args;
	register long x1 __asm__("x1") = sizeof(*args);
	register void *function __asm__("x9") = (void *)entry;
	register void *given __asm__("x10") = argument;

	__asm__ volatile("svc 0\n\t"
			 "cbnz x0, 1f\n\t"
			 "mov x29, xzr\n\t"
			 "mov x0, x10\n\t"
			 "blr x9\n\t"
			 "brk #0\n"
			 "1:"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(function), "r"(given)
			 : "memory", "cc");
	return x0;
#endif
}

/*
 * nsi_clone_vfork() - a child that shares memory until it executes a program
 * @args:      further flags; the rest is filled in here
 * @entry:     does not return and only makes system calls
 * @argument:  given to @entry; what it writes there can be read afterwards
 * @pidfd_out: gets the pidfd of the child, owned by the caller
 *
 * Return: pid of the child, which has executed a program or ended, or -errno.
 */
long nsi_clone_vfork(struct clone_args *args, void (*entry)(void *), void *argument, int *pidfd_out)
{
	const uint64_t all = ~(uint64_t)0;
	uint64_t mask = 0;
	long stack, pid;

	stack = NSI_SYS6(__NR_mmap, 0, NSI_STACK_GUARD + NSI_STACK_SIZE, NSI_PROT_READ_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	if (stack < 0 && stack > -4096)
		return stack;
	args->flags |= CLONE_VM | CLONE_VFORK | CLONE_PIDFD;
	args->pidfd = (uint64_t)(uintptr_t)pidfd_out;
	args->stack = (uint64_t)stack + NSI_STACK_GUARD;
	args->stack_size = NSI_STACK_SIZE;
	NSI_SYS3(__NR_mprotect, stack, NSI_STACK_GUARD, NSI_PROT_NONE);
	keep_statuses();
	NSI_SYS4(__NR_rt_sigprocmask, SIG_SETMASK, &all, &mask, sizeof(all));
	pid = nsi_clone_on_stack(args, entry, argument);
	NSI_SYS4(__NR_rt_sigprocmask, SIG_SETMASK, &mask, 0, sizeof(mask));
	NSI_SYS2(__NR_munmap, stack, NSI_STACK_GUARD + NSI_STACK_SIZE);
	return pid;
}

/*
 * nsi_clone_default_signals() - give every signal its default disposition
 *
 * Handlers go with execve(2), but ignored signals would stay ignored.
 */
void nsi_clone_default_signals(void)
{
	const struct action standard = { 0 };

	/* SIGKILL and SIGSTOP say EINVAL and need nothing; glibc's own 32 and 33 are among them. */
	for (int signal = 1; signal <= NSI_SIGNALS; signal++)
		NSI_SYS4(__NR_rt_sigaction, signal, &standard, 0, sizeof(standard.mask));
}

/*
 * nsi_clone_unblock_signals() - let all signals through
 *
 * Return: 0 or -errno.
 */
int nsi_clone_unblock_signals(void)
{
	const uint64_t empty = 0;

	return (int)NSI_SYS4(__NR_rt_sigprocmask, SIG_SETMASK, &empty, 0, sizeof(empty));
}
