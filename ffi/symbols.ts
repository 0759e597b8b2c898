/**
 * Exports of `libnsinit.so`; each entry follows its C prototype. `tests/abi`
 * compares the table with `c/nsinit.h` and with the compiled library.
 *
 * @module
 */

/**
 * Symbols for `Deno.dlopen`. A `*_async` entry is the same export, executed on
 * Deno's pool of blocking threads.
 */
export const SYMBOLS = {
  // int64_t nsi_symbol(const char *name)
  nsi_symbol: { parameters: ["buffer"], result: "i64" },
  // int32_t nsi_abi(void)
  nsi_abi: { parameters: [], result: "i32" },
  nsi_abi_async: {
    name: "nsi_abi",
    parameters: [],
    result: "i32",
    nonblocking: true,
  },
  // int32_t nsi_sizes(uint32_t *out, uint32_t count)
  nsi_sizes: { parameters: ["buffer", "u32"], result: "i32" },
  // int32_t nsi_run_init(struct nsi_run *run, uint32_t size, const void *plan, uint32_t length)
  nsi_run_init: {
    parameters: ["buffer", "u32", "buffer", "u32"],
    result: "i32",
  },
  // int32_t nsi_run_parent(struct nsi_run *run, uint32_t from, uint32_t to)
  nsi_run_parent: { parameters: ["buffer", "u32", "u32"], result: "i32" },
  nsi_run_parent_async: {
    name: "nsi_run_parent",
    parameters: ["buffer", "u32", "u32"],
    result: "i32",
    nonblocking: true,
  },
  // int32_t nsi_run_parent_within(struct nsi_run *run, uint32_t from, uint32_t to, uint32_t milliseconds)
  nsi_run_parent_within: {
    parameters: ["buffer", "u32", "u32", "u32"],
    result: "i32",
  },
  // int32_t nsi_run_release(struct nsi_run *run, uint32_t point, const void *payload, uint32_t length)
  nsi_run_release: {
    parameters: ["buffer", "u32", "buffer", "u32"],
    result: "i32",
  },
  // int32_t nsi_run_continue(struct nsi_run *run, const void *plan, uint32_t length)
  nsi_run_continue: { parameters: ["buffer", "buffer", "u32"], result: "i32" },
  // int32_t nsi_run_slot(struct nsi_run *run, uint32_t slot)
  nsi_run_slot: { parameters: ["buffer", "u32"], result: "i32" },
  // int32_t nsi_run_take(struct nsi_run *run, uint32_t slot)
  nsi_run_take: { parameters: ["buffer", "u32"], result: "i32" },
  // int32_t nsi_run_accounts(struct nsi_run *run, void *out)
  nsi_run_accounts: { parameters: ["buffer", "buffer"], result: "i32" },
  // int32_t nsi_run_pid(struct nsi_run *run)
  nsi_run_pid: { parameters: ["buffer"], result: "i32" },
  // int32_t nsi_run_pidfd(struct nsi_run *run)
  nsi_run_pidfd: { parameters: ["buffer"], result: "i32" },
  // int32_t nsi_run_take_pidfd(struct nsi_run *run)
  nsi_run_take_pidfd: { parameters: ["buffer"], result: "i32" },
  // int32_t nsi_run_abort(struct nsi_run *run)
  nsi_run_abort: { parameters: ["buffer"], result: "i32" },
  nsi_run_abort_async: {
    name: "nsi_run_abort",
    parameters: ["buffer"],
    result: "i32",
    nonblocking: true,
  },
  // int32_t nsi_run_undo(struct nsi_run *run)
  nsi_run_undo: { parameters: ["buffer"], result: "i32" },
  nsi_run_undo_async: {
    name: "nsi_run_undo",
    parameters: ["buffer"],
    result: "i32",
    nonblocking: true,
  },
  // int32_t nsi_run_close(struct nsi_run *run)
  nsi_run_close: { parameters: ["buffer"], result: "i32" },
  // int32_t nsi_run_monitor(struct nsi_run *run)
  nsi_run_monitor: { parameters: ["buffer"], result: "i32" },
  // int32_t nsi_wait(int32_t pidfd, int32_t options, int32_t *out)
  nsi_wait: { parameters: ["i32", "i32", "buffer"], result: "i32" },
  // int32_t nsi_signals_hold(void)
  nsi_signals_hold: { parameters: [], result: "i32" },
  // int32_t nsi_signals_release(void)
  nsi_signals_release: { parameters: [], result: "i32" },
  // int32_t nsi_pidfd_open(int32_t pid)
  nsi_pidfd_open: { parameters: ["i32"], result: "i32" },
  // int32_t nsi_pidfd_signal(int32_t pidfd, int32_t signal)
  nsi_pidfd_signal: { parameters: ["i32", "i32"], result: "i32" },
  // int32_t nsi_close(int32_t fd)
  nsi_close: { parameters: ["i32"], result: "i32" },
  // int64_t nsi_read(int32_t fd, void *data, uint64_t length)
  nsi_read: { parameters: ["i32", "buffer", "u64"], result: "i64" },
  // int64_t nsi_write(int32_t fd, const void *data, uint64_t length)
  nsi_write: { parameters: ["i32", "buffer", "u64"], result: "i64" },
  // int32_t nsi_pipe(int32_t *out)
  nsi_pipe: { parameters: ["buffer"], result: "i32" },
  // int32_t nsi_null(void)
  nsi_null: { parameters: [], result: "i32" },
  // int32_t nsi_isatty(int32_t fd)
  nsi_isatty: { parameters: ["i32"], result: "i32" },
  // int32_t nsi_window_size(int32_t fd, uint32_t *out)
  nsi_window_size: { parameters: ["i32", "buffer"], result: "i32" },
  // int32_t nsi_window_resize(int32_t fd, uint32_t rows, uint32_t columns)
  nsi_window_resize: { parameters: ["i32", "u32", "u32"], result: "i32" },
  // int32_t nsi_geteuid(void)
  nsi_geteuid: { parameters: [], result: "i32" },
  // int64_t nsi_fs_room(const char *path)
  nsi_fs_room: { parameters: ["buffer"], result: "i64" },
  // int32_t nsi_dir_lock(const char *path, uint32_t flags)
  nsi_dir_lock: { parameters: ["buffer", "u32"], result: "i32" },
  // int32_t nsi_state_lock(const char *root, const char *name, uint32_t flags)
  nsi_state_lock: { parameters: ["buffer", "buffer", "u32"], result: "i32" },
  // int32_t nsi_dir_unlock(int32_t fd)
  nsi_dir_unlock: { parameters: ["i32"], result: "i32" },
  // int32_t nsi_file_replace(const char *dir, const char *name, const char *temporary,
  //   const void *data, uint64_t length, uint32_t mode, uint32_t flags)
  nsi_file_replace: {
    parameters: ["buffer", "buffer", "buffer", "buffer", "u64", "u32", "u32"],
    result: "i32",
  },
  // int32_t nsi_record_write(const char *dir, const char *name, const char *spare,
  //   const void *data, uint64_t length, uint32_t mode)
  nsi_record_write: {
    parameters: ["buffer", "buffer", "buffer", "buffer", "u64", "u32"],
    result: "i32",
  },
  // int32_t nsi_file_inode(const char *dir, const char *name, uint64_t *out)
  nsi_file_inode: { parameters: ["buffer", "buffer", "buffer"], result: "i32" },
  // int64_t nsi_file_load(const char *path, void *out, uint64_t size)
  nsi_file_load: { parameters: ["buffer", "buffer", "u64"], result: "i64" },
  // uint64_t nsi_file_stamp(const char *path)
  nsi_file_stamp: { parameters: ["buffer"], result: "u64" },
  // uint64_t nsi_hash(const void *bytes, uint64_t length)
  nsi_hash: { parameters: ["buffer", "u64"], result: "u64" },
  // int32_t nsi_file_unlink(const char *dir, const char *name)
  nsi_file_unlink: { parameters: ["buffer", "buffer"], result: "i32" },
  // int32_t nsi_anchor(void)
  nsi_anchor: { parameters: [], result: "i32" },
  // int32_t nsi_mounts_open(void)
  nsi_mounts_open: { parameters: [], result: "i32" },
  // int32_t nsi_mounts_changed(int32_t fd)
  nsi_mounts_changed: { parameters: ["i32"], result: "i32" },
  // uint64_t nsi_places_stamp(const char *file, const char *places)
  nsi_places_stamp: { parameters: ["buffer", "buffer"], result: "u64" },
  // int32_t nsi_seccomp_compile(const void *rules, uint32_t length, void *out, uint32_t size)
  nsi_seccomp_compile: {
    parameters: ["buffer", "u32", "buffer", "u32"],
    result: "i32",
  },
  // uint32_t nsi_seccomp_version(void)
  nsi_seccomp_version: { parameters: [], result: "u32" },
  // int32_t nsi_seccomp_name(uint32_t arch, int32_t number, void *out, uint32_t size)
  nsi_seccomp_name: {
    parameters: ["u32", "i32", "buffer", "u32"],
    result: "i32",
  },
  // int32_t nsi_notify_receive(int32_t fd, void *out)
  nsi_notify_receive: { parameters: ["i32", "buffer"], result: "i32" },
  // int32_t nsi_notify_answer(int32_t fd, uint64_t id, int64_t value, int32_t error, int32_t go_on)
  nsi_notify_answer: {
    parameters: ["i32", "u64", "i64", "i32", "i32"],
    result: "i32",
  },
  // int32_t nsi_notify_valid(int32_t fd, uint64_t id)
  nsi_notify_valid: { parameters: ["i32", "u64"], result: "i32" },
  // int64_t nsi_notify_read(int32_t fd, uint64_t id, int32_t pid, uint64_t address, void *out, uint64_t length)
  nsi_notify_read: {
    parameters: ["i32", "u64", "i32", "u64", "buffer", "u64"],
    result: "i64",
  },
  // int32_t nsi_notify_addfd(int32_t fd, uint64_t id, int32_t source, int32_t number, uint32_t flags)
  nsi_notify_addfd: {
    parameters: ["i32", "u64", "i32", "i32", "u32"],
    result: "i32",
  },
  // int32_t nsi_fd_send(const char *path, int32_t fd, const void *data, uint64_t length)
  nsi_fd_send: {
    parameters: ["buffer", "i32", "buffer", "u64"],
    result: "i32",
  },
  // int32_t nsi_datagram_bind(const char *dir, const char *name)
  nsi_datagram_bind: { parameters: ["buffer", "buffer"], result: "i32" },
  // int32_t nsi_datagram_send(const char *path, const void *data, uint64_t length, int32_t fd)
  nsi_datagram_send: {
    parameters: ["buffer", "buffer", "u64", "i32"],
    result: "i32",
  },
  // int32_t nsi_poll_open(int32_t *out)
  nsi_poll_open: { parameters: ["buffer"], result: "i32" },
  // int32_t nsi_poll_watch(int32_t set, int32_t fd, uint32_t generation, uint32_t events, int32_t again)
  nsi_poll_watch: {
    parameters: ["i32", "i32", "u32", "u32", "i32"],
    result: "i32",
  },
  // int32_t nsi_poll_forget(int32_t set, int32_t fd)
  nsi_poll_forget: { parameters: ["i32", "i32"], result: "i32" },
  // int32_t nsi_poll_wait(int32_t set, uint32_t *out, uint32_t count, int32_t timeout); off the main thread
  nsi_poll_wait: {
    parameters: ["i32", "buffer", "u32", "i32"],
    result: "i32",
    nonblocking: true,
  },
  // int32_t nsi_poll_look(int32_t set, uint32_t *out, uint32_t count)
  nsi_poll_look: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  // int32_t nsi_poll_wake(int32_t wake)
  nsi_poll_wake: { parameters: ["i32"], result: "i32" },
  // int32_t nsi_poll_state(int32_t fd, uint32_t events)
  nsi_poll_state: { parameters: ["i32", "u32"], result: "i32" },
  // int32_t nsi_notify_event(const char *group, const char *file, const char *argument)
  nsi_notify_event: {
    parameters: ["buffer", "buffer", "buffer"],
    result: "i32",
  },
  // int32_t nsi_notify_pressure(const char *group, const char *file, const char *trigger)
  nsi_notify_pressure: {
    parameters: ["buffer", "buffer", "buffer"],
    result: "i32",
  },
  // int32_t nsi_inotify_open(void)
  nsi_inotify_open: { parameters: [], result: "i32" },
  // int32_t nsi_inotify_add(int32_t fd, const char *path, uint32_t mask)
  nsi_inotify_add: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  // int32_t nsi_inotify_remove(int32_t fd, int32_t watch)
  nsi_inotify_remove: { parameters: ["i32", "i32"], result: "i32" },
  // int32_t nsi_pidfd_exit(int32_t pidfd, int32_t *out)
  nsi_pidfd_exit: { parameters: ["i32", "buffer"], result: "i32" },
  // int32_t nsi_nonblock(int32_t fd)
  nsi_nonblock: { parameters: ["i32"], result: "i32" },
  // int32_t nsi_reopen(int32_t fd, int32_t writing)
  nsi_reopen: { parameters: ["i32", "i32"], result: "i32" },
  // int32_t nsi_pending(int32_t fd)
  nsi_pending: { parameters: ["i32"], result: "i32" },
  // int32_t nsi_pty_peer(int32_t master)
  nsi_pty_peer: { parameters: ["i32"], result: "i32" },
  // int32_t nsi_probe_namespaces(uint32_t flags, int32_t proc)
  nsi_probe_namespaces: { parameters: ["u32", "i32"], result: "i32" },
  // int32_t nsi_probe_call(uint32_t number)
  nsi_probe_call: { parameters: ["u32"], result: "i32" },
  // int32_t nsi_worker_start(const char *argv, const char *envp, const int32_t *fds, uint32_t fd_count,
  //   const char *base, const int32_t *trees, uint32_t tree_count, int32_t *out)
  nsi_worker_start: {
    parameters: [
      "buffer",
      "buffer",
      "buffer",
      "u32",
      "buffer",
      "buffer",
      "u32",
      "buffer",
    ],
    result: "i32",
  },
  // int32_t nsi_worker_send(int32_t sock, const void *data, uint32_t length)
  nsi_worker_send: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  // int32_t nsi_worker_receive(int32_t sock, void *data, uint32_t size, int32_t *fd_out)
  nsi_worker_receive: {
    parameters: ["i32", "buffer", "u32", "buffer"],
    result: "i32",
  },
  // int32_t nsi_dir_open(const char *path)
  nsi_dir_open: { parameters: ["buffer"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;
