/** The configuration cannot be used. The message lists every fault, one per line, so that one look mends them all. */
export class ConfigFault extends Error {
  constructor(
    readonly faults: readonly string[],
    place = 'the settings',
  ) {
    const count = faults.length === 1 ? 'There is a fault' : `There are ${faults.length} faults`;
    super([`${count} in ${place}:`, ...faults.map((fault) => `  ${fault}`)].join('\n'));
    this.name = 'ConfigFault';
  }
}
