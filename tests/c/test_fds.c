// SPDX-License-Identifier: Apache-2.0
/*
 * test_fds.c - descriptors that are passed to the program on purpose, with the
 * set-up's own in their way.
 */
#include <sys/mman.h>
#include <sys/socket.h>

#include "playground.h"

static int parent_sock;

/* An open file at @number that holds @letter. */
static void put_file(int number, char letter)
{
	int fd = memfd_create("file", MFD_CLOEXEC);

	CHECK(fd >= 0 && write(fd, &letter, 1) == 1);
	if (fd != number) {
		CHECK(dup3(fd, number, O_CLOEXEC) == number);
		close(fd);
	}
}

/* The letter that a file passed to the program holds; -1 for none. */
static int passed(int number)
{
	char letter;

	if (fcntl(number, F_GETFD) != 0)
		return -1;
	return pread(number, &letter, 1, 0) == 1 ? letter : -1;
}

static void begin(int sock)
{
	int pair[2];

	reset_run();
	CHECK(close_range(3, ~0U, 0) == 0);
	CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
	parent_sock = fcntl(pair[1], F_DUPFD_CLOEXEC, 90);
	close(pair[1]);
	if (pair[0] != sock) {
		CHECK(dup3(pair[0], sock, O_CLOEXEC) == sock);
		close(pair[0]);
	}
	run.sock = sock;
}

static int place(const uint32_t *slots, size_t count)
{
	struct nsi_op op = { .s = { put_bytes(slots, count * sizeof(*slots)) } };

	return nsi_op_fds_place(&run, &op);
}

static int close_others(uint64_t keep)
{
	const struct nsi_op op = { .n = { keep } };

	return nsi_op_fds_close(&run, &op);
}

static int socket_works(void)
{
	char letter;

	return write(run.sock, "x", 1) == 1 && read(parent_sock, &letter, 1) == 1;
}

/* Sources, root and socket have the numbers that are given away, crosswise. */
static void numbers_are_given_away_without_loss(void)
{
	static const uint32_t slots[] = { 20, 21, 22 };

	begin(4);
	put_file(3, 'b');
	put_file(5, 'a');
	put_file(9, 'c');
	run.slot[20] = 5;
	run.slot[21] = 3;
	run.slot[22] = 9;
	run.rootfd = 6;
	run.nullfd = 5;
	EXPECT(0, place(slots, 3));
	EXPECT('a', passed(3));
	EXPECT('b', passed(4));
	EXPECT('c', passed(5));
	EXPECT(6, run.rootfd);
	EXPECT(-1, run.nullfd);
	CHECK(run.sock > 5 && (fcntl(run.sock, F_GETFD) & FD_CLOEXEC) && socket_works());
}

static void nothing_else_stays_open(void)
{
	static const uint32_t slots[] = { 20, 21 };

	begin(3);
	put_file(4, 'x');
	put_file(5, 'y');
	put_file(50, 'z');
	run.slot[20] = 4;
	run.slot[21] = 5;
	EXPECT(0, place(slots, 2));
	EXPECT(0, close_others(4));
	EXPECT('x', passed(3));
	EXPECT('y', passed(4));
	for (int fd = 5; fd < 200; fd++)
		CHECK(fd == run.sock || fcntl(fd, F_GETFD) < 0);
	EXPECT(-1, run.slot[20]);
}

static void empty_slots_are_refused(void)
{
	static const uint32_t slots[] = { 20 }, beyond[] = { 100000 };

	begin(3);
	EXPECT(-EBADF, place(slots, 1));
	EXPECT(-EBADF, place(beyond, 1));
	EXPECT(0, place(slots, 0));
	EXPECT(3, run.sock);
}

int main(void)
{
	RUN(numbers_are_given_away_without_loss);
	RUN(nothing_else_stays_open);
	RUN(empty_slots_are_refused);
	return 0;
}
