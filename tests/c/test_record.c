/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_record.c - files that are written again and again, and their readers, in a
 * temporary directory. Needs no privilege.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../c/nsinit.h"
#include "check.h"

#define LARGE 40000
#define READS 3000

static int put(const char *text)
{
	return nsi_record_write(".", "state", "spare", text, strlen(text), 0600);
}

/* The whole file; "" when it cannot be read. */
static const char *content(const char *path)
{
	static char text[256];
	int64_t n = nsi_file_load(path, text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = 0;
	return text;
}

static ino_t inode(const char *path)
{
	struct stat st = { 0 };

	return lstat(path, &st) == 0 ? st.st_ino : 0;
}

static void test_trade(void)
{
	struct stat st;
	ino_t first, second;

	umask(077);
	CHECK_EQ(put("the first, which is long"), 0);
	first = inode("state");
	CHECK_EQ(inode("spare"), 0);
	CHECK_EQ(put("second"), 0);
	CHECK_EQ(strcmp(content("state"), "second"), 0);
	CHECK_EQ(inode("spare"), first);
	second = inode("state");
	CHECK_EQ(put("third"), 0);
	CHECK_EQ(strcmp(content("state"), "third"), 0);
	CHECK_EQ(inode("state"), first);
	CHECK_EQ(inode("spare"), second);
	CHECK_EQ(put(""), 0);
	CHECK_EQ(stat("state", &st), 0);
	CHECK_EQ(st.st_size, 0);
	CHECK_EQ(st.st_mode, S_IFREG | 0600);
}

/* What stands in the place of the spare and is none is taken away, and not written to. */
static void test_strange(void)
{
	int fd = open("canary", O_WRONLY | O_CREAT | O_EXCL, 0600);

	CHECK_EQ(write(fd, "alive", 5), 5);
	CHECK_EQ(close(fd), 0);
	CHECK_EQ(unlink("spare"), 0);
	CHECK_EQ(symlink("canary", "spare"), 0);
	CHECK_EQ(put("a"), 0);
	CHECK_EQ(strcmp(content("state"), "a"), 0);
	CHECK_EQ(unlink("spare"), 0);
	CHECK_EQ(link("canary", "spare"), 0);
	CHECK_EQ(put("b"), 0);
	CHECK_EQ(strcmp(content("state"), "b"), 0);
	CHECK_EQ(chmod("spare", 0644), 0);
	CHECK_EQ(put("c"), 0);
	CHECK_EQ(unlink("spare"), 0);
	CHECK_EQ(mkfifo("spare", 0600), 0);
	CHECK_EQ(put("d"), 0);
	CHECK_EQ(strcmp(content("state"), "d"), 0);
	CHECK_EQ(strcmp(content("canary"), "alive"), 0);
	CHECK_EQ(unlink("spare"), 0);
	CHECK_EQ(mkdir("spare", 0700), 0);
	CHECK_EQ(put("e"), -EISDIR);
	CHECK_EQ(strcmp(content("state"), "d"), 0);
	CHECK_EQ(rmdir("spare"), 0);
	CHECK_EQ(nsi_record_write(".", "../x", "spare", "", 0, 0600), -EINVAL);
	CHECK_EQ(nsi_record_write(".", "state", "../x", "", 0, 0600), -EINVAL);
	CHECK_EQ(nsi_record_write("none", "state", "spare", "", 0, 0600), -ENOENT);
	CHECK_EQ(unlink("canary"), 0);
}

__attribute__((noreturn)) static void write_on(void)
{
	static char text[LARGE];

	for (unsigned char letter = 0;; letter++) {
		memset(text, 'a' + letter % 26, sizeof(text));
		(void)nsi_record_write(".", "state", "spare", text, sizeof(text) - letter, 0600);
	}
}

/* A reader never sees two contents in one, whatever is written meanwhile. */
static void test_readers(void)
{
	static char text[LARGE];
	int mixed = 0, status;
	pid_t child = fork();

	if (child == 0)
		write_on();
	CHECK(child > 0);
	for (int i = 0; i < READS; i++) {
		int64_t n = nsi_file_load("state", text, sizeof(text));

		if (n < 0 || (n > 1 && memcmp(text, text + 1, (size_t)n - 1)))
			mixed++;
	}
	CHECK_EQ(mixed, 0);
	CHECK_EQ(kill(child, SIGKILL), 0);
	CHECK_EQ(waitpid(child, &status, 0), child);
	/* What a writer left that was killed is written over. */
	CHECK_EQ(put("whole"), 0);
	CHECK_EQ(strcmp(content("state"), "whole"), 0);
}

int main(void)
{
	char path[] = "/tmp/nsinit-test-XXXXXX";

	if (!mkdtemp(path) || chdir(path) < 0)
		return 1;
	test_trade();
	test_strange();
	test_readers();
	CHECK_EQ(unlink("state"), 0);
	if (inode("spare"))
		CHECK_EQ(unlink("spare"), 0);
	CHECK_EQ(rmdir(path), 0);
	return check_result();
}
