/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hook.h - what the two files about hooks share.
 */
#ifndef NSI_HOOK_H
#define NSI_HOOK_H

#include "plan.h"

/* nsi_hook_share_root() - lets mounts on the attached root reach us from a copy of it (@shared),
 * or takes that back; nothing when no root is attached. 0 or -errno. */
int nsi_hook_share_root(const struct nsi_run *run, const struct nsi_op *op, int shared);

/* nsi_hook_show_root() - in the hook's process: a mount namespace of its own, in which the attached
 * root lies at its host path instead of over /. 0 or -errno. */
int nsi_hook_show_root(const struct nsi_run *run, const struct nsi_op *op);

/* nsi_hook_load_filter() - in the hook's process: the filter that the container's program will get
 * behind the operation. 0 or -errno. */
int nsi_hook_load_filter(const struct nsi_run *run, const struct nsi_op *op);

#endif
