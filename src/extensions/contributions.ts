import { Injectable } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import type { ContributionKind, ContributionOptions } from '#lib/extension-kit';
import { refuseUnusableOptions } from './contribution-options.js';
import { ExtensionFault } from './extension.errors.js';
import { classesOf, nameOf, readModules, type Extension } from './extension.js';
import { moduleOf, refuseRequestScope, type ProviderWrapper } from './provider-wrapper.js';

/** What the decorator of a contribution states, with its class. */
export interface Declaration<Options extends object> {
  readonly options: Options;
  /** Name of its class, for messages. */
  readonly name: string;
  /** Name of the module that provides it. */
  readonly module: string;
}

/** One provider that an extension, or the gateway itself, contributes. */
export interface Contribution<T extends object, Options extends object> extends Declaration<Options> {
  readonly instance: T;
}

/**
 * Finds the providers that are marked as contributions, in all modules. Complete from `onModuleInit` on, when Nest has made all
 * providers.
 */
@Injectable()
export class Contributions {
  constructor(private readonly discovery: DiscoveryService) {}

  /**
   * The contributions of a kind, in their order.
   *
   * @throws ExtensionFault for one that cannot be used, so that it is not ignored
   */
  of<T extends object, Options extends ContributionOptions | object>(
    kind: ContributionKind<T, Options>,
  ): readonly Contribution<T, Options>[] {
    const found = this.discovery.getProviders().flatMap((wrapper) => toContribution(wrapper, kind));
    const unique = new Map(found.map((contribution) => [contribution.instance, contribution]));
    return [...unique.values()].toSorted((one, other) => orderOf(one.options) - orderOf(other.options));
  }

  /**
   * What the decorators of a kind state, already while providers are being made. It omits what a factory makes for a token that is
   * not its class, which is known only afterwards.
   */
  declared<T extends object, Options extends object>(
    kind: ContributionKind<T, Options>,
  ): readonly Declaration<Options>[] {
    const found = this.discovery.getProviders().flatMap((wrapper) => {
      // What a factory makes may exist already, or not yet: only its token counts.
      const ofValue = wrapper.inject === undefined ? constructorOf(wrapper.instance) : undefined;
      const types: unknown[] = [wrapper.metatype, wrapper.token, ofValue];
      const type = types.find((each) => optionsOf(kind, each) !== undefined);
      return type === undefined ? [] : [[type, moduleOf(wrapper)] as const];
    });
    return [...new Map(found)].map(([type, module]) => toDeclaration(kind, type, module));
  }
}

/** The same of the modules of extensions, without starting a gateway. */
export async function declaredBy<T extends object, Options extends object>(
  extensions: readonly Extension[],
  kind: ContributionKind<T, Options>,
): Promise<readonly Declaration<Options>[]> {
  const trees = await Promise.all(extensions.map((extension) => readModules(extension)));
  const found = trees.flatMap(classesOf).filter(({ type }) => optionsOf(kind, type) !== undefined);
  const unique = new Map(found.map(({ type, module }) => [type, nameOf(module)]));
  return [...unique].map(([type, module]) => toDeclaration(kind, type, module));
}

function toContribution<T extends object, Options extends object>(
  wrapper: ProviderWrapper,
  kind: ContributionKind<T, Options>,
): Contribution<T, Options>[] {
  const instance = wrapper.instance as unknown;
  // The class of a value, and of what a factory made, is known only from the instance.
  const type = (wrapper.inject === undefined ? wrapper.metatype : undefined) ?? constructorOf(instance);
  if (optionsOf(kind, type) === undefined) return [];
  const declaration = toDeclaration(kind, type, moduleOf(wrapper));
  const { name, module } = declaration;
  const subject = `${name} of the module ${module}, marked with @${kind.decorator},`;
  refuseRequestScope(wrapper, subject);
  refuseUnusableOptions(declaration.options, subject);
  if (!(instance instanceof (kind.port as never)))
    throw new ExtensionFault(
      `${subject} does not extend ${kind.port.name} of this extension kit. Extend it, and install the gateway once, as a peer ` +
        'dependency of the extension.',
    );
  return [{ instance: instance as T, ...declaration }];
}

function toDeclaration<T extends object, Options extends object>(
  kind: ContributionKind<T, Options>,
  type: unknown,
  module: string,
): Declaration<Options> {
  const { name } = type as { readonly name: string };
  return { options: optionsOf(kind, type) as Options, name, module };
}

const optionsOf = <T extends object, Options extends object>(
  kind: ContributionKind<T, Options>,
  type: unknown,
): Options | undefined => (typeof type === 'function' ? kind.optionsOf(type as never) : undefined);

const constructorOf = (instance: unknown): unknown =>
  typeof instance === 'object' && instance !== null ? instance.constructor : undefined;

const orderOf = (options: object): number => ('order' in options ? Number(options.order ?? 0) : 0);
