/* SPDX-License-Identifier: Apache-2.0 */
/*
 * poll.c - one epoll(7) set for everything that JavaScript waits for: pidfds,
 * pipes, terminals, eventfds, inotify, pressure files.
 *
 * A wait occupies one thread of the engine's pool, whatever the number of
 * descriptors; an eventfd in the set ends it. Interests are one-shot, armed again
 * by whoever has dealt with the event: a descriptor that stays ready, or is at its
 * end, cannot make the wait spin. Priority events alone are edge-triggered
 * instead, since a pressure file forgets its event when it is looked at, which
 * arming does (psi(7) is silent; kernel/sched/psi.c).
 *
 * The kernel keeps an entry until the last duplicate of the open file is closed,
 * and numbers are used again: so descriptors are removed before they are closed,
 * and each entry has a generation by which events of an earlier one are told.
 *
 * Library only.
 */
#include "nsinit.h"
#include "cleanup.h"
#include "sys.h"
#include <poll.h>
#include <sys/epoll.h>

#define NSI_BATCH 256
#define NSI_EFD_FLAGS (O_CLOEXEC | O_NONBLOCK)

static uint64_t name_entry(int32_t fd, uint32_t generation)
{
	return (uint64_t)generation << 32 | (uint32_t)fd;
}

static int control(int set, int operation, int fd, uint32_t events, uint64_t data)
{
	struct epoll_event entry = { .events = events, .data.u64 = data };

	return (int)NSI_SYS4(__NR_epoll_ctl, set, operation, fd, &entry);
}

/*
 * nsi_poll_open() - make a set and the eventfd that ends its waits
 * @out: gets both descriptors, owned by the caller
 *
 * Return: 0 or -errno.
 */
int32_t nsi_poll_open(int32_t *out)
{
	NSI_AUTO_FD int setfd = (int)NSI_SYS1(__NR_epoll_create1, EPOLL_CLOEXEC);
	NSI_AUTO_FD int wakefd = -1;
	int r;

	if (setfd < 0)
		return setfd;
	wakefd = (int)NSI_SYS2(__NR_eventfd2, 0, NSI_EFD_FLAGS);
	if (wakefd < 0)
		return wakefd;
	/* Generation 0 is the eventfd's alone. */
	r = control(setfd, EPOLL_CTL_ADD, wakefd, POLLIN, name_entry(wakefd, 0));
	if (r < 0)
		return r;
	out[0] = nsi_take_fd(&setfd);
	out[1] = nsi_take_fd(&wakefd);
	return 0;
}

/*
 * nsi_poll_watch() - add a descriptor, or arm it again
 * @set:        of nsi_poll_open()
 * @fd:         borrowed; to be forgotten before it is closed
 * @generation: not 0; comes back with its events
 * @events:     POLLIN, POLLOUT, POLLPRI or 0, which is POLLERR and POLLHUP alone
 * @again:      it is in the set
 *
 * Return: 0, -EPERM for what is always ready, e.g. a regular file, or -errno.
 */
int32_t nsi_poll_watch(int32_t set, int32_t fd, uint32_t generation, uint32_t events, int32_t again)
{
	uint32_t mode = events == POLLPRI ? (uint32_t)EPOLLET : (uint32_t)EPOLLONESHOT;

	return control(set, again ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, events | mode,
		       name_entry(fd, generation));
}

/*
 * nsi_poll_forget() - remove a descriptor
 * @set: of nsi_poll_open()
 * @fd:  in it
 *
 * A wait that is under way may still give an event of it.
 *
 * Return: 0 or -errno.
 */
int32_t nsi_poll_forget(int32_t set, int32_t fd)
{
	return control(set, EPOLL_CTL_DEL, fd, 0, 0);
}

static void calm(int32_t fd)
{
	uint64_t count;

	nsi_sys_read(fd, &count, sizeof(count));
}

/*
 * nsi_poll_wait() - wait for events
 * @set:     of nsi_poll_open()
 * @out:     gets descriptor, generation and events of each
 * @count:   room in @out, at most 256 are given
 * @timeout: milliseconds, 0 only looks, -1 for ever
 *
 * Return: how many; 0 also after nsi_poll_wake(); or -errno.
 */
int32_t nsi_poll_wait(int32_t set, uint32_t *out, uint32_t count, int32_t timeout)
{
	struct epoll_event entry[NSI_BATCH] = { 0 };
	int32_t filled = 0;
	long r;

	if (count > NSI_BATCH)
		count = NSI_BATCH;
	do {
		r = NSI_SYS6(__NR_epoll_pwait, set, entry, count, timeout, 0, 8);
	} while (r == -EINTR);
	for (long i = 0; i < r; i++) {
		if (entry[i].data.u64 >> 32 == 0) {
			calm((int32_t)entry[i].data.u64);
			continue;
		}
		*out++ = (uint32_t)entry[i].data.u64;
		*out++ = (uint32_t)(entry[i].data.u64 >> 32);
		*out++ = entry[i].events;
		filled++;
	}
	return r < 0 ? (int32_t)r : filled;
}

/*
 * nsi_poll_look() - nsi_poll_wait() that does not wait, for the main thread
 * @set:   of nsi_poll_open()
 * @out:   as there
 * @count: as there
 *
 * Return: how many, or -errno.
 */
int32_t nsi_poll_look(int32_t set, uint32_t *out, uint32_t count)
{
	return nsi_poll_wait(set, out, count, 0);
}

/*
 * nsi_poll_wake() - end the wait that is under way, or the next one
 * @wake: the eventfd of nsi_poll_open()
 *
 * Return: 0 or -errno.
 */
int32_t nsi_poll_wake(int32_t wake)
{
	const uint64_t one = 1;
	long r = nsi_sys_write(wake, &one, sizeof(one));

	return r < 0 ? (int32_t)r : 0;
}

/*
 * nsi_poll_state() - what a descriptor is ready for now
 * @fd:     borrowed
 * @events: asked for; POLLERR and POLLHUP always are
 *
 * Return: events, or -errno.
 */
int32_t nsi_poll_state(int32_t fd, uint32_t events)
{
	struct pollfd one = { .fd = fd, .events = (short)events };
	struct {
		int64_t seconds, nanoseconds;
	} now = { 0, 0 };
	long r = NSI_SYS5(__NR_ppoll, &one, 1, &now, 0, 8);

	return r < 0 ? (int32_t)r : (uint16_t)one.revents;
}

/*
 * nsi_mounts_open() - remember the mount table as it is
 *
 * Return: a descriptor owned by the caller, or -errno.
 */
int32_t nsi_mounts_open(void)
{
	return nsi_sys_openat(AT_FDCWD, "/proc/thread-self/mountinfo", O_RDONLY, 0);
}

/*
 * nsi_mounts_changed() - whether the mount table has changed since the last call
 * @fd: of nsi_mounts_open(); proc_pid_mounts(5) tells of changes by poll(2)
 *
 * Return: 1, 0 or -errno.
 */
int32_t nsi_mounts_changed(int32_t fd)
{
	struct pollfd polled = { .fd = fd, .events = POLLPRI };
	const struct {
		int64_t seconds, nanoseconds;
	} now = { 0, 0 };
	long r;

	do {
		r = NSI_SYS5(__NR_ppoll, &polled, 1, &now, 0, 8);
	} while (r == -EINTR);
	return r < 0 ? (int32_t)r : (polled.revents & (POLLPRI | POLLERR)) != 0;
}
