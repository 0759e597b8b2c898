/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seccomp_notify.c - the supervisor's side of seccomp_unotify(2), Linux 5.0; addfd 5.9.
 *
 * A request names a thread that stands still in a system call. It may be killed
 * at any time and its number be given to another: what was read from its memory
 * counts only if the request is still valid afterwards, so the reading and that
 * question are one function here.
 */
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>

#include "cleanup.h"
#include "nsinit.h"
#include "sys.h"
#include "text.h"

#ifndef SECCOMP_ADDFD_FLAG_SEND
#define SECCOMP_ADDFD_FLAG_SEND (1UL << 1) /* Linux 5.14 */
#endif

#define SEND_SECONDS 10

_Static_assert(sizeof(struct seccomp_notif) == 80, "layout of a request");

/*
 * nsi_notify_receive() - take the next request
 * @fd:  listener; poll(2) has said that it is readable, or this waits
 * @out: gets struct seccomp_notif, 80 bytes
 *
 * Return: 0, -ENOENT when the thread has been killed meanwhile, or another -errno.
 */
int32_t nsi_notify_receive(int32_t fd, void *out)
{
	struct seccomp_notif request = { 0 };
	int r;

	do {
		r = nsi_sys_ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, &request);
	} while (r == -EINTR);
	if (r == 0)
		__builtin_memcpy(out, &request, sizeof(request));
	return r;
}

/*
 * nsi_notify_answer() - answer a request
 * @fd:    listener
 * @id:    of the request
 * @value: what the call returns, when @error is 0
 * @error: errno, 0 to 4095
 * @go_on: 1: the kernel carries the call out after all (Linux 5.5)
 *
 * Return: 0, -ENOENT when the thread is gone, or another -errno.
 */
int32_t nsi_notify_answer(int32_t fd, uint64_t id, int64_t value, int32_t error, int32_t go_on)
{
	struct seccomp_notif_resp answer = {
		.id = id,
		.val = value,
		.error = -error,
		.flags = go_on ? SECCOMP_USER_NOTIF_FLAG_CONTINUE : 0,
	};

	return nsi_sys_ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &answer);
}

/*
 * nsi_notify_valid() - does the thread of a request still wait for its answer?
 * @fd: listener
 * @id: of the request
 *
 * Return: 0, -ENOENT when not.
 */
int32_t nsi_notify_valid(int32_t fd, uint64_t id)
{
	return nsi_sys_ioctl(fd, SECCOMP_IOCTL_NOTIF_ID_VALID, &id);
}

/*
 * nsi_notify_read() - read memory of the thread of a request
 * @fd:      listener
 * @id:      of the request
 * @pid:     of the thread, as the request has it
 * @address: in its memory
 * @out:     gets at most @length bytes
 *
 * Return: bytes read, fewer where readable memory ends; -ENOENT when the thread is
 * gone, -EFAULT when nothing can be read there, -EPERM without the right to trace it.
 */
int64_t nsi_notify_read(int32_t fd, uint64_t id, int32_t pid, uint64_t address, void *out,
			uint64_t length)
{
	struct iovec local = { .iov_base = out, .iov_len = length };
	struct iovec remote = { .iov_base = (void *)(uintptr_t)address, .iov_len = length };
	long count = NSI_SYS6(__NR_process_vm_readv, pid, &local, 1, &remote, 1, 0);
	int r = nsi_notify_valid(fd, id);

	return r < 0 ? r : count;
}

/*
 * nsi_notify_addfd() - put a descriptor into the thread's table
 * @fd:     listener
 * @id:     of the request
 * @source: descriptor of ours, which stays
 * @number: wanted in the table, -1 for the lowest free one
 * @flags:  bit 0: close-on-exec there; bit 1: it is the answer too (Linux 5.14)
 *
 * Return: its number there, -ENOENT when the thread is gone, or another -errno.
 */
