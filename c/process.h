/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process.h - processes by pidfd: waiting, asking, signalling.
 */
#ifndef NSI_PROCESS_H
#define NSI_PROCESS_H

#include <stdint.h>

/* waitid(2): si_code of a process that ended by itself, and two options. */
#define NSI_CLD_EXITED 1
#define NSI_WNOHANG 0x00000001
#define NSI_WNOWAIT 0x01000000

/* nsi_process_wait() - waitid(2) of the child @pidfd, whatever its exit signal; @options may
 * have WNOHANG or WNOWAIT. si_code and si_status in out[0], out[1]. 0, -EAGAIN (WNOHANG,
 * it lives), -ECHILD, another -errno. */
int nsi_process_wait(int pidfd, int options, int32_t *out);

/* nsi_process_signal() - pidfd_send_signal(2); signal 0 tests. 0 or -errno. */
int nsi_process_signal(int pidfd, int signal);

#endif
