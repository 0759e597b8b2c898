/** Commands and their words as conformance suites of the field look at them. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { containerTests } from "../support/containers.ts";
import { OciBundle } from "../support/oci_program.ts";

const test = containerTests("ociconformcommands");

test("version and help say which command line this is", async (workspace) => {
  await using bundle = await OciBundle.make(workspace);
  const version = (await bundle.must(["-v"])).trim().split("\n");
  assertMatch(
    version[0] ?? "",
    /^nsinit-oci version .*runc version \d+\.\d+\.\d+$/,
  );
  assertMatch(version[1] ?? "", /^commit: \S/);
  assertMatch(version[2] ?? "", /^spec: \d+\.\d+\.\d+/);
  const [head, name = ""] = (await bundle.must(["-h"])).split("\n");
  assertEquals(head, "NAME:");
  assertStringIncludes(name, "runc - Open Container Initiative runtime");
  for (const command of ["create", "list", "kill", "update"]) {
    const [, line = ""] = (await bundle.must([command, "-h"])).split("\n");
    assertStringIncludes(line, `runc ${command} - `);
  }
  const unknown = await bundle.oci(["foo", "-h"]);
  assertEquals(unknown.code, 3);
  assertStringIncludes(unknown.stderr, "No help topic for 'foo'");
});

test("kill and delete take all containers that match", async (workspace) => {
  await using bundle = await OciBundle.make(workspace);
  await using other = await OciBundle.make(workspace);
  await bundle.start();
  await other.start();
  await bundle.must(["kill", "--regex", `^${workspace.tag}-`, "0"]);
  await bundle.must(["delete", "--force", "--regex", `^${workspace.tag}-`]);
  assertEquals((await bundle.oci(["state", bundle.id])).code, 1);
  assertEquals((await bundle.oci(["state", other.id])).code, 1);
});

test("more may be denied and asked for than there is", async (workspace) => {
  await using bundle = await OciBundle.make(workspace, {
    process: {
      args: ["/bin/true"],
      capabilities: {
        bounding: ["CAP_KILL", "CAP_CHOWN"],
        permitted: ["CAP_KILL", "CAP_CHOWN"],
        inheritable: ["CAP_KILL"],
        ambient: ["CAP_KILL", "CAP_CHOWN"],
      },
    },
    linux: {
      resources: {
        devices: [{
          allow: false,
          type: "c",
          major: 1,
          minor: 11,
          access: "rwa",
        }],
      },
    },
  });
  const { code, stderr } = await bundle.oci(["run", bundle.id]);
  assertEquals([code, stderr.includes("level=error")], [0, false], stderr);
  assertStringIncludes(stderr, "can't raise ambient capability CAP_CHOWN: ");
});

test("the debug log tells the flags of a filter", async (workspace) => {
  const seccomp = { defaultAction: "SCMP_ACT_ALLOW", syscalls: [] };
  await using bundle = await OciBundle.make(workspace);
  const told = async (flags?: readonly string[]): Promise<string> => {
    await bundle.write({
      process: { args: ["/bin/true"] },
      linux: { seccomp: { ...seccomp, ...flags && { flags } } },
    });
    const { stderr } = await bundle.oci(["--debug", "run", bundle.id]);
    return /"seccomp filter flags: (\d+)"/.exec(stderr)?.[1] ?? stderr;
  };
  assertEquals(await told(), "4");
  assertEquals(await told([]), "0");
  const { linux } = JSON.parse(await bundle.must(["features"]));
  const supported: string[] = linux.seccomp.supportedFlags;
  for (const flag of supported) {
    const [wanted = "0"] = [
      flag.endsWith("_LOG") ? "2" : flag.endsWith("_SPEC_ALLOW") ? "4" : "0",
    ];
    assertEquals([flag, await told([flag])], [flag, wanted]);
  }
});
