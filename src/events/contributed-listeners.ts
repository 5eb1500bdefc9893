import { Injectable, type OnModuleInit } from '@nestjs/common';
import { GATEWAY_EVENT_LISTENERS, GATEWAY_EVENT_TYPES, type GatewayEvent } from '#lib/extension-kit';
import { ExtensionConsumers, ExtensionFault, MethodContributions } from '../extensions/index.js';
import { GatewayEvents } from './gateway-events.js';

/** Passes events to the methods of extensions that are marked with `@OnGatewayEvent`. */
@Injectable()
export class ContributedListeners implements OnModuleInit {
  constructor(
    private readonly contributions: MethodContributions,
    private readonly consumers: ExtensionConsumers,
    private readonly events: GatewayEvents,
  ) {}

  /** @throws ExtensionFault for a listener that would receive nothing */
  onModuleInit(): void {
    for (const { name, statement: types, call } of this.contributions.of(GATEWAY_EVENT_LISTENERS)) {
      refuseUnknownTypes(name, types);
      const consumer = this.consumers.add('event', name, (event: GatewayEvent) => call(event));
      this.events.on(types, (event) => consumer.pass(event));
    }
  }
}

function refuseUnknownTypes(name: string, types: readonly string[]): void {
  const known: readonly string[] = GATEWAY_EVENT_TYPES;
  const unknown = types.filter((type) => !known.includes(type));
  if (types.length > 0 && unknown.length === 0) return;
  const what = types.length === 0 ? 'no type of event' : `unknown types of events: ${unknown.join(', ')}`;
  throw new ExtensionFault(`${name}, marked with @OnGatewayEvent, names ${what}. Name some of ${known.join(', ')}.`);
}
