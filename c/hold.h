/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hold.h - signals that arrive while a command starts a container.
 */
#ifndef NSI_HOLD_H
#define NSI_HOLD_H

#include <stdint.h>

/* nsi_hold_wait_for() - waits until @fd is readable, for at most @milliseconds (-1: for ever):
 * -ETIMEDOUT; -EINTR when a held signal asks to stop first. */
int nsi_hold_wait_for(int fd, int64_t milliseconds);

#endif
