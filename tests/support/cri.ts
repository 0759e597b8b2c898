/**
 * containerd as Kubernetes' kubelet drives it: pods by the container runtime
 * interface, with the runtime under test behind a runtime class.
 *
 * @module
 */
import { type Capability, CNI_PLUGINS, mustSkip } from "./capability.ts";
import type { Remains } from "./client_host.ts";
import { Containerd } from "./containerd.ts";
import { CRI } from "./cri_messages.ts";
import { callGrpc, GrpcError } from "./grpc.ts";
import { PATIENCE, REPOSITORY, type Running, waitFor } from "./nsinit.ts";
import type { OciRuntime } from "./oci_runtime.ts";
import { decode, encode, type Message } from "./protobuf.ts";

const SOCKET = "/run/containerd/containerd.sock";
const NAMESPACE = "k8s.io";
const IMAGE = "docker.io/library/nsinit-test:1";
const PAUSE_IMAGE = "localhost/pause:1";
const PAUSE = "trap 'exit 0' TERM; while :; do sleep 1 & wait $!; done";
const NETWORK = {
  cniVersion: "0.4.0",
  name: "pods",
  plugins: [{
    type: "ptp",
    ipMasq: false,
    ipam: {
      type: "host-local",
      subnet: "10.88.77.0/24",
      dataDir: "/run/cni-ipam",
    },
  }],
};
const TIMEOUT_MS = 60_000;

/** The name of the runtime class. */
const HANDLER = "nsinit";

/** As `docs/kubernetes.md` has it, for a machine without systemd and registries. */
function settings({ path }: OciRuntime): string {
  const cri = `plugins."io.containerd.grpc.v1.cri"`;
  return `[${cri}]
  sandbox_image = "${PAUSE_IMAGE}"
  stream_server_address = "127.0.0.1"
  restrict_oom_score_adj = true
[${cri}.cni]
  bin_dir = "${CNI_PLUGINS}"
[${cri}.containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
[${cri}.containerd.runtimes.${HANDLER}]
  runtime_type = "io.containerd.runc.v2"
  [${cri}.containerd.runtimes.${HANDLER}.options]
    BinaryName = "${path}"
`;
}

/** What an answer holds; tests know what they ask for. */
// deno-lint-ignore no-explicit-any
export type Answer = any;

/** A pod, with what later calls need of it. */
export interface Pod {
  readonly id: string;
  readonly config: Message & { readonly log_directory: string };
}

/** What is special about a pod or a container. */
export interface Special {
  /** `security_context`. */
  readonly security?: Message;
  /** `linux.resources`; of containers. */
  readonly resources?: Message;
  /** Further members of its configuration. */
  readonly more?: Message;
}

/** How a container ended. */
export interface Ended {
  readonly code: number;
  readonly reason: string;
  /** Lines of its log: name of the stream, a space and the text. */
  readonly log: readonly string[];
}

/** `NamespaceOption`s: whose namespaces a container is in. */
export const NAMESPACES = { pod: 0, own: 1, node: 2, target: 3 } as const;

/** A host with containerd that serves Kubernetes. */
export class Cri implements AsyncDisposable {
  #count = 0;

  private constructor(readonly containerd: Containerd) {}

  /** Makes a host; both images are imported. */
  static async create(topic: string): Promise<Cri> {
    const cri = new Cri(await Containerd.create(topic, settings));
    try {
      await cri.#prepare();
    } catch (error) {
      await cri[Symbol.asyncDispose]();
      throw error;
    }
    return cri;
  }

