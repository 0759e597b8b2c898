/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link.c - network interfaces: the veth pair of a container, those it is given,
 * loopback, up.
 *
 * The pair is made in one request with its inner end already named and
 * configured inside the child's network namespace, so there is nothing to move
 * and no moment in which it is visible under a wrong name on the host. Its
 * outer end then gets the alias by which the end finds it again, joins the
 * bridge and comes up; the child sets addresses and brings its end up itself.
 * The pair dies with either end, thus at the latest with the namespace.
 */
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>

#include "cleanup.h"
#include "netlink.h"
#include "plan.h"
#include "sys.h"
#include "text.h"

#define NSFS_MAGIC 0x6e736673L
#define FAMILY_BRIDGE 7
#define LINK_UP 1u
#define LOOPBACK_INDEX 1
#define MAC_LENGTH 6
#define FLAG_HAIRPIN 1u

/* Network namespace of the child; its pid cannot be another's while it is not reaped. */
static int open_namespace(const struct nsi_run *run)
{
	char path[48] = "/proc/", number[24] = "";
	NSI_AUTO_FD int fd = -1;
	struct nsi_statfs fs = { 0 };
	int r;

	if (run->pid <= 0)
		return -ESRCH;
	nsi_text_number(number, (uint64_t)run->pid);
	r = nsi_text_append(path, sizeof(path), number);
	if (!r)
		r = nsi_text_append(path, sizeof(path), "/ns/net");
	if (r < 0)
		return r;
	fd = nsi_sys_openat(AT_FDCWD, path, O_RDONLY, 0);
	if (fd < 0)
		return fd;
	r = nsi_sys_fstatfs(fd, &fs);
	if (r < 0)
		return r;
	return fs.type == NSFS_MAGIC ? nsi_take_fd(&fd) : -EBADF;
}

static void put_size(struct nsi_netlink *nl, const struct nsi_op *op)
{
	if (NSI_VETH_MAKE_MTU(op))
		nsi_netlink_put_u32(nl, IFLA_MTU, (uint32_t)NSI_VETH_MAKE_MTU(op));
	if (NSI_VETH_MAKE_TXQUEUELEN(op))
		nsi_netlink_put_u32(nl, IFLA_TXQLEN, (uint32_t)NSI_VETH_MAKE_TXQUEUELEN(op));
}

/* Makes the pair; -EEXIST is about the outer or, with NSI_AT_PEER, the inner name. */
static int make_pair(struct nsi_run *run, const struct nsi_op *op, struct nsi_netlink *nl,
		     int namespacefd)
{
	const struct ifinfomsg any = { .ifi_family = 0 };
	const char *host = NSI_VETH_MAKE_HOST(run, op);
	struct nsi_bytes mac = NSI_VETH_MAKE_MAC(run, op);
	uint32_t info, data, peer;
	struct nsi_link link;
	int r;

	nsi_netlink_begin(nl, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &any, sizeof(any));
	nsi_netlink_put_text(nl, IFLA_IFNAME, host);
	put_size(nl, op);
	info = nsi_netlink_nest(nl, IFLA_LINKINFO);
	nsi_netlink_put_text(nl, IFLA_INFO_KIND, "veth");
	data = nsi_netlink_nest(nl, IFLA_INFO_DATA);
	peer = nsi_netlink_nest(nl, VETH_INFO_PEER);
	nsi_netlink_raw(nl, &any, sizeof(any));
	nsi_netlink_put_text(nl, IFLA_IFNAME, NSI_VETH_MAKE_NAME(run, op));
	nsi_netlink_put_u32(nl, IFLA_NET_NS_FD, (uint32_t)namespacefd);
	put_size(nl, op);
	if (mac.data)
		nsi_netlink_put(nl, IFLA_ADDRESS, mac.data, mac.length);
	nsi_netlink_end(nl, peer);
	nsi_netlink_end(nl, data);
	nsi_netlink_end(nl, info);
	r = nsi_netlink_request(nl);
	if (r == -EEXIST && nsi_netlink_link(nl, host, &link) == -ENODEV)
		run->detail = NSI_AT_PEER;
	return r;
}

static int delete_link(struct nsi_netlink *nl, int32_t index)
{
	const struct ifinfomsg link = { .ifi_index = index };

	nsi_netlink_begin(nl, RTM_DELLINK, 0, &link, sizeof(link));
	return nsi_netlink_request(nl);
}

