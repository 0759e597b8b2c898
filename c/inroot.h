/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inroot.h - paths of the container, resolved by the kernel inside its root
 * (openat2 RESOLVE_IN_ROOT|RESOLVE_NO_MAGICLINKS), each only once, to an fd.
 */
#ifndef NSI_INROOT_H
#define NSI_INROOT_H

#include "plan.h"

/* nsi_inroot_open() - open @path below run->rootfd with O_* @flags (O_CLOEXEC is
 * added) and extra RESOLVE_* bits; -errno. */
int nsi_inroot_open(struct nsi_run *run, const char *path, int flags, uint64_t resolve);

enum nsi_target {
	NSI_TARGET_DIRECTORY,
	NSI_TARGET_FILE,
};

/* nsi_inroot_target() - O_PATH fd of @path, made if missing with its parents (0755,
 * never through a symlink that the kernel has not resolved inside the root). */
int nsi_inroot_target(struct nsi_run *run, const char *path, enum nsi_target kind);

/* nsi_inroot_make() - as nsi_inroot_target(), with extra RESOLVE_* bits and with the mode of the
 * last component when it is made (not cut by the umask). With RESOLVE_NO_SYMLINKS any symlink
 * on the way is -ELOOP, dangling or not. */
int nsi_inroot_make(struct nsi_run *run, const char *path, enum nsi_target kind, uint64_t resolve,
		    unsigned int mode);

/* nsi_inroot_parent() - O_PATH fd of the directory that holds @path (made if
 * missing); *name_out points to the last component inside @path. */
int nsi_inroot_parent(struct nsi_run *run, const char *path, const char **name_out);

/* nsi_inroot_real_parent() - the same, refusing symlinks on the way (-ELOOP). */
int nsi_inroot_real_parent(struct nsi_run *run, const char *path, const char **name_out);

/* nsi_null_device() - O_PATH fd (run->nullfd) of the host's null device, opened
 * once from the host's /dev and checked to be char 1:3; -errno. */
int nsi_null_device(struct nsi_run *run);

/* nsi_proc_open() - open @path below run->procfd with RESOLVE_BENEATH, no
 * symlinks, no crossing; "self" as first component means the caller. Checked to
 * be on procfs. -errno. */
int nsi_proc_open(struct nsi_run *run, const char *path, int flags);

/* nsi_proc_write() - open as above and write @text in one go; 0 or -errno. */
int nsi_proc_write(struct nsi_run *run, const char *path, const char *text);

#endif
