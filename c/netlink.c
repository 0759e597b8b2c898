/* SPDX-License-Identifier: Apache-2.0 */
/*
 * netlink.c - talking to rtnetlink(7): requests in a fixed buffer, answers
 * checked before they are believed.
 *
 * One request is out at a time. An answer counts only if the kernel sent it
 * (port 0), it carries our sequence number and its lengths stay inside what
 * was received; a truncated one is an error, never a shorter list. Every
 * attribute length is checked against the buffer and against its 16 bits, so
 * nothing that comes from a configuration can turn into another attribute.
 *
 * No libc, no allocation: used by the caller's process, by the helper inside
 * the new network namespace, and by the monitor.
 */
#include <asm/socket.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include "netlink.h"
#include "sys.h"
#include "text.h"

#define SOCK_RAW_CLOEXEC (3 | O_CLOEXEC)
#define FAMILY_NETLINK 16
#define RECEIVE_TRUNC 0x20
#define STALE_MAX 16

static uint32_t aligned(uint32_t length)
{
	return (length + 3u) & ~3u;
}

/*
 * nsi_netlink_open() - open a route socket
 * @nl:  made ready; its fd is -1 on failure
 *
 * The socket belongs to the network namespace of the calling thread for good.
 *
 * Return: 0, or -errno.
 */
int nsi_netlink_open(struct nsi_netlink *nl)
{
	nl->sequence = 0;
	nl->length = 0;
	nl->error = 0;
	nl->fd = (int)NSI_SYS3(__NR_socket, FAMILY_NETLINK, SOCK_RAW_CLOEXEC, NETLINK_ROUTE);
	if (nl->fd >= 0)
		return 0;
	nl->length = 0;
	return nl->fd;
}

/* nsi_netlink_close() - close the socket; harmless when it never opened. */
void nsi_netlink_close(const struct nsi_netlink *nl)
{
	if (nl->fd >= 0)
		nsi_sys_close(nl->fd);
}

/* Makes room for @length bytes and their padding, zeroed; NULL when there is none. */
static uint8_t *reserve(struct nsi_netlink *nl, uint32_t length)
{
	uint8_t *at = nl->request + nl->length;

	if (nl->error || length > NSI_NETLINK_REQUEST_MAX ||
	    aligned(length) > NSI_NETLINK_REQUEST_MAX - nl->length) {
		nl->error = -E2BIG;
		return NULL;
	}
	__builtin_memset(at, 0, aligned(length));
	nl->length += aligned(length);
	return at;
}

/* nsi_netlink_raw() - append @length bytes of @data, padded to 4. */
void nsi_netlink_raw(struct nsi_netlink *nl, const void *data, uint32_t length)
{
	uint8_t *at = reserve(nl, length);

	if (at && length)
		__builtin_memcpy(at, data, length);
}

/*
 * nsi_netlink_begin() - start a request
 * @type:    RTM_*
 * @flags:   NLM_F_* besides NLM_F_REQUEST
 * @header:  the structure that @type asks for, of @length bytes
 */
void nsi_netlink_begin(struct nsi_netlink *nl, uint16_t type, uint16_t flags, const void *header,
		       uint32_t length)
{
	struct nlmsghdr message = {
		.nlmsg_type = type,
		.nlmsg_flags = (uint16_t)(flags | NLM_F_REQUEST),
		.nlmsg_seq = ++nl->sequence,
	};

	nl->length = 0;
	nl->error = 0;
	nsi_netlink_raw(nl, &message, sizeof(message));
	nsi_netlink_raw(nl, header, length);
}

/* nsi_netlink_put() - append the attribute @type with @length bytes of @data. */
void nsi_netlink_put(struct nsi_netlink *nl, uint16_t type, const void *data, uint32_t length)
{
	struct rtattr attribute = { .rta_type = type };

	if (length > NSI_NETLINK_REQUEST_MAX) {
		nl->error = -E2BIG;
		return;
	}
	attribute.rta_len = (uint16_t)(sizeof(attribute) + length);
	nsi_netlink_raw(nl, &attribute, sizeof(attribute));
	nsi_netlink_raw(nl, data, length);
}

