/**
 * AppArmor profiles and SELinux labels: in force where the kernel has them, a
 * clear error where it does not.
 *
 * @module
 */
import {
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { HostError, KernelError } from "../../lib/errors.ts";
import { containerTests, type Workspace } from "../support/containers.ts";
import { InProcess, readConfig, runInProcess } from "../support/in_process.ts";
import { mustRun } from "../support/nsinit.ts";
import { joinContainer } from "../../lib/container/join.ts";
import { attachToFiles, processRequest } from "../support/in_process.ts";
import { closeFd, waitPidfd } from "../../ffi/native.ts";

const test = containerTests("labels");
const PROFILE = "nsinit-test-labels";

/** Allows all but writing below one path. */
const PROFILE_TEXT = `
profile ${PROFILE} flags=(attach_disconnected,mediate_deleted) {
  file,
  capability,
  network,
  mount,
  umount,
  signal,
  ptrace,
  unix,
  deny /dev/shm/closed w,
}
`;

async function withProfile(
  workspace: Workspace,
  body: () => Promise<void>,
): Promise<void> {
  const path = `${workspace.dir}/${PROFILE}`;
  await Deno.writeTextFile(path, PROFILE_TEXT);
  await mustRun(["apparmor_parser", "--replace", "--skip-cache", path]);
  try {
    await body();
  } finally {
    await mustRun(["apparmor_parser", "--remove", path]);
  }
}

async function run(
  workspace: Workspace,
  changes: Record<string, unknown>,
  script: string,
): Promise<string> {
  const config = await readConfig(workspace, changes);
  const { stdout } = await runInProcess(workspace, { config, args: script });
  return stdout;
}

test(
  "an AppArmor profile is refused where there is no AppArmor",
  async (workspace) => {
    const error = await assertRejects(
      () => run(workspace, { apparmor_profile: PROFILE }, "true"),
      HostError,
    );

    assertStringIncludes(error.message, PROFILE);
    assertStringIncludes(error.message, "AppArmor is not in force");
  },
  { needs: ["no-apparmor"] },
);

test(
  "without AppArmor everything is unconfined, which may be asked for",
  async (workspace) => {
    assertEquals(
      await run(workspace, { apparmor_profile: "unconfined" }, "echo ok"),
      "ok\n",
    );
  },
  { needs: ["no-apparmor"] },
);

test(
  "an SELinux label is refused where there is no SELinux",
  async (workspace) => {
    const label = "system_u:system_r:container_t:s0:c1,c2";
    const error = await assertRejects(
      () => run(workspace, { process_label: label }, "true"),
      HostError,
    );

    assertStringIncludes(error.message, label);
    assertStringIncludes(error.message, "SELinux is not in force");
  },
  { needs: ["no-selinux"] },
);

test(
  "a mount label is refused where there is no SELinux",
  async (workspace) => {
    const mount_label = "system_u:object_r:container_file_t:s0";
    const error = await run(workspace, { mount_label }, "true")
      .then(() => undefined, (reason) => reason);

    assertInstanceOf(error, HostError);
    assertStringIncludes(error.message, "SELinux");
  },
  { needs: ["no-selinux"] },
);

const READ =
  "cat /proc/self/attr/current; echo a > /dev/shm/closed || echo no; " +
  "echo b > /dev/shm/open && echo yes";

test(
  "an AppArmor profile is in force from the first instruction",
  async (workspace) => {
    await withProfile(workspace, async () => {
      const text = await run(workspace, { apparmor_profile: PROFILE }, READ);

      assertEquals(text, `${PROFILE} (enforce)\nno\nyes\n`);
    });
  },
  { needs: ["apparmor"] },
);

test("a joined program gets the container's profile", async (workspace) => {
  await withProfile(workspace, async () => {
    const config = await readConfig(workspace, { apparmor_profile: PROFILE });
    const args = ["/bin/sleep", "100"];
    await using container = await InProcess.start(workspace, { config, args });
    const outputs = await workspace.newDirectory();

    const joined = await joinContainer(
      container.state,
      processRequest("cat /proc/self/attr/current"),
      attachToFiles(outputs),
    );
    const pidfd = joined.takePidfd();
    assertEquals(waitPidfd(pidfd).code, 0);
    closeFd(pidfd);
    joined.close();

    const text = await Deno.readTextFile(`${outputs}/out`);
    assertEquals(text, `${PROFILE} (enforce)\n`);
  });
}, { needs: ["apparmor"] });

test("a profile that is not loaded fails the start", async (workspace) => {
  const error = await assertRejects(
    () =>
      run(workspace, { apparmor_profile: "nsinit-no-such-profile" }, "true"),
  );

  assertInstanceOf(error, Error);
  assertStringIncludes(error.message, "nsinit-no-such-profile");
}, { needs: ["apparmor"] });

test("a container without a profile keeps the starter's", async (workspace) => {
  const own = await Deno.readTextFile("/proc/self/attr/current");

  assertEquals(await run(workspace, {}, "cat /proc/self/attr/current"), own);
}, { needs: ["apparmor"] });

test("an SELinux label is in force", async (workspace) => {
  const label = "system_u:system_r:container_t:s0:c1,c2";
  const outcome = await run(
    workspace,
    { process_label: label },
    "cat /proc/self/attr/current",
  ).then((text) => text, (error) => error);

  if (outcome instanceof KernelError) {
    assertEquals(outcome.operation, "label.selinux");
  } else assertStringIncludes(String(outcome), label);
}, { needs: ["selinux"] });
