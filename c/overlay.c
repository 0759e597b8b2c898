/* SPDX-License-Identifier: Apache-2.0 */
/*
 * overlay.c - the root as an overlay: a directory that is only read, and a layer
 * that takes what is written (Documentation/filesystems/overlayfs.rst).
 *
 * The caller's process makes the mount and sends it to the child detached, like
 * a tree of tree.open: the layers are reached with its rights and never seen by
 * the container, and nothing is attached on the host. The layer that is thrown
 * away is a tmpfs which only the overlay holds: both go with the container's last
 * process. Layers are named as /proc/self/fd/N, so that no character of a path
 * means anything and no length matters.
 *
 * Before Linux 6.15 layers must lie in the mount namespace of the caller. There a
 * process that shares the caller's memory and descriptors, but has a mount
 * namespace of its own, attaches the tmpfs over its / and ends; the overlay keeps
 * what it needs.
 */
#include "cleanup.h"
#include "mount.h"
#include "process.h"
#include "slot.h"
#include "vfork.h"
#include "text.h"
#include <linux/mman.h>
#include <linux/signal.h>

#define OVERLAY_ATTACH 1u

/* A mount lets go of its layers shortly after the last process of its container. */
#define BUSY_ROUNDS 50
#define BUSY_WAIT_NS 10000000

#define WORKER_STACK 65536
#define WORKER_GUARD 65536
#define PROT_NOTHING 0
#define PROT_READ_WRITE 3

/* A directory of the layer that is written, and whether it was made just now. */
struct layer {
	int dirfd;
	const char *name;
	int fd;
	int is_made;
};

static void close_layer(struct layer *layer)
{
	if (layer->fd >= 0)
		nsi_sys_close(layer->fd);
	layer->fd = -1;
}

/* Without mode and owner it would not look like what it covers. */
static int dress(int fd, unsigned int mode, unsigned int uid, unsigned int gid)
{
	int r = (int)NSI_SYS3(__NR_fchown, fd, uid, gid);

	return r < 0 ? r : (int)NSI_SYS2(__NR_fchmod, fd, mode);
}

static int open_layer(struct nsi_run *run, struct layer *layer, const struct statx *like)
{
	int r;

	run->detail = NSI_AT_MAKE;
	r = nsi_sys_mkdirat(layer->dirfd, layer->name, 0700);
	if (r < 0 && r != -EEXIST)
		return r;
	layer->is_made = r == 0;
	layer->fd = nsi_sys_openat(layer->dirfd, layer->name, O_RDONLY | O_DIRECTORY, 0);
	if (layer->fd < 0)
		return layer->fd;
	if (!layer->is_made || !like)
		return 0;
	return dress(layer->fd, like->stx_mode & 07777u, like->stx_uid, like->stx_gid);
}

/* What a failed start has made on the host goes; a directory with content stays. */
static void take_back(const struct layer *layer)
{
	if (layer->is_made && layer->dirfd == AT_FDCWD)
		(void)nsi_sys_unlinkat(AT_FDCWD, layer->name, AT_REMOVEDIR);
}

static int set_layer(int fsfd, const char *key, int fd)
{
	char path[sizeof("/proc/self/fd/") + 20] = "/proc/self/fd/";

	nsi_text_number(path + sizeof("/proc/self/fd/") - 1, (uint64_t)fd);
	return nsi_fs_option(fsfd, key, path);
}

static int try_mount(struct nsi_run *run, const struct nsi_op *op, int lowerfd,
		     const struct layer *upper, const struct layer *work)
{
	NSI_AUTO_FD int fsfd = nsi_fs_open(run, "overlay", "overlay");
	int r;

	if (fsfd < 0)
		return fsfd;
	r = nsi_fs_options(run, fsfd, NSI_OVERLAY_OPEN_SETTINGS(run, op));
	if (r < 0)
		return r;
	/* Newer kernels look at the layers here, older ones when the mount is made. */
	run->detail = NSI_AT_MOUNT;
	r = set_layer(fsfd, "lowerdir", lowerfd);
	if (r == 0)
		r = set_layer(fsfd, "upperdir", upper->fd);
	if (r == 0)
		r = set_layer(fsfd, "workdir", work->fd);
	return r < 0 ? r : nsi_fs_finish(run, fsfd, 0);
}

static int mount_layers(struct nsi_run *run, const struct nsi_op *op, int lowerfd,
			const struct layer *upper, const struct layer *work)
{
	const struct {
		int64_t seconds, nanoseconds;
	} wait = { 0, BUSY_WAIT_NS };
	int r = try_mount(run, op, lowerfd, upper, work);

	for (int i = 0; r == -EBUSY && i < BUSY_ROUNDS; i++) {
		NSI_SYS2(__NR_nanosleep, &wait, NULL);
		r = try_mount(run, op, lowerfd, upper, work);
	}
	return r;
}

