import { Injectable } from '@nestjs/common';
import {
  checkParameterHeaders,
  failure,
  isJsonObject,
  mirrorParameters,
  type McpRequest,
  type Outcome,
  type ParameterHeader,
} from '#lib/mcp-protocol';
import type { ParkedState } from '../../calls/index.js';
import { publishResult, resolveName, resolveUri, type Target } from '../../catalog/index.js';
import { Limits } from '../../limits/index.js';
import { Items, type ItemKind } from '../../items/index.js';
import type { ServerDefinition } from '../../registry/index.js';
import type { StreamSink } from '../../session-pool/index.js';
import { CallDelivery, type AddressedRequest } from '../call-delivery.js';
import {
  truncate,
  definitionChanged,
  deniedByPolicy,
  deniedAfterStart,
  invalidParams,
  resourceNotFound,
} from '../dispatch.errors.js';
import { MethodHandler, type Inbound } from '../inbound.js';
import { ListFetcher } from '../lists/index.js';
import { ToolHeaders } from '../tool-headers.js';

/** Sends a request for one item to its server: a tool, a prompt, a resource or the completion of an argument. */
@Injectable()
export class ItemHandler extends MethodHandler {
  readonly methods = ['tools/call', 'prompts/get', 'resources/read', 'completion/complete'];

  constructor(
    private readonly delivery: CallDelivery,
    private readonly toolHeaders: ToolHeaders,
    private readonly listFetcher: ListFetcher,
    private readonly limits: Limits,
    private readonly items: Items,
  ) {
    super();
  }

  async handle(inbound: Inbound, sink: StreamSink, signal: AbortSignal): Promise<Outcome> {
    const parked = this.delivery.findParkedCall(inbound);
    if (parked) return this.continueParkedCall(inbound, parked, sink, signal);
    const named = resolveAddress(inbound);
    if ('kind' in named) return named;
    const addressed = this.resolve(inbound, named);
    if ('kind' in addressed) return addressed;
    // Policies and limits apply to the names that callers see, as in lists.
    const denied = findDenial(inbound, named);
    if (denied !== undefined) return deniedByPolicy(denied, named.server.slug);
    const call = { caller: inbound.caller, server: named.server, tool: toToolName(named.request) };
    return this.limits.run(call, () => this.run(inbound, addressed, sink, signal));
  }

  /**
   * Continues a parked call. Its admission checks ran when it started, and its server waits: another rate limit or quarantine
   * check could leave it unfinished (invariant 1). Only a caller that lost access to the item is rejected.
   */
  private async continueParkedCall(
    inbound: Inbound,
    parked: ParkedState,
    sink: StreamSink,
    signal: AbortSignal,
  ): Promise<Outcome> {
    const named = resolveAddress(inbound);
    if ('kind' in named) return this.rejectParkedCall(parked, NO_LONGER_VISIBLE);
    const denied = findDenial(inbound, named);
    if (denied !== undefined) return this.rejectParkedCall(parked, denied);
    return this.toPublicOutcome(
      inbound,
      named.server,
      await this.delivery.deliver(inbound, named, sink, signal, parked),
    );
  }

  private async rejectParkedCall(parked: ParkedState, reason: string): Promise<Outcome> {
    await this.delivery.cancelParkedCall(parked);
    return deniedAfterStart(reason);
  }

  private async run(
    inbound: Inbound,
    addressed: AddressedRequest,
    sink: StreamSink,
    signal: AbortSignal,
  ): Promise<Outcome> {
    const { request } = inbound;
    if (request.method !== 'tools/call') return this.deliver(inbound, addressed, sink, signal);
    const { name } = addressed.request.params;
    const found = this.toolHeaders.headersFor(addressed.server, name as string, inbound);
    const headers = found instanceof Promise ? await found : found;
    // Loading the tool list may have revealed a changed definition, so this check comes after it.
    const permission = this.items.checkTool(addressed.server, name as string);
    if (permission === 'quarantined') return definitionChanged(addressed.server.slug);
    if (permission === 'unlisted') return unknownItem(inbound, 'tools');
    if (headers.length === 0) return this.deliver(inbound, addressed, sink, signal);
    return this.deliverWithParameterHeaders(inbound, addressed, headers, sink, signal);
  }

  /** Replaces a shown name by the item's own name, or returns the error for an item that is disabled or unknown. */
  private resolve(inbound: Inbound, addressed: AddressedRequest): AddressedRequest | Outcome {
    const { server, request } = addressed;
    const kind = toItemKind(request);
    const name = toItemName(request, kind);
    const own = this.items.resolveOwnName(server, kind, name);
    if (own === undefined) return unknownItem(inbound, kind);
    return own === name ? addressed : { ...addressed, request: withOwnName(own, request) };
  }

  /** Checks the client's parameter headers against the arguments and adds those that the server requires. */
  private async deliverWithParameterHeaders(
    inbound: Inbound,
    addressed: AddressedRequest,
    headers: readonly ParameterHeader[],
    sink: StreamSink,
    signal: AbortSignal,
  ): Promise<Outcome> {
    const { arguments: given } = addressed.request.params;
    const args = isJsonObject(given) ? given : {};
    const mismatch = inbound.mirrored && checkParameterHeaders(headers, args, inbound.mirrored);
    if (mismatch) return failure(mismatch);
    return this.deliver(inbound, { ...addressed, parameterHeaders: mirrorParameters(headers, args) }, sink, signal);
  }

