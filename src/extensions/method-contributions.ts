import { Injectable } from '@nestjs/common';
import { DiscoveryService, MetadataScanner } from '@nestjs/core';
import type { MethodContributionKind } from '#lib/extension-kit';
import { moduleOf, refuseRequestScope, type ProviderWrapper } from './provider-wrapper.js';

/** One method of a provider that an extension, or the gateway itself, contributes. */
export interface MethodContribution<Statement> {
  /** Name of its class and its own, for messages. */
  readonly name: string;
  readonly statement: Statement;
  readonly call: (...args: readonly unknown[]) => unknown;
}

interface FoundMethod<Statement> extends MethodContribution<Statement> {
  readonly instance: object;
  readonly own: string;
}

/** Finds the methods of providers and controllers that are marked as contributions, in all modules, from `onModuleInit` on. */
@Injectable()
export class MethodContributions {
  private readonly scanner = new MetadataScanner();

  constructor(private readonly discovery: DiscoveryService) {}

  /** @throws ExtensionFault for one that cannot be used, so that it is not ignored */
  of<Statement>(kind: MethodContributionKind<Statement>): readonly MethodContribution<Statement>[] {
    const wrappers = [...this.discovery.getProviders(), ...this.discovery.getControllers()];
    const found = wrappers.flatMap((wrapper) => this.toMethods(wrapper, kind));
    // A provider may be known by several tokens.
    return found.filter((one, at) => found.findIndex((other) => isSameMethod(one, other)) === at);
  }

  private toMethods<Statement>(
    wrapper: ProviderWrapper,
    kind: MethodContributionKind<Statement>,
  ): FoundMethod<Statement>[] {
    const instance = wrapper.instance as Readonly<Record<string, unknown>> | undefined;
    const prototype = typeof instance === 'object' && instance !== null ? Reflect.getPrototypeOf(instance) : null;
    if (!instance || !prototype) return [];
    return this.scanner.getAllMethodNames(prototype).flatMap((own) => {
      const method = Reflect.get(prototype, own, instance) as unknown;
      const statement = typeof method === 'function' ? kind.statementOf(method) : undefined;
      if (statement === undefined) return [];
      const name = `${prototype.constructor.name}.${own}`;
      refuseRequestScope(wrapper, `${name} of the module ${moduleOf(wrapper)}, marked with @${kind.decorator},`);
      const call = (...args: readonly unknown[]) => Reflect.apply(method as () => unknown, instance, args) as unknown;
      return [{ instance, own, name, statement, call }];
    });
  }
}

const isSameMethod = (one: FoundMethod<unknown>, other: FoundMethod<unknown>): boolean =>
  one.instance === other.instance && one.own === other.own;
