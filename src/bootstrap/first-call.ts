import { GatewayCode, isJsonObject, type JsonObject, type JsonValue } from '#lib/mcp-protocol';
import type { Clock } from '#lib/time';

/** How long the greeting waits for servers that are starting, in milliseconds. */
const FIRST_CALL_TIMEOUT_MS = 30_000;
const RETRY_INTERVAL_MS = 250;

const TEXT = 'Hello across the isthmus';

/** A request that succeeds right after the first start. */
export interface FirstCall {
  readonly method: string;
  readonly params: JsonObject;
}

/** Succeeds whichever servers are configured. */
const LIST: FirstCall = { method: 'tools/list', params: {} };

/**
 * Finds a call for the greeting: of a tool that the gateway at this URL lists for this token. Waits for servers that are
 * still starting. Returns the request for the list of tools without a suitable tool, or when the signal is aborted.
 */
export async function findFirstCall(url: string, token: string, signal: AbortSignal, clock: Clock): Promise<FirstCall> {
  const deadline = AbortSignal.any([signal, clock.timeoutSignal(FIRST_CALL_TIMEOUT_MS)]);
  try {
    for (;;) {
      const { tools, isAnyStarting } = await readTools(url, token, deadline);
      const call = chooseCall(tools);
      if (call !== undefined) return call;
      if (!isAnyStarting) return LIST;
      await clock.sleep(RETRY_INTERVAL_MS, deadline);
    }
  } catch {
    return LIST;
  }
}

/**
 * Chooses a call without side effects: of a tool that echoes a text, or else of a read-only tool without required
 * arguments.
 */
export function chooseCall(tools: readonly JsonObject[]): FirstCall | undefined {
  const harmless = tools.filter(isReadOnly);
  const echo = harmless.find((tool) => /(^|_)echo$/.test(nameOf(tool)) && requiredOf(tool).join() === 'text');
  const other = harmless.find((tool) => requiredOf(tool).length === 0);
  const tool = echo ?? other;
  if (tool === undefined) return undefined;
  return { method: 'tools/call', params: { name: nameOf(tool), arguments: echo ? { text: TEXT } : {} } };
}

const isReadOnly = ({ annotations }: JsonObject): boolean =>
  isJsonObject(annotations) && annotations['readOnlyHint'] === true;

const nameOf = ({ name }: JsonObject): string => (typeof name === 'string' ? name : '');

function requiredOf({ inputSchema }: JsonObject): readonly unknown[] {
  const required = isJsonObject(inputSchema) ? inputSchema['required'] : undefined;
  return Array.isArray(required) ? required : [];
}

/** Reads the list of tools. `isAnyStarting` is true when a server did not answer in time; one that failed is not waited for. */
async function readTools(url: string, token: string, signal: AbortSignal) {
  const response = await fetch(`${url}/rpc`, {
    method: 'POST',
    // The gateway calls itself only now; a kept connection would delay its shutdown.
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}`, connection: 'close' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, ...LIST }),
    signal,
  });
  const answer: unknown = await response.json();
  const { result, error } = isJsonObject(answer) ? answer : {};
  const { tools, _meta: meta } = isJsonObject(result) ? result : {};
  const warnings = isJsonObject(meta) ? meta['isthmus/warnings'] : undefined;
  return {
    tools: Array.isArray(tools) ? tools.filter(isJsonObject) : [],
    isAnyStarting: [error, ...(Array.isArray(warnings) ? warnings : [])].some(isTimeout),
  };
}

const isTimeout = (error: JsonValue | undefined): boolean =>
  isJsonObject(error) && error['code'] === GatewayCode.outcomeUnknown;