/* nsi_netlink_put_u32() - append the attribute @type with a number. */
void nsi_netlink_put_u32(struct nsi_netlink *nl, uint16_t type, uint32_t value)
{
	nsi_netlink_put(nl, type, &value, sizeof(value));
}

/* nsi_netlink_put_text() - append the attribute @type with a string and its NUL. */
void nsi_netlink_put_text(struct nsi_netlink *nl, uint16_t type, const char *text)
{
	size_t length = nsi_text_length(text) + 1;

	nsi_netlink_put(nl, type, text,
			length > NSI_NETLINK_REQUEST_MAX ? UINT32_MAX : (uint32_t)length);
}

/*
 * nsi_netlink_nest() - open a nested attribute
 *
 * Return: where it begins, for nsi_netlink_end().
 */
uint32_t nsi_netlink_nest(struct nsi_netlink *nl, uint16_t type)
{
	uint32_t start = nl->length;

	nsi_netlink_put(nl, type, NULL, 0);
	return start;
}

/* nsi_netlink_end() - close the nested attribute that begins at @nest. */
void nsi_netlink_end(struct nsi_netlink *nl, uint32_t nest)
{
	uint16_t length = (uint16_t)(nl->length - nest);

	if (!nl->error)
		__builtin_memcpy(nl->request + nest, &length, sizeof(length));
}

static int send_request(struct nsi_netlink *nl)
{
	long n;

	if (nl->error)
		return nl->error;
	__builtin_memcpy(nl->request, &nl->length, sizeof(nl->length));
	do {
		n = NSI_SYS6(__NR_sendto, nl->fd, nl->request, nl->length, 0, NULL, 0);
	} while (n == -EINTR);
	return n < 0 ? (int)n : 0;
}

/*
 * Receives the answer to the last request. Its type must be @type, or
 * NLMSG_ERROR, whose error is returned. Stale answers (a request that was given
 * up) and messages of other senders are passed over, a few of them.
 *
 * Return: length of the message in @reply, 0 for an acknowledgement, -errno.
 */
static long receive_answer(const struct nsi_netlink *nl, uint16_t type, uint8_t *reply,
			   uint32_t size)
{
	for (unsigned int i = 0; i < STALE_MAX;) {
		struct sockaddr_nl from = { 0 };
		uint32_t from_length = sizeof(from);
		struct nlmsghdr message;
		int32_t error;
		long n = NSI_SYS6(__NR_recvfrom, nl->fd, reply, size, RECEIVE_TRUNC, &from,
				  &from_length);

		if (n == -EINTR)
			continue;
		if (n < 0)
			return n;
		i++;
		if (from_length != sizeof(from) || from.nl_pid != 0)
			continue;
		if ((uint64_t)n > size)
			return -EMSGSIZE;
		if ((uint64_t)n < sizeof(message))
			return -EBADMSG;
		__builtin_memcpy(&message, reply, sizeof(message));
		if (message.nlmsg_len < sizeof(message) || message.nlmsg_len > (uint64_t)n)
			return -EBADMSG;
		if (message.nlmsg_seq != nl->sequence)
			continue;
		if (message.nlmsg_type == type && type != NLMSG_ERROR)
			return message.nlmsg_len;
		if (message.nlmsg_type != NLMSG_ERROR ||
		    message.nlmsg_len < sizeof(message) + sizeof(error))
			return -EBADMSG;
		__builtin_memcpy(&error, reply + sizeof(message), sizeof(error));
		return error > 0 || error < -4095 ? -EBADMSG : error;
	}
	return -EPROTO;
}

/*
 * nsi_netlink_request() - have the kernel carry out the request
 *
 * Return: 0 once it is done, or -errno: the kernel's, -E2BIG when the request
 * did not fit, -EBADMSG or -EPROTO for an answer that makes no sense.
 */
