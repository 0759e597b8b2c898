/* SPDX-License-Identifier: Apache-2.0 */
/*
 * account.h - passwd and group of a container: whether they are still those that
 * somebody has looked a user up in.
 */
#ifndef NSI_ACCOUNT_H
#define NSI_ACCOUNT_H

#include "plan.h"

/* A file and its state; all zero where there is none. */
struct nsi_account {
	uint64_t inode, size;
	int64_t changed_s;
	uint32_t changed_ns;
	uint32_t dev_major, dev_minor;
	uint32_t exists;
};

_Static_assert(sizeof(struct nsi_account) == 40, "layout of nsi_account");

/* nsi_account_look() - fills @out for @fd, which may be negative: there is none; 0 or -errno. */
int nsi_account_look(int fd, struct nsi_account *out);

/* nsi_user_keep() - takes a user record of @length bytes, checked; 0 or -EPROTO. */
int nsi_user_keep(struct nsi_run *run, const void *record, uint32_t length);

#endif
