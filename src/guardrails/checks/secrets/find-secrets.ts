import type { TextFinder, TextSearch, TextSpan } from '#lib/extension-kit';
import { findAssignedSecrets, findMemberSecret } from './assigned-secrets.js';
import { matchAt } from './search.js';
import { endOfTail, SECRET_RULES, type SecretRule } from './secret-rule.js';
import { findJsonWebTokens, findPrivateKeys, findUrlCredentials } from './structured-secrets.js';

/** No credential is shorter. */
const MIN_LENGTH = 8;
/** The time of one rule: a search for a text that is not there takes little. */
const COST_OF_RULE = 1 / 16;

/** Finds credentials in a text. Takes time in proportion to the length of the text, whatever it contains. */
export const SECRET_FINDER: TextFinder = {
  minLength: MIN_LENGTH,
  searches: [
    ...SECRET_RULES.map((rule): TextSearch => ({
      find: (text) => findByRule(text, rule),
      costPerCharacter: COST_OF_RULE,
    })),
    ...[findPrivateKeys, findJsonWebTokens, findUrlCredentials, findAssignedSecrets, findMemberSecret].map((find) => ({
      find,
      costPerCharacter: 1 / 4,
    })),
  ],
};

function* findByRule(text: string, rule: SecretRule): Generator<TextSpan> {
  const { head, kind } = rule;
  for (let match = matchAt(head, text, 0); match !== null;) {
    const end = endOfTail(text, match.index + match[0].length, rule);
    yield { kind, start: match.index, end };
    match = matchAt(head, text, end);
  }
}
