/* SPDX-License-Identifier: Apache-2.0 */
/*
 * terminal.c - the caller's terminal while a container has a pty of its own.
 *
 * The outer terminal is made raw (termios(3), cfmakeraw): every key goes to the
 * inner one, which does echo, line editing and signals. The settings are saved
 * once and put back on every way out; doing that from the background must not
 * stop the monitor, so SIGTTOU is blocked meanwhile (tcsetattr(3)).
 */
#include "relay.h"
#include "sys.h"
#include <asm/ioctls.h>
#include <linux/signal.h>
#include <linux/termios.h>

static void make_raw(struct termios *settings)
{
	settings->c_iflag &=
		~(unsigned int)(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
	settings->c_oflag &= ~(unsigned int)OPOST;
	settings->c_lflag &= ~(unsigned int)(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
	settings->c_cflag &= ~(unsigned int)(CSIZE | PARENB);
	settings->c_cflag |= CS8;
	settings->c_cc[VMIN] = 1;
	settings->c_cc[VTIME] = 0;
}

/*
 * nsi_terminal_raw() - make a terminal raw
 * @terminal: gets the settings when it has none; its fd is -1 at first
 * @fd:       the terminal; borrowed
 *
 * Called again after SIGCONT: whoever had the terminal meanwhile changed it.
 *
 * Return: 0 or -errno.
 */
int nsi_terminal_raw(struct nsi_terminal *terminal, int fd)
{
	struct termios settings = { 0 };
	int r = nsi_sys_ioctl(fd, TCGETS, &settings);

	if (r < 0)
		return r;
	if (terminal->fd < 0) {
		terminal->saved = settings;
		terminal->fd = fd;
	}
	make_raw(&settings);
	return nsi_sys_ioctl(fd, TCSETSW, &settings);
}

/*
 * nsi_terminal_restore() - put back the saved settings
 * @terminal: without effect when nothing is saved
 */
void nsi_terminal_restore(struct nsi_terminal *terminal)
{
	const uint64_t stop = (uint64_t)1 << (SIGTTOU - 1);

	if (terminal->fd < 0)
		return;
	NSI_SYS4(__NR_rt_sigprocmask, SIG_BLOCK, &stop, 0, sizeof(stop));
	/* A terminal that has hung up has no settings to care for. */
	nsi_sys_ioctl(terminal->fd, TCSETSW, &terminal->saved);
	terminal->fd = -1;
}

/*
 * nsi_terminal_copy_size() - give one terminal the size of another
 * @from: borrowed
 * @to:   borrowed; the processes in front of it get SIGWINCH
 *
 * Return: 0 or -errno.
 */
int nsi_terminal_copy_size(int from, int to)
{
	struct winsize size = { 0 };
	int r = nsi_sys_ioctl(from, TIOCGWINSZ, &size);

	return r < 0 ? r : nsi_sys_ioctl(to, TIOCSWINSZ, &size);
}
