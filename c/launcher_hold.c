/* SPDX-License-Identifier: Apache-2.0 */
/*
 * launcher_hold.c - holding signals back in a process of one thread.
 *
 * Does for the launcher what hold.c does for a program of many threads: there a
 * handler sends signals on to the thread that blocks them, here blocking is enough.
 */
#include "hold.h"
#include "nsinit.h"
#include "sys.h"
#include <linux/poll.h>
#include <linux/signal.h>

#define BIT(signal) (1ull << ((signal)-1))
#define STOPPING                                                                                 \
	(BIT(SIGHUP) | BIT(SIGINT) | BIT(SIGQUIT) | BIT(SIGUSR1) | BIT(SIGUSR2) | BIT(SIGALRM) | \
	 BIT(SIGTERM))
#define HELD (STOPPING | BIT(SIGWINCH))

/* struct sigaction of the kernel. */
struct action {
	void *handler;
	unsigned long flags;
	void *restorer;
	uint64_t mask;
};

static struct {
	int active;
	int fd; /* signalfd of those that ask to stop */
	uint64_t mask;
} hold = { .fd = -1 };

static int is_ignored(int signal)
{
	struct action action = { 0 };

	return NSI_SYS4(__NR_rt_sigaction, signal, 0, &action, sizeof(action.mask)) == 0 &&
	       action.handler == (void *)1;
}

/*
 * nsi_signals_hold() - hold signals back until the monitor or the release
 *
 * Return: 0 or -errno.
 */
int32_t nsi_signals_hold(void)
{
	const uint64_t held = HELD;
	uint64_t stop = STOPPING;

	if (hold.active)
		return 0;
	for (int signal = 1; signal < 32; signal++)
		if (stop & BIT(signal) && is_ignored(signal))
			stop &= ~BIT(signal);
	hold.fd = (int)NSI_SYS4(__NR_signalfd4, -1, &stop, sizeof(stop), O_CLOEXEC | O_NONBLOCK);
	if (hold.fd < 0)
		return hold.fd;
	NSI_SYS4(__NR_rt_sigprocmask, SIG_BLOCK, &held, &hold.mask, sizeof(held));
	hold.active = 1;
	return 0;
}

/*
 * nsi_signals_release() - let held signals act as they would have
 *
 * Return: 0.
 */
int32_t nsi_signals_release(void)
{
	if (!hold.active)
		return 0;
	nsi_sys_close(hold.fd);
	hold.fd = -1;
	hold.active = 0;
	NSI_SYS4(__NR_rt_sigprocmask, SIG_SETMASK, &hold.mask, 0, sizeof(hold.mask));
	return 0;
}

/*
 * nsi_hold_wait_for() - wait for an event, or for a signal that asks to stop
 * @fd:           borrowed
 * @milliseconds: how long at most; -1 for ever
 *
 * Return: 0 when @fd is readable or at its end, -EINTR for a signal, -ETIMEDOUT,
 * another -errno.
 */
int nsi_hold_wait_for(int fd, int64_t milliseconds)
{
	struct pollfd polled[2] = { { .fd = fd, .events = POLLIN },
				    { .fd = hold.fd, .events = POLLIN } };
	/* ppoll(2) leaves in it what has not passed. */
	struct {
		int64_t seconds, nanoseconds;
	} rest = { milliseconds / 1000, milliseconds % 1000 * 1000000 };
	long r;

	do {
		r = NSI_SYS5(__NR_ppoll, polled, hold.active ? 2 : 1, milliseconds < 0 ? 0 : &rest,
			     0, 8);
	} while (r == -EINTR);
	if (r < 0)
		return (int)r;
	if (r == 0)
		return -ETIMEDOUT;
	return polled[0].revents ? 0 : -EINTR;
}
