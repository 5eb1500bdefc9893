import { Injectable } from '@nestjs/common';
import type { Admittance } from '#lib/worker-bus';

/**
 * Returns the refusal of an order from another worker before the order is claimed, or undefined to admit it. A refused
 * order has not run, and never runs.
 */
export type AdmissionCheck = Admittance;

/** The admission checks of all modules that serve orders. An order is admitted unless one of them refuses it. */
@Injectable()
export class OrderAdmission {
  private readonly checks: AdmissionCheck[] = [];

  /** Adds a check. Modules do so when they are created: the bus accepts orders before `onModuleInit` runs. */
  addCheck(check: AdmissionCheck): void {
    this.checks.push(check);
  }

  /** Returns the first refusal, or undefined when the order is admitted. */
  check(pattern: string, payload: unknown): ReturnType<AdmissionCheck> {
    for (const check of this.checks) {
      const refusal = check(pattern, payload);
      if (refusal) return refusal;
    }
    return undefined;
  }
}
