import { isHeaderValue, isToken } from '#lib/mcp-protocol';
import { isReservedHeader } from '../channels/http/index.js';
import { CredentialsInvalid } from './credentials.errors.js';

/** Credentials of a strategy in the form in which they are sent. */
export interface CheckedCredentials {
  /** Values by name in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly env: Readonly<Record<string, string>>;
}

/** @throws CredentialsInvalid */
export function checkCredentials(value: unknown): CheckedCredentials {
  if (typeof value !== 'object' || value === null) throw new CredentialsInvalid('returned no object');
  const { headers, env } = value as { readonly headers?: unknown; readonly env?: unknown };
  return {
    headers: new Map(
      toEntries(headers, 'headers').map(([name, text]) => [toHeaderName(name), toHeaderValue(name, text)]),
    ),
    env: Object.fromEntries(
      toEntries(env, 'env').map(([name, text]) => [toVariableName(name), toVariableValue(name, text)]),
    ),
  };
}

function toEntries(part: unknown, name: string): [string, string][] {
  if (part === undefined) return [];
  if (typeof part !== 'object' || part === null) throw new CredentialsInvalid(`returned "${name}" that is no object`);
  return Object.entries(part).map(([key, value]: [string, unknown]) => {
    if (typeof value !== 'string') throw new CredentialsInvalid(`returned a value of "${name}" that is no text`);
    return [key, value];
  });
}

/** Names are code of the extension; a name that is none may be a value. */
function toHeaderName(name: string): string {
  if (!isToken(name)) throw new CredentialsInvalid('returned a name that no header can have');
  const lower = name.toLowerCase();
  if (isReservedHeader(lower))
    throw new CredentialsInvalid(`returned the header ${lower}, which the protocol decides,`);
  return lower;
}

function toHeaderValue(name: string, value: string): string {
  if (!isHeaderValue(value))
    throw new CredentialsInvalid(`returned a value that the header ${name.toLowerCase()} cannot have`);
  return value;
}

function toVariableName(name: string): string {
  if (name === '' || /[=\0]/.test(name)) throw new CredentialsInvalid('returned a name that no variable can have');
  return name;
}

function toVariableValue(name: string, value: string): string {
  if (value.includes('\0')) throw new CredentialsInvalid(`returned a value that the variable ${name} cannot have`);
  return value;
}
