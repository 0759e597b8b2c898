/**
 * What a restore is asked for, what it is made of, and what comes of it.
 *
 * @module
 */
import type { Config } from "../config/types.ts";
import type { Host } from "../host/types.ts";
import type { RestorePlan } from "../plan/restore.ts";
import type { Placement } from "../plan/types.ts";
import type { Attachment } from "./attach.ts";
import type { RestoreTuning } from "./criu_tuning.ts";
import type { DumpChoices, ImageRecord, Images } from "./images.ts";
import type { CgroupDriver, OciRecord, StoredState } from "./store_types.ts";

/** What is restored, as what. */
export interface RestoreRequest {
  /** Id of the container. */
  readonly id: string;
  /** The images. */
  readonly images: Images;
  /** Its configuration; the rootfs is canonical. */
  readonly config: Config;
  /** The container's directory, canonical; absent for one that has none. */
  readonly directory?: string;
  /** What takes the place of its standard streams. */
  readonly attachment: Attachment;
  /** Choices besides those of the dump. */
  readonly choices?: DumpChoices;
  /** How CRIU goes about it. */
  readonly tuning?: RestoreTuning;
  /** Directory of the log; that of the images unless given. */
  readonly workPath?: string;
  /** Memory is fetched by `criu lazy-pages` when it is used. */
  readonly lazyPages?: boolean;
  /** CRIU; the one of PATH unless given. */
  readonly criu?: string;
  /** Who makes the cgroups: we, or systemd. */
  readonly cgroupDriver?: CgroupDriver;
  /** The record of a container that was there before: what a failed restore goes back to. */
  readonly reserved?: StoredState;
  /** What an engine asks for: a container of the OCI command line. */
  readonly oci?: OciRecord;
  /** Whether the container stays, stopped, when its first process has ended. */
  readonly keep?: boolean;
  /** Told how many bytes of memory are filled. */
  readonly onProgress?: (bytes: number) => void;
  /** Told what is being done. */
  readonly onDebug?: (line: string) => void;
}

/** A restored container. */
export interface Restored {
  /** What was written to the state file. */
  readonly state: StoredState;
  /** Pidfd of its first process, a child of this one; owned by the caller. */
  readonly pidfd: number;
  /** Outer end of its terminal, owned by the caller. */
  readonly master?: number;
}

/** What a restore is made of, once it is planned. */
export interface Restoring {
  readonly request: RestoreRequest;
  readonly record: ImageRecord;
  readonly host: Host;
  readonly placement: Placement;
  readonly plan: RestorePlan;
  /** Where the mounts from outside come from now, by their keys. */
  readonly sources: ReadonlyMap<string, string>;
}
