import {
  CallRecordSink,
  HandlesMethod,
  OnGatewayEvent,
  SinksCallRecords,
  VendorMethodHandler,
  type CallRecord,
  type GatewayEvent,
  type JsonObject,
  type VendorRequest,
} from 'isthmus/extension-kit';

/** Counts the executed payments of each caller at this worker, for as long as the bank is configured. */
@SinksCallRecords()
export class Spending extends CallRecordSink {
  private readonly payments = new Map<string, number>();

  override record({ item, outcome, principal }: CallRecord): void {
    if (item !== 'pay' || outcome !== 'executed' || principal === undefined) return;
    this.payments.set(principal.subject, this.paymentsOf(principal.subject) + 1);
  }

  paymentsOf(subject: string): number {
    return this.payments.get(subject) ?? 0;
  }

  @OnGatewayEvent('server.removed')
  onServerRemoved({ data }: GatewayEvent<'server.removed'>): void {
    if (data.server === 'bank') this.payments.clear();
  }
}

/** Tells callers how many payments they have made. */
@HandlesMethod('acme/spending')
export class SpendingHandler extends VendorMethodHandler {
  constructor(private readonly spending: Spending) {
    super();
  }

  override handle({ caller }: VendorRequest): JsonObject {
    return { payments: this.spending.paymentsOf(caller.principal.subject) };
  }
}
