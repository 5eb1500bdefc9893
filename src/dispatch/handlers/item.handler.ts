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
import { CallAudit } from '../../audit/index.js';
import type { ParkedState } from '../../calls/index.js';
import {
  ItemGate,
  readItemReference,
  type ItemReference,
  type ItemRefusal,
  type ServerItemUse,
} from '../../gate/index.js';
import { Limits } from '../../limits/index.js';
import { Items } from '../../items/index.js';
import type { StreamSink } from '../../session-pool/index.js';
import { toSafeUri, whileServerWorks, type CallProgress } from '../../telemetry/index.js';
import { truncateLabel } from '../../workers/index.js';
import { AnswerPublisher } from '../answer-publisher.js';
import { CallDelivery, type AddressedRequest } from '../call-delivery.js';
import {
  definitionChanged,
  deniedAfterStart,
  invalidParams,
  toRefusalOutcome,
  unknownItem,
} from '../dispatch.errors.js';
import { MethodHandler, type Inbound } from '../inbound.js';
import { ListFetcher } from '../lists/index.js';
import { NameLoader } from '../name-loader.js';
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
    private readonly gate: ItemGate,
    private readonly names: NameLoader,
    private readonly audit: CallAudit,
    private readonly publisher: AnswerPublisher,
  ) {
    super();
  }

  async handle(inbound: Inbound, sink: StreamSink, signal: AbortSignal): Promise<Outcome> {
    const parked = this.delivery.findParkedCall(inbound);
    const { endpoint, request, client, caller } = inbound;
    const reference = readItemReference(request);
    const loading = 'fault' in reference ? undefined : this.names.load(inbound, reference, signal);
    if (loading) await whileServerWorks(inbound.record, () => loading);
    if (parked) return this.continueParkedCall(inbound, { parked, reference }, sink, signal);
    if ('fault' in reference) return invalidParams(reference.fault);
    const use = this.gate.admit(endpoint, reference);
    recordItem(inbound.record, reference, use);
    if ('refusal' in use) return toRefusalOutcome(use, reference, client);
    this.audit.requirePlace(use.server);
    return this.limits.run({ caller, server: use.server, use }, () =>
      this.run(inbound, { reference, use }, sink, signal),
    );
  }

  /**
   * Continues a parked call. Its admission checks ran when it started, and its server waits: another rate limit or quarantine
   * check could leave it unfinished (invariant 1). Only a caller that lost access to the item is rejected.
   */
  private async continueParkedCall(
    inbound: Inbound,
    { parked, reference }: { parked: ParkedState; reference: ReturnType<typeof readItemReference> },
    sink: StreamSink,
    signal: AbortSignal,
  ): Promise<Outcome> {
    const { endpoint, request } = inbound;
    if ('fault' in reference) return this.rejectParkedCall(parked, NO_LONGER_VISIBLE);
    const use = this.gate.readmit(endpoint, reference);
    recordItem(inbound.record, reference, use);
    if ('refusal' in use)
      return this.rejectParkedCall(parked, use.refusal === 'denied' ? use.reason : NO_LONGER_VISIBLE);
    const addressed = toAddressedRequest(request, reference, use);
    const outcome = await this.delivery.deliver(inbound, addressed, sink, signal, parked);
    return this.publish(inbound, addressed, outcome);
  }

  private async rejectParkedCall(parked: ParkedState, reason: string): Promise<Outcome> {
    await this.delivery.cancelParkedCall(parked);
    return deniedAfterStart(reason);
  }

  private async run(
    inbound: Inbound,
    { reference, use }: AdmittedUse,
    sink: StreamSink,
    signal: AbortSignal,
  ): Promise<Outcome> {
    const { server, name } = use;
    const addressed = toAddressedRequest(inbound.request, reference, use);
    if (use.kind !== 'tools') return this.deliver(inbound, addressed, sink, signal);
    const found = this.toolHeaders.headersFor(server, name, inbound);
    const headers = found instanceof Promise ? await whileServerWorks(inbound.record, () => found) : found;
    // Loading the tool list may have revealed a changed definition, so this check comes after it.
    const permission = this.items.checkTool(server, name);
    if (permission === 'quarantined') return definitionChanged(server.slug);
    if (permission === 'unlisted') return unknownItem(reference, inbound.client);
    if (headers.length === 0) return this.deliver(inbound, addressed, sink, signal);
    return this.deliverWithParameterHeaders(inbound, addressed, headers, sink, signal);
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
    return this.publish(inbound, to, await this.delivery.deliver(inbound, to, sink, signal));
  }

  private publish(inbound: Inbound, to: AddressedRequest, outcome: Outcome): Outcome | Promise<Outcome> {
    if (inbound.request.method === 'tools/call') this.listFetcher.recordCall(to.server, inbound);
    return this.publisher.publishItem(inbound, to, outcome);
  }
}

/** Of an item that does not exist for the caller, only the name is known that the client used. */
function recordItem(
  record: CallProgress | undefined,
  { kind, text }: ItemReference,
  use: ServerItemUse | ItemRefusal,
): void {
  if (!record) return;
  const name = use.name ?? text;
  record.address(use.server?.slug, kind === 'resources' ? toSafeUri(name) : truncateLabel(name));
}

const NO_LONGER_VISIBLE = 'You no longer have access to this item.';

interface AdmittedUse {
  readonly reference: ItemReference;
  readonly use: ServerItemUse;
}

/** The request with the name that was checked. A request that has this name already is not copied. */
function toAddressedRequest(request: McpRequest, { text }: ItemReference, use: ServerItemUse): AddressedRequest {
  const { server, name, kind } = use;
  if (name === text) return { server, request };
  const { params } = request;
  const named = { [kind === 'resources' ? 'uri' : 'name']: name };
  const { ref } = params;
  const changed = request.method === 'completion/complete' && isJsonObject(ref) ? { ref: { ...ref, ...named } } : named;
  return { server, request: { ...request, params: { ...params, ...changed } } };
}
