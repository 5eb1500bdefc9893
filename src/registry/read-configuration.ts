import { didYouMean, type Variables } from '#lib/config';
import { isJsonObject, type JsonObject, type JsonValue } from '#lib/mcp-protocol';
import { readText, type Reading } from './configuration-text.js';
import { DefaultEndpointEntry, VirtualServerEntry } from './entries.js';
import { expandVariables } from './expand-variables.js';
import { present, readEntry } from './read-entry.js';
import { readServer } from './read-server.js';
import type { Fault } from './registry.errors.js';
import type { VirtualServerDefinition } from './server-definition.js';
import type { RegistrySnapshot } from './server-registry.js';

export type Configuration = Omit<RegistrySnapshot, 'version'>;

const SECTIONS = ['servers', 'virtualServers', 'default'];
const SLUG = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/;
const LONGEST_SLUG = 32;
/** Names of endpoints that are there without configuration. */
const RESERVED_SLUGS: ReadonlySet<string> = new Set(['default']);

/** Reads the text of a configuration file: everything that is declared, or everything that is wrong with it. */
export function readConfiguration(text: string, variables: Variables): Reading<Configuration> {
  const reading = readText(text);
  if ('faults' in reading) return reading;
  const missing: Fault[] = [];
  const document = expandVariables(reading.value, variables, missing);
  const faults: Fault[] = [];
  const configuration = readDocument(isJsonObject(document) ? document : {}, faults);
  // What lacks its variable is not judged a second time by its incomplete text.
  const judged = faults.filter(({ path }) => !missing.some((fault) => liesWithin(fault.path, path)));
  const all = [...missing, ...judged];
  return all.length === 0 ? { value: configuration } : { faults: all };
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
    const path = `${section}.${slug}`;
    if (!SLUG.test(slug) || slug.length > LONGEST_SLUG) {
      const form = 'starts with a letter and holds lower-case letters, digits and single hyphens';
      faults.push({ path, message: `A name ${form}, at most ${LONGEST_SLUG} characters.` });
    } else if (RESERVED_SLUGS.has(slug)) {
      faults.push({ path, message: 'This name is taken by the gateway itself.' });
    }
  }
  return Object.entries(value).map(([slug, entry]) => [slug, entry ?? null]);
}

function readVirtualServer(
  slug: string,
  value: JsonValue,
  serverSlugs: ReadonlySet<string>,
  faults: Fault[],
): VirtualServerDefinition | undefined {
  const path = `virtualServers.${slug}`;
  const entry = readEntry(VirtualServerEntry, value, path, faults);
  faults.push(...brokenReferences(isJsonObject(value) ? value : {}, path, serverSlugs));
  if (entry === undefined) return undefined;
  const { title, instructions, tools, prompts, resources } = entry;
  return {
    slug,
    public: entry.public ?? false,
    servers: [...new Set(entry.servers)],
    ...present({ title, instructions, tools, prompts, resources }),
  };
}

function brokenReferences(written: JsonObject, path: string, serverSlugs: ReadonlySet<string>): Fault[] {
  const servers = textsOf(written['servers']);
  const unknownServers = servers.flatMap((server, index) => {
    const message = `There is no server of this name.${didYouMean(server, serverSlugs)}`;
    return serverSlugs.has(server) ? [] : [{ path: `${path}.servers[${index}]`, message }];
  });
  const pointlessPatterns = ['tools', 'prompts'].flatMap((kind) =>
    textsOf(written[kind]).flatMap((pattern, index) => {
      const message = 'It must start with the name of one of the servers above and two underscores, or with *.';
      return canMatch(pattern, servers) ? [] : [{ path: `${path}.${kind}[${index}]`, message }];
    }),
  );
  return [...unknownServers, ...pointlessPatterns];
}

/** A pattern that starts with the name of no chosen server shows nothing, which nobody wants. */
function canMatch(pattern: string, servers: readonly string[]): boolean {
  const [prefix = '', ...rest] = pattern.split('__');
  return prefix.includes('*') || (rest.length > 0 && servers.includes(prefix));
}

const textsOf = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];

function readDefaultEndpoint(value: JsonValue | undefined, faults: Fault[]): Configuration['defaultEndpoint'] {
  const entry = readEntry(DefaultEndpointEntry, value ?? {}, 'default', faults);
  return { public: entry?.public ?? false, ...present({ instructions: entry?.instructions }) };
}
