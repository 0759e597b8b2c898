/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hook.c - hooks: programs that run at points of a container's life.
 *
 * The same code runs them from the library's process, which has many threads,
 * from the helper and from the monitor. A hook leads a session of its own, so that
 * one that takes too long goes with all of its process group; it has default
 * signals, descriptors 0 to 2, the umask 022, and the environment of the Plan.
 *
 * The state that it gets as its standard input lies in a sealed memfd: nobody has
 * to write while it reads, and one that reads nothing holds up nobody.
 *
 * What an engine's hook says is kept for the message of its failure, in a memfd for
 * each of its two outputs: a pipe would need a reader while the hook is waited for,
 * and would end what a hook leaves running.
 *
 * In the child's list a hook is also ended when the parent has gone, and is
 * confined before it is executed; hook_inside.c.
 */
#include "hook.h"
#include "cleanup.h"
#ifndef NSI_HELPER
#include "hold.h"
#endif
#include "process.h"
#include "sys.h"
#include "text.h"
#include "vfork.h"
#include <linux/close_range.h>
#include <linux/memfd.h>
#include <linux/poll.h>
#include <linux/signal.h>

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U /* Linux 6.3 */
#endif

#define HOOK_WORDS_MAX 1024
#define HOOK_ADD_SEALS 1033
#define HOOK_SEALS 0x000f /* SEAL, SHRINK, GROW, WRITE */
#define HOOK_CLOCK_MONOTONIC 1
#define HOOK_SEEK_END 2
#define HOOK_SAID_MAX 2048 /* kept of each output, its end */

#define HOOK_TO_STDERR 1 /* flags of hook.run */
#define HOOK_KEEP_SAID 2

struct hook {
	const struct nsi_run *run;
	const struct nsi_op *op;
	int statefd;
	int outfd, errfd;   /* what it says is kept there; -1 where it is not */
	volatile int error; /* of the process, before it executes */
	const char *argv[HOOK_WORDS_MAX + 1];
	const char *envp[HOOK_WORDS_MAX + 1];
};

static int is_in(const struct nsi_run *run, const struct nsi_op *op, enum nsi_list list)
{
	const struct nsi_op *first = run->plan.op[list];

	return op >= first && op < first + run->plan.count[list];
}

static int fill_words(const char **words, struct nsi_bytes list)
{
	uint32_t n = 0;

	for (const char *at = nsi_list_next(list, NULL); at; at = nsi_list_next(list, at)) {
		if (n == HOOK_WORDS_MAX)
			return -E2BIG;
		words[n++] = at;
	}
	words[n] = NULL;
	return 0;
}

static int write_text(int fd, const char *text)
{
	size_t length = nsi_text_length(text);

	while (length) {
		long r = nsi_sys_write(fd, text, length);

		if (r == -EINTR)
			continue;
		if (r <= 0)
			return r < 0 ? (int)r : -EIO;
		text += r;
		length -= (size_t)r;
	}
	return 0;
}

/* The process that the state tells of: the child, which in its own list is the caller. */
static uint64_t pid_of(const struct nsi_run *run, const struct nsi_op *op)
{
	if (is_in(run, op, NSI_LIST_CHILD))
		return (uint64_t)NSI_SYS0(__NR_getpid);
	return (uint64_t)run->pid;
}

static int write_state(int fd, const struct nsi_run *run, const struct nsi_op *op)
{
	struct nsi_bytes state = NSI_HOOK_RUN_STATE(run, op);
	const char *before = nsi_list_next(state, NULL);
	const char *after = before ? nsi_list_next(state, before) : NULL;
	char number[24];
	int r = before ? write_text(fd, before) : 0;

	if (r == 0 && after) {
		nsi_text_number(number, pid_of(run, op));
		r = write_text(fd, number);
		if (r == 0)
			r = write_text(fd, after);
	}
	return r;
}

static int open_memory(const char *name)
{
	const unsigned int flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	int fd = (int)NSI_SYS2(__NR_memfd_create, name, flags | MFD_NOEXEC_SEAL);

	return fd == -EINVAL ? (int)NSI_SYS2(__NR_memfd_create, name, flags) : fd;
}

static int open_state(const struct nsi_run *run, const struct nsi_op *op)
{
	NSI_AUTO_FD int fd = open_memory("nsinit-state");
	int r;

	if (fd < 0)
		return fd;
	r = write_state(fd, run, op);
	if (r == 0)
		r = (int)NSI_SYS3(__NR_lseek, fd, 0, 0 /* SEEK_SET */);
	if (r == 0)
		r = nsi_sys_fcntl(fd, HOOK_ADD_SEALS, HOOK_SEALS);
	return r < 0 ? r : nsi_take_fd(&fd);
}

