/**
 * Declarations of the options of `exec`, which `explain` takes as well.
 *
 * @module
 */
import type { Option } from "./command.ts";
import { GENERATOR_OPTIONS } from "./generator_options.ts";
import { DIALECTS } from "../config/dialect_names.ts";
import { ID_OPTION } from "./id_option.ts";

const PROCESS = "Program";
const CONTAINER = "Container";

/** Options about where a configuration comes from. */
export const SOURCE_OPTIONS: readonly Option[] = [
  {
    name: "config",
    type: "text",
    metavar: "FILE",
    doc: "configuration: a container.json of any era, or an OCI config.json " +
      "(default container.json in the container's " +
      "directory, else the built-in template)",
    group: CONTAINER,
  },
  {
    name: "dialect",
    type: "text",
    metavar: "DIALECT",
    choices: DIALECTS,
    doc: "read the configuration by the rules of this dialect: A1 to A5, " +
      "B1 to B3, C0 to C3, D0, D, E or OCI",
    group: CONTAINER,
  },
  {
    name: "permissive",
    type: "boolean",
    doc: "warn of unknown keys and names instead of refusing them",
    group: CONTAINER,
  },
];

/** All options of `exec`. */
export const EXEC_OPTIONS: readonly Option[] = [
  {
    name: "tty",
    short: "t",
    type: "boolean",
    doc: "give the program a terminal",
    group: PROCESS,
  },
  {
    name: "user",
    short: "u",
    type: "text",
    metavar: "USER[:GROUP]",
    doc: "user and group of the program, by name or number (default root)",
    group: PROCESS,
  },
  {
    name: "cwd",
    type: "text",
    metavar: "DIR",
    doc: "working directory of the program, inside",
    group: PROCESS,
  },
  {
    name: "env",
    short: "e",
    type: "text",
    metavar: "NAME[=VALUE]",
    repeatable: true,
    doc: "set a variable of the program, or pass on that of the caller",
    group: PROCESS,
  },
  {
    name: "detach",
    short: "d",
    type: "boolean",
    doc: "return as soon as the program runs",
    group: PROCESS,
  },
  {
    name: "pid-file",
    type: "text",
    metavar: "FILE",
    doc: "write the program's process id to FILE",
    group: PROCESS,
  },
  ID_OPTION,
  ...SOURCE_OPTIONS,
  ...GENERATOR_OPTIONS,
  {
    name: "systemd",
    type: "boolean",
    hidden: true,
    doc: "the name of --systemd-cgroup in nsinit 2",
  },
  {
    name: "func",
    type: "text",
    hidden: true,
    doc: "what nsinit 1.2 did when joining; only exec is left",
  },
  {
    name: "list",
    type: "boolean",
    hidden: true,
    doc: "list what --func takes",
  },
];
