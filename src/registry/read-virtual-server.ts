import { didYouMean } from '#lib/config';
import { isJsonObject, type JsonObject, type JsonValue } from '#lib/mcp-protocol';
import { DefaultEndpointEntry, VirtualServerEntry } from './entries.js';
import { withoutUndefined, readEntry } from './read-entry.js';
import type { Fault } from './registry.errors.js';
import type { VirtualServerDefinition } from './server-definition.js';
import type { RegistrySnapshot } from './server-registry.js';

/** Reads one entry of `virtualServers`, `serverSlugs` being all servers that there are. Undefined when it is at fault. */
export function readVirtualServer(
  slug: string,
  value: JsonValue,
  serverSlugs: ReadonlySet<string>,
  faults: Fault[],
): VirtualServerDefinition | undefined {
  const path = `virtualServers.${slug}`;
  const entry = readEntry(VirtualServerEntry, value, path, faults);
  faults.push(...brokenReferences(isJsonObject(value) ? value : {}, path, serverSlugs));
  if (entry === undefined) return undefined;
  const { servers = [], tags, title, team, instructions, tools, prompts, resources } = entry;
  return {
    slug,
    public: entry.public ?? false,
    servers: [...new Set(servers)],
    ...withoutUndefined({ tags, title, team, instructions, tools, prompts, resources }),
  };
}

/** The servers that an entry of `virtualServers` names, whatever else may be wrong with it. */
export const referencedServers = (source: JsonObject): readonly string[] => textsOf(source['servers']);

/** Reads the section `default`. */
export function readDefaultEndpoint(
  value: JsonValue | undefined,
  faults: Fault[],
): RegistrySnapshot['defaultEndpoint'] {
  const entry = readEntry(DefaultEndpointEntry, value ?? {}, 'default', faults);
  return { public: entry?.public ?? false, ...withoutUndefined({ instructions: entry?.instructions }) };
}

function brokenReferences(source: JsonObject, path: string, serverSlugs: ReadonlySet<string>): Fault[] {
  const servers = referencedServers(source);
  const unknownServers = servers.flatMap((server, index) => {
    const message = `There is no server of this name.${didYouMean(server, serverSlugs)}`;
    return serverSlugs.has(server) ? [] : [{ path: `${path}.servers[${index}]`, message }];
  });
  // What tags choose is not known here.
  const pointlessPatterns =
    textsOf(source['tags']).length > 0
      ? []
      : ['tools', 'prompts'].flatMap((kind) =>
          textsOf(source[kind]).flatMap((pattern, index) => {
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
