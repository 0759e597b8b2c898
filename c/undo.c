/* SPDX-License-Identifier: Apache-2.0 */
/*
 * undo.c - the end of a container: executing the undo list, and those of its
 * operations that concern locks and files.
 *
 * The list is carried out in order by whoever ends the container: the library,
 * the monitor, or someone who finds that the owner was killed. Each operation
 * is content when its object is already gone. A failure does not stop the
 * list, since what can be removed should be, but the first one is reported; and
 * the list ends before undo.check, behind which the record of all that stands:
 * without it nobody could remove the rest. Without the lock nothing is done.
 */
#include "undo.h"
#include "cleanup.h"
#include "sys.h"
#include "text.h"

#define LOCK_EXCLUSIVE 2
#define FILE_TYPE 0170000
#define FILE_REGULAR 0100000
#define FILE_SOCKET 0140000
#define PLACE_UMOUNT_FLAGS (2 | 8) /* MNT_DETACH | UMOUNT_NOFOLLOW */

/*
 * nsi_op_lock_take() - take the lock of the container's state directory
 *
 * The descriptor was handed down by the process that made the container. When
 * the directory has no name any more, someone else held the lock and cleaned
 * up: what has our names now is not ours, so the list ends.
 *
 * Return: 0, or -errno.
 */
int nsi_op_lock_take(struct nsi_run *run, const struct nsi_op *op)
{
	uint64_t fd = NSI_LOCK_TAKE_FD(op);
	struct statx st = { 0 };
	int r;

	run->detail = NSI_AT_OPEN;
	if (fd > INT32_MAX)
		return -EBADF;
	do {
		r = (int)NSI_SYS2(__NR_flock, fd, LOCK_EXCLUSIVE);
	} while (r == -EINTR);
	if (r < 0)
		return r;
	run->detail = NSI_AT_VERIFY;
	r = nsi_sys_statx((int)fd, "", AT_EMPTY_PATH, STATX_NLINK, &st);
	if (r < 0)
		return r;
	if (st.stx_nlink == 0)
		run->stop = 1;
	return 0;
}

/*
 * nsi_op_file_remove() - remove a file of a directory
 *
 * The directory may be the container's own root file system. Between looking
 * and unlinking the name could be given to another file of that directory;
 * unlinkat(2) follows no link and removes no directory, so nothing outside is
 * in reach. Directories above it may be the container's as well: the path of a
 * file that is known by its inode has no links, and one that has some by now
 * leads elsewhere (CVE-2024-23652).
 *
 * Return: 0, also when the file or the directory is missing or replaced, or when
 * it is neither a regular file nor a socket or has another inode and so is not ours; or -errno.
 */
int nsi_op_file_remove(struct nsi_run *run, const struct nsi_op *op)
{
	const char *name = NSI_FILE_REMOVE_NAME(run, op);
	const struct open_how how = {
		.flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
		.resolve = NSI_FILE_REMOVE_INODE(op) ? RESOLVE_NO_SYMLINKS : 0,
	};
	NSI_AUTO_FD int dirfd = -1;
	struct statx st = { 0 };
	int r;

	run->detail = NSI_AT_RESOLVE;
	if (!nsi_text_is_name(name))
		return -EINVAL;
	run->detail = NSI_AT_OPEN;
	dirfd = nsi_sys_openat2(AT_FDCWD, NSI_FILE_REMOVE_DIR(run, op), &how);
	if (dirfd == -ENOENT || dirfd == -ENOTDIR || dirfd == -ELOOP)
		return 0;
	if (dirfd < 0)
		return dirfd;
	run->detail = NSI_AT_VERIFY;
	r = nsi_sys_statx(dirfd, name, AT_SYMLINK_NOFOLLOW, STATX_TYPE | STATX_INO, &st);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if ((st.stx_mode & FILE_TYPE) != FILE_REGULAR && (st.stx_mode & FILE_TYPE) != FILE_SOCKET)
		return 0;
	if (NSI_FILE_REMOVE_INODE(op) && NSI_FILE_REMOVE_INODE(op) != st.stx_ino)
		return 0;
	run->detail = NSI_AT_NONE;
	r = nsi_sys_unlinkat(dirfd, name, 0);
	return r == -ENOENT ? 0 : r;
}

/*
 * nsi_op_dir_remove() - remove an empty directory
 *
 * Return: 0, also when it is missing, or -errno.
 */
int nsi_op_dir_remove(struct nsi_run *run, const struct nsi_op *op)
{
	int r = nsi_sys_unlinkat(AT_FDCWD, NSI_DIR_REMOVE_PATH(run, op), AT_REMOVEDIR);

	return r == -ENOENT ? 0 : r;
}

