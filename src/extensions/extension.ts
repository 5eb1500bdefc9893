import type { DynamicModule, ForwardReference, Type } from '@nestjs/common';

/** A module that extends the gateway: a class with Nest's `@Module`, or a dynamic module. */
export type Extension = Type | DynamicModule;

const PARTS = ['imports', 'providers', 'controllers', 'exports'];

/** Whether a value is a Nest module. */
export function isExtension(value: unknown): value is Extension {
  if (typeof value === 'function') return PARTS.some((part) => Reflect.hasMetadata(part, value));
  return typeof value === 'object' && value !== null && 'module' in value && typeof value.module === 'function';
}

export const nameOf = (extension: Extension): string =>
  'module' in extension ? extension.module.name : extension.name;

/** A part of an extension, from its decorator and its dynamic part. */
function partOf(extension: Extension, part: 'imports' | 'providers' | 'exports'): readonly unknown[] {
  const moduleClass = 'module' in extension ? extension.module : extension;
  const declared = (Reflect.getMetadata(part, moduleClass) ?? []) as readonly unknown[];
  return [...declared, ...('module' in extension ? (extension[part] ?? []) : [])];
}

/** A module of an extension with the modules that it imports. */
export interface ModuleTree {
  readonly module: Extension;
  readonly imports: readonly ModuleTree[];
}

/** Reads the modules of an extension. Each appears once below another, also where modules import each other. */
export async function readModules(module: Extension, above: readonly Extension[] = []): Promise<ModuleTree> {
  const imported = await Promise.all(partOf(module, 'imports').map(toModule));
  const below = [...above, module];
  const trees = imported.filter((each) => each !== undefined).filter((each) => !below.includes(each));
  return { module, imports: await Promise.all(trees.map((each) => readModules(each, below))) };
}

/** An import may be a promise, or a reference to a module that is declared later. */
async function toModule(imported: unknown): Promise<Extension | undefined> {
  const value = resolveReference(await imported);
  return isExtension(value) || typeof value === 'function' ? (value as Extension) : undefined;
}

function resolveReference(value: unknown): unknown {
  const isReference = typeof value === 'object' && value !== null && 'forwardRef' in value;
  return isReference ? (value as ForwardReference<() => unknown>).forwardRef() : value;
}

/** All tokens that the modules provide or export, with the module of each. */
export function tokensOf(tree: ModuleTree): readonly { readonly module: Extension; readonly token: unknown }[] {
  const own = [...partOf(tree.module, 'providers'), ...partOf(tree.module, 'exports')];
  return [...own.map((part) => ({ module: tree.module, token: toToken(part) })), ...tree.imports.flatMap(tokensOf)];
}

/** The classes of all providers, with the module of each. What a factory makes counts if its token is its class. */
export function classesOf(tree: ModuleTree): readonly { readonly module: Extension; readonly type: unknown }[] {
  const own = partOf(tree.module, 'providers').flatMap(toClasses);
  return [...own.map((type) => ({ module: tree.module, type })), ...tree.imports.flatMap(classesOf)];
}

function toClasses(provider: unknown): readonly unknown[] {
  if (typeof provider !== 'object' || provider === null) return [provider];
  const { provide, useClass, useValue } = provider as Record<string, unknown>;
  const ofValue = typeof useValue === 'object' && useValue !== null ? [useValue.constructor] : [];
  return [useClass, ...ofValue, provide].filter((type) => typeof type === 'function');
}

/** The modules that export this token themselves, to the importer of the tree: its root, and those that the root exports. */
export function exportersOf(tree: ModuleTree, token: unknown): readonly Extension[] {
  const exported = partOf(tree.module, 'exports').map(resolveReference);
  const passedOn = tree.imports.filter(({ module }) => exported.some((each) => classOf(each) === classOf(module)));
  const isOwn = exported.some((each) => toToken(each) === token);
  return [...(isOwn ? [tree.module] : []), ...passedOn.flatMap((each) => exportersOf(each, token))];
}

/** A provider or an export may be the token itself or an object that names it. */
const toToken = (part: unknown): unknown =>
  typeof part === 'object' && part !== null && 'provide' in part ? part.provide : part;

/** A module may be imported with its dynamic part, and exported by its class. */
const classOf = (module: unknown): unknown =>
  typeof module === 'object' && module !== null && 'module' in module ? module.module : module;
