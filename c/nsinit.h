/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nsinit.h - everything that libnsinit.so exports. ffi/symbols.ts declares the
 * same; tests/abi compares the two. Every function returns >= 0 or -errno,
 * parses no configuration and words no message.
 */
#ifndef NSINIT_H
#define NSINIT_H

#include "plan.h"

#define NSI_EXPORT __attribute__((visibility("default")))

/* nsi_symbol() - address of the function of this library that is called @name, or -ENOENT. */
NSI_EXPORT int64_t nsi_symbol(const char *name);
/* nsi_symbol_place - address of nsi_symbol(), for callers to whom a variable costs less to read
 * than a function to bind. */
NSI_EXPORT extern int64_t (*const nsi_symbol_place)(const char *name);
/* nsi_abi() - NSI_ABI; sizes of the structures shared with TypeScript by nsi_sizes(). */
NSI_EXPORT int32_t nsi_abi(void);
/* nsi_sizes() - fills out[0..8] with sizeof header, op, report, user, run, and offsetof
 * (struct nsi_run, report), (.., slot), (.., value), (.., payload). */
NSI_EXPORT int32_t nsi_sizes(uint32_t *out, uint32_t count);

/* nsi_run_init() - makes @run (of @size bytes) ready for the packed Plan; keeps pointers into
 * @plan, which must stay until nsi_run_close(). 0, -EBADMSG, -EOVERFLOW. */
NSI_EXPORT int32_t nsi_run_init(struct nsi_run *run, uint32_t size, const void *plan,
				uint32_t length);
/* nsi_run_parent() - executes parent operations [from, to). On failure run->report says which
 * (its list is the child's when the child failed). Blocks while waiting for the child. */
NSI_EXPORT int32_t nsi_run_parent(struct nsi_run *run, uint32_t from, uint32_t to);

/* nsi_run_parent_within() - the same, but waits for the child for at most @milliseconds:
 * then the result is NSI_LATER | i, and nsi_run_parent() goes on from operation i. */
NSI_EXPORT int32_t nsi_run_parent_within(struct nsi_run *run, uint32_t from, uint32_t to,
					 uint32_t milliseconds);
/* nsi_run_release() - lets the child go on from @point with @length bytes of @payload. */
NSI_EXPORT int32_t nsi_run_release(struct nsi_run *run, uint32_t point, const void *payload,
				   uint32_t length);
/* nsi_run_continue() - goes on with a further Plan, as nsi_run_init() takes it, for the same
 * child; the one before is not needed any more. 0 or -EBADMSG, which changes nothing. */
NSI_EXPORT int32_t nsi_run_continue(struct nsi_run *run, const void *plan, uint32_t length);
/* nsi_run_slot() - descriptor in @slot (still owned by the run), -EBADF. */
NSI_EXPORT int32_t nsi_run_slot(struct nsi_run *run, uint32_t slot);
/* nsi_run_take() - as nsi_run_slot(), the caller owns it afterwards. */
NSI_EXPORT int32_t nsi_run_take(struct nsi_run *run, uint32_t slot);
/* nsi_run_accounts() - fills two struct nsi_account for passwd and group that the child has given. */
NSI_EXPORT int32_t nsi_run_accounts(struct nsi_run *run, void *out);
/* nsi_run_pid() - pid of the child in the caller's pid namespace, or -ESRCH. */
NSI_EXPORT int32_t nsi_run_pid(struct nsi_run *run);
/* nsi_run_pidfd() - pidfd of the child, still owned by the run, or -EBADF. */
NSI_EXPORT int32_t nsi_run_pidfd(struct nsi_run *run);
/* nsi_run_take_pidfd() - pidfd of the child, owned by the caller afterwards. */
NSI_EXPORT int32_t nsi_run_take_pidfd(struct nsi_run *run);
/* nsi_run_abort() - kills and reaps the child (and the stage) if there is one. */
NSI_EXPORT int32_t nsi_run_abort(struct nsi_run *run);
/* nsi_run_undo() - executes all undo operations, going on after failures; the first failure is
 * in run->report and returned. */
NSI_EXPORT int32_t nsi_run_undo(struct nsi_run *run);
/* nsi_run_close() - closes every descriptor that the run still owns. */
NSI_EXPORT int32_t nsi_run_close(struct nsi_run *run);
/* nsi_run_monitor() - becomes the helper in monitor mode for this Plan (execveat); returns only
 * on failure. The descriptors that the monitor operation and lock.take name are passed on. */
NSI_EXPORT int32_t nsi_run_monitor(struct nsi_run *run);

