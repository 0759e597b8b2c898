/**
 * Small C programs that attack from inside a container, or start the program
 * under test as a hostile caller. They are static, so that they run in any root.
 *
 * @module
 */
import { mustRun } from "./nsinit.ts";

/** What every payload includes. */
const PRELUDE = `
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
`;

/**
 * Compiles a payload.
 *
 * @param path Where the program goes.
 * @param source C text; the usual headers are included already.
 * @returns The path.
 */
export async function compilePayload(
  path: string,
  source: string,
): Promise<string> {
  const file = `${path}.c`;
  await Deno.writeTextFile(file, PRELUDE + source);
  await mustRun(["cc", "-static", "-O1", "-w", "-o", path, file]);
  await Deno.remove(file);
  return path;
}

const CALLER = `
int main(int argc, char **argv)
{
	sigset_t all;
	int at = 1;

	for (; at < argc && argv[at][0] == '-' && argv[at][1] != '-'; at++) {
		switch (argv[at][1]) {
		case 'f': /* descriptors 3 to 60, none of them close-on-exec */
			for (int fd = 3; fd <= 60; fd++)
				dup2(open(fd % 2 ? "/" : "/etc", O_RDONLY | O_DIRECTORY), 200),
					dup2(200, fd);
			close(200);
			break;
		case 's': /* every signal ignored and blocked */
			for (int n = 1; n <= 64; n++) {
				struct { void *handler; unsigned long flags, restorer, mask; } act = {
					(void *)1, 0, 0, 0 };
				syscall(SYS_rt_sigaction, n, &act, 0, 8);
			}
			sigfillset(&all);
			memset(&all, 0xff, 8);
			syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, 0, 8);
			break;
		case 'u':
			umask(0777);
			break;
		case 'c': /* standard descriptors closed */
			close(0), close(1), close(2);
			break;
		}
	}
	execvp(argv[at + 1], argv + at + 1);
	return 99;
}
`;

/**
 * Compiles a caller that prepares its process badly and executes a command:
 * `caller -f -s -u -- COMMAND`, where `-f` leaks descriptors 3 to 60, `-s`
 * ignores and blocks all signals, `-u` has the umask 0777, `-c` closes 0 to 2.
 *
 * @param dir Directory for the program.
 * @returns Its path.
 */
export function compileCaller(dir: string): Promise<string> {
  return compilePayload(`${dir}/hostile-caller`, CALLER);
}
