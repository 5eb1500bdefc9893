import { Injectable } from '@nestjs/common';
import { AccessPolicy, type AccessExplanation, type Caller } from '#lib/extension-kit';
import { GatewayCode, RpcCode } from '#lib/mcp-protocol';
import { AuthConfig } from '../auth/index.js';
import { EndpointDirectory, type Endpoint } from '../catalog/index.js';
import { ItemGate, type ItemReference, type ItemRefusal, type ServerItemUse } from '../gate/index.js';
import { Items, type FoundDefinition } from '../items/index.js';
import type { ServerDefinition } from '../registry/index.js';

/** The decision of one of the gates that a call must pass. */
export interface Gate {
  readonly gate: 'server' | 'token' | 'endpoint' | 'policy' | 'filter' | 'item' | 'trust';
  readonly allowed: boolean;
  readonly reason: string;
  /** Error code of a call that this gate refuses. Absent when the HTTP request is refused before the call. */
  readonly code?: number;
}

/** A call to explain. `endpoint` is the slug of an endpoint with several servers; absent: the server's own endpoint. */
export interface ExplainedCall {
  readonly caller: Caller;
  readonly server: ServerDefinition;
  readonly endpoint?: string;
  readonly reference: ItemReference;
}

/** Whether a call would be admitted, how each rule that matches the item decides, and the gates in their order. */
export interface CallExplanation extends AccessExplanation {
  readonly gates: readonly Gate[];
}

const allow = (gate: Gate['gate'], reason: string): Gate => ({ gate, allowed: true, reason });
const refuse = (gate: Gate['gate'], reason: string, code?: number): Gate => ({
  gate,
  allowed: false,
  reason,
  ...(code !== undefined && { code }),
});

/** Explains calls by the code that admits them. Limits are excluded, because they depend on the number of other calls. */
@Injectable()
export class CallGates {
  constructor(
    private readonly endpoints: EndpointDirectory,
    private readonly gate: ItemGate,
    private readonly items: Items,
    private readonly policy: AccessPolicy,
    private readonly config: AuthConfig,
  ) {}

  /** Returns the use of an item, whether or not it is admitted. Undefined for a malformed reference. */
  describe(server: ServerDefinition, reference: ItemReference): ServerItemUse | undefined {
    const use = this.gate.describe(server, reference);
    return 'refusal' in use ? undefined : use;
  }

  /** Returns the definition of a tool or prompt as its server listed it last. Undefined for resources, and while it is not known. */
  definitionOf({ server, kind, name }: ServerItemUse): FoundDefinition {
    return kind === 'resources' ? undefined : this.items.definitionOf(server, kind, name);
  }

  explain(call: ExplainedCall): CallExplanation {
    const { server, reference, caller } = call;
    const whole = this.endpoints.find(call.endpoint ?? server.slug);
    const use = this.gate.describe(server, reference);
    const { rules, ...decision } = this.explainPolicy(use, caller);
    const admission = this.admit(call);
    const gates = [
      evaluateServer(server),
      this.evaluateToken(call, whole),
      ...(call.endpoint === undefined ? [] : [evaluateEndpoint(call, whole, use, this.policy)]),
      evaluatePolicy(decision, admission),
      ...this.evaluateFilters(call, use),
      ...this.evaluateItem(server, reference, use, admission),
    ];
    const refusing = gates.find((gate) => !gate.allowed);
    if (refusing) return { allowed: false, reason: refusing.reason, rules, gates };
    if ('refusal' in admission) return { allowed: false, reason: admission.reason, rules, gates };
    return { ...decision, rules, gates };
  }

  /** Admits the call as it would be admitted if the client sent it now. */
  private admit({ caller, server, endpoint: id, reference }: ExplainedCall): ServerItemUse | ItemRefusal {
    const endpoint = this.endpoints.findFor(caller, id ?? server.slug);
    if (!endpoint) return { refusal: 'unknown', reason: 'The caller has no access to the endpoint.' };
    return this.gate.admitAt(endpoint, server, reference);
  }

  private explainPolicy(use: ServerItemUse | ItemRefusal, caller: Caller): AccessExplanation {
    if ('refusal' in use) return { allowed: false, reason: use.reason, rules: [] };
    // A resource is read without arguments, so its decision is final.
    return this.policy.explain({ ...use, caller, ...(use.kind === 'resources' && { args: {} }) });
  }

