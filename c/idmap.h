/* SPDX-License-Identifier: Apache-2.0 */
/*
 * idmap.h - the id maps of a child's user namespace.
 */
#ifndef NSI_IDMAP_H
#define NSI_IDMAP_H

#include "plan.h"

/* nsi_idmap_open() - /proc/PID of a child that has not been waited for; -errno. */
int nsi_idmap_open(int pid, int pidfd);

/* nsi_idmap_write() - setgroups (denied when @deny), uid_map and gid_map; 0 or -errno. */
int nsi_idmap_write(struct nsi_run *run, int dirfd, int deny, const char *uids, const char *gids);

#endif
