/* SPDX-License-Identifier: Apache-2.0 */
/*
 * slot.h - the empty run, and its table of descriptors that operations name by
 * slot. A run owns what stands in its slots.
 */
#ifndef NSI_SLOT_H
#define NSI_SLOT_H

#include "plan.h"
#include "sys.h"

/* nsi_run_reset() - an empty run: no descriptors, no child. */
static inline void nsi_run_reset(struct nsi_run *run)
{
	uint8_t *byte = (uint8_t *)run;

	for (size_t i = 0; i < offsetof(struct nsi_run, payload); i++)
		byte[i] = 0;
	run->abi = NSI_ABI;
	run->sock = run->pidfd = run->stage = run->notefd = -1;
	run->rootfd = run->procfd = run->ttyfd = run->nullfd = run->emptyfd = -1;
	for (uint32_t slot = 0; slot < NSI_SLOTS; slot++)
		run->slot[slot] = -1;
}

/* nsi_slot_get() - descriptor in @slot, borrowed; -EBADF when there is none. */
static inline int nsi_slot_get(const struct nsi_run *run, uint64_t slot)
{
	if (slot >= NSI_SLOTS || run->slot[slot] < 0)
		return -EBADF;
	return run->slot[slot];
}

/* nsi_slot_put() - gives @fd to @slot, closing what was there; on -EBADF @fd is closed. */
static inline int nsi_slot_put(struct nsi_run *run, uint64_t slot, int fd)
{
	if (slot >= NSI_SLOTS) {
		nsi_sys_close(fd);
		return -EBADF;
	}
	if (run->slot[slot] >= 0)
		nsi_sys_close(run->slot[slot]);
	run->slot[slot] = fd;
	return 0;
}

/* nsi_slot_drop() - closes what stands in @slot, if anything. */
static inline void nsi_slot_drop(struct nsi_run *run, uint64_t slot)
{
	if (slot < NSI_SLOTS && run->slot[slot] >= 0) {
		nsi_sys_close(run->slot[slot]);
		run->slot[slot] = -1;
	}
}

#endif
