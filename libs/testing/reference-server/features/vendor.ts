import { ProtocolFailure } from './feature.js';
import type { Json } from './schema.js';
import type { ReferenceWorld } from './world.js';

const METHOD_NOT_FOUND = -32601;

/** The methods of the extension. */
export const VENDOR_METHODS = [
  'acme/echo',
  'acme/notes',
  'acme/tell',
  'acme/tell_outside',
  'acme/ask',
  'acme/ask_outside',
] as const;

/** How the server reaches the client of one request: as a part of that request, or `outside` every request. */
export interface VendorContext {
  readonly world: ReferenceWorld;
  notify(method: string, params: Json, where: 'inside' | 'outside'): Promise<void>;
  /** Absent in the modern era, in which servers send no requests. */
  ask?(method: string, params: Json, where: 'inside' | 'outside'): Promise<Json>;
}

/** Answers the requests of a vendor's extension, which no revision of the protocol defines. */
export async function answerVendorRequest(method: string, params: Json, context: VendorContext): Promise<Json> {
  const { world, notify, ask } = context;
  const { _meta, ...own } = params;
  switch (method) {
    case 'acme/echo':
      return own;
    case 'acme/notes':
      return { notes: [...world.notes] };
    case 'acme/tell':
      await notify('acme/told', own, 'inside');
      return {};
    case 'acme/tell_outside':
      void notify('acme/told', own, 'outside');
      return {};
    case 'acme/ask':
      return { answer: await answerOrCode(ask?.('acme/confirm', own, 'inside')) };
    case 'acme/ask_outside':
      void answerOrCode(ask?.('acme/confirm', own, 'outside')).then((answer) => world.note(JSON.stringify(answer)));
      return {};
    default:
      throw new ProtocolFailure(METHOD_NOT_FOUND, `Method not found: ${method}`);
  }
}

/** Records the notification of a vendor's extension. */
export function recordVendorNotification(method: string, params: Json, world: ReferenceWorld): void {
  if (method === 'acme/note') world.note(String(params['text']));
}

/** The answer of the client, or the code of its error. */
async function answerOrCode(asked: Promise<Json> | undefined): Promise<unknown> {
  try {
    return await asked;
  } catch (error) {
    return error instanceof Error && 'code' in error ? error.code : String(error);
  }
}
