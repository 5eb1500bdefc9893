/** The configuration cannot be used. The message lists every fault, one per line, so that one look mends them all. */
export class ConfigFault extends Error {
  constructor(
    readonly faults: readonly string[],
    subject = 'The settings',
  ) {
    const count = faults.length === 1 ? 'a fault' : `${faults.length} faults`;
    super([`${subject} have ${count}:`, ...faults.map((fault) => `  ${fault}`)].join('\n'));
    this.name = 'ConfigFault';
  }
}
