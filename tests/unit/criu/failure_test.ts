import { assert, assertEquals } from "@std/assert";
import { decisiveLine, remedyFor } from "../../../lib/criu/failure.ts";

const LOG = `(00.000010) Version: 4.2.1 (gitid 0)
(00.087962) Error (criu/util.c:1534): rlimit: Can't setup RLIMIT_NOFILE for self: Operation not permitted
(00.100000) Warn  (criu/kerndat.c:1153): Can't keep kdat cache on non-tempfs
(00.110000) Error (criu/sk-inet.c:200): inet: Connected TCP socket, consider using --tcp-established option.
(00.120000) Error (criu/cr-dump.c:2128): Dumping FAILED.
`;

Deno.test("the first error that CRIU does not get over decides", () => {
  assertEquals(
    decisiveLine(LOG),
    "inet: Connected TCP socket, consider using --tcp-established option.",
  );
});

Deno.test("where all errors look harmless the first one is told", () => {
  const log = "(00.1) Error (criu/util.c:642): exited, status=1\n";
  assertEquals(decisiveLine(log), "exited, status=1");
  assertEquals(decisiveLine("(00.1) all is well\n"), undefined);
  assertEquals(decisiveLine(""), undefined);
});

Deno.test("common failures come with what to do", () => {
  const lines: Readonly<Record<string, string>> = {
    "inet: Connected TCP socket, consider using --tcp-established option.":
      "--tcp-established",
    "Some file locks are hold by dumping tasks! You can try --file-locks":
      "--file-locks",
    "unix: Can't dump half of stream unix connection.": "close it",
    "unix: External socket is used. Consider using --ext-unix-sk":
      "--ext-unix-sk",
    "tty: Found dangling tty with sid 4 pgid 4": "--shell-job",
    "Can't lookup mount=26 for fd=1 path=/tmp/log": "not in the container",
    "Can't fork for 17: File exists": "process id is taken",
    "vdso: Unexpected rt vDSO area bounds": "too old",
    "Tracking memory is not available. Consider omitting --track-mem option.":
      "CONFIG_MEM_SOFT_DIRTY",
    "unix: Unix socket 17 without peer 18": "another network namespace",
    "Can't open file fd/1 on restore: Permission denied": "use a pipe",
    "can't dump unprivileged task whose /proc doesn't belong to it":
      "mount namespace of its own",
    "page-pipe: splice: -1: Bad file descriptor": "leave --lazy-pages out",
  };
  for (const [line, word] of Object.entries(lines)) {
    assert(remedyFor(line)?.includes(word), line);
  }
  assertEquals(remedyFor("something new"), undefined);
});
