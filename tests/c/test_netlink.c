/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_netlink.c - a host and a container made of two network namespaces of
 * our own, each belonging to a child process. Needs root.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../c/netlink.h"
#include "check.h"
#include "pack.h"

#define PORT 7001

static struct nsi_run run;

/* Another process in a network namespace of its own; it lives until killed. */
static pid_t make_container(int *commandfd)
{
	int sockets[2];
	char ready;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
		abort();
	pid = fork();
	if (pid == 0) {
		close(sockets[0]);
		if (unshare(CLONE_NEWNET) < 0 || write(sockets[1], "x", 1) != 1)
			_exit(1);
		if (read(sockets[1], &ready, 1) != 1)
			_exit(0);
		*commandfd = sockets[1];
		return 0;
	}
	close(sockets[1]);
	CHECK_EQ(read(sockets[0], &ready, 1), 1);
	*commandfd = sockets[0];
	return pid;
}

static void make_link(const char *name, const char *kind)
{
	NSI_AUTO_NETLINK struct nsi_netlink nl = { .fd = -1 };
	const struct ifinfomsg link = { .ifi_flags = IFF_UP, .ifi_change = IFF_UP };
	uint32_t info;

	CHECK_EQ(nsi_netlink_open(&nl), 0);
	nsi_netlink_begin(&nl, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &link, sizeof(link));
	nsi_netlink_put_text(&nl, IFLA_IFNAME, name);
	info = nsi_netlink_nest(&nl, IFLA_LINKINFO);
	nsi_netlink_put_text(&nl, IFLA_INFO_KIND, kind);
	nsi_netlink_end(&nl, info);
	CHECK_EQ(nsi_netlink_request(&nl), 0);
}

static int find(const char *name, struct nsi_link *link)
{
	NSI_AUTO_NETLINK struct nsi_netlink nl = { .fd = -1 };

	CHECK_EQ(nsi_netlink_open(&nl), 0);
	return nsi_netlink_link(&nl, name, link);
}

static int veth(uint32_t flags, const char *host, const char *name, const char *bridge,
		const char *alias, const void *mac, size_t mac_length)
{
	struct nsi_op *op = pack_first(NSI_OP_VETH_MAKE);

	op->flags = flags;
	op->n[0] = 1400;
	op->n[1] = 77;
	op->s[0] = pack_text(host);
	op->s[1] = pack_text(name);
	op->s[2] = pack_text(bridge);
	op->s[3] = pack_text(alias);
	op->s[4] = pack_bytes(mac, mac_length);
	return nsi_op_veth_make(&run, pack_open(&run, NSI_LIST_PARENT));
}

static int link_remove(const char *host, const char *alias)
{
	struct nsi_op *op = pack_first(NSI_OP_LINK_REMOVE);

	op->s[0] = pack_text(host);
	op->s[1] = pack_text(alias);
	return nsi_op_link_remove(&run, pack_open(&run, NSI_LIST_UNDO));
}

static int loopback(uint64_t mtu)
{
	struct nsi_op *op = pack_first(NSI_OP_NET_LOOPBACK);

	op->n[0] = mtu;
	return nsi_op_net_loopback(&run, pack_open(&run, NSI_LIST_CHILD));
}

static int up(const char *name)
{
	struct nsi_op *op = pack_first(NSI_OP_NET_UP);

	op->s[0] = pack_text(name);
	return nsi_op_net_up(&run, pack_open(&run, NSI_LIST_CHILD));
}

/* The bytes of an address in @out; their number, 0 for NULL. */
static size_t bytes_of(const char *text, uint8_t *out)
{
	if (!text)
		return 0;
	if (inet_pton(AF_INET, text, out) == 1)
		return 4;
	return inet_pton(AF_INET6, text, out) == 1 ? 16 : 1;
}

static int address(const char *name, const char *text, uint64_t prefix)
{
	struct nsi_op *op = pack_first(NSI_OP_NET_ADDRESS);
	uint8_t bytes[16] = { 0 };

	op->n[0] = prefix;
	op->s[0] = pack_text(name);
	op->s[1] = pack_bytes(bytes, bytes_of(text, bytes));
	return nsi_op_net_address(&run, pack_open(&run, NSI_LIST_CHILD));
}

