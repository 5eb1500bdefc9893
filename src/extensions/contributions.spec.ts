import { describe, expect, it } from '@jest/globals';
import { Module, Scope, type Provider } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { CALL_INTERCEPTORS, CallInterceptor, InterceptsCalls, type NextCall } from '#lib/extension-kit';
import { Contributions } from './contributions.js';
import { ExtensionsModule } from './extensions.module.js';

class Passing extends CallInterceptor {
  override intercept = (_call: unknown, next: NextCall) => next();
}

@InterceptsCalls({ order: 2 })
class Late extends Passing {}
@InterceptsCalls({ order: -1 })
class Early extends Passing {}
@InterceptsCalls()
class Plain extends Passing {}

/** The interceptors of a gateway with an extension that has these providers. */
async function interceptorsOf(...providers: Provider[]) {
  @Module({ providers })
  class Acme {}
  const compiled = await Test.createTestingModule({ imports: [await ExtensionsModule.forRoot([Acme])] }).compile();
  await compiled.init();
  try {
    return compiled.get(Contributions).of(CALL_INTERCEPTORS);
  } finally {
    await compiled.close();
  }
}

describe('Contributions', () => {
  it('finds marked providers in all modules, in their order, with their module', async () => {
    const found = await interceptorsOf(Late, Plain, Early);
    expect(found.map(({ name, module }) => [name, module])).toEqual([
      ['Early', 'Acme'],
      ['Plain', 'Acme'],
      ['Late', 'Acme'],
    ]);
  });

  it('finds what a factory, a value or another token provides, each once', async () => {
    const made = { provide: 'made', inject: [], useFactory: () => new Late() };
    const given = { provide: 'given', useValue: new Plain() };
    const found = await interceptorsOf(Early, { provide: 'alias', useExisting: Early }, made, given);
    expect(found.map(({ name }) => name)).toEqual(['Early', 'Plain', 'Late']);
  });

  it('finds nothing that a subclass inherits its mark from', async () => {
    class Derived extends Late {}
    expect(await interceptorsOf(Derived)).toEqual([]);
  });

  it('refuses a contribution that depends on a request', async () => {
    await expect(interceptorsOf({ provide: Late, useClass: Late, scope: Scope.REQUEST })).rejects.toThrow(
      'Late of the module Acme, marked with @InterceptsCalls, depends on the scope of a request.',
    );
  });

  it.each([
    [{ order: Infinity }, 'states the order Infinity. State a finite number.'],
    [{ order: Number.NaN }, 'states the order NaN. State a finite number.'],
    [{ deadlineMs: 0 }, 'states the deadlineMs 0. State a whole number from 1 to 2147483647.'],
    [{ deadlineMs: 1.5 }, 'states the deadlineMs 1.5. State a whole number'],
    // A timer of Node would end at once.
    [{ deadlineMs: 2_147_483_648 }, 'states the deadlineMs 2147483648. State a whole number'],
  ])('refuses a contribution with the options %j', async (options, reason) => {
    @InterceptsCalls(options)
    class Wrong extends Passing {}
    await expect(interceptorsOf(Wrong)).rejects.toThrow(
      `Wrong of the module Acme, marked with @InterceptsCalls, ${reason}`,
    );
  });

  it('refuses a contribution that does not extend its class', async () => {
    @InterceptsCalls()
    class Foreign {}
    await expect(interceptorsOf(Foreign)).rejects.toThrow(
      'Foreign of the module Acme, marked with @InterceptsCalls, does not extend CallInterceptor of this extension kit.',
    );
  });
});
