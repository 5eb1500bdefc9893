/** A part of a value: from the document, or as the caller has given it. */
export interface Segment {
  readonly text: string;
  readonly isGiven: boolean;
}

const REFERENCE = '${secret:';

/**
 * Joins the parts of a value. A reference to a named secret of the gateway stays one only if the caller has given it as a whole: a
 * document must not obtain secrets.
 */
export function joinSegments(segments: readonly Segment[]): string {
  const text = segments.map((segment) => segment.text).join('');
  const given: (readonly [start: number, end: number])[] = [];
  let start = 0;
  for (const segment of segments) {
    if (segment.isGiven) given.push([start, start + segment.text.length]);
    start += segment.text.length;
  }
  return text.replaceAll(REFERENCE, (found, offset: number) => {
    const end = text.indexOf('}', offset);
    const isGiven = given.some(([from, to]) => offset >= from && end >= 0 && end < to);
    return isGiven ? found : `$${found}`;
  });
}

/** Splits a text at the variables in braces that `has` knows. */
export function splitTemplate(
  text: string,
  has: (name: string) => boolean,
): readonly ({ readonly literal: string } | { readonly variable: string })[] {
  return text.split(/(\{[^{}]+\})/).map((part) => {
    const name = part.startsWith('{') && part.endsWith('}') ? part.slice(1, -1) : undefined;
    return name !== undefined && has(name) ? { variable: name } : { literal: part };
  });
}