/* What a hook of the host says is no output of the container. */
static int direct_output(void)
{
	int fd, r = nsi_sys_fcntl(2, F_GETFD, 0);

	if (r == -EBADF) {
		fd = nsi_sys_openat(AT_FDCWD, "/dev/null", O_RDWR, 0);
		if (fd < 0)
			return fd;
		r = fd == 2 ? nsi_sys_fcntl(2, F_SETFD, 0) : nsi_sys_dup3(fd, 2, 0);
	}
	return r < 0 ? r : nsi_sys_dup3(2, 1, 0);
}

static int direct_said(const struct hook *hook)
{
	int r = nsi_sys_dup3(hook->outfd, 1, 0);

	return r < 0 ? r : nsi_sys_dup3(hook->errfd, 2, 0);
}

/* The end of what was said, after its length; bytes of both. */
static uint32_t take_said(int fd, uint8_t *to)
{
	int64_t size = NSI_SYS3(__NR_lseek, fd, 0, HOOK_SEEK_END);
	int64_t from = size > HOOK_SAID_MAX ? size - HOOK_SAID_MAX : 0;
	int64_t r = NSI_SYS4(__NR_pread64, fd, to + sizeof(uint32_t), HOOK_SAID_MAX, from);
	/* What cannot be read is left out: the failure is told anyway. */
	uint32_t length = r > 0 ? (uint32_t)r : 0;

	__builtin_memcpy(to, &length, sizeof(length));
	return (uint32_t)sizeof(length) + length;
}

static void keep_said(struct nsi_run *run, const struct hook *hook)
{
	if (hook->outfd < 0)
		return;
	run->said = take_said(hook->outfd, run->payload);
	run->said += take_said(hook->errfd, run->payload + run->said);
}

static int confine(const struct hook *hook)
{
#ifdef NSI_HELPER
	if (is_in(hook->run, hook->op, NSI_LIST_CHILD))
		return nsi_hook_load_filter(hook->run, hook->op);
#endif
	(void)hook;
	return 0;
}

static int show_root(const struct hook *hook)
{
#ifdef NSI_HELPER
	if (is_in(hook->run, hook->op, NSI_LIST_CHILD))
		return nsi_hook_show_root(hook->run, hook->op);
#endif
	(void)hook;
	return 0;
}

static int prepare(const struct hook *hook)
{
	const char *dir = NSI_HOOK_RUN_DIR(hook->run, hook->op);
	int r = (int)NSI_SYS0(__NR_setsid);

	nsi_clone_default_signals();
	NSI_SYS1(__NR_umask, 022);
	if (r >= 0)
		r = nsi_sys_dup3(hook->statefd, 0, 0);
	if (r >= 0 && hook->outfd >= 0)
		r = direct_said(hook);
	else if (r >= 0 && (NSI_HOOK_RUN_FLAGS(hook->op) & HOOK_TO_STDERR))
		r = direct_output();
	if (r >= 0)
		r = show_root(hook);
	if (r >= 0)
		r = (int)NSI_SYS1(__NR_chdir, *dir ? dir : "/");
	if (r >= 0)
		r = (int)NSI_SYS3(__NR_close_range, 3, ~0U, CLOSE_RANGE_CLOEXEC);
	if (r >= 0)
		r = nsi_clone_unblock_signals();
	return r >= 0 ? confine(hook) : r;
}

/* First and only function of the hook's process; the caller is suspended until it has gone. */
__attribute__((noreturn)) static void hook_main(void *argument)
{
	struct hook *hook = argument;
	int r = prepare(hook);

	if (r >= 0)
		r = (int)NSI_SYS3(__NR_execve, hook->argv[0], hook->argv + 1, hook->envp);
	hook->error = r;
	for (;;)
		NSI_SYS1(__NR_exit, 127);
}

static int64_t now_ms(void)
{
	struct {
		int64_t seconds, nanoseconds;
	} now = { 0, 0 };

	NSI_SYS2(__NR_clock_gettime, HOOK_CLOCK_MONOTONIC, &now);
	return now.seconds * 1000 + now.nanoseconds / 1000000;
}

/* Until the hook has ended; -EPIPE when @sock says that the parent has gone. */
static int wait_end(int pidfd, int sock, int64_t milliseconds)
{
	struct pollfd poll[2] = { { .fd = pidfd, .events = POLLIN }, { .fd = sock } };
	int64_t end = now_ms() + milliseconds, rest;
	struct {
		int64_t seconds, nanoseconds;
	} timeout;
	int r;

	do {
		rest = end - now_ms();
		if (milliseconds >= 0 && rest <= 0)
			return -ETIMEDOUT;
		timeout.seconds = rest / 1000;
		timeout.nanoseconds = rest % 1000 * 1000000;
		r = (int)NSI_SYS5(__NR_ppoll, poll, 2, milliseconds < 0 ? NULL : &timeout, 0, 8);
	} while (r == 0 || r == -EINTR);
	if (r < 0)
		return r;
	return poll[0].revents ? 0 : -EPIPE;
}

