/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hide.h - the host's mounts below a root that covers them.
 */
#ifndef NSI_HIDE_H
#define NSI_HIDE_H

#include "plan.h"

/* nsi_hide_host() - detach what is mounted on the old root, cover each procfs and sysfs
 * that is locked there; 0 or -errno. */
int nsi_hide_host(struct nsi_run *run);

#endif
