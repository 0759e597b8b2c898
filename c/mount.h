/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mount.h - what mounting operations share: detached mounts with all their
 * attributes, attached last and looked at once more.
 */
#ifndef NSI_MOUNT_H
#define NSI_MOUNT_H

#include "plan.h"

#define NSI_STAT_MASK (STATX_BASIC_STATS | STATX_MNT_ID)

/* nsi_stat() - statx(2) of an open descriptor, mount id included; 0 or -errno. */
int nsi_stat(int fd, struct statx *out);

/* nsi_on_fs() - 1 when @fd lies on a file system of f_type @magic, 0 when not; -errno. */
int nsi_on_fs(int fd, int64_t magic);

/* nsi_fs_open(), nsi_fs_option(), nsi_fs_options(), nsi_fs_finish() - a new instance step by step. */
int nsi_fs_open(struct nsi_run *run, const char *fstype, const char *source);
int nsi_fs_option(int fsfd, const char *key, const char *value);
int nsi_fs_options(struct nsi_run *run, int fsfd, struct nsi_bytes options);
int nsi_fs_finish(struct nsi_run *run, int fsfd, uint64_t attr);

/* nsi_fs_make() - detached mount of a new instance; @options may have data NULL. */
int nsi_fs_make(struct nsi_run *run, const char *fstype, const char *source,
		struct nsi_bytes options, uint64_t attr);

/* nsi_tree_attach() - @treefd over @targetfd, which was opened as @path with O_PATH | @flags and
 * @resolve; refuses the root itself (-EBUSY), and -ESTALE when the path leads elsewhere after. */
int nsi_tree_attach(struct nsi_run *run, int treefd, int targetfd, const char *path, int flags,
		    uint64_t resolve);

/* nsi_tree_set() - attributes and propagation of a mount; AT_RECURSIVE in @flags. */
int nsi_tree_set(struct nsi_run *run, int treefd, unsigned int flags, uint64_t set, uint64_t clear,
		 uint64_t propagation);

/* The directory of the anchor (anchor.c), in which it has the host's null device. */
#define NSI_ANCHOR_DIRECTORY "dev"

#endif
