/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan.h - the packed Plan as C sees it, and the state of its execution.
 *
 * A Plan is one contiguous little-endian buffer: header, the three arrays of
 * operations, a pool of strings and bytes. plan.c checks every offset once;
 * after nsi_plan_open() all views are inside the buffer. The offsets here are
 * repeated in ffi/layout.ts and compared by tests/abi.
 */
#ifndef NSI_PLAN_H
#define NSI_PLAN_H

#include <stddef.h>
#include <stdint.h>

#define NSI_ABI 1
#define NSI_PLAN_MAGIC 0x50495350u   /* "PSIP" */
#define NSI_REPORT_MAGIC 0x5249534eu /* "NSIR" */

#define NSI_LISTS 3
enum nsi_list {
	NSI_LIST_PARENT = 0,
	NSI_LIST_CHILD = 1,
	NSI_LIST_UNDO = 2,
	NSI_LIST_NONE = 3,
};

/* A string (NUL-terminated, length without the NUL), a list of strings (each
 * NUL-terminated, length over all) or bytes. offset counts from the start of the
 * pool, whose first byte is unused: 0 means absent. A NUL follows every entry. */
struct nsi_ref {
	uint32_t offset;
	uint32_t length;
};

struct nsi_op {
	uint16_t kind;
	uint16_t reserved;
	uint32_t flags;
	uint64_t n[6];
	struct nsi_ref s[5];
};

struct nsi_plan_header {
	uint32_t magic;
	uint32_t abi;
	uint32_t length; /* of the whole Plan */
	uint32_t pool_offset;
	uint32_t pool_length;
	uint32_t op_offset[NSI_LISTS];
	uint32_t op_count[NSI_LISTS];
	/* Fault injection for tests: operation fault_index of fault_list fails with
	 * fault_errno instead of being executed; fault_list 3 means none. */
	uint32_t fault_list;
	uint32_t fault_index;
	uint32_t fault_errno;
	uint32_t reserved[2];
};

_Static_assert(sizeof(struct nsi_op) == 96, "layout of nsi_op");
_Static_assert(sizeof(struct nsi_plan_header) == 64, "layout of nsi_plan_header");

/* A checked view of a packed Plan. */
struct nsi_plan {
	const uint8_t *base;
	uint32_t length;
	const struct nsi_plan_header *header;
	const struct nsi_op *op[NSI_LISTS];
	uint32_t count[NSI_LISTS];
};

/* A view of bytes or of a list inside the Plan. */
struct nsi_bytes {
	const uint8_t *data; /* NULL when absent */
	uint32_t length;
};

/* Where inside an operation it failed. */
enum nsi_at {
	NSI_AT_NONE = 0,
	NSI_AT_RESOLVE = 1,    /* finding the target inside the root */
	NSI_AT_MAKE = 2,       /* making a missing file, directory, group */
	NSI_AT_OPEN = 3,       /* opening the source or the file */
	NSI_AT_MOUNT = 4,      /* making the mount or clone of a tree */
	NSI_AT_OPTION = 5,     /* a mount option */
	NSI_AT_ATTRIBUTES = 6, /* mount_setattr */
	NSI_AT_ATTACH = 7,     /* move_mount */
	NSI_AT_VERIFY = 8,     /* what is there is not what it must be */
	NSI_AT_WRITE = 9,
	NSI_AT_READ = 10,
	NSI_AT_CLONE = 11,
	NSI_AT_EXEC = 12,
	NSI_AT_JOIN = 13,      /* setns, joining a cgroup */
	NSI_AT_BRIDGE = 14,    /* the bridge is missing or refuses the port */
	NSI_AT_PEER = 15,      /* the inner end of a veth */
	NSI_AT_CHILD = 16,     /* the child ended without a report */
	NSI_AT_PROTOCOL = 17,  /* an unexpected message */
	NSI_AT_TRUNCATED = 18, /* the Plan itself is malformed */
	NSI_AT_COPY = 19       /* filling a tmpfs with what it covers */
};

/* What a failed step reports, and every message of the hand-shake. */
enum nsi_message {
	NSI_MSG_ERROR = 1,   /* list, index, error, detail, value */
	NSI_MSG_POINT = 2,   /* child -> parent: point reached; may carry descriptors */
	NSI_MSG_RELEASE = 3, /* parent -> child: go on from point; payload follows */
	NSI_MSG_FDS = 4,     /* descriptors for the slots in the payload (u32 array) */
	NSI_MSG_CLONED = 5,  /* stage -> parent: pid in value, pidfd attached */
	NSI_MSG_EXEC = 6,    /* child -> parent: execve comes next */
	NSI_MSG_PLAN = 7,    /* parent -> parked child: sealed memfd of a further Plan attached */
	NSI_MSG_LISTEN = 8,  /* parent -> parked child: listening socket attached */
};

