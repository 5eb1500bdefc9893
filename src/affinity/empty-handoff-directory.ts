import { HandoffDirectory } from './handoff-directory.js';

/** A single worker hands off no sessions. */
export class EmptyHandoffDirectory extends HandoffDirectory {
  override findNewOwner(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  override record(): Promise<void> {
    return Promise.resolve();
  }

  override remove(): Promise<void> {
    return Promise.resolve();
  }
}
