import { assertEquals } from "@std/assert";
import { defaultConfig } from "../../../lib/config/defaults.ts";
import type { Config, Mount } from "../../../lib/config/types.ts";
import { toOciJson } from "../../../lib/config/write_oci.ts";

const CONFIG = defaultConfig("/srv/root");
const MOUNT = CONFIG.mounts[0] as Mount;

function versionOf(changes: Partial<Config>): unknown {
  return toOciJson({ ...CONFIG, ...changes }, () => {})["ociVersion"];
}

Deno.test("toOciJson names the oldest version that has all that is written", () => {
  const nodes = { mode: "MPOL_BIND", nodes: "0", flags: [] } as const;
  const filter = {
    defaultAction: "SCMP_ACT_ALLOW",
    architectures: [],
    syscalls: [],
  } as const;
  const cases: [Partial<Config>, string][] = [
    [{}, "1.1.0"],
    [{ domainname: "a", umask: 0o22 }, "1.1.0"],
    [{ execCpuAffinity: { initial: "0" } }, "1.2.0"],
    [{ mounts: [MOUNT, { ...MOUNT, idmap: {} }] }, "1.2.0"],
    [{ seccomp: filter }, "1.1.0"],
    [
      {
        seccomp: {
          ...filter,
          flags: ["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"],
        },
      },
      "1.2.0",
    ],
    [{ memoryPolicy: nodes }, "1.3.0"],
    [{ netDevices: [{ device: "a" }] }, "1.3.0"],
  ];
  for (const [changes, version] of cases) {
    assertEquals([changes, versionOf(changes)], [changes, version]);
  }
});

Deno.test("toOciJson writes a program where none is named, found without a PATH", () => {
  const { process: _, ...rest } = CONFIG;
  const json = toOciJson(rest, () => {});
  assertEquals((json["process"] as Record<string, unknown>)["args"], [
    "/bin/sh",
  ]);
});
