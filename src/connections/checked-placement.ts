import { Logger } from '@nestjs/common';
import { PlacementStrategy, type PlacementRequest } from '#lib/extension-kit';
import { askAtOnce } from '../extensions/index.js';

/** Uses a strategy as long as it selects one of the workers, and otherwise the gateway's own for that connection. */
export class CheckedPlacement extends PlacementStrategy {
  private readonly logger = new Logger(PlacementStrategy.name);
  private hasReported = false;

  constructor(
    private readonly strategy: PlacementStrategy,
    private readonly standard: PlacementStrategy,
  ) {
    super();
  }

  override place(request: PlacementRequest): string {
    return this.select(request) ?? this.standard.place(request);
  }

  private select(request: PlacementRequest): string | undefined {
    try {
      const selected = askAtOnce(this.strategy.constructor.name, () => this.strategy.place(request));
      if (typeof selected === 'string' && request.workers.includes(selected)) return selected;
      this.report('returned no alive worker');
    } catch (cause) {
      this.report(`threw ${cause instanceof Error ? cause.name : 'a value that is no Error'}`);
    }
    return undefined;
  }

  /** The message of an error may contain what identifies a caller, so that its name has to suffice. */
  private report(fault: string): void {
    if (this.hasReported) return;
    this.hasReported = true;
    this.logger.error(
      `The placement strategy ${this.strategy.constructor.name} ${fault}; the gateway's own strategy places such ` +
        'connections. This is logged once.',
    );
  }
}
