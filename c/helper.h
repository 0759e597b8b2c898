/* SPDX-License-Identifier: Apache-2.0 */
/*
 * helper.h - the parts of the helper program that call each other.
 *
 *	nsinit init PLANFD SOCKFD    the child of a start: executes the child's list
 *	nsinit monitor PLANFD        what an attached command line becomes
 */
#ifndef NSI_HELPER_H
#define NSI_HELPER_H

#include "plan.h"

/* Exit statuses of the helper when it executes no program. */
#define NSI_EXIT_FAILED 125
#define NSI_EXIT_NOT_EXECUTABLE 126
#define NSI_EXIT_NOT_FOUND 127
#define NSI_EXIT_BROKEN 124 /* called wrongly, or the Plan is malformed */

/* nsi_start() - entered from _start. */
void nsi_start(const long *stack) __attribute__((noreturn));

/* nsi_helper() - role by argv[1]; returns the exit status. */
int nsi_helper(int argc, const char *const *argv);

/* nsi_child() - executes the child's list; returns the exit status. */
int nsi_child(struct nsi_run *run);

/* nsi_child_restore() - takes back the umask and the core limit of the set-up, where the list
 * of @run does not set them. */
int nsi_child_restore(const struct nsi_run *run);

/* nsi_plan_map() - maps the Plan that the memfd @fd holds and checks it; the descriptor stays. */
int nsi_plan_map(struct nsi_plan *plan, int fd);

/* nsi_fds_close() - closes all descriptors from @first on but the hand-shake's; @run forgets
 * its own. */
int nsi_fds_close(struct nsi_run *run, unsigned int first);

/* nsi_undumpable() - nobody may trace this process or open its /proc files. */
int nsi_undumpable(void);

/* nsi_keyring_drop() - an empty session keyring takes the place of the caller's, unless the child's
 * list has no keyring.join. */
int nsi_keyring_drop(const struct nsi_run *run);

/* nsi_exec_prepare() - builds the argument vectors of the exec operation, takes back the
 * helper's own umask and core limit and tells the parent that execve(2) comes next; once. */
int nsi_exec_prepare(struct nsi_run *run, const struct nsi_op *op);

/* nsi_monitor() - executes the monitor operation; returns the exit status. */
int nsi_monitor(struct nsi_run *run);

#endif
