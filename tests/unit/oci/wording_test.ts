import { assert, assertEquals } from "@std/assert";
import {
  ConfigError,
  KernelError,
  ProgramError,
  StateError,
} from "../../../lib/errors.ts";
import { wordFailure } from "../../../lib/oci/wording.ts";

function program(
  code: "ProgramNotFound" | "ProgramNotExecutable",
  name: string,
  errnoName: string,
): ProgramError {
  const context = { program: name, errnoName };
  return new ProgramError(code, `Cannot execute ${name}: strange`, { context });
}

const START = "unable to start container process: exec: ";

const WORDS: readonly (readonly [unknown, string])[] = [
  [
    new StateError("IdInUse", "Cannot create a: id already in use"),
    "container with given ID already exists",
  ],
  [
    new StateError(
      "ContainerNotExists",
      "Cannot find a: container does not exist",
    ),
    "container does not exist",
  ],
  [
    new StateError(
      "ContainerNotExists",
      "Cannot use state directory /x: it is a file",
    ),
    "Cannot use state directory /x: it is a file",
  ],
  [
    new StateError(
      "ContainerNotRunning",
      "cannot start a container that has stopped",
    ),
    "cannot start a container that has stopped",
  ],
  [
    new StateError("ContainerNotRunning", "Cannot signal container a: gone"),
    "container not running",
  ],
  [new ConfigError("args must not be empty"), "args must not be empty"],
  [
    new KernelError("Cannot mount /proc: EPERM", {
      errno: 1,
      errnoName: "EPERM",
    }),
    "Cannot mount /proc: EPERM",
  ],
  [
    program("ProgramNotFound", "nope", "ENOENT"),
    `${START}"nope": executable file not found in $PATH`,
  ],
  [
    program("ProgramNotFound", "/nope", "ENOENT"),
    `${START}"/nope": stat /nope: no such file or directory`,
  ],
  [
    program("ProgramNotExecutable", "/etc", "EACCES"),
    `${START}"/etc": permission denied`,
  ],
  [
    program("ProgramNotExecutable", "/x", "EIO"),
    `${START}"/x": strange`,
  ],
  [new Error("Bad thing (os error 5)"), "Bad thing"],
  ["text", "text"],
];

Deno.test("wordFailure() has the field's customary words", () => {
  for (const [error, words] of WORDS) assertEquals(wordFailure(error), words);
});

Deno.test("wordFailure words a hook's failure as runc 1.1 and as later ones do", () => {
  const error = new KernelError(
    'Cannot run hooks.startContainer[1] "/bin/h": ended with status 3',
    { operation: "hook.run", errnoName: "ECANCELED", errno: 125 },
  );
  const words = wordFailure(error);
  assert(words.startsWith("error running hook #1: "), words);
  assert(
    words.endsWith("error running startContainer hook #1: exit status 3"),
    words,
  );
});
