/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hold.h - signals that arrive while a command starts a container.
 */
#ifndef NSI_HOLD_H
#define NSI_HOLD_H

/* nsi_hold_wait() - waits until @fd is readable; -EINTR when a held signal asks to stop first. */
int nsi_hold_wait(int fd);

#endif
