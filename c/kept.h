/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kept.h - a start that is kept: what TypeScript has decided for one command line,
 * with the facts that it was decided from, in a file for its owner alone.
 *
 * The file is a head and items. ffi/encode_start.ts writes it.
 */
#ifndef NSI_KEPT_H
#define NSI_KEPT_H

#include "plan.h"

#define NSI_KEPT_MAGIC 0x4b49534eu /* "NSIK" */
#define NSI_KEPT_FORMAT 1
#define NSI_KEPT_DIRECTORY "/run/nsinit-starts"
#define NSI_KEPT_SIZE (4u << 20)
/* Digits of a hash in hexadecimal, and of them those that name a file. */
#define NSI_KEPT_DIGITS 16
#define NSI_KEPT_NAME 2
#define NSI_KEPT_NAME_SIZE 8

struct nsi_kept_head {
	uint32_t magic;
	uint32_t format;
	uint64_t hash; /* of the key; a file of nothing but a head says that it was seen */
};

/* Followed by its bytes, padded to 8. */
struct nsi_kept_item {
	uint32_t type;
	uint32_t length;
};

enum nsi_kept_type {
	NSI_KEPT_KEY = 1,    /* arguments and the current directory, each with its NUL */
	NSI_KEPT_FILE = 2,   /* path, NUL, what the file holds */
	NSI_KEPT_LINES = 3,  /* path, NUL, a text that stands in the file */
	NSI_KEPT_PLACE = 4,  /* struct nsi_kept_place, path, NUL */
	NSI_KEPT_ABSENT = 5, /* path, NUL */
	NSI_KEPT_UNSET = 6,  /* name of a variable, NUL */
	NSI_KEPT_LIMIT = 7,  /* soft and hard limit of open files */
	/* A command line of this form is carried out by TypeScript, whatever its facts. */
	NSI_KEPT_NEVER = 8,
	NSI_KEPT_RECORD = 9,   /* as a place: state.json, changed by nobody since */
	NSI_KEPT_PROCESS = 10, /* pid and start time of the first process, each with its NUL */
	NSI_KEPT_HELD = 11,    /* nothing: it waits to be started */
	NSI_KEPT_DONE = 12,    /* nothing: what is left of an item that holds no more */
	NSI_KEPT_ANSWER = 13,  /* text: what `state` prints */
	NSI_KEPT_THAWED = 14,  /* path, NUL, what the file holds unless the container is paused */
	NSI_KEPT_ALSO_THAWED = 15, /* the same of another hierarchy; empty where there is none */

	NSI_KEPT_ROOT = 16,     /* state root, NUL */
	NSI_KEPT_ID = 17,       /* id, NUL */
	NSI_KEPT_DETACHED = 18, /* nothing: the command ends when the program runs */
	NSI_KEPT_PLAN = 19,     /* packed Plan of the start */
	NSI_KEPT_UNDO = 20,     /* packed Plan that takes a failed start back */
	NSI_KEPT_MONITOR = 21,  /* packed Plan of the monitor */
	NSI_KEPT_MARKS = 22,    /* where the mark stands in the Plan before: u32 offsets */
	NSI_KEPT_BEFORE = 23,   /* text: state before anything is made */
	NSI_KEPT_MARKED = 24,   /* text: state with the inodes of markers */
	NSI_KEPT_RUNNING = 25,  /* text: state of the running container */
	NSI_KEPT_TAIL = 26,     /* end of all states */
	/* Directory; of each marker its name, its name until then, a temporary one. Each with its NUL. */
	NSI_KEPT_MARKER = 27,
	NSI_KEPT_CONTENT = 28, /* texts: content of each marker, with a NUL */
	NSI_KEPT_PASSWD = 29,  /* passwd file of the container */
	NSI_KEPT_GROUP = 30,   /* its group file */
	NSI_KEPT_USER = 31,    /* who the user is then: payload of the release */
	NSI_KEPT_TYPES = 32,
};

/* A file, and what it must be. Times in milliseconds, that of the change in whole seconds,
 * since Deno tells no more; 0 when they do not matter. */
struct nsi_kept_place {
	uint64_t device, inode;
	uint64_t size;
	int64_t modified, changed;
};

/* In a text, NSI_KEPT_ESCAPE and one of these letters stand for what a start finds out. */
#define NSI_KEPT_ESCAPE 1
enum nsi_kept_value {
	NSI_KEPT_MARK = 'M',        /* 16 random digits */
	NSI_KEPT_CREATED = 'C',     /* the time */
	NSI_KEPT_OWNER = 'O',       /* pid of the command */
	NSI_KEPT_OWNER_START = 'o', /* its start time */
	NSI_KEPT_PID = 'P',         /* pid of the first process */
	NSI_KEPT_START = 'S',       /* its start time */
	NSI_KEPT_INODE = 'I',       /* inode of the first marker */
	NSI_KEPT_SECOND = 'J',      /* inode of the second one */
	NSI_KEPT_STATUS = 'T',      /* what the container is doing */
};

#define NSI_KEPT_MARK_DIGITS 16
#define NSI_KEPT_NUMBER 24
#define NSI_KEPT_TIME 25
#define NSI_KEPT_MARKERS 2

/* The values, each with its NUL. */
struct nsi_kept_values {
	char mark[NSI_KEPT_MARK_DIGITS + 1], created[NSI_KEPT_TIME];
	char owner[NSI_KEPT_NUMBER], owner_start[NSI_KEPT_NUMBER];
	char pid[NSI_KEPT_NUMBER], start[NSI_KEPT_NUMBER];
	char inode[NSI_KEPT_MARKERS][NSI_KEPT_NUMBER];
	char status[NSI_KEPT_NUMBER];
};

