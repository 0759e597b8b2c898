/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_undo.c - the undo list as a whole, and its operations on locks and
 * files, in a temporary directory. Needs no privilege.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../c/undo.h"
#include "check.h"
#include "pack.h"

static struct nsi_run run;
static char base[] = "/tmp/nsinit-test-XXXXXX";

static int exists(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

static void touch(const char *path)
{
	CHECK_EQ(close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600)), 0);
}

static uint64_t inode_of(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 ? st.st_ino : 0;
}

static int remove_file(uint64_t inode, const char *dir, const char *name)
{
	struct nsi_op *op = pack_first(NSI_OP_FILE_REMOVE);

	op->n[0] = inode;
	op->s[0] = pack_text(dir);
	op->s[1] = pack_text(name);
	return nsi_op_file_remove(&run, pack_open(&run, NSI_LIST_UNDO));
}

static int remove_dir(const char *path)
{
	struct nsi_op *op = pack_first(NSI_OP_DIR_REMOVE);

	op->s[0] = pack_text(path);
	return nsi_op_dir_remove(&run, pack_open(&run, NSI_LIST_UNDO));
}

static int take_lock(uint64_t fd)
{
	pack_first(NSI_OP_LOCK_TAKE)->n[0] = fd;
	return nsi_op_lock_take(&run, pack_open(&run, NSI_LIST_UNDO));
}

static void test_file_remove(void)
{
	touch("a");
	CHECK_EQ(remove_file(inode_of("a") + 1, base, "a"), 0);
	CHECK(exists("a"));
	CHECK_EQ(symlink("a", "link"), 0);
	CHECK_EQ(remove_file(inode_of("a"), base, "link"), 0);
	CHECK(exists("link"));
	CHECK_EQ(remove_file(0, base, "link"), 0);
	CHECK(exists("link") && exists("a"));
	CHECK_EQ(unlink("link"), 0);
	CHECK_EQ(remove_file(inode_of("a"), base, "a"), 0);
	CHECK(!exists("a"));
	CHECK_EQ(remove_file(0, base, "a"), 0);
	CHECK_EQ(remove_file(0, "/nonexistent", "a"), 0);

	CHECK_EQ(mkdir("dir", 0700), 0);
	CHECK_EQ(remove_file(0, base, "dir"), 0);
	CHECK(exists("dir"));
	CHECK_EQ(symlink("dir", "dirlink"), 0);
	touch("dir/b");
	CHECK_EQ(remove_file(0, "dirlink", "b"), 0);
	CHECK_EQ(symlink(".", "up"), 0);
	CHECK_EQ(remove_file(inode_of("dir/b"), "up/dir", "b"), 0);
	CHECK_EQ(unlink("up"), 0);
	CHECK_EQ(remove_file(0, base, "dir/b"), -EINVAL);
	CHECK_EQ(remove_file(0, base, ".."), -EINVAL);
	CHECK(exists("dir/b"));
	CHECK_EQ(remove_dir("dir"), -ENOTEMPTY);
	CHECK_EQ(remove_dir("dirlink"), -ENOTDIR);
	CHECK_EQ(unlink("dir/b"), 0);
	CHECK_EQ(unlink("dirlink"), 0);
	CHECK_EQ(remove_dir("dir"), 0);
	CHECK_EQ(remove_dir("dir"), 0);
}

