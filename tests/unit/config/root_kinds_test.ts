import { assert, assertEquals, assertRejects } from "@std/assert";
import { defaultConfig } from "../../../lib/config/defaults.ts";
import { formatConfig } from "../../../lib/config/format.ts";
import { hostRootConfig } from "../../../lib/config/host_root.ts";
import { parseConfig } from "../../../lib/config/parse.ts";
import type { Config } from "../../../lib/config/types.ts";
import { findFaults } from "../../../lib/config/validate.ts";
import { ConfigError } from "../../../lib/errors.ts";

const BASE = defaultConfig("/srv/root");

/** Paths of the faults of a configuration. */
function faultsOf(changes: Partial<Config>, base: Config = BASE): string[] {
  return findFaults({ ...base, ...changes })
    .map(({ path }) => path.join("."));
}

Deno.test("overlay and host_root are read from dialect D", async () => {
  const overlay = await parseConfig(`{
    "rootfs": "/srv/root",
    "namespaces": [{ "type": "NEWNS" }],
    "overlay": { "upper": "/srv/kept", "work": "/srv/work" }
  }`);
  assertEquals(overlay.overlay, { upper: "/srv/kept", work: "/srv/work" });
  const host = await parseConfig(`{
    "namespaces": [{ "type": "NEWNS" }],
    "host_root": { "size": 1048576, "paths": ["/opt/tool"] }
  }`);
  assertEquals(host.rootfs, "/");
  assertEquals(host.hostRoot, { size: 1048576, paths: ["/opt/tool"] });
});

Deno.test("overlay and host_root alone make a text dialect D", async () => {
  const ns = '"namespaces": [{ "type": "NEWNS" }]';
  for (const text of [`{"host_root": {}, ${ns}}`, `{"overlay": {}, ${ns}}`]) {
    assertEquals((await parseConfig(text, { directory: "/srv" })).dialect, "D");
  }
});

Deno.test("faults of a root tell where they stand", async () => {
  const text = `{
  "rootfs": "/srv/root",
  "namespaces": [{ "type": "NEWNS" }],
  "overlay": { "size": 0, "uper": "/x" },
  "host_root": { "paths": ["relative"] }
}`;
  const { problems } = await assertRejects(
    () => parseConfig(text),
    ConfigError,
  );
  const found = problems.map(({ path, line }) => `${path} ${line}`).sort();
  assertEquals(found, [
    "host_root 5",
    "host_root.paths[0] 5",
    "overlay.size 4",
    "overlay.uper 4",
    "rootfs 2",
  ]);
});

Deno.test("overlay and host root are written and read back", async () => {
  const configs: Config[] = [
    { ...BASE, dialect: "D", overlay: { size: 2n ** 60n } },
    { ...BASE, dialect: "D", overlay: { upper: "/a", work: "/b" } },
    { ...BASE, dialect: "D", rootfs: "/", hostRoot: { paths: ["/opt/a"] } },
    { ...BASE, dialect: "D", rootfs: "/", hostRoot: {} },
  ];
  for (const config of configs) {
    const text = formatConfig(config, "container.json");
    assertEquals(await parseConfig(text), config);
  }
});

Deno.test("OCI cannot carry them, and the writer says so", () => {
  for (const changes of [{ overlay: {} }, { rootfs: "/", hostRoot: {} }]) {
    const warnings: string[] = [];
    const onWarning = (text: string): unknown => warnings.push(text);
    formatConfig({ ...BASE, ...changes }, "oci", { onWarning });
    assert(warnings.some((text) => /^(overlay|host_root) /.test(text)));
  }
});

Deno.test("an overlay's members are checked", () => {
  const table: readonly (readonly [Config["overlay"], string[]])[] = [
    [{}, []],
    [{ size: 4096 }, []],
    [{ size: 0 }, ["overlay.size"]],
    [{ size: -1 }, ["overlay.size"]],
    [{ size: 1.5 }, ["overlay.size"]],
    [{ size: 2n ** 63n }, ["overlay.size"]],
    [{ size: 4096, upper: "/a" }, ["overlay.size"]],
    [{ work: "/a" }, ["overlay.work"]],
    [{ upper: "a" }, ["overlay.upper"]],
    [{ upper: "/srv/root/upper" }, ["overlay.upper"]],
    [{ upper: "/srv" }, ["overlay.upper"]],
    [{ upper: "/a", work: "/a" }, ["overlay.work"]],
    [{ upper: "/a", work: "/a/b" }, ["overlay.work"]],
    [{ upper: "/srv/root2", work: "/srv/root3" }, []],
  ];
  for (const [overlay, wanted] of table) {
    assertEquals(faultsOf({ overlay: overlay ?? {} }), wanted);
  }
  assertEquals(
    faultsOf({
      ...BASE,
      overlay: {},
      maskPaths: [],
      readonlyPaths: [],
      namespaces: [],
      networks: [],
      hostname: "",
    }),
    ["overlay"],
  );
});

Deno.test("a host root's members are checked", () => {
  const sandbox = hostRootConfig();
  assertEquals(faultsOf({}, sandbox), []);
  assertEquals(faultsOf({ rootfs: "/srv" }, sandbox), ["rootfs"]);
  assertEquals(faultsOf({ overlay: {} }, sandbox), ["hostRoot"]);
  assertEquals(faultsOf({ noPivotRoot: true }, sandbox), ["noPivotRoot"]);
  assertEquals(faultsOf({ capabilities: ["SYS_ADMIN"] }, sandbox), [
    "capabilities",
  ]);
  assertEquals(faultsOf({ hostRoot: { size: 1 } }, sandbox), ["hostRoot.size"]);
});

Deno.test("a host root never shows the whole of what it keeps private", () => {
  const sandbox = hostRootConfig();
  const refused = ["/", "/etc", "/home", "/root", "/run", "/tmp", "/var"];
  const others = ["/proc/1", "/sys", "/dev/shm", "a", "/opt/", "/opt/../etc"];
  for (const path of [...refused, ...others]) {
    assertEquals(
      faultsOf({ hostRoot: { paths: [path] } }, sandbox),
      ["hostRoot.paths.0"],
      path,
    );
  }
  const fine = ["/opt", "/srv/a", "/etc/java", "/home/a/code", "/var/cache"];
  assertEquals(faultsOf({ hostRoot: { paths: fine } }, sandbox), []);
});

Deno.test("hostRootConfig gives nothing that was not asked for", () => {
  const { capabilities, noNewPrivileges, seccomp, namespaces, cgroups } =
    hostRootConfig();
  assertEquals([capabilities, noNewPrivileges], [[], true]);
  assertEquals(seccomp?.defaultAction, "SCMP_ACT_ERRNO");
  assertEquals(cgroups?.pidsLimit, 1024);
  assert(!cgroups?.allowedDevices?.some(({ major }) => major === -1));
  assert(namespaces.every(({ path }) => path === undefined));
});

Deno.test("the default filter names every call once", () => {
  const rules = hostRootConfig().seccomp?.syscalls ?? [];
  const unconditional = rules.filter(({ args }) => args.length === 0)
    .map(({ name }) => name);
  assertEquals(unconditional.length, new Set(unconditional).size);
  const conditional = rules.filter(({ args }) => args.length > 0);
  assert(!conditional.some(({ name }) => unconditional.includes(name)));
});
