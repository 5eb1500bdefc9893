import { IsIn, IsOptional } from 'class-validator';
import {
  doTextWork,
  Guardrail,
  GuardrailCheck,
  mapTexts,
  PASS,
  workOfSearch,
  type GuardrailFinding,
  type GuardrailPhase,
  type GuardrailSubject,
  type GuardrailVerdict,
  type JsonObject,
  type TextWork,
} from '#lib/extension-kit';
import { hidesText, withoutHidden } from './hidden-characters.js';
import { findPhrases } from './model-phrases.js';
import { markValue } from './mark-value.js';

const ACTIONS = ['mark', 'withhold'] as const;

/** Options of the check `injection`. */
export class InjectionOptions {
  /**
   * What happens to text that addresses the model. `mark`: hidden characters are removed, and a note before the text says that it is
   * data and not instructions. `withhold`: the result is withheld, or the definition is not listed. Default: `mark`.
   */
  @IsOptional()
  @IsIn(ACTIONS)
  readonly action?: (typeof ACTIONS)[number];
}

/**
 * Finds text that is meant for the model: phrases that override its instructions, demand secrecy, steer it to other tools or send data
 * away, markers of roles, hidden characters, and comments that address it. It finds known forms; it cannot find every one.
 */
@Guardrail('injection', { phases: ['results', 'definitions', 'questions'], options: InjectionOptions })
export class InjectionCheck extends GuardrailCheck {
  /** @throws TooMuchText */
  check(subject: GuardrailSubject, options: InjectionOptions): GuardrailVerdict | Promise<GuardrailVerdict> {
    // It goes to the server, not to a model of the client.
    if (subject.isAnswer) return PASS;
    return doTextWork(this.judge(subject, options), subject.signal);
  }

  private *judge(
    { value, phase }: GuardrailSubject,
    { action = 'mark' }: InjectionOptions,
  ): TextWork<GuardrailVerdict> {
    const { clean, findings } = yield* examine(value);
    if (findings.length === 0) return PASS;
    if (action === 'withhold') return { action: 'refuse', reason: REASONS[phase], findings };
    return { action: 'change', value: markValue(clean, phase), findings };
  }
}

const REASONS: Readonly<Record<GuardrailPhase, string>> = {
  arguments: 'The arguments contain text that addresses a model.',
  results: 'The result contains text that addresses the model, and was withheld.',
  definitions: 'The definition contains text that addresses the model.',
  questions: 'The question of the server contains text that addresses a model.',
};

interface Examined {
  readonly clean: JsonObject;
  readonly findings: readonly GuardrailFinding[];
}

/** The time that a character takes of the search for hidden ones. */
const COST_OF_HIDDEN = 1;

function* examine(value: JsonObject): TextWork<Examined> {
  const counts = new Map<string, number>();
  const count = (kind: string) => counts.set(kind, (counts.get(kind) ?? 0) + 1);
  const clean = yield* mapTexts(value, {
    *text(text) {
      yield workOfSearch(text, COST_OF_HIDDEN);
      const shown = withoutHidden(text);
      if (shown !== text && hidesText(text)) count('hidden-characters');
      for (const kind of yield* findPhrases(shown)) count(kind);
      return shown;
    },
  });
  return { clean, findings: Array.from(counts, ([kind, found]) => ({ kind, count: found })) };
}
