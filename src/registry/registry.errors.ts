import { ConfigFault } from '#lib/config';

/** One thing that is wrong in the configuration file, or in an entry of the registry. */
export interface Fault {
  /** Where: `servers.weather.url`. Empty for the file or the entry as a whole. */
  readonly path: string;
  /** A sentence. It never holds a value, because values hold credentials. */
  readonly message: string;
}

/** The configuration file cannot be used. */
export class RegistryFault extends ConfigFault {
  constructor(file: string, faults: readonly Fault[]) {
    super(faults.map(textOf), file);
    this.name = 'RegistryFault';
  }
}

/** A change that the registry does not take. Nothing has changed; the message says what to do. */
export abstract class ChangeRefused extends Error {
  /** Stable, for programs. */
  abstract readonly code: string;
}

/** What was written for an entry breaks the rules of the configuration file. */
export class EntryInvalid extends ChangeRefused {
  readonly code = 'entry_invalid';

  constructor(
    /** Their paths start in the entry: `timeouts.connect`. */
    readonly faults: readonly Fault[],
  ) {
    super(`The entry is at fault. ${faults.map(textOf).join(' ')}`);
  }
}

/** The name belongs to another entry: servers and virtual servers share theirs. */
export class SlugTaken extends ChangeRefused {
  readonly code = 'slug_taken';

  constructor(slug: string) {
    super(`There is an entry called "${slug}" already. Choose another name.`);
  }
}

/** There is no such entry, or not any more. */
export class EntryUnknown extends ChangeRefused {
  readonly code = 'entry_unknown';

  constructor(slug: string) {
    super(`There is no "${slug}", or not any more.`);
  }
}

/** The entry is declared in the configuration file, and can only be changed there. */
export class EntryManaged extends ChangeRefused {
  readonly code = 'entry_managed';

  constructor(slug: string) {
    super(`"${slug}" is declared in the configuration file. Change it there.`);
  }
}

/** Somebody else has changed the entry since it was read. */
export class VersionMismatch extends ChangeRefused {
  readonly code = 'version_mismatch';

  constructor(
    slug: string,
    readonly expected: number,
    readonly actual: number,
  ) {
    super(
      `"${slug}" was changed meanwhile: it is at version ${actual}, not ${expected}. Read it again, then change it.`,
    );
  }
}

/** The server belongs to virtual servers. */
export class EntryInUse extends ChangeRefused {
  readonly code = 'entry_in_use';

  constructor(
    slug: string,
    /** Slugs of virtual servers. */
    readonly usedBy: readonly string[],
  ) {
    super(`"${slug}" belongs to the virtual servers ${usedBy.join(', ')}. Take it out of them first.`);
  }
}

function textOf({ path, message }: Fault): string {
  return path === '' ? message : `${path}: ${message}`;
}