/*
 * nsi_op_place_remove() - take away the root of a container without mounts of its own
 *
 * The directory is of the container's state, so whatever is mounted on it is the
 * container's. Where it is a mount point in other namespaces only, its removal
 * detaches what is there.
 *
 * Return: 0, also when it is missing, or -errno.
 */
int nsi_op_place_remove(struct nsi_run *run, const struct nsi_op *op)
{
	const char *path = NSI_PLACE_REMOVE_PATH(run, op);
	int r;

	run->detail = NSI_AT_MOUNT;
	do {
		r = (int)NSI_SYS2(__NR_umount2, path, PLACE_UMOUNT_FLAGS);
	} while (r == 0);
	/* Not a mount point any more. */
	if (r != -EINVAL && r != -ENOENT)
		return r;
	run->detail = NSI_AT_NONE;
	r = nsi_sys_unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
	return r == -ENOENT ? 0 : r;
}

/*
 * nsi_op_undo_unless() - end the list if somebody has dealt with everything else
 *
 * The lock is held, so whoever makes the file is done with what it stands for. It is
 * for this process alone, which takes it away.
 *
 * Return: 0, or -errno.
 */
int nsi_op_undo_unless(struct nsi_run *run, const struct nsi_op *op)
{
	const char *name = NSI_UNDO_UNLESS_NAME(run, op);
	NSI_AUTO_FD int dirfd = -1;
	int r;

	run->detail = NSI_AT_RESOLVE;
	if (!nsi_text_is_name(name))
		return -EINVAL;
	run->detail = NSI_AT_OPEN;
	dirfd = nsi_sys_openat(AT_FDCWD, NSI_UNDO_UNLESS_DIR(run, op),
			       O_PATH | O_DIRECTORY | O_NOFOLLOW, 0);
	if (dirfd < 0)
		return dirfd == -ENOENT ? 0 : dirfd;
	run->detail = NSI_AT_NONE;
	r = nsi_sys_unlinkat(dirfd, name, 0);
	if (r == 0)
		run->stop = NSI_STOP_NOTICE;
	return r == -ENOENT ? 0 : r;
}

static int execute(struct nsi_run *run, const struct nsi_op *op)
{
	/* A switch, not a table of pointers: the helper's loader applies no relocations. */
#define EXECUTE(kind, name) \
	case NSI_OP_##kind: \
		return nsi_op_##name(run, op);
	switch (op->kind) {
		NSI_UNDO_OPS(EXECUTE)
	default:
		run->detail = NSI_AT_TRUNCATED;
		return -EBADMSG;
	}
#undef EXECUTE
}

/*
 * nsi_op_undo_check() - where the list ends after a failure
 *
 * nsi_undo() sees to it; there is nothing to do when all went well.
 *
 * Return: 0.
 */
int nsi_op_undo_check(struct nsi_run *run, const struct nsi_op *op)
{
	(void)op;
	run->detail = NSI_AT_NONE;
	return 0;
}

static int execute_or_fault(struct nsi_run *run, uint32_t index)
{
	const struct nsi_plan_header *header = run->plan.header;

	run->detail = NSI_AT_NONE;
	run->value = 0;
	if (header->fault_list == NSI_LIST_UNDO && header->fault_index == index)
		return -(int)header->fault_errno;
	return execute(run, &run->plan.op[NSI_LIST_UNDO][index]);
}

/*
 * nsi_undo() - execute the undo list
 * @run:  with its plan open; run->stop is cleared here and set by lock.take and undo.unless
 *
 * Return: 0, or -errno of the first operation that failed, which run->report
 * then describes.
 */
int nsi_undo(struct nsi_run *run)
{
	int first = 0;

	run->stop = 0;
	for (uint32_t i = 0; i < run->plan.count[NSI_LIST_UNDO] && !run->stop; i++) {
		uint16_t kind = run->plan.op[NSI_LIST_UNDO][i].kind;
		int r = execute_or_fault(run, i);

		if (r < 0 && (kind == NSI_OP_LOCK_TAKE || kind == NSI_OP_UNDO_UNLESS))
			run->stop = 1;
		if ((r < 0 || first) && kind == NSI_OP_UNDO_CHECK)
			run->stop = 1;
		if (r >= 0 || first)
			continue;
		first = r;
		run->report = (struct nsi_report){
			.magic = NSI_REPORT_MAGIC,
			.type = NSI_MSG_ERROR,
			.list = NSI_LIST_UNDO,
			.index = i,
			.error = -r,
			.detail = run->detail,
			.value = run->value,
		};
	}
	return first;
}
