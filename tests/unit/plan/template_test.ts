import { assert, assertEquals } from "@std/assert";
import { decodePlan } from "../../support/decode_plan.ts";
import { encodePlan } from "../../../ffi/encode_plan.ts";
import { fillPacked, packTemplate } from "../../../ffi/packed_template.ts";
import { defaultConfig } from "../../../lib/config/defaults.ts";

import type { Config } from "../../../lib/config/types.ts";
import { buildStartPlan } from "../../../lib/plan/build.ts";
import {
  fillPlan,
  fillResources,
  knowsTheSame,
  makeTemplate,
  namesOf,
  templateKey,
} from "../../../lib/plan/template.ts";
import type { Placement, ProcessSpec } from "../../../lib/plan/types.ts";
import { HOST_HYBRID as HOST, PLACEMENT, PROCESS } from "./support.ts";

const KNOWN = {
  known: new Uint8Array(80),
  user: new Uint8Array(4114),
};

function processOf(first: number): ProcessSpec {
  return {
    ...PROCESS,
    tty: false,
    stdio: {
      stdin: { fd: first },
      stdout: { fd: first + 1 },
      stderr: "inherit",
    },
  };
}

function placementOf(id: string): Placement {
  return {
    ...PLACEMENT,
    id,
    directory: "",
    protect: [],
    hostInterfaceNames: [],
    stateDir: `/run/nsinit/${id}`,
    cgroupPath: `nsinit/${id}`,
    alias: `nsinit:${id}:0123456789abcdef`,
    hasAnchor: true,
    canRecordFirst: true,
    findUser: () => KNOWN,
  };
}

const CONFIGS: Readonly<Record<string, Config>> = {
  template: defaultConfig("/srv/root"),
  keyring: {
    ...defaultConfig("/srv/root"),
    hostname: "same",
    noNewPrivileges: true,
    cgroups: {
      ...defaultConfig("/srv/root").cgroups,
      memory: 2 ** 28,
      pidsLimit: 9,
    },
  },
};

for (const [name, config] of Object.entries(CONFIGS)) {
  Deno.test(`a template that is filled in is the Plan of those names: ${name}`, () => {
    const build = (process: ProcessSpec, placement: Placement) =>
      buildStartPlan(config, process, HOST, placement);
    const template = makeTemplate(processOf(3), placementOf("first"), build);
    const packed = packTemplate(template.start.plan);
    assert(packed);
    assert(packed.texts.length > 5 && packed.numbers.length === 2);
    for (const [id, fd] of [["first", 3], ["a", 40], ["ü".repeat(99), 7]]) {
      const process = processOf(Number(fd));
      const placement = placementOf(String(id));
      const wanted = build(process, placement);
      const names = namesOf(process, placement);
      assertEquals(fillPlan(template, names), wanted.plan);
      assertEquals(fillResources(template, names), wanted.resources);
      assertEquals(
        decodePlan(fillPacked(packed, names)),
        decodePlan(encodePlan(wanted.plan)),
      );
    }
  });
}

Deno.test("templateKey tells what makes another Plan", () => {
  const process = processOf(3);
  const placement = placementOf("demo");
  const key = templateKey(process, placement);
  assertEquals(templateKey(processOf(9), placementOf("other")), key);
  const others: [ProcessSpec, Placement][] = [
    [{ ...process, args: ["/bin/other"] }, placement],
    [{ ...process, env: ["A=1"] }, placement],
    [{ ...process, user: "daemon" }, placement],
    [{ ...process, umask: 7 }, placement],
    [
      { ...process, rlimits: [{ type: 7, soft: 2n ** 63n, hard: 2n ** 63n }] },
      placement,
    ],
    [{ ...process, stdio: { ...process.stdio, stdin: "inherit" } }, placement],
    [process, { ...placement, cgroupPath: "elsewhere/demo" }],
    [process, { ...placement, hasAnchor: false }],
    [process, { ...placement, canRecordFirst: false }],
  ];
  const keys = others.map(([other, place]) => templateKey(other, place));
  assertEquals(new Set([key, ...keys]).size, others.length + 1);
});

Deno.test("templateKey leaves out what has more of its own than names", () => {
  const process = processOf(3);
  const placement = placementOf("demo");
  const others: [ProcessSpec, Placement][] = [
    [{ ...process, tty: true }, placement],
    [{ ...process, extraFiles: [5] }, placement],
    [process, { ...placement, directory: "/srv" }],
    [process, { ...placement, protect: ["/container.json"] }],
    [process, { ...placement, hostInterfaceNames: ["veth0"] }],
    [process, { ...placement, marker: { name: "pid" } }],
    [process, { ...placement, isHeld: true }],
    [process, { ...placement, lockFd: 5 }],
    [process, { ...placement, netAddresses: {} }],
    [process, {
      ...placement,
      hostRoot: { options: [], ops: [], trees: [] },
    }],
  ];
  for (const [other, place] of others) {
    assertEquals(templateKey(other, place), undefined);
  }
});

Deno.test("knowsTheSame compares what is known of users", () => {
  const placement = placementOf("demo");
  const template = makeTemplate(
    processOf(3),
    placement,
    (process, place) =>
      buildStartPlan(defaultConfig("/s"), process, HOST, place),
  );
  assertEquals(template.asked.map(({ found }) => found), [KNOWN]);
  assert(knowsTheSame(template, placement));
  assert(!knowsTheSame(template, { ...placement, findUser: () => undefined }));
  const { findUser: _, ...without } = placement;
  assert(!knowsTheSame(template, without));
});
