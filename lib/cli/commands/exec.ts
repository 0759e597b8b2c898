/**
 * `nsinit exec`: starts the container of a directory, or joins it.
 *
 * @module
 */
import { UsageError } from "../../errors.ts";
import type { Command, Invocation } from "../command.ts";
import { EXEC_OPTIONS } from "../exec_options.ts";
import { makeExecRequest } from "../exec_request.ts";

/** Serves what nsinit 1.2 could do when joining. */
function checkFunction(name: string | undefined): void {
  if (name === undefined || name === "exec") return;
  throw new UsageError(
    `--func ${
      JSON.stringify(name)
    } is not served: nsinit 1.2 could join with ` +
      "mknod and ip as well; now run such a program inside, e.g. " +
      "nsinit exec ip addr",
  );
}

async function run(invocation: Invocation): Promise<number> {
  const { values, output } = invocation;
  checkFunction(values.text("func"));
  if (values.flag("list")) {
    await output.result("NAME  USAGE\nexec  run a program in the container");
    return 0;
  }
  const request = makeExecRequest(invocation);
  const { execContainer } = await import("../../container/exec.ts");
  return await execContainer(request);
}

/** Declaration of `exec`. */
export const COMMAND: Command = {
  name: "exec",
  summary: "Run a program in a container: a new one, or the one that runs here",
  usage: "[flags] CMD [ARGS...]",
  details: [
    "The container belongs to a directory: the same command in the same " +
    "place joins the container that the first one has started. It is " +
    "described by --config, else by container.json in that directory, else " +
    "by a built-in template; the flags below change any of them.",
    "One that runs is joined as it is: flags that shape a container do not " +
    "change it, and a warning names those that it was not started with.",
    "Flags end at the first argument that is none, or at --.",
  ],
  options: EXEC_OPTIONS,
  stopEarly: true,
  usesDirectory: true,
  examples: [
    {
      doc: "a shell in the root file system of the current directory",
      line: "cd rootfs && nsinit exec --tty /bin/sh",
    },
    {
      doc: "a service with limits, in the background",
      line: "nsinit exec --detach --pid-file web.pid --memory-limit 256m httpd",
    },
    {
      doc: "a throw-away layer over the root, of 64 MiB",
      line: "nsinit exec --overlay=64m /bin/sh -c 'rm -rf /etc'",
    },
    {
      doc:
        "code of a stranger, with the host's programs and no root file system",
      line:
        "nsinit exec --host-root --host-path ./code python3 $PWD/code/main.py",
    },
    {
      doc: "with a directory of the host, and no network but loopback",
      line: "nsinit exec --bind /srv/data:/data:ro ls /data",
    },
  ],
  action: run,
};
