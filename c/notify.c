/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notify.c - descriptors by which the kernel tells about groups and files: the
 * eventfds of cgroup v1, the pressure triggers of v2, inotify.
 *
 * v1 connects an eventfd with a file of a group by a line in
 * cgroup.event_control; its count then grows with each event, and once more when
 * the group is removed. v2 has no such thing: its event files tell inotify(7) of
 * changes, and a pressure file that was opened and written to is itself what
 * poll(2) waits for, as long as it stays open.
 *
 * Library only.
 */
#include "cgroup.h"
#include "cleanup.h"
#include "nsinit.h"
#include "sys.h"
#include "text.h"
#include <sys/eventfd.h>
#include <sys/inotify.h>

#define NSI_LINE_MAX 128

static int append_number(char *line, int number)
{
	char digits[21] = "";

	nsi_text_number(digits, (uint64_t)number);
	return nsi_text_append(line, NSI_LINE_MAX, digits);
}

/* `EVENTFD FILE ARGUMENT`, as cgroup.event_control wants it. */
static int compose_line(char *line, int eventfd, int filefd, const char *argument)
{
	int r = append_number(line, eventfd);

	if (r >= 0)
		r = nsi_text_append(line, NSI_LINE_MAX, " ");
	if (r >= 0)
		r = append_number(line, filefd);
	if (r >= 0 && *argument)
		r = nsi_text_append(line, NSI_LINE_MAX, " ");
	return r < 0 ? r : nsi_text_append(line, NSI_LINE_MAX, argument);
}

/*
 * nsi_notify_event() - an eventfd that counts events of a file of a v1 group
 * @group:    directory of the group
 * @file:     its file, e.g. memory.oom_control
 * @argument: what the kind of event takes besides, else ""
 *
 * Reads of 8 bytes give and clear the count, -EAGAIN when it is 0.
 *
 * Return: the eventfd, owned by the caller, or -errno.
 */
int32_t nsi_notify_event(const char *group, const char *file, const char *argument)
{
	NSI_AUTO_FD int dirfd = nsi_cgroup_open(group, O_NOFOLLOW);
	NSI_AUTO_FD int filefd = -1;
	NSI_AUTO_FD int eventfd = -1;
	char line[NSI_LINE_MAX] = "";
	int r;

	if (dirfd < 0)
		return dirfd;
	filefd = nsi_sys_openat(dirfd, file, O_RDONLY | O_NOFOLLOW, 0);
	if (filefd < 0)
		return filefd;
	eventfd = (int)NSI_SYS2(__NR_eventfd2, 0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (eventfd < 0)
		return eventfd;
	r = compose_line(line, eventfd, filefd, argument);
	if (r >= 0)
		r = nsi_cgroup_write(dirfd, "cgroup.event_control", line);
	return r < 0 ? r : nsi_take_fd(&eventfd);
}

/*
 * nsi_notify_pressure() - a pressure file of a v2 group with a trigger
 * @group:   directory of the group
 * @file:    e.g. memory.pressure
 * @trigger: e.g. `some 100000 2000000`, in microseconds of waiting and of window;
 *           windows of whole two seconds need no privilege
 *
 * POLLPRI tells that the trigger has fired, POLLERR that the group is gone.
 *
 * Return: the file, owned by the caller, or -errno; -EOPNOTSUPP where the kernel
 * does not measure pressure.
 */
int32_t nsi_notify_pressure(const char *group, const char *file, const char *trigger)
{
	NSI_AUTO_FD int dirfd = nsi_cgroup_open(group, O_NOFOLLOW);
	NSI_AUTO_FD int fd = -1;
	long r;

	if (dirfd < 0)
		return dirfd;
	fd = nsi_sys_openat(dirfd, file, O_RDWR | O_NONBLOCK | O_NOFOLLOW, 0);
	if (fd < 0)
		return fd;
	r = nsi_sys_write(fd, trigger, nsi_text_length(trigger) + 1);
	return r < 0 ? (int32_t)r : nsi_take_fd(&fd);
}

/*
 * nsi_inotify_open() - an inotify instance that does not wait
 *
 * Return: the descriptor, owned by the caller; -EMFILE when the user has too many
 * (fs.inotify.max_user_instances), or another -errno.
 */
int32_t nsi_inotify_open(void)
{
	return (int32_t)NSI_SYS1(__NR_inotify_init1, IN_CLOEXEC | IN_NONBLOCK);
}

/*
 * nsi_inotify_add() - watch a file or directory
 * @fd:   of nsi_inotify_open()
 * @path: of it; a symlink is not followed
 * @mask: IN_* events
 *
 * Return: its watch, which is the same for the same file, or -errno.
 */
int32_t nsi_inotify_add(int32_t fd, const char *path, uint32_t mask)
{
	return (int32_t)NSI_SYS3(__NR_inotify_add_watch, fd, path, mask | IN_DONT_FOLLOW);
}

/*
 * nsi_inotify_remove() - end a watch
 * @fd:    of nsi_inotify_open()
 * @watch: of nsi_inotify_add()
 *
 * Return: 0, -EINVAL when its file is gone, or another -errno.
 */
int32_t nsi_inotify_remove(int32_t fd, int32_t watch)
{
	return (int32_t)NSI_SYS2(__NR_inotify_rm_watch, fd, watch);
}
