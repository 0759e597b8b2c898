/* SPDX-License-Identifier: Apache-2.0 */
/*
 * datagram.c - unix datagram sockets, by which a program tells a service manager that
 * it is ready (sd_notify(3)).
 */
#include <fcntl.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "cleanup.h"
#include "nsinit.h"
#include "sys.h"
#include "text.h"

static int open_socket(void)
{
	return (int)NSI_SYS3(__NR_socket, AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

/* A name in the directory @fd, however long its path is. */
static int name_in(struct sockaddr_un *address, int fd, const char *name)
{
	size_t at = sizeof("/proc/self/fd/") - 1;

	__builtin_memcpy(address->sun_path, "/proc/self/fd/", at);
	at += nsi_text_number(address->sun_path + at, (uint64_t)fd);
	if (at + 1 + nsi_text_length(name) >= sizeof(address->sun_path))
		return -ENAMETOOLONG;
	address->sun_path[at++] = '/';
	__builtin_memcpy(address->sun_path + at, name, nsi_text_length(name) + 1);
	return 0;
}

/*
 * nsi_datagram_bind() - make a socket that everybody may write to
 * @dir:  directory of ours alone, or whoever can enter it
 * @name: of the socket in it
 *
 * Return: the socket, non-blocking; -EADDRINUSE when the name is taken, or another -errno.
 */
int32_t nsi_datagram_bind(const char *dir, const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	NSI_AUTO_FD int at = nsi_sys_openat(AT_FDCWD, dir, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
	NSI_AUTO_FD int sock = open_socket();
	int r;

	if (at < 0 || sock < 0)
		return at < 0 ? at : sock;
	r = nsi_text_is_name(name) ? name_in(&address, at, name) : -EINVAL;
	if (r == 0)
		r = (int)NSI_SYS3(__NR_bind, sock, &address, sizeof(address));
	if (r == 0)
		r = (int)NSI_SYS3(__NR_fchmodat, at, name, 0777);
	return r < 0 ? r : nsi_take_fd(&sock);
}

/* An abstract name begins with '@'; its length is part of it. */
static int address_of(const char *path, struct sockaddr_un *address, socklen_t *size)
{
	size_t length = nsi_text_length(path);

	if (!length || length >= sizeof(address->sun_path))
		return length ? -ENAMETOOLONG : -EINVAL;
	__builtin_memcpy(address->sun_path, path, length);
	if (path[0] == '@')
		address->sun_path[0] = 0;
	*size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
	return 0;
}

/*
 * nsi_datagram_send() - send one datagram, with a descriptor unless @fd is -1
 * @path:   of the socket, or @NAME for an abstract one
 * @data:   @length bytes, at least one
 * @fd:     stays with the caller
 *
 * Return: 0, -EAGAIN when nobody reads, or another -errno.
 */
int32_t nsi_datagram_send(const char *path, const void *data, uint64_t length, int32_t fd)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct iovec iov = { .iov_base = (void *)(uintptr_t)data, .iov_len = length };
	struct msghdr message = {
		.msg_name = &address,
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = fd < 0 ? NULL : control,
		.msg_controllen = fd < 0 ? 0 : sizeof(control),
	};
	struct cmsghdr *header = (struct cmsghdr *)(void *)control;
	int r = address_of(path, &address, &message.msg_namelen);

	if (r < 0)
		return r;
	NSI_AUTO_FD int sock = open_socket();
	if (sock < 0)
		return sock;
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	__builtin_memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	r = (int)NSI_SYS3(__NR_sendmsg, sock, &message, MSG_NOSIGNAL);
	return r < 0 ? r : 0;
}
