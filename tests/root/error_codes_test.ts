/**
 * Every code of lib/errors.ts, provoked for real through the library: class,
 * exit status and code are the documented ones.
 *
 * @module
 */
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
} from "@std/assert";
import {
  type Container,
  type ErrorCode,
  Factory,
  NsinitError,
  parseConfig,
  Process,
} from "../../mod.ts";
import { testCriu } from "../support/criu.ts";
import { containerTests, type Workspace } from "../support/containers.ts";
import { declaredCodes, documentedCodes } from "../support/error_codes.ts";
import { readConfig } from "../support/in_process.ts";

const test = containerTests("codes");
const SLEEP = { args: ["/bin/sleep", "100"] };

/** Does what fails with one code, and nothing else that could. */
type Provocation = (container: Container, factory: Factory) => unknown;

/** One for each code: the type leaves none out. */
const PROVOCATIONS: Readonly<Record<ErrorCode, Provocation>> = {
  IdInUse: ({ id, config }, factory) => factory.create(id, config),
  InvalidIdFormat: (_, factory) => factory.load("a/b"),
  ContainerNotExists: (_, factory) => factory.load("no-such-container"),
  ContainerPaused: async (container) => {
    await container.start(SLEEP);
    await container.pause();
    await container.start(SLEEP);
  },
  ContainerNotPaused: async (container) => {
    await container.start(SLEEP);
    await container.resume();
  },
  ContainerNotStopped: async (container) => {
    await container.start(SLEEP);
    await container.destroy();
  },
  ContainerNotRunning: (container) => container.signal("SIGTERM"),
  ProcessNotExecuted: () => new Process(SLEEP).wait(),
  ConfigInvalid: () => parseConfig('{"namespaces": [{"type": "NEWFOO"}]}'),
  // The namespace to join is of another kind.
  SystemError: async ({ id, config }, factory) => {
    const namespaces = [
      ...config.namespaces.filter(({ type }) => type !== "NEWIPC"),
      { type: "NEWIPC" as const, path: "/proc/self/ns/net" },
    ];
    const other = { ...config, namespaces };
    await using container = await factory.create(`${id}-other`, other);
    await container.start(SLEEP);
  },
  UsageInvalid: (container) => container.start({ args: [] }),
  // Neither version of cgroups has both.
  HostUnsupported: async ({ id, config }, factory) => {
    const cgroups = {
      name: `${id}-other`,
      parent: config.cgroups?.parent ?? "",
      kernelMemoryTcp: 1 << 24,
      unified: { "memory.high": "200M" },
    };
    const other = { ...config, cgroups };
    await using container = await factory.create(`${id}-other`, other);
    await container.start(SLEEP);
  },
  // Images of which one is missing.
  CriuFailed: async (container, factory) => {
    const imagePath = `${factory.root}/../${container.id}.images`;
    await container.start(SLEEP);
    await container.checkpoint({ imagePath });
    await Deno.truncate(`${imagePath}/inventory.img`, 12);
    await container.restore();
  },
  ProgramNotFound: (container) => container.start({ args: ["/no/program"] }),
  ProgramNotExecutable: (container) =>
    container.start({ args: ["/etc/passwd"] }),
};

async function provoke(
  workspace: Workspace,
  code: ErrorCode,
): Promise<NsinitError> {
  const criu = code === "CriuFailed" ? { criu: testCriu() } : {};
  const factory = new Factory(workspace.stateRoot, criu);
  const config = await readConfig(workspace);
  await using container = await factory.create(workspace.newName(), config);
  const error = await assertRejects(
    async () => await PROVOCATIONS[code](container, factory),
  );
  assertInstanceOf(error, NsinitError, String(error));
  return error;
}

for (const code of Object.keys(PROVOCATIONS) as ErrorCode[]) {
  test(
    `${code} is provoked, with its documented class and status`,
    async (workspace) => {
      const error = await provoke(workspace, code);
      const documented = (await documentedCodes())
        .find((each) => each.code === code);
      assertEquals(
        { code: error.code, className: error.name, exitCode: error.exitCode },
        documented,
      );
      // A sentence for people, which needs no code to be understood.
      assert(error.message.length > 20, error.message);
      assert(!error.message.includes(code), error.message);
    },
    { needs: code === "CriuFailed" ? ["criu"] : [] },
  );
}

test("every code that lib/errors.ts declares is provoked here", async () => {
  assertEquals(Object.keys(PROVOCATIONS), await declaredCodes());
});
