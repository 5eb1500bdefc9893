import {
  Module,
  type DynamicModule,
  type FactoryProvider,
  type InjectionToken,
  type Provider,
  type Type,
} from '@nestjs/common';
import { loadedKits, PRODUCT, STRATEGIES, type Strategy } from '#lib/extension-kit';
import { ContributionsModule } from './contributions.module.js';
import { ExtensionFault } from './extension.errors.js';
import { exportersOf, nameOf, readModules, tokensOf, type Extension, type ModuleTree } from './extension.js';

const replacements = new Map<Strategy, symbol>(
  STRATEGIES.map((strategy) => [strategy, Symbol(`replacement of ${strategy.name}`)]),
);

const replacementOf = (strategy: Strategy): InjectionToken => replacements.get(strategy) ?? strategy;

/**
 * Provides a strategy to the module that owns it: the implementation of an extension, or else the gateway's own.
 */
export function strategyProvider<T extends Strategy>(strategy: T, standard: Type<InstanceType<T>>): FactoryProvider {
  return {
    provide: strategy,
    inject: [standard, { token: replacementOf(strategy), optional: true }],
    useFactory: (own: object, replacement: object | undefined) => replacement ?? own,
  };
}

/** Makes the extensions part of the gateway, and their strategies those of the gateway. */
@Module({})
export class ExtensionsModule {
  /**
   * @throws ExtensionFault when two modules replace the same strategy, one does not export its own, or one provides a strategy of
   * another extension kit
   */
  static async forRoot(extensions: readonly Extension[]): Promise<DynamicModule> {
    const trees = await Promise.all(extensions.map((extension) => readModules(extension)));
    trees.forEach(refuseForeignStrategies);
    const replaced = STRATEGIES.filter((strategy) => isReplaced(strategy, trees));
    const providers: Provider[] = replaced.map((strategy) => ({
      provide: replacementOf(strategy),
      useExisting: strategy,
    }));
    return {
      module: ExtensionsModule,
      global: true,
      imports: [ContributionsModule, ...extensions],
      providers,
      exports: [ContributionsModule, ...replaced.map(replacementOf)],
    };
  }
}

/** Whether one of the extensions replaces the strategy. */
function isReplaced(strategy: Strategy, trees: readonly ModuleTree[]): boolean {
  for (const tree of trees) refuseHidden(strategy, tree);
  const replacing = [...new Set(trees.flatMap((tree) => exportersOf(tree, strategy)))];
  if (replacing.length > 1) {
    throw new ExtensionFault(
      `The modules ${replacing.map(nameOf).join(' and ')} of extensions replace ${strategy.name}, of which the gateway uses ` +
        'one. Remove the others, or let one call the other.',
    );
  }
  return replacing.length === 1;
}

function refuseHidden(strategy: Strategy, tree: ModuleTree): void {
  const exporting = exportersOf(tree, strategy);
  const hiding = tokensOf(tree).find(({ module, token }) => token === strategy && !exporting.includes(module));
  if (hiding === undefined) return;
  const [extension, module] = [nameOf(tree.module), nameOf(hiding.module)];
  const [place, remedy] =
    hiding.module === tree.module
      ? ['', `Add \`exports: [${strategy.name}]\` to its module.`]
      : [` in ${module}`, `Export ${strategy.name} from ${module}, and ${module} from the modules that import it.`];
  throw new ExtensionFault(
    `The extension ${extension} provides ${strategy.name}${place} without exporting it, so the gateway would ignore it. ${remedy}`,
  );
}

/** A strategy of another copy of the kit is another class of the same name, which the gateway would ignore. */
function refuseForeignStrategies(tree: ModuleTree): void {
  const [, ...others] = loadedKits();
  // With one kit, it is a class of the team that has the same name by chance.
  if (others.length === 0) return;
  for (const { module, token } of tokensOf(tree)) {
    const strategy = STRATEGIES.find(({ name }) => typeof token === 'function' && token.name === name);
    if (strategy === undefined || strategy === token) continue;
    const places = loadedKits().map(({ version, location }) => `${version} at ${location}`);
    throw new ExtensionFault(
      `The module ${nameOf(module)} provides ${strategy.name} of another extension kit, so the gateway would ignore it. Loaded ` +
        `kits: ${places.join(', ')}. Install ${PRODUCT.name} once, as a peer dependency of the extension.`,
    );
  }
}
