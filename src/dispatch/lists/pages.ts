import {
  CursorTrail,
  GatewayCode,
  isJsonObject,
  LIST_MEMBERS,
  type JsonObject,
  type JsonValue,
  type ListMethod,
  type McpRequest,
  type Outcome,
} from '#lib/mcp-protocol';
import { ID_MEMBERS } from '../../items/index.js';
import { toListWarning, warningsOf } from './list-warnings.js';
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
  /** Warnings of items that were repaired or left out, and of a list that ends oddly. */
  readonly warnings: readonly JsonObject[];
}

/** Fetches all pages of a list, or returns the first error. */
export async function collectPages(
  { server, method }: { readonly server: string; readonly method: ListMethod },
  fetchPage: (request: McpRequest) => Promise<ListAnswer>,
): Promise<CompleteList | Failed> {
  const pages = new PageCollection(server, method);
  let cursor: string | undefined;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const answer = await fetchPage({ method, params: cursor === undefined ? {} : { cursor } });
    if (answer.outcome.kind === 'error') {
      // Some servers end their lists with an empty cursor, and refuse it as the cursor of a page.
      if (cursor === '' && isOfServer(answer.outcome)) return pages.endWith('its last cursor is empty');
      return answer.outcome;
    }
    // A result without its list member is an error, not an empty list.
    if (!pages.add(answer, answer.outcome.result))
      return toProtocolViolation(`the result has no ${LIST_MEMBERS[method]}`);
    const next = pages.trail.follow(answer.outcome.result['nextCursor'], cursor);
    if (next.fault !== undefined) return pages.endWith(next.fault);
    if (next.cursor === undefined) return pages.toList();
    if (pages.size > MAX_ITEMS) break;
    cursor = next.cursor;
  }
  return toProtocolViolation('the list does not end');
}

/** Only errors of the gateway have an HTTP status of their own. */
const isOfServer = ({ httpStatus }: Failed): boolean => httpStatus === undefined;

class PageCollection {
  readonly trail = new CursorTrail();
  private readonly pages: (readonly JsonValue[])[] = [];
  private readonly warnings: JsonObject[] = [];
  private readonly names = new Set<JsonValue | undefined>();
  private hints = { freshMs: MAX_FRESH_MS, isPublic: true, isNew: false };

  constructor(
    private readonly server: string,
    private readonly method: ListMethod,
  ) {}

  get size(): number {
    return this.pages.reduce((total, page) => total + page.length, 0);
  }

  /** Returns false for a result without its list. */
  add({ freshMs, isPublic, isNew }: ListAnswer, result: JsonObject): boolean {
    const listed = result[LIST_MEMBERS[this.method]];
    if (!Array.isArray(listed)) return false;
    this.pages.push(this.pages.length === 0 ? listed : this.withoutKnown(listed));
    this.warnings.push(...warningsOf(result));
    this.hints = {
      freshMs: Math.min(this.hints.freshMs, freshMs),
      isPublic: this.hints.isPublic && isPublic,
      isNew: this.hints.isNew || isNew,
    };
    return true;
  }

  endWith(fault: string): CompleteList {
    this.warnings.push(toListWarning(this.server, `${this.method} ends early: ${fault}.`));
    return this.toList();
  }

  toList(): CompleteList {
    const { pages, warnings, hints } = this;
    return { items: pages.flat(), pages, warnings, ...hints };
  }

  /** The items of a page that no earlier page contains: a server may list a page twice. */
  private withoutKnown(listed: readonly JsonValue[]): readonly JsonValue[] {
    const member = ID_MEMBERS[LIST_MEMBERS[this.method]];
    const idOf = (item: JsonValue) => (isJsonObject(item) ? item[member] : undefined);
    for (const item of this.pages.at(-1) ?? []) this.names.add(idOf(item));
    return listed.filter((item) => !this.names.has(idOf(item)));
  }
}
