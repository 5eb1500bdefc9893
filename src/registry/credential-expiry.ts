import { decodeJwt } from 'jose';
import type { ServerDefinition } from './server-definition.js';
import { secretsOfServer } from './server-secrets.js';

/** How long a credential lives. */
export interface CredentialLifetime {
  /** Milliseconds since the Unix epoch. Absent: the credential does not say when it was issued. */
  readonly issuedAt?: number;
  readonly expiresAt: number;
}

const JSON_WEB_TOKEN = /^[\w-]+\.[\w-]+\.[\w-]*$/;
const MS_PER_SECOND = 1_000;

const known = new WeakMap<ServerDefinition, { readonly first: CredentialLifetime | undefined }>();

/**
 * Returns the lifetime of the credential of a server's entry that expires first. Only JSON Web Tokens say when they expire (RFC 7519,
 * 4.1.4); undefined when the entry has none.
 */
export function credentialLifetimeOf(server: ServerDefinition): CredentialLifetime | undefined {
  let found = known.get(server);
  if (!found) {
    const lifetimes = secretsOfServer(server).flatMap((text) => toLifetime(text) ?? []);
    const [first] = lifetimes.toSorted((one, other) => one.expiresAt - other.expiresAt);
    known.set(server, (found = { first }));
  }
  return found.first;
}

function toLifetime(text: string): CredentialLifetime | undefined {
  if (!JSON_WEB_TOKEN.test(text)) return undefined;
  try {
    const { exp, iat } = decodeJwt(text);
    if (typeof exp !== 'number') return undefined;
    return { expiresAt: exp * MS_PER_SECOND, ...(typeof iat === 'number' && { issuedAt: iat * MS_PER_SECOND }) };
  } catch {
    // It only looks like a token.
    return undefined;
  }
}