/* A frame may leave by the port it came in by: containers that reach themselves by NAT. */
static int set_hairpin(struct nsi_netlink *nl, int32_t index)
{
	const struct ifinfomsg port = { .ifi_family = FAMILY_BRIDGE, .ifi_index = index };
	const uint8_t on = 1;
	uint32_t nest;

	nsi_netlink_begin(nl, RTM_SETLINK, 0, &port, sizeof(port));
	nest = nsi_netlink_nest(nl, IFLA_PROTINFO | NLA_F_NESTED);
	nsi_netlink_put(nl, IFLA_BRPORT_MODE, &on, sizeof(on));
	nsi_netlink_end(nl, nest);
	return nsi_netlink_request(nl);
}

static int set_up(struct nsi_netlink *nl, int32_t index, const char *name, uint32_t mtu)
{
	const struct ifinfomsg link = {
		.ifi_index = index,
		.ifi_flags = LINK_UP,
		.ifi_change = LINK_UP,
	};

	nsi_netlink_begin(nl, RTM_SETLINK, 0, &link, sizeof(link));
	if (name)
		nsi_netlink_put_text(nl, IFLA_IFNAME, name);
	if (mtu)
		nsi_netlink_put_u32(nl, IFLA_MTU, mtu);
	return nsi_netlink_request(nl);
}

/* Alias, bridge, hairpin, up: the outer end, with index @index. */
static int configure(struct nsi_run *run, const struct nsi_op *op, struct nsi_netlink *nl,
		     int32_t index, int32_t bridge)
{
	const struct ifinfomsg link = { .ifi_index = index };
	int r;

	run->detail = NSI_AT_ATTRIBUTES;
	nsi_netlink_begin(nl, RTM_SETLINK, 0, &link, sizeof(link));
	nsi_netlink_put_text(nl, IFLA_IFALIAS, NSI_VETH_MAKE_ALIAS(run, op));
	r = nsi_netlink_request(nl);
	if (r < 0)
		return r;
	run->detail = NSI_AT_BRIDGE;
	if (bridge) {
		nsi_netlink_begin(nl, RTM_SETLINK, 0, &link, sizeof(link));
		nsi_netlink_put_u32(nl, IFLA_MASTER, (uint32_t)bridge);
		r = nsi_netlink_request(nl);
		if (r < 0)
			return r;
	}
	if (NSI_VETH_MAKE_FLAGS(op) & FLAG_HAIRPIN) {
		r = set_hairpin(nl, index);
		if (r < 0)
			return r;
	}
	run->detail = NSI_AT_ATTRIBUTES;
	return set_up(nl, index, NULL, 0);
}

/* Index of the bridge, 0 when none is asked for; -EOPNOTSUPP when it is no bridge. */
static int32_t find_bridge(struct nsi_run *run, const struct nsi_op *op, struct nsi_netlink *nl)
{
	const char *name = NSI_VETH_MAKE_BRIDGE(run, op);
	struct nsi_link link;
	int r;

	run->detail = NSI_AT_BRIDGE;
	if (!name || !*name)
		return 0;
	r = nsi_netlink_link(nl, name, &link);
	if (r < 0)
		return r;
	return nsi_text_equal(link.kind, "bridge") ? link.index : -EOPNOTSUPP;
}

/*
 * nsi_op_veth_make() - make the veth pair of the child
 *
 * The bridge is looked up first, so that a missing one costs nothing. When a
 * step after the creation fails, the pair is deleted again; an interface that
 * already had the outer name is never touched. Needs CAP_NET_ADMIN over both
 * network namespaces.
 *
 * Return: 0, or -errno.
 */
int nsi_op_veth_make(struct nsi_run *run, const struct nsi_op *op)
{
	NSI_AUTO_NETLINK struct nsi_netlink nl = { .fd = -1 };
	NSI_AUTO_FD int namespacefd = -1;
	struct nsi_bytes mac = NSI_VETH_MAKE_MAC(run, op);
	struct nsi_link link;
	int32_t bridge;
	int r;

	run->detail = NSI_AT_VERIFY;
	if ((mac.data && mac.length != MAC_LENGTH) || NSI_VETH_MAKE_MTU(op) > INT32_MAX ||
	    NSI_VETH_MAKE_TXQUEUELEN(op) > UINT32_MAX)
		return -EINVAL;
	run->detail = NSI_AT_OPEN;
	r = nsi_netlink_open(&nl);
	if (r < 0)
		return r;
	bridge = find_bridge(run, op, &nl);
	if (bridge < 0)
		return bridge;
	run->detail = NSI_AT_PEER;
	namespacefd = open_namespace(run);
	if (namespacefd < 0)
		return namespacefd;
	run->detail = NSI_AT_MAKE;
	r = make_pair(run, op, &nl, namespacefd);
	if (r < 0)
		return r;
	r = nsi_netlink_link(&nl, NSI_VETH_MAKE_HOST(run, op), &link);
	if (r < 0)
		return r;
	r = configure(run, op, &nl, link.index, bridge);
	/* The first failure is the one to report; the pair also dies with the child. */
	if (r < 0)
		(void)delete_link(&nl, link.index);
	return r;
}

