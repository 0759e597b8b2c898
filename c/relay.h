/* SPDX-License-Identifier: Apache-2.0 */
/*
 * relay.h - bytes from one descriptor to another, and the terminal, for the
 * monitor.
 */
#ifndef NSI_RELAY_H
#define NSI_RELAY_H

#include <asm/termbits.h>
#include <stdint.h>

#define NSI_STREAM_SIZE 32768

enum nsi_stream_flag {
	NSI_STREAM_INPUT = 1,  /* to the container: its end closes the pipe */
	NSI_STREAM_MASTER = 2, /* the container's side is the outer end of a pty */
	NSI_STREAM_SOCKET = 4, /* to is a socket of the caller */
	NSI_STREAM_SMALL = 8,  /* to may block on more than PIPE_BUF bytes */
};

struct nsi_stream {
	int32_t from, to; /* -1 once closed */
	uint32_t flags;
	uint32_t eof;    /* nothing more comes from @from */
	uint32_t paused; /* no one has the pty's inner end open now */
	uint32_t start, end;
	uint64_t budget; /* bytes that may still be read */
	uint8_t data[NSI_STREAM_SIZE];
};

/* nsi_stream_open() - starts relaying; the container's side becomes non-blocking. */
int nsi_stream_open(struct nsi_stream *stream, int from, int to, uint32_t flags);

/* nsi_stream_read() - takes what is there; @ended: the program has, so nothing comes later. */
void nsi_stream_read(struct nsi_stream *stream, int ended);

/* nsi_stream_write() - passes on what fits. */
void nsi_stream_write(struct nsi_stream *stream);

/* nsi_stream_limit() - the program has ended: only what is there now is still passed on. */
void nsi_stream_limit(struct nsi_stream *stream);

/* nsi_stream_busy() - whether there is anything left to pass on. */
int nsi_stream_busy(const struct nsi_stream *stream);

struct nsi_terminal {
	int32_t fd; /* of the saved settings, -1: none */
	struct termios saved;
};

/* nsi_terminal_raw() - saves the settings of @fd once and makes it raw. */
int nsi_terminal_raw(struct nsi_terminal *terminal, int fd);

/* nsi_terminal_restore() - puts back what was saved. */
void nsi_terminal_restore(struct nsi_terminal *terminal);

/* nsi_terminal_copy_size() - gives the size of @from to @to. */
int nsi_terminal_copy_size(int from, int to);

#endif
