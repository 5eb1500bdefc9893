/** A part of a text: from `start` (inclusive) to `end` (exclusive), in UTF-16 code units. */
export interface TextSpan {
  /** What was found, such as `email`: lower case, digits and hyphens. */
  readonly kind: string;
  readonly start: number;
  readonly end: number;
}

/** Joins spans that overlap to one each, in their order. The longest of them gives its kind. */
export function joinSpans(spans: readonly TextSpan[]): readonly TextSpan[] {
  if (spans.length < 2) return spans;
  const joined: TextSpan[] = [];
  let longest = 0;
  let last: TextSpan | undefined;
  for (const span of spans.toSorted((one, other) => one.start - other.start)) {
    const length = span.end - span.start;
    if (last === undefined || span.start >= last.end) {
      joined.push(span);
      [last, longest] = [span, length];
      continue;
    }
    const kind = length > longest ? span.kind : last.kind;
    last = { kind, start: last.start, end: Math.max(last.end, span.end) };
    longest = Math.max(longest, length);
    joined[joined.length - 1] = last;
  }
  return joined;
}

/** Replaces parts of a text, which do not overlap and are in their order. */
export function replaceSpans(
  text: string,
  spans: readonly TextSpan[],
  toReplacement: (span: TextSpan) => string,
): string {
  const parts: string[] = [];
  let end = 0;
  for (const span of spans) {
    parts.push(text.slice(end, span.start), toReplacement(span));
    end = span.end;
  }
  return parts.join('') + text.slice(end);
}
