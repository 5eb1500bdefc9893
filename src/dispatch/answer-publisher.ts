import { Injectable } from '@nestjs/common';
import {
  eraOfRevision,
  isJsonObject,
  LIST_MEMBERS,
  toEnvelope,
  type JsonObject,
  type JsonValue,
  type ListMethod,
  type Outcome,
} from '#lib/mcp-protocol';
import { publishResult, toItemKind, type Endpoint } from '../catalog/index.js';
import { ItemGate } from '../gate/index.js';
import { Items } from '../items/index.js';
import type { ServerDefinition } from '../registry/index.js';
import type { AddressedRequest } from './call-delivery.js';
import type { Inbound } from './inbound.js';
import { warningsOf, withWarnings } from './lists/index.js';
import { ToolHeaders } from './tool-headers.js';

type ItemRequest = Pick<AddressedRequest, 'server' | 'request'>;

/** Converts what a server answers to what the client of an endpoint may see, under the names of the endpoint. */
@Injectable()
export class AnswerPublisher {
  constructor(
    private readonly toolHeaders: ToolHeaders,
    private readonly items: Items,
    private readonly gate: ItemGate,
  ) {}

  /** Publishes the answer to a request for one item. */
  publishItem(inbound: Inbound, to: ItemRequest, outcome: Outcome): Outcome | Promise<Outcome> {
    const enveloped = this.toEnveloped(inbound, to, outcome);
    const publish = (each: Outcome): Outcome => publishUris(inbound.endpoint, to.server, each);
    return enveloped instanceof Promise ? enveloped.then(publish) : publish(enveloped);
  }

  /** Publishes a page of a transparent endpoint. */
  publishPage(endpoint: Endpoint, server: ServerDefinition, method: ListMethod, outcome: Outcome): Outcome {
    return this.toVisiblePage(endpoint, server, method, this.withoutHiddenItems(server, method, outcome));
  }

  /** Of results that are no objects, the codec of the client's era sees that they need an envelope. */
  private toEnveloped(
    inbound: Inbound,
    { server, request }: ItemRequest,
    outcome: Outcome,
  ): Outcome | Promise<Outcome> {
    const { name } = request.params;
    if (request.method !== 'tools/call' || outcome.kind === 'error' || typeof name !== 'string') return outcome;
    // A server that answers in the legacy era makes the envelope itself.
    if (outcome.serverEra !== 'modern') return outcome;
    const { structuredContent } = outcome.result;
    if (!isJsonObject(structuredContent) || eraOfRevision(inbound.client.revision) !== 'legacy') return outcome;
    const toResult = (hasEnvelope: boolean): Outcome =>
      hasEnvelope
        ? { ...outcome, result: { ...outcome.result, structuredContent: toEnvelope(structuredContent) } }
        : outcome;
    const found = this.toolHeaders.hasEnvelope(server, name, inbound);
    return found instanceof Promise ? found.then(toResult, () => outcome) : toResult(found);
  }

  private withoutHiddenItems(server: ServerDefinition, method: ListMethod, outcome: Outcome): Outcome {
    if (outcome.kind !== 'result') return outcome;
    const kind = LIST_MEMBERS[method];
    const items = outcome.result[kind];
    const shown = Array.isArray(items) ? this.items.toVisibleItems(server, kind, items) : items;
    if (shown === items) return outcome;
    return { ...outcome, result: { ...outcome.result, [kind]: [...(shown as JsonValue[])] } };
  }

  /** A page of a transparent endpoint without the items that its caller may not use. */
  private toVisiblePage(endpoint: Endpoint, server: ServerDefinition, method: ListMethod, outcome: Outcome): Outcome {
    if (outcome.kind !== 'result' || endpoint.showsAll(toItemKind(method))) return outcome;
    const items = outcome.result[LIST_MEMBERS[method]];
    if (!Array.isArray(items)) return outcome;
    const shown: JsonObject = { [LIST_MEMBERS[method]]: [...this.gate.publish(endpoint, server, method, [items])] };
    const listed = { ...outcome.result, ...shown };
    return { ...outcome, result: warningsOf(listed).length > 0 ? withWarnings(listed, []) : listed };
  }
}

/** Rewrites the URIs of a result to those of the endpoint. */
export function publishUris(endpoint: Endpoint, server: ServerDefinition, outcome: Outcome): Outcome {
  if (outcome.kind === 'error' || endpoint.transparent) return outcome;
  return { ...outcome, result: publishResult(endpoint, server, outcome.result) };
}
