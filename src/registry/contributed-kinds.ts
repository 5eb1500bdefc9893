import type { UpstreamAdapterOptions } from '#lib/extension-kit';
import { ExtensionFault, type Declaration } from '../extensions/index.js';
import { findKindFault, findResemblance, ServerKinds, type ServerKind } from './server-kinds.js';

/** An adapter of the gateway itself names one of its kinds with the entry class of that kind. */
type AdapterDeclaration = Declaration<UpstreamAdapterOptions>;

/**
 * The kinds of servers of a gateway with these adapters.
 *
 * @throws ExtensionFault when two adapters connect one kind, or a kind cannot be used
 */
export function toServerKinds(declared: readonly AdapterDeclaration[]): ServerKinds {
  const own = new ServerKinds();
  const byKind = new Map<string, AdapterDeclaration>();
  for (const adapter of declared) {
    const { kind } = adapter.options;
    const other = byKind.get(kind);
    if (other) throw new ExtensionFault(toConflict(kind, other, adapter));
    const resemblance = own.find(kind) ? undefined : findResemblance(kind, byKind.keys());
    if (resemblance !== undefined) throw new ExtensionFault(`${toName(adapter)} ${resemblance}`);
    byKind.set(kind, adapter);
  }
  const contributed = declared.filter(({ options: { kind, entry } }) => own.find(kind)?.entry !== entry);
  return new ServerKinds(contributed.map(toKind));
}

function toKind(adapter: AdapterDeclaration): ServerKind {
  const { kind: name, ...options } = adapter.options;
  const fault = findKindFault({ name, ...options });
  if (fault !== undefined) throw new ExtensionFault(`${toName(adapter)} ${fault}`);
  return { name, ...options };
}

const toName = ({ name, module }: AdapterDeclaration): string => `${name} of the module ${module}`;

const toConflict = (kind: string, one: AdapterDeclaration, other: AdapterDeclaration): string =>
  `${toName(one)} and ${toName(other)} both connect servers of the kind "${kind}". Remove one of them, or rename its kind.`;