static int route(uint64_t family, const char *name, const char *destination, uint64_t prefix,
		 const char *source, const char *gateway)
{
	struct nsi_op *op = pack_first(NSI_OP_NET_ROUTE);
	const char *texts[3] = { destination, source, gateway };

	op->n[0] = family;
	op->n[1] = prefix;
	op->s[0] = pack_text(name);
	for (int i = 0; i < 3; i++) {
		uint8_t bytes[16];
		size_t length = bytes_of(texts[i], bytes);

		op->s[1 + i] = pack_bytes(texts[i] ? bytes : NULL, length);
	}
	return nsi_op_net_route(&run, pack_open(&run, NSI_LIST_CHILD));
}

/* A request of struct ifreq for @name. */
static struct ifreq ask(unsigned long request, const char *name)
{
	struct ifreq answer = { 0 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(answer.ifr_name, sizeof(answer.ifr_name), "%s", name);
	CHECK_EQ(ioctl(fd, request, &answer), 0);
	close(fd);
	return answer;
}

static int text_has(const char *path, const char *wanted)
{
	char text[4096];
	FILE *file = fopen(path, "re");
	int found = 0;

	while (file && fgets(text, sizeof(text), file))
		found |= strstr(text, wanted) != NULL;
	if (file)
		fclose(file);
	return found;
}

static int bound_socket(const char *text)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	inet_pton(AF_INET, text, &to.sin_addr);
	CHECK_EQ(bind(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

/* What the helper does inside, and one datagram to the other side. */
static int in_container(int commandfd)
{
	static const uint8_t mac[] = { 2, 0, 0, 0, 0, 9 };
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	struct sockaddr_in6 own = { .sin6_family = AF_INET6 };
	struct in_addr broadcast;
	char end;
	int fd;

	CHECK_EQ(loopback(1500), 0);
	CHECK(ask(SIOCGIFFLAGS, "lo").ifr_flags & IFF_UP);
	CHECK_EQ(ask(SIOCGIFMTU, "lo").ifr_mtu, 1500);
	CHECK_EQ(loopback(0), 0);
	CHECK_EQ(ask(SIOCGIFMTU, "lo").ifr_mtu, 1500);

	CHECK_EQ(ask(SIOCGIFMTU, "eth0").ifr_mtu, 1400);
	CHECK_EQ(ask(SIOCGIFTXQLEN, "eth0").ifr_qlen, 77);
	CHECK(memcmp(ask(SIOCGIFHWADDR, "eth0").ifr_hwaddr.sa_data, mac, sizeof(mac)) == 0);
	CHECK_EQ(address("eth0", "10.99.0.2", 20), 0);
	CHECK_EQ(address("eth0", "10.99.0.2", 20), -EEXIST);
	CHECK_EQ(address("eth0", "10.98.0.2", 32), 0);
	CHECK_EQ(address("eth0", "fd00:99::2", 64), 0);
	CHECK_EQ(address("eth0", "10.99.0.2", 33), -EINVAL);
	CHECK_EQ(address("eth0", "", 0), -EINVAL);
	CHECK_EQ(address("none", "10.99.0.2", 20), -ENODEV);
	CHECK_EQ(route(AF_INET, "eth0", NULL, 0, NULL, "10.99.0.1"), -ENETUNREACH);
	CHECK_EQ(up("eth0"), 0);
	CHECK_EQ(up("eth0"), 0);
	CHECK_EQ(up("none"), -ENODEV);
	CHECK(ask(SIOCGIFFLAGS, "eth0").ifr_flags & IFF_UP);
	memcpy(&broadcast,
	       &((struct sockaddr_in *)(void *)&(struct ifreq[]) { ask(SIOCGIFBRDADDR, "eth0") }
		 -> ifr_broadaddr)
			->sin_addr,
	       sizeof(broadcast));
	CHECK_EQ(ntohl(broadcast.s_addr), 0x0a630fff);

	/* Without duplicate address detection it can be used at once. */
	inet_pton(AF_INET6, "fd00:99::2", &own.sin6_addr);
	fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	CHECK_EQ(bind(fd, (struct sockaddr *)&own, sizeof(own)), 0);
	close(fd);

	CHECK_EQ(route(AF_INET, "eth0", NULL, 0, "10.98.0.2", "10.99.0.1"), 0);
	CHECK_EQ(route(AF_INET, "eth0", NULL, 0, "10.98.0.2", "10.99.0.1"), -EEXIST);
	CHECK_EQ(route(AF_INET, "eth0", "10.77.0.0", 16, NULL, NULL), 0);
	CHECK_EQ(route(AF_INET, NULL, "10.78.0.0", 16, NULL, "10.99.0.1"), 0);
	CHECK_EQ(route(AF_INET6, "eth0", NULL, 0, NULL, "fd00:99::1"), 0);
	CHECK_EQ(route(AF_INET6, "eth0", "fd00:77::", 32, NULL, NULL), 0);
	CHECK_EQ(route(AF_INET, "none", "10.79.0.0", 16, NULL, NULL), -ENODEV);
	CHECK_EQ(route(AF_INET, "eth0", "fd00::", 16, NULL, NULL), -EINVAL);
	CHECK_EQ(route(AF_INET, "eth0", "10.0.0.0", 33, NULL, NULL), -EINVAL);
	CHECK_EQ(route(AF_INET, "eth0", NULL, 8, NULL, NULL), -EINVAL);
	CHECK_EQ(route(1, "eth0", NULL, 0, NULL, NULL), -EINVAL);
	CHECK(text_has("/proc/net/route", "eth0\t00000000\t0100630A\t0003"));
	CHECK(text_has("/proc/net/route", "eth0\t00004D0A\t00000000\t0001"));

	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	inet_pton(AF_INET, "10.99.0.1", &to.sin_addr);
	CHECK_EQ(sendto(fd, "hello", 5, 0, (struct sockaddr *)&to, sizeof(to)), 5);
	close(fd);
	CHECK_EQ(write(commandfd, "y", 1), 1);
	/* With the last process the namespace goes, and both ends of the pair. */
	CHECK_EQ(read(commandfd, &end, 1), 1);
	return check_result();
}

/* What must fail, and leave nothing behind. */
static void test_failures(pid_t container)
{
	struct nsi_link link;

	CHECK_EQ(veth(0, "outer", "eth0", "none", "ours", NULL, 0), -ENODEV);
	CHECK_EQ(run.detail, NSI_AT_BRIDGE);
	CHECK_EQ(veth(0, "outer", "eth0", "stranger", "ours", NULL, 0), -EOPNOTSUPP);
	CHECK_EQ(run.detail, NSI_AT_BRIDGE);
	CHECK_EQ(veth(0, "outer", "lo", "br0", "ours", NULL, 0), -EEXIST);
	CHECK_EQ(run.detail, NSI_AT_PEER);
	CHECK_EQ(veth(0, "stranger", "eth0", "br0", "ours", NULL, 0), -EEXIST);
	CHECK_EQ(run.detail, NSI_AT_MAKE);
	CHECK_EQ(find("stranger", &link), 0);
	CHECK_EQ(veth(0, "outer", "eth0", "br0", "ours", "12345", 5), -EINVAL);
	CHECK_EQ(veth(0, "a-name-that-is-too-long", "eth0", "br0", "ours", NULL, 0), -ERANGE);
	/* Hairpin is a matter of bridge ports: the pair is made and deleted again. */
	CHECK(veth(1, "outer", "eth0", "", "ours", NULL, 0) < 0);
	CHECK_EQ(run.detail, NSI_AT_BRIDGE);
	CHECK_EQ(find("outer", &link), -ENODEV);
	run.pid = 0;
	CHECK_EQ(veth(0, "outer", "eth0", "br0", "ours", NULL, 0), -ESRCH);
	run.pid = container;
	CHECK_EQ(find("outer", &link), -ENODEV);
	CHECK_EQ(find("", &link), -EINVAL);
}

static void test_remove(void)
{
	struct nsi_link link;

	CHECK_EQ(link_remove("outer", "not ours"), 0);
	CHECK_EQ(link_remove("stranger", "ours"), 0);
	CHECK_EQ(link_remove("outer", ""), -EINVAL);
	CHECK_EQ(find("outer", &link), 0);
	CHECK_EQ(find("stranger", &link), 0);
	CHECK_EQ(link_remove("outer", "ours"), 0);
	CHECK_EQ(find("outer", &link), -ENODEV);
	CHECK_EQ(link_remove("outer", "ours"), 0);
}

/* More than fits, and lengths that 16 bits cannot hold, are refused, not cut. */
static void test_bounds(void)
{
	NSI_AUTO_NETLINK struct nsi_netlink nl = { .fd = -1 };
	const struct ifinfomsg any = { .ifi_family = 0 };
	static char large[70000];

	memset(large, 'a', sizeof(large) - 1);
	CHECK_EQ(nsi_netlink_open(&nl), 0);
	for (size_t length = 900; length < 1100; length++) {
		nsi_netlink_begin(&nl, RTM_GETLINK, 0, &any, sizeof(any));
		nsi_netlink_put(&nl, IFLA_IFALIAS, large, (uint32_t)length);
		CHECK(nl.length <= NSI_NETLINK_REQUEST_MAX);
		CHECK_EQ(nl.error, length > NSI_NETLINK_REQUEST_MAX - 36 ? -E2BIG : 0);
	}
	nsi_netlink_begin(&nl, RTM_SETLINK, 0, &any, sizeof(any));
	nsi_netlink_put_text(&nl, IFLA_IFNAME, large);
	nsi_netlink_put_u32(&nl, IFLA_MTU, 1);
	CHECK_EQ(nsi_netlink_request(&nl), -E2BIG);
	for (int i = 0; i < 500; i++)
		nsi_netlink_put_u32(&nl, IFLA_MTU, 1);
	CHECK_EQ(nsi_netlink_request(&nl), -E2BIG);
	/* The next request is not spoilt by the last. */
	nsi_netlink_begin(&nl, RTM_SETLINK, 0, &any, sizeof(any));
	nsi_netlink_put_text(&nl, IFLA_IFNAME, "none");
	CHECK_EQ(nsi_netlink_request(&nl), -ENODEV);
}

static int in_host(pid_t container, int commandfd)
{
	static const uint8_t mac[] = { 2, 0, 0, 0, 0, 9 };
	struct nsi_link link;
	struct pollfd wait = { .events = POLLIN };
	char data[16];
	int status;

	run.pid = container;
	make_link("br0", "bridge");
	make_link("stranger", "veth");
	test_bounds();
	test_failures(container);
	CHECK_EQ(address("br0", "10.99.0.1", 20), 0);
	CHECK_EQ(veth(1, "outer", "eth0", "br0", "ours", mac, sizeof(mac)), 0);
	CHECK_EQ(find("outer", &link), 0);
	CHECK(strcmp(link.kind, "veth") == 0 && strcmp(link.alias, "ours") == 0);
	CHECK_EQ(find("eth0", &link), -ENODEV);
	CHECK(ask(SIOCGIFFLAGS, "outer").ifr_flags & IFF_UP);
	CHECK_EQ(ask(SIOCGIFMTU, "outer").ifr_mtu, 1400);
	CHECK_EQ(ask(SIOCGIFTXQLEN, "outer").ifr_qlen, 77);

	wait.fd = bound_socket("10.99.0.1");
	CHECK_EQ(write(commandfd, "g", 1), 1);
	CHECK_EQ(read(commandfd, data, 1), 1);
	CHECK_EQ(poll(&wait, 1, 3000), 1);
	CHECK_EQ(recv(wait.fd, data, sizeof(data), MSG_DONTWAIT), 5);
	test_remove();
	CHECK_EQ(write(commandfd, "e", 1), 1);
	CHECK_EQ(waitpid(container, &status, 0), container);
	CHECK_EQ(status, 0);
	return check_result();
}

int main(void)
{
	int commandfd, status;
	pid_t host;

	if (geteuid() != 0)
		return CHECK_SKIPPED;
	host = fork();
	if (host == 0) {
		pid_t container;

		if (unshare(CLONE_NEWNET) < 0)
			_exit(CHECK_SKIPPED);
		container = make_container(&commandfd);
		_exit(container ? in_host(container, commandfd) : in_container(commandfd));
	}
	if (waitpid(host, &status, 0) != host || !WIFEXITED(status))
		return 1;
	return WEXITSTATUS(status);
}