  async #prepare(): Promise<void> {
    const network = JSON.stringify(NETWORK);
    await this.containerd.host.sh(
      "mkdir -p /etc/cni/net.d && cat > /etc/cni/net.d/10-pods.conflist",
      { stdin: network },
    );
    const env = ["PATH=/bin"];
    const images = [
      { name: IMAGE, config: { Env: env } },
      {
        name: PAUSE_IMAGE,
        config: { Env: env, Entrypoint: ["/bin/sh", "-c", PAUSE] },
      },
    ];
    for (const image of images) {
      await this.containerd.importImage({ ...image, namespace: NAMESPACE });
    }
    await this.#waitUntilReady();
    for (const { name } of images) {
      // It hears of images that others import.
      await waitFor("the image", async () => {
        const status = await this.call("ImageStatus", {
          image: { image: name },
        });
        return status.image !== undefined;
      }, 30_000);
    }
  }

  /** It serves, and looks at the network's file, some time after it has begun. */
  async #waitUntilReady(): Promise<void> {
    await waitFor("the network of pods", async () => {
      try {
        const { status } = await this.call("Status", {});
        return status.conditions.every((each: Answer) => each.status === true);
      } catch (error) {
        if (error instanceof GrpcError) return false;
        throw error;
      }
    }, 30_000);
  }

  /** Makes a call of the service of runtimes, or of images. */
  async call(method: string, request: Message): Promise<Answer> {
    const service = method.startsWith("Image") ? "Image" : "Runtime";
    const answer = await callGrpc(
      `${this.containerd.host.root}${SOCKET}`,
      `/runtime.v1.${service}Service/${method}`,
      encode(CRI, `${method}Request`, request),
      TIMEOUT_MS * PATIENCE,
    );
    return decode(CRI, `${method}Response`, answer);
  }

  /** Starts a pod. */
  async pod({ security, more }: Special = {}): Promise<Pod> {
    const name = `pod${++this.#count}`;
    const config = {
      metadata: { name, uid: name, namespace: "default", attempt: 0 },
      hostname: name,
      log_directory: `${this.containerd.dir}/logs/${name}`,
      linux: {
        cgroup_parent: `/${this.containerd.tag}/${name}`,
        security_context: security,
      },
      ...more,
    };
    const request = { config, runtime_handler: HANDLER };
    const { pod_sandbox_id: id } = await this.call("RunPodSandbox", request);
    return { id, config };
  }

  /** Makes a container that executes a script, and gives its id. */
  async create(
    pod: Pod,
    script: string,
    { security = {}, resources = {}, more }: Special = {},
  ): Promise<string> {
    const name = `c${++this.#count}`;
    const namespaces = { pid: NAMESPACES.own };
    const config = {
      metadata: { name },
      image: { image: IMAGE },
      command: ["/bin/sh", "-c", script],
      log_path: `${name}.log`,
      linux: {
        resources,
        security_context: { namespace_options: namespaces, ...security },
      },
      ...more,
    };
    const { container_id: id } = await this.call("CreateContainer", {
      pod_sandbox_id: pod.id,
      config,
      sandbox_config: pod.config,
    });
    return id;
  }

  /** Makes and starts a container, and gives its id. */
  async start(pod: Pod, script: string, special?: Special): Promise<string> {
    const id = await this.create(pod, script, special);
    await this.call("StartContainer", { container_id: id });
    return id;
  }

  /** Runs a container to its end. */
  async once(pod: Pod, script: string, special?: Special): Promise<Ended> {
    return await this.ended(await this.start(pod, script, special));
  }

  /** What is known of a container. */
  async status(id: string): Promise<Answer> {
    return (await this.call("ContainerStatus", { container_id: id })).status;
  }

  /** Waits for the end of a container. */
  async ended(id: string): Promise<Ended> {
    const status = await waitFor("the container's end", async () => {
      const status = await this.status(id);
      return status.state === 2 && status;
    }, 30_000);
    const { exit_code: code = 0, reason } = status;
    return { code, reason, log: await this.log(status.log_path) };
  }

  /** The lines of a log without their times. */
  async log(path: string): Promise<string[]> {
    const text = await Deno.readTextFile(`${this.containerd.host.root}${path}`);
    return text.trimEnd().split("\n")
      .map((line) => line.replace(/^\S+ (\S+) [FP] /, "$1 "));
  }

  /** Runs a command in a container, as a probe does; its output and status. */
  async exec(
    id: string,
    ...cmd: readonly string[]
  ): Promise<{ stdout: string; stderr: string; code: number }> {
    const request = { container_id: id, cmd, timeout: 60 * PATIENCE };
    const answer = await this.call("ExecSync", request);
    const { stdout = "", stderr = "", exit_code: code = 0 } = answer;
    return { stdout, stderr, code };
  }

  /** Relays streams to what `Exec` or `Attach` runs. */
  async stream(
    method: "Exec" | "Attach",
    request: Message,
    ...size: readonly number[]
  ): Promise<Running> {
    const { url } = await this.call(method, request);
    return this.containerd.host.start([
      ...[Deno.execPath(), "run", "-A", "--no-check", "--no-lock"],
      ...[
        `${REPOSITORY}/tests/support/cri_stream.ts`,
        url,
        ...size.map(String),
      ],
    ]);
  }

  /** Starts containerd again, while pods live. */
  async restart(): Promise<void> {
    await this.containerd.restart();
    await this.#waitUntilReady();
  }

  /** Removes a pod with all that is in it. */
  async remove({ id }: Pick<Pod, "id">): Promise<void> {
    await this.call("StopPodSandbox", { pod_sandbox_id: id });
    await this.call("RemovePodSandbox", { pod_sandbox_id: id });
  }

  /** Removes all pods. */
  async clear(): Promise<void> {
    const { items } = await this.call("ListPodSandbox", {});
    for (const pod of items) await this.remove(pod);
  }

  /** What pods could leave behind; the groups of pods are the caller's. */
  async remains(): Promise<Remains> {
    await this.containerd.host.removeCgroups(this.containerd.tag);
    return await this.containerd.remains();
  }

  /** Ends the host and removes what it had. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.containerd[Symbol.asyncDispose]();
  }
}

/** What a test is given. */
export type CriTest = (cri: Cri) => Promise<void>;

/**
 * Opens a test file: one host for all of its tests.
 *
 * @param topic One word; part of all names.
 * @returns Declares a test, which also fails if a pod leaves something.
 */
export function criTests(
  topic: string,
): (name: string, body: CriTest, needs?: readonly Capability[]) => void {
  let cri: Cri | undefined;
  const needs: Capability[] = ["root", "containerd", "cni"];
  const isThere = !mustSkip(`all of ${topic}`, needs);
  Deno.test.beforeAll(async () => {
    if (isThere) cri = await Cri.create(topic);
  });
  Deno.test.afterAll(async () => await cri?.[Symbol.asyncDispose]());
  return (name, body, needs = []) => {
    const ignore = !isThere || mustSkip(name, needs);
    Deno.test({ name, ignore, fn: () => runClean(cri, body) });
  };
}

async function runClean(cri: Cri | undefined, body: CriTest): Promise<void> {
  if (!cri) throw new Error("no containerd");
  const before = await cri.remains();
  try {
    await body(cri);
  } finally {
    await cri.clear();
  }
  await cri.containerd.host.assertRemains(before, () => cri.remains());
}
