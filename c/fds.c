/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fds.c - which descriptors reach the program.
 *
 * Beyond the standard three only those that the caller passes on purpose, as 3, 4
 * and so on. The numbers may be taken by descriptors of the set-up, the socket of
 * the hand-shake among them: sources are moved out of the way first. Both
 * operations come after everything that needs the root's descriptors; the socket
 * stays and is closed by exec itself, which is how the parent learns of success.
 */
#include "helper.h"
#include "slot.h"
#include "sys.h"

#define NSI_FIRST_EXTRA 3

/* The numbers up to @end are about to be given away: what had them is not used again. */
static void forget_below(struct nsi_run *run, int end)
{
	int32_t *const own[] = { &run->rootfd, &run->procfd, &run->ttyfd, &run->nullfd,
				 &run->emptyfd };

	for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++)
		if (*own[i] < end)
			*own[i] = -1;
	for (uint32_t slot = 0; slot < NSI_SLOTS; slot++)
		if (run->slot[slot] < end)
			run->slot[slot] = -1;
}

/* A duplicate of @fd that is none of the numbers below @end. */
static int move_above(int fd, int end)
{
	int r = nsi_sys_fcntl(fd, F_DUPFD_CLOEXEC, end);

	if (r >= 0)
		nsi_sys_close(fd);
	return r;
}

/*
 * nsi_op_fds_place() - put slots on descriptors 3, 4, ... of the program
 * @run: its socket may get another number; other descriptors are forgotten
 * @op:  fds.place, directly before fds.close, which keeps as many
 *
 * Return: 0, -EBADF for an empty slot, or another -errno.
 */
int nsi_op_fds_place(struct nsi_run *run, const struct nsi_op *op)
{
	struct nsi_bytes slots = NSI_FDS_PLACE_SLOTS(run, op);
	uint32_t slot, count = slots.length / (uint32_t)sizeof(slot);
	int r, end = NSI_FIRST_EXTRA + (int)count;

	if (count > NSI_SLOTS)
		return -EINVAL;
	for (uint32_t i = 0; i < count; i++) {
		__builtin_memcpy(&slot, slots.data + i * sizeof(slot), sizeof(slot));
		r = nsi_slot_get(run, slot);
		if (r >= 0 && r < end)
			r = move_above(r, end);
		if (r < 0)
			return r;
		run->slot[slot] = r;
	}
	if (run->sock < end) {
		r = move_above(run->sock, end);
		if (r < 0)
			return r;
		run->sock = r;
	}
	forget_below(run, end);
	for (uint32_t i = 0; i < count; i++) {
		__builtin_memcpy(&slot, slots.data + i * sizeof(slot), sizeof(slot));
		r = nsi_sys_dup3(run->slot[slot], NSI_FIRST_EXTRA + (int)i, 0);
		if (r < 0)
			return r;
	}
	return 0;
}

/*
 * nsi_fds_close() - close all descriptors but the hand-shake's
 * @run:   forgets the descriptors of its own
 * @first: the lowest to be closed
 *
 * Return: 0 or -errno.
 */
int nsi_fds_close(struct nsi_run *run, unsigned int first)
{
	unsigned int sock = (unsigned int)run->sock;
	int r = 0;

	if (first < sock)
		r = (int)NSI_SYS3(__NR_close_range, first, sock - 1, 0);
	if (r == 0)
		r = (int)NSI_SYS3(__NR_close_range, first > sock ? first : sock + 1, ~0U, 0);
	run->rootfd = run->procfd = run->ttyfd = run->nullfd = run->emptyfd = -1;
	for (uint32_t slot = 0; slot < NSI_SLOTS; slot++)
		run->slot[slot] = -1;
	return r;
}

/*
 * nsi_op_fds_close() - close every descriptor above keep but the hand-shake's
 * @run: forgets the descriptors of its own
 * @op:  fds.close
 *
 * Return: 0 or -errno.
 */
int nsi_op_fds_close(struct nsi_run *run, const struct nsi_op *op)
{
	uint64_t keep = NSI_FDS_CLOSE_KEEP(op);

	if (keep > INT32_MAX)
		return -EINVAL;
	return nsi_fds_close(run, (unsigned int)keep + 1);
}
