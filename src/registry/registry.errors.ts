import { ConfigFault } from '#lib/config';

/** One thing that is wrong in the configuration file. */
export interface Fault {
  /** Where: `servers.weather.url`. Empty for the file as a whole. */
  readonly path: string;
  /** A sentence. It never holds a value, because values hold credentials. */
  readonly message: string;
}

/** The configuration file cannot be used. */
export class RegistryFault extends ConfigFault {
  constructor(file: string, faults: readonly Fault[]) {
    super(
      faults.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)),
      file,
    );
    this.name = 'RegistryFault';
  }
}
