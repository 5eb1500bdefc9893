import type { BusParts } from '#lib/worker-bus/testing';
import type { AnswerReader } from './upstream.js';
import type { NodeFlaws } from './relay/node.js';

/**
 * What is taken out of a world on purpose, to see that it is missed: a protection whose absence no run notices either
 * protects from nothing or is not tested.
 */
export interface Flaws {
  /** In every worker. */
  readonly bus?: Partial<Pick<BusParts, 'seal' | 'seen' | 'queue' | 'gate' | 'makeOrder'>>;
  readonly relay?: Partial<NodeFlaws>;
  readonly readAnswer?: AnswerReader;
  /** A session whose heir gave no answer is offered to the next. */
  readonly forgetsDoubt?: boolean;
  /** A worker that starts again has the name that it had. */
  readonly keepsNames?: boolean;
}