/*
 * nsi_op_link_move() - give an interface of the caller to the child
 *
 * It arrives under its new name, down and without addresses. Needs CAP_NET_ADMIN
 * over both network namespaces.
 *
 * Return: 0; -ENODEV when there is none, -EEXIST when the name is taken inside,
 * -EINVAL for one that belongs to its namespace; -errno.
 */
int nsi_op_link_move(struct nsi_run *run, const struct nsi_op *op)
{
	NSI_AUTO_NETLINK struct nsi_netlink nl = { .fd = -1 };
	NSI_AUTO_FD int namespacefd = -1;
	struct ifinfomsg header = { .ifi_family = 0 };
	struct nsi_link link;
	int r;

	run->detail = NSI_AT_OPEN;
	r = nsi_netlink_open(&nl);
	if (r < 0)
		return r;
	r = nsi_netlink_link(&nl, NSI_LINK_MOVE_DEVICE(run, op), &link);
	if (r < 0)
		return r;
	run->detail = NSI_AT_PEER;
	namespacefd = open_namespace(run);
	if (namespacefd < 0)
		return namespacefd;
	run->detail = NSI_AT_ATTACH;
	header.ifi_index = link.index;
	nsi_netlink_begin(&nl, RTM_NEWLINK, 0, &header, sizeof(header));
	nsi_netlink_put_text(&nl, IFLA_IFNAME, NSI_LINK_MOVE_NAME(run, op));
	nsi_netlink_put_u32(&nl, IFLA_NET_NS_FD, (uint32_t)namespacefd);
	return nsi_netlink_request(&nl);
}

/*
 * nsi_op_net_loopback() - bring lo up, with a new mtu if it is non-zero
 *
 * Return: 0, or -errno.
 */
int nsi_op_net_loopback(struct nsi_run *run, const struct nsi_op *op)
{
	NSI_AUTO_NETLINK struct nsi_netlink nl = { .fd = -1 };
	uint64_t mtu = NSI_NET_LOOPBACK_MTU(op);
	int r;

	run->detail = NSI_AT_VERIFY;
	if (mtu > INT32_MAX)
		return -EINVAL;
	run->detail = NSI_AT_OPEN;
	r = nsi_netlink_open(&nl);
	if (r < 0)
		return r;
	run->detail = NSI_AT_ATTRIBUTES;
	/* lo is the first interface of every namespace, always with this index (netns(7)). */
	return set_up(&nl, LOOPBACK_INDEX, NULL, (uint32_t)mtu);
}

/*
 * nsi_op_net_up() - bring an interface up
 *
 * Return: 0, or -errno; -ENODEV when there is none of that name.
 */
int nsi_op_net_up(struct nsi_run *run, const struct nsi_op *op)
{
	NSI_AUTO_NETLINK struct nsi_netlink nl = { .fd = -1 };
	int r;

	run->detail = NSI_AT_OPEN;
	r = nsi_netlink_open(&nl);
	if (r < 0)
		return r;
	run->detail = NSI_AT_ATTRIBUTES;
	/* With index 0 the kernel takes the name as whom to change, not as a new name. */
	return set_up(&nl, 0, NSI_NET_UP_NAME(run, op), 0);
}

/*
 * nsi_op_link_remove() - delete an interface of ours
 *
 * One of that name without our alias belongs to someone else by now and is left
 * alone. It is deleted by its index, which the kernel does not soon use again.
 *
 * Return: 0, also when there is none, or -errno.
 */
int nsi_op_link_remove(struct nsi_run *run, const struct nsi_op *op)
{
	NSI_AUTO_NETLINK struct nsi_netlink nl = { .fd = -1 };
	const char *alias = NSI_LINK_REMOVE_ALIAS(run, op);
	struct nsi_link link;
	int r;

	run->detail = NSI_AT_VERIFY;
	if (!*alias)
		return -EINVAL;
	run->detail = NSI_AT_OPEN;
	r = nsi_netlink_open(&nl);
	if (r < 0)
		return r;
	r = nsi_netlink_link(&nl, NSI_LINK_REMOVE_HOST(run, op), &link);
	if (r < 0)
		return r == -ENODEV ? 0 : r;
	if (!nsi_text_equal(link.alias, alias))
		return 0;
	run->detail = NSI_AT_NONE;
	r = delete_link(&nl, link.index);
	return r == -ENODEV ? 0 : r;
}