int32_t nsi_notify_addfd(int32_t fd, uint64_t id, int32_t source, int32_t number, uint32_t flags)
{
	struct seccomp_notif_addfd request = {
		.id = id,
		.flags = (uint32_t)((number < 0 ? 0 : SECCOMP_ADDFD_FLAG_SETFD) |
				    (flags & 2 ? SECCOMP_ADDFD_FLAG_SEND : 0)),
		.srcfd = (uint32_t)source,
		.newfd = number < 0 ? 0 : (uint32_t)number,
		.newfd_flags = flags & 1 ? O_CLOEXEC : 0,
	};

	return nsi_sys_ioctl(fd, SECCOMP_IOCTL_NOTIF_ADDFD, &request);
}

/*
 * nsi_seccomp_name() - name of a system call
 * @arch:   AUDIT_ARCH_* of the request
 * @number: of the call there
 * @out:    gets the name with its NUL
 * @size:   room in @out
 *
 * Return: its length, -ENOENT for a number that libseccomp does not know, -EOVERFLOW.
 */
int32_t nsi_seccomp_name(uint32_t arch, int32_t number, void *out, uint32_t size)
{
	/* x32 has the architecture of x86_64 and a bit in its numbers. */
	uint32_t token = arch == SCMP_ARCH_X86_64 && (number & 0x40000000) ? SCMP_ARCH_X32 : arch;
	char *name = seccomp_syscall_resolve_num_arch(token, number);
	size_t length;

	if (!name)
		return -ENOENT;
	length = strlen(name);
	if (length < size)
		__builtin_memcpy(out, name, length + 1);
	free(name);
	return length < size ? (int32_t)length : -EOVERFLOW;
}

/* Connects to a socket by its path; one that is too long for sun_path goes over /proc. */
static int connect_to(int sock, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	NSI_AUTO_FD int target = -1;
	size_t length = strlen(path);

	if (length < sizeof(address.sun_path)) {
		__builtin_memcpy(address.sun_path, path, length + 1);
	} else {
		target = nsi_sys_openat(AT_FDCWD, path, O_PATH, 0);
		if (target < 0)
			return target;
		__builtin_memcpy(address.sun_path, "/proc/self/fd/", 14);
		nsi_text_number(address.sun_path + 14, (uint64_t)target);
	}
	return (int)NSI_SYS3(__NR_connect, sock, &address, sizeof(address));
}

static int send_all(int sock, int fd, const uint8_t *data, uint64_t length)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { .iov_base = (void *)(uintptr_t)data, .iov_len = length };
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	__builtin_memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	while (iov.iov_len) {
		long r = NSI_SYS3(__NR_sendmsg, sock, &message, MSG_NOSIGNAL);

		if (r == -EINTR)
			continue;
		if (r < 0)
			return (int)r;
		iov.iov_base = (uint8_t *)iov.iov_base + r;
		iov.iov_len -= (size_t)r;
		/* It goes with the first byte alone. */
		message.msg_control = NULL;
		message.msg_controllen = 0;
	}
	return 0;
}

/*
 * nsi_fd_send() - connect to a unix stream socket and send a descriptor with a text
 * @path:   of the socket
 * @fd:     stays with the caller
 * @data:   @length bytes, at least one
 *
 * Waits at most ten seconds for one who does not accept or read.
 *
 * Return: 0, -ENOENT, -ECONNREFUSED, -EAGAIN after ten seconds, or another -errno.
 */
int32_t nsi_fd_send(const char *path, int32_t fd, const void *data, uint64_t length)
{
	const struct timeval patience = { .tv_sec = SEND_SECONDS };
	int r;

	if (!length)
		return -EINVAL;
	NSI_AUTO_FD int sock = (int)NSI_SYS3(__NR_socket, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (sock < 0)
		return sock;
	r = (int)NSI_SYS5(__NR_setsockopt, sock, SOL_SOCKET, SO_SNDTIMEO, &patience,
			  sizeof(patience));
	if (r == 0)
		r = connect_to(sock, path);
	return r < 0 ? r : send_all(sock, fd, data, length);
}
