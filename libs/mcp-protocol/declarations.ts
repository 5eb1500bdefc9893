import type { JsonValue } from './json.js';
import type { ClientProfile } from './neutral.js';

/** Maximum size of what a client declares about itself, in bytes: its capabilities and `clientInfo` together. */
export const MAX_DECLARATION_BYTES = 64 * 1_024;

/**
 * Returns the size of a client's declarations in bytes, within a few percent of their JSON text. Stops counting beyond
 * the maximum.
 */
export function declarationBytesOf({ capabilities, clientInfo }: ClientProfile): number {
  const bytes = addBytes(capabilities, 0);
  return clientInfo === undefined ? bytes : addBytes(clientInfo, bytes);
}

/** Says that a client declares too much. Undefined when it does not. */
export const findDeclarationFault = (client: ClientProfile): string | undefined =>
  declarationBytesOf(client) > MAX_DECLARATION_BYTES
    ? `The capabilities and clientInfo of the client are larger than ${MAX_DECLARATION_BYTES} bytes. Declare less.`
    : undefined;

/** Size of a number, a literal, or the punctuation of one member. */
const SCALAR_BYTES = 4;

function addBytes(value: JsonValue | undefined, before: number): number {
  let bytes = before + SCALAR_BYTES;
  if (typeof value === 'string') return bytes + Buffer.byteLength(value);
  if (typeof value !== 'object' || value === null) return bytes;
  for (const [key, member] of Object.entries(value)) {
    if (bytes > MAX_DECLARATION_BYTES) break;
    bytes = addBytes(member, bytes + (Array.isArray(value) ? 0 : key.length));
  }
  return bytes;
}
