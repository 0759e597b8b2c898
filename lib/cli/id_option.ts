/**
 * The option that nearly every command takes; by itself, so that they do not
 * load those of `exec`.
 *
 * @module
 */
import type { Option } from "./command.ts";

/** The option that names a container. */
export const ID_OPTION: Option = {
  name: "id",
  type: "text",
  metavar: "ID",
  doc: "the container (default the one of the container's directory)",
  group: "Container",
};
