/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_worker.c - programs that are talked to over a socket: what they inherit,
 * messages with descriptors, their end.
 */
#include "check.h"
#include "nsinit.h"
#include "sys.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Words of a list: separated by newlines in @text, which becomes one. */
static const char *words(char *text)
{
	for (char *at = text; *at; at++)
		if (*at == '\n')
			*at = 0;
	return text;
}

static int start(const char *script, const int32_t *fds, uint32_t count, int32_t *out)
{
	char argv[512], envp[] = "PATH=/usr/bin:/bin\n\n";

	snprintf(argv, sizeof(argv), "/bin/sh\n-c\n%s\n\n", script);
	return nsi_worker_start(words(argv), words(envp), fds, count, "/", NULL, 0, out);
}

static int receive(int sock, char *data, uint32_t size, int32_t *fd)
{
	struct pollfd one = { .fd = sock, .events = POLLIN };

	poll(&one, 1, 10000);
	return nsi_worker_receive(sock, data, size, fd);
}

static void finish(const int32_t *out)
{
	int32_t status[2];

	close(out[0]);
	CHECK(nsi_wait(out[1], 0, status) == 0);
	close(out[1]);
}

static void test_inheritance(void)
{
	int32_t out[2], fd, null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int kept = open("/dev/zero", O_RDONLY); /* not close-on-exec, and yet not for it */
	const int32_t fds[] = { null, null, null, null };
	char data[256] = "", secret[32] = "", rest[128] = "";
	int pid = 0, session = 0, r;

	setenv("SECRET", "value", 1);
	r = start("echo $$ $(cut -d' ' -f6 /proc/$$/stat) ${SECRET-none} "
		  "$(ls -l /proc/$$/fd | grep -c zero) $(readlink /proc/$$/fd/4) >&3",
		  fds, 4, out);
	CHECK(r > 0);
	CHECK(receive(out[0], data, sizeof(data) - 1, &fd) > 0);
	CHECK(fd == -1);
	CHECK(sscanf(data, "%d %d %31s %127[^\n]", &pid, &session, secret, rest) == 4);
	CHECK_EQ(pid, r);
	CHECK_EQ(session, r);
	CHECK(!strcmp(secret, "none"));
	CHECK(!strcmp(rest, "0 /dev/null"));
	finish(out);
	close(kept);
	close(null);
}

static void test_messages(void)
{
	int32_t out[2], fd, null = open("/dev/null", O_RDWR | O_CLOEXEC);
	const int32_t fds[] = { null, null, null };
	char data[16];

	CHECK(start("line=$(head -n 1 <&3); echo $line$line$line >&3; exit 3", fds, 3, out) > 0);
	CHECK(nsi_worker_receive(out[0], data, sizeof(data), &fd) == -EAGAIN);
	CHECK(nsi_worker_send(out[0], "x\n", 2) == 0);
	CHECK(receive(out[0], data, 2, &fd) == -EMSGSIZE);
	CHECK(receive(out[0], data, sizeof(data), &fd) == 0);
	CHECK(nsi_worker_send(out[0], "x\n", 2) == -EPIPE);
	finish(out);
	close(null);
}

static void test_failures(void)
{
	int32_t out[2], null = open("/dev/null", O_RDWR | O_CLOEXEC);
	const int32_t fds[] = { null, null, null }, closed[] = { null, null, 999 };
	char argv[] = "/no/such/program\n\n", envp[] = "\n";

	CHECK(nsi_worker_start(words(argv), words(envp), fds, 3, "/", NULL, 0, out) == -ENOENT);
	CHECK(nsi_worker_start(argv, envp, fds, 2, "/", NULL, 0, out) == -EINVAL);
	CHECK(nsi_worker_start(envp, envp, fds, 3, "/", NULL, 0, out) == -EINVAL);
	CHECK(start("true", closed, 3, out) == -EBADF);
	CHECK(nsi_dir_open("/dev/null") == -ENOTDIR);
	close(null);
}

int main(void)
{
	test_inheritance();
	test_messages();
	test_failures();
	return check_result();
}
