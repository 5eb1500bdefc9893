import { ConfigFault } from '#lib/config';

/** One fault of the configuration file, or of an entry of the registry. */
export interface Fault {
  /** Location of the fault, such as `servers.weather.url`. Empty for the whole file or entry. */
  readonly path: string;
  /** A sentence that never quotes a value, because values may contain credentials. */
  readonly message: string;
  /** The entry names a kind of server or a check that no loaded extension has: it is kept, and works once the extension is loaded. */
  readonly isUnloaded?: true;
}

/** The configuration file is invalid. */
export class RegistryFault extends ConfigFault {
  constructor(
    file: string,
    readonly definitionFaults: readonly Fault[],
  ) {
    super(definitionFaults.map(toText), file);
    this.name = 'RegistryFault';
  }
}

/** The configuration file is valid by itself, but contradicts entries of the database. */
export class DeclarationConflict extends RegistryFault {
  constructor(file: string, faults: readonly Fault[]) {
    super(file, faults);
    this.name = 'DeclarationConflict';
  }
}

/** The registry refused a change. Nothing has changed; the message says what to do. */
export abstract class ChangeRefused extends Error {
  /** Stable code for programs. */
  abstract readonly code: string;
}

/** The source of an entry breaks the rules of the configuration file. */
export class EntryInvalid extends ChangeRefused {
  readonly code = 'entry_invalid';

  constructor(
    /** Their paths are relative to the entry, such as `timeouts.connect`. */
    readonly faults: readonly Fault[],
  ) {
    super(`The entry is invalid. ${faults.map(toText).join(' ')}`);
  }
}

/** Another entry has this name. Servers and virtual servers share a namespace. */
export class SlugTaken extends ChangeRefused {
  readonly code = 'slug_taken';

  constructor(slug: string) {
    super(`An entry named "${slug}" already exists. Choose another name.`);
  }
}

/** The entry does not exist. */
export class EntryUnknown extends ChangeRefused {
  readonly code = 'entry_unknown';

  constructor(slug: string) {
    super(`No entry is named "${slug}". It may have been deleted.`);
  }
}

/** The configuration file declares the entry, so it can be changed only there. */
export class EntryManaged extends ChangeRefused {
  readonly code = 'entry_managed';

  constructor(slug: string) {
    super(`"${slug}" is declared in the configuration file. Change it there.`);
  }
}

/** The entry has changed since its caller read it. */
export class VersionMismatch extends ChangeRefused {
  readonly code = 'version_mismatch';

  constructor(
    slug: string,
    readonly expected: number,
    readonly actual: number,
  ) {
    super(`"${slug}" has changed: its version is ${actual}, not ${expected}. Read it again, then repeat the change.`);
  }
}

/** Other entries use the entry. */
export class EntryInUse extends ChangeRefused {
  readonly code = 'entry_in_use';

  constructor(
    slug: string,
    /** Kind and slug of each, such as `virtual server office`. */
    readonly usedBy: readonly string[],
  ) {
    super(`"${slug}" is used by ${usedBy.join(', ')}. Remove it there first.`);
  }
}

function toText({ path, message }: Fault): string {
  return path === '' ? message : `${path}: ${message}`;
}

/** The secret store failed. Nothing has changed, and no entry is used without its credentials. */
export class SecretStoreUnavailable extends Error {
  override readonly name = 'SecretStoreUnavailable';

  /**
   * @param why what the store did, without any value of it
   * @param isSilent the store did not answer in time, so that asking it again may take as long
   */
  constructor(
    store: string,
    action: 'seal' | 'open',
    entry: string,
    why: string,
    readonly isSilent = false,
  ) {
    const consequence =
      action === 'seal'
        ? 'The change was not stored; make it again later.'
        : 'The entry is not used until the store opens them.';
    super(`The secret store ${store} ${why} when asked to ${action} the credentials of "${entry}". ${consequence}`);
  }
}

/** The change or the export needs entries that the secret store does not open now. Nothing has changed. */
export class EntriesUnavailable extends Error {
  override readonly name = 'EntriesUnavailable';

  constructor(consequence: string, outage: string) {
    super(`${outage} ${consequence} Try again once the secret store opens it.`);
  }
}
