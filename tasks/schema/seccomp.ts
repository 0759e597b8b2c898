/**
 * The three spellings of a system call filter in the JSON Schema.
 *
 * @module
 */
import {
  ACTIONS_E,
  OPERATORS_D,
  OPERATORS_E,
  SECCOMP_ACTIONS,
  SECCOMP_ARCHITECTURES,
  SECCOMP_ARCHITECTURES_RUNC,
  SECCOMP_FILTER_FLAGS,
  SECCOMP_OPERATORS,
} from "../../lib/config/names/seccomp.ts";
import {
  boolean,
  either,
  integer,
  type Key,
  type Keys,
  listOf,
  object,
  type ObjectShape,
  oneOf,
  string,
  uint64,
} from "./shapes.ts";

const action = oneOf(Object.keys(SECCOMP_ACTIONS));
const errno = integer({ min: 0, max: 0xffff });

function numbered(names: readonly string[], first: number): string {
  const each = names.map((name, index) => `${index + first} ${name}`);
  return `${each.join(", ")}.`;
}

const architectures: Key = {
  shape: listOf(oneOf([
    ...Object.keys(SECCOMP_ARCHITECTURES),
    ...Object.keys(SECCOMP_ARCHITECTURES_RUNC),
  ])),
  member: "Seccomp.architectures",
  default: [],
  example: ["SCMP_ARCH_X86_64"],
};

const ignoreUnknown: Key = {
  shape: boolean,
  member: "Seccomp.ignoreUnknown",
  default: false,
  example: true,
};

const condition: Keys = {
  index: {
    shape: integer({ min: 0, max: 5 }),
    member: "SeccompArg.index",
    default: 0,
    example: 0,
  },
  value: {
    shape: uint64,
    member: "SeccompArg.value",
    default: 0,
    example: 2,
  },
};