  /** Why the HTTP requests of a caller to the endpoint are refused. Undefined: the endpoint accepts the token, or needs none. */
  refusalOf(caller: Caller, endpoint: Endpoint | undefined): string | undefined {
    if (caller.anonymous) return endpoint?.public === false ? 'The endpoint requires a token.' : undefined;
    const missing = this.config.requiredScopes.filter((scope) => !caller.scopes.includes(scope));
    return missing.length > 0 ? `The token lacks the required scopes ${missing.join(', ')}.` : undefined;
  }

  private evaluateToken({ server: { slug }, caller }: ExplainedCall, endpoint: Endpoint | undefined): Gate {
    const refusal = this.refusalOf(caller, endpoint);
    if (refusal !== undefined) return refuse('token', refusal);
    if (caller.anonymous) return allow('token', 'The endpoint requires no token.');
    if (!caller.servers) return allow('token', 'The token is valid for all servers.');
    return caller.servers.includes(slug)
      ? allow('token', 'The token is valid for this server.')
      : refuse('token', 'The token is restricted to other servers.', RpcCode.invalidParams);
  }

  /** Without a filter that concerns the caller there is no such gate. */
  private evaluateFilters(
    { caller, server, endpoint }: ExplainedCall,
    use: ServerItemUse | ItemRefusal,
  ): readonly Gate[] {
    const filter = this.endpoints.findFor(caller, endpoint ?? server.slug)?.filter;
    if (!filter || 'refusal' in use) return [];
    const name = filter.hiddenBy(use);
    return name === undefined
      ? [allow('filter', 'No list filter hides the item.')]
      : [refuse('filter', `The list filter ${name} hides the item from this caller.`, RpcCode.invalidParams)];
  }

  private evaluateItem(
    server: ServerDefinition,
    { kind, text }: ItemReference,
    use: ServerItemUse | ItemRefusal,
    admission: ServerItemUse | ItemRefusal,
  ): readonly Gate[] {
    if ('refusal' in use) return [refuse('item', use.reason, RpcCode.invalidParams)];
    const isEnabled = use.uri
      ? this.items.isResourceEnabled(server, use.uri, use.isTemplate === true)
      : kind !== 'resources' && this.items.resolveOwnName(server, kind, text) !== undefined;
    if (!isEnabled) return [refuse('item', 'The item is disabled or has another name.', RpcCode.invalidParams)];
    const { name } = 'refusal' in admission ? use : admission;
    const reason = name === text ? 'The item is enabled.' : `The item is enabled. The server calls it ${name}.`;
    const item = allow('item', reason);
    return kind === 'tools' ? [item, this.evaluateTrust(server, name)] : [item];
  }

  private evaluateTrust(server: ServerDefinition, own: string): Gate {
    const permission = this.items.checkTool(server, own);
    if (permission === 'allowed') return allow('trust', 'The definition of the tool is trusted.');
    return permission === 'quarantined'
      ? refuse(
          'trust',
          'The definition of the tool has changed and was not approved.',
          GatewayCode.toolDefinitionChanged,
        )
      : refuse('trust', 'The server has not listed the tool.', RpcCode.invalidParams);
  }
}

const evaluateServer = ({ enabled }: ServerDefinition): Gate =>
  enabled
    ? allow('server', 'The server is enabled.')
    : refuse('server', 'The server is disabled.', RpcCode.invalidParams);

function evaluateEndpoint(
  { server, caller }: ExplainedCall,
  endpoint: Endpoint | undefined,
  use: ServerItemUse | ItemRefusal,
  policy: AccessPolicy,
): Gate {
  if (!endpoint) return refuse('endpoint', 'There is no such endpoint.');
  if (!endpoint.transparent && !policy.canUseEndpoint(caller, endpoint))
    return refuse('endpoint', `The endpoint belongs to the team ${endpoint.team}.`);
  if (!endpoint.servers.some(({ slug }) => slug === server.slug))
    return refuse('endpoint', 'The endpoint does not contain the server.', RpcCode.invalidParams);
  return 'refusal' in use || endpoint.shows(use)
    ? allow('endpoint', 'The endpoint contains the item.')
    : refuse('endpoint', 'The endpoint does not select the item.', RpcCode.invalidParams);
}

/** An item that the policies hide from the caller is unknown to it. A call that they deny by its arguments is refused. */
function evaluatePolicy(
  { allowed, reason }: Omit<AccessExplanation, 'rules'>,
  admission: ServerItemUse | ItemRefusal,
): Gate {
  if (allowed) return allow('policy', reason);
  const isDenied = 'refusal' in admission && admission.refusal === 'denied';
  return refuse('policy', reason, isDenied ? GatewayCode.deniedByPolicy : RpcCode.invalidParams);
}