int nsi_netlink_request(struct nsi_netlink *nl)
{
	/* An error repeats the request behind its header. */
	_Alignas(8) uint8_t reply[NSI_NETLINK_REQUEST_MAX + 128] = { 0 };
	uint16_t flags;
	int r;

	__builtin_memcpy(&flags, nl->request + offsetof(struct nlmsghdr, nlmsg_flags),
			 sizeof(flags));
	flags |= NLM_F_ACK;
	__builtin_memcpy(nl->request + offsetof(struct nlmsghdr, nlmsg_flags), &flags,
			 sizeof(flags));
	r = send_request(nl);
	return r < 0 ? r : (int)receive_answer(nl, NLMSG_ERROR, reply, sizeof(reply));
}

/* Finds attribute @type among @length bytes; its data, or NULL, and its length. */
static const uint8_t *find(const uint8_t *data, uint32_t length, uint16_t type,
			   uint32_t *length_out)
{
	while (length >= sizeof(struct rtattr)) {
		struct rtattr attribute;

		__builtin_memcpy(&attribute, data, sizeof(attribute));
		if (attribute.rta_len < sizeof(attribute) || attribute.rta_len > length)
			return NULL;
		if ((attribute.rta_type & NLA_TYPE_MASK) == type) {
			*length_out = (uint32_t)(attribute.rta_len - sizeof(attribute));
			return data + sizeof(attribute);
		}
		if (aligned(attribute.rta_len) >= length)
			return NULL;
		data += aligned(attribute.rta_len);
		length -= aligned(attribute.rta_len);
	}
	return NULL;
}

/* Copies a string attribute; "" when it is missing, -EBADMSG when it does not fit. */
static int copy_text(const uint8_t *data, uint32_t length, char *out, size_t size)
{
	out[0] = 0;
	if (!data)
		return 0;
	if (length > size)
		return -EBADMSG;
	for (uint32_t i = 0; i < length; i++) {
		out[i] = (char)data[i];
		if (!data[i])
			return 0;
	}
	if (length == size)
		return -EBADMSG;
	out[length] = 0;
	return 0;
}

/*
 * nsi_netlink_link() - look an interface up
 * @name:  its name in the socket's network namespace
 * @out:   filled in on success
 *
 * Return: 0, -ENODEV when there is none, -EINVAL for a name that none can
 * have, or another -errno.
 */
int nsi_netlink_link(struct nsi_netlink *nl, const char *name, struct nsi_link *out)
{
	_Alignas(8) uint8_t reply[NSI_NETLINK_REPLY_MAX] = { 0 };
	const struct ifinfomsg any = { .ifi_family = 0 };
	const uint32_t fixed = sizeof(struct nlmsghdr) + sizeof(struct ifinfomsg);
	const uint8_t *info, *kind, *alias;
	uint32_t info_length = 0, length = 0;
	struct ifinfomsg link;
	long n;
	int r;

	if (!*name || nsi_text_length(name) >= NSI_LINK_NAME_MAX)
		return -EINVAL;
	nsi_netlink_begin(nl, RTM_GETLINK, 0, &any, sizeof(any));
	nsi_netlink_put_text(nl, IFLA_IFNAME, name);
	/* Without its counters the answer is a third as long (Linux 4.10). */
	nsi_netlink_put_u32(nl, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	r = send_request(nl);
	if (r < 0)
		return r;
	n = receive_answer(nl, RTM_NEWLINK, reply, sizeof(reply));
	if (n < (long)fixed)
		return n < 0 ? (int)n : -EBADMSG;
	__builtin_memcpy(&link, reply + sizeof(struct nlmsghdr), sizeof(link));
	out->index = link.ifi_index;
	alias = find(reply + fixed, (uint32_t)n - fixed, IFLA_IFALIAS, &length);
	r = copy_text(alias, length, out->alias, sizeof(out->alias));
	if (r < 0)
		return r;
	info = find(reply + fixed, (uint32_t)n - fixed, IFLA_LINKINFO, &info_length);
	kind = info ? find(info, info_length, IFLA_INFO_KIND, &length) : NULL;
	return copy_text(kind, length, out->kind, sizeof(out->kind));
}
