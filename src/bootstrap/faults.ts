import { ConfigFault } from '#lib/config';
import { ClusterFault } from '../cluster/index.js';
import { DatabaseFault, DatabaseUnavailable } from '../database/index.js';
import { DataFolderFault } from '../data-folder/index.js';
import { ExtensionFault } from '../extensions/index.js';
import { EmbeddedRedisFault } from '../embedded-redis/index.js';
import { RegistryFault } from '../registry/index.js';

const OPERATOR_FAULTS = [
  ConfigFault,
  RegistryFault,
  DataFolderFault,
  DatabaseFault,
  DatabaseUnavailable,
  ClusterFault,
  EmbeddedRedisFault,
  ExtensionFault,
] as const;

/**
 * Converts the cause of a failed start to the text for the operator: the full message of an operator's fault, and the
 * stack of any other error, which is a defect.
 */
export function toStartErrorText(cause: unknown): string {
  if (OPERATOR_FAULTS.some((fault) => cause instanceof fault) && cause instanceof Error) return cause.message;
  if (cause instanceof Error && 'code' in cause && cause.code === 'EADDRINUSE') {
    return 'The port is in use. Set ISTHMUS_PORT to a free port, or stop the process that listens on it.';
  }
  return cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
}
