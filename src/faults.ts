import { ConfigFault } from '#lib/config';
import { ClusterFault } from './cluster/index.js';
import { DatabaseFault, DatabaseUnavailable } from './database/index.js';
import { DataFolderFault } from './data-folder/index.js';
import { EmbeddedRedisFault } from './embedded-redis/index.js';
import { RegistryFault } from './registry/index.js';
import { ArgumentFault } from './start-arguments.js';

const OPERATOR_FAULTS = [
  ConfigFault,
  RegistryFault,
  DataFolderFault,
  DatabaseFault,
  DatabaseUnavailable,
  ArgumentFault,
  ClusterFault,
  EmbeddedRedisFault,
] as const;

/** Faults of the person who starts it are told in full; anything else is a defect and shows where it happened. */
export function toStartErrorText(cause: unknown): string {
  if (OPERATOR_FAULTS.some((fault) => cause instanceof fault) && cause instanceof Error) return cause.message;
  if (cause instanceof Error && 'code' in cause && cause.code === 'EADDRINUSE') {
    return 'The port is in use. Set ISTHMUS_PORT to another one, or stop what listens there.';
  }
  return cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
}