/* nsi_wait() - waits for the process of @pidfd (blocking unless WNOHANG in @options): returns 0
 * and the kernel's si_code and si_status in out[0], out[1]; -ECHILD, -EAGAIN (WNOHANG, alive). */
NSI_EXPORT int32_t nsi_wait(int32_t pidfd, int32_t options, int32_t *out);
/* nsi_signals_hold() - on the main thread: signals that would end the process wait for the monitor;
 * one that arrives during the hand-shake makes nsi_run_parent() fail with -EINTR. */
NSI_EXPORT int32_t nsi_signals_hold(void);
/* nsi_signals_release() - lets them act; one that waits may end the process here. */
NSI_EXPORT int32_t nsi_signals_release(void);
/* nsi_pidfd_open() - pidfd_open(2). */
NSI_EXPORT int32_t nsi_pidfd_open(int32_t pid);
/* nsi_pidfd_signal() - pidfd_send_signal(2); signal 0 tests. */
NSI_EXPORT int32_t nsi_pidfd_signal(int32_t pidfd, int32_t signal);
/* nsi_close() - close(2). */
NSI_EXPORT int32_t nsi_close(int32_t fd);
/* nsi_read(), nsi_write() - read(2), write(2). */
NSI_EXPORT int64_t nsi_read(int32_t fd, void *data, uint64_t length);
NSI_EXPORT int64_t nsi_write(int32_t fd, const void *data, uint64_t length);
/* nsi_pipe() - pipe2(2) with O_CLOEXEC, ends in out[0], out[1]. */
NSI_EXPORT int32_t nsi_pipe(int32_t *out);
/* nsi_null() - descriptor of the host's null device, read and write, checked to be char 1:3. */
NSI_EXPORT int32_t nsi_null(void);
/* nsi_isatty() - 1 or 0. */
NSI_EXPORT int32_t nsi_isatty(int32_t fd);
/* nsi_window_size() - rows and columns of a terminal in out[0], out[1]; or sets them. */
NSI_EXPORT int32_t nsi_window_size(int32_t fd, uint32_t *out);
NSI_EXPORT int32_t nsi_window_resize(int32_t fd, uint32_t rows, uint32_t columns);
/* nsi_geteuid() - effective uid. */
NSI_EXPORT int32_t nsi_geteuid(void);
/* nsi_fs_room() - bytes left on the file system that holds @path (statfs(2)). */
NSI_EXPORT int64_t nsi_fs_room(const char *path);

/* nsi_dir_lock() - makes nothing; opens the directory @path without following a last symlink and
 * takes its exclusive flock (LOCK_SH with flags bit 0, no waiting with bit 1: -EAGAIN). Returns the descriptor; -ESTALE
 * when the directory was removed or replaced while waiting (try again), -ENOENT when missing. */
NSI_EXPORT int32_t nsi_dir_lock(const char *path, uint32_t flags);
/* nsi_state_lock() - takes the lock of directory @name below the state root @root, made (0700) when
 * missing with flags bit 0; the root must be ours and only ours to write (-EPERM). Does not wait:
 * -EAGAIN. Returns the descriptor; -ENOENT, -ESTALE as nsi_dir_lock(). */
NSI_EXPORT int32_t nsi_state_lock(const char *root, const char *name, uint32_t flags);
/* nsi_dir_unlock() - LOCK_UN, the descriptor stays open. */
NSI_EXPORT int32_t nsi_dir_unlock(int32_t fd);
/* nsi_file_replace() - writes @length bytes to a new file in directory @dir (opened O_NOFOLLOW)
 * and renames it to @name: O_CREAT|O_EXCL|O_NOFOLLOW under @temporary, mode, fsync not done.
 * Returns an O_WRONLY descriptor of the file when flags bit 0, else 0. flags bit 1: refuse a name that
 * exists and is not a regular file (-EEXIST). */
NSI_EXPORT int32_t nsi_file_replace(const char *dir, const char *name, const char *temporary,
				    const void *data, uint64_t length, uint32_t mode,
				    uint32_t flags);
/* nsi_file_stamp() - a number for a regular file and the time of its last change; 0 without one. */
NSI_EXPORT uint64_t nsi_file_stamp(const char *path);
/* nsi_record_write() - writes dir/name anew, mode, by trading names with dir/spare, which is kept for
 * the next time; one writer at a time. Returns 0. */
NSI_EXPORT int32_t nsi_record_write(const char *dir, const char *name, const char *spare,
				    const void *data, uint64_t length, uint32_t mode);
