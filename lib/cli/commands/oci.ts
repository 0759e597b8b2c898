/**
 * `nsinit oci`: the command line that container engines drive. It has a parser
 * and a log of its own, so `main` hands all arguments over before this is used;
 * this is for help.
 *
 * @module
 */
import { UsageError } from "../../errors.ts";
import type { Command } from "../command.ts";

/** Declaration of `oci`. */
export const COMMAND: Command = {
  name: "oci",
  summary: "Run containers of OCI bundles, as container engines ask for it",
  usage: "COMMAND [options] [arguments]",
  details: [
    "The same as the program nsinit-oci: the commands, options, messages and " +
    "exit statuses of the OCI runtimes runc and crun, which podman, " +
    "containerd and others call. nsinit oci help lists the commands. Its " +
    "containers have a state root of their own, /run/nsinit-oci.",
  ],
  options: [],
  stopEarly: true,
  usesDirectory: false,
  examples: [
    {
      doc: "make a container of a bundle, and start its program",
      line:
        "nsinit oci create --bundle /srv/bundle demo && nsinit oci start demo",
    },
    {
      doc: "have podman use it",
      line: "podman --runtime /usr/local/bin/nsinit-oci run --rm alpine true",
    },
  ],
  action: () => {
    throw new UsageError("oci is a command line of its own: run nsinit-oci");
  },
};
