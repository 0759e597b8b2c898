/**
 * What belongs to processes in the JSON Schema: capabilities, limits, hooks,
 * scheduling, clocks; and the kinds of root.
 *
 * @module
 */
import { CAPABILITIES } from "../../lib/config/names/capabilities.ts";
import { RLIMITS } from "../../lib/config/names/rlimits.ts";
import {
  IO_CLASSES,
  MEMORY_POLICIES,
  MEMORY_POLICY_FLAGS,
  PERSONALITIES,
  SCHEDULING_FLAGS,
  SCHEDULING_POLICIES,
} from "../../lib/config/names/scheduling.ts";
import { HOOK_KINDS } from "../../lib/config/sections/hooks.ts";
import {
  int64,
  integer,
  type Key,
  type Keys,
  listOf,
  object,
  type ObjectShape,
  oneOf,
  string,
  strings,
  uint64,
} from "./shapes.ts";

/** A capability, with `CAP_` or without. */
export const capability = oneOf([
  ...CAPABILITIES,
  ...CAPABILITIES.map((name) => `CAP_${name}`),
]);

const SET_NAMES = [
  "bounding",
  "effective",
  "inheritable",
  "permitted",
  "ambient",
] as const;

function keysOf(names: readonly string[], make: (name: string) => Key): Keys {
  return Object.fromEntries(names.map((name) => [name, make(name)]));
}

const nanoseconds = (member: string): Key => ({
  shape: uint64,
  member,
  default: 0,
  example: 10000000,
});

