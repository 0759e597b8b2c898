/* SPDX-License-Identifier: Apache-2.0 */
/*
 * handshake.h - messages between the caller's process and the helper, over a
 * SOCK_SEQPACKET socketpair: struct nsi_report, payload, descriptors.
 *
 *	caller                                child
 *	  | clone3 + execveat(helper)           |
 *	  |---- FDS (slots) ------------------->|  fds.receive
 *	  |<--- POINT n ------------------------|  sync n
 *	  |---- RELEASE n (payload) ----------->|
 *	  |<--- CLONED (pid, pidfd) ------------|  ns.clone, the stage exits
 *	  |<--- FDS (pty, passwd, group) -------|
 *	  |<--- POINT parked -------------------|  park: the rest may come later,
 *	  |---- PLAN (memfd) ------------------>|    as a further Plan,
 *	  |---- LISTEN (socket) --------------->|    or from whoever connects there
 *	  |<--- EXEC ---------------------------|  exec follows
 *	  |<--- ERROR, or end of file ----------|  failed, or running
 */
#ifndef NSI_HANDSHAKE_H
#define NSI_HANDSHAKE_H

#include "plan.h"

#define NSI_FDS_PER_MESSAGE 128

/* nsi_send() - one message: @report (magic filled in here), @payload of
 * report->length bytes, @count descriptors. Never raises SIGPIPE. 0 or -errno. */
int nsi_send(int sock, struct nsi_report *report, const void *payload, const int *fds,
	     uint32_t count);

/* nsi_send_by_sendmmsg() - the same by sendmmsg(2), where a filter holds sendmsg(2) back. */
int nsi_send_by_sendmmsg(int sock, struct nsi_report *report, const void *payload, const int *fds,
			 uint32_t count);

/* nsi_receive() - one message into @report, payload into @payload of @size bytes,
 * descriptors (close-on-exec) into @fds of @capacity, their number in *count_out.
 * 1, 0 at end of file, or -errno (-EPROTO for a malformed one). */
int nsi_receive(int sock, struct nsi_report *report, void *payload, uint32_t size, int *fds,
		uint32_t capacity, uint32_t *count_out);

#endif
