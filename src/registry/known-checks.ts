import type { GuardrailCheckOptions } from '#lib/extension-kit';
import { didYouMean } from '#lib/config';
import { ExtensionFault, type Declaration } from '../extensions/index.js';

/** The checks that guardrails may name: those of the gateway and of its extensions. */
export class KnownChecks {
  private readonly byName: ReadonlyMap<string, GuardrailCheckOptions>;

  /** @throws ExtensionFault when two checks have the same name */
  constructor(declared: readonly Declaration<GuardrailCheckOptions>[]) {
    const byName = new Map<string, Declaration<GuardrailCheckOptions>>();
    for (const each of declared) {
      const other = byName.get(each.options.name);
      if (other !== undefined) throw new ExtensionFault(sameName(each, other));
      byName.set(each.options.name, each);
    }
    this.byName = new Map(Array.from(byName, ([name, { options }]) => [name, options]));
  }

  find(name: string): GuardrailCheckOptions | undefined {
    return this.byName.get(name);
  }

  /** All checks by name. */
  list(): readonly GuardrailCheckOptions[] {
    return [...this.byName.values()].toSorted((one, other) => (one.name < other.name ? -1 : 1));
  }

  /** True for a name that resembles that of a check, so that it is a mistake rather than the name of a missing check. */
  isMisspelled(name: string): boolean {
    return didYouMean(name, this.byName.keys()) !== '';
  }

  /** What to do about a name that no check has. */
  describeUnknown(name: string): string {
    const names = this.list().map((check) => check.name);
    const known = names.length === 0 ? 'No check is loaded' : `Known checks: ${names.join(', ')}`;
    return `No check has this name.${didYouMean(name, names)} ${known}. An extension provides further ones (ISTHMUS_EXTENSIONS).`;
  }
}

type Declared = Declaration<GuardrailCheckOptions>;

const sameName = (one: Declared, other: Declared): string =>
  `Both ${one.name} of the module ${one.module} and ${other.name} of the module ${other.module} are named ` +
  `@Guardrail("${one.options.name}"). Give one of them another name.`;
