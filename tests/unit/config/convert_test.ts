/** What is converted means what it meant: the Plans are the same. */
import { assertEquals } from "@std/assert";
import { formatConfig } from "../../../lib/config/format.ts";
import { parseConfig } from "../../../lib/config/parse.ts";
import { defaultConfig } from "../../../lib/config/defaults.ts";
import type { Config, Network } from "../../../lib/config/types.ts";
import type { Plan } from "../../../lib/plan/ops.ts";
import { buildStartPlan } from "../../../lib/plan/start.ts";
import { REPOSITORY } from "../../support/nsinit.ts";
import { loadSamples } from "../../support/samples.ts";
import { HOST_V1, HOST_V2, PLACEMENT, PROCESS } from "../plan/support.ts";

/** AppArmor and SELinux are there, so that labels are planned too. */
const HOSTS = [HOST_V1, HOST_V2].map((host) => ({
  ...host,
  apparmor: true,
  selinux: true,
}));

const LOOPBACK = defaultConfig("/").networks[0] as Network;

function plansOf(config: Config): Plan[] {
  return HOSTS.map((host) =>
    buildStartPlan(config, PROCESS, host, PLACEMENT).plan
  );
}

for (const { name, text } of loadSamples()) {
  Deno.test(`${name} as container.json has the same Plan`, async () => {
    const options = { directory: "/srv/root" };
    const config = await parseConfig(text, options);
    const written = formatConfig(config, "container.json");
    const again = await parseConfig(written, options);
    assertEquals(plansOf(again), plansOf(config));
    assertEquals(formatConfig(again, "container.json"), written);
  });
}

/** The configuration without what OCI has no place for. */
function sayableInOci(config: Config): Config {
  const hasNetwork = config.namespaces.some(({ type, path }) =>
    type === "NEWNET" && path === undefined
  );
  const hasLoopback = (config.networks ?? []).some(({ type }) =>
    type === "loopback"
  );
  const { routes: _routes, parentDeathSignal: _signal, ...rest } = config;
  return {
    ...rest,
    networks: hasNetwork || hasLoopback ? [LOOPBACK] : [],
  };
}

/** What is lost is told by warnings that begin like this. */
function lossesOf(config: Config): string[] {
  const hasVeth = (config.networks ?? []).some(({ type }) => type === "veth");
  const isTuned = (config.networks ?? []).some(({ type, mtu }) =>
    type === "loopback" && mtu > 0
  );
  const { user = "" } = config.process ?? {};
  return [
    ...hasVeth ? ["networks are left out"] : [],
    ...isTuned ? ["mtu and txqueuelen of the loopback"] : [],
    ...(config.routes ?? []).length > 0 ? ["routes are left out"] : [],
    ...config.parentDeathSignal ? ["parent_death_signal is left out"] : [],
    ...user === "" || user === "root" ? [] : [`process.user ${user} is a name`],
    ...config.cgroups?.name ? [] : ["cgroups: the group is named"],
  ];
}

/** The Plans without making the working directory, which OCI orders of itself. */
function withoutDirectory(plans: readonly Plan[]): Plan[] {
  return plans.map((plan) => ({
    ...plan,
    child: plan.child.filter((operation) =>
      operation.op !== "cwd.enter" || operation.flags !== 1
    ),
  }));
}

for (const { name, text } of loadSamples()) {
  Deno.test(`${name} as OCI's config.json has the same Plan, but for what is warned of`, async () => {
    const options = { directory: "/srv/root" };
    const config = await parseConfig(text, options);
    const warnings: string[] = [];
    const written = formatConfig(config, "oci", {
      onWarning: (warning) => warnings.push(warning),
    });
    assertEquals(
      warnings.map((warning, index) =>
        warning.slice(0, lossesOf(config)[index]?.length)
      ),
      lossesOf(config),
    );
    const again = await parseConfig(written, options);
    assertEquals(
      withoutDirectory(plansOf(again)),
      plansOf(sayableInOci(config)),
    );
  });
}

Deno.test("OCI's own example as container.json holds all but the process", async () => {
  const path = `${REPOSITORY}/tests/fixtures/oci/config/good/spec-example.json`;
  const text = await Deno.readTextFile(path);
  const config = await parseConfig(text, { path });
  const written = formatConfig(config, "container.json");
  const again = await parseConfig(written, { path });
  const rest = ({ process: _process, dialect: _dialect, ...others }: Config) =>
    others;
  // What OCI has no key for is written as what its absence means.
  const absent = { noPivotRoot: false, parentDeathSignal: 0 };
  assertEquals(rest(again), { ...absent, ...rest(config) });
});
