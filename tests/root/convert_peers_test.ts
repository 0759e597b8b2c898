/** What nsinit writes for OCI is taken by the runtimes that it is meant for. */
import { assertEquals } from "@std/assert";
import { containerTests } from "../support/containers.ts";
import { runProgram } from "../support/nsinit.ts";
import { adaptSample, SAMPLES } from "../support/samples.ts";

const test = containerTests("convertpeers");

/** Those whose needs every machine meets. */
const CHOSEN = [
  "2014-02-seed",
  "2014-05-17-6ecb140-keep-list",
  "v1.2.0-minimal",
  "v2.0.0-attach_to_bridge",
  "v2.0.0-host-pid",
  "v2.0.0-minimal",
  "v2.0.0-userns",
];

/**
 * Runs a bundle's program. crun refuses machines with both versions of cgroups,
 * so it does not see the second one.
 */
const RUN = `mount --make-rprivate /
if [ -e /sys/fs/cgroup/unified ]; then umount /sys/fs/cgroup/unified; fi
exec "$@"`;

for (const peer of ["runc", "crun"] as const) {
  test(`${peer} runs what config and convert write`, async (workspace) => {
    const dir = await workspace.newDirectory();
    for (const name of ["hostname", "hosts", "resolv.conf"]) {
      await Deno.writeTextFile(`${dir}/${name}`, "");
    }
    const sources = CHOSEN.map((name) => [
      name,
      adaptSample(
        Deno.readTextFileSync(`${SAMPLES}/${name}.json`),
        workspace.rootfs,
        dir,
      ),
    ]);
    for (const [name, text] of [["the template", undefined], ...sources]) {
      const made = text === undefined
        ? await workspace.nsinit(
          ["config", "--format", "oci", "--rootfs", workspace.rootfs],
          { cwd: dir },
        )
        : await workspace.nsinit(["convert", "--format", "oci", "-"], {
          cwd: dir,
          stdin: text,
        });
      assertEquals([name, made.code], [name, 0], made.stderr);
      const config = JSON.parse(made.stdout);
      config.root.path = workspace.rootfs;
      config.process = {
        ...config.process,
        terminal: false,
        args: ["/bin/sh", "-c", "echo $((6 * 7)); hostname"],
      };
      config.hostname = "peer";
      config.linux.cgroupsPath = `/${workspace.tag}-peer`;
      await Deno.writeTextFile(`${dir}/config.json`, JSON.stringify(config));
      const id = workspace.newName();
      const program = [peer, "--root", `${dir}/states`, "run", id];
      const { code, stdout, stderr } = await runProgram(
        ["unshare", "-m", "sh", "-c", RUN, "sh", ...program],
        { cwd: dir, timeoutMs: 60_000 },
      );
      assertEquals([name, code, stdout], [name, 0, "42\npeer\n"], stderr);
    }
  }, { needs: [peer] });
}
