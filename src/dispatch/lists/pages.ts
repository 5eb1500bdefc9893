import {
  GatewayCode,
  LIST_MEMBERS,
  type JsonObject,
  type JsonValue,
  type ListMethod,
  type McpRequest,
  type Outcome,
} from '#lib/mcp-protocol';
import { warningsOf } from './broken-items.js';
import { MAX_FRESH_MS, type ListAnswer } from './list-answer.js';

/** A list beyond these bounds is an error, because a truncated list would look complete (invariant 2). */
const MAX_PAGES = 200;
const MAX_ITEMS = 50_000;

type Failed = Extract<Outcome, { kind: 'error' }>;

function toProtocolViolation(what: string): Failed {
  const message = `Upstream broke the protocol: ${what}.`;
  const data = { outcome: 'unknown', retriable: false };
  return { kind: 'error', error: { code: GatewayCode.upstreamBrokeProtocol, message, data }, httpStatus: 502 };
}

/** All pages of a list with the strictest cache hints among them. */
export interface CompleteList extends Omit<ListAnswer, 'outcome'> {
  readonly items: readonly JsonValue[];
  /** The items by page. A cached page is the same object each time, which allows results to be memoized per page. */
  readonly pages: readonly (readonly JsonValue[])[];
  /** Warnings of items that were left out. */
  readonly warnings: readonly JsonObject[];
}

/** Fetches all pages of a list, or returns the first error. */
export async function collectPages(
  method: ListMethod,
  fetchPage: (request: McpRequest) => Promise<ListAnswer>,
): Promise<CompleteList | Failed> {
  const items: JsonValue[] = [];
  const pages: (readonly JsonValue[])[] = [];
  const warnings: JsonObject[] = [];
  let whole = { freshMs: MAX_FRESH_MS, isPublic: true, isNew: false };
  let cursor: string | undefined;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const { outcome, ...hints } = await fetchPage({ method, params: cursor === undefined ? {} : { cursor } });
    if (outcome.kind === 'error') return outcome;
    const listed = outcome.result[LIST_MEMBERS[method]];
    // A result without its list member is an error, not an empty list.
    if (!Array.isArray(listed)) return toProtocolViolation(`the result has no ${LIST_MEMBERS[method]}`);
    for (const item of listed) items.push(item);
    pages.push(listed);
    warnings.push(...warningsOf(outcome.result));
    whole = {
      freshMs: Math.min(whole.freshMs, hints.freshMs),
      isPublic: whole.isPublic && hints.isPublic,
      isNew: whole.isNew || hints.isNew,
    };
    const { nextCursor } = outcome.result;
    if (typeof nextCursor !== 'string') return { items, pages, warnings, ...whole };
    if (nextCursor === cursor || items.length > MAX_ITEMS) break;
    cursor = nextCursor;
  }
  return toProtocolViolation('the list does not end');
}
