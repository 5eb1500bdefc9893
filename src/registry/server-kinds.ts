import type { Type } from '@nestjs/common';
import { didYouMean } from '#lib/config';
import { isJsonObject, type JsonObject, type JsonValue } from '#lib/mcp-protocol';
import { ContributedServerEntry, RemoteServerEntry, RestServerEntry, StdioServerEntry } from './entries.js';
import { memberNamesOf, readByExtension, setsPrototype } from './read-entry.js';
import type { Fault } from './registry.errors.js';
import {
  readContributedMembers,
  readRemoteServer,
  readRestServer,
  readStdioServer,
  type ServerReader,
} from './read-server.js';
import type { ServerDefinition } from './server-definition.js';

/** A kind of server: what `transport` of an entry names. */
export interface ServerKind {
  readonly name: string;
  /** The class of its entries. For a kind of an extension: of their members besides those that all servers have. */
  readonly entry: Type<object>;
  /** Its entries start programs on this host. */
  readonly startsPrograms?: boolean;
}

interface ReadableKind extends ServerKind {
  readonly read: ServerReader;
}

const OWN_KINDS: readonly ReadableKind[] = [
  { name: 'http', entry: RemoteServerEntry, read: readRemoteServer },
  { name: 'sse', entry: RemoteServerEntry, read: readRemoteServer },
  { name: 'stdio', entry: StdioServerEntry, startsPrograms: true, read: readStdioServer },
  { name: 'rest', entry: RestServerEntry, read: readRestServer },
];

const KIND_NAME = /^[a-z][a-z0-9-]{0,31}$/;

/** True for a kind that the gateway connects itself. */
export const isOwnKind = (name: string): boolean => OWN_KINDS.some((kind) => kind.name === name);

/** The members that all servers have. */
export const commonMembers = (): ReadonlySet<string> => memberNamesOf(ContributedServerEntry);

/** The kinds of servers of this gateway: its own, and those of extensions. Each has one class of entries. */
export class ServerKinds {
  private readonly kinds: ReadonlyMap<string, ReadableKind>;

  /** @param contributed kinds without a fault (`findKindFault`) and with different names */
  constructor(contributed: readonly ServerKind[] = []) {
    const readable = contributed.map((kind) => ({ ...kind, read: contributedReader(kind) }));
    this.kinds = new Map([...OWN_KINDS, ...readable].map((kind) => [kind.name, kind]));
  }

  find(name: JsonValue | undefined): ServerKind | undefined {
    return typeof name === 'string' ? this.kinds.get(name) : undefined;
  }

  get names(): readonly string[] {
    return [...this.kinds.keys()];
  }

  /** The kinds of extensions. */
  get contributed(): readonly ServerKind[] {
    return [...this.kinds.values()].slice(OWN_KINDS.length);
  }

  /**
   * Reads one entry of `servers`. Undefined when it is invalid. An entry of a kind that no loaded extension has is valid, so that an
   * extension that was removed does not prevent the start; a name that resembles a known one is a mistake.
   */
  read(slug: string, value: JsonValue, faults: Fault[]): ServerDefinition | undefined {
    const path = `servers.${slug}`;
    if (!isJsonObject(value)) {
      faults.push({ path, message: 'must be a mapping.' });
      return undefined;
    }
    if (setsPrototype(value, path, faults)) return undefined;
    const { transport } = value;
    const kind = typeof transport === 'string' ? this.kinds.get(transport) : undefined;
    if (kind) return kind.read(slug, value, path, faults);
    if (typeof transport === 'string' && KIND_NAME.test(transport)) {
      const meant = this.names.filter((name) => isMisspelling(transport, name));
      if (meant.length === 0) return readUnloadedServer(slug, transport, value, path, faults);
    }
    const hint = typeof transport === 'string' ? didYouMean(transport, this.names) : '';
    faults.push({ path: `${path}.transport`, message: `${this.toChoice()}${hint}` });
    return undefined;
  }

  /** What is wrong with an entry whose kind no loaded extension has. */
  toUnloadedText(kind: string): string {
    return `no extension is loaded that connects to servers of the kind "${kind}". Load it (ISTHMUS_EXTENSIONS), or use one of ${this.names.join(', ')}.`;
  }

  private toChoice(): string {
    const { names } = this;
    return `must be ${names.slice(0, -1).join(', ')} or ${names.at(-1) ?? ''}.`;
  }
}

/** True when one letter differs, is missing or is added, or the letters are in another order. */
function isMisspelling(word: string, name: string): boolean {
  const sorted = (text: string) => text.split('').toSorted().join('');
  if (sorted(word) === sorted(name)) return true;
  let [start, fromEnd] = [0, 0];
  while (start < word.length && word[start] === name[start]) start += 1;
  const rest = Math.min(word.length, name.length) - start;
  while (fromEnd < rest && word.at(-1 - fromEnd) === name.at(-1 - fromEnd)) fromEnd += 1;
  return Math.max(word.length, name.length) - start - fromEnd <= 1;
}

/** Why a kind of an extension cannot be used, as the end of a sentence about its adapter. */
export function findKindFault({ name, entry }: ServerKind): string | undefined {
  if (!KIND_NAME.test(name))
    return `names the kind "${name}". A kind has at most 32 lower-case letters, digits and hyphens, and begins with a letter.`;
  if (isOwnKind(name)) return `names the kind "${name}", which is one of the gateway itself. Choose another name.`;
  const ownNames = OWN_KINDS.map((kind) => kind.name);
  const resemblance = findResemblance(name, ownNames);
  if (resemblance !== undefined) return resemblance;
  const common = commonMembers();
  const taken = [...memberNamesOf(entry)].filter((member) => common.has(member));
  if (taken.length === 0) return undefined;
  return `has the entry class ${entry.name} with ${taken.join(', ')}, which every server has already. Rename these members.`;
}

/**
 * Why a kind cannot be used beside another one, as the end of a sentence about its adapter. Without its extension, an entry of a kind that
 * resembles another one would count as a mistake and prevent the start.
 */
export const findResemblance = (name: string, others: Iterable<string>): string | undefined => {
  const resembled = [...others].find((other) => other !== name && isMisspelling(name, other));
  return resembled === undefined
    ? undefined
    : `names the kind "${name}", which is easily confused with the kind "${resembled}". Choose another name.`;
};

/** Reads the members of all servers by their own class, and the others by that of the extension. */
function contributedReader({ name, entry: entryClass }: ServerKind): ServerReader {
  return (slug, value, path, faults) => {
    const [common, own] = splitMembers(value);
    const members = readContributedMembers(slug, common, path, faults);
    const entry = readByExtension(entryClass, own, path, faults);
    return members && entry && { ...members, transport: 'contributed', kind: name, entry: Object.freeze(entry) };
  };
}

function readUnloadedServer(
  slug: string,
  kind: string,
  value: JsonObject,
  path: string,
  faults: Fault[],
): ServerDefinition | undefined {
  const members = readContributedMembers(slug, splitMembers(value)[0], path, faults);
  return members && { ...members, transport: 'unloaded', kind };
}

/** The members that all servers have, and those of the kind. A null value counts as absent. */
function splitMembers(value: JsonObject): readonly [common: JsonObject, own: JsonObject] {
  const names = memberNamesOf(ContributedServerEntry);
  const present = Object.entries(value).filter(([, item]) => item !== null);
  return [
    Object.fromEntries(present.filter(([name]) => names.has(name))),
    Object.fromEntries(present.filter(([name]) => !names.has(name))),
  ];
}
