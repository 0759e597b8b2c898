/* SPDX-License-Identifier: Apache-2.0 */
/*
 * park.c - a child that waits with all done so far, for a moment or for days.
 *
 * What it waits for decides how it goes on. A release lets it go on with its own
 * list. A further Plan, in a sealed memfd, takes the place of what is left of that
 * list: the sandbox is there before anybody knows what will run in it. A
 * listening socket is for a container that one program makes and another starts:
 * the child accepts a caller, who takes the parent's place and decides among the
 * same three. A caller that goes without a decision is followed by the next one.
 *
 * Without a parent and without a listening socket the child ends, and with one
 * when it is asked to stop by a signal.
 */
#include "cleanup.h"
#include "handshake.h"
#include "helper.h"
#include "slot.h"
#include "sys.h"
#include <linux/poll.h>
#include <linux/signal.h>

#define STDIO_COUNT 3

#define NSI_PARK_STRIP 1

/*
 * The rest is sent anew, or opened in the root that has been entered. Numbers 0 to 2
 * stay taken, so that none of what comes is overwritten when they are filled.
 */
static int strip(struct nsi_run *run)
{
	int r = 0;
	NSI_AUTO_FD int fd = nsi_sys_openat(AT_FDCWD, "/", O_PATH | O_DIRECTORY, 0);
	NSI_AUTO_FD int high = fd < 0 ? fd : nsi_sys_fcntl(fd, F_DUPFD_CLOEXEC, STDIO_COUNT);

	if (high < 0)
		return high;
	for (int i = 0; i < STDIO_COUNT && r >= 0; i++)
		r = nsi_sys_dup3(high, i, O_CLOEXEC);
	if (r < 0)
		return r;
	/* Closed with all others. */
	(void)nsi_take_fd(&fd);
	(void)nsi_take_fd(&high);
	return nsi_fds_close(run, STDIO_COUNT);
}

/* The rest of the list is that of the Plan in the memfd. */
static int go_on_with(struct nsi_run *run, int planfd)
{
	struct nsi_plan plan;
	int r = nsi_plan_map(&plan, planfd);

	if (r < 0)
		return r;
	NSI_SYS2(__NR_munmap, run->plan.base, run->plan.length);
	run->plan = plan;
	run->next = run->first = 0;
	return 0;
}

/*
 * As the first process of its pid namespace it ignores what it does not handle, and
 * could be ended by SIGKILL alone. Blocked signals are kept, also by such a process.
 */
struct stops {
	uint64_t before; /* the mask that the program gets */
	int fd;          /* signalfd of what asks to stop; -1 before there is a listener */
};

static uint64_t bit_of(int signal)
{
	return (uint64_t)1 << (signal - 1);
}

static int block_stops(struct stops *stops)
{
	uint64_t mask = bit_of(SIGHUP) | bit_of(SIGINT) | bit_of(SIGQUIT) | bit_of(SIGTERM);
	int fd = (int)NSI_SYS4(__NR_signalfd4, -1, &mask, sizeof(mask), O_CLOEXEC | O_NONBLOCK);
	int r;

	if (fd < 0)
		return fd;
	r = (int)NSI_SYS4(__NR_rt_sigprocmask, SIG_BLOCK, &mask, &stops->before,
			  sizeof(stops->before));
	if (r < 0)
		nsi_sys_close(fd);
	else
		stops->fd = fd;
	return r;
}

static int unblock_stops(struct stops *stops)
{
	if (stops->fd < 0)
		return 0;
	nsi_sys_close(stops->fd);
	stops->fd = -1;
	return (int)NSI_SYS4(__NR_rt_sigprocmask, SIG_SETMASK, &stops->before, 0,
			     sizeof(stops->before));
}

/* Until somebody connects; -ECANCELED when it is asked to stop. */
static int await_caller(int listener, const struct stops *stops)
{
	struct pollfd poll[2] = { { .fd = listener, .events = POLLIN },
				  { .fd = stops->fd, .events = POLLIN } };
	long r;

	do {
		r = NSI_SYS5(__NR_ppoll, poll, 2, 0, 0, 8);
	} while (r == -EINTR);
	if (r < 0)
		return (int)r;
	return poll[1].revents ? -ECANCELED : 0;
}

/* Who connects gets the number of the socket: later operations count on it. */
static int next_parent(struct nsi_run *run, int listener, const struct stops *stops)
{
	long r = await_caller(listener, stops);

	if (r < 0)
		return (int)r;
	do {
		r = NSI_SYS4(__NR_accept4, listener, 0, 0, O_CLOEXEC);
	} while (r == -EINTR || r == -ECONNABORTED);
	if (r < 0)
		return (int)r;
	NSI_AUTO_FD int fd = (int)r;
	r = nsi_sys_dup3(fd, run->sock, O_CLOEXEC);
	if (r < 0)
		return (int)r;
	/* It knows what is left of the list, and counts from there. */
	run->first = run->next;
	return 0;
}

/* Tells of the point and takes one message; 1, 0 when the parent is gone, -errno. */
static int ask(struct nsi_run *run, struct nsi_report *report, int *fd)
{
	uint32_t count = 0;
	int r;

	*report = (struct nsi_report){
		.type = NSI_MSG_POINT,
		.list = NSI_LIST_CHILD,
		.point = NSI_POINT_PARKED,
	};
	r = nsi_send(run->sock, report, NULL, NULL, 0);
	if (r == 0)
		r = nsi_receive(run->sock, report, run->payload, sizeof(run->payload), fd, 1,
				&count);
	if (r == -EPIPE)
		return 0;
	if (count == 0)
		*fd = -1;
	return r;
}

/*
 * nsi_op_park() - wait for what comes next
 * @run: may have another list, and another socket, afterwards
 * @op:  park; flags bit 0: without a descriptor but the socket
 *
 * Return: 0, -EPIPE when the parent is gone, or another -errno.
 */
int nsi_op_park(struct nsi_run *run, const struct nsi_op *op)
{
	struct stops stops = { .fd = -1 };
	NSI_AUTO_FD int listener = -1;
	struct nsi_report report;
	int r = 0;

	run->detail = NSI_AT_OPEN;
	if (NSI_PARK_FLAGS(op) & NSI_PARK_STRIP)
		r = strip(run);
	if (r < 0)
		return r;
	run->detail = NSI_AT_PROTOCOL;
	for (;;) {
		NSI_AUTO_FD int fd = -1;

		r = ask(run, &report, &fd);
		if (r == 0 && listener >= 0)
			r = next_parent(run, listener, &stops);
		else if (r == 0)
			r = -EPIPE;
		else if (r > 0 && report.type == NSI_MSG_RELEASE && fd < 0)
			return report.point == NSI_POINT_PARKED ? unblock_stops(&stops) : -EPROTO;
		else if (r > 0 && report.type == NSI_MSG_PLAN && fd >= 0) {
			r = unblock_stops(&stops);
			return r < 0 ? r : go_on_with(run, fd);
		} else if (r > 0 && report.type == NSI_MSG_LISTEN && fd >= 0 && listener < 0) {
			listener = nsi_take_fd(&fd);
			r = block_stops(&stops);
			r = r < 0 ? r : next_parent(run, listener, &stops);
		} else if (r > 0)
			r = -EPROTO;
		if (r < 0)
			return r;
	}
}