static void test_lock_take(void)
{
	int fd, other, status;
	pid_t pid;

	CHECK_EQ(mkdir("state", 0700), 0);
	fd = open("state", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	run.stop = 0;
	CHECK_EQ(take_lock((uint64_t)fd), 0);
	CHECK_EQ(run.stop, 0);
	CHECK_EQ(flock(fd, LOCK_UN), 0);
	CHECK_EQ(take_lock(9999), -EBADF);
	CHECK_EQ(take_lock(UINT64_MAX), -EBADF);

	/* It waits for the holder, who removes the directory before letting go. */
	pid = fork();
	if (pid == 0) {
		other = open("state", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (flock(other, LOCK_EX) < 0)
			_exit(1);
		usleep(200000);
		_exit(rmdir("state") < 0);
	}
	usleep(100000);
	CHECK_EQ(take_lock((uint64_t)fd), 0);
	CHECK_EQ(run.stop, 1);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
	close(fd);
}

/* Three files to remove, and a directory of which @full decides whether it can go. */
static void pack_list(int full)
{
	static const char *const names[] = { "a", "b", "c" };
	struct nsi_op *op = pack_first(NSI_OP_DIR_REMOVE);

	if (mkdir("dir", 0700) == 0 && full)
		touch("dir/x");
	op->s[0] = pack_text("dir");
	for (int i = 0; i < 3; i++) {
		touch(names[i]);
		op = pack_next(NSI_OP_FILE_REMOVE);
		op->s[0] = pack_text(base);
		op->s[1] = pack_text(names[i]);
	}
	pack_open(&run, NSI_LIST_UNDO);
}

static void test_list(void)
{
	pack_list(0);
	memset(&run.report, 0, sizeof(run.report));
	CHECK_EQ(nsi_undo(&run), 0);
	CHECK(!exists("a") && !exists("b") && !exists("c") && !exists("dir"));
	CHECK_EQ(run.report.type, 0);
	CHECK_EQ(nsi_undo(&run), 0);

	/* The first of two failures is told, the rest is done. */
	pack_list(1);
	CHECK_EQ(unlink("b"), 0);
	CHECK_EQ(mkdir("b", 0700), 0);
	CHECK_EQ(nsi_undo(&run), -ENOTEMPTY);
	CHECK_EQ(run.report.magic, NSI_REPORT_MAGIC);
	CHECK_EQ(run.report.type, NSI_MSG_ERROR);
	CHECK_EQ(run.report.list, NSI_LIST_UNDO);
	CHECK_EQ(run.report.index, 0);
	CHECK_EQ(run.report.error, ENOTEMPTY);
	CHECK(!exists("a") && exists("b") && !exists("c"));
	CHECK_EQ(rmdir("b"), 0);
	CHECK_EQ(unlink("dir/x"), 0);
	CHECK_EQ(rmdir("dir"), 0);
}

/* An operation with a fault is not executed; all others are. */
static void test_faults(void)
{
	static const char *const paths[] = { "dir", "a", "b", "c" };

	for (uint32_t fault = 0; fault < 4; fault++) {
		pack_list(0);
		pack_header()->fault_list = NSI_LIST_UNDO;
		pack_header()->fault_index = fault;
		pack_header()->fault_errno = EIO;
		CHECK_EQ(nsi_undo(&run), -EIO);
		CHECK_EQ(run.report.index, fault);
		CHECK_EQ(run.report.detail, NSI_AT_NONE);
		for (uint32_t i = 0; i < 4; i++)
			CHECK_EQ(exists(paths[i]), i == fault);
		pack_header()->fault_list = NSI_LIST_CHILD;
		CHECK_EQ(nsi_undo(&run), 0);
		CHECK(!exists(paths[fault]));
	}
}

/* Someone else has cleaned up: what has the names now is left alone. */
static void test_stop(void)
{
	struct nsi_op *op = pack_first(NSI_OP_LOCK_TAKE);
	int fd;

	CHECK_EQ(mkdir("state", 0700), 0);
	fd = open("state", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	op->n[0] = (uint64_t)fd;
	op = pack_next(NSI_OP_FILE_REMOVE);
	op->s[0] = pack_text(base);
	op->s[1] = pack_text("a");
	touch("a");
	pack_open(&run, NSI_LIST_UNDO);
	CHECK_EQ(rmdir("state"), 0);
	CHECK_EQ(nsi_undo(&run), 0);
	CHECK_EQ(run.stop, 1);
	CHECK(exists("a"));
	CHECK_EQ(unlink("a"), 0);
	close(fd);
}

/* a goes, b is not empty and stays; what stands behind the check depends on that. */
static void test_check(void)
{
	for (int fails = 0; fails < 2; fails++) {
		struct nsi_op *op = pack_first(NSI_OP_DIR_REMOVE);

		op->s[0] = pack_text(fails ? "b" : "a");
		pack_next(NSI_OP_UNDO_CHECK);
		op = pack_next(NSI_OP_FILE_REMOVE);
		op->s[0] = pack_text(base);
		op->s[1] = pack_text("record");
		pack_open(&run, NSI_LIST_UNDO);
		touch("record");
		CHECK_EQ(mkdir("b", 0700), 0);
		touch("b/c");
		CHECK_EQ(nsi_undo(&run), fails ? -ENOTEMPTY : 0);
		CHECK_EQ(exists("record"), fails);
		CHECK_EQ(unlink("b/c"), 0);
		CHECK_EQ(rmdir("b"), 0);
	}
	CHECK_EQ(unlink("record"), 0);
}

/* Without the lock nothing is touched. */
static void test_no_lock(void)
{
	struct nsi_op *op = pack_first(NSI_OP_LOCK_TAKE);

	op->n[0] = 9999;
	op = pack_next(NSI_OP_FILE_REMOVE);
	op->s[0] = pack_text(base);
	op->s[1] = pack_text("a");
	touch("a");
	pack_open(&run, NSI_LIST_UNDO);
	CHECK_EQ(nsi_undo(&run), -EBADF);
	CHECK(exists("a"));
	CHECK_EQ(unlink("a"), 0);
}

int main(void)
{
	if (!mkdtemp(base) || chdir(base) < 0)
		return 1;
	test_file_remove();
	test_lock_take();
	test_list();
	test_faults();
	test_stop();
	test_check();
	test_no_lock();
	CHECK_EQ(rmdir(base), 0);
	return check_result();
}
