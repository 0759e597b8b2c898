import { assertEquals, assertRejects } from "@std/assert";
import { formatConfig } from "../../../lib/config/format.ts";
import { parseConfig } from "../../../lib/config/parse.ts";
import { splitConditions } from "../../../lib/config/seccomp_args.ts";
import type { Seccomp, SeccompArg } from "../../../lib/config/types.ts";
import { ConfigError } from "../../../lib/errors.ts";

function around(seccomp: string): string {
  return `{
    "rootfs": "/srv",
    "namespaces": [{"type": "NEWNS"}],
    "seccomp": ${seccomp}
  }`;
}

const OCI = `{
    "defaultAction": "SCMP_ACT_ERRNO",
    "defaultErrnoRet": 38,
    "architectures": ["SCMP_ARCH_X86_64", "x86"],
    "flags": ["SECCOMP_FILTER_FLAG_LOG"],
    "listenerPath": "/run/agent.sock",
    "listenerMetadata": "x",
    "syscalls": [
      {"names": ["read", "write"], "action": "SCMP_ACT_ALLOW", "comment": "io"},
      {"names": ["personality"], "action": "SCMP_ACT_TRACE", "errnoRet": 9, "args": [
        {"index": 0, "value": 18446744073709551615, "valueTwo": 8, "op": "SCMP_CMP_MASKED_EQ"}
      ]},
      {"names": ["mkdir", 258], "action": "SCMP_ACT_NOTIFY"}
    ]
  }`;

const MODEL: Seccomp = {
  defaultAction: "SCMP_ACT_ERRNO",
  defaultErrnoRet: 38,
  architectures: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"],
  flags: ["SECCOMP_FILTER_FLAG_LOG"],
  listenerPath: "/run/agent.sock",
  listenerMetadata: "x",
  syscalls: [
    { name: "read", action: "SCMP_ACT_ALLOW", args: [] },
    { name: "write", action: "SCMP_ACT_ALLOW", args: [] },
    {
      name: "personality",
      action: "SCMP_ACT_TRACE",
      errnoRet: 9,
      args: [{
        index: 0,
        value: 2n ** 64n - 1n,
        valueTwo: 8,
        op: "SCMP_CMP_MASKED_EQ",
      }],
    },
    { name: "mkdir", action: "SCMP_ACT_NOTIFY", args: [] },
    { name: 258, action: "SCMP_ACT_NOTIFY", args: [] },
  ],
};

Deno.test("parseConfig reads the OCI spelling of a filter, formatConfig writes it", async () => {
  const config = await parseConfig(around(OCI));
  assertEquals(config.dialect, "D");
  assertEquals(config.seccomp, MODEL);
  const warnings: string[] = [];
  const text = formatConfig(config, "container.json", {
    onWarning: (warning) => warnings.push(warning),
  });
  assertEquals(await parseConfig(text), config);
  assertEquals(warnings, []);
  const names = JSON.parse(text).seccomp.syscalls.map((
    rule: { readonly names: unknown },
  ) => rule.names);
  assertEquals(names, [["read", "write"], ["personality"], ["mkdir", 258]]);
});

Deno.test("formatConfig says what a filter of numbers loses in OCI", async () => {
  const config = await parseConfig(around(OCI));
  const warnings: string[] = [];
  const text = formatConfig(config, "oci", {
    onWarning: (warning) => warnings.push(warning),
  });
  const { seccomp } = JSON.parse(text).linux;
  assertEquals(seccomp.defaultErrnoRet, 38);
  assertEquals(seccomp.syscalls.length, 3);
  assertEquals(warnings.filter((warning) => warning.includes("258")).length, 1);
});

Deno.test("parseConfig tells unknown names of a filter with their places", async () => {
  const text = around(`{
    "defaultAction": "SCMP_ACT_ALOW",
    "architectures": ["SCMP_ARCH_X86_65"],
    "flags": ["LOG"],
    "syscalls": [
      {"names": [], "action": "SCMP_ACT_KILL"},
      {"names": ["a"], "action": "KILL", "args": [{"index": 7, "op": "EQ"}]},
      {"names": ["a"], "action": "SCMP_ACT_KILL", "errnoRet": 1}
    ]
  }`);
  const error = await assertRejects(() => parseConfig(text), ConfigError);
  assertEquals(error.problems.map(({ path }) => path), [
    "seccomp.defaultAction",
    "seccomp.architectures[0]",
    "seccomp.flags[0]",
    "seccomp.syscalls[0].names",
    "seccomp.syscalls[1].action",
    "seccomp.syscalls[1].args[0].index",
    "seccomp.syscalls[1].args[0].op",
    "seccomp.syscalls[2].errnoRet",
  ]);
  assertEquals(error.problems.at(-1)?.line, 11);
});

Deno.test("parseConfig leaves unknown calls out where that is asked for", async () => {
  const rules = '{"ignore_unknown": true, "syscalls": []}';
  const config = await parseConfig(around(rules));
  assertEquals(config.seccomp?.ignoreUnknown, true);
  assertEquals(
    await parseConfig(formatConfig(config, "container.json")),
    config,
  );
  const permissive = await parseConfig(around(OCI), { permissive: true });
  assertEquals(permissive.seccomp?.ignoreUnknown, true);
  const strict = await parseConfig(around(OCI));
  assertEquals(strict.seccomp?.ignoreUnknown, undefined);
});

function arg(
  op: SeccompArg["op"],
  value: number | bigint,
  valueTwo: number | bigint = 0,
): SeccompArg {
  return { index: 2, op, value, valueTwo };
}

Deno.test("splitConditions leaves single conditions as they are", () => {
  const args = [arg("SCMP_CMP_GT", 5), { ...arg("SCMP_CMP_EQ", 1), index: 0 }];
  assertEquals(splitConditions(args), [args]);
  assertEquals(splitConditions([]), [[]]);
});

Deno.test("splitConditions joins comparisons of bits", () => {
  const both = splitConditions([
    arg("SCMP_CMP_MASKED_EQ", 0xf0, 0x10),
    arg("SCMP_CMP_MASKED_EQ", 0x3f, 0x11),
  ]);
  assertEquals(both, [[arg("SCMP_CMP_MASKED_EQ", 0xffn, 0x11n)]]);
  const never = splitConditions([
    arg("SCMP_CMP_MASKED_EQ", 0xf0, 0x10),
    arg("SCMP_CMP_MASKED_EQ", 0x30, 0x20),
  ]);
  assertEquals(never, []);
});

Deno.test("splitConditions bounds the rules that one becomes", () => {
  const odd = (index: number): SeccompArg[] => [
    { index, op: "SCMP_CMP_GE", value: 1, valueTwo: 0 },
    { index, op: "SCMP_CMP_LE", value: 2n ** 64n - 2n, valueTwo: 0 },
  ];
  assertEquals(splitConditions(odd(0))?.length, 126);
  assertEquals(splitConditions([...odd(0), ...odd(1)]), undefined);
});
