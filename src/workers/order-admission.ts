import { Injectable } from '@nestjs/common';
import type { Admittance } from '#lib/worker-bus';

/** Refuses an order of another worker before it is claimed, or returns undefined. It has run nothing then, and never will. */
export type AdmissionCheck = Admittance;

/** The admission checks of all modules that serve orders: an order is admitted unless one of them refuses it. */
@Injectable()
export class OrderAdmission {
  private readonly checks: AdmissionCheck[] = [];

  /** Adds a check. Modules do so when they are created: the bus takes orders before `onModuleInit` runs. */
  addCheck(check: AdmissionCheck): void {
    this.checks.push(check);
  }

  /** The first refusal; undefined when the order is admitted. */
  check(pattern: string, payload: unknown): ReturnType<AdmissionCheck> {
    for (const check of this.checks) {
      const refusal = check(pattern, payload);
      if (refusal) return refusal;
    }
    return undefined;
  }
}
