import type { AccessRequest, Caller } from '#lib/extension-kit';
import { GatewayCode, RpcCode } from '#lib/mcp-protocol';
import type { Items } from '../items/index.js';
import type { ConfiguredAccessPolicy } from '../policy/index.js';
import type { ServerDefinition } from '../registry/index.js';

/** The decision of one of the gates that a call must pass. */
export interface Gate {
  readonly gate: 'server' | 'token' | 'policy' | 'item' | 'trust';
  readonly allowed: boolean;
  readonly reason: string;
  /** Error code of a call that this gate refuses. */
  readonly code?: number;
}

interface Question extends AccessRequest {
  readonly server: ServerDefinition;
}

const allow = (gate: Gate['gate'], reason: string): Gate => ({ gate, allowed: true, reason });
const refuse = (gate: Gate['gate'], reason: string, code: number = RpcCode.invalidParams): Gate => ({
  gate,
  allowed: false,
  reason,
  code,
});

/** Evaluates the gates of a call in their order. Limits are excluded, because they depend on the number of other calls. */
export function evaluateGates(question: Question, policy: ConfiguredAccessPolicy, items: Items): readonly Gate[] {
  const { server, caller } = question;
  return [
    evaluateServer(server),
    evaluateToken(server, caller),
    evaluatePolicy(question, policy),
    ...evaluateItem(question, items),
  ];
}

const evaluateServer = ({ enabled }: ServerDefinition): Gate =>
  enabled ? allow('server', 'The server is enabled.') : refuse('server', 'The server is disabled.');

function evaluateToken({ slug }: ServerDefinition, { servers }: Caller): Gate {
  if (!servers) return allow('token', 'The token is valid for all servers.');
  return servers.includes(slug)
    ? allow('token', 'The token is valid for this server.')
    : refuse('token', 'The token is restricted to other servers.');
}

/** An item that the policies hide from the caller does not exist for it. A call that they deny by its arguments is refused. */
function evaluatePolicy({ args, ...item }: Question, policy: ConfiguredAccessPolicy): Gate {
  // A resource is read without arguments, so its decision is final.
  const visibility = policy.decide(item.kind === 'resources' ? { ...item, args: {} } : item);
  if (!visibility.allowed || !args)
    return { gate: 'policy', ...visibility, ...(!visibility.allowed && { code: RpcCode.invalidParams }) };
  const decision = policy.decide({ ...item, args });
  return { gate: 'policy', ...decision, ...(!decision.allowed && { code: GatewayCode.deniedByPolicy }) };
}

function evaluateItem({ server, kind, name }: Question, items: Items): readonly Gate[] {
  const own = items.resolveOwnName(server, kind, name);
  if (own === undefined) return [refuse('item', 'The item is disabled or has another name.')];
  const item = allow(
    'item',
    own === name ? 'The item is enabled.' : `The item is enabled. The server calls it ${own}.`,
  );
  if (kind !== 'tools') return [item];
  const permission = items.checkTool(server, own);
  if (permission === 'yes') return [item, allow('trust', 'The definition of the tool is trusted.')];
  const isChanged = permission === 'quarantined';
  const reason = isChanged
    ? 'The definition of the tool has changed and was not approved.'
    : 'The server has not listed the tool.';
  return [item, refuse('trust', reason, isChanged ? GatewayCode.toolDefinitionChanged : RpcCode.invalidParams)];
}