static int attach_here(struct nsi_run *run, int treefd)
{
	const struct mount_attr attr = { .propagation = MS_PRIVATE };
	int r;

	run->detail = NSI_AT_ATTACH;
	r = nsi_sys_mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, &attr);
	if (r < 0)
		return r;
	return nsi_sys_move_mount(treefd, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH);
}

/* The detached overlay, or -errno with nothing left. */
static int make_overlay(struct nsi_run *run, const struct nsi_op *op)
{
	const char *kept = NSI_OVERLAY_OPEN_UPPER(run, op);
	struct layer upper = { AT_FDCWD, kept, -1, 0 };
	struct layer work = { AT_FDCWD, NSI_OVERLAY_OPEN_WORK(run, op), -1, 0 };
	struct statx like = { .stx_mask = 0 };
	NSI_AUTO_FD int tmpfd = -1;
	NSI_AUTO_FD int lowerfd = -1;
	int r;

	run->detail = NSI_AT_OPEN;
	lowerfd =
		nsi_sys_openat(AT_FDCWD, NSI_OVERLAY_OPEN_LOWER(run, op), O_PATH | O_DIRECTORY, 0);
	if (lowerfd < 0)
		return lowerfd;
	r = nsi_sys_statx(lowerfd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &like);
	if (r < 0)
		return r;
	if (!kept) {
		tmpfd = nsi_fs_make(run, "tmpfs", "overlay", NSI_OVERLAY_OPEN_OPTIONS(run, op), 0);
		if (tmpfd < 0)
			return tmpfd;
		r = NSI_OVERLAY_OPEN_FLAGS(op) & OVERLAY_ATTACH ? attach_here(run, tmpfd) : 0;
		if (r < 0)
			return r;
		upper = (struct layer){ tmpfd, "upper", -1, 0 };
		work = (struct layer){ tmpfd, "work", -1, 0 };
	}
	r = open_layer(run, &upper, &like);
	if (r == 0)
		r = open_layer(run, &work, NULL);
	if (r == 0)
		r = mount_layers(run, op, lowerfd, &upper, &work);
	close_layer(&upper);
	close_layer(&work);
	if (r < 0) {
		take_back(&work);
		take_back(&upper);
	}
	return r;
}

/* What the process with a mount namespace of its own is given, and gives. */
struct errand {
	struct nsi_run *run;
	const struct nsi_op *op;
	volatile int result;
};

static void do_errand(void *given)
{
	struct errand *errand = given;

	errand->result = make_overlay(errand->run, errand->op);
	for (;;)
		NSI_SYS1(__NR_exit, 0);
}

/* make_overlay() with a copy of the caller's mounts; its descriptor is the caller's. */
static int make_elsewhere(struct nsi_run *run, const struct nsi_op *op)
{
	const uint64_t all = ~(uint64_t)0;
	struct errand errand = { run, op, -ECHILD };
	int32_t status[2];
	uint64_t mask = 0;
	int pidfd = -1;
	long stack, pid;
	struct clone_args args = {
		.flags = CLONE_VM | CLONE_VFORK | CLONE_FILES | CLONE_NEWNS | CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)&pidfd,
		.stack_size = WORKER_STACK,
	};

	stack = NSI_SYS6(__NR_mmap, 0, WORKER_GUARD + WORKER_STACK, PROT_READ_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	if (stack < 0 && stack > -4096)
		return (int)stack;
	args.stack = (uint64_t)stack + WORKER_GUARD;
	NSI_SYS3(__NR_mprotect, stack, WORKER_GUARD, PROT_NOTHING);
	/* A handler of the caller must not run in it. */
	NSI_SYS4(__NR_rt_sigprocmask, SIG_SETMASK, &all, &mask, sizeof(all));
	pid = nsi_clone_on_stack(&args, do_errand, &errand);
	NSI_SYS4(__NR_rt_sigprocmask, SIG_SETMASK, &mask, 0, sizeof(mask));
	NSI_SYS2(__NR_munmap, stack, WORKER_GUARD + WORKER_STACK);
	if (pid < 0) {
		run->detail = NSI_AT_CLONE;
		return (int)pid;
	}
	(void)nsi_process_wait(pidfd, 0, status);
	nsi_sys_close(pidfd);
	return errand.result;
}

/*
 * nsi_op_overlay_open() - the root's overlay as a detached mount in a slot
 * @run: the run
 * @op:  overlay.open
 *
 * Return: 0; -EBUSY when the kept layer is in use by another overlay; -ESTALE when
 * it was written over another directory; -errno.
 */
int nsi_op_overlay_open(struct nsi_run *run, const struct nsi_op *op)
{
	int fd = NSI_OVERLAY_OPEN_FLAGS(op) & OVERLAY_ATTACH ? make_elsewhere(run, op) :
							       make_overlay(run, op);

	return fd < 0 ? fd : nsi_slot_put(run, NSI_OVERLAY_OPEN_SLOT(op), fd);
}
