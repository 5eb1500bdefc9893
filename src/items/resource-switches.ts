import { readResourceUri, type ResourceUri } from '#lib/mcp-protocol';
import type { ItemsOfList } from './item-overrides.js';
import { compileQueryPattern } from '../registry/index.js';
import { couldMatchTemplate, splitTemplate, type TemplateLiterals } from './uri-templates.js';

interface Template {
  /** Compares the parameters of a query in any order. Undefined for a template without a query. */
  readonly matchesQuery: ReturnType<typeof compileQueryPattern>;
  readonly text: TemplateLiterals;
  readonly decoded: TemplateLiterals;
  readonly isDisabled: boolean;
}

/** No template when none is disabled. */
type Templates = readonly Template[];

const disabledCache = new WeakMap<ItemsOfList, ReadonlySet<string>>();
const listedCache = new WeakMap<ItemsOfList, ReadonlySet<string>>();
const templatesCache = new WeakMap<ItemsOfList, Templates>();

/** True when a resource or template was disabled under any spelling of its URI. */
export function isDisabledItem(items: ItemsOfList, { decoded, aliases }: ResourceUri): boolean {
  const disabled = cached(disabledCache, items, findDisabled);
  if (disabled.size === 0) return false;
  if (disabled.has(decoded)) return true;
  return aliases.some((alias) => disabled.has(alias)) && !isListed(items, decoded);
}

/** True when every template that could produce an unlisted URI is disabled, for one of the forms of the URI. */
export function isDisabledByTemplate(resources: ItemsOfList, templates: ItemsOfList, uri: ResourceUri): boolean {
  const { canonical, normal, decoded } = uri;
  const known = cached(templatesCache, templates, readTemplates);
  if (known.length === 0 || isListed(resources, decoded)) return false;
  const isDisabledFor = (form: string, member: 'text' | 'decoded') => {
    const matching = known.filter(
      (template) =>
        couldMatchTemplate(template[member], form) || (member === 'decoded' && template.matchesQuery?.(form)),
    );
    return matching.length > 0 && matching.every(({ isDisabled }) => isDisabled);
  };
  return isDisabledFor(canonical, 'text') || isDisabledFor(normal, 'text') || isDisabledFor(decoded, 'decoded');
}

const isListed = (items: ItemsOfList, decoded: string): boolean =>
  cached(listedCache, items, (listed) => new Set(Array.from(listed.keys(), (name) => decode(name)))).has(decoded);

const findDisabled = (items: ItemsOfList): ReadonlySet<string> =>
  new Set([...items.values()].flatMap(({ isDisabled, name }) => (isDisabled ? [decode(name)] : [])));

function readTemplates(templates: ItemsOfList): Templates {
  const all = [...templates.values()];
  if (all.every(({ isDisabled }) => !isDisabled)) return [];
  return all.map(({ name, isDisabled }) => ({
    text: splitTemplate(name),
    decoded: splitTemplate(decode(name)),
    matchesQuery: compileQueryPattern(name),
    isDisabled,
  }));
}

function decode(name: string): string {
  const uri = readResourceUri(name, true);
  return 'fault' in uri ? name : uri.decoded;
}

function cached<T>(cache: WeakMap<ItemsOfList, T>, items: ItemsOfList, compute: (items: ItemsOfList) => T): T {
  const known = cache.get(items);
  if (known !== undefined) return known;
  const value = compute(items);
  cache.set(items, value);
  return value;
}
