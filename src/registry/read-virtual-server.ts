import { didYouMean } from '#lib/config';
import { isJsonObject, type JsonObject, type JsonValue } from '#lib/mcp-protocol';
import { DefaultEndpointEntry, VirtualServerEntry } from './entries.js';
import { withoutUndefined, readEntry } from './read-entry.js';
import type { Fault } from './registry.errors.js';
import type { VirtualServerDefinition } from './server-definition.js';
import type { RegistrySnapshot } from './server-registry.js';

/** Reads one entry of `virtualServers`. `serverSlugs` holds the slugs of all servers. Undefined when the entry is invalid. */
export function readVirtualServer(
  slug: string,
  value: JsonValue,
  serverSlugs: ReadonlySet<string>,
  faults: Fault[],
): VirtualServerDefinition | undefined {
  const path = `virtualServers.${slug}`;
  const entry = readEntry(VirtualServerEntry, value, path, faults);
  faults.push(...findBrokenReferences(isJsonObject(value) ? value : {}, path, serverSlugs));
  if (entry === undefined) return undefined;
  const { servers = [], tags, title, team, instructions, tools, prompts, resources } = entry;
  return {
    slug,
    public: entry.public ?? false,
    servers: [...new Set(servers)],
    ...withoutUndefined({ tags, title, team, instructions, tools, prompts, resources }),
  };
}

/** Returns the slugs of the servers that an entry of `virtualServers` lists, even if the entry is invalid otherwise. */
export const referencedServers = (source: JsonObject): readonly string[] => toStrings(source['servers']);

/** Reads the section `default`. */
export function readDefaultEndpoint(
  value: JsonValue | undefined,
  faults: Fault[],
): RegistrySnapshot['defaultEndpoint'] {
  const entry = readEntry(DefaultEndpointEntry, value ?? {}, 'default', faults);
  return { public: entry?.public ?? false, ...withoutUndefined({ instructions: entry?.instructions }) };
}

function findBrokenReferences(source: JsonObject, path: string, serverSlugs: ReadonlySet<string>): Fault[] {
  const servers = referencedServers(source);
  const unknownServers = servers.flatMap((server, index) => {
    const message = `No server has this name.${didYouMean(server, serverSlugs)}`;
    return serverSlugs.has(server) ? [] : [{ path: `${path}.servers[${index}]`, message }];
  });
  // With tags, the set of servers is not known here, so patterns cannot be checked.
  const unmatchablePatterns =
    toStrings(source['tags']).length > 0
      ? []
      : ['tools', 'prompts'].flatMap((kind) =>
          toStrings(source[kind]).flatMap((pattern, index) => {
            const message = 'The pattern must start with the name of a listed server and two underscores, or with *.';
            return canMatch(pattern, servers) ? [] : [{ path: `${path}.${kind}[${index}]`, message }];
          }),
        );
  return [...unknownServers, ...unmatchablePatterns];
}

/** A pattern that starts with the name of no listed server can never match, so it is certainly a mistake. */
function canMatch(pattern: string, servers: readonly string[]): boolean {
  const [prefix = '', ...rest] = pattern.split('__');
  return prefix.includes('*') || (rest.length > 0 && servers.includes(prefix));
}

const toStrings = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
