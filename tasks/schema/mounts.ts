/**
 * Mounts, devices, namespaces and id mappings in the JSON Schema.
 *
 * @module
 */
import {
  NAMESPACE_TYPES,
  NAMESPACES,
} from "../../lib/config/names/namespaces.ts";
import { MOUNT_DEVICES } from "../../lib/config/names/mount_devices.ts";
import {
  boolean,
  either,
  int32,
  integer,
  listOf,
  object,
  type ObjectShape,
  oneOf,
  string,
  strings,
  uint32,
} from "./shapes.ts";

/** Names of namespaces: the model's, with `CLONE_`, and OCI's. */
export const NAMESPACE_NAMES: readonly string[] = [
  ...NAMESPACE_TYPES,
  ...NAMESPACE_TYPES.map((type) => `CLONE_${type}`),
  ...NAMESPACE_TYPES.map((type) => NAMESPACES[type].oci),
];

const namespaceName = oneOf(NAMESPACE_NAMES);
const mappings = listOf(object("IdMapping"));
const IDMAP_NEEDS = "Linux 5.12, root, a file system that can map ids";

/** Mode bits alone, and with each choice of Go's bits for devices and pipes. */
const fileModes = [0, 1, 2, 3, 4, 5, 6, 7].map((choice) => {
  const bits = [21, 25, 26].filter((_, index) => choice & 1 << index)
    .reduce((sum, bit) => sum + 2 ** bit, 0);
  return integer({ min: bits, max: bits + 0o7777 });
});

