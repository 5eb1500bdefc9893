import type { Variables } from '#lib/config';
import type { GuardrailDefinition } from './guardrail-definition.js';
import { readConfiguration, type Configuration } from './read-configuration.js';
import { readConfigurationText } from './read-configuration-file.js';
import { ServerKinds } from './server-kinds.js';
import { RegistryFault, type Fault } from './registry.errors.js';

/** The result of validating a configuration file by itself, without a database. */
export interface CheckedConfiguration {
  readonly valid: boolean;
  /** Empty when the file is valid. */
  readonly faults: readonly Fault[];
  /**
   * What only a start can validate, such as references to entries that the file does not declare and the checks of guardrails, and
   * servers of kinds that no loaded extension has.
   */
  readonly warnings: readonly Fault[];
  /** Number of entries by section; sections without entries are absent. */
  readonly entries: Readonly<Record<string, number>>;
}

/** Validates a configuration file as a start would, without starting anything. Never rejects for a fault of the file. */
export async function checkConfigurationFile(
  file: string,
  variables: Variables,
  kinds: ServerKinds = new ServerKinds(),
): Promise<CheckedConfiguration> {
  try {
    const result = readConfiguration(await readConfigurationText(file), variables, undefined, kinds);
    if ('faults' in result) return toInvalid(result.faults);
    const warnings = [
      ...result.unknownReferences.map(({ path, message }) => ({ path, message })),
      ...findUnloaded(result.value, kinds),
      ...result.value.guardrails.map(toUnvalidated),
    ];
    return { valid: true, faults: [], warnings, entries: countEntries(result.value) };
  } catch (fault) {
    if (fault instanceof RegistryFault) return toInvalid(fault.definitionFaults);
    throw fault;
  }
}

/** Servers of kinds that no loaded extension has: a start lists them as unavailable. */
const findUnloaded = ({ servers }: Configuration, kinds: ServerKinds): Fault[] =>
  servers.flatMap((server) =>
    server.transport === 'unloaded'
      ? [{ path: `servers.${server.slug}.transport`, message: kinds.toUnloadedText(server.kind) }]
      : [],
  );

const toInvalid = (faults: readonly Fault[]): CheckedConfiguration => ({
  valid: false,
  faults,
  warnings: [],
  entries: {},
});

/** Which checks exist depends on the extensions of a gateway. */
const toUnvalidated = ({ slug, check }: GuardrailDefinition): Fault => ({
  path: `guardrails.${slug}`,
  message: `A start validates whether the gateway or an extension provides the check "${check}", and its options.`,
});

function countEntries({
  servers,
  virtualServers,
  teams,
  policies,
  limits,
  guardrails,
}: Configuration): Record<string, number> {
  const counts = Object.entries({ servers, virtualServers, teams, policies, limits, guardrails }).map(
    ([section, entries]) => [section, entries.length] as const,
  );
  return Object.fromEntries(counts.filter(([, count]) => count > 0));
}
