import { createHash } from 'node:crypto';
import type { Caller } from '#lib/extension-kit';
import { StableCipher } from '#lib/sealing';
import type { ServerDefinition } from '../registry/index.js';

/** To whom a task belongs: a principal at a server, or a session where sessions or anonymous callers are separate. */
export interface TaskOwner {
  readonly server: Pick<ServerDefinition, 'slug' | 'isolation'>;
  readonly caller: Caller;
  /** Id of the client's session, if it has one. */
  readonly session: string | undefined;
}

/**
 * Seals the ids of tasks for their owners. A server keeps the tasks of all principals behind the gateway under ids that it
 * alone chooses, so an id must be worthless for everybody else. Every worker can open what another one sealed.
 */
export class TaskIds {
  private readonly cipher: StableCipher;

  constructor(secret: Buffer) {
    this.cipher = new StableCipher(secret, 'task id 1');
  }

  /** Returns the same text each time, because clients compare the ids of tasks. */
  seal(id: string, owner: TaskOwner): string {
    return this.cipher.encrypt(id, toBindingText(owner));
  }

  /** Returns the server's own id; undefined unless the id was sealed for this owner. */
  open(sealed: unknown, owner: TaskOwner): string | undefined {
    return this.cipher.decrypt(sealed, toBindingText(owner));
  }
}

/** Returns the key under which the ownership of a task is recorded. */
export const toOwnershipKey = (id: string, owner: TaskOwner): string =>
  createHash('sha256')
    .update(JSON.stringify([toBindingText(owner), id]))
    .digest('base64url');

/** False for callers that cannot be distinguished from each other. */
export const isDistinguishable = ({ caller, session }: TaskOwner): boolean =>
  !caller.anonymous || session !== undefined;

function toBindingText({ server, caller, session }: TaskOwner): string {
  const { issuer, subject } = caller.principal;
  const isPerSession = server.isolation === 'session' || caller.anonymous;
  return JSON.stringify([issuer, subject, server.slug, isPerSession ? (session ?? null) : null]);
}
