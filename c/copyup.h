/* SPDX-License-Identifier: Apache-2.0 */
/*
 * copyup.h - a new tmpfs that begins with what it covers.
 */
#ifndef NSI_COPYUP_H
#define NSI_COPYUP_H

#include "plan.h"

/* nsi_copy_tree() - copies what is in the directory @from (borrowed, O_PATH) into the directory
 * @to; other mounts below @from are left empty. 0; -ELOOP below 64 levels; -errno. */
int nsi_copy_tree(struct nsi_run *run, int from, int to);

#endif
