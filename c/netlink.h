/* SPDX-License-Identifier: Apache-2.0 */
/*
 * netlink.h - one rtnetlink request after another, built in a fixed buffer:
 *
 *	nsi_netlink_begin(&nl, RTM_..., NLM_F_..., &header, sizeof(header));
 *	nsi_netlink_put(&nl, IFLA_..., data, length);
 *	r = nsi_netlink_request(&nl);
 *
 * What does not fit is remembered and refused by nsi_netlink_request().
 */
#ifndef NSI_NETLINK_H
#define NSI_NETLINK_H

#include <stddef.h>
#include <stdint.h>

#define NSI_NETLINK_REQUEST_MAX 1024u
#define NSI_NETLINK_REPLY_MAX 8192u
/* IFNAMSIZ of linux/if.h, which drags the C library's headers in. */
#define NSI_LINK_NAME_MAX 16u
#define NSI_LINK_ALIAS_MAX 256u

struct nsi_netlink {
	int fd;
	uint32_t sequence;
	uint32_t length; /* of the request so far */
	int error;       /* of building it */
	_Alignas(8) uint8_t request[NSI_NETLINK_REQUEST_MAX];
};

/* What is known about an interface. */
struct nsi_link {
	int32_t index;
	char kind[16]; /* "veth", "bridge"; "" for hardware */
	char alias[NSI_LINK_ALIAS_MAX];
};

/* nsi_netlink_open() - a socket in the caller's network namespace; -errno. */
int nsi_netlink_open(struct nsi_netlink *nl);

/* nsi_netlink_close() - close it. */
void nsi_netlink_close(const struct nsi_netlink *nl);

#define NSI_AUTO_NETLINK __attribute__((cleanup(nsi_netlink_close)))

/* nsi_netlink_begin() - start a request of @type with its fixed header. */
void nsi_netlink_begin(struct nsi_netlink *nl, uint16_t type, uint16_t flags, const void *header,
		       uint32_t length);

/* nsi_netlink_raw() - append bytes, padded to 4. */
void nsi_netlink_raw(struct nsi_netlink *nl, const void *data, uint32_t length);

/* nsi_netlink_put() - append an attribute. */
void nsi_netlink_put(struct nsi_netlink *nl, uint16_t type, const void *data, uint32_t length);
void nsi_netlink_put_u32(struct nsi_netlink *nl, uint16_t type, uint32_t value);
/* nsi_netlink_put_text() - append a string with its NUL. */
void nsi_netlink_put_text(struct nsi_netlink *nl, uint16_t type, const char *text);

/* nsi_netlink_nest() - open a nested attribute; give the result to nsi_netlink_end(). */
uint32_t nsi_netlink_nest(struct nsi_netlink *nl, uint16_t type);
void nsi_netlink_end(struct nsi_netlink *nl, uint32_t nest);

/* nsi_netlink_request() - send the request and wait for the kernel's answer; 0 or -errno. */
int nsi_netlink_request(struct nsi_netlink *nl);

/* nsi_netlink_link() - look an interface up by name; 0, -ENODEV or another -errno. */
int nsi_netlink_link(struct nsi_netlink *nl, const char *name, struct nsi_link *out);

#endif
