/**
 * A program whose state shows whether it came back from images whole: each mode
 * counts on its output, and says so where what it holds is another.
 *
 * @module
 */
import { compilePayload } from "./payload.ts";

const SOURCE = `
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>

static void pause_ms(int ms)
{
	struct timespec time = { ms / 1000, ms % 1000 * 1000000L };

	nanosleep(&time, NULL);
}

static void fail(const char *what)
{
	printf("lost: %s: %s\\n", what, strerror(errno));
	fflush(stdout);
	exit(1);
}

static void say(unsigned number)
{
	printf("%u\\n", number);
	fflush(stdout);
}

static int lock_file(const char *path)
{
	return flock(open(path, O_RDWR | O_CREAT, 0600), LOCK_EX | LOCK_NB);
}

static int lock_range(const char *path)
{
	struct flock range = { .l_type = F_WRLCK, .l_start = 10, .l_len = 10 };

	return fcntl(open(path, O_RDWR | O_CREAT, 0600), F_SETLK, &range);
}

static void hold_locks(char **paths)
{
	if (lock_file(paths[0]) != 0 || lock_range(paths[1]) != 0)
		fail("lock");
	say(1);
	for (;;)
		pause();
}

/* Counts through a connection: 4 bytes there, the same back. */
static void answer(int fd)
{
	unsigned number;

	while (recv(fd, &number, sizeof(number), MSG_WAITALL) ==
	       (ssize_t)sizeof(number))
		if (send(fd, &number, sizeof(number), MSG_NOSIGNAL) < 0)
			fail("send back");
	fail("receive");
}

static void ask(int fd)
{
	for (unsigned number = 1, back;; number++) {
		if (send(fd, &number, sizeof(number), MSG_NOSIGNAL) < 0)
			fail("send");
		if (recv(fd, &back, sizeof(back), MSG_WAITALL) !=
		    (ssize_t)sizeof(back))
			fail("receive back");
		if (back != number)
			fail("order");
		say(number);
		pause_ms(20);
	}
}

static struct sockaddr_in internet(const char *address, const char *port)
{
	struct sockaddr_in name = { .sin_family = AF_INET,
				    .sin_port = htons(atoi(port)) };

	inet_aton(address, &name.sin_addr);
	return name;
}

static struct sockaddr_un local(const char *path)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };

	strncpy(name.sun_path, path, sizeof(name.sun_path) - 1);
	return name;
}

static int listening(const void *name, socklen_t length, int family)
{
	int fd = socket(family, SOCK_STREAM, 0), one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, name, length) != 0 || listen(fd, 1) != 0)
		fail("listen");
	return fd;
}

static void serve(const char *address, const char *port)
{
	struct sockaddr_in name = internet(address, port);
	int fd = listening(&name, sizeof(name), AF_INET);

	say(0);
	answer(accept(fd, NULL, NULL));
}

static void call(const char *address, const char *port)
{
	struct sockaddr_in name = internet(address, port);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (connect(fd, (void *)&name, sizeof(name)) != 0)
		fail("connect");
	ask(fd);
}

/* Both ends are processes of the container. */
static void both(const void *name, socklen_t length, int family)
{
	int listener = listening(name, length, family), fd;

	if (fork() == 0)
		answer(accept(listener, NULL, NULL));
	fd = socket(family, SOCK_STREAM, 0);
	if (connect(fd, name, length) != 0)
		fail("connect");
	ask(fd);
}

static void receive_messages(const char *path)
{
	struct sockaddr_un name = local(path);
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	unsigned number;

	if (bind(fd, (void *)&name, sizeof(name)) != 0)
		fail("bind");
	say(0);
	while (recv(fd, &number, sizeof(number), 0) == (ssize_t)sizeof(number))
		say(number);
}

static void send_messages(const char *path)
{
	struct sockaddr_un name = local(path);
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	if (connect(fd, (void *)&name, sizeof(name)) != 0)
		fail("connect");
	for (unsigned number = 1;; number++) {
		if (send(fd, &number, sizeof(number), MSG_NOSIGNAL) < 0)
			fail("send");
		say(number);
		pause_ms(20);
	}
}

/* Changes a page at each step; now and then all of them are looked at. */
static void change_memory(unsigned pages)
{
	enum { WORDS = 1024 };
	unsigned *memory = malloc(pages * WORDS * sizeof(unsigned));

	for (unsigned at = 0; at < pages * WORDS; at++)
		memory[at] = at % WORDS ? at * 2654435761u : 0;
	for (unsigned number = 1;; number++) {
		unsigned page = number % pages;

		if (memory[page * WORDS] != (number > pages ? number - pages : 0))
			fail("a changed page");
		memory[page * WORDS] = number;
		for (unsigned at = 0; number % 8 == 0 && at < pages * WORDS; at++)
			if (at % WORDS && memory[at] != at * 2654435761u)
				fail("a page");
		say(number);
		pause_ms(20);
	}
}

int main(int argc, char **argv)
{
	char *mode = argv[1], *arg = argv[2];

	if (strcmp(mode, "locks") == 0)
		hold_locks(argv + 2);
	if (strcmp(mode, "are-locked") == 0)
		return lock_file(arg) == 0 || lock_range(argv[3]) == 0;
	if (strcmp(mode, "serve") == 0)
		serve(arg, argv[3]);
	if (strcmp(mode, "call") == 0)
		call(arg, argv[3]);
	if (strcmp(mode, "tcp") == 0) {
		struct sockaddr_in name = internet(arg, argv[3]);

		both(&name, sizeof(name), AF_INET);
	}
	if (strcmp(mode, "unix") == 0) {
		struct sockaddr_un name = local(arg);

		both(&name, sizeof(name), AF_UNIX);
	}
	if (strcmp(mode, "receive") == 0)
		receive_messages(arg);
	if (strcmp(mode, "send") == 0)
		send_messages(arg);
	if (strcmp(mode, "memory") == 0)
		change_memory(atoi(arg));
	return 2;
}
`;

/** Modes of the program, each with its arguments. */
export type PayloadArgs =
  | ["locks" | "are-locked", flock: string, fcntl: string]
  | ["serve" | "call" | "tcp", address: string, port: string]
  | ["unix" | "receive" | "send", path: string]
  | ["memory", pages: string];

/**
 * Compiles the program.
 *
 * @param path Where it goes.
 * @returns The path.
 */
export function compileCheckpointPayload(path: string): Promise<string> {
  return compilePayload(path, SOURCE);
}
