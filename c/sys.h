/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sys.h - raw system calls returning -errno, one inline wrapper each.
 *
 * Everything below c/ but the files that Makefile lists as library-only is
 * compiled twice: into libnsinit.so and into the freestanding helper, which
 * has no libc. So no libc function may be called from shared files: only
 * these wrappers, text.h, and the compiler's memcpy, memset, memcmp, memmove.
 */
#ifndef NSI_SYS_H
#define NSI_SYS_H

#include <asm/unistd.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <linux/stat.h>
#include <stddef.h>
#include <stdint.h>

#define NSI_PROC_MAGIC 0x9fa0L
#define NSI_SYSFS_MAGIC 0x62656572L
#define NSI_DEVPTS_MAGIC 0x1cd1L
#define NSI_CGROUP_MAGIC 0x27e0ebL
#define NSI_CGROUP2_MAGIC 0x63677270L
#define NSI_TMPFS_MAGIC 0x01021994L

/* nsi_syscall() - any system call with up to six arguments; result or -errno. */
static inline long nsi_syscall(long number, long a, long b, long c, long d, long e, long f)
{
#if defined(__x86_64__)
	long r;
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;

	__asm__ volatile("syscall"
			 : "=a"(r)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return r;
#elif defined(__aarch64__)
	register long x8 __asm__("x8") = number;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;
	register long x5 __asm__("x5") = f;

	__asm__ volatile("svc 0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
			 : "memory");
	return x0;
#else
#error "x86_64 and aarch64 only"
#endif
}

#define NSI_SYS0(nr) nsi_syscall(nr, 0, 0, 0, 0, 0, 0)
#define NSI_SYS1(nr, a) nsi_syscall(nr, (long)(a), 0, 0, 0, 0, 0)
#define NSI_SYS2(nr, a, b) nsi_syscall(nr, (long)(a), (long)(b), 0, 0, 0, 0)
#define NSI_SYS3(nr, a, b, c) nsi_syscall(nr, (long)(a), (long)(b), (long)(c), 0, 0, 0)
#define NSI_SYS4(nr, a, b, c, d) nsi_syscall(nr, (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)
#define NSI_SYS5(nr, a, b, c, d, e) \
	nsi_syscall(nr, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), 0)
#define NSI_SYS6(nr, a, b, c, d, e, f) \
	nsi_syscall(nr, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

/* struct statfs of the kernel on 64-bit machines. */
struct nsi_statfs {
	int64_t type;
	int64_t bsize;
	uint64_t blocks, bfree, bavail, files, ffree;
	int32_t fsid[2];
	int64_t namelen, frsize, flags, spare[4];
};

static inline int nsi_sys_close(int fd)
{
	return (int)NSI_SYS1(__NR_close, fd);
}

static inline int nsi_sys_openat(int dirfd, const char *path, int flags, unsigned int mode)
{
	return (int)NSI_SYS4(__NR_openat, dirfd, path, flags | O_CLOEXEC, mode);
}

static inline int nsi_sys_openat2(int dirfd, const char *path, const struct open_how *how)
{
	return (int)NSI_SYS4(__NR_openat2, dirfd, path, how, sizeof(*how));
}

static inline long nsi_sys_read(int fd, void *data, size_t length)
{
	return NSI_SYS3(__NR_read, fd, data, length);
}

static inline long nsi_sys_write(int fd, const void *data, size_t length)
{
	return NSI_SYS3(__NR_write, fd, data, length);
}

static inline int nsi_sys_fcntl(int fd, int command, long argument)
{
	return (int)NSI_SYS3(__NR_fcntl, fd, command, argument);
}

static inline int nsi_sys_ioctl(int fd, unsigned long request, void *argument)
{
	return (int)NSI_SYS3(__NR_ioctl, fd, request, argument);
}

static inline int nsi_sys_dup3(int from, int to, int flags)
{
	return (int)NSI_SYS3(__NR_dup3, from, to, flags);
}

static inline int nsi_sys_fstatfs(int fd, struct nsi_statfs *out)
{
	return (int)NSI_SYS2(__NR_fstatfs, fd, out);
}

static inline int nsi_sys_statx(int dirfd, const char *path, int flags, unsigned int mask,
				struct statx *out)
{
	return (int)NSI_SYS5(__NR_statx, dirfd, path, flags, mask, out);
}

static inline int nsi_sys_mkdirat(int dirfd, const char *path, unsigned int mode)
{
	return (int)NSI_SYS3(__NR_mkdirat, dirfd, path, mode);
}

static inline int nsi_sys_unlinkat(int dirfd, const char *path, int flags)
{
	return (int)NSI_SYS3(__NR_unlinkat, dirfd, path, flags);
}

static inline int nsi_sys_open_tree(int dirfd, const char *path, unsigned int flags)
{
	return (int)NSI_SYS3(__NR_open_tree, dirfd, path, flags);
}

static inline int nsi_sys_move_mount(int from_fd, const char *from, int to_fd, const char *to,
				     unsigned int flags)
{
	return (int)NSI_SYS5(__NR_move_mount, from_fd, from, to_fd, to, flags);
}

static inline int nsi_sys_mount_setattr(int fd, const char *path, unsigned int flags,
					const struct mount_attr *attr)
{
	return (int)NSI_SYS5(__NR_mount_setattr, fd, path, flags, attr, sizeof(*attr));
}

static inline int nsi_sys_prctl(int option, unsigned long a, unsigned long b, unsigned long c,
				unsigned long d)
{
	return (int)NSI_SYS5(__NR_prctl, option, a, b, c, d);
}

static inline __attribute__((noreturn)) void nsi_sys_exit(int status)
{
	for (;;)
		NSI_SYS1(__NR_exit_group, status);
}

#endif
