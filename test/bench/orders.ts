/** An order of the runner to a child process. `report` is never set; it carries the type of the report. */
export interface Order<Report> {
  readonly order: string;
  readonly report?: Report;
}

/** The reply of a child process to an order. */
export type OrderAnswer = { readonly report: unknown } | { readonly failure: string };

/** Executes the runner's orders in a child process, one at a time, and exits when the runner disconnects. */
export function serveOrders(carryOut: (order: unknown) => Promise<unknown>): void {
  const answer = (message: OrderAnswer): void => void process.send?.(message);
  process.on('message', (order: unknown) => {
    carryOut(order).then(
      (report) => answer({ report }),
      (error: unknown) => answer({ failure: error instanceof Error ? error.message : String(error) }),
    );
  });
  process.on('disconnect', () => process.exit(0));
}
