import type { BusParts } from '#lib/worker-bus/testing';
import type { AnswerReader } from './upstream.js';
import type { NodeFlaws } from './relay/relay-node.js';

/**
 * Protections that a run lacks on purpose. A protection whose absence violates no invariant is either useless or
 * untested.
 */
export interface Flaws {
  /** Parts of the bus in every worker. */
  readonly bus?: Partial<Pick<BusParts, 'cipher' | 'seen' | 'queue' | 'gate' | 'makeOrder'>>;
  readonly relay?: Partial<NodeFlaws>;
  readonly readAnswer?: AnswerReader;
  /** A session is offered to the next worker when a handoff has an unknown outcome. */
  readonly ignoresUnknownHandoffs?: boolean;
  /** A restarted worker reuses its id. */
  readonly reusesWorkerIds?: boolean;
}
