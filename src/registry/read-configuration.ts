import { didYouMean, type Variables } from '#lib/config';
import { isJsonObject, type JsonObject, type JsonValue } from '#lib/mcp-protocol';
import { parseConfigurationText } from './configuration-text.js';
import { expandVariables } from './expand-variables.js';
import { readServer } from './read-server.js';
import { readLimit, readPolicy, readTeam } from './read-policy.js';
import { readDefaultEndpoint, readVirtualServer } from './read-virtual-server.js';
import type { Fault } from './registry.errors.js';
import type { RegistrySnapshot } from './server-registry.js';
import { findSlugFault } from './slug.js';

export type Configuration = Omit<RegistrySnapshot, 'version'>;

/** `written`: the document that declares the value, before variables and defaults. */
export type ConfigurationResult =
  { readonly value: Configuration; readonly source: JsonObject } | { readonly faults: readonly Fault[] };

const SECTIONS = ['servers', 'virtualServers', 'teams', 'policies', 'limits', 'default'];

/** Reads the text of a configuration file: everything that is declared, or everything that is wrong with it. */
export function readConfiguration(text: string, variables: Variables): ConfigurationResult {
  const reading = parseConfigurationText(text);
  if ('faults' in reading) return reading;
  const missing: Fault[] = [];
  const document = expandVariables(reading.value, variables, missing);
  const faults: Fault[] = [];
  const configuration = readDocument(isJsonObject(document) ? document : {}, faults);
  // What lacks its variable is not judged a second time by its incomplete text.
  const judged = faults.filter(({ path }) => !missing.some((fault) => liesWithin(fault.path, path)));
  const all = [...missing, ...judged];
  return all.length === 0 ? { value: configuration, source: reading.value } : { faults: all };
}

const liesWithin = (path: string, whole: string): boolean =>
  path === whole || path.startsWith(`${whole}.`) || path.startsWith(`${whole}[`);

function readDocument(document: JsonObject, faults: Fault[]): Configuration {
  for (const key of Object.keys(document).filter((name) => !SECTIONS.includes(name))) {
    faults.push({ path: key, message: `There is no such section.${didYouMean(key, SECTIONS)}` });
  }
  const serverEntries = entriesOf(document, 'servers', faults);
  const virtualEntries = entriesOf(document, 'virtualServers', faults);
  const slugs = new Set(serverEntries.map(([slug]) => slug));
  for (const [slug] of virtualEntries.filter(([name]) => slugs.has(name))) {
    faults.push({ path: `virtualServers.${slug}`, message: 'There is a server of this name already.' });
  }
  return {
    servers: serverEntries.flatMap(([slug, value]) => readServer(slug, value, faults) ?? []),
    virtualServers: virtualEntries.flatMap(([slug, value]) => readVirtualServer(slug, value, slugs, faults) ?? []),
    teams: entriesOf(document, 'teams', faults).flatMap(([slug, value]) => readTeam(slug, value, faults) ?? []),
    policies: entriesOf(document, 'policies', faults).flatMap(([slug, value]) => readPolicy(slug, value, faults) ?? []),
    limits: entriesOf(document, 'limits', faults).flatMap(([slug, value]) => readLimit(slug, value, faults) ?? []),
    defaultEndpoint: readDefaultEndpoint(document['default'], faults),
  };
}

function entriesOf(document: JsonObject, section: string, faults: Fault[]): [string, JsonValue][] {
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
