/**
 * Which libseccomp is built in.
 *
 * @module
 */
export { seccompVersion } from "../../ffi/seccomp.ts";
