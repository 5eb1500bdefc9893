import type { Variables } from '#lib/config';
import { isJsonObject, type JsonObject, type JsonValue } from '#lib/mcp-protocol';
import { isCredentialPath, type MemberPath } from './credentials.js';
import type { Fault } from './registry.errors.js';

const REFERENCE = /\$\$\{|\$\{([^}]*)(\}?)/g;
/** In an entry of the admin API every other `${` is plain text. */
const SECRET_ONLY_REFERENCE = /\$\$\{(?=secret:)|\$\{(secret:[^}]*)(\}?)/g;
const NAME = /^([A-Za-z_]\w*)(?::-([\s\S]*))?$/;
const SECRET_NAME = /^secret:([a-z0-9-]+)$/;

const MISPLACED =
  'A secret can be used only in headers, env, args, the query of url, in headers, query and body of tools, and in the members that ' +
  'the check of a guardrail or an extension marks as credentials.';

/** Resolves references to named secrets. */
export interface SecretLookup {
  /** The number of steps of a path before those inside an entry. */
  readonly depth: number;
  /** Returns the value of a secret for a member of an entry, or why it cannot be used there. */
  resolve(name: string, path: MemberPath): { readonly value: string } | { readonly fault: string };
}

/**
 * Escapes every reference to a secret in the strings of a value, so that its expansion yields the value itself: a document from
 * elsewhere must not obtain secrets. Member names are not expanded and stay.
 */
export function escapeSecretReferences(value: string): string;
export function escapeSecretReferences(value: JsonObject): JsonObject;
export function escapeSecretReferences(value: JsonValue): JsonValue;
export function escapeSecretReferences(value: JsonValue): JsonValue {
  if (typeof value === 'string') return value.replaceAll('${secret:', (found) => `$${found}`);
  if (Array.isArray(value)) return value.map((each) => escapeSecretReferences(each));
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, each = null]) => [name, escapeSecretReferences(each)] as const),
  );
}

interface Expansion {
  /** The document as a whole, set by `expandVariables`. */
  readonly document?: JsonValue;
  /** Absent: only references to secrets are expanded. */
  readonly variables?: Variables;
  readonly secrets: SecretLookup;
  readonly faults: Fault[];
}

/**
 * Replaces `${NAME}`, `${NAME:-default}` and `${secret:name}` in every string of a parsed document, so that a value cannot
 * change the structure of the document and is not expanded itself. `$${` stands for `${`. Faults name the variable or secret and
 * the path, never a value.
 */
export function expandVariables(document: JsonValue, expansion: Expansion): JsonValue {
  return expandAt([], '', document, { ...expansion, document });
}

function expandAt(path: MemberPath, text: string, value: JsonValue, expansion: Expansion): JsonValue {
  if (typeof value === 'string') return expandText(path, text, value, expansion);
  if (Array.isArray(value)) {
    return value.map((item, index) => expandAt([...path, String(index)], `${text}[${index}]`, item, expansion));
  }
  if (!isJsonObject(value)) return value;
  const entries = Object.entries(value).map(([key, item]): [string, JsonValue] => [
    key,
    expandAt([...path, key], text === '' ? key : `${text}.${key}`, item ?? null, expansion),
  ]);
  return Object.fromEntries(entries);
}

function expandText(path: MemberPath, at: string, text: string, expansion: Expansion): string {
  const { variables, secrets, faults } = expansion;
  const member = path.slice(secrets.depth);
  const query = member.length === 1 && member[0] === 'url' ? text.indexOf('?') : -1;
  const pattern = variables ? REFERENCE : SECRET_ONLY_REFERENCE;
  return text.replace(pattern, (whole: string, inner: string | undefined, end: string | undefined, offset: number) => {
    if (inner === undefined) return '${';
    const [, secret] = (end === '}' && SECRET_NAME.exec(inner)) || [];
    if (secret !== undefined || inner.startsWith('secret:')) {
      const isInQuery = query >= 0 && offset > query;
      const mayBeHere = isInQuery || mayHoldSecret(expansion, path);
      const found = expandSecret(secret, member, mayBeHere, secrets);
      if ('value' in found) return isInQuery ? encodeURIComponent(found.value) : found.value;
      faults.push({ path: at, message: found.fault });
      return whole;
    }
    const found = expandVariable(end === '}' ? inner : '', variables ?? {});
    if ('value' in found) return found.value;
    faults.push({ path: at, message: found.fault });
    return found.replacement ?? whole;
  });
}

function expandSecret(
  name: string | undefined,
  member: MemberPath,
  mayBeHere: boolean,
  secrets: SecretLookup,
): ReturnType<SecretLookup['resolve']> {
  if (name === undefined) return { fault: 'A reference to a secret must have the form ${secret:name}.' };
  return mayBeHere ? secrets.resolve(name, member) : { fault: MISPLACED };
}

/** True where the entry that contains the path expects a credential. The value of a secret cannot refer to another one. */
function mayHoldSecret({ document = null, secrets: { depth } }: Expansion, path: MemberPath): boolean {
  const [entry, member] = [path.slice(0, depth), path.slice(depth)];
  const source = entry.reduce<JsonValue>(
    (value, step) => (isJsonObject(value) ? (value[step] ?? null) : null),
    document,
  );
  return isCredentialPath(isJsonObject(source) ? source : {}, member) && member[0] !== 'value';
}

function expandVariable(
  inner: string,
  variables: Variables,
): { readonly value: string } | { readonly fault: string; readonly replacement?: string } {
  const [, name, fallback] = NAME.exec(inner) ?? [];
  if (name === undefined) {
    return { fault: 'A variable reference must have the form ${NAME}, ${NAME:-default} or ${secret:name}.' };
  }
  const value = variables[name];
  if (value !== undefined && (value !== '' || fallback === undefined)) return { value };
  if (fallback !== undefined) return { value: fallback };
  return { fault: `The environment variable ${name} is not set.`, replacement: '' };
}
