/* SPDX-License-Identifier: Apache-2.0 */
/*
 * undo.h - executing the undo list, in the library and in the monitor.
 */
#ifndef NSI_UNDO_H
#define NSI_UNDO_H

#include "plan.h"

/* run->stop: the list was ended by undo.unless. */
#define NSI_STOP_NOTICE 2

/* nsi_undo() - execute all undo operations of run->plan, going on after failures; the first
 * failure is in run->report and returned. */
int nsi_undo(struct nsi_run *run);

#endif
