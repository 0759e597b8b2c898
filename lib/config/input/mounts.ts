/**
 * Shapes of mounts.
 *
 * @module
 */
import type {
  Command,
  IdMapping,
  Mount,
  MountIdmap,
  TreeAttributes,
} from "../types.ts";
import {
  FLAG,
  INTEGER,
  list,
  oneOf,
  or,
  record,
  required,
  type Shape,
  TEXT,
} from "./shape.ts";

/** Lists of ranges of ids. */
export const ID_MAPPINGS: Shape<readonly IdMapping[]> = list(
  record<IdMapping>({
    containerId: required(INTEGER),
    hostId: required(INTEGER),
    size: required(INTEGER),
  }),
);

const COMMANDS: Shape<readonly Command[]> = list(
  record<Command>({
    path: required(TEXT),
    args: or(list(TEXT), []),
    env: or(list(TEXT), []),
    dir: or(TEXT, ""),
  }),
);

/** The kind stands for a source that nothing is taken from. */
function labelOf(mount: Partial<Mount>): string {
  return typeof mount.device === "string" && mount.device !== "bind"
    ? mount.device
    : "";
}

/** One mount. */
export const MOUNT: Shape<Mount> = record<Mount>({
  device: required(TEXT),
  source: or(TEXT, labelOf),
  destination: required(TEXT),
  flags: or(INTEGER, 0),
  data: or(TEXT, ""),
  relabel: or(oneOf(["", "z", "Z"], "relabelling"), ""),
  propagationFlags: list(INTEGER),
  premountCmds: COMMANDS,
  postmountCmds: COMMANDS,
  idmap: record<MountIdmap>({
    uidMappings: ID_MAPPINGS,
    gidMappings: ID_MAPPINGS,
    recursive: FLAG,
  }),
  clearFlags: INTEGER,
  recursive: record<TreeAttributes>({
    set: required(INTEGER),
    clear: required(INTEGER),
  }),
  tmpcopyup: FLAG,
  remount: FLAG,
});
