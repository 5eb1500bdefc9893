import { open } from 'node:fs/promises';
import type { Variables } from '#lib/config';
import type { JsonObject } from '#lib/mcp-protocol';
import { readConfiguration } from './read-configuration.js';
import { RegistryFault } from './registry.errors.js';

/** Far beyond any configuration written by hand. */
const LARGEST_BYTES = 1_048_576;

/** Reads the file, as it is written. Throws a RegistryFault that names everything that is wrong with it. */
export async function readConfigurationFile(file: string, variables: Variables): Promise<JsonObject> {
  const reading = readConfiguration(await readBounded(file), variables);
  if ('faults' in reading) throw new RegistryFault(file, reading.faults);
  return reading.source;
}

async function readBounded(file: string): Promise<string> {
  try {
    await using handle = await open(file);
    const { size } = await handle.stat();
    if (size <= LARGEST_BYTES) return await handle.readFile('utf8');
  } catch (fault) {
    const reason = fault instanceof Error ? fault.message : String(fault);
    throw new RegistryFault(file, [{ path: '', message: `It cannot be read: ${reason}.` }]);
  }
  throw new RegistryFault(file, [{ path: '', message: `It is larger than ${LARGEST_BYTES} bytes.` }]);
}
