import { HandoffDirectory } from './handoff-directory.js';

/** Without other workers nothing is ever given away. */
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
