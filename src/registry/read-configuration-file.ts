import { open } from 'node:fs/promises';
import type { Variables } from '#lib/config';
import { readConfiguration, type ReadConfiguration } from './read-configuration.js';
import { RegistryFault } from './registry.errors.js';

/** Far larger than any configuration written by hand. */
const MAX_BYTES = 1_048_576;

/** Reads the file. Throws a RegistryFault with every fault. */
export async function readConfigurationFile(file: string, variables: Variables): Promise<ReadConfiguration> {
  const result = readConfiguration(await readBounded(file), variables);
  if ('faults' in result) throw new RegistryFault(file, result.faults);
  return result;
}

async function readBounded(file: string): Promise<string> {
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
