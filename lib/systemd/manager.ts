/**
 * What is asked of systemd: transient scopes, their properties, its own place.
 *
 * @module
 */
import { HostError, KernelError } from "../errors.ts";
import { CallError, Connection } from "./connection.ts";
import type { Value, Variant } from "./marshal.ts";
import type { Message } from "./message.ts";
import { encodeProperties } from "./properties.ts";
import { callLater, sleep } from "../pause.ts";

const NAME = "org.freedesktop.systemd1";
const MANAGER = {
  destination: NAME,
  path: "/org/freedesktop/systemd1",
  interface: `${NAME}.Manager`,
} as const;
/** How long a job may take, in milliseconds. */
const JOB_MS = 30_000;
/** How long a unit of the same name, which is on its way out, is waited for. */
const UNIT_MS = 2_000;
const LOOK_MS = 20;
const EEXIST = 17;

/** Which systemd: that of the machine, or a user's own. */
export type Bus = "system" | "user";

/** A transient scope that is wanted. */
export interface ScopeRequest {
  /** Name of the unit, e.g. `nsinit-demo.scope`. */
  readonly unit: string;
  /** The process that it is made of, as systemd sees it. */
  readonly pid: number;
  /** `Name=value` as `encodeProperties` takes them. */
  readonly properties: readonly string[];
}

async function isThere(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, () => false);
}

/** Path of a `unix:path=` address; the first of a list. */
function pathOfAddress(address: string | undefined): string | undefined {
  return /(?:^|;)unix:(?:[^;]*,)?path=([^,;]+)/.exec(address ?? "")?.[1];
}

/** Sockets in the order in which they are tried. */
function socketsOf(bus: Bus): { path: string; isBus: boolean }[] {
  if (bus === "system") {
    return [
      { path: "/run/systemd/private", isBus: false },
      { path: "/run/dbus/system_bus_socket", isBus: true },
    ];
  }
  const runtime = Deno.env.get("XDG_RUNTIME_DIR") ?? `/run/user/${Deno.uid()}`;
  const session = pathOfAddress(Deno.env.get("DBUS_SESSION_BUS_ADDRESS"));
  return [
    { path: `${runtime}/systemd/private`, isBus: false },
    ...(session === undefined ? [] : [{ path: session, isBus: true }]),
    { path: `${runtime}/bus`, isBus: true },
  ];
}

function notRunning(bus: Bus, tried: readonly string[]): HostError {
  const who = bus === "system" ? "systemd" : "systemd of this user";
  return new HostError(
    `Cannot have systemd make the cgroups: ${who} is not running (no ${
      tried.join(", no ")
    }); use the cgroupfs driver instead, or boot with systemd`,
    { context: { bus } },
  );
}

/** A refusal of systemd in our words. */
function refusal(attempt: string, error: unknown): unknown {
  if (!(error instanceof CallError)) return error;
  const context = { errorName: error.errorName };
  const message = `Cannot ${attempt}: systemd says: ${error.message}`;
  if (error.errorName === `${NAME}.UnitExists`) {
    const advice =
      "; the container's cgroup is not empty: end what runs in that unit, or name another";
    return new KernelError(message + advice, {
      errno: EEXIST,
      errnoName: "EEXIST",
      operation: "systemd.scope",
      context,
      cause: error,
    });
  }
  return new HostError(message, { context, cause: error });
}

/** Waits for the end of jobs; begun before a job, so that none is missed. */
class Jobs implements Disposable {
  readonly #results = new Map<string, string>();
  readonly #wake = new Set<() => void>();
  readonly #stop: () => void;

  constructor(connection: Connection) {
    this.#stop = connection.listen((signal) => this.#note(signal));
  }

  #note({ member, body }: Message): void {
    const [, job, , result] = body;
    if (member !== "JobRemoved" || typeof job !== "string") return;
    this.#results.set(job, String(result));
    for (const wake of this.#wake) wake();
  }

  /** Result of a job, e.g. `done`; undefined when it takes too long. */
  async resultOf(job: string): Promise<string | undefined> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const check = (): void => {
      if (this.#results.has(job)) resolve();
    };
    this.#wake.add(check);
    const callOff = callLater(JOB_MS, resolve);
    check();
    await promise;
    callOff();
    this.#wake.delete(check);
    return this.#results.get(job);
  }

  [Symbol.dispose](): void {
    this.#stop();
  }
}

/** A running systemd. */
export class Manager implements Disposable {
  readonly #connection: Connection;

  private constructor(connection: Connection) {
    this.#connection = connection;
  }

  /**
   * Connects to systemd: directly, else through the bus.
   *
   * @param bus Which one.
   * @returns The connection.
   * @throws {HostError} `HostUnsupported` if it does not run or refuses us.
   *
   * @example
   * ```ts ignore
   * using manager = await Manager.connect("system");
   * ```
   */
  static async connect(bus: Bus): Promise<Manager> {
    const sockets = socketsOf(bus);
    const tried = sockets.map(({ path }) => path);
    // Sockets may be left where systemd does not run, as in some images.
    if (bus === "system" && !await isThere("/run/systemd/system")) {
      throw notRunning(bus, ["/run/systemd/system"]);
    }
    let failure: unknown;
    for (const { path, isBus } of sockets) {
      if (!await isThere(path)) continue;
      try {
        const manager = new Manager(await Connection.open(path, { isBus }));
        await manager.#subscribe();
        return manager;
      } catch (error) {
        failure = error;
      }
    }
    throw failure ?? notRunning(bus, tried);
  }

