import {
  compileLinearPattern,
  doTextWork,
  Guardrail,
  GuardrailCheck,
  maskTexts,
  PASS,
  type GuardrailSubject,
  type GuardrailVerdict,
  type JsonObject,
  type TextFinder,
  type TextSearch,
  type TextWork,
} from '#lib/extension-kit';
import { findCards, isCardNumber } from './card.js';
import { findEmails } from './email.js';
import { findIbans } from './iban.js';
import { NATIONAL_ID_SEARCHES } from './national-ids.js';
import {
  PERSONAL_DATA_KINDS,
  PersonalDataOptions,
  type PersonalDataKind,
  type PersonalDataPattern,
} from './personal-data-options.js';
import { PHONE_SEARCHES } from './phone.js';

const FINDS: Readonly<Record<PersonalDataKind, readonly TextSearch['find'][]>> = {
  email: [findEmails],
  phone: PHONE_SEARCHES,
  card: [findCards],
  iban: [findIbans],
  'national-id': NATIONAL_ID_SEARCHES,
};

/**
 * Masks personal data: e-mail addresses, telephone numbers, numbers of payment cards and bank accounts, national identity numbers, and
 * what patterns of the options find. Each becomes its kind in brackets, such as `[email]`; the number of a card that is a JSON number
 * becomes 0.
 */
@Guardrail('personal-data', { phases: ['arguments', 'results', 'questions'], options: PersonalDataOptions })
export class PersonalDataCheck extends GuardrailCheck {
  private readonly finders = new WeakMap<PersonalDataOptions, TextFinder>();

  /** @throws TooMuchText */
  check(
    { value, signal }: GuardrailSubject,
    options: PersonalDataOptions,
  ): GuardrailVerdict | Promise<GuardrailVerdict> {
    return doTextWork(this.judge(value, options), signal);
  }

  private *judge(value: JsonObject, options: PersonalDataOptions): TextWork<GuardrailVerdict> {
    const { value: masked, findings } = yield* maskTexts(value, this.finderOf(options));
    return findings.length === 0 ? PASS : { action: 'change', value: masked, findings };
  }

  private finderOf(options: PersonalDataOptions): TextFinder {
    const known = this.finders.get(options);
    if (known) return known;
    const finder = createFinder(options);
    this.finders.set(options, finder);
    return finder;
  }
}

/** The time of one search: texts rarely have the beginning of what it searches for. */
const COST_OF_SEARCH = 1 / 4;

function createFinder({ kinds = PERSONAL_DATA_KINDS, patterns = [] }: PersonalDataOptions): TextFinder {
  const searches = kinds.flatMap((kind) => FINDS[kind].map((find) => ({ find, costPerCharacter: COST_OF_SEARCH })));
  return {
    searches: [...searches, ...patterns.map(toSearch)],
    ...(kinds.includes('card') && { findNumber: (digits) => (isCardNumber(digits) ? 'card' : undefined) }),
  };
}

function toSearch({ name, pattern }: PersonalDataPattern): TextSearch {
  const compiled = compileLinearPattern(pattern);
  return {
    *find(text) {
      for (const match of compiled.findAll(text)) yield { kind: name, ...match };
    },
    costPerCharacter: compiled.costPerCharacter,
  };
}
