import { result, type JsonObject, type Outcome } from '#lib/mcp-protocol';
import { DispatchWorld, type RequestOptions } from '../../../test/support/dispatch-world.js';
import { callerOf, remoteServer } from '../../../test/support/fake-upstream.js';
import { DispatchConfig } from '../dispatch.config.js';

export const TOOLS_CHANGED = { method: 'notifications/tools/list_changed', params: {} };
export const RESOURCES_CHANGED = { method: 'notifications/resources/list_changed', params: {} };
export const ANNOUNCED: JsonObject = {
  tools: { listChanged: true },
  prompts: { listChanged: true },
  resources: { listChanged: true, subscribe: true },
};
export const [MINE, THEIRS] = [callerOf('me'), callerOf('they')];

const worlds: DispatchWorld[] = [];

/** A modern server `a` that lists one tool, named after the number of requests it has received. */
export async function listFetcherWorld(
  hints: JsonObject = { ttlMs: 10_000, cacheScope: 'public' },
  settings: Partial<DispatchConfig> = {},
) {
  const made = await DispatchWorld.open([remoteServer('a', { public: true }), remoteServer('b')], {}, {}, [
    Object.assign(new DispatchConfig(), settings),
  ]);
  worlds.push(made);
  const { connector } = made;
  for (const slug of ['a', 'b']) connector.eras.set(slug, 'modern');
  const state = { hints };
  connector.respond = () =>
    result({ tools: [{ name: `t${made.requestsTo('a').length}`, inputSchema: { type: 'object' } }], ...state.hints });
  const list = (asking: RequestOptions & { method?: string; params?: JsonObject } = {}) => {
    const { method = 'tools/list', params = {}, ...more } = asking;
    return made.request(method, params, { endpoint: 'a', caller: MINE, ...more });
  };
  const change = (notification = TOOLS_CHANGED) => {
    for (const connection of connector.live) connection.emitChange(notification);
  };
  const listeners = () => connector.live.flatMap((connection) => connection.listeners);
  return { made, connector, state, list, change, listeners, requestCount: () => made.requestsTo('a').length };
}

export const toResult = (outcome: Outcome): JsonObject => {
  if (outcome.kind === 'error') throw new Error(outcome.error.message);
  return outcome.result;
};
export const toToolNames = (outcome: Outcome) =>
  (toResult(outcome)['tools'] as { name: string }[]).map(({ name }) => name).join();

export async function closeWorlds(): Promise<void> {
  for (const made of worlds.splice(0)) await made.close();
}
