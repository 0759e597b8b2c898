/**
 * The system calls of a program that is not trusted.
 *
 * @module
 */
import { deepFreeze } from "./frozen.ts";
import type { Seccomp, SeccompArg, SeccompSyscall } from "./types.ts";

const EPERM = 1;
const ENOSYS = 38;
/** Every `CLONE_NEW*` that clone(2) takes. */
const CLONE_NEW = 0x7e020000;
/** `AF_UNIX`, `AF_INET`, `AF_INET6`, `AF_NETLINK`. */
const SOCKET_FAMILIES = [1, 2, 10, 16];
/** Execution domains that change nothing but addresses and the name: see personality(2). */
const PERSONALITIES = [0, 0x8, 0x20000, 0x20008, 0x40000, 0xffffffff];

/** What ordinary programs do. Names that one architecture lacks mean nothing there. */
const ALLOWED = `
accept accept4 access alarm arch_prctl bind brk capget capset chdir chmod chown chown32
clock_getres clock_getres_time64 clock_gettime clock_gettime64 clock_nanosleep
clock_nanosleep_time64 close close_range connect copy_file_range creat dup dup2 dup3
epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait
epoll_wait_old eventfd eventfd2 execve execveat exit exit_group faccessat faccessat2
fadvise64 fadvise64_64 fallocate fchdir fchmod fchmodat fchown fchown32 fchownat fcntl
fcntl64 fdatasync fgetxattr flistxattr flock fork fremovexattr fsetxattr fstat fstat64
fstatat64 fstatfs fstatfs64 fsync ftruncate ftruncate64 futex futex_time64 futex_waitv
futimesat get_robust_list get_thread_area getcpu getcwd getdents getdents64 getegid
getegid32 geteuid geteuid32 getgid getgid32 getgroups getgroups32 getitimer getpeername
getpgid getpgrp getpid getppid getpriority getrandom getresgid getresgid32 getresuid
getresuid32 getrlimit getrusage getsid getsockname getsockopt gettid gettimeofday getuid
getuid32 getxattr inotify_add_watch inotify_init inotify_init1 inotify_rm_watch io_cancel
io_destroy io_getevents io_pgetevents io_pgetevents_time64 io_setup io_submit ioctl
ioprio_get ioprio_set ipc kill landlock_add_rule landlock_create_ruleset
landlock_restrict_self lchown lchown32 lgetxattr link linkat listen listxattr llistxattr
_llseek lremovexattr lseek lsetxattr lstat lstat64 madvise membarrier memfd_create
memfd_secret mincore mkdir mkdirat mknod mknodat mlock mlock2 mlockall mmap mmap2 mprotect
mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64 mq_timedsend
mq_timedsend_time64 mq_unlink mremap msgctl msgget msgrcv msgsnd msync munlock munlockall
munmap nanosleep newfstatat _newselect open openat openat2 pause pidfd_open
pidfd_send_signal pipe pipe2 pkey_alloc pkey_free pkey_mprotect poll ppoll ppoll_time64
prctl pread64 preadv preadv2 prlimit64 process_mrelease pselect6 pselect6_time64 ptrace
pwrite64 pwritev pwritev2 read readahead readlink readlinkat readv recv recvfrom recvmmsg
recvmmsg_time64 recvmsg remap_file_pages removexattr rename renameat renameat2
restart_syscall rmdir rseq rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo
rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo
sched_getaffinity sched_getattr sched_getparam sched_get_priority_max
sched_get_priority_min sched_getscheduler sched_rr_get_interval
sched_rr_get_interval_time64 sched_setaffinity sched_setattr sched_setparam
sched_setscheduler sched_yield select semctl semget semop semtimedop semtimedop_time64
send sendfile sendfile64 sendmmsg sendmsg sendto setfsgid setfsgid32 setfsuid setfsuid32
setgid setgid32 setgroups setgroups32 setitimer setpgid setpriority setregid setregid32
setresgid setresgid32 setresuid setresuid32 setreuid setreuid32 setrlimit set_robust_list
setsid setsockopt set_thread_area set_tid_address setuid setuid32 setxattr shmat shmctl
shmdt shmget shutdown sigaltstack signal signalfd signalfd4 sigpending sigprocmask
sigreturn sigaction sigsuspend socketpair splice stat stat64 statfs statfs64 statx symlink
symlinkat sync sync_file_range syncfs sysinfo tee tgkill time timer_create timer_delete
timer_getoverrun timer_gettime timer_gettime64 timer_settime timer_settime64
timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime timerfd_settime64 times
tkill truncate truncate64 ugetrlimit umask uname unlink unlinkat utime utimensat
utimensat_time64 utimes vfork vmsplice wait4 waitid waitpid write writev
arm_fadvise64_64 arm_sync_file_range breakpoint cacheflush set_tls sync_file_range2
modify_ldt process_madvise process_vm_readv process_vm_writev kcmp name_to_handle_at
`;

/** What only an administrator does: refused by name, so that programs say why. */
const REFUSED = `
acct add_key adjtimex bpf chroot clock_adjtime clock_settime delete_module fanotify_init
finit_module fsconfig fsmount fsopen fspick init_module ioperm iopl kexec_file_load
kexec_load keyctl lookup_dcookie mount mount_setattr move_mount move_pages open_by_handle_at
open_tree perf_event_open pivot_root quotactl quotactl_fd reboot request_key sethostname
setdomainname setns settimeofday swapoff swapon syslog umount umount2 unshare userfaultfd
vhangup
`;

function namesOf(text: string): string[] {
  return text.trim().split(/\s+/);
}

function allow(name: string, ...args: readonly SeccompArg[]): SeccompSyscall {
  return { name, action: "SCMP_ACT_ALLOW", args };
}

function equals(value: number): SeccompArg {
  return { index: 0, value, valueTwo: 0, op: "SCMP_CMP_EQ" };
}

/**
 * The filter of a host root: what ordinary programs do is allowed, all else is
 * refused, calls that this list does not know as if the kernel did not have them.
 *
 * No new namespaces (in a user namespace of its own a program meets the parts of
 * the kernel that are meant for root), no mounts, keys, BPF, io_uring, tracing of
 * the kernel or modules; sockets of the usual four families. It is frozen; a copy
 * of it can be changed.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { defaultConfig } from "./defaults.ts";
 * import { defaultSeccomp } from "./default_seccomp.ts";
 * import { validateConfig } from "./validate.ts";
 *
 * const config = { ...defaultConfig("/srv"), seccomp: defaultSeccomp };
 * validateConfig(config);
 * assertEquals(config.seccomp.defaultAction, "SCMP_ACT_ERRNO");
 * ```
 */
export const defaultSeccomp: Seccomp = deepFreeze<Seccomp>({
  defaultAction: "SCMP_ACT_ERRNO",
  defaultErrnoRet: ENOSYS,
  architectures: [],
  syscalls: [
    ...namesOf(ALLOWED).map((name) => allow(name)),
    ...namesOf(REFUSED).map((name): SeccompSyscall => ({
      name,
      action: "SCMP_ACT_ERRNO",
      errnoRet: EPERM,
      args: [],
    })),
    allow("clone", {
      index: 0,
      value: CLONE_NEW,
      valueTwo: 0,
      op: "SCMP_CMP_MASKED_EQ",
    }),
    ...SOCKET_FAMILIES.map((family) => allow("socket", equals(family))),
    ...PERSONALITIES.map((domain) => allow("personality", equals(domain))),
  ],
});