/* nsi_file_inode() - inode of dir/name (no links followed) into *out; flags of a regular file only (-EINVAL). */
NSI_EXPORT int32_t nsi_file_inode(const char *dir, const char *name, uint64_t *out);
/* nsi_file_load() - reads a regular file of at most @size bytes, no last symlink followed; returns the
 * bytes read, the file's size when that is more than @size, -EINVAL when it is not a regular file.
 * Reads again when the file was replaced meanwhile. */
NSI_EXPORT int64_t nsi_file_load(const char *path, void *out, uint64_t size);
/* nsi_hash() - FNV-1a of 64 bits. */
NSI_EXPORT uint64_t nsi_hash(const void *bytes, uint64_t length);
/* nsi_file_unlink() - removes dir/name, which is no directory; fine when it is missing. */
NSI_EXPORT int32_t nsi_file_unlink(const char *dir, const char *name);
/* nsi_anchor() - a mount namespace with an almost empty tmpfs, made at the first call: a descriptor that
 * stays open for the life of the process. */
NSI_EXPORT int32_t nsi_anchor(void);
/* nsi_mounts_open() - a descriptor that knows which mount table of this process was seen last. */
NSI_EXPORT int32_t nsi_mounts_open(void);
/* nsi_mounts_changed() - whether that has changed since it was opened, or asked last: 1 or 0. */
NSI_EXPORT int32_t nsi_mounts_changed(int32_t fd);
/* nsi_places_stamp() - a number for the content of @file and what is mounted at @places, a list
 * of strings that an empty one ends. */
NSI_EXPORT uint64_t nsi_places_stamp(const char *file, const char *places);
/* nsi_seccomp_compile() - libseccomp: packed rules to a BPF program in @out (at most @size
 * bytes); returns its length. The rules' layout stands in seccomp_compile.c and ffi/layout.ts. */
NSI_EXPORT int32_t nsi_seccomp_compile(const void *rules, uint32_t length, void *out,
				       uint32_t size);
/* nsi_seccomp_version() - libseccomp's version: major << 16 | minor << 8 | micro. */
NSI_EXPORT uint32_t nsi_seccomp_version(void);
/* nsi_seccomp_name() - name of a call of an AUDIT_ARCH_* architecture, with its NUL; its length. */
NSI_EXPORT int32_t nsi_seccomp_name(uint32_t arch, int32_t number, void *out, uint32_t size);
/* nsi_notify_receive() - next request of a seccomp listener: struct seccomp_notif, 80 bytes. */
NSI_EXPORT int32_t nsi_notify_receive(int32_t fd, void *out);
/* nsi_notify_answer() - answers it: a value, or an errno, or (go_on 1) the call is carried out. */
NSI_EXPORT int32_t nsi_notify_answer(int32_t fd, uint64_t id, int64_t value, int32_t error,
				     int32_t go_on);
/* nsi_notify_valid() - 0 while its thread waits, else -ENOENT. */
NSI_EXPORT int32_t nsi_notify_valid(int32_t fd, uint64_t id);
/* nsi_notify_read() - memory of its thread, if that waits still; bytes read. */
NSI_EXPORT int64_t nsi_notify_read(int32_t fd, uint64_t id, int32_t pid, uint64_t address,
				   void *out, uint64_t length);
/* nsi_notify_addfd() - descriptor for its thread: number or -1; flags bit 0 close-on-exec, bit 1
 * it is the answer too. */
NSI_EXPORT int32_t nsi_notify_addfd(int32_t fd, uint64_t id, int32_t source, int32_t number,
				    uint32_t flags);
/* nsi_fd_send() - connects to a unix stream socket, sends data with the descriptor. */
NSI_EXPORT int32_t nsi_fd_send(const char *path, int32_t fd, const void *data, uint64_t length);

/* nsi_datagram_bind() - a unix datagram socket in @dir that everybody may write to. */
NSI_EXPORT int32_t nsi_datagram_bind(const char *dir, const char *name);
/* nsi_datagram_send() - sends a datagram to @path or @NAME, with @fd unless that is -1. */
NSI_EXPORT int32_t nsi_datagram_send(const char *path, const void *data, uint64_t length,
				     int32_t fd);

/* nsi_poll_open() - an epoll set and the eventfd that ends its waits in out[0], out[1]. */
NSI_EXPORT int32_t nsi_poll_open(int32_t *out);
/* nsi_poll_watch() - adds @fd (or with @again arms it once more) for the poll(2) @events, one-shot;
 * POLLPRI alone is edge-triggered. @generation is not 0. -EPERM for what cannot be waited for. */
NSI_EXPORT int32_t nsi_poll_watch(int32_t set, int32_t fd, uint32_t generation, uint32_t events,
				  int32_t again);
