/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_files.c - locks on directories and files replaced in one step, in a
 * temporary directory. Needs no privilege.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../c/nsinit.h"
#include "check.h"

#define SHARED 1u
#define NO_WAIT 2u
#define KEEP_OPEN 1u
#define ONLY_REGULAR 2u

/* The whole file in a static buffer; "" when it cannot be read. */
static const char *content(const char *path)
{
	static char text[256];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = 0;
	return text;
}

static int exists(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

static int replace(const char *name, const char *text, unsigned int mode, unsigned int flags)
{
	return nsi_file_replace(".", name, "new", text, strlen(text), mode, flags);
}

static void test_replace(void)
{
	struct stat st;
	uint64_t inode = 0;
	int fd;

	umask(077);
	CHECK_EQ(replace("state", "one", 0644, 0), 0);
	CHECK_EQ(stat("state", &st), 0);
	CHECK_EQ(st.st_mode, S_IFREG | 0644);
	CHECK_EQ(nsi_file_inode(".", "state", &inode), 0);
	CHECK_EQ(inode, st.st_ino);

	fd = replace("state", "two", 0600, KEEP_OPEN | ONLY_REGULAR);
	CHECK(fd > 0);
	CHECK(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	CHECK_EQ(write(fd, "+", 1), 1);
	CHECK_EQ(close(fd), 0);
	CHECK(strcmp(content("state"), "two+") == 0);
	CHECK(!exists("new"));
	CHECK_EQ(replace("state", "", 0600, 0), 0);
	CHECK(strcmp(content("state"), "") == 0);
}

/* A directory may be hostile: links, directories and names with slashes. */
static void test_hostile(void)
{
	uint64_t inode = 0;

	CHECK_EQ(symlink("state", "link"), 0);
	CHECK_EQ(replace("link", "x", 0600, ONLY_REGULAR), -EEXIST);
	CHECK_EQ(nsi_file_inode(".", "link", &inode), -EINVAL);
	CHECK_EQ(replace("link", "x", 0600, 0), 0);
	CHECK(strcmp(content("state"), "") == 0);
	CHECK(strcmp(content("link"), "x") == 0);

	CHECK_EQ(symlink("state", "new"), 0);
	CHECK_EQ(replace("link", "y", 0600, 0), -EEXIST);
	CHECK(strcmp(content("state"), "") == 0);
	CHECK_EQ(unlink("new"), 0);

	CHECK_EQ(mkdir("dir", 0700), 0);
	CHECK_EQ(replace("dir", "x", 0600, ONLY_REGULAR), -EEXIST);
	CHECK_EQ(replace("dir", "x", 0600, 0), -EISDIR);
	CHECK(!exists("new"));
	CHECK_EQ(nsi_file_inode(".", "dir", &inode), -EINVAL);
	CHECK_EQ(nsi_file_inode(".", "none", &inode), -ENOENT);

	CHECK_EQ(symlink("dir", "dirlink"), 0);
	CHECK_EQ(nsi_file_replace("dirlink", "a", "b", "", 0, 0600, 0), -ENOTDIR);
	CHECK_EQ(nsi_file_replace("none", "a", "b", "", 0, 0600, 0), -ENOENT);
	CHECK_EQ(replace("dir/a", "", 0600, 0), -EINVAL);
	CHECK_EQ(replace("..", "", 0600, 0), -EINVAL);
	CHECK_EQ(replace("", "", 0600, 0), -EINVAL);
	CHECK_EQ(replace("a", "", 04755, 0), -EINVAL);
	CHECK_EQ(nsi_file_replace(".", "a", "../b", "", 0, 0600, 0), -EINVAL);
	CHECK_EQ(nsi_file_inode(".", "../x", &inode), -EINVAL);
	CHECK_EQ(nsi_dir_lock("dirlink", 0), -ENOTDIR);
	CHECK_EQ(nsi_dir_lock("state", 0), -ENOTDIR);
	CHECK_EQ(nsi_dir_lock("none", 0), -ENOENT);
}

static void test_lock(void)
{
	int first = nsi_dir_lock("dir", 0), second;

	CHECK(first >= 0);
	CHECK(fcntl(first, F_GETFD) & FD_CLOEXEC);
	CHECK_EQ(nsi_dir_lock("dir", NO_WAIT), -EAGAIN);
	CHECK_EQ(nsi_dir_lock("dir", NO_WAIT | SHARED), -EAGAIN);
	CHECK_EQ(nsi_dir_unlock(first), 0);
	second = nsi_dir_lock("dir", SHARED | NO_WAIT);
	CHECK(second >= 0);
	CHECK_EQ(nsi_dir_lock("dir", NO_WAIT), -EAGAIN);
	CHECK_EQ(close(second), 0);
	CHECK_EQ(close(first), 0);
	CHECK_EQ(nsi_dir_unlock(first), -EBADF);
}

/* Who waited for a directory that is removed or replaced meanwhile is told so. */
static void test_stale(int replaced)
{
	int fd = nsi_dir_lock("dir", 0), status;
	pid_t pid = fork();

	if (pid == 0) {
		/* The inherited descriptor would keep the lock that is waited for. */
		close(fd);
		_exit(nsi_dir_lock("dir", 0) == -ESTALE ? 0 : 1);
	}
	usleep(100000);
	CHECK_EQ(rmdir("dir"), 0);
	if (replaced)
		CHECK_EQ(mkdir("dir", 0700), 0);
	CHECK_EQ(close(fd), 0);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
}

static void test_state_lock(void)
{
	struct stat st;
	int first, second;

	CHECK_EQ(mkdir("root", 0700), 0);
	CHECK_EQ(nsi_state_lock("root", "one", 0), -ENOENT);
	CHECK_EQ(nsi_state_lock("none", "one", 1), -ENOENT);
	CHECK_EQ(nsi_state_lock("root", "../root", 1), -EINVAL);
	umask(0277);
	first = nsi_state_lock("root", "one", 1);
	umask(022);
	CHECK(first >= 0);
	CHECK(fcntl(first, F_GETFD) & FD_CLOEXEC);
	CHECK_EQ(stat("root/one", &st), 0);
	CHECK_EQ(st.st_mode & 07777, 0700);
	CHECK_EQ(nsi_state_lock("root", "one", 0), -EAGAIN);
	second = nsi_state_lock("root", "two", 1);
	CHECK(second >= 0);
	CHECK_EQ(close(first), 0);
	CHECK_EQ(close(second), 0);
	CHECK_EQ(symlink("two", "root/link"), 0);
	CHECK_EQ(nsi_state_lock("root", "link", 1), -ENOTDIR);
	CHECK_EQ(chmod("root", 0722), 0);
	CHECK_EQ(nsi_state_lock("root", "one", 0), -EPERM);
	CHECK_EQ(rmdir("root/one"), 0);
	CHECK_EQ(rmdir("root/two"), 0);
	CHECK_EQ(unlink("root/link"), 0);
	CHECK_EQ(rmdir("root"), 0);
}

static void test_load(void)
{
	char out[16] = "";

	CHECK_EQ(replace("text", "hello", 0600, 0), 0);
	CHECK_EQ(nsi_file_load("text", out, sizeof(out)), 5);
	CHECK_EQ(memcmp(out, "hello", 5), 0);
	CHECK_EQ(nsi_file_load("text", out, 4), 5);
	CHECK_EQ(nsi_file_load("none", out, sizeof(out)), -ENOENT);
	CHECK_EQ(nsi_file_load(".", out, sizeof(out)), -EINVAL);
	CHECK_EQ(symlink("text", "textlink"), 0);
	CHECK_EQ(nsi_file_load("textlink", out, sizeof(out)), -ELOOP);
	CHECK_EQ(mkfifo("fifo", 0600), 0);
	CHECK_EQ(nsi_file_load("fifo", out, sizeof(out)), -EINVAL);
	CHECK(nsi_file_load("/proc/self/stat", out, sizeof(out)) == sizeof(out));
	CHECK(atoi(out) == getpid());
	CHECK_EQ(nsi_file_load("/proc/self/none", out, sizeof(out)), -ENOENT);
	CHECK_EQ(nsi_file_unlink(".", "fifo"), 0);
	CHECK_EQ(nsi_file_unlink(".", "textlink"), 0);
	CHECK_EQ(nsi_file_unlink(".", "text"), 0);
	CHECK_EQ(nsi_file_unlink(".", "text"), 0);
	CHECK_EQ(nsi_file_unlink("none", "text"), 0);
	CHECK_EQ(nsi_file_unlink(".", "../text"), -EINVAL);
}

int main(void)
{
	char path[] = "/tmp/nsinit-test-XXXXXX";

	if (!mkdtemp(path) || chdir(path) < 0)
		return 1;
	test_replace();
	test_hostile();
	test_lock();
	test_stale(1);
	test_stale(0);
	test_state_lock();
	test_load();
	(void)unlink("state");
	(void)unlink("link");
	(void)unlink("dirlink");
	CHECK_EQ(rmdir(path), 0);
	return check_result();
}
