/* SPDX-License-Identifier: Apache-2.0 */
/*
 * address.c - addresses and routes inside the container's network namespace.
 *
 * Run by the helper once it has the interfaces: addresses before their
 * interface is brought up, routes after it, since the kernel refuses a gateway
 * that it cannot reach. What the bytes of an address mean was settled by the
 * planner; here only their number is checked.
 */
#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include "netlink.h"
#include "plan.h"
#include "sys.h"

#define FAMILY_IPV4 2
#define FAMILY_IPV6 10
#define IPV4_LENGTH 4u
#define IPV6_LENGTH 16u

/* The broadcast address ip(8) calculates; a prefix of 31 or 32 has none (RFC 3021). */
static void put_broadcast(struct nsi_netlink *nl, const uint8_t *address, uint32_t prefix)
{
	uint8_t broadcast[IPV4_LENGTH];

	if (prefix > 30)
		return;
	for (uint32_t i = 0; i < IPV4_LENGTH; i++) {
		uint32_t fixed = prefix > 8 * i ? prefix - 8 * i : 0;

		broadcast[i] = (uint8_t)(address[i] | (fixed < 8 ? 0xffu >> fixed : 0));
	}
	nsi_netlink_put(nl, IFA_BROADCAST, broadcast, sizeof(broadcast));
}

/*
 * nsi_op_net_address() - add an address to an interface
 *
 * IPv6 skips duplicate address detection: for its second or so the address
 * could not be used, and on a link of our own there is no one to collide with.
 *
 * Return: 0, or -errno; -ENODEV when there is no such interface, -EEXIST when
 * it has the address.
 */
int nsi_op_net_address(struct nsi_run *run, const struct nsi_op *op)
{
	NSI_AUTO_NETLINK struct nsi_netlink nl = { .fd = -1 };
	struct nsi_bytes address = NSI_NET_ADDRESS_ADDRESS(run, op);
	uint64_t prefix = NSI_NET_ADDRESS_PREFIX(op);
	struct ifaddrmsg header = { .ifa_family = FAMILY_IPV4 };
	struct nsi_link link;
	int r;

	run->detail = NSI_AT_VERIFY;
	if ((address.length != IPV4_LENGTH && address.length != IPV6_LENGTH) ||
	    prefix > 8 * (uint64_t)address.length)
		return -EINVAL;
	run->detail = NSI_AT_OPEN;
	r = nsi_netlink_open(&nl);
	if (r < 0)
		return r;
	r = nsi_netlink_link(&nl, NSI_NET_ADDRESS_NAME(run, op), &link);
	if (r < 0)
		return r;
	run->detail = NSI_AT_ATTRIBUTES;
	header.ifa_prefixlen = (uint8_t)prefix;
	header.ifa_index = (uint32_t)link.index;
	if (address.length == IPV6_LENGTH) {
		header.ifa_family = FAMILY_IPV6;
		header.ifa_flags = IFA_F_NODAD;
	} else if (address.data[0] == 127) {
		header.ifa_scope = RT_SCOPE_HOST;
	}
	nsi_netlink_begin(&nl, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &header, sizeof(header));
	nsi_netlink_put(&nl, IFA_LOCAL, address.data, address.length);
	nsi_netlink_put(&nl, IFA_ADDRESS, address.data, address.length);
	if (address.length == IPV4_LENGTH && address.data[0] != 127)
		put_broadcast(&nl, address.data, (uint32_t)prefix);
	return nsi_netlink_request(&nl);
}

/* Whether an address is absent or of the family's length. */
static int fits(struct nsi_bytes address, uint32_t length)
{
	return !address.data || address.length == length;
}

static void put_address(struct nsi_netlink *nl, uint16_t type, struct nsi_bytes address)
{
	if (address.data)
		nsi_netlink_put(nl, type, address.data, address.length);
}

/*
 * nsi_op_net_route() - add a unicast route to the main table
 *
 * Return: 0, or -errno; -ENODEV when there is no such interface, -EEXIST when
 * there is such a route, -ENETUNREACH when the gateway cannot be reached.
 */
int nsi_op_net_route(struct nsi_run *run, const struct nsi_op *op)
{
	NSI_AUTO_NETLINK struct nsi_netlink nl = { .fd = -1 };
	struct nsi_bytes destination = NSI_NET_ROUTE_DESTINATION(run, op);
	struct nsi_bytes source = NSI_NET_ROUTE_SOURCE(run, op);
	struct nsi_bytes gateway = NSI_NET_ROUTE_GATEWAY(run, op);
	const char *name = NSI_NET_ROUTE_NAME(run, op);
	uint64_t family = NSI_NET_ROUTE_FAMILY(op), prefix = NSI_NET_ROUTE_PREFIX(op);
	uint32_t length = family == FAMILY_IPV4 ? IPV4_LENGTH : IPV6_LENGTH;
	struct nsi_link link = { .index = 0 };
	struct rtmsg header = { .rtm_table = RT_TABLE_MAIN };
	int r;

	run->detail = NSI_AT_VERIFY;
	if ((family != FAMILY_IPV4 && family != FAMILY_IPV6) || !fits(destination, length) ||
	    !fits(source, length) || !fits(gateway, length) ||
	    prefix > (destination.data ? 8 * (uint64_t)length : 0))
		return -EINVAL;
	run->detail = NSI_AT_OPEN;
	r = nsi_netlink_open(&nl);
	if (r < 0)
		return r;
	if (name && *name) {
		r = nsi_netlink_link(&nl, name, &link);
		if (r < 0)
			return r;
	}
	run->detail = NSI_AT_ATTRIBUTES;
	header.rtm_family = (uint8_t)family;
	header.rtm_dst_len = (uint8_t)prefix;
	header.rtm_protocol = RTPROT_BOOT;
	header.rtm_type = RTN_UNICAST;
	header.rtm_scope = RT_SCOPE_UNIVERSE;
	if (family == FAMILY_IPV4 && !gateway.data)
		header.rtm_scope = RT_SCOPE_LINK;
	nsi_netlink_begin(&nl, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, &header, sizeof(header));
	put_address(&nl, RTA_DST, destination);
	put_address(&nl, RTA_PREFSRC, source);
	put_address(&nl, RTA_GATEWAY, gateway);
	if (link.index)
		nsi_netlink_put_u32(&nl, RTA_OIF, (uint32_t)link.index);
	return nsi_netlink_request(&nl);
}