struct nsi_report {
	uint32_t magic;
	uint32_t type; /* enum nsi_message */
	uint32_t list; /* enum nsi_list */
	uint32_t index;
	int32_t error;   /* positive errno */
	uint32_t detail; /* enum nsi_at */
	uint32_t point;
	uint32_t length; /* of the payload that follows in the same message */
	int64_t value;   /* pid, exit status, kernel flags: by type */
};

_Static_assert(sizeof(struct nsi_report) == 40, "layout of nsi_report");

#define NSI_SLOTS 512
#define NSI_GROUPS_MAX 1024
#define NSI_HOME_MAX 4096
#define NSI_PAYLOAD_MAX 16384

/* The user record: payload of the release of NSI_POINT_USER. */
struct nsi_user {
	uint32_t uid;
	uint32_t gid;
	uint32_t group_count;
	uint32_t home_length;
	uint32_t groups[NSI_GROUPS_MAX];
	char home[NSI_HOME_MAX]; /* NUL-terminated; only home_length + 1 bytes are sent */
};

/* Bytes of nsi_run.notefd: the least that can be mapped. */
#define NSI_NOTE_SIZE 4096

/* State of one execution of a Plan, in the library and in the helper. */
struct nsi_run {
	uint32_t abi;
	uint32_t detail; /* enum nsi_at of the step at work */
	int64_t value;   /* extra fact for the report */
	struct nsi_plan plan;
	int32_t sock;       /* this side of the hand-shake; -1 when closed */
	int32_t pidfd;      /* of the child */
	int32_t pid;        /* of the child, in the caller's pid namespace */
	int32_t stage;      /* pidfd of the stage process, -1 once reaped */
	int32_t rootfd;     /* O_PATH: the root of all paths of the container */
	int32_t procfd;     /* a private procfs or a checked /proc */
	int32_t ttyfd;      /* inner end of the pty */
	int32_t nullfd;     /* O_PATH on the host's null device, checked */
	int32_t emptyfd;    /* the empty directory that hides directories, once there is one */
	int32_t in_cwd;     /* the working directory has been entered */
	int32_t anchored;   /* / is the anchor's: see anchor.c */
	uint32_t have_user; /* user is filled in */
	uint32_t exec_sent;
	uint32_t stop;    /* an undo list that must not go on */
	uint32_t reached; /* point last reported by the child */
	uint32_t cloned;  /* the stage has reported its clone */
	uint32_t next;    /* child: operation after the one at work */
	uint32_t first;   /* child: operation that its parent counts as 0 */
	uint32_t said;    /* bytes of the payload that a failed hook has left */
	int32_t notefd;   /* a memfd in which the kernel notes the pid of the clone */
	int32_t expired;  /* the child has been waited for until the time below */
	int64_t until_ms; /* how long the caller waits for the child, monotonic; 0: for ever */
	int32_t slot[NSI_SLOTS];
	int32_t *note; /* the stage's: notefd, mapped; NULL without one */
	struct nsi_user user;
	struct nsi_report report;
	uint8_t payload[NSI_PAYLOAD_MAX];
};

#include "ops.h"

/* plan.c */

/* nsi_plan_open() - check a packed Plan and fill the view; 0 or -EBADMSG. */
int nsi_plan_open(struct nsi_plan *plan, const void *data, size_t length);

/* nsi_plan_fault() - the injected failure (-errno) of an operation, else 0. */
int nsi_plan_fault(const struct nsi_plan *plan, uint32_t list, uint32_t index);

/* nsi_str() - string of a checked reference; NULL when absent. */
const char *nsi_str(const struct nsi_plan *plan, const struct nsi_ref *ref);

/* nsi_blob() - bytes or list of a checked reference. */
struct nsi_bytes nsi_blob(const struct nsi_plan *plan, const struct nsi_ref *ref);

/* nsi_list_next() - the string after @at in a list, the first for NULL; NULL at the end. */
const char *nsi_list_next(struct nsi_bytes list, const char *at);

/* nsi_list_count() - how many strings a list holds. */
uint32_t nsi_list_count(struct nsi_bytes list);

#endif
