/**
 * The program of libcontainer's README of 2015, line for line.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import {
  type Config,
  defaultAllowedDevices,
  defaultDevices,
  Factory,
  Process,
} from "../../mod.ts";
import { containerTests } from "../support/containers.ts";
import { waitFor } from "../support/nsinit.ts";
import { makeTestRootfs } from "../support/rootfs.ts";

const test = containerTests("apireadme");
const RLIMIT_NOFILE = 7;

test("the program of libcontainer's README runs", async (workspace) => {
  // factory, err := libcontainer.New("/var/lib/container", ...)
  const factory = new Factory(workspace.stateRoot);

  // config := &configs.Config{ ... }
  // Without mounts of its own its nodes are made in the rootfs itself.
  const rootfs = await makeTestRootfs(`${workspace.dir}/own`);
  const config: Config = {
    rootfs,
    capabilities: [
      "CHOWN",
      "DAC_OVERRIDE",
      "FSETID",
      "FOWNER",
      "MKNOD",
      "NET_RAW",
      "SETGID",
      "SETUID",
      "SETFCAP",
      "SETPCAP",
      "NET_BIND_SERVICE",
      "SYS_CHROOT",
      "KILL",
      "AUDIT_WRITE",
    ],
    namespaces: [
      { type: "NEWNS" },
      { type: "NEWUTS" },
      { type: "NEWIPC" },
      { type: "NEWPID" },
      { type: "NEWNET" },
    ],
    cgroups: {
      name: "test-container",
      parent: workspace.tag, // "system" in the README
      allowAllDevices: false,
      allowedDevices: defaultAllowedDevices,
    },
    devices: defaultDevices,
    hostname: "testing",
    networks: [{
      type: "loopback",
      address: "127.0.0.1/0",
      gateway: "localhost",
    }],
    rlimits: [{ type: RLIMIT_NOFILE, hard: 1024, soft: 1024 }],
  };

  // container, err := factory.Create("container-id", config)
  const container = await factory.create("container-id", config);

  // process := &libcontainer.Process{ ... }
  const process = new Process({
    args: ["/bin/sh"],
    env: ["PATH=/bin"],
    user: "daemon",
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  });

  // err := container.Start(process)
  await container.start(process);

  const stdin = process.stdin.getWriter();
  const say = (text: string): Promise<void> =>
    stdin.write(new TextEncoder().encode(text));
  const output = new Response(process.stdout).text();
  const errors = new Response(process.stderr).text();
  await say("id -un; hostname; ulimit -n; echo $PATH\n");
  await say("echo $$\n");

  // processes, err := container.Processes(); bash may be running `id` just then
  await waitFor("bash to be alone", async () => {
    const pids = await container.processes();
    return pids.length === 1 && pids[0] === process.pid;
  });

  // stats, err := container.Stats()
  const stats = await container.stats();
  assert(Object.keys(stats).length > 0);

  // container.Pause()
  await container.pause();
  assertEquals(await container.status(), "paused");

  // container.Resume()
  await container.resume();
  assertEquals(await container.status(), "running");

  // status, err := process.Wait()
  await say("exit 3\n");
  await stdin.close();
  const status = await process.wait();
  assertEquals(status, { success: false, code: 3, signal: null });
  assertEquals(await errors, "");
  assertEquals(await output, "daemon\ntesting\n1024\n/bin\n1\n");

  // container.Destroy()
  await container.destroy();
  assertEquals(await factory.list(), []);
});
