/** An expression of a URI template (RFC 6570), such as `{id}`, `{+path}` or `{?page,size}`. */
const EXPRESSION = /\{([+#./;?&]?)([^{}]*)\}/g;

interface Operator {
  readonly first: string;
  readonly separator: string;
  readonly isNamed?: boolean;
  readonly mayBeReserved?: boolean;
}

const SIMPLE: Operator = { first: '', separator: ',' };
const OPERATORS: Readonly<Record<string, Operator>> = {
  '+': { first: '', separator: ',', mayBeReserved: true },
  '#': { first: '#', separator: ',', mayBeReserved: true },
  '.': { first: '.', separator: '.' },
  '/': { first: '/', separator: '/' },
  ';': { first: ';', separator: ';', isNamed: true },
  '?': { first: '?', separator: '&', isNamed: true },
  '&': { first: '&', separator: '&', isNamed: true },
};

/** Without the modifiers, which matter for lists and prefixes only. */
const namesIn = (list: string): readonly string[] =>
  list.split(',').map((each) => each.trim().replace(/(?:\*|:\d+)$/, ''));

/** The names of the variables, each once. */
export const variablesOf = (template: string): readonly string[] => [
  ...new Set([...template.matchAll(EXPRESSION)].flatMap(([, , list = '']) => namesIn(list))),
];

/** Fills in values. A variable without a value is left out. */
export const expandTemplate = (template: string, values: Readonly<Record<string, unknown>>): string =>
  template.replaceAll(EXPRESSION, (_whole, sign: string, list: string) => {
    const { first, separator, isNamed, mayBeReserved } = OPERATORS[sign] ?? SIMPLE;
    const encode = mayBeReserved ? encodeURI : encodeURIComponent;
    const parts = namesIn(list).flatMap((name) => {
      const value = values[name];
      if (typeof value !== 'string' || value === '') return [];
      return isNamed ? `${name}=${encode(value)}` : encode(value);
    });
    return parts.length === 0 ? '' : first + parts.join(separator);
  });
