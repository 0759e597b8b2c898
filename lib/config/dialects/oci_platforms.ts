/**
 * Reads the sections of an OCI config.json that are for other systems: only
 * their shape, since no container of Linux can be made of them.
 *
 * @module
 */
import {
  type IntegerBounds,
  type ObjectReader,
  UINT32,
  UINT64,
} from "../object_reader.ts";
import { requireKeys } from "./oci_mappings.ts";

/** What a value must be. */
type Shape =
  | "string"
  | "boolean"
  | "strings"
  | IntegerBounds
  | { readonly names: readonly string[] }
  | { readonly list: Members }
  | Members;

/** An object: its members, and those that must be there. */
interface Members {
  readonly members: Readonly<Record<string, Shape>>;
  readonly required?: readonly string[];
}

const UINT8: IntegerBounds = { min: 0, max: 255 };
const UINT16: IntegerBounds = { min: 0, max: 0xffff };
const MODE: IntegerBounds = { min: 0, max: 0o777 };
const SHARING: Shape = { names: ["disable", "new", "inherit"] };
const SHARING_OR_NEW: Shape = { names: ["new", "inherit"] };

function allOf(shape: Shape, keys: readonly string[]): Record<string, Shape> {
  return Object.fromEntries(keys.map((key) => [key, shape]));
}

const FREEBSD: Members = {
  members: {
    devices: { list: { members: { path: "string", mode: MODE } } },
    jail: {
      members: {
        ...allOf("string", ["parent", "interface"]),
        ...allOf("strings", ["ip4Addr", "ip6Addr", "vnetInterfaces"]),
        ...allOf(SHARING_OR_NEW, ["host", "vnet"]),
        ...allOf(SHARING, ["ip4", "ip6", "sysvmsg", "sysvsem", "sysvshm"]),
        enforceStatfs: UINT8,
        allow: {
          members: {
            mount: "strings",
            ...allOf("boolean", [
              "setHostname",
              "rawSockets",
              "chflags",
              "quotas",
              "socketAf",
              "mlock",
              "reservedPorts",
              "suser",
            ]),
          },
        },
      },
    },
  },
};

const ZOS: Members = {
  members: {
    namespaces: {
      list: {
        members: {
          type: { names: ["mount", "pid", "uts", "ipc"] },
          path: "string",
        },
        required: ["type"],
      },
    },
  },
};

const SOLARIS: Members = {
  members: {
    ...allOf("string", ["milestone", "limitpriv", "maxShmMemory"]),
    cappedCPU: { members: { ncpus: "string" } },
    cappedMemory: { members: { physical: "string", swap: "string" } },
    anet: {
      list: {
        members: allOf("string", [
          "linkname",
          "lowerLink",
          "allowedAddress",
          "configureAllowedAddress",
          "defrouter",
          "macAddress",
          "linkProtection",
        ]),
      },
    },
  },
};

const WINDOWS: Members = {
  members: {
    layerFolders: "strings",
    ...allOf("boolean", ["servicing", "ignoreFlushesDuringBoot"]),
    devices: {
      list: {
        members: { id: "string", idType: { names: ["class"] } },
        required: ["id", "idType"],
      },
    },
    resources: {
      members: {
        memory: { members: { limit: UINT64 } },
        cpu: {
          members: {
            count: UINT64,
            shares: UINT16,
            maximum: UINT16,
            affinity: { members: { mask: UINT64, group: UINT32 } },
          },
        },
        storage: { members: allOf(UINT64, ["iops", "bps", "sandboxSize"]) },
      },
    },
    network: {
      members: {
        ...allOf("strings", ["endpointList", "DNSSearchList"]),
        allowUnqualifiedDNSQuery: "boolean",
        ...allOf("string", ["networkSharedContainerName", "networkNamespace"]),
      },
    },
    credentialSpec: { members: {} },
    hyperv: { members: { utilityVMPath: "string" } },
  },
  required: ["layerFolders"],
};

const VM: Members = {
  members: {
    hypervisor: {
      members: { path: "string", parameters: "strings" },
      required: ["path"],
    },
    kernel: {
      members: { path: "string", parameters: "strings", initrd: "string" },
      required: ["path"],
    },
    image: {
      members: {
        path: "string",
        format: { names: ["raw", "qcow2", "vdi", "vmdk", "vhd"] },
      },
      required: ["path", "format"],
    },
    hwConfig: {
      members: {
        deviceTree: "string",
        vcpus: UINT32,
        memory: UINT64,
        dtdevs: "strings",
        iomems: {
          list: {
            members: allOf(UINT64, ["firstGFN", "firstMFN", "nrMFNs"]),
            required: ["firstMFN", "nrMFNs"],
          },
        },
      },
    },
  },
  required: ["kernel"],
};

/** Sections of other systems; a virtual machine is one for this purpose. */
const PLATFORMS: Readonly<Record<string, Members>> = {
  freebsd: FREEBSD,
  solaris: SOLARIS,
  windows: WINDOWS,
  zos: ZOS,
  vm: VM,
};

function checkMember(owner: ObjectReader, key: string, shape: Shape): void {
  if (shape === "string") owner.string(key);
  else if (shape === "boolean") owner.boolean(key);
  else if (shape === "strings") owner.strings(key);
  else if ("names" in shape) {
    const name = owner.string(key);
    if (owner.has(key) && !shape.names.includes(name)) {
      owner.refuse(key, name, `one of ${shape.names.join(", ")}`);
    }
  } else if ("list" in shape) {
    owner.objects(key, (item) => checkMembers(item, shape.list));
  } else if ("members" in shape) {
    owner.object(key, (item) => checkMembers(item, shape));
  } else owner.int64(key, shape);
}

function checkMembers(item: ObjectReader, shape: Members): undefined {
  requireKeys(item, shape.required ?? []);
  for (const [key, member] of Object.entries(shape.members)) {
    checkMember(item, key, member);
  }
}

/**
 * Checks the sections of other systems, and tells which one the file is for.
 *
 * @param root The root object.
 * @returns Name of the section; `undefined` for a container of Linux.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { ObjectReader } from "../object_reader.ts";
 * import { Findings } from "../problems.ts";
 * import { readOciPlatform } from "./oci_platforms.ts";
 *
 * const findings = new Findings();
 * const text = { freebsd: { jail: { vnet: "disable" } } };
 * assertEquals(readOciPlatform(new ObjectReader(findings, text, [])), "freebsd");
 * assertEquals(findings.problems[0]?.path, ["freebsd", "jail", "vnet"]);
 * ```
 */
export function readOciPlatform(root: ObjectReader): string | undefined {
  const found = Object.keys(PLATFORMS).filter((name) => root.has(name));
  for (const name of found) {
    const shape = PLATFORMS[name];
    if (shape !== undefined) checkMember(root, name, shape);
    if (!root.has("linux")) continue;
    const message = `left out: ${name} says nothing about a container of Linux`;
    root.findings.warn(root.at(name), message, "key");
  }
  return root.has("linux") ? undefined : found[0];
}