/* Files in the container's directory that tell of it. */
struct nsi_kept_markers {
	uint32_t count;
	const char *dir;
	const char *name[NSI_KEPT_MARKERS], *staged[NSI_KEPT_MARKERS], *temporary[NSI_KEPT_MARKERS];
	uint32_t mode[NSI_KEPT_MARKERS];
	int fd[NSI_KEPT_MARKERS];
	uint64_t inode[NSI_KEPT_MARKERS];
};

/* An item that has been looked up. */
struct nsi_kept_part {
	uint8_t *data; /* NULL when absent */
	uint32_t length;
};

/* A file that has been read. Parts lie in it; marks follow the Plan that they are of. */
struct nsi_kept {
	struct nsi_kept_part part[NSI_KEPT_TYPES];
	struct nsi_kept_part marks[NSI_KEPT_TYPES];
	uint8_t *bytes; /* the whole file */
	uint64_t length;
	uint64_t hash;
};

/* What a file is about. */
enum nsi_kept_subject {
	NSI_KEPT_COMMAND,   /* a command line: key of arguments and current directory */
	NSI_KEPT_CONTAINER, /* a container of an engine: key of state root and id */
};

enum nsi_kept_verdict {
	NSI_KEPT_OTHER, /* there is none for this command line */
	NSI_KEPT_SEEN,  /* this command line has been seen, and is worth keeping now */
	NSI_KEPT_LEFT,  /* it is not to be kept */
	NSI_KEPT_VALID, /* it can be carried out */
};

/* nsi_kept_hash() - hash of a command line: its arguments and the current directory. */
uint64_t nsi_kept_hash(const char *const *argv, const char *cwd);

/* nsi_kept_load() - reads the file of a subject into @out; bytes read, or -1. */
int64_t nsi_kept_load(enum nsi_kept_subject subject, uint64_t hash, uint8_t *out);

/* nsi_kept_read_all() - reads at most NSI_KEPT_SIZE bytes of a file; their number, or -1. */
int64_t nsi_kept_read_all(int fd, uint8_t *out);

/* nsi_kept_read() - looks for the file of a subject, and whether everything is as it was. */
enum nsi_kept_verdict nsi_kept_read(struct nsi_kept *kept, enum nsi_kept_subject subject,
				    const char *const *argv, const char *const *envp,
				    const char *cwd);

/* nsi_kept_make_directory() - makes the directory of all files, for the superuser alone. */
void nsi_kept_make_directory(void);

/* nsi_kept_write() - replaces the file of a container by what its bytes are now; 0 or -errno. */
int nsi_kept_write(const struct nsi_kept *kept);

/* nsi_kept_holds_record() - whether the record is what it was. */
int nsi_kept_holds_record(const struct nsi_kept *kept);

/* nsi_kept_renew_record() - takes the record as it is now for the one that it was; 0 or -errno. */
int nsi_kept_renew_record(struct nsi_kept *kept);

/* nsi_kept_is_thawed() - whether the container is not paused; where that cannot be told, no. */
int nsi_kept_is_thawed(const struct nsi_kept *kept);

/* nsi_kept_string() - an item that is one text with its NUL; NULL when it is not. */
const char *nsi_kept_string(const struct nsi_kept *kept, uint32_t type);

/* nsi_kept_lives() - whether a process lives and has that start time. */
int nsi_kept_lives(const char *pid, const char *start);

/* nsi_kept_oci() - carries out a command of an engine on a container that is known: its exit
 * status, or -1 when Deno has to. A failure that it has to word is left in @report. */
int nsi_kept_oci(const char *const *args, const char *const *envp, struct nsi_report *report);

/* nsi_kept_note() - notes that a command line has been seen; what cannot be written is left. */
void nsi_kept_note(uint64_t hash);

/* nsi_kept_time() - seconds since 1970 and thousandths as 2014-07-01T00:00:00.000Z. */
void nsi_kept_time(char out[NSI_KEPT_TIME], int64_t seconds, int64_t thousandths);

/* nsi_kept_start_time() - start time of a process, as its stat file tells; 0 or -errno. */
int nsi_kept_start_time(const char *pid, char out[NSI_KEPT_NUMBER]);

/* nsi_kept_values() - finds what is known before anything is made; 0 or -errno. */
int nsi_kept_values(struct nsi_kept_values *values);

/* nsi_kept_fill() - appends a text with its values to @out, which holds @length bytes; the new
 * length, -EMSGSIZE when there is no room, -EBADMSG for a value that is unknown. */
int64_t nsi_kept_fill(const struct nsi_kept_part *text, const struct nsi_kept_values *values,
		      uint8_t *out, int64_t length, int64_t size);

/* nsi_kept_markers_stage() - makes the markers of an item under other names; their inodes become
 * values. 0 or -errno; what was made is recorded already. */
int nsi_kept_markers_stage(struct nsi_kept_markers *markers, const struct nsi_kept_part *names,
			   struct nsi_kept_values *values);

/* nsi_kept_markers_publish() - gives them their names; 0 or -errno. */
int nsi_kept_markers_publish(const struct nsi_kept_markers *markers);

/* nsi_kept_markers_fill() - writes their contents; 0 or -errno. */
int nsi_kept_markers_fill(const struct nsi_kept_markers *markers,
			  const struct nsi_kept_part *contents,
			  const struct nsi_kept_values *values);

/* nsi_kept_markers_close() - closes them. */
void nsi_kept_markers_close(struct nsi_kept_markers *markers);

/* nsi_kept_start() - starts the container and becomes its monitor, or ends when detached; returns
 * when it could not, with nothing left of it. */
void nsi_kept_start(struct nsi_kept *kept);

#endif
