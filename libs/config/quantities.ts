const DURATION = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)$/;
const DURATION_UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

const SIZE = /^(\d+)\s*(B|KiB|MiB|GiB)$/;
const SIZE_UNITS: Readonly<Record<string, number>> = { B: 1, KiB: 1_024, MiB: 1_048_576, GiB: 1_073_741_824 };

/** Description of a duration's form, for messages. */
export const DURATION_FORM = 'a duration such as 250ms, 5s, 10m, 2h or 1d';
/** Description of a size's form, for messages. */
export const SIZE_FORM = 'a size such as 512KiB or 16MiB';

/**
 * Returns milliseconds, or undefined when the text is not a duration. A bare number is rejected: its unit is unknown.
 */
export const parseDuration = (text: string): number | undefined => parseQuantity(text, DURATION, DURATION_UNITS);

/** Returns bytes, or undefined when the text is not a size. */
export const parseSize = (text: string): number | undefined => parseQuantity(text, SIZE, SIZE_UNITS);

/** Formats milliseconds in the shortest exact form. */
export const formatDuration = (milliseconds: number): string => format(milliseconds, DURATION_UNITS, 'ms');

/** Formats bytes in the shortest exact form. */
export const formatSize = (bytes: number): string => format(bytes, SIZE_UNITS, 'B');

function parseQuantity(text: string, form: RegExp, units: Readonly<Record<string, number>>): number | undefined {
  const match = form.exec(text.trim());
  const factor = units[match?.[2] ?? ''];
  if (match === null || factor === undefined) return undefined;
  const amount = Math.round(Number(match[1]) * factor);
  return Number.isSafeInteger(amount) ? amount : undefined;
}

function format(amount: number, units: Readonly<Record<string, number>>, smallest: string): string {
  const fitting = Object.entries(units).filter(([, factor]) => amount !== 0 && amount % factor === 0);
  const [unit, factor] = fitting.at(-1) ?? [smallest, 1];
  return `${amount / factor}${unit}`;
}
