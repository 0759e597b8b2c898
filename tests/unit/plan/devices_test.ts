import { assertEquals, assertThrows } from "@std/assert";
import { ConfigError } from "../../../lib/errors.ts";
import { planDevices } from "../../../lib/plan/devices.ts";
import { configWith, HOST_V2 } from "./support.ts";

const NODE = {
  type: "c",
  path: "/dev/x",
  major: 1,
  minor: 3,
  permissions: "rwm",
  fileMode: 0o20666,
  uid: 0,
  gid: 0,
} as const;

Deno.test("planDevices makes nodes and links in a /dev of the container's own", () => {
  const ops = planDevices(configWith({ devices: [NODE] }), HOST_V2);
  assertEquals(ops[0], {
    op: "device.make",
    flags: 0,
    type: 0o20000,
    device: 0x103,
    mode: 0o666,
    uid: 0,
    gid: 0,
    path: "/dev/x",
  });
  assertEquals(ops.at(-1), {
    op: "link.make",
    flags: 1,
    path: "/dev/ptmx",
    target: "pts/ptmx",
  });
});

Deno.test("planDevices leaves a /dev of the host alone", () => {
  const mounts = [{
    device: "bind",
    source: "/dev",
    destination: "/dev/",
    flags: 0x5000,
    data: "",
    relabel: "",
  }] as const;
  assertEquals(planDevices(configWith({ mounts }), HOST_V2), []);
  assertEquals(
    planDevices(configWith({ mounts: [], devices: [] }), HOST_V2),
    [],
  );
});

Deno.test("planDevices refuses rules as nodes", () => {
  for (
    const changes of [
      { type: "a" },
      { major: -1 },
      { minor: 1 << 20 },
      { path: "dev/x" },
      { path: "" },
    ] as const
  ) {
    const devices = [{ ...NODE, ...changes }];
    assertThrows(
      () => planDevices(configWith({ devices }), HOST_V2),
      ConfigError,
    );
  }
});

Deno.test("planDevices links to /proc/kcore only where there is one", () => {
  const linked = (kcore?: boolean): boolean =>
    planDevices(configWith({}), kcore === undefined ? {} : { kcore })
      .some((op) => op.op === "link.make" && op.path === "/dev/core");
  assertEquals([linked(), linked(true), linked(false)], [true, true, false]);
});
