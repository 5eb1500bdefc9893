import { workOfSearch, type TextWork } from '#lib/extension-kit';
import { hostsIn } from './hosts.js';

/** One reason for which a rule refuses a text: by a form in which a server may read it, or by a host of its URLs. */
export interface TextTest {
  readonly kind: string;
  /** Ends the sentence about the argument. */
  readonly words: string;
  /** Time per character of a form, in proportion to that of a simple search. */
  readonly costPerCharacter: number;
  readonly refusesForm?: (form: string) => boolean;
  readonly refusesHost?: (host: string) => boolean;
}

/** Tells whether a test refuses a text in one of its forms. */
export function* refusesText(
  { refusesForm, refusesHost, costPerCharacter }: TextTest,
  forms: readonly string[],
): TextWork<boolean> {
  for (const form of forms) {
    yield workOfSearch(form, costPerCharacter);
    if (refusesForm?.(form) === true) return true;
    if (refusesHost && (yield* refusesHostIn(form, refusesHost))) return true;
  }
  return false;
}

/** The work of resolving a host. */
const WORK_PER_HOST = 64;

function* refusesHostIn(form: string, refusesHost: (host: string) => boolean): TextWork<boolean> {
  for (const host of hostsIn(form)) {
    yield WORK_PER_HOST;
    if (host !== undefined && refusesHost(host)) return true;
  }
  return false;
}
