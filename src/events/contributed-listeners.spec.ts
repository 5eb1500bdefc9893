import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Injectable, Logger, Module, Scope, type Provider } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { OnGatewayEvent, type GatewayEvent } from '#lib/extension-kit';
import { ExtensionsModule } from '../extensions/index.js';
import { EventsModule } from './events.module.js';
import { GatewayEvents } from './gateway-events.js';

const PAY = { occurrence: 'pay', quietMs: 0, data: { server: 'bank', tool: 'pay' } };

let failures: string[];

beforeEach(() => {
  failures = [];
  jest.spyOn(Logger.prototype, 'error').mockImplementation((line: unknown) => void failures.push(String(line)));
});

afterEach(() => {
  jest.restoreAllMocks();
});

/** A gateway's events with an extension that has these providers. */
async function startWith(...providers: Provider[]) {
  @Module({ providers })
  class Acme {}
  const imports = [await ExtensionsModule.forRoot([Acme]), EventsModule];
  const compiled = await Test.createTestingModule({ imports }).compile();
  await compiled.init();
  return { events: compiled.get(GatewayEvents, { strict: false }), compiled };
}

class Recorder {
  readonly received: string[] = [];
}

@Injectable()
class Chat extends Recorder {
  @OnGatewayEvent('tool.quarantined')
  announce({ data }: GatewayEvent<'tool.quarantined'>): void {
    this.received.push(`${data.tool} of ${data.server}`);
  }
}

describe('@OnGatewayEvent', () => {
  it('calls the method of a provider with events of its types, and no others', async () => {
    const { events, compiled } = await startWith(Chat, { provide: 'alias', useExisting: Chat });
    events.emit('tool.quarantined', PAY);
    events.emit('server.added', { occurrence: 'bank', quietMs: 0, data: { server: 'bank' } });
    expect(compiled.get(Chat, { strict: false }).received).toEqual(['pay of bank']);
  });

  it('calls an inherited method at the instance of the subclass', async () => {
    class Louder extends Chat {}
    const { events, compiled } = await startWith(Louder);
    events.emit('tool.quarantined', PAY);
    expect(compiled.get(Louder, { strict: false }).received).toEqual(['pay of bank']);
  });

  it('logs a method that throws or rejects by its name, and calls the others', async () => {
    @Injectable()
    class Broken {
      @OnGatewayEvent('tool.quarantined')
      throws(): void {
        throw new Error('down');
      }
      @OnGatewayEvent('tool.quarantined')
      rejects(): Promise<void> {
        return Promise.reject(new Error('down'));
      }
    }
    const { events, compiled } = await startWith(Broken, Chat);
    events.emit('tool.quarantined', PAY);
    await new Promise((resolve) => setImmediate(resolve));
    expect(compiled.get(Chat, { strict: false }).received).toEqual(['pay of bank']);
    expect(failures).toEqual([
      'Failure of Broken.throws, a consumer of events',
      'Failure of Broken.rejects, a consumer of events',
    ]);
  });

  it('does not let a method change the event that others receive', async () => {
    @Injectable()
    class Changing {
      @OnGatewayEvent('tool.quarantined')
      change({ data }: GatewayEvent<'tool.quarantined'>): void {
        (data as { tool: string }).tool = 'other';
      }
    }
    const { events, compiled } = await startWith(Changing, Chat);
    events.emit('tool.quarantined', { ...PAY, data: { ...PAY.data } });
    expect(compiled.get(Chat, { strict: false }).received).toEqual(['pay of bank']);
  });

  it('refuses an unknown type of event, and none at all', async () => {
    @Injectable()
    class Misspelt {
      @OnGatewayEvent('server.dwon' as 'server.down')
      react(): void {}
    }
    await expect(startWith(Misspelt)).rejects.toThrow(
      'Misspelt.react, marked with @OnGatewayEvent, names unknown types of events: server.dwon.',
    );
    @Injectable()
    class Empty {
      @OnGatewayEvent()
      react(): void {}
    }
    await expect(startWith(Empty)).rejects.toThrow('Empty.react, marked with @OnGatewayEvent, names no type of event.');
  });

  it('refuses a method of a provider that depends on a request', async () => {
    await expect(startWith({ provide: Chat, useClass: Chat, scope: Scope.REQUEST })).rejects.toThrow(
      'Chat.announce of the module Acme, marked with @OnGatewayEvent, depends on the scope of a request.',
    );
  });
});
