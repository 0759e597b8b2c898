/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parent.h - the parent's list and the parent's half of the hand-shake.
 */
#ifndef NSI_PARENT_H
#define NSI_PARENT_H

#include "plan.h"

/* nsi_parent_has_clone() - whether the Plan makes the child clone itself and end: a stage. */
int nsi_parent_has_clone(const struct nsi_run *run);

/* Part of a result: the time for waiting is over. */
#define NSI_LATER 0x40000000

/* nsi_parent() - executes parent operations [from, to); run->report tells of a failure. */
int nsi_parent(struct nsi_run *run, uint32_t from, uint32_t to);

/* nsi_parent_pump() - takes one message of the child: 1, 0 executed, -errno. */
int nsi_parent_pump(struct nsi_run *run);

/* nsi_parent_release() - lets the child go on from @point with @length bytes of @payload. */
int nsi_parent_release(struct nsi_run *run, uint32_t point, const void *payload, uint32_t length);

/* nsi_parent_last_words() - a message could not be sent: the failure that the child told of. */
int nsi_parent_last_words(struct nsi_run *run);

#endif
