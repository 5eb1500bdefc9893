/**
 * Reports an unusable configuration. The message lists every fault, one per line, so that all can be fixed in one pass.
 */
export class ConfigFault extends Error {
  constructor(
    readonly faults: readonly string[],
    place = 'the settings',
  ) {
    const count = faults.length === 1 ? '1 fault' : `${faults.length} faults`;
    super([`${count} in ${place}:`, ...faults.map((fault) => `  ${fault}`)].join('\n'));
    this.name = 'ConfigFault';
  }
}
