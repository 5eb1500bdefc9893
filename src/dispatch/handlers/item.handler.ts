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
import { publishResult, targetOfName, targetOfUri, type Target } from '../../catalog/index.js';
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
import { ListFetcher } from '../list-fetcher.js';
import { ToolHeaders } from '../tool-headers.js';

/** Uses one item of one server: a tool, a prompt, a resource, the completion of an argument. */
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
    // Policies and limits go by the names that callers see, as lists do.
    const denied = findDenial(inbound, named);
    if (denied !== undefined) return deniedByPolicy(denied, named.server.slug);
    const call = { caller: inbound.caller, server: named.server, tool: toToolName(named.request) };
    return this.limits.run(call, () => this.run(inbound, addressed, sink, signal));
  }

  /**
   * The call was let in when it began, and its server waits: to count it again, or to hold it to what its tool has become
   * since, would leave it half done. Who may no longer use the item may not speak for it either.
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
    // What was learned just now may be that the tool has changed.
    const permission = this.items.checkTool(addressed.server, name as string);
    if (permission === 'quarantined') return definitionChanged(addressed.server.slug);
    if (permission === 'unlisted') return unknownItem(inbound, 'tools');
    if (headers.length === 0) return this.deliver(inbound, addressed, sink, signal);
    return this.deliverWithParameterHeaders(inbound, addressed, headers, sink, signal);
  }

  /** Under the item's own name; or why it cannot be used. */
  private resolve(inbound: Inbound, addressed: AddressedRequest): AddressedRequest | Outcome {
    const { server, request } = addressed;
    const kind = toItemKind(request);
    const name = toItemName(request, kind);
    const own = this.items.resolveOwnName(server, kind, name);
    if (own === undefined) return unknownItem(inbound, kind);
    return own === name ? addressed : { ...addressed, request: withOwnName(own, request) };
  }

  /** Some of the tool's parameters travel in headers too: the client's are checked, the server's are produced. */
  private async deliverWithParameterHeaders(
    inbound: Inbound,
    addressed: AddressedRequest,
    headers: readonly ParameterHeader[],
    sink: StreamSink,
    signal: AbortSignal,
  ): Promise<Outcome> {
    const { arguments: given } = addressed.request.params;
    const args = isJsonObject(given) ? given : {};
    const fault = inbound.mirrored && checkParameterHeaders(headers, args, inbound.mirrored);
    if (fault) return failure(fault);
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

const NO_LONGER_VISIBLE = 'This is not open to you any more.';

const toToolName = ({ method, params }: McpRequest): string | undefined =>
  method === 'tools/call' ? (params['name'] as string) : undefined;

/** Why an item that the caller can see may not be used with these arguments. */
function findDenial({ endpoint }: Inbound, { server, request }: AddressedRequest): string | undefined {
  const { name, arguments: given } = request.params;
  const isCall = request.method === 'tools/call';
  if (!endpoint.permits || typeof name !== 'string' || !(isCall || request.method === 'prompts/get')) return undefined;
  const target = { server, own: name };
  const { allowed, reason } = endpoint.permits(isCall ? 'tools' : 'prompts', target, isJsonObject(given) ? given : {});
  return allowed ? undefined : reason;
}

/** What kind of item a request is about, as `resolveAddress` lets it through. */
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

/** Only tools and prompts have other names than those of their servers. */
function withOwnName(own: string, request: McpRequest): McpRequest {
  const { params } = request;
  const { ref } = params;
  const changed = isJsonObject(ref) ? { ref: { ...ref, name: own } } : { name: own };
  return { ...request, params: { ...params, ...changed } };
}

/** In the words that the client has used. */
function unknownItem({ request: { params }, client }: Inbound, kind: ItemKind): Outcome {
  const ref = isJsonObject(params['ref']) ? params['ref'] : params;
  if (kind === 'tools') return invalidParams(`Unknown tool: ${truncate(ref['name'] as string)}`);
  if (kind === 'prompts') return invalidParams(`Unknown prompt: ${truncate(ref['name'] as string)}`);
  return resourceNotFound(ref['uri'] as string, client);
}

/** Which server, and the request in its words; or why there is none. */
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
      const target = endpoint.shows(kind, name) ? targetOfName(endpoint, name) : undefined;
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
  const target = endpoint.shows('resources', uri) ? targetOfUri(endpoint, uri) : undefined;
  return target ? toAddressedRequest(request, target, { uri: target.own }) : resourceNotFound(uri, client);
}

function resolveAddressByReference({ endpoint, request, client }: Inbound): AddressedRequest | Outcome {
  const { ref } = request.params;
  if (!isJsonObject(ref)) return invalidParams('params.ref must be an object.');
  const { name, uri } = ref;
  if (typeof name === 'string') {
    const target = endpoint.shows('prompts', name) ? targetOfName(endpoint, name) : undefined;
    return target
      ? toAddressedRequest(request, target, { ref: { ...ref, name: target.own } })
      : invalidParams(`Unknown prompt: ${truncate(name)}`);
  }
  if (typeof uri !== 'string') return invalidParams('params.ref needs a name or a uri.');
  const target = endpoint.shows('resources', uri) ? targetOfUri(endpoint, uri) : undefined;
  return target
    ? toAddressedRequest(request, target, { ref: { ...ref, uri: target.own } })
    : resourceNotFound(uri, client);
}

function toAddressedRequest(request: McpRequest, { server }: Target, changed: McpRequest['params']): AddressedRequest {
  return { server, request: { ...request, params: { ...request.params, ...changed } } };
}
