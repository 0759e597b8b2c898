/* SPDX-License-Identifier: Apache-2.0 */
/*
 * monitor.c - what an attached command line becomes while its program runs.
 *
 * The process has executed the helper in place: same pid, same children,
 * descriptors 0 to 2 of the caller, and those that the operation names. One
 * poll(2) loop relays the terminal or the pipes, forwards signals by pidfd and
 * waits for the end; then what is left to read is passed on, the terminal is put
 * back, the undo list is executed, and the exit status is the program's, 128+N
 * when signal N ended it.
 *
 * All signals arrive by signalfd(2), but for those of job control, which stop
 * the monitor as any command, and SIGPIPE, which is ignored: a write that finds
 * no reader says EPIPE. So no signal but SIGKILL ends the monitor before its
 * program, and the terminal is never left raw.
 */
#include "helper.h"
#include "process.h"
#include "relay.h"
#include "sys.h"
#include "text.h"
#include "undo.h"
#include <linux/poll.h>
#include <linux/signal.h>

#define NSI_BIT(signal) ((uint64_t)1 << ((signal)-1))
#define NSI_REOPEN_MS 50

enum {
	INPUT,
	OUTPUT,
	ERROR,
	STREAMS
};

static struct monitor {
	const struct nsi_op *op;
	int pidfd, master, signalfd;
	int ended;
	struct nsi_terminal terminal;
	struct nsi_stream stream[STREAMS];
} monitor;

static const struct nsi_op *find_operation(const struct nsi_run *run)
{
	for (uint32_t i = 0; i < run->plan.count[NSI_LIST_PARENT]; i++)
		if (run->plan.op[NSI_LIST_PARENT][i].kind == NSI_OP_MONITOR)
			return &run->plan.op[NSI_LIST_PARENT][i];
	return NULL;
}

static int open_signals(void)
{
	const uint64_t mask =
		~(NSI_BIT(SIGKILL) | NSI_BIT(SIGSTOP) | NSI_BIT(SIGCHLD) | NSI_BIT(SIGTSTP) |
		  NSI_BIT(SIGTTIN) | NSI_BIT(SIGTTOU) | NSI_BIT(SIGPIPE));
	const struct {
		void *handler;
		unsigned long flags;
		void *restorer;
		uint64_t mask;
	} ignore = { (void *)1, 0, NULL, 0 };

	NSI_SYS4(__NR_rt_sigaction, SIGPIPE, &ignore, 0, sizeof(mask));
	NSI_SYS4(__NR_rt_sigprocmask, SIG_SETMASK, &mask, 0, sizeof(mask));
	return (int)NSI_SYS4(__NR_signalfd4, -1, &mask, sizeof(mask), O_CLOEXEC | O_NONBLOCK);
}

static int open_stream(int which, int64_t fd, uint32_t flags)
{
	if (fd < 0) {
		monitor.stream[which].from = monitor.stream[which].to = -1;
		monitor.stream[which].eof = 1;
		return 0;
	}
	if (which == INPUT)
		return nsi_stream_open(&monitor.stream[INPUT], 0, (int)fd,
				       flags | NSI_STREAM_INPUT);
	return nsi_stream_open(&monitor.stream[which], (int)fd, which, flags);
}

static int open_all(const struct nsi_op *op)
{
	int64_t master = NSI_MONITOR_MASTER(op);
	int r;

	monitor.op = op;
	monitor.pidfd = (int)NSI_MONITOR_PIDFD(op);
	monitor.master = (int)master;
	monitor.terminal.fd = -1;
	monitor.signalfd = open_signals();
	if (monitor.signalfd < 0)
		return monitor.signalfd;
	if (master >= 0) {
		r = open_stream(INPUT, master, NSI_STREAM_MASTER);
		if (r == 0)
			r = open_stream(OUTPUT, master, NSI_STREAM_MASTER);
		if (r == 0)
			r = open_stream(ERROR, -1, 0);
	} else {
		r = open_stream(INPUT, NSI_MONITOR_STDIN(op), 0);
		if (r == 0)
			r = open_stream(OUTPUT, NSI_MONITOR_STDOUT(op), 0);
		if (r == 0)
			r = open_stream(ERROR, NSI_MONITOR_STDERR(op), 0);
	}
	return r;
}

/* Neither can fail in a way that is worth the program: it only looks less well. */
static void set_terminal(void)
{
	if (NSI_MONITOR_FLAGS(monitor.op) & 1)
		(void)nsi_terminal_raw(&monitor.terminal, 0);
	if ((NSI_MONITOR_FLAGS(monitor.op) & 2) && monitor.master >= 0)
		(void)nsi_terminal_copy_size(0, monitor.master);
}

static void take_signals(void)
{
	/* struct signalfd_siginfo, whose header clashes with fcntl(2)'s. */
	struct {
		uint32_t ssi_signo;
		uint8_t rest[124];
	} info = { 0 };

	while (nsi_sys_read(monitor.signalfd, &info, sizeof(info)) == (long)sizeof(info)) {
		int signal = (int)info.ssi_signo;

		if (signal == SIGWINCH) {
			if ((NSI_MONITOR_FLAGS(monitor.op) & 2) && monitor.master >= 0)
				(void)nsi_terminal_copy_size(0, monitor.master);
			continue;
		}
		if (signal == SIGCONT)
			set_terminal();
		if (!monitor.ended) {
			/* It may end at any moment: ESRCH is no failure. */
			(void)nsi_process_signal(monitor.pidfd, signal);
			continue;
		}
		/* The user is tired of waiting for whoever reads our output. */
		if (signal == SIGINT || signal == SIGTERM || signal == SIGHUP || signal == SIGQUIT)
			monitor.ended = 2;
	}
}

