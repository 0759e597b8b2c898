/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vfork.h - children that share the memory of a process with many threads until
 * they execute a program.
 */
#ifndef NSI_VFORK_H
#define NSI_VFORK_H

#include <linux/sched.h>

/* nsi_clone_on_stack() - clone3(2) whose child calls @entry, which does not return; pid or -errno. */
long nsi_clone_on_stack(const struct clone_args *args, void (*entry)(void *), void *argument);

/* nsi_clone_vfork() - clone3(2) with @args, memory shared and the caller suspended until the child has
 * executed a program or ended; signals are blocked in the child. pid and *pidfd_out, or -errno. */
long nsi_clone_vfork(struct clone_args *args, void (*entry)(void *), void *argument,
		     int *pidfd_out);

/* nsi_clone_default_signals() - in the child: every disposition is the default one. */
void nsi_clone_default_signals(void);

/* nsi_clone_unblock_signals() - in the child: the mask is empty; 0 or -errno. */
int nsi_clone_unblock_signals(void);

#endif
