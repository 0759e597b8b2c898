import { assertEquals, assertThrows } from "@std/assert";
import { defaultAllowedDevices } from "../../../../lib/config/defaults.ts";
import type { Device } from "../../../../lib/config/types.ts";
import { ConfigError } from "../../../../lib/errors.ts";
import {
  type DevicePolicy,
  devicePolicy,
  deviceTransition,
  deviceWrites,
  isOpenPolicy,
} from "../../../../lib/plan/cgroup/devices.ts";

function rule(
  type: Device["type"],
  major: number,
  minor: number,
  permissions: string,
): Device {
  return {
    type,
    major,
    minor,
    permissions,
    path: "",
    fileMode: 0,
    uid: 0,
    gid: 0,
  };
}

Deno.test("devicePolicy denies everything unless told otherwise", () => {
  assertEquals(devicePolicy({}), { allow: false, rules: [] });
  assertEquals(deviceWrites(devicePolicy({})).map(({ value }) => value), ["a"]);
  // Rules of the other kind do not count.
  const deniedDevices = [rule("b", 8, 0, "rwm")];
  assertEquals(devicePolicy({ deniedDevices }).rules, []);
});

Deno.test("devicePolicy merges rules of one device and drops empty ones", () => {
  const allowedDevices = [
    rule("c", 1, 3, "r"),
    rule("c", 1, 3, "w"),
    rule("c", 1, 5, ""),
  ];
  assertEquals(devicePolicy({ allowedDevices }).rules, [
    { type: "c", major: 1, minor: 3, access: 6 },
  ]);
});

Deno.test("deviceWrites gives the template's lines", () => {
  const policy = devicePolicy({ allowedDevices: defaultAllowedDevices });
  assertEquals(
    deviceWrites(policy).slice(0, 7).map(({ file, value }) =>
      `${file} ${value}`
    ),
    [
      "devices.deny a",
      "devices.allow c *:* m",
      "devices.allow b *:* m",
      "devices.allow c 5:1 rwm",
      "devices.allow c 4:0 rwm",
      "devices.allow c 4:1 rwm",
      "devices.allow c 136:* rwm",
    ],
  );
});

Deno.test("deviceWrites allows all but the denied devices when asked to", () => {
  const policy = devicePolicy({
    allowAllDevices: true,
    deniedDevices: [rule("b", 8, -1, "rw")],
  });
  assertEquals(isOpenPolicy(policy), false);
  assertEquals(
    deviceWrites(policy).map(({ file, value }) => `${file} ${value}`),
    [
      "devices.allow a",
      "devices.deny b 8:* rw",
    ],
  );
});

Deno.test("deviceWrites never widens a rule of type a to everything", () => {
  const policy = devicePolicy({ allowedDevices: [rule("a", 5, 1, "r")] });
  assertEquals(deviceWrites(policy).map(({ value }) => value), [
    "a",
    "c 5:1 r",
    "b 5:1 r",
  ]);
  const all = devicePolicy({ allowedDevices: [rule("a", -1, -1, "rwm")] });
  assertEquals(deviceWrites(all).map(({ value }) => value), [
    "a",
    "a *:* rwm",
  ]);
});

Deno.test("devicePolicy refuses fifos and unknown letters", () => {
  for (const bad of [rule("p", 0, 0, "r"), rule("c", 1, 3, "rx")]) {
    assertThrows(() => devicePolicy({ allowedDevices: [bad] }), ConfigError);
  }
});

/** Lines of a transition, `file value`. */
function lines(from: DevicePolicy, to: DevicePolicy): string[] {
  return deviceTransition(from, to).writes
    .map(({ file, value }) => `${file.slice(8)} ${value}`);
}

const ZERO = { type: "c", major: 1, minor: 5 } as const;

Deno.test("deviceTransition closes before it opens and leaves the rest alone", () => {
  const from = { allow: false, rules: [{ ...ZERO, access: 7 }] };
  const to = {
    allow: false,
    rules: [{ ...ZERO, access: 2 }, { ...ZERO, minor: 3, access: 6 }],
  };
  assertEquals(lines(from, to), ["deny c 1:5 wm", "allow c 1:3 rw"]);
  assertEquals(lines(to, from), ["deny c 1:3 rw", "allow c 1:5 wm"]);
  assertEquals(lines(to, to), []);
});

Deno.test("deviceTransition denies more before it denies less", () => {
  const from = { allow: true, rules: [{ ...ZERO, access: 2 }] };
  const to = { allow: true, rules: [{ ...ZERO, minor: 7, access: 2 }] };
  assertEquals(lines(from, to), ["deny c 1:7 r", "allow c 1:5 r"]);
});

Deno.test("deviceTransition tells when more is open in between", () => {
  const closed = { allow: false, rules: [] };
  const open = { allow: true, rules: [] };
  const some = { allow: true, rules: [{ ...ZERO, access: 2 }] };
  assertEquals(deviceTransition(closed, some).isOpenBetween, true);
  assertEquals(deviceTransition(closed, open).isOpenBetween, false);
  assertEquals(deviceTransition(some, closed).isOpenBetween, false);
  assertEquals(lines(closed, some), ["allow a", "deny c 1:5 r"]);
});

Deno.test("deviceTransition knows a rule that covers everything", () => {
  const all = { type: "a", major: -1, minor: -1, access: 7 } as const;
  const from = { allow: false, rules: [all] };
  const to = { allow: true, rules: [{ ...ZERO, access: 2 }] };
  assertEquals(lines(from, to), ["deny c 1:5 r"]);
});
