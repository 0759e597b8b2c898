/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process.c - processes by pidfd: waiting and signalling.
 *
 * A pidfd (Linux 5.3) means one process for ever, so no signal can reach a
 * stranger that got a recycled pid. Children of ours have exit signal 0, which
 * waitid(2) skips without __WALL.
 */
#include "process.h"
#include "sys.h"
#include <linux/signal.h>
#include <linux/wait.h>

/*
 * nsi_process_wait() - wait for the end of a child
 * @pidfd:   of the child; borrowed
 * @options: WNOHANG, WNOWAIT or 0
 * @out:     gets si_code and si_status
 *
 * Return: 0, -EAGAIN when it lives and WNOHANG is given, -ECHILD when it is no
 * child of this process or reaped already, or another -errno.
 */
int nsi_process_wait(int pidfd, int options, int32_t *out)
{
	siginfo_t info = { 0 };
	int r;

	do {
		r = (int)NSI_SYS5(__NR_waitid, P_PIDFD, pidfd, &info, options | WEXITED | __WALL,
				  0);
	} while (r == -EINTR);
	if (r < 0)
		return r;
	if (!info.si_pid)
		return -EAGAIN;
	out[0] = info.si_code;
	out[1] = info.si_status;
	return 0;
}

/*
 * nsi_process_signal() - send a signal
 * @pidfd:  of the process; borrowed
 * @signal: number, 0 only tests
 *
 * Return: 0, -ESRCH when it has ended and been reaped, or another -errno.
 */
int nsi_process_signal(int pidfd, int signal)
{
	return (int)NSI_SYS4(__NR_pidfd_send_signal, pidfd, signal, 0, 0);
}
