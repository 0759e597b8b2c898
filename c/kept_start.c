/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kept_start.c - carries a kept start out: lib/container/exec.ts in short.
 *
 * The order is that of lib/container/start.ts: lock, record, marker, Plan with the
 * record of the pid while the child waits, monitor. What is decided in between (who the
 * user is) was decided for equal files. Until the program runs, a failure takes
 * everything back and returns; what cannot be taken back stays recorded, for
 * whoever uses the container next.
 */
#include "kept.h"
#include "cleanup.h"
#include "nsinit.h"
#include "slot.h"
#include "sys.h"
#include "text.h"

#define STATE "state.json"
#define STATE_SPARE ".state.json.nsinit"
#define PATH_SIZE 4096
#define ACCOUNT_SIZE (1u << 20)
#define MAKE 1u
#define NO_INODE UINT64_MAX
#define NSI_EXIT_FAILED 125
#define LOST "nsinit: Cannot watch the program, so it was ended\n"

static struct start {
	struct nsi_kept *kept;
	const char *root, *id;
	char dir[PATH_SIZE];
	int lockfd;
	int runs; /* the program may run: what fails now is not tried again */
	int has_written;
	struct nsi_run run;
	struct nsi_kept_values values;
	struct nsi_kept_markers markers;
	uint8_t text[NSI_KEPT_SIZE];
	uint8_t account[ACCOUNT_SIZE];
} start; /* All zero: it takes no room in the file. */

static const char *string(uint32_t type)
{
	return nsi_kept_string(start.kept, type);
}

/* Appends a text with its values to start.text; the new length, or -errno. */
static int64_t fill_in(int64_t length, uint32_t type)
{
	return nsi_kept_fill(&start.kept->part[type], &start.values, start.text, length,
			     sizeof(start.text));
}

static int write_state(uint32_t type)
{
	int64_t length = start.kept->part[type].data ? fill_in(0, type) : -EBADMSG;
	int r;

	if (length >= 0)
		length = fill_in(length, NSI_KEPT_TAIL);
	if (length < 0)
		return (int)length;
	r = nsi_record_write(start.dir, STATE, STATE_SPARE, start.text, (uint64_t)length, 0600);
	start.has_written |= r == 0;
	return r;
}

/* Puts the mark into a packed Plan. */
static int mark_plan(uint32_t type)
{
	const struct nsi_kept_part *plan = &start.kept->part[type];
	const struct nsi_kept_part *marks = &start.kept->marks[type];
	uint32_t offset;

	if (!plan->data)
		return -EBADMSG;
	for (uint32_t i = 0; i + sizeof(offset) <= marks->length; i += sizeof(offset)) {
		__builtin_memcpy(&offset, marks->data + i, sizeof(offset));
		if (plan->length < NSI_KEPT_MARK_DIGITS ||
		    offset > plan->length - NSI_KEPT_MARK_DIGITS)
			return -EBADMSG;
		__builtin_memcpy(plan->data + offset, start.values.mark, NSI_KEPT_MARK_DIGITS);
	}
	return 0;
}

/* Inodes of markers; until there are markers no file has those that stand for them. */
static void set_inodes(void)
{
	for (uint32_t i = 0; i < start.run.plan.count[NSI_LIST_UNDO]; i++) {
		struct nsi_op *op =
			(struct nsi_op *)(uintptr_t)&start.run.plan.op[NSI_LIST_UNDO][i];
		uint64_t index = NO_INODE - op->n[0];

		if (op->kind == NSI_OP_FILE_REMOVE && index < NSI_KEPT_MARKERS &&
		    start.markers.inode[index])
			op->n[0] = start.markers.inode[index];
	}
}

static int open_plan(uint32_t type)
{
	const struct nsi_kept_part *plan = &start.kept->part[type];
	int r = mark_plan(type);

	if (r == 0)
		r = nsi_run_init(&start.run, sizeof(start.run), plan->data, plan->length);
	if (r == 0)
		set_inodes();
	return r;
}

