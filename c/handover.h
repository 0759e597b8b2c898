/* SPDX-License-Identifier: Apache-2.0 */
/*
 * handover.h - the attached command line becomes the monitor.
 */
#ifndef NSI_HANDOVER_H
#define NSI_HANDOVER_H

#include "plan.h"

/* nsi_handover() - execveat(2) of the helper in its monitor role; returns only on failure. */
int nsi_handover(struct nsi_run *run);

#endif
