import { Injectable } from '@nestjs/common';
import { result, type Outcome } from '#lib/mcp-protocol';
import { resolveUri } from '../../catalog/index.js';
import { Items } from '../../items/index.js';
import { invalidParams, methodNotFound, resourceNotFound } from '../dispatch.errors.js';
import { MethodHandler, type Inbound } from '../inbound.js';

/** Adds and removes subscriptions of a session to resources (specification 2025: server/resources, Subscriptions). */
@Injectable()
export class ResourceSubscriptionHandler extends MethodHandler {
  readonly methods = ['resources/subscribe', 'resources/unsubscribe'];

  constructor(private readonly items: Items) {
    super();
  }

  async handle({ session, endpoint, request, client }: Inbound): Promise<Outcome> {
    const { uri } = request.params;
    if (!session) return methodNotFound(request.method);
    if (typeof uri !== 'string') return invalidParams('params.uri must be a string.');
    const target = endpoint.shows('resources', uri) ? resolveUri(endpoint, uri) : undefined;
    if (!target || this.items.resolveOwnName(target.server, 'resources', target.own) === undefined)
      return resourceNotFound(uri, client);
    const resource = { ...target, uri };
    await (request.method === 'resources/subscribe' ? session.subscribe(resource) : session.unsubscribe(resource));
    return result({});
  }
}