/* Does the container's file hold what it held? Where there was none, there must be none. */
static int same_account(uint32_t slot, uint32_t type)
{
	const struct nsi_kept_part *part = &start.kept->part[type];
	int fd = nsi_slot_get(&start.run, slot);
	uint64_t done = 0;
	long n = 1;

	if (fd < 0)
		return !part->data;
	while (n > 0 && done < sizeof(start.account)) {
		n = nsi_sys_read(fd, start.account + done, sizeof(start.account) - done);
		done += n > 0 ? (uint64_t)n : 0;
	}
	return n == 0 && part->data && done == part->length &&
	       __builtin_memcmp(start.account, part->data, done) == 0;
}

static int resolve_user(void)
{
	const struct nsi_kept_part *user = &start.kept->part[NSI_KEPT_USER];

	if (!user->data || !same_account(NSI_SLOT_PASSWD, NSI_KEPT_PASSWD) ||
	    !same_account(NSI_SLOT_GROUP, NSI_KEPT_GROUP))
		return -ESTALE;
	return nsi_run_release(&start.run, NSI_POINT_USER, user->data, user->length);
}

static int save_state(void)
{
	int r;

	nsi_text_number(start.values.pid, (uint64_t)start.run.pid);
	r = nsi_kept_start_time(start.values.pid, start.values.start);
	if (r == 0)
		r = nsi_kept_markers_fill(&start.markers, &start.kept->part[NSI_KEPT_CONTENT],
					  &start.values);
	return r < 0 ? r : write_state(NSI_KEPT_RUNNING);
}

/* Between operations of C stand those that TypeScript does. */
static int execute_plan(void)
{
	const struct nsi_plan *plan = &start.run.plan;
	uint32_t from = 0, count = plan->count[NSI_LIST_PARENT];
	int r = 0;

	for (uint32_t i = 0; i < count && r >= 0; i++) {
		uint16_t kind = plan->op[NSI_LIST_PARENT][i].kind;

		if (kind != NSI_OP_USER_RESOLVE && kind != NSI_OP_STATE_SAVE)
			continue;
		r = nsi_run_parent(&start.run, from, i);
		if (r >= 0)
			r = kind == NSI_OP_USER_RESOLVE ? resolve_user() : save_state();
		from = i + 1;
	}
	if (r >= 0)
		r = nsi_run_parent(&start.run, from, count);
	start.runs = start.run.exec_sent && start.run.sock < 0;
	return r;
}

static int make_markers(void)
{
	int r = nsi_kept_markers_stage(&start.markers, &start.kept->part[NSI_KEPT_MARKER],
				       &start.values);

	if (r == 0 && start.markers.count)
		r = write_state(NSI_KEPT_MARKED);
	return r < 0 ? r : nsi_kept_markers_publish(&start.markers);
}

static int has_state(void)
{
	uint64_t inode;
	int r = nsi_file_inode(start.dir, STATE, &inode);

	return r != -ENOENT;
}

/* The state directory, locked and empty; one that was made for nothing is removed. */
static int enter(void)
{
	size_t size = sizeof(start.dir);

	start.root = string(NSI_KEPT_ROOT);
	start.id = string(NSI_KEPT_ID);
	if (!start.root || !start.id)
		return -EBADMSG;
	start.dir[0] = 0;
	if (nsi_text_append(start.dir, size, start.root) < 0 ||
	    nsi_text_append(start.dir, size, "/") < 0 ||
	    nsi_text_append(start.dir, size, start.id) < 0)
		return -ENAMETOOLONG;
	start.lockfd = nsi_state_lock(start.root, start.id, MAKE);
	if (start.lockfd < 0)
		return start.lockfd;
	return has_state() ? -EEXIST : 0;
}