/** Definitions of this part. */
export const PROCESS_OBJECTS: Readonly<Record<string, ObjectShape>> = {
  CapabilitySets: {
    model: "CapabilitySets",
    keys: keysOf(SET_NAMES, (name) => ({
      shape: listOf(capability),
      member: `CapabilitySets.${name}`,
      default: [],
      example: ["NET_BIND_SERVICE"],
      ...name === "ambient" ? { needs: "Linux 4.3" } : {},
    })),
  },
  Rlimit: {
    model: "Rlimit",
    keys: {
      type: {
        shape: integer({ min: 0, max: RLIMITS.length - 1 }),
        member: "Rlimit.type",
        text: RLIMITS.map((name, number) => `${number} ${name}`).join(", ") +
          ".",
        default: 0,
        example: 7,
      },
      hard: {
        shape: uint64,
        member: "Rlimit.hard",
        default: 0,
        example: 1024,
      },
      soft: {
        shape: uint64,
        member: "Rlimit.soft",
        default: 0,
        example: 1024,
      },
    },
  },
  Hooks: {
    model: "Hooks",
    keys: keysOf(HOOK_KINDS, (kind) => ({
      shape: listOf(object("Hook")),
      member: `Hooks.${kind}`,
      default: [],
      example: [{ path: "/usr/local/bin/tell" }],
    })),
  },
  Hook: {
    model: "Hook",
    keys: {
      path: {
        shape: string,
        member: "Hook.path",
        isRequired: true,
        example: "/usr/local/bin/tell",
      },
      args: {
        shape: strings,
        member: "Hook.args",
        example: ["tell", "--quiet"],
      },
      env: {
        shape: strings,
        member: "Hook.env",
        default: [],
        example: ["PATH=/usr/bin"],
      },
      dir: {
        shape: string,
        member: "Hook.dir",
        default: "",
        example: "/tmp",
      },
      timeout: {
        shape: integer({ min: 1, max: 2 ** 31 }),
        member: "Hook.timeout",
        example: 5,
      },
    },
  },
  Scheduler: {
    model: "Scheduler",
    keys: {
      policy: {
        shape: oneOf(Object.keys(SCHEDULING_POLICIES)),
        member: "Scheduler.policy",
        text: "No kernel has `SCHED_ISO`: it is refused.",
        isRequired: true,
        example: "SCHED_FIFO",
        needs: "CAP_SYS_NICE for FIFO, RR and DEADLINE",
      },
      nice: {
        shape: integer({ min: -20, max: 19 }),
        member: "Scheduler.nice",
        default: 0,
        example: 0,
      },
      priority: {
        shape: integer({ min: 0, max: 99 }),
        member: "Scheduler.priority",
        default: 0,
        example: 10,
      },
      flags: {
        shape: listOf(oneOf(Object.keys(SCHEDULING_FLAGS))),
        member: "Scheduler.flags",
        default: [],
        example: ["SCHED_FLAG_RESET_ON_FORK"],
      },
      runtime: nanoseconds("Scheduler.runtime"),
      deadline: nanoseconds("Scheduler.deadline"),
      period: nanoseconds("Scheduler.period"),
    },
  },
  IoPriority: {
    model: "IoPriority",
    keys: {
      class: {
        shape: oneOf(Object.keys(IO_CLASSES)),
        member: "IoPriority.class",
        isRequired: true,
        example: "IOPRIO_CLASS_BE",
        needs: "CAP_SYS_ADMIN or CAP_SYS_NICE for RT",
      },
      priority: {
        shape: integer({ min: 0, max: 7 }),
        member: "IoPriority.priority",
        default: 0,
        example: 4,
      },
    },
  },
  CpuAffinity: {
    model: "CpuAffinity",
    keys: {
      initial: {
        shape: string,
        member: "CpuAffinity.initial",
        default: "",
        example: "0",
      },
      final: {
        shape: string,
        member: "CpuAffinity.final",
        default: "",
        example: "0-1,3",
      },
    },
  },
  MemoryPolicy: {
    model: "MemoryPolicy",
    keys: {
      mode: {
        shape: oneOf(Object.keys(MEMORY_POLICIES)),
        member: "MemoryPolicy.mode",
        isRequired: true,
        example: "MPOL_BIND",
        needs: "Linux 5.15 for PREFERRED_MANY, 6.9 for WEIGHTED_INTERLEAVE",
      },
      nodes: {
        shape: string,
        member: "MemoryPolicy.nodes",
        default: "",
        example: "0",
      },
      flags: {
        shape: listOf(oneOf(Object.keys(MEMORY_POLICY_FLAGS))),
        member: "MemoryPolicy.flags",
        example: ["MPOL_F_STATIC_NODES"],
      },
    },
  },
  Personality: {
    model: "Personality",
    keys: {
      domain: {
        shape: oneOf([
          ...Object.keys(PERSONALITIES),
          ...Object.values(PERSONALITIES),
        ]),
        member: "Personality.domain",
        text: "The kernel's numbers are understood too.",
        isRequired: true,
        example: "LINUX32",
      },
    },
  },
  TimeOffsets: {
    model: "TimeOffsets",
    keys: keysOf(["monotonic", "boottime"], (clock) => ({
      shape: object("TimeOffset"),
      member: `TimeOffsets.${clock}`,
      example: { secs: 86400, nanosecs: 0 },
    })),
  },
  TimeOffset: {
    model: "TimeOffset",
    keys: {
      secs: {
        shape: int64,
        member: "TimeOffset.secs",
        default: 0,
        example: -60,
      },
      nanosecs: {
        shape: integer({ min: 0, max: 999_999_999 }),
        member: "TimeOffset.nanosecs",
        default: 0,
        example: 500000000,
      },
    },
  },
  Overlay: {
    model: "Overlay",
    keys: {
      size: {
        shape: integer({ min: 4096, max: 2n ** 63n - 1n }),
        member: "Overlay.size",
        example: 67108864,
      },
      upper: {
        shape: string,
        member: "Overlay.upper",
        default: "",
        example: "/srv/kept",
      },
      work: {
        shape: string,
        member: "Overlay.work",
        default: "",
        example: "/srv/kept.work",
      },
    },
  },
  HostRoot: {
    model: "HostRoot",
    keys: {
      size: {
        shape: integer({ min: 4096, max: 2n ** 63n - 1n }),
        member: "HostRoot.size",
        default: 268435456,
        example: 67108864,
      },
      paths: {
        shape: strings,
        member: "HostRoot.paths",
        default: [],
        example: ["/opt/tool"],
      },
    },
  },
};
