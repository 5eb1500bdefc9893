import { didYouMean } from '#lib/config';
import { isJsonObject, type JsonObject, type JsonValue } from '#lib/mcp-protocol';
import type { MemberPath } from '../credentials.js';
import type { SecretLookup } from '../expand-variables.js';
import type { SecretDefinition } from '../secret-definition.js';
import type { StoredEntry } from './entry.js';

/** A stored secret: `definition` is undefined when it cannot be used on this host. */
interface StoredSecret {
  readonly entry: StoredEntry;
  readonly definition: SecretDefinition | undefined;
}

/** The sources of the secrets that an entry refers to, by name. Undefined: there was no such secret. */
export type UsedSecrets = ReadonlyMap<string, JsonObject | undefined>;

/** The named secrets of one state of the database. */
export class Secrets {
  private readonly byName: ReadonlyMap<string, StoredSecret>;

  constructor(secrets: readonly StoredSecret[]) {
    this.byName = new Map(secrets.map((secret) => [secret.entry.slug, secret]));
  }

  /** True when the entry would get the same values as at the time of `used`. */
  areUnchanged(used: UsedSecrets): boolean {
    return [...used].every(([name, source]) => this.byName.get(name)?.entry.source === source);
  }

  /** Returns a lookup for one server, which records the secrets that it resolves in `used`. */
  lookupFor({ source, isManaged }: StoredEntry, used: Map<string, JsonObject | undefined>): SecretLookup {
    return {
      depth: 0,
      resolve: (name, path) => {
        const found = this.byName.get(name);
        used.set(name, found?.entry.source);
        if (!found) return { fault: `No secret is named "${name}".${didYouMean(name, this.byName.keys())}` };
        const { definition } = found;
        if (!definition)
          return { fault: `The secret "${name}" cannot be used at this worker; its own faults say why.` };
        if (!isManaged && !maySendTo(definition, destinationOf(source, path))) return { fault: notPermitted(name) };
        if (path[0] === 'tools' && definition.value.includes('{')) return { fault: readAsArgument(name) };
        return { value: definition.value };
      },
    };
  }
}

/** A caller who may write servers but not read secrets must not direct a secret to a destination of their own. */
function maySendTo({ origins }: SecretDefinition, url: JsonValue | undefined): boolean {
  const origin = typeof url === 'string' ? URL.parse(url)?.origin : undefined;
  return origins.includes('*') || (origin !== undefined && origins.includes(origin));
}

/** Returns the URL to which a value of the entry is sent: a REST tool may have its own, and so has a guardrail in its options. */
function destinationOf(source: JsonObject | undefined, [member, name = '']: MemberPath): JsonValue | undefined {
  if (member === 'options') return isJsonObject(source?.['options']) ? source['options']['url'] : undefined;
  const tools = member === 'tools' ? source?.['tools'] : undefined;
  const tool = isJsonObject(tools) && Object.hasOwn(tools, name) ? tools[name] : undefined;
  return (isJsonObject(tool) ? tool['url'] : undefined) ?? source?.['url'];
}

const notPermitted = (name: string): string =>
  `The secret "${name}" must not be sent to this server. Add the origin of its URL to the origins of the secret.`;

const readAsArgument = (name: string): string =>
  `The secret "${name}" contains a brace, which a tool reads as the beginning of an argument. Use it in headers of the server.`;
