/* SPDX-License-Identifier: Apache-2.0 */
/*
 * relay.c - one direction of what flows between the caller and a container.
 *
 * A stream holds one buffer: it is read into when empty, so a slow reader slows
 * the writer down. The container's side (pty or pipe) belongs to us and is
 * non-blocking. The caller's side may be shared with other programs, whose
 * O_NONBLOCK flag it would be (open(2): file status flags are of the open file
 * description): a terminal or pipe is opened once more instead, a socket is
 * asked per call, and where neither can be done writes stay within PIPE_BUF,
 * which a pipe that polls writable takes whole (pipe(7)).
 */
#include "relay.h"
#include "sys.h"
#include "text.h"
#include <asm/ioctls.h>

#define NSI_S_IFMT 0170000
#define NSI_S_IFSOCK 0140000
#define NSI_S_IFIFO 0010000
#define NSI_PIPE_BUF 4096
#define NSI_MSG_DONTWAIT 0x40
#define NSI_MSG_NOSIGNAL 0x4000
#define NSI_VEOF 0x04

/* More than a pty buffers; bounds what comes from processes that outlive the program. */
#define NSI_PTY_REST 262144

static int set_nonblocking(int fd)
{
	int flags = nsi_sys_fcntl(fd, F_GETFL, 0);

	return flags < 0 ? flags : nsi_sys_fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

/* A descriptor of our own on the caller's @fd, or @fd itself with the flags that it needs. */
static int open_writer(int fd, uint32_t *flags)
{
	char path[sizeof("/proc/self/fd/") + 20] = "/proc/self/fd/";
	struct termios settings;
	struct statx info = { 0 };
	int r;

	if (nsi_sys_statx(fd, "", AT_EMPTY_PATH, STATX_TYPE, &info) < 0)
		return fd;
	if ((info.stx_mode & NSI_S_IFMT) == NSI_S_IFSOCK) {
		*flags |= NSI_STREAM_SOCKET;
		return fd;
	}
	if ((info.stx_mode & NSI_S_IFMT) != NSI_S_IFIFO && nsi_sys_ioctl(fd, TCGETS, &settings) < 0)
		return fd;
	nsi_text_number(path + sizeof("/proc/self/fd/") - 1, (uint64_t)fd);
	r = nsi_sys_openat(AT_FDCWD, path, O_WRONLY | O_NONBLOCK | O_NOCTTY, 0);
	if (r >= 0)
		return r;
	*flags |= NSI_STREAM_SMALL;
	return fd;
}

/*
 * nsi_stream_open() - start relaying
 * @stream: filled in
 * @from:   read from
 * @to:     written to
 * @flags:  NSI_STREAM_INPUT, NSI_STREAM_MASTER
 *
 * Return: 0 or -errno.
 */
int nsi_stream_open(struct nsi_stream *stream, int from, int to, uint32_t flags)
{
	stream->flags = flags;
	stream->eof = stream->paused = stream->start = stream->end = 0;
	stream->budget = UINT64_MAX;
	stream->from = from;
	stream->to = flags & NSI_STREAM_INPUT ? to : open_writer(to, &stream->flags);
	return set_nonblocking(flags & NSI_STREAM_INPUT ? to : from);
}

static void close_side(int32_t *fd)
{
	/* 0 to 2 are the caller's. */
	if (*fd > 2)
		nsi_sys_close(*fd);
	*fd = -1;
}

/* Nothing more comes: the container's stdin ends when the buffer has been passed on. */
static void finish_reading(struct nsi_stream *stream)
{
	stream->eof = 1;
	if (!(stream->flags & NSI_STREAM_INPUT))
		return;
	if (stream->flags & NSI_STREAM_MASTER) {
		stream->data[0] = NSI_VEOF;
		stream->start = 0;
		stream->end = 1;
	} else {
		close_side(&stream->to);
	}
}

/*
 * nsi_stream_read() - take what is there
 * @stream: with an empty buffer
 * @ended:  the program has ended: what would block is the end
 */
void nsi_stream_read(struct nsi_stream *stream, int ended)
{
	uint64_t size = sizeof(stream->data);
	long r;

	if (stream->eof || stream->start < stream->end)
		return;
	if (size > stream->budget)
		size = stream->budget;
	r = size ? nsi_sys_read(stream->from, stream->data, size) : 0;
	if (r == -EINTR || (r == -EAGAIN && !ended))
		return;
	if (r == -EIO && (stream->flags & NSI_STREAM_MASTER) && !ended &&
	    !(stream->flags & NSI_STREAM_INPUT)) {
		/* All have closed the inner end; the program may open it again. */
		stream->paused = 1;
		return;
	}
	if (r <= 0) {
		finish_reading(stream);
		return;
	}
	stream->budget -= (uint64_t)r;
	stream->start = 0;
	stream->end = (uint32_t)r;
}

/* The reader has gone. The writer behind a pipe is to notice, as if there were no relay; a
 * pty is read on, for to close it would hang up on the program. */
static void lose_reader(struct nsi_stream *stream)
{
	stream->start = stream->end = 0;
	if (stream->flags & NSI_STREAM_MASTER) {
		if (!(stream->flags & NSI_STREAM_INPUT))
			stream->to = -1;
		return;
	}
	stream->eof = 1;
	close_side(&stream->to);
	if (!(stream->flags & NSI_STREAM_INPUT))
		close_side(&stream->from);
}

/*
 * nsi_stream_write() - pass on what fits
 * @stream: the stream
 */
void nsi_stream_write(struct nsi_stream *stream)
{
	size_t length = stream->end - stream->start;
	const uint8_t *data = stream->data + stream->start;
	long r;

	if (!length)
		return;
	if (stream->to < 0) {
		stream->start = stream->end = 0;
		return;
	}
	if ((stream->flags & NSI_STREAM_SMALL) && length > NSI_PIPE_BUF)
		length = NSI_PIPE_BUF;
	if (stream->flags & NSI_STREAM_SOCKET)
		r = NSI_SYS6(__NR_sendto, stream->to, data, length,
			     NSI_MSG_DONTWAIT | NSI_MSG_NOSIGNAL, 0, 0);
	else
		r = nsi_sys_write(stream->to, data, length);
	if (r >= 0)
		stream->start += (uint32_t)r;
	else if (r != -EINTR && r != -EAGAIN)
		lose_reader(stream);
}

/*
 * nsi_stream_limit() - pass on only what is there now
 * @stream: from the container; processes that outlive the program may hold the
 *          other end and write on for ever
 */
void nsi_stream_limit(struct nsi_stream *stream)
{
	int waiting = 0;

	stream->paused = 0;
	if (stream->flags & NSI_STREAM_MASTER)
		stream->budget = NSI_PTY_REST;
	else if (stream->from >= 0 && nsi_sys_ioctl(stream->from, FIONREAD, &waiting) == 0)
		stream->budget = (uint64_t)waiting;
}

/*
 * nsi_stream_busy() - whether anything is left to pass on
 * @stream: the stream
 *
 * Return: 1 or 0.
 */
int nsi_stream_busy(const struct nsi_stream *stream)
{
	return stream->start < stream->end || (!stream->eof && stream->from >= 0);
}
