/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_handshake.c - messages with and without payload and descriptors, and
 * malformed ones, which must leave no descriptor open.
 */
#include "build_plan.h"
#include "handshake.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

static int pair[2];
static uint8_t payload[NSI_PAYLOAD_MAX], received[NSI_PAYLOAD_MAX];

static void open_pair(void)
{
	CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
}

static void close_pair(void)
{
	close(pair[0]);
	close(pair[1]);
}

static int count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	CHECK(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

static void test_message(uint32_t length, uint32_t descriptors)
{
	struct nsi_report report = { .type = NSI_MSG_FDS, .value = -5, .length = length }, got;
	int fds[NSI_FDS_PER_MESSAGE], back[NSI_FDS_PER_MESSAGE];
	uint32_t count;

	for (uint32_t i = 0; i < descriptors; i++)
		fds[i] = i % 2 ? pair[0] : pair[1];
	for (uint32_t i = 0; i < length; i++)
		payload[i] = (uint8_t)(i * 7);
	CHECK_EQUAL(nsi_send(pair[0], &report, payload, fds, descriptors), 0);
	CHECK_EQUAL(nsi_receive(pair[1], &got, received, sizeof(received), back,
				NSI_FDS_PER_MESSAGE, &count),
		    1);
	CHECK_EQUAL(count, descriptors);
	CHECK_EQUAL(got.length, length);
	CHECK_EQUAL(got.value, -5);
	CHECK(memcmp(payload, received, length) == 0);
	for (uint32_t i = 0; i < count; i++) {
		CHECK_EQUAL(fcntl(back[i], F_GETFD), FD_CLOEXEC);
		close(back[i]);
	}
}

static void test_limits(void)
{
	struct nsi_report report = { .type = NSI_MSG_FDS, .length = NSI_PAYLOAD_MAX + 1 };
	int fds[NSI_FDS_PER_MESSAGE + 1] = { 0 };

	CHECK_EQUAL(nsi_send(pair[0], &report, payload, NULL, 0), -EMSGSIZE);
	report.length = 0;
	CHECK_EQUAL(nsi_send(pair[0], &report, NULL, fds, NSI_FDS_PER_MESSAGE + 1), -EMSGSIZE);
}

/* More descriptors or payload than the receiver has room for. */
static void test_no_room(void)
{
	struct nsi_report report = { .type = NSI_MSG_FDS }, got;
	const int fds[3] = { pair[0], pair[0], pair[0] };
	int back[3] = { -1, -1, -1 };
	uint32_t count;
	int before = count_fds();

	CHECK_EQUAL(nsi_send(pair[0], &report, NULL, fds, 3), 0);
	CHECK_EQUAL(nsi_receive(pair[1], &got, received, sizeof(received), back, 2, &count),
		    -EPROTO);
	CHECK_EQUAL(count, 0);
	CHECK_EQUAL(nsi_send(pair[0], &report, NULL, fds, 3), 0);
	CHECK_EQUAL(nsi_receive(pair[1], &got, NULL, 0, NULL, 0, &count), -EPROTO);
	report.length = 100;
	CHECK_EQUAL(nsi_send(pair[0], &report, payload, fds, 1), 0);
	CHECK_EQUAL(nsi_receive(pair[1], &got, received, 99, back, 3, &count), -EPROTO);
	CHECK_EQUAL(count_fds(), before);
}

/* What another program could send. */
static void test_malformed(void)
{
	struct nsi_report report = { .magic = NSI_REPORT_MAGIC, .length = 1 }, got;
	uint8_t raw[sizeof(report) + 8] = { 0 };
	uint32_t count;

	for (size_t length = 1; length < sizeof(raw); length++) {
		memcpy(raw, &report, sizeof(report));
		CHECK(send(pair[0], raw, length, 0) == (ssize_t)length);
		CHECK_EQUAL(nsi_receive(pair[1], &got, received, sizeof(received), NULL, 0, &count),
			    length == sizeof(report) + 1 ? 1 : -EPROTO);
	}
	raw[0] ^= 1;
	CHECK(send(pair[0], raw, sizeof(report) + 1, 0) > 0);
	CHECK_EQUAL(nsi_receive(pair[1], &got, received, sizeof(received), NULL, 0, &count),
		    -EPROTO);
}

static void test_end(void)
{
	struct nsi_report report = { .type = NSI_MSG_EXEC };
	uint32_t count;

	open_pair();
	CHECK_EQUAL(nsi_send(pair[0], &report, NULL, NULL, 0), 0);
	close(pair[0]);
	CHECK_EQUAL(nsi_receive(pair[1], &report, NULL, 0, NULL, 0, &count), 1);
	CHECK_EQUAL(nsi_receive(pair[1], &report, NULL, 0, NULL, 0, &count), 0);
	CHECK_EQUAL(nsi_send(pair[1], &report, NULL, NULL, 0), -EPIPE);
	close(pair[1]);

	/* The other side ends without having read. */
	open_pair();
	CHECK_EQUAL(nsi_send(pair[1], &report, NULL, NULL, 0), 0);
	close(pair[0]);
	CHECK_EQUAL(nsi_receive(pair[1], &report, NULL, 0, NULL, 0, &count), 0);
	close(pair[1]);
	CHECK_EQUAL(nsi_receive(pair[1], &report, NULL, 0, NULL, 0, &count), -EBADF);
}

/* The last words of a peer that went without reading ours are heard, by either road. */
static void test_reset(void)
{
	for (int sends = 0; sends < 2; sends++) {
		struct nsi_report report = { .type = NSI_MSG_POINT }, got;
		uint32_t count;

		open_pair();
		CHECK_EQUAL(nsi_send(pair[0], &report, NULL, NULL, 0), 0);
		report.type = NSI_MSG_ERROR;
		CHECK_EQUAL(nsi_send(pair[1], &report, NULL, NULL, 0), 0);
		close(pair[1]);
		if (sends)
			CHECK_EQUAL(nsi_send(pair[0], &report, NULL, NULL, 0), -EPIPE);
		CHECK_EQUAL(nsi_receive(pair[0], &got, received, sizeof(received), NULL, 0, &count),
			    1);
		CHECK_EQUAL(got.type, NSI_MSG_ERROR);
		CHECK_EQUAL(nsi_receive(pair[0], &got, received, sizeof(received), NULL, 0, &count),
			    0);
		close(pair[0]);
	}
}

int main(void)
{
	int before = count_fds();

	open_pair();
	for (uint32_t descriptors = 0; descriptors <= NSI_FDS_PER_MESSAGE; descriptors++)
		test_message(descriptors * 3, descriptors);
	test_message(NSI_PAYLOAD_MAX, 1);
	test_message(0, 0);
	test_limits();
	test_no_room();
	test_malformed();
	close_pair();
	test_end();
	test_reset();
	CHECK_EQUAL(count_fds(), before);
	return 0;
}
