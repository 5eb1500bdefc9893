import { Injectable } from '@nestjs/common';
import { result, type Outcome } from '#lib/mcp-protocol';
import { ItemGate, readItemReference } from '../../gate/index.js';
import { invalidParams, methodNotFound, toRefusalOutcome } from '../dispatch.errors.js';
import { MethodHandler, type Inbound } from '../inbound.js';

/** Adds and removes subscriptions of a session to resources (specification 2025: server/resources, Subscriptions). */
@Injectable()
export class ResourceSubscriptionHandler extends MethodHandler {
  readonly methods = ['resources/subscribe', 'resources/unsubscribe'];

  constructor(private readonly gate: ItemGate) {
    super();
  }

  async handle({ session, endpoint, request, client }: Inbound): Promise<Outcome> {
    if (!session) return methodNotFound(request.method);
    const reference = readItemReference(request);
    if ('fault' in reference) return invalidParams(reference.fault);
    const use = this.gate.admit(endpoint, reference);
    if ('refusal' in use) return toRefusalOutcome(use, reference, client);
    const resource = { server: use.server, own: use.name, uri: reference.text };
    await (request.method === 'resources/subscribe' ? session.subscribe(resource) : session.unsubscribe(resource));
    return result({});
  }
}
