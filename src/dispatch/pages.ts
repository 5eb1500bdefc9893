import {
  GatewayCode,
  LIST_MEMBERS,
  type JsonValue,
  type ListMethod,
  type McpRequest,
  type Outcome,
} from '#lib/mcp-protocol';

/** A server that pages without end is stopped here. */
const MAX_PAGES = 200;

type Failed = Extract<Outcome, { kind: 'error' }>;

/** An answer without its list is no empty list. */
function noList(method: ListMethod): Failed {
  const message = `Upstream broke the protocol: its answer holds no ${LIST_MEMBERS[method]}`;
  const data = { outcome: 'unknown', retriable: false };
  return { kind: 'error', error: { code: GatewayCode.upstreamBrokeProtocol, message, data }, httpStatus: 502 };
}

/** Every item of a list, page after page; or the outcome that ended it. */
export async function collectPages(
  method: ListMethod,
  ask: (request: McpRequest) => Promise<Outcome>,
): Promise<{ readonly items: readonly JsonValue[] } | Failed> {
  const items: JsonValue[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const outcome = await ask({ method, params: cursor === undefined ? {} : { cursor } });
    if (outcome.kind === 'error') return outcome;
    const listed = outcome.result[LIST_MEMBERS[method]];
    if (!Array.isArray(listed)) return noList(method);
    for (const item of listed) items.push(item);
    const { nextCursor } = outcome.result;
    if (typeof nextCursor !== 'string' || nextCursor === cursor) break;
    cursor = nextCursor;
  }
  return { items };
}