/* Changes a number of the first operation of a kind in a list of the open Plan. */
static int set_number(uint32_t list, uint16_t kind, int index, int64_t value)
{
	for (uint32_t i = 0; i < start.run.plan.count[list]; i++) {
		struct nsi_op *op = (struct nsi_op *)(uintptr_t)&start.run.plan.op[list][i];

		if (op->kind == kind) {
			op->n[index] = (uint64_t)value;
			return 0;
		}
	}
	return -EBADMSG;
}

/* "checkpointed.PID.START": written over a name that is as long as it can become. */
static int set_unless(void)
{
	for (uint32_t i = 0; i < start.run.plan.count[NSI_LIST_UNDO]; i++) {
		struct nsi_op *op =
			(struct nsi_op *)(uintptr_t)&start.run.plan.op[NSI_LIST_UNDO][i];
		char *name = (char *)(uintptr_t)NSI_UNDO_UNLESS_NAME(&start.run, op);
		size_t size = op->s[1].length + 1;

		if (op->kind != NSI_OP_UNDO_UNLESS)
			continue;
		name[0] = 0;
		if (nsi_text_append(name, size, "checkpointed.") < 0 ||
		    nsi_text_append(name, size, start.values.pid) < 0 ||
		    nsi_text_append(name, size, ".") < 0 ||
		    nsi_text_append(name, size, start.values.start) < 0)
			return -ENAMETOOLONG;
		op->s[1].length = (uint32_t)nsi_text_length(name);
		return 0;
	}
	return 0;
}

static int watch(void)
{
	int pidfd = nsi_run_take_pidfd(&start.run), r;

	(void)nsi_run_close(&start.run);
	r = pidfd < 0 ? pidfd : open_plan(NSI_KEPT_MONITOR);
	if (r == 0)
		r = set_number(NSI_LIST_PARENT, NSI_OP_MONITOR, 0, pidfd);
	if (r == 0)
		r = set_number(NSI_LIST_UNDO, NSI_OP_LOCK_TAKE, 0, start.lockfd);
	if (r == 0)
		r = set_unless();
	if (r == 0)
		r = nsi_dir_unlock(start.lockfd);
	if (r == 0)
		r = nsi_run_monitor(&start.run);
	/* The program runs, but nobody would watch it: it ends. */
	start.run.pidfd = pidfd;
	return r;
}

static void drop(int *fd)
{
	if (*fd >= 0)
		nsi_sys_close(*fd);
	*fd = -1;
}

/* Kills what was spawned, and takes away what was made and recorded. */
static void take_back(void)
{
	(void)nsi_run_abort(&start.run);
	(void)nsi_run_close(&start.run);
	nsi_kept_markers_close(&start.markers);
	if (start.has_written && open_plan(NSI_KEPT_UNDO) == 0)
		(void)nsi_run_undo(&start.run);
	else if (start.lockfd >= 0 && !has_state())
		(void)nsi_sys_unlinkat(AT_FDCWD, start.dir, 0x200 /* AT_REMOVEDIR */);
	drop(&start.lockfd);
}

/*
 * nsi_kept_start() - start the container
 * @kept: from nsi_kept_read(), valid; its Plans are changed
 *
 * Returns when it could not, with nothing left of it that is not recorded.
 */
void nsi_kept_start(struct nsi_kept *kept)
{
	int r;

	nsi_run_reset(&start.run);
	start.lockfd = -1;
	start.kept = kept;
	r = nsi_signals_hold();
	if (r == 0)
		r = enter();
	if (r == 0)
		r = nsi_kept_values(&start.values);
	if (r == 0)
		r = write_state(NSI_KEPT_BEFORE);
	if (r == 0)
		r = make_markers();
	if (r == 0)
		r = open_plan(NSI_KEPT_PLAN);
	if (r == 0)
		r = execute_plan();
	if (r >= 0 && kept->part[NSI_KEPT_DETACHED].data)
		nsi_sys_exit(0);
	if (r >= 0)
		(void)watch();
	take_back();
	nsi_signals_release();
	if (start.runs) {
		nsi_sys_write(2, LOST, sizeof(LOST) - 1);
		nsi_sys_exit(NSI_EXIT_FAILED);
	}
}
