/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup.h - what the cgroup files share: opening groups as descriptors that
 * are known to lie on a cgroup file system, and the small files inside.
 */
#ifndef NSI_CGROUP_H
#define NSI_CGROUP_H

#include <errno.h>

#include "plan.h"

#define NSI_CGROUP_NAME_MAX 256
#define NSI_CGROUP_PATH_MAX 4096
/* The kernel lets no value of a cgroup file be longer than a page. */
#define NSI_CGROUP_FILE_MAX 4096

/* Names of the extended attribute on the groups that we made. */
#define NSI_CGROUP_MARK "trusted.nsinit"
#define NSI_CGROUP_MARK_USER "user.nsinit"
/* Mode of the groups that we make: the sticky bit is the mark that mkdir(2) itself leaves. */
#define NSI_CGROUP_MODE 01755u

#define NSI_CGROUP_OWNER_MAX 1088

/* nsi_cgroup_belongs() - 1 when the group @dirfd is the one that @owner made, or marks are not
 * kept here; 0 for somebody else's. */
int nsi_cgroup_belongs(int dirfd, const char *owner);

/* nsi_cgroup_check() - 0 when @fd is on a cgroup file system, else -errno. */
int nsi_cgroup_check(int fd);

/* nsi_cgroup_open() - open the group @path, with O_NOFOLLOW in @flags not through a last symlink;
 * -EINVAL when it does not lie on a cgroup file system. */
int nsi_cgroup_open(const char *path, int flags);

/* nsi_cgroup_below() - open @relative below the group @basefd, no symlinks, no other mounts. */
int nsi_cgroup_below(int basefd, const char *relative);

/* nsi_cgroup_relative() - the part of @path below @base, empty when equal; NULL when outside. */
const char *nsi_cgroup_relative(const char *base, const char *path);

/* nsi_cgroup_component() - next component of *rest into @name[NSI_CGROUP_NAME_MAX]. */
int nsi_cgroup_component(const char **rest, char *name);

/* nsi_cgroup_read() - text of a file of a group without its last newline; length or -errno. */
int nsi_cgroup_read(int dirfd, const char *file, char *out, size_t size);

/* nsi_cgroup_write() - write @text to a file of a group in one write(2); 0 or -errno. */
int nsi_cgroup_write(int dirfd, const char *file, const char *text);

/* nsi_cgroup_is_gone() - whether an error only says that the group does not exist; ENODEV
 * comes from files that were open when it was removed. */
static inline int nsi_cgroup_is_gone(long r)
{
	return r == -ENOENT || r == -ENODEV;
}

/* What is done with a group of a walk; @name is its name in @parentfd. */
typedef int (*nsi_cgroup_visitor)(int parentfd, const char *name, int dirfd, void *context);

/* nsi_cgroup_walk() - visit every group below @dirfd, children before their parent. */
int nsi_cgroup_walk(int dirfd, nsi_cgroup_visitor visit, void *context);

/* nsi_cgroup_vacant() - 0 when neither @dirfd nor a group below holds processes, and it is not frozen. */
int nsi_cgroup_vacant(int dirfd);

/* nsi_cgroup_now_ms(), nsi_cgroup_pause() - for bounded waiting. */
int64_t nsi_cgroup_now_ms(void);
void nsi_cgroup_pause(unsigned int *ms);

#endif
