import { didYouMean, type Variables } from '#lib/config';
import { isJsonObject, type JsonObject, type JsonValue } from '#lib/mcp-protocol';
import { parseConfigurationText } from './configuration-text.js';
import { expandVariables, type SecretLookup } from './expand-variables.js';
import { readSecret } from './read-secret.js';
import type { KnownChecks } from './known-checks.js';
import { readGuardrail } from './read-guardrail.js';
import { readLimit, readPolicy, readTeam } from './read-policy.js';
import { readDefaultEndpoint, readVirtualServer } from './read-virtual-server.js';
import { findAllUnknownReferences, type UnknownReference } from './references.js';
import type { Fault } from './registry.errors.js';
import type { RegistrySnapshot } from './server-registry.js';
import { ServerKinds } from './server-kinds.js';
import { findSlugFault } from './slug.js';

export type Configuration = Omit<RegistrySnapshot, 'version'>;

/** A valid configuration file. */
export interface ReadConfiguration {
  readonly value: Configuration;
  /** The parsed document before variables and defaults are applied. */
  readonly source: JsonObject;
  /** References to servers and teams that the file does not declare. Over the admin API they may have been created. */
  readonly unknownReferences: readonly UnknownReference[];
}

export type ConfigurationResult = ReadConfiguration | { readonly faults: readonly Fault[] };

const SECTIONS = ['servers', 'virtualServers', 'teams', 'policies', 'limits', 'guardrails', 'secrets', 'default'];

/** The value is in the database, which is not read here; `Declarations` checks that the secret exists. */
const ANY_SECRET: SecretLookup = { depth: 2, resolve: () => ({ value: 'secret' }) };

/**
 * Parses and validates the text of a configuration file. Returns the configuration, or every fault.
 *
 * @param checks absent: the checks of guardrails and their options are not validated
 */
export function readConfiguration(
  text: string,
  variables: Variables,
  checks?: KnownChecks,
  kinds: ServerKinds = new ServerKinds(),
): ConfigurationResult {
  const parsed = parseConfigurationText(text);
  if ('faults' in parsed) return parsed;
  const missing: Fault[] = [];
  const document = expandVariables(parsed.value, { variables, secrets: ANY_SECRET, faults: missing });
  const faults: Fault[] = [];
  const configuration = readDocument(isJsonObject(document) ? document : {}, faults, kinds, checks);
  // A value with a missing variable is incomplete. Further faults of that value would only be consequences.
  const independent = faults.filter(({ path }) => !missing.some((fault) => isWithin(fault.path, path)));
  const all = [...missing, ...independent];
  if (all.length > 0) return { faults: all };
  const names = {
    servers: new Set(configuration.servers.map(({ slug }) => slug)),
    teams: new Set(configuration.teams.map(({ slug }) => slug)),
  };
  const unknownReferences = findAllUnknownReferences(configuration, names);
  return { value: configuration, source: parsed.value, unknownReferences };
}

const isWithin = (path: string, parent: string): boolean =>
  path === parent || path.startsWith(`${parent}.`) || path.startsWith(`${parent}[`);

function readDocument(
  document: JsonObject,
  faults: Fault[],
  kinds: ServerKinds,
  checks: KnownChecks | undefined,
): Configuration {
  for (const key of Object.keys(document).filter((name) => !SECTIONS.includes(name))) {
    faults.push({ path: key, message: `Unknown section.${didYouMean(key, SECTIONS)}` });
  }
  const serverEntries = readSection(document, 'servers', faults);
  const virtualEntries = readSection(document, 'virtualServers', faults);
  const slugs = new Set(serverEntries.map(([slug]) => slug));
  for (const [slug] of virtualEntries.filter(([name]) => slugs.has(name))) {
    faults.push({ path: `virtualServers.${slug}`, message: 'A server with this name already exists.' });
  }
  for (const [slug, value] of readSection(document, 'secrets', faults)) readSecret(slug, value, faults);
  return {
    servers: serverEntries.flatMap(([slug, value]) => kinds.read(slug, value, faults) ?? []),
    virtualServers: virtualEntries.flatMap(([slug, value]) => readVirtualServer(slug, value, slugs, faults) ?? []),
    teams: readSection(document, 'teams', faults).flatMap(([slug, value]) => readTeam(slug, value, faults) ?? []),
    policies: readSection(document, 'policies', faults).flatMap(
      ([slug, value]) => readPolicy(slug, value, faults) ?? [],
    ),
    limits: readSection(document, 'limits', faults).flatMap(([slug, value]) => readLimit(slug, value, faults) ?? []),
    guardrails: readSection(document, 'guardrails', faults).flatMap(
      ([slug, value]) => readGuardrail(slug, value, faults, checks) ?? [],
    ),
    defaultEndpoint: readDefaultEndpoint(document['default'], faults),
  };
}

function readSection(document: JsonObject, section: string, faults: Fault[]): [string, JsonValue][] {
  const value = document[section] ?? {};
  if (!isJsonObject(value)) {
    faults.push({ path: section, message: 'must be a mapping of names to entries.' });
    return [];
  }
  for (const slug of Object.keys(value)) {
    const message = findSlugFault(slug);
    if (message !== undefined) faults.push({ path: `${section}.${slug}`, message });
  }
  return Object.entries(value).map(([slug, entry]) => [slug, entry ?? null]);
}
