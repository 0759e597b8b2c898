/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unpark.c - the parent's side of a child that is parked.
 *
 * Whoever holds the socket decides how the child goes on; see park.c. A child that
 * is left to others waits on a unix socket with a name. Names in sun_path hold 107
 * bytes, so the directory is reached by its descriptor. The name is made with the
 * mode 0600 in a directory of the owner alone, and goes with the directory.
 *
 * Library only.
 */
#include "cleanup.h"
#include "handshake.h"
#include "nsinit.h"
#include "parent.h"
#include "slot.h"
#include "spawn.h"
#include "sys.h"
#include "text.h"
#include <sys/socket.h>
#include <sys/un.h>

#define NSI_OWNER_ONLY 0600

/* One message with one descriptor. */
static int send_one(struct nsi_run *run, uint32_t type, int fd)
{
	struct nsi_report report = {
		.type = type,
		.list = NSI_LIST_PARENT,
		.point = NSI_POINT_PARKED,
	};
	int r;

	if (run->sock < 0)
		return -ENOTCONN;
	run->detail = NSI_AT_PROTOCOL;
	r = nsi_send(run->sock, &report, NULL, &fd, 1);
	return r == -EPIPE ? nsi_parent_last_words(run) : r;
}

/*
 * nsi_op_plan_send() - the child goes on with the list of this Plan
 * @run: whose Plan nsi_run_continue() has changed
 * @op:  plan.send
 *
 * Return: 0 or -errno.
 */
int nsi_op_plan_send(struct nsi_run *run, const struct nsi_op *op)
{
	(void)op;
	run->detail = NSI_AT_OPEN;
	NSI_AUTO_FD int fd = nsi_memfd("nsinit-plan", 0, run->plan.base, run->plan.length);
	return fd < 0 ? fd : send_one(run, NSI_MSG_PLAN, fd);
}

/* Address of @name in the directory @dirfd. */
static int address_of(int dirfd, const char *name, struct sockaddr_un *address)
{
	char number[24] = { 0 };
	int r = 0;

	if (!nsi_text_is_name(name))
		return -EINVAL;
	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	nsi_text_number(number, (uint64_t)dirfd);
	r = nsi_text_append(address->sun_path, sizeof(address->sun_path), "/proc/self/fd/");
	if (r == 0)
		r = nsi_text_append(address->sun_path, sizeof(address->sun_path), number);
	if (r == 0)
		r = nsi_text_append(address->sun_path, sizeof(address->sun_path), "/");
	return r == 0 ? nsi_text_append(address->sun_path, sizeof(address->sun_path), name) : r;
}

static int open_directory(const char *dir)
{
	return nsi_sys_openat(AT_FDCWD, dir, O_PATH | O_DIRECTORY | O_NOFOLLOW, 0);
}

static int make_socket(void)
{
	return (int)NSI_SYS3(__NR_socket, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
}

/*
 * nsi_op_park_publish() - leave the parked child to whoever connects
 * @run: its socket is closed by the child, which lives on when this process ends
 * @op:  park.publish
 *
 * Return: 0, -EADDRINUSE when the name is taken, or another -errno.
 */
int nsi_op_park_publish(struct nsi_run *run, const struct nsi_op *op)
{
	const char *name = NSI_PARK_PUBLISH_NAME(run, op);
	struct sockaddr_un address;
	int r;

	run->detail = NSI_AT_OPEN;
	NSI_AUTO_FD int dirfd = open_directory(NSI_PARK_PUBLISH_DIR(run, op));
	NSI_AUTO_FD int sock = make_socket();
	if (dirfd < 0 || sock < 0)
		return dirfd < 0 ? dirfd : sock;
	run->detail = NSI_AT_MAKE;
	r = address_of(dirfd, name, &address);
	if (r == 0)
		r = (int)NSI_SYS3(__NR_bind, sock, &address, sizeof(address));
	if (r < 0)
		return r;
	r = (int)NSI_SYS3(__NR_fchmodat, dirfd, name, NSI_OWNER_ONLY);
	if (r == 0)
		r = (int)NSI_SYS2(__NR_listen, sock, 1);
	if (r == 0)
		r = send_one(run, NSI_MSG_LISTEN, sock);
	if (r < 0)
		nsi_sys_unlinkat(dirfd, name, 0);
	return r;
}

/*
 * nsi_op_park_connect() - take the place of the parent
 * @run: gets the socket, pid and a pidfd; without a child so far
 * @op:  park.connect
 *
 * Return: 0, -ECONNREFUSED when the child waits no more, or another -errno.
 */
int nsi_op_park_connect(struct nsi_run *run, const struct nsi_op *op)
{
	uint64_t pid = NSI_PARK_CONNECT_PID(op);
	struct sockaddr_un address;
	int r;

	if (run->pidfd >= 0 || run->sock >= 0)
		return -EALREADY;
	if (!pid || pid > INT32_MAX)
		return -EINVAL;
	run->detail = NSI_AT_OPEN;
	NSI_AUTO_FD int dirfd = open_directory(NSI_PARK_CONNECT_DIR(run, op));
	NSI_AUTO_FD int sock = make_socket();
	NSI_AUTO_FD int pidfd = (int)NSI_SYS2(__NR_pidfd_open, pid, 0);
	if (dirfd < 0 || sock < 0)
		return dirfd < 0 ? dirfd : sock;
	if (pidfd < 0)
		return pidfd;
	r = address_of(dirfd, NSI_PARK_CONNECT_NAME(run, op), &address);
	if (r == 0)
		r = (int)NSI_SYS3(__NR_connect, sock, &address, sizeof(address));
	if (r < 0)
		return r;
	run->sock = nsi_take_fd(&sock);
	run->pidfd = nsi_take_fd(&pidfd);
	run->pid = (int32_t)pid;
	return 0;
}