static int wait_hook(const struct nsi_run *run, const struct nsi_op *op, int pidfd)
{
	int64_t milliseconds = NSI_HOOK_RUN_TIMEOUT(op) ? (int64_t)NSI_HOOK_RUN_TIMEOUT(op) : -1;

#ifndef NSI_HELPER
	/* A removal is not interrupted: it may be the answer to the signal. */
	if (is_in(run, op, NSI_LIST_PARENT))
		return nsi_hold_wait_for(pidfd, milliseconds);
#endif
	return wait_end(pidfd, is_in(run, op, NSI_LIST_CHILD) ? run->sock : -1, milliseconds);
}

/* Waits for the hook, killing it with its process group when that takes too long. */
static int finish(struct nsi_run *run, const struct nsi_op *op, long pid, int pidfd)
{
	int32_t status[2] = { 0, 0 };
	int waited = wait_hook(run, op, pidfd), r;

	if (waited < 0) {
		/* Nobody has waited for it, so that the number is still its own. */
		NSI_SYS2(__NR_kill, -pid, SIGKILL);
		(void)nsi_process_signal(pidfd, SIGKILL);
	}
	r = nsi_process_wait(pidfd, 0, status);
	if (waited < 0)
		return waited;
	if (r < 0)
		return r;
	if (status[0] == NSI_CLD_EXITED && status[1] == 0)
		return 0;
	run->value = status[0] == NSI_CLD_EXITED ? status[1] : -(status[1] & 0x7f);
	return -ECANCELED;
}

static int start_and_finish(struct nsi_run *run, struct hook *hook)
{
	struct clone_args args = { .flags = 0 };
	int32_t status[2];
	long pid;
	int r;
	NSI_AUTO_FD int pidfd = -1;

	run->detail = NSI_AT_CLONE;
	pid = nsi_clone_vfork(&args, hook_main, hook, &pidfd);
	if (pid < 0)
		return (int)pid;
	run->detail = NSI_AT_EXEC;
	if (hook->error < 0) {
		(void)nsi_process_wait(pidfd, 0, status);
		return hook->error;
	}
	r = finish(run, hook->op, pid, pidfd);
	if (r < 0)
		keep_said(run, hook);
	return r;
}

/*
 * nsi_op_hook_run() - run a hook and wait for it
 * @run: value becomes its exit status, or minus the number of the signal that ended it;
 *       with flags bit 1 a failure leaves in payload what it said, said bytes
 * @op:  hook.run
 *
 * Return: 0; -ECANCELED for another status than 0; -ETIMEDOUT; -EINTR or -EPIPE
 * when there is no more use for it; the error of execve(2) or of what precedes it.
 */
int nsi_op_hook_run(struct nsi_run *run, const struct nsi_op *op)
{
	struct hook hook = { .run = run, .op = op, .outfd = -1, .errfd = -1 };
	const int keeps = (NSI_HOOK_RUN_FLAGS(op) & HOOK_KEEP_SAID) != 0;
	int r = fill_words(hook.argv, NSI_HOOK_RUN_ARGV(run, op));

	r = r < 0 ? r : fill_words(hook.envp, NSI_HOOK_RUN_ENVP(run, op));
	if (r < 0)
		return r;
	if (!hook.argv[0])
		return -EINVAL;
	run->detail = NSI_AT_WRITE;
	NSI_AUTO_FD int statefd = open_state(run, op);
	if (statefd < 0)
		return statefd;
	hook.statefd = statefd;
	NSI_AUTO_FD int outfd = keeps ? open_memory("nsinit-hook") : -1;
	NSI_AUTO_FD int errfd = keeps ? open_memory("nsinit-hook") : -1;
	if (keeps && (outfd < 0 || errfd < 0))
		return outfd < 0 ? outfd : errfd;
	hook.outfd = outfd;
	hook.errfd = errfd;
#ifdef NSI_HELPER
	if (is_in(run, op, NSI_LIST_CHILD)) {
		int undone;

		r = nsi_hook_share_root(run, op, 1);
		if (r < 0)
			return r;
		r = start_and_finish(run, &hook);
		undone = nsi_hook_share_root(run, op, 0);
		return r < 0 ? r : undone;
	}
#endif
	return start_and_finish(run, &hook);
}
