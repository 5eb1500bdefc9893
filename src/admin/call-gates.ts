import type { AccessRequest, Caller } from '#lib/extension-kit';
import { GatewayCode, RpcCode } from '#lib/mcp-protocol';
import type { Items } from '../items/index.js';
import type { ConfiguredAccessPolicy } from '../policy/index.js';
import type { ServerDefinition } from '../registry/index.js';

/** One of the gates that a call passes. */
export interface Gate {
  readonly gate: 'server' | 'token' | 'policy' | 'item' | 'trust';
  readonly allowed: boolean;
  readonly reason: string;
  /** Error code that a call is refused with here. */
  readonly code?: number;
}

interface Question extends AccessRequest {
  readonly server: ServerDefinition;
}

const open = (gate: Gate['gate'], reason: string): Gate => ({ gate, allowed: true, reason });
const closed = (gate: Gate['gate'], reason: string, code: number = RpcCode.invalidParams): Gate => ({
  gate,
  allowed: false,
  reason,
  code,
});

/** What a call of an item meets, in its order; limits excepted, which are about how many there are. */
export function evaluateGates(question: Question, policy: ConfiguredAccessPolicy, items: Items): readonly Gate[] {
  const { server, caller } = question;
  return [
    gateOfServer(server),
    gateOfToken(server, caller),
    gateOfPolicy(question, policy),
    ...gatesOfItem(question, items),
  ];
}

const gateOfServer = ({ enabled }: ServerDefinition): Gate =>
  enabled ? open('server', 'The server is in service.') : closed('server', 'The server is out of service.');

function gateOfToken({ slug }: ServerDefinition, { servers }: Caller): Gate {
  if (!servers) return open('token', 'The token is good for all servers.');
  return servers.includes(slug)
    ? open('token', 'The token is good for this server.')
    : closed('token', 'The token is good for other servers only.');
}

/** What no call could be allowed is not there; what this one may not do is refused. */
function gateOfPolicy({ args, ...item }: Question, policy: ConfiguredAccessPolicy): Gate {
  // A resource is read without arguments: nothing about it is left open.
  const shown = policy.decide(item.kind === 'resources' ? { ...item, args: {} } : item);
  if (!shown.allowed || !args)
    return { gate: 'policy', ...shown, ...(!shown.allowed && { code: RpcCode.invalidParams }) };
  const decision = policy.decide({ ...item, args });
  return { gate: 'policy', ...decision, ...(!decision.allowed && { code: GatewayCode.deniedByPolicy }) };
}

function gatesOfItem({ server, kind, name }: Question, items: Items): readonly Gate[] {
  const own = items.resolveOwnName(server, kind, name);
  if (own === undefined) return [closed('item', 'It was switched off, or is called otherwise.')];
  const item = open('item', own === name ? 'Nobody has switched it off.' : `The server calls it ${own}.`);
  if (kind !== 'tools') return [item];
  const permission = items.checkTool(server, own);
  if (permission === 'allowed') return [item, open('trust', 'Its definition is trusted.')];
  const isChanged = permission === 'quarantined';
  const reason = isChanged
    ? 'Its definition has changed, and nobody has approved that.'
    : 'The server has not listed it.';
  return [item, closed('trust', reason, isChanged ? GatewayCode.toolDefinitionChanged : RpcCode.invalidParams)];
}