  /** Has systemd tell of jobs; a direct connection is told anyway. */
  async #subscribe(): Promise<void> {
    if (!this.#connection.isBus) return;
    await this.#connection.call({
      destination: "org.freedesktop.DBus",
      path: "/org/freedesktop/DBus",
      interface: "org.freedesktop.DBus",
      member: "AddMatch",
      signature: "s",
      body: [
        `type='signal',sender='${NAME}',interface='${NAME}.Manager',member='JobRemoved'`,
      ],
    });
    await this.#connection.call({ ...MANAGER, member: "Subscribe" });
  }

  async #property(
    path: string,
    iface: string,
    name: string,
  ): Promise<Value> {
    const [variant] = await this.#connection.call({
      destination: NAME,
      path,
      interface: "org.freedesktop.DBus.Properties",
      member: "Get",
      signature: "ss",
      body: [iface, name],
    });
    return (variant as Variant).value;
  }

  /**
   * Its own place: all units are below.
   *
   * @returns Path in the cgroup hierarchies; empty for the root.
   * @throws {HostError} `HostUnsupported` if it does not say.
   */
  async controlGroup(): Promise<string> {
    try {
      const { path, interface: iface } = MANAGER;
      const value = await this.#property(path, iface, "ControlGroup");
      return String(value).replace(/\/$/, "");
    } catch (error) {
      throw refusal("ask systemd for its cgroup", error);
    }
  }

  /** Place of a scope in the cgroup hierarchies. */
  async controlGroupOf(unit: string): Promise<string> {
    const [path] = await this.#connection.call({
      ...MANAGER,
      member: "GetUnit",
      signature: "s",
      body: [unit],
    });
    const iface = `${NAME}.Scope`;
    return String(await this.#property(String(path), iface, "ControlGroup"));
  }

  async #startOnce({ unit, pid, properties }: ScopeRequest): Promise<void> {
    using jobs = new Jobs(this.#connection);
    const [job] = await this.#connection.call({
      ...MANAGER,
      member: "StartTransientUnit",
      signature: "ssa(sv)a(sa(sv))",
      body: [
        unit,
        "fail",
        [
          ["PIDs", { type: "au", value: [pid] }],
          ...encodeProperties(properties),
        ],
        [],
      ],
    });
    const result = await jobs.resultOf(String(job));
    if (result === "done") return;
    const why = result === undefined
      ? `it did not within ${JOB_MS} ms`
      : `its job ended as ${result}`;
    throw new HostError(
      `Cannot have systemd start ${unit}: ${why}; see "systemctl status ${unit}"`,
      { context: { unit, result } },
    );
  }

  /**
   * Starts a transient scope and waits until it stands.
   *
   * @param request The scope.
   * @returns Its place in the cgroup hierarchies.
   * @throws {KernelError} `SystemError` with EEXIST if there is one of that name.
   * @throws {HostError} `HostUnsupported` if systemd refuses or fails.
   */
  async startScope(request: ScopeRequest): Promise<string> {
    const end = performance.now() + UNIT_MS;
    for (;;) {
      try {
        await this.#startOnce(request);
        return await this.controlGroupOf(request.unit);
      } catch (error) {
        // The scope of a container that has just ended goes when systemd notices.
        const isLeaving = error instanceof CallError &&
          error.errorName === `${NAME}.UnitExists` && performance.now() < end;
        if (!isLeaving) {
          throw refusal(`have systemd start ${request.unit}`, error);
        }
        await sleep(LOOK_MS);
      }
    }
  }

  /**
   * Changes properties of a unit until it ends.
   *
   * @param unit Its name.
   * @param properties `Name=value`.
   * @throws {HostError} `HostUnsupported` if systemd refuses.
   */
  async setProperties(
    unit: string,
    properties: readonly string[],
  ): Promise<void> {
    if (properties.length === 0) return;
    try {
      await this.#connection.call({
        ...MANAGER,
        member: "SetUnitProperties",
        signature: "sba(sv)",
        body: [unit, true, encodeProperties(properties)],
      });
    } catch (error) {
      throw refusal(`change properties of ${unit}`, error);
    }
  }

  /**
   * Has systemd forget a unit that has failed.
   *
   * @param unit Its name; one that is not there is no failure.
   * @throws {HostError} `HostUnsupported` if systemd refuses.
   */
  async resetFailed(unit: string): Promise<void> {
    try {
      await this.#connection.call({
        ...MANAGER,
        member: "ResetFailedUnit",
        signature: "s",
        body: [unit],
      });
    } catch (error) {
      const isGone = error instanceof CallError &&
        error.errorName === `${NAME}.NoSuchUnit`;
      if (!isGone) throw refusal(`forget ${unit}`, error);
    }
  }

  /** Closes the connection. */
  [Symbol.dispose](): void {
    this.#connection[Symbol.dispose]();
  }
}