/** Definitions of this part. */
export const SECCOMP_OBJECTS: Readonly<Record<string, ObjectShape>> = {
  Seccomp: {
    model: "Seccomp",
    text: "This is OCI's spelling, the one that says everything.",
    keys: {
      defaultAction: {
        shape: action,
        member: "Seccomp.defaultAction",
        isRequired: true,
        example: "SCMP_ACT_ERRNO",
        needs: "Linux 4.14 for KILL_PROCESS and LOG, 5.5 for NOTIFY",
      },
      defaultErrnoRet: {
        shape: errno,
        member: "Seccomp.defaultErrnoRet",
        default: 1,
        example: 38,
      },
      architectures,
      flags: {
        shape: listOf(oneOf(Object.keys(SECCOMP_FILTER_FLAGS))),
        member: "Seccomp.flags",
        default: [],
        example: ["SECCOMP_FILTER_FLAG_LOG"],
        needs: "Linux 4.14 for LOG, 4.17 for SPEC_ALLOW, 5.19 for" +
          " WAIT_KILLABLE_RECV",
      },
      listenerPath: {
        shape: string,
        member: "Seccomp.listenerPath",
        default: "",
        example: "/run/agent.sock",
      },
      listenerMetadata: {
        shape: string,
        member: "Seccomp.listenerMetadata",
        default: "",
        example: "web",
      },
      ignore_unknown: ignoreUnknown,
      syscalls: {
        shape: listOf(object("SeccompRule")),
        member: "Seccomp.syscalls",
        default: [],
        example: [{ names: ["reboot"], action: "SCMP_ACT_ERRNO" }],
      },
    },
  },
  SeccompRule: {
    model: "SeccompSyscall",
    keys: {
      names: {
        shape: {
          type: "array",
          items: either(string, { type: "integer" }),
          minItems: 1,
        },
        member: "SeccompSyscall.name",
        isRequired: true,
        example: ["mount", "umount2"],
      },
      action: {
        shape: action,
        member: "SeccompSyscall.action",
        isRequired: true,
        example: "SCMP_ACT_ERRNO",
      },
      errnoRet: {
        shape: errno,
        member: "SeccompSyscall.errnoRet",
        default: 1,
        example: 1,
      },
      args: {
        shape: listOf(object("SeccompCondition")),
        member: "SeccompSyscall.args",
        default: [],
        example: [{ index: 0, value: 2, op: "SCMP_CMP_EQ" }],
      },
      comment: { shape: string, text: "For people.", example: "no reboots" },
    },
  },
  SeccompCondition: {
    model: "SeccompArg",
    keys: {
      ...condition,
      valueTwo: {
        shape: uint64,
        member: "SeccompArg.valueTwo",
        default: 0,
        example: 0,
      },
      op: {
        shape: oneOf(Object.keys(SECCOMP_OPERATORS)),
        member: "SeccompArg.op",
        isRequired: true,
        example: "SCMP_CMP_EQ",
      },
    },
  },
  NumberedSeccomp: {
    model: "Seccomp",
    text:
      "This is the original's spelling: all is allowed but what has a rule.",
    keys: {
      architectures,
      ignore_unknown: ignoreUnknown,
      syscalls: {
        shape: listOf(object("NumberedSeccompRule")),
        member: "Seccomp.syscalls",
        default: [],
        example: [{ value: 169, action: 1 }],
      },
    },
  },
  NumberedSeccompRule: {
    model: "SeccompSyscall",
    keys: {
      value: {
        shape: integer({ min: 0, max: 0x7fffffff }),
        member: "SeccompSyscall.name",
        default: 0,
        example: 169,
      },
      action: {
        shape: integer({ min: -3, max: 4094 }),
        member: "SeccompSyscall.action",
        text: "-3 kill, -2 trap, -1 allow, else the errno.",
        default: 0,
        example: 1,
      },
      args: {
        shape: listOf(object("NumberedSeccompCondition")),
        member: "SeccompSyscall.args",
        default: [],
        example: [{ index: 0, value: 2, op: 0 }],
      },
    },
  },
  NumberedSeccompCondition: {
    model: "SeccompArg",
    keys: {
      ...condition,
      value_two: {
        shape: uint64,
        text: "Not used by this spelling.",
        default: 0,
        example: 0,
      },
      op: {
        shape: integer({ min: 0, max: OPERATORS_D.length - 1 }),
        member: "SeccompArg.op",
        text: numbered(OPERATORS_D, 0),
        default: 0,
        example: 0,
      },
    },
  },
  NamedSeccomp: {
    model: "Seccomp",
    text: "This is early runc's spelling: names, and numbers of actions.",
    keys: {
      default_action: {
        shape: integer({ min: 1, max: ACTIONS_E.length }),
        member: "Seccomp.defaultAction",
        text: numbered(ACTIONS_E, 1),
        isRequired: true,
        example: 4,
      },
      architectures,
      ignore_unknown: ignoreUnknown,
      syscalls: {
        shape: listOf(object("NamedSeccompRule")),
        member: "Seccomp.syscalls",
        default: [],
        example: [{ name: "reboot", action: 2 }],
      },
    },
  },
  NamedSeccompRule: {
    model: "SeccompSyscall",
    keys: {
      name: {
        shape: string,
        member: "SeccompSyscall.name",
        isRequired: true,
        example: "reboot",
      },
      action: {
        shape: integer({ min: 1, max: ACTIONS_E.length }),
        member: "SeccompSyscall.action",
        text: numbered(ACTIONS_E, 1),
        isRequired: true,
        example: 2,
      },
      args: {
        shape: listOf(object("NamedSeccompCondition")),
        member: "SeccompSyscall.args",
        default: [],
        example: [{ index: 0, value: 2, op: 1 }],
      },
    },
  },
  NamedSeccompCondition: {
    model: "SeccompArg",
    keys: {
      ...condition,
      value_two: {
        shape: uint64,
        member: "SeccompArg.valueTwo",
        default: 0,
        example: 0,
      },
      op: {
        shape: integer({ min: 1, max: OPERATORS_E.length }),
        member: "SeccompArg.op",
        text: numbered(OPERATORS_E, 1),
        isRequired: true,
        example: 1,
      },
    },
  },
};
