/* SPDX-License-Identifier: Apache-2.0 */
/*
 * streams.c - what JavaScript needs to know and set of the descriptors that it
 * reads, writes and waits for itself: pipes and terminals of containers, and the
 * ends of processes that are no children.
 *
 * O_NONBLOCK belongs to the open file description (open(2)): it is set on what is
 * ours alone, and a file that is shared with other programs is opened again.
 *
 * Library only.
 */
#include "nsinit.h"
#include "sys.h"
#include "text.h"
#include <asm/ioctls.h>
#include <linux/wait.h>

/* PIDFD_GET_INFO of <linux/pidfd.h>, newer than many installed headers: version 0, 64 bytes. */
struct pidfd_info {
	uint64_t mask;
	uint64_t cgroupid;
	uint32_t pid, tgid, ppid;
	uint32_t ids[8];
	int32_t exit_code;
};

_Static_assert(sizeof(struct pidfd_info) == 64, "layout of pidfd_info");

#define NSI_PIDFD_GET_INFO 0xc040ff0bUL /* _IOWR(0xff, 11, 64 bytes) */
#define NSI_PIDFD_INFO_EXIT 8u
#define NSI_CLD_EXITED 1
#define NSI_CLD_KILLED 2
#define NSI_CLD_DUMPED 3
#define NSI_POLLHUP 0x10

/*
 * nsi_pidfd_exit() - how a process has ended, whoever's child it was
 * @pidfd: of it; borrowed
 * @out:   gets si_code and si_status, as nsi_wait()
 *
 * The kernel keeps the status with the pidfd once the parent has reaped the
 * process (Linux 6.15), which the pidfd tells by POLLHUP.
 *
 * Return: 0, -EAGAIN until then, -ENODATA when this kernel does not keep it, or
 * another -errno.
 */
int32_t nsi_pidfd_exit(int32_t pidfd, int32_t *out)
{
	struct pidfd_info info = { .mask = NSI_PIDFD_INFO_EXIT };
	int reaped = nsi_poll_state(pidfd, 0);
	int r = nsi_sys_ioctl(pidfd, NSI_PIDFD_GET_INFO, &info);
	int code = info.exit_code;

	/* ENOTTY or EINVAL: no such request; ESRCH: reaped, and nothing kept. */
	if (r == -ENOTTY || r == -EINVAL || r == -ESRCH)
		return -ENODATA;
	if (r < 0)
		return r;
	if (!(info.mask & NSI_PIDFD_INFO_EXIT))
		return reaped > 0 && (reaped & NSI_POLLHUP) ? -ENODATA : -EAGAIN;
	if ((code & 0x7f) == 0) {
		out[0] = NSI_CLD_EXITED;
		out[1] = (code >> 8) & 0xff;
	} else {
		out[0] = code & 0x80 ? NSI_CLD_DUMPED : NSI_CLD_KILLED;
		out[1] = code & 0x7f;
	}
	return 0;
}

/*
 * nsi_nonblock() - reads and writes return -EAGAIN instead of waiting
 * @fd: borrowed; its open file is ours alone
 *
 * Return: 0 or -errno.
 */
int32_t nsi_nonblock(int32_t fd)
{
	int flags = nsi_sys_fcntl(fd, F_GETFL, 0);

	return flags < 0 ? flags : nsi_sys_fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

/*
 * nsi_reopen() - an open file of our own on a file that others use too
 * @fd:      borrowed; a terminal, pipe or file
 * @writing: for writing, else for reading
 *
 * Return: a descriptor, O_NONBLOCK, owned by the caller, or -errno.
 */
int32_t nsi_reopen(int32_t fd, int32_t writing)
{
	char path[sizeof("/proc/self/fd/") + 20] = "/proc/self/fd/";

	if (fd < 0)
		return -EBADF;
	nsi_text_number(path + sizeof("/proc/self/fd/") - 1, (uint64_t)fd);
	return nsi_sys_openat(AT_FDCWD, path,
			      (writing ? O_WRONLY : O_RDONLY) | O_NONBLOCK | O_NOCTTY, 0);
}

/*
 * nsi_pending() - how much can be read now
 * @fd: of a pipe or terminal; borrowed
 *
 * Return: bytes, or -errno.
 */
int32_t nsi_pending(int32_t fd)
{
	int waiting = 0;
	int r = nsi_sys_ioctl(fd, FIONREAD, &waiting);

	return r < 0 ? r : waiting;
}

/*
 * nsi_pty_peer() - the inner end of a pty
 * @master: its outer end; borrowed
 *
 * The kernel opens it, not a path of the container (TIOCGPTPEER, Linux 4.13).
 *
 * Return: a descriptor, owned by the caller, or -errno.
 */
int32_t nsi_pty_peer(int32_t master)
{
	return (int32_t)NSI_SYS3(__NR_ioctl, master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
}