/* nsi_poll_forget() - removes @fd, before it is closed. */
NSI_EXPORT int32_t nsi_poll_forget(int32_t set, int32_t fd);
/* nsi_poll_wait() - waits; fd, generation, events of each event in @out (u32 triples, at most
 * @count and 256). Returns how many; 0 when woken. nsi_poll_look() only looks. */
NSI_EXPORT int32_t nsi_poll_wait(int32_t set, uint32_t *out, uint32_t count, int32_t timeout);
NSI_EXPORT int32_t nsi_poll_look(int32_t set, uint32_t *out, uint32_t count);
/* nsi_poll_wake() - ends the wait that is under way, or the next one. */
NSI_EXPORT int32_t nsi_poll_wake(int32_t wake);
/* nsi_poll_state() - which poll(2) events @fd is ready for now. */
NSI_EXPORT int32_t nsi_poll_state(int32_t fd, uint32_t events);

/* nsi_notify_event() - eventfd that counts events of a file of the v1 group @group; @argument is what
 * the kind of event takes besides, or "". Its count grows once more when the group is removed. */
NSI_EXPORT int32_t nsi_notify_event(const char *group, const char *file, const char *argument);
/* nsi_notify_pressure() - opens a pressure file of the v2 group @group with a trigger for POLLPRI. */
NSI_EXPORT int32_t nsi_notify_pressure(const char *group, const char *file, const char *trigger);
/* nsi_inotify_open(), nsi_inotify_add(), nsi_inotify_remove() - inotify(7), nonblocking, last links
 * not followed. */
NSI_EXPORT int32_t nsi_inotify_open(void);
NSI_EXPORT int32_t nsi_inotify_add(int32_t fd, const char *path, uint32_t mask);
NSI_EXPORT int32_t nsi_inotify_remove(int32_t fd, int32_t watch);

/* nsi_pidfd_exit() - how a process that need not be a child has ended, as nsi_wait(): -EAGAIN until
 * its parent has reaped it, -ENODATA when this kernel does not tell (before Linux 6.15). */
NSI_EXPORT int32_t nsi_pidfd_exit(int32_t pidfd, int32_t *out);
/* nsi_nonblock() - sets O_NONBLOCK on the open file of @fd, which must be ours alone. */
NSI_EXPORT int32_t nsi_nonblock(int32_t fd);
/* nsi_reopen() - opens the file of @fd once more, O_NONBLOCK, for writing or else for reading. */
NSI_EXPORT int32_t nsi_reopen(int32_t fd, int32_t writing);
/* nsi_pending() - FIONREAD: bytes that can be read now. */
NSI_EXPORT int32_t nsi_pending(int32_t fd);
/* nsi_pty_peer() - the inner end of the pty whose outer end is @master; TIOCGPTPEER. */
NSI_EXPORT int32_t nsi_pty_peer(int32_t master);

/* nsi_probe_namespaces() - tries to make and to use namespaces, CLONE_NEW* all at once, and @proc a new
 * /proc in them, in a child that ends at once: 0 or -errno. */
NSI_EXPORT int32_t nsi_probe_namespaces(uint32_t flags, int32_t proc);
/* nsi_probe_call() - tries a system call, number 424 or above, with wrong arguments: -ENOSYS when
 * there is none. */
NSI_EXPORT int32_t nsi_probe_call(uint32_t number);
/* nsi_worker_start() - starts the program argv[0] in a session of its own with a socket as descriptor 3.
 * argv, envp: words, each with its NUL, and one NUL more. @fds: its 0 to 2, then 4, 5, ... @trees:
 * detached mounts that it finds at base/0, base/1, ... in a mount namespace of its own. The socket
 * and the pidfd in out[0], out[1]; returns the pid. */
NSI_EXPORT int32_t nsi_worker_start(const char *argv, const char *envp, const int32_t *fds,
				    uint32_t fd_count, const char *base, const int32_t *trees,
				    uint32_t tree_count, int32_t *out);
/* nsi_worker_send() - one message; -EAGAIN when there is no room, -EPIPE when nobody is there. */
NSI_EXPORT int32_t nsi_worker_send(int32_t sock, const void *data, uint32_t length);
/* nsi_worker_receive() - one message: its length, and its descriptor or -1 in *fd_out; 0 at the end,
 * -EAGAIN when there is none yet, -EMSGSIZE for one that is too long. */
NSI_EXPORT int32_t nsi_worker_receive(int32_t sock, void *data, uint32_t size, int32_t *fd_out);
/* nsi_dir_open() - a directory, its last link not followed; a descriptor. */
NSI_EXPORT int32_t nsi_dir_open(const char *path);

#endif
