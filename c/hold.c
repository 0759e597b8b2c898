/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hold.c - holding signals back between a start and its monitor.
 *
 * An attached command hands its process over to the monitor, which forwards
 * signals. Until then they would end the command and, by the parent death
 * signal, the program that may run already. So they are held: blocked on the
 * main thread, and given a handler that sends what reaches another thread (the
 * kernel picks any that does not block it) on to the main one. Pending signals
 * and the mask survive execve(2), so the monitor finds them.
 *
 * While a hand-shake waits, a held signal ends the waiting instead: the start
 * is taken back, and then the signal acts as it would have.
 *
 * Library only, main thread only; the one place that changes the process.
 */
#include "hold.h"
#include "nsinit.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static const int held[] = { SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM, SIGTERM, SIGWINCH };
#define HELD (sizeof(held) / sizeof(held[0]))

static struct {
	int active;
	int fd; /* signalfd of those that ask to stop */
	sigset_t mask;
	struct sigaction action[HELD];
} hold = { .fd = -1 };

/* Async-signal-safe. The main thread's id is the process's. */
static void send_to_main(int signal)
{
	int saved = errno;
	pid_t pid = getpid();

	syscall(SYS_tgkill, pid, pid, signal);
	errno = saved;
}

/*
 * nsi_signals_hold() - hold signals back until the monitor or the release
 *
 * An ignored signal stays ignored. On the main thread only; a second call does
 * nothing.
 *
 * Return: 0 or -errno.
 */
int32_t nsi_signals_hold(void)
{
	struct sigaction resend = { .sa_handler = send_to_main, .sa_flags = SA_RESTART };
	sigset_t all, stop;

	if (hold.active)
		return 0;
	sigemptyset(&all);
	sigemptyset(&stop);
	sigfillset(&resend.sa_mask);
	for (size_t i = 0; i < HELD; i++) {
		sigaction(held[i], NULL, &hold.action[i]);
		sigaddset(&all, held[i]);
		if (held[i] != SIGWINCH && hold.action[i].sa_handler != SIG_IGN)
			sigaddset(&stop, held[i]);
	}
	hold.fd = signalfd(-1, &stop, SFD_CLOEXEC | SFD_NONBLOCK);
	if (hold.fd < 0)
		return -errno;
	/* Blocked first: the handler must never run on this thread. */
	pthread_sigmask(SIG_BLOCK, &all, &hold.mask);
	for (size_t i = 0; i < HELD; i++)
		if (hold.action[i].sa_handler != SIG_IGN)
			sigaction(held[i], &resend, NULL);
	hold.active = 1;
	return 0;
}

/*
 * nsi_signals_release() - let held signals act as they would have
 *
 * One that arrived meanwhile acts before this returns; its usual action ends
 * the process.
 *
 * Return: 0.
 */
int32_t nsi_signals_release(void)
{
	if (!hold.active)
		return 0;
	for (size_t i = 0; i < HELD; i++)
		sigaction(held[i], &hold.action[i], NULL);
	close(hold.fd);
	hold.fd = -1;
	hold.active = 0;
	pthread_sigmask(SIG_SETMASK, &hold.mask, NULL);
	return 0;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/*
 * nsi_hold_wait_for() - wait for an event, or for a signal that asks to stop
 * @fd:           borrowed
 * @milliseconds: how long at most; -1 for ever
 *
 * Only the main thread holds signals; another waits for the event alone.
 *
 * Return: 0 when @fd is readable or at its end, -EINTR for a signal, -ETIMEDOUT,
 * another -errno.
 */
int nsi_hold_wait_for(int fd, int64_t milliseconds)
{
	struct pollfd polled[2] = { { .fd = fd, .events = POLLIN },
				    { .fd = hold.fd, .events = POLLIN } };
	int is_main = hold.active && syscall(SYS_gettid) == getpid();
	int64_t end = milliseconds < 0 ? INT64_MAX : now_ms() + milliseconds, rest;
	int r;

	do {
		rest = milliseconds < 0 ? -1 : end - now_ms();
		if (milliseconds >= 0 && rest <= 0)
			return -ETIMEDOUT;
		r = poll(polled, is_main ? 2 : 1, rest > INT32_MAX ? INT32_MAX : (int)rest);
	} while (r == 0 || (r < 0 && errno == EINTR));
	if (r < 0)
		return -errno;
	return polled[0].revents ? 0 : -EINTR;
}
