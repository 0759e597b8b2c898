// SPDX-License-Identifier: Apache-2.0
/*
 * procfs.c - what is set through files below /proc.
 *
 * Labels, sysctls and the oom score are written through a procfs that the
 * container cannot touch: an instance of our own that is attached nowhere, or,
 * where the kernel refuses one (a pid namespace that belongs to someone else),
 * the root of the real /proc. A check of the file system type alone would not
 * do: a file of procfs bound over another still is procfs (CVE-2025-52881). So
 * below that descriptor nothing may be crossed and no link is followed; "self"
 * is read and spliced in here.
 */
#include "cleanup.h"
#include "inroot.h"
#include "mount.h"
#include "text.h"

#define PROC_ROOT_INO 1
#define PROC_PATH_MAX 512

/* 0 when @fd is the root of a procfs. */
static int check_proc_root(int fd)
{
	struct statx st = { .stx_mask = 0 };
	int r = nsi_on_fs(fd, NSI_PROC_MAGIC);

	if (r <= 0)
		return r < 0 ? r : -ENODEV;
	r = nsi_stat(fd, &st);
	if (r < 0)
		return r;
	return st.stx_ino == PROC_ROOT_INO ? 0 : -ENODEV;
}

static int open_proc(struct nsi_run *run)
{
	const struct nsi_bytes none = { NULL, 0 };
	const uint64_t attr = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
	int fd = nsi_fs_make(run, "proc", NULL, none, attr);

	if (fd >= 0)
		return fd;
	run->detail = NSI_AT_OPEN;
	return nsi_sys_openat(AT_FDCWD, "/proc", O_PATH | O_DIRECTORY | O_NOFOLLOW, 0);
}

/*
 * nsi_op_proc_open() - the procfs for all later writes
 *
 * Return: 0 with run->procfd set; -ENODEV when /proc is not a procfs; -errno.
 */
int nsi_op_proc_open(struct nsi_run *run, const struct nsi_op *op)
{
	NSI_AUTO_FD int fd = open_proc(run);
	int r;

	(void)op;
	if (fd < 0)
		return fd;
	run->detail = NSI_AT_VERIFY;
	r = check_proc_root(fd);
	if (r < 0)
		return r;
	if (run->procfd >= 0)
		nsi_sys_close(run->procfd);
	run->procfd = nsi_take_fd(&fd);
	return 0;
}

static int open_beneath(int dirfd, const char *path, int flags)
{
	const struct open_how how = {
		.flags = (uint64_t)(unsigned int)(flags | O_CLOEXEC),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS |
			   RESOLVE_NO_SYMLINKS,
	};
	NSI_AUTO_FD int fd = nsi_sys_openat2(dirfd, path, &how);
	int r;

	if (fd < 0)
		return fd;
	r = nsi_on_fs(fd, NSI_PROC_MAGIC);
	if (r <= 0)
		return r < 0 ? r : -ENODEV;
	return nsi_take_fd(&fd);
}

/* "self/..." becomes "PID/..." with the caller's number in that procfs. */
static int expand_self(const struct nsi_run *run, const char *path, char *out, size_t size)
{
	static const char self[] = "self";
	size_t n = 0;
	long r;

	out[0] = 0;
	while (self[n] && path[n] == self[n])
		n++;
	if (self[n] || (path[n] && path[n] != '/'))
		return nsi_text_append(out, size, path);
	r = NSI_SYS4(__NR_readlinkat, run->procfd, self, out, size - 1);
	if (r < 0)
		return (int)r;
	out[r] = 0;
	if (nsi_text_parse(out) <= 0)
		return -EBADMSG;
	return nsi_text_append(out, size, path + n);
}

/*
 * nsi_proc_open() - open a file of procfs
 * @run:   its procfd was set by proc.open
 * @path:  relative to the root of procfs; "self" first means the caller
 * @flags: O_* flags of openat2(2); O_CLOEXEC is added
 *
 * Return: a descriptor that the caller owns; -EXDEV when a mount covers a part
 * of the path, -ELOOP for a link; -errno.
 */
