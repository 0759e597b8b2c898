/**
 * Options of CRIU that dump and restore have in common.
 *
 * @module
 */
import { NAMESPACES } from "../config/names/namespaces.ts";
import { type CriuOptions, LOCK_BY_NFTABLES } from "../criu/messages.ts";
import { findProgram } from "../criu/program.ts";
import type { ImageRecord } from "./images.ts";

/**
 * Options that dump and restore have in common.
 *
 * @param record The notes.
 * @returns For CRIU.
 */
export async function commonOptions(
  record: ImageRecord,
): Promise<Omit<CriuOptions, "imagesDirFd">> {
  const { config, options } = record;
  const ownNetwork = config.namespaces.some(({ type, path }) =>
    type === "NEWNET" && path === undefined
  );
  const hasIptables = await findProgram("iptables-restore") !== undefined;
  return {
    logLevel: 4,
    notifyScripts: true,
    manageCgroups: true,
    orphanPtsMaster: true,
    externalSharing: true,
    externalMasters: true,
    ...(ownNetwork && { emptyNamespaces: NAMESPACES.NEWNET.flag }),
    ...(hasIptables ? {} : { networkLock: LOCK_BY_NFTABLES }),
    ...(options.tcpEstablished && { tcpEstablished: true }),
    ...(options.externalUnixSockets && { extUnixSk: true }),
    ...(options.shellJob && { shellJob: true }),
    ...(options.fileLocks && { fileLocks: true }),
  };
}
