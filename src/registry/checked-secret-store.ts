import type { OpenedSecret, SecretContext, SecretStore } from '#lib/extension-kit';
import { runAsExtension } from '../extensions/index.js';
import { withDeadline, type Clock } from '#lib/time';
import { SecretStoreUnavailable } from './registry.errors.js';

/** Milliseconds within which a store must answer. */
const ANSWER_TIMEOUT_MS = 10_000;

class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
}

/** Asks a store, and contains its failures. Every method rejects with SecretStoreUnavailable, which contains nothing of the error. */
export class CheckedSecretStore {
  constructor(
    private readonly store: SecretStore,
    private readonly clock: Clock,
  ) {}

  async seal(text: string, context: SecretContext): Promise<string> {
    const sealed: unknown = await this.ask('seal', context, () => this.store.seal(text, context));
    if (typeof sealed !== 'string' || sealed === '') throw this.toFailure('seal', context, 'returned no text');
    return sealed;
  }

  /** Undefined when the store has not sealed the text for this entry. */
  async open(sealed: string, context: SecretContext): Promise<Required<OpenedSecret> | undefined> {
    const opened = await this.ask('open', context, async () => readMembers(await this.store.open(sealed, context)));
    if (opened === undefined) return undefined;
    const { text, isCurrent } = opened;
    if (typeof text !== 'string') throw this.toFailure('open', context, 'returned no text');
    return { text, isCurrent: isCurrent === true };
  }

  private async ask<T>(action: 'seal' | 'open', context: SecretContext, question: () => T | Promise<T>): Promise<T> {
    try {
      const answer = runAsExtension(this.store.constructor.name, () => Promise.try(question));
      return await withDeadline(this.clock, ANSWER_TIMEOUT_MS, answer, () => {
        throw new NoAnswer();
      });
    } catch (cause) {
      const why = cause instanceof NoAnswer ? 'did not answer in time' : `failed (${nameOf(cause)})`;
      throw this.toFailure(action, context, why, cause instanceof NoAnswer);
    }
  }

  /** @param why what the store did, without any value of it */
  toFailure(action: 'seal' | 'open', { entry }: SecretContext, why: string, isSilent = false): SecretStoreUnavailable {
    return new SecretStoreUnavailable(this.store.constructor.name, action, entry, why, isSilent);
  }
}

/** The members of what a store has returned, which may compute them. */
function readMembers(opened: unknown): Partial<Record<keyof OpenedSecret, unknown>> | undefined {
  if (opened === undefined) return undefined;
  const { text, isCurrent = true } = (opened ?? {}) as Partial<Record<keyof OpenedSecret, unknown>>;
  return { text, isCurrent };
}

/** The message of an error may contain what the store received. */
const nameOf = (cause: unknown): string => (cause instanceof Error ? cause.name : 'no Error');