int nsi_proc_open(struct nsi_run *run, const char *path, int flags)
{
	char text[PROC_PATH_MAX];
	int r;

	if (run->procfd < 0)
		return -EBADF;
	r = expand_self(run, path, text, sizeof(text));
	return r < 0 ? r : open_beneath(run->procfd, text, flags);
}

/* One write(2), as each one is a command of its own to these files. */
static int write_once(struct nsi_run *run, int fd, const char *text)
{
	size_t length = nsi_text_length(text);
	long n;

	run->detail = NSI_AT_WRITE;
	n = nsi_sys_write(fd, text, length);
	if (n < 0)
		return (int)n;
	return (size_t)n == length ? 0 : -EIO;
}

/*
 * nsi_proc_write() - write to a file of procfs, all at once
 *
 * Return: 0; -EIO when the kernel took only a part; -errno.
 */
int nsi_proc_write(struct nsi_run *run, const char *path, const char *text)
{
	NSI_AUTO_FD int fd = -1;

	run->detail = NSI_AT_OPEN;
	fd = nsi_proc_open(run, path, O_WRONLY);
	return fd < 0 ? fd : write_once(run, fd, text);
}

/*
 * nsi_op_sysctl_write() - set a sysctl
 *
 * The key has slashes and is resolved below sys/, which .. cannot leave.
 *
 * Return: 0 or -errno.
 */
int nsi_op_sysctl_write(struct nsi_run *run, const struct nsi_op *op)
{
	NSI_AUTO_FD int sysfd = -1;
	NSI_AUTO_FD int fd = -1;

	run->detail = NSI_AT_OPEN;
	sysfd = nsi_proc_open(run, "sys", O_PATH | O_DIRECTORY);
	if (sysfd < 0)
		return sysfd;
	fd = open_beneath(sysfd, NSI_SYSCTL_WRITE_KEY(run, op), O_WRONLY);
	return fd < 0 ? fd : write_once(run, fd, NSI_SYSCTL_WRITE_VALUE(run, op));
}

/*
 * nsi_op_oom_adjust() - the caller's oom_score_adj, inherited by the program
 *
 * Return: 0; -EACCES for a lower value without CAP_SYS_RESOURCE; -errno.
 */
int nsi_op_oom_adjust(struct nsi_run *run, const struct nsi_op *op)
{
	return nsi_proc_write(run, "self/oom_score_adj", NSI_OOM_ADJUST_VALUE(run, op));
}

/*
 * nsi_op_label_apparmor() - the AppArmor profile that exec changes to
 *
 * attr/apparmor/ is there since Linux 5.8; before it, attr/exec belongs to the
 * one large security module.
 *
 * Return: 0 or -errno; a profile that cannot be set is an error.
 */
int nsi_op_label_apparmor(struct nsi_run *run, const struct nsi_op *op)
{
	const char *value = NSI_LABEL_APPARMOR_VALUE(run, op);
	int r = nsi_proc_write(run, "self/attr/apparmor/exec", value);

	if (r == -ENOENT && run->detail == NSI_AT_OPEN)
		r = nsi_proc_write(run, "self/attr/exec", value);
	return r;
}

/*
 * nsi_op_label_selinux() - the SELinux label of the program
 *
 * Return: 0 or -errno.
 */
int nsi_op_label_selinux(struct nsi_run *run, const struct nsi_op *op)
{
	return nsi_proc_write(run, "self/attr/exec", NSI_LABEL_SELINUX_VALUE(run, op));
}

/*
 * nsi_op_hostname_set() - sethostname(2) in the container's UTS namespace
 *
 * Return: 0 or -errno.
 */
int nsi_op_hostname_set(struct nsi_run *run, const struct nsi_op *op)
{
	const char *name = NSI_HOSTNAME_SET_NAME(run, op);

	return (int)NSI_SYS2(__NR_sethostname, name, nsi_text_length(name));
}

/*
 * nsi_op_domainname_set() - setdomainname(2) in the container's UTS namespace
 *
 * Return: 0 or -errno.
 */
int nsi_op_domainname_set(struct nsi_run *run, const struct nsi_op *op)
{
	const char *name = NSI_DOMAINNAME_SET_NAME(run, op);

	return (int)NSI_SYS2(__NR_setdomainname, name, nsi_text_length(name));
}
