/**
 * `nsinit config > container.json && nsinit exec --config container.json
 * /bin/true`, with every flag of the generator.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { GENERATOR_OPTIONS } from "../../lib/cli/generator_options.ts";
import { type Capability, has } from "../support/capability.ts";
import { containerTests, type Workspace } from "../support/containers.ts";
import { TestNetwork } from "../support/network.ts";
import type { RunOptions } from "../support/nsinit.ts";

const test = containerTests("generator");

/** Flags that are used together; `@` is an empty directory. */
interface Case {
  readonly what: string;
  readonly flags: readonly string[];
  readonly needs?: readonly Capability[];
  /** What `exec` says where the machine lacks it; nothing elsewhere. */
  readonly lacks?: readonly [Capability, RegExp];
}

const CASES: readonly Case[] = [
  {
    what: "root file system, limits and process",
    flags: [
      "--read-only",
      "--bind=@:/home:ro",
      "--tmpfs=/tmp",
      "--cgroup",
      "--hostname=web",
      "--sysctl=kernel.shm_rmid_forced=1",
      "--cpushares=512",
      "--cpu-quota=50000",
      "--cpu-period=100000",
      "--pids-limit=20",
      "--parent-death-signal=KILL",
      "--groups=5",
      "--net=private",
      "--security=high",
    ],
  },
  {
    what: "memory and CPUs",
    flags: ["--memory-limit=64m", "--cpuset-cpus=0", "--cpuset-mems=0"],
    needs: ["memory-cgroup"],
  },
  {
    what: "swap of cgroup v1",
    flags: [
      "--memory-limit=64m",
      "--memory-swap=128m",
      "--memory-swappiness=0",
    ],
    needs: ["memory-cgroup", "cgroup-v1"],
  },
  {
    what: "namespaces of the host",
    flags: ["--pid=host", "--ipc=host", "--uts=host", "--security=low"],
  },
  { what: "mounts of the host", flags: ["--mnt=host"] },
  {
    what: "the network namespace of a process, and an overlay",
    flags: ["--net=/proc/self/ns/net", "--overlay=1m"],
  },
  {
    what: "an overlay that is kept, in a user namespace",
    flags: [
      "--overlay-upper=@/upper",
      "--overlay-work=@/work",
      "--security=medium",
    ],
  },
  { what: "a user namespace", flags: ["--userns-root-uid=1000"] },
  {
    what: "a root of the host's programs",
    flags: ["--host-root=64m", "--host-path=@"],
  },
  {
    what: "no AppArmor profile",
    flags: ["--apparmor-profile=unconfined"],
  },
  {
    what: "SELinux labels",
    flags: [
      "--process-label=system_u:system_r:svirt_lxc_net_t:s0:c1,c2",
      "--mount-label=system_u:object_r:svirt_sandbox_file_t:s0:c1,c2",
    ],
    needs: ["no-selinux"],
    lacks: ["selinux", /SELinux/],
  },
];

const VETH = [
  "--veth-bridge=nsgen0",
  "--veth-address=10.77.0.2/24",
  "--veth-gateway=10.77.0.1",
  "--veth-mtu=1400",
];

/** Writes the configuration, checks that it reads as itself, and runs it. */
async function runGenerated(
  workspace: Workspace,
  flags: readonly string[],
  options: RunOptions = {},
): Promise<{ readonly code: number; readonly stderr: string }> {
  const dir = await workspace.newDirectory();
  const empty = await workspace.newDirectory();
  const here = { ...options, cwd: dir };
  const rootfs = flags.some((flag) => flag.startsWith("--host-root"))
    ? []
    : [`--rootfs=${workspace.rootfs}`];
  const given = flags.map((flag) => flag.replace("@", empty));
  const made = await workspace.nsinit(["config", ...rootfs, ...given], here);
  assertEquals(made.code, 0, made.stderr);
  const json = JSON.parse(made.stdout);
  json.cgroups.parent = workspace.tag;
  const text = `${JSON.stringify(json, null, "\t")}\n`;
  await Deno.writeTextFile(`${dir}/container.json`, text);
  const again = await workspace.nsinit(["convert", "container.json"], here);
  // A list that is not there and an empty one mean the same.
  const lists = (json: string): string => json.replaceAll(": null", ": []");
  assertEquals(lists(again.stdout), lists(text), again.stderr);
  return await workspace.nsinit(
    ["exec", "--config", "container.json", "/bin/true"],
    here,
  );
}

for (const { what, flags, needs = [], lacks } of CASES) {
  test(`config and exec: ${what}`, async (workspace) => {
    const { code, stderr } = await runGenerated(workspace, flags);
    if (lacks === undefined || has(lacks[0])) {
      assertEquals([code, stderr], [0, ""]);
    } else {
      assertEquals(code, 125);
      assertMatch(stderr, lacks[1]);
    }
  }, { needs });
}

test("config and exec: an interface on a bridge", async (workspace) => {
  await using network = await TestNetwork.create({
    name: "nsgen0",
    addresses: ["10.77.0.1/24"],
  });
  const { prefix } = network;
  const { code, stderr } = await runGenerated(workspace, VETH, { prefix });
  assertEquals([code, stderr], [0, ""]);
  assertEquals(await network.interfaces(), ["lo", "nsgen0"]);
}, { needs: ["ip"] });

Deno.test("every flag of the generator is tried", () => {
  const flags = [...CASES.flatMap(({ flags }) => flags), ...VETH, "--rootfs="];
  const tried = new Set(flags.map((flag) => flag.replace(/^--|=.*$/g, "")));
  const missing = GENERATOR_OPTIONS.filter(({ name }) => !tried.has(name));
  assertEquals(missing, []);
  assert(tried.size >= GENERATOR_OPTIONS.length);
});