static void watch(struct pollfd *poll, int fd, int events)
{
	poll->fd = fd;
	poll->events = (short)events;
	poll->revents = 0;
}

/* How long to wait for an event. After the end only what is there now counts; a paused
 * stream is tried again after a while. */
enum patience {
	NONE,
	LITTLE,
	ENDLESS
};

/* Two entries for a stream: what can be read, what can be written. -1 asks for nothing. */
static enum patience watch_stream(struct pollfd *poll, const struct nsi_stream *stream, int ended)
{
	int full = stream->start < stream->end;
	int reads = !stream->eof && !stream->paused && !full;

	if (ended && (stream->flags & NSI_STREAM_INPUT))
		reads = full = 0;
	watch(&poll[0], reads ? stream->from : -1, POLLIN);
	watch(&poll[1], full ? stream->to : -1, POLLOUT);
	if (ended && reads)
		return NONE;
	return stream->paused ? LITTLE : ENDLESS;
}

static void move_bytes(const struct pollfd *poll, struct nsi_stream *stream)
{
	if (poll[1].revents)
		nsi_stream_write(stream);
	/* After the end nothing new comes, so reading needs no poll(2). */
	if (poll[0].revents || (monitor.ended && !(stream->flags & NSI_STREAM_INPUT)))
		nsi_stream_read(stream, monitor.ended);
	/* Without a reader the buffer is emptied at once. */
	if (stream->to < 0)
		nsi_stream_write(stream);
}

static int finished(void)
{
	return monitor.ended == 2 || (monitor.ended && !nsi_stream_busy(&monitor.stream[OUTPUT]) &&
				      !nsi_stream_busy(&monitor.stream[ERROR]));
}

static int wait_for_events(struct pollfd *poll, uint32_t count, enum patience patience)
{
	struct {
		int64_t seconds, nanoseconds;
	} timeout = { 0, patience == LITTLE ? NSI_REOPEN_MS * 1000000L : 0 };
	int r = (int)NSI_SYS5(__NR_ppoll, poll, count, patience == ENDLESS ? NULL : &timeout, 0, 8);

	if (r == 0)
		for (int i = 0; i < STREAMS; i++)
			monitor.stream[i].paused = 0;
	return r == -EINTR ? 0 : r;
}

static int relay_until_end(void)
{
	struct pollfd poll[2 + 2 * STREAMS];
	enum patience patience, wanted;
	int r;

	while (!finished()) {
		patience = ENDLESS;
		watch(&poll[0], monitor.ended ? -1 : monitor.pidfd, POLLIN);
		watch(&poll[1], monitor.signalfd, POLLIN);
		for (int i = 0; i < STREAMS; i++) {
			wanted = watch_stream(&poll[2 + 2 * i], &monitor.stream[i], monitor.ended);
			patience = wanted < patience ? wanted : patience;
		}
		r = wait_for_events(poll, 2 + 2 * STREAMS, patience);
		if (r < 0)
			return r;
		if (poll[1].revents)
			take_signals();
		if (poll[0].revents) {
			monitor.ended = 1;
			nsi_stream_limit(&monitor.stream[OUTPUT]);
			nsi_stream_limit(&monitor.stream[ERROR]);
		}
		for (int i = 0; i < STREAMS; i++)
			move_bytes(&poll[2 + 2 * i], &monitor.stream[i]);
	}
	return 0;
}

static void print_message(const char *message)
{
	size_t length = message ? nsi_text_length(message) : 0;

	if (!length)
		return;
	nsi_sys_write(2, message, length);
	if (message[length - 1] != '\n')
		nsi_sys_write(2, "\n", 1);
}

/* Hooks come last: whatever else fails is the first failure. */
static int only_hooks_failed(const struct nsi_run *run)
{
	return run->plan.op[NSI_LIST_UNDO][run->report.index].kind == NSI_OP_HOOK_RUN;
}

/*
 * nsi_monitor() - execute the monitor operation
 * @run: with the Plan open
 *
 * Return: exit status: the program's, 128+N after signal N, NSI_EXIT_FAILED when
 * it cannot be known.
 */
int nsi_monitor(struct nsi_run *run)
{
	const struct nsi_op *op = find_operation(run);
	int32_t status[2];
	int result = NSI_EXIT_FAILED, r, relayed;

	if (!op)
		return NSI_EXIT_BROKEN;
	relayed = open_all(op);
	if (relayed == 0) {
		set_terminal();
		relayed = relay_until_end();
	}
	nsi_terminal_restore(&monitor.terminal);
	/* Without its relay nobody could see or stop the program. */
	if (relayed < 0)
		(void)nsi_process_signal(monitor.pidfd, SIGKILL);
	r = nsi_process_wait(monitor.pidfd, 0, status);
	if (r == 0 && relayed == 0)
		result = status[0] == NSI_CLD_EXITED ? status[1] : 128 + (status[1] & 0x7f);
	if (nsi_undo(run) < 0)
		print_message(only_hooks_failed(run) ? NSI_MONITOR_WARNING(run, op) :
						       NSI_MONITOR_MESSAGE(run, op));
	else if (run->stop == NSI_STOP_NOTICE)
		print_message(NSI_MONITOR_NOTICE(run, op));
	return result;
}