  private async deliver(
    inbound: Inbound,
    to: AddressedRequest,
    sink: StreamSink,
    signal: AbortSignal,
  ): Promise<Outcome> {
    return this.toPublicOutcome(inbound, to.server, await this.delivery.deliver(inbound, to, sink, signal));
  }

  private toPublicOutcome(inbound: Inbound, server: ServerDefinition, outcome: Outcome): Outcome {
    if (inbound.request.method === 'tools/call') this.listFetcher.recordCall(server, inbound);
    if (outcome.kind === 'error' || inbound.endpoint.transparent) return outcome;
    return { ...outcome, result: publishResult(inbound.endpoint, server, outcome.result) };
  }
}

const NO_LONGER_VISIBLE = 'You no longer have access to this item.';

const toToolName = ({ method, params }: McpRequest): string | undefined =>
  method === 'tools/call' ? (params['name'] as string) : undefined;

/** The reason why a visible item may not be used with these arguments. */
function findDenial({ endpoint }: Inbound, { server, request }: AddressedRequest): string | undefined {
  const { name, arguments: given } = request.params;
  const isCall = request.method === 'tools/call';
  if (!endpoint.permits || typeof name !== 'string' || !(isCall || request.method === 'prompts/get')) return undefined;
  const target = { server, own: name };
  const { allowed, reason } = endpoint.permits(isCall ? 'tools' : 'prompts', target, isJsonObject(given) ? given : {});
  return allowed ? undefined : reason;
}

/** The kind of item of a request that `resolveAddress` has accepted. */
function toItemKind({ method, params: { ref } }: McpRequest): ItemKind {
  if (method === 'tools/call') return 'tools';
  if (method === 'resources/read') return 'resources';
  const isTemplate = method === 'completion/complete' && isJsonObject(ref) && typeof ref['name'] !== 'string';
  return isTemplate ? 'resourceTemplates' : 'prompts';
}

function toItemName({ params }: McpRequest, kind: ItemKind): string {
  const holder = isJsonObject(params['ref']) ? params['ref'] : params;
  return holder[kind === 'tools' || kind === 'prompts' ? 'name' : 'uri'] as string;
}

/** Only tools and prompts can be renamed. */
function withOwnName(own: string, request: McpRequest): McpRequest {
  const { params } = request;
  const { ref } = params;
  const changed = isJsonObject(ref) ? { ref: { ...ref, name: own } } : { name: own };
  return { ...request, params: { ...params, ...changed } };
}

/** Names the item as the client did. */
function unknownItem({ request: { params }, client }: Inbound, kind: ItemKind): Outcome {
  const ref = isJsonObject(params['ref']) ? params['ref'] : params;
  if (kind === 'tools') return invalidParams(`Unknown tool: ${truncate(ref['name'] as string)}`);
  if (kind === 'prompts') return invalidParams(`Unknown prompt: ${truncate(ref['name'] as string)}`);
  return resourceNotFound(ref['uri'] as string, client);
}

/** The server and the request with the item's own name, or an error when the endpoint has no such item. */
function resolveAddress(inbound: Inbound): AddressedRequest | Outcome {
  const { endpoint, request } = inbound;
  switch (request.method) {
    case 'resources/read':
      return resolveAddressByUri(inbound);
    case 'completion/complete':
      return resolveAddressByReference(inbound);
    default: {
      const { name } = request.params;
      if (typeof name !== 'string') return invalidParams('params.name must be a string.');
      const kind = request.method === 'tools/call' ? 'tools' : 'prompts';
      const target = endpoint.shows(kind, name) ? resolveName(endpoint, name) : undefined;
      if (!target) return invalidParams(`Unknown ${kind === 'tools' ? 'tool' : 'prompt'}: ${truncate(name)}`);
      return endpoint.transparent
        ? { server: target.server, request }
        : toAddressedRequest(request, target, { name: target.own });
    }
  }
}

function resolveAddressByUri({ endpoint, request, client }: Inbound): AddressedRequest | Outcome {
  const { uri } = request.params;
  if (typeof uri !== 'string') return invalidParams('params.uri must be a string.');
  const target = endpoint.shows('resources', uri) ? resolveUri(endpoint, uri) : undefined;
  return target ? toAddressedRequest(request, target, { uri: target.own }) : resourceNotFound(uri, client);
}

function resolveAddressByReference({ endpoint, request, client }: Inbound): AddressedRequest | Outcome {
  const { ref } = request.params;
  if (!isJsonObject(ref)) return invalidParams('params.ref must be an object.');
  const { name, uri } = ref;
  if (typeof name === 'string') {
    const target = endpoint.shows('prompts', name) ? resolveName(endpoint, name) : undefined;
    return target
      ? toAddressedRequest(request, target, { ref: { ...ref, name: target.own } })
      : invalidParams(`Unknown prompt: ${truncate(name)}`);
  }
  if (typeof uri !== 'string') return invalidParams('params.ref needs a name or a uri.');
  const target = endpoint.shows('resources', uri) ? resolveUri(endpoint, uri) : undefined;
  return target
    ? toAddressedRequest(request, target, { ref: { ...ref, uri: target.own } })
    : resourceNotFound(uri, client);
}

function toAddressedRequest(request: McpRequest, { server }: Target, changed: McpRequest['params']): AddressedRequest {
  return { server, request: { ...request, params: { ...request.params, ...changed } } };
}
