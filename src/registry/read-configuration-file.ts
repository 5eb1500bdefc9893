import { open } from 'node:fs/promises';
import type { Variables } from '#lib/config';
import type { KnownChecks } from './known-checks.js';
import { readConfiguration, type ReadConfiguration } from './read-configuration.js';
import { RegistryFault } from './registry.errors.js';
import type { ServerKinds } from './server-kinds.js';

/** Far larger than any configuration written by hand. */
const MAX_BYTES = 1_048_576;

/** Reads the file. Throws a RegistryFault with every fault. */
export async function readConfigurationFile(
  file: string,
  variables: Variables,
  kinds: ServerKinds,
  checks?: KnownChecks,
): Promise<ReadConfiguration> {
  const result = readConfiguration(await readConfigurationText(file), variables, checks, kinds);
  if ('faults' in result) throw new RegistryFault(file, result.faults);
  return result;
}

/** Reads the text of the file. Throws a RegistryFault when it cannot be read or is too large. */
export async function readConfigurationText(file: string): Promise<string> {
  try {
    await using handle = await open(file);
    const { size } = await handle.stat();
    if (size <= MAX_BYTES) return await handle.readFile('utf8');
  } catch (fault) {
    const reason = fault instanceof Error ? fault.message : String(fault);
    throw new RegistryFault(file, [{ path: '', message: `The file cannot be read: ${reason}.` }]);
  }
  throw new RegistryFault(file, [{ path: '', message: `The file is larger than ${MAX_BYTES} bytes.` }]);
}
