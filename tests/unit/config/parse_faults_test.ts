import { assert, assertEquals, assertRejects } from "@std/assert";
import { parseConfig } from "../../../lib/config/parse.ts";
import { ConfigError, type ConfigProblem } from "../../../lib/errors.ts";

const NS = '"namespaces": [{"type": "NEWNS"}]';

/** A D text around one more member; the member starts at line 2, column 1. */
function around(member: string): string {
  return `{"rootfs": "/r", ${NS},\n${member}}`;
}

async function problemsOf(
  text: string,
  options: Parameters<typeof parseConfig>[1] = {},
): Promise<readonly ConfigProblem[]> {
  const error = await assertRejects(
    () => parseConfig(text, options),
    ConfigError,
  );
  return error.problems;
}

/** Member of a D text, path of its first problem, part of the message, column. */
const FAULTS: readonly [string, string, string, number][] = [
  ['"hostnmae": "a"', "hostnmae", 'did you mean "hostname"', 1],
  ['"hostname": 5', "hostname", "wanted a string", 13],
  ['"readonlyfs": "true"', "readonlyfs", "wanted true or false", 15],
  ['"mounts": {}', "mounts", "wanted a list", 11],
  ['"mounts": [null]', "mounts[0]", "wanted an object", 12],
  [
    '"mounts": [{"flag": 1, "device": "tmpfs", "destination": "/a"}]',
    "mounts[0].flag",
    "flags",
    13,
  ],
  [
    '"mounts": [{"device": "tmpfz", "destination": "/a"}]',
    "mounts[0].device",
    "tmpfs",
    23,
  ],
  [
    '"mounts": [{"device": "tmpfs", "destination": "a"}]',
    "mounts[0].destination",
    "absolute",
    47,
  ],
  [
    '"mounts": [{"device": "tmpfs", "destination": "/a", "flags": 8192}]',
    "mounts[0].flags",
    "0x2000",
    62,
  ],
  [
    '"mounts": [{"device": "tmpfs", "destination": "/a", "flags": -1}]',
    "mounts[0].flags",
    "from 0",
    62,
  ],
  [
    '"mounts": [{"device": "bind", "source": "/a", "destination": "/b", "relabel": "zZ"}]',
    "mounts[0].relabel",
    "one letter",
    79,
  ],
  ['"capabilities": ["NET_RAWW"]', "capabilities[0]", "NET_RAW", 18],
  ['"capabilities": [1]', "capabilities[0]", "name of a capability", 18],
  [
    '"rlimits": [{"type": 99, "hard": 1, "soft": 1}]',
    "rlimits[0].type",
    "0 to 15",
    22,
  ],
  [
    '"rlimits": [{"type": 7, "hard": 1, "soft": 2}]',
    "rlimits[0].soft",
    "more than hard",
    44,
  ],
  [
    '"rlimits": [{"type": 7, "hard": 18446744073709551616, "soft": 2}]',
    "rlimits[0].hard",
    "from 0",
    33,
  ],
  ['"cgroups": {"memory": 1.5}', "cgroups.memory", "whole number", 23],
  ['"cgroups": {"memory": 1e300}', "cgroups.memory", "whole number", 23],
  ['"cgroups": {"cpu_shares": 1}', "cgroups.cpu_shares", "from 2", 27],
  ['"cgroups": {"parent": "../x"}', "cgroups.parent", "..", 23],
  ['"cgroups": {"freezer": "COLD"}', "cgroups.freezer", "freezer state", 24],
  [
    '"cgroups": {"blkio_weight_device": "8:0"}',
    "cgroups.blkio_weight_device",
    "MAJOR:MINOR",
    36,
  ],
  [
    '"devices": [{"type": 5, "path": "/dev/x"}]',
    "devices[0].type",
    "99 for c",
    22,
  ],
  [
    '"devices": [{"type": 99, "path": "/dev/x", "file_mode": 9999}]',
    "devices[0].file_mode",
    "438",
    57,
  ],
  ['"devices": [{"type": 99, "path": "x"}]', "devices[0].path", "absolute", 34],
  [
    '"seccomp": {"syscalls": [{"value": 1, "action": -9}]}',
    "seccomp.syscalls[0].action",
    "-3",
    49,
  ],
  [
    '"seccomp": {"syscalls": [{"value": 1, "action": 1, "args": [{"index": 9}]}]}',
    "seccomp.syscalls[0].args[0].index",
    "0 to 5",
    71,
  ],
  [
    '"seccomp": {"syscalls": [{"value": 1, "action": 1, "args": [{"op": 7}]}]}',
    "seccomp.syscalls[0].args[0].op",
    "operator",
    68,
  ],
  ['"networks": [{"type": "vteh"}]', "networks[0].type", "veth", 23],
  ['"user": "daemon", "mask_paths": []', "user", "not part of dialect D", 1],
  ['"Hostname": "a", "hostname": "b"', "hostname", "given twice", 18],
  [
    '"system_properties": {"kernel.core_pattern": "|x"}',
    'system_properties["kernel.core_pattern"]',
    "whole host",
    46,
  ],
];

Deno.test("parseConfig tells path, line and column of each kind of fault", async () => {
  for (const [member, path, message, column] of FAULTS) {
    const problem = (await problemsOf(around(member)))
      .find((each) => each.path === path);
    assert(problem !== undefined, `${member}: no problem at ${path}`);
    assert(problem.message.includes(message), `${member}: ${problem.message}`);
    assertEquals([problem.line, problem.column], [2, column], member);
  }
});

Deno.test("parseConfig tells all faults at once, in the order of the text", async () => {
  const text = '{\n"nmae": 1,\n"rootfs": "relative",\n"hostname": 3,\n' +
    '"namespaces": [{"type": "NEWNS"}, {"type": "NEWNS"}, {"type": "NEWX"}]\n}';
  const problems = await problemsOf(text);
  assertEquals(problems.map(({ path }) => path), [
    "nmae",
    "rootfs",
    "hostname",
    "namespaces[1]",
    "namespaces[2].type",
  ]);
});

Deno.test("parseConfig names file, line and column in the message", async () => {
  const error = await assertRejects(
    () => parseConfig(around('"hostnmae": ""'), { path: "a/container.json" }),
    ConfigError,
  );
  assertEquals(
    error.message,
    'a/container.json:2:1: hostnmae: unknown key "hostnmae"; did you mean "hostname"?',
  );
  assertEquals([error.code, error.exitCode], ["ConfigInvalid", 125]);
});