/** Definitions of this part. */
export const MOUNT_OBJECTS: Readonly<Record<string, ObjectShape>> = {
  Namespace: {
    model: "Namespace",
    keys: {
      type: {
        shape: namespaceName,
        member: "Namespace.type",
        isRequired: true,
        example: "NEWPID",
        needs: "`NEWCGROUP`: Linux 4.6; `NEWTIME`: Linux 5.6",
      },
      path: {
        shape: string,
        member: "Namespace.path",
        text: "An empty one counts as absent.",
        default: "",
        example: "/run/netns/blue",
      },
    },
  },
  NamedNamespace: {
    text: "A namespace in the spelling of December 2014.",
    keys: {
      name: {
        shape: namespaceName,
        member: "Namespace.type",
        isRequired: true,
        example: "NEWPID",
      },
      path: {
        shape: string,
        member: "Namespace.path",
        default: "",
        example: "/run/netns/blue",
      },
    },
  },
  FlaggedNamespace: {
    text:
      "A namespace with its number, in the spelling of April 2014: the number and the name must agree.",
    keys: {
      key: {
        shape: namespaceName,
        text: "Which kind.",
        isRequired: true,
        example: "NEWPID",
      },
      value: {
        shape: oneOf([
          0,
          ...NAMESPACE_TYPES.map((type) => NAMESPACES[type].flag),
        ]),
        text: "Its flag of clone(2); 0 leaves the name to decide.",
        default: 0,
        example: 0,
      },
      enabled: {
        shape: boolean,
        text: "Whether there is a new one.",
        default: false,
        example: true,
      },
      file: {
        shape: string,
        text: "Its file below /proc/PID/ns; not used.",
        example: "pid",
      },
    },
  },
  Mount: {
    model: "Mount",
    keys: {
      device: {
        shape: oneOf(MOUNT_DEVICES),
        member: "Mount.device",
        isRequired: true,
        example: "tmpfs",
      },
      source: {
        shape: string,
        member: "Mount.source",
        default: "",
        example: "tmpfs",
      },
      destination: {
        shape: string,
        member: "Mount.destination",
        text: "One below `rootfs` on the host is understood too.",
        example: "/tmp",
      },
      flags: {
        shape: uint32,
        member: "Mount.flags",
        text: "Propagation bits may be among them.",
        default: 0,
        example: 14,
      },
      data: {
        shape: string,
        member: "Mount.data",
        default: "",
        example: "mode=1777,size=65536k",
      },
      cleared_flags: {
        shape: uint32,
        member: "Mount.clearFlags",
        default: 0,
        example: 1,
      },
      recursive: {
        shape: object("TreeAttributes"),
        member: "Mount.recursive",
        example: { set: 1 },
        needs: "Linux 5.12",
      },
      tmpcopyup: {
        shape: boolean,
        member: "Mount.tmpcopyup",
        default: false,
        example: true,
      },
      remount: {
        shape: boolean,
        member: "Mount.remount",
        default: false,
        example: true,
      },
      relabel: {
        shape: oneOf(["", "z", "Z"]),
        member: "Mount.relabel",
        default: "",
        example: "z",
        needs: "SELinux",
      },
      propagation_flags: {
        shape: listOf({ type: "integer" }),
        member: "Mount.propagationFlags",
        example: [540672],
      },
      premount_cmds: {
        shape: listOf(object("Command")),
        member: "Mount.premountCmds",
        example: [{ path: "/usr/bin/logger", args: ["mounting"] }],
      },
      postmount_cmds: {
        shape: listOf(object("Command")),
        member: "Mount.postmountCmds",
        example: [{ path: "/usr/bin/logger", args: ["mounted"] }],
      },
      idmap: {
        shape: boolean,
        member: "Mount.idmap",
        default: false,
        example: true,
        needs: IDMAP_NEEDS,
      },
      ridmap: {
        shape: boolean,
        member: "MountIdmap.recursive",
        text: "Asks for an id-mapped mount, as `idmap` does.",
        default: false,
        example: true,
        needs: IDMAP_NEEDS,
      },
      uid_mappings: {
        shape: mappings,
        member: "MountIdmap.uidMappings",
        example: [{ container_id: 0, host_id: 1000, size: 1 }],
        needs: IDMAP_NEEDS,
      },
      gid_mappings: {
        shape: mappings,
        member: "MountIdmap.gidMappings",
        example: [{ container_id: 0, host_id: 1000, size: 1 }],
        needs: IDMAP_NEEDS,
      },
    },
  },
  TreeAttributes: {
    model: "TreeAttributes",
    keys: {
      set: {
        shape: uint32,
        member: "TreeAttributes.set",
        default: 0,
        example: 1,
      },
      clear: {
        shape: uint32,
        member: "TreeAttributes.clear",
        default: 0,
        example: 2,
      },
    },
  },
  Command: {
    model: "Command",
    keys: {
      path: {
        shape: string,
        member: "Command.path",
        isRequired: true,
        example: "/usr/bin/logger",
      },
      args: {
        shape: strings,
        member: "Command.args",
        default: [],
        example: ["mounting"],
      },
      env: {
        shape: strings,
        member: "Command.env",
        default: [],
        example: ["LANG=C"],
      },
      dir: {
        shape: string,
        member: "Command.dir",
        default: "",
        example: "/tmp",
      },
    },
  },
  IdMapping: {
    model: "IdMapping",
    keys: {
      container_id: {
        shape: uint32,
        member: "IdMapping.containerId",
        default: 0,
        example: 0,
      },
      host_id: {
        shape: uint32,
        member: "IdMapping.hostId",
        default: 0,
        example: 100000,
      },
      size: {
        shape: uint32,
        member: "IdMapping.size",
        isRequired: true,
        example: 65536,
      },
    },
  },
  Device: {
    model: "Device",
    keys: {
      type: {
        shape: oneOf([97, 98, 99, 112, 117]),
        member: "Device.type",
        text:
          "The letter's number: 99 for c, 98 for b, 112 for p, 97 for a; 117 (u) counts as c.",
        isRequired: true,
        example: 99,
      },
      path: {
        shape: string,
        member: "Device.path",
        default: "",
        example: "/dev/null",
      },
      major: {
        shape: int32,
        member: "Device.major",
        default: 0,
        example: 1,
      },
      minor: {
        shape: int32,
        member: "Device.minor",
        default: 0,
        example: 3,
      },
      permissions: {
        shape: string,
        member: "Device.permissions",
        default: "",
        example: "rwm",
      },
      file_mode: {
        shape: either(...fileModes),
        member: "Device.fileMode",
        text: "In decimal; Go's bits for devices may be among them.",
        default: 0,
        example: 438,
      },
      uid: {
        shape: uint32,
        member: "Device.uid",
        default: 0,
        example: 0,
      },
      gid: {
        shape: uint32,
        member: "Device.gid",
        default: 0,
        example: 5,
      },
    },
  },
};
