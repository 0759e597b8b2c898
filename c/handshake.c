/* SPDX-License-Identifier: Apache-2.0 */
/*
 * handshake.c - one message of the hand-shake over a SOCK_SEQPACKET pair.
 *
 * A message is struct nsi_report, then report.length bytes of payload, with
 * descriptors as SCM_RIGHTS (unix(7)). The packet boundary is the frame: a
 * short, long or truncated packet is -EPROTO, and every descriptor that came
 * with it is closed. Both sides are ours, but the child may already stand in a
 * namespace where others try to reach it, so nothing received is trusted.
 */
#include "handshake.h"
#include "sys.h"
#include <linux/net.h>
#include <sys/uio.h>

/* The kernel's names for what <sys/socket.h> has, which the helper must not need. */
#define NSI_SOL_SOCKET 1
#define NSI_SCM_RIGHTS 1
#define NSI_MSG_CTRUNC 0x8
#define NSI_MSG_TRUNC 0x20
#define NSI_MSG_NOSIGNAL 0x4000
#define NSI_MSG_CMSG_CLOEXEC 0x40000000

/* struct msghdr and struct cmsghdr of the 64-bit kernels. */
struct message_header {
	void *name;
	int name_length;
	int pad;
	struct iovec *iov;
	size_t iov_count;
	void *control;
	size_t control_length;
	unsigned int flags;
};

struct control_header {
	size_t length;
	int level;
	int type;
};

struct control {
	struct control_header header;
	int fds[NSI_FDS_PER_MESSAGE];
};

/* struct mmsghdr of the 64-bit kernels. */
struct counted_message {
	struct message_header header;
	unsigned int length;
};

static int send_message(int sock, struct nsi_report *report, const void *payload, const int *fds,
			uint32_t count, int by_sendmmsg)
{
	struct control control;
	struct iovec iov[2] = {
		{ .iov_base = report, .iov_len = sizeof(*report) },
		{ .iov_base = (void *)(uintptr_t)payload, .iov_len = report->length },
	};
	struct counted_message message = {
		.header = { .iov = iov, .iov_count = report->length ? 2 : 1 },
	};
	long r;

	if (count > NSI_FDS_PER_MESSAGE || report->length > NSI_PAYLOAD_MAX)
		return -EMSGSIZE;
	report->magic = NSI_REPORT_MAGIC;
	if (count) {
		control.header.level = NSI_SOL_SOCKET;
		control.header.type = NSI_SCM_RIGHTS;
		control.header.length = sizeof(control.header) + count * sizeof(int);
		for (uint32_t i = 0; i < count; i++)
			control.fds[i] = fds[i];
		message.header.control = &control;
		/* CMSG_SPACE: whole words. */
		message.header.control_length =
			(control.header.length + sizeof(long) - 1) & ~(sizeof(long) - 1);
		if (count % 2)
			control.fds[count < NSI_FDS_PER_MESSAGE ? count : count - 1] = 0;
	}
	do {
		if (by_sendmmsg)
			r = NSI_SYS4(__NR_sendmmsg, sock, &message, 1, NSI_MSG_NOSIGNAL);
		else
			r = NSI_SYS3(__NR_sendmsg, sock, &message.header, NSI_MSG_NOSIGNAL);
	} while (r == -EINTR);
	/* The other side went with something of ours unread; see nsi_receive(). */
	if (r == -ECONNRESET)
		return -EPIPE;
	return r < 0 ? (int)r : 0;
}

/*
 * nsi_send() - send one message
 * @sock:    this side of the pair
 * @report:  its type and facts; magic is filled in here
 * @payload: report->length bytes, or NULL when that is 0
 * @fds:     descriptors to pass, borrowed
 * @count:   how many, at most NSI_FDS_PER_MESSAGE
 *
 * Return: 0, -EPIPE when the other side is gone, or another -errno.
 */
int nsi_send(int sock, struct nsi_report *report, const void *payload, const int *fds,
	     uint32_t count)
{
	return send_message(sock, report, payload, fds, count, 0);
}

/*
 * nsi_send_by_sendmmsg() - nsi_send() where sendmsg(2) itself is filtered
 * @sock, @report, @payload, @fds, @count: as there
 *
 * Return: as there.
 */
int nsi_send_by_sendmmsg(int sock, struct nsi_report *report, const void *payload, const int *fds,
			 uint32_t count)
{
	return send_message(sock, report, payload, fds, count, 1);
}

static uint32_t take_fds(const struct message_header *message, const struct control *control,
			 int *fds, uint32_t capacity)
{
	const struct control_header *header = &control->header;
	uint32_t count;

	if (message->control_length < sizeof(*header) || header->level != NSI_SOL_SOCKET ||
	    header->type != NSI_SCM_RIGHTS || header->length < sizeof(*header) ||
	    header->length > message->control_length)
		return 0;
	count = (uint32_t)((header->length - sizeof(*header)) / sizeof(int));
	if (count > NSI_FDS_PER_MESSAGE)
		count = NSI_FDS_PER_MESSAGE;
	for (uint32_t i = 0; i < count; i++) {
		if (i < capacity)
			fds[i] = control->fds[i];
		else
			nsi_sys_close(control->fds[i]);
	}
	return count;
}

/*
 * nsi_receive() - receive one message, waiting for it
 * @sock:      this side of the pair
 * @report:    filled in
 * @payload:   gets report->length bytes
 * @size:      bytes that fit into @payload
 * @fds:       gets the descriptors, close-on-exec, owned by the caller
 * @capacity:  how many fit
 * @count_out: how many came
 *
 * Return: 1, 0 when the other side is gone, -EPROTO for a malformed message (its
 * descriptors are closed), or another -errno.
 */
int nsi_receive(int sock, struct nsi_report *report, void *payload, uint32_t size, int *fds,
		uint32_t capacity, uint32_t *count_out)
{
	struct control control = { 0 };
	struct iovec iov[2] = {
		{ .iov_base = report, .iov_len = sizeof(*report) },
		{ .iov_base = payload, .iov_len = size },
	};
	struct message_header message = {
		.iov = iov,
		.iov_count = size ? 2 : 1,
		.control = &control,
		.control_length = sizeof(control),
	};
	uint32_t count, resets = 0;
	long r;

	*count_out = 0;
	/*
	 * A peer that ends without having read all of ours makes that a reset, which
	 * the kernel tells once, before what the peer has sent: its report is behind.
	 */
	do {
		r = NSI_SYS3(__NR_recvmsg, sock, &message, NSI_MSG_CMSG_CLOEXEC);
	} while (r == -EINTR || (r == -ECONNRESET && !resets++));
	if (r == 0 || r == -ECONNRESET)
		return 0;
	if (r < 0)
		return (int)r;
	count = take_fds(&message, &control, fds, capacity);
	if (count > capacity || (message.flags & (NSI_MSG_TRUNC | NSI_MSG_CTRUNC)) ||
	    (size_t)r < sizeof(*report) || report->magic != NSI_REPORT_MAGIC ||
	    report->length != (size_t)r - sizeof(*report)) {
		for (uint32_t i = 0; i < count && i < capacity; i++)
			nsi_sys_close(fds[i]);
		return -EPROTO;
	}
	*count_out = count;
	return 1;
}
