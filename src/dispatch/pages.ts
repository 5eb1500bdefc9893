import {
  GatewayCode,
  LIST_MEMBERS,
  type JsonValue,
  type ListMethod,
  type McpRequest,
  type Outcome,
} from '#lib/mcp-protocol';
import { MAX_FRESH_MS, type ListAnswer } from './list-answer.js';

/** A server that pages without end is stopped here: its list is none, for nobody could say what is missing. */
const MAX_PAGES = 200;
const MAX_ITEMS = 50_000;

type Failed = Extract<Outcome, { kind: 'error' }>;

function toProtocolViolation(what: string): Failed {
  const message = `Upstream broke the protocol: ${what}`;
  const data = { outcome: 'unknown', retriable: false };
  return { kind: 'error', error: { code: GatewayCode.upstreamBrokeProtocol, message, data }, httpStatus: 502 };
}

/** All of a list, and what may be made of it: of the whole no more than of each of its pages. */
export interface CompleteList extends Omit<ListAnswer, 'outcome'> {
  readonly items: readonly JsonValue[];
  /** The same, as they came: a page that is remembered is the very same each time. */
  readonly pages: readonly (readonly JsonValue[])[];
}

/** Every item of a list, page after page; or the outcome that ended it. */
export async function collectPages(
  method: ListMethod,
  ask: (request: McpRequest) => Promise<ListAnswer>,
): Promise<CompleteList | Failed> {
  const items: JsonValue[] = [];
  const pages: (readonly JsonValue[])[] = [];
  let whole = { freshMs: MAX_FRESH_MS, isPublic: true, isNew: false };
  let cursor: string | undefined;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const { outcome, ...hints } = await ask({ method, params: cursor === undefined ? {} : { cursor } });
    if (outcome.kind === 'error') return outcome;
    const listed = outcome.result[LIST_MEMBERS[method]];
    // An answer without its list is no empty list.
    if (!Array.isArray(listed)) return toProtocolViolation(`its answer holds no ${LIST_MEMBERS[method]}`);
    for (const item of listed) items.push(item);
    pages.push(listed);
    whole = {
      freshMs: Math.min(whole.freshMs, hints.freshMs),
      isPublic: whole.isPublic && hints.isPublic,
      isNew: whole.isNew || hints.isNew,
    };
    const { nextCursor } = outcome.result;
    if (typeof nextCursor !== 'string') return { items, pages, ...whole };
    if (nextCursor === cursor || items.length > MAX_ITEMS) break;
    cursor = nextCursor;
  }
  return toProtocolViolation('its list has no end');
}
