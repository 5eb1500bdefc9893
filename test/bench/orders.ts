/** What the runner wants of a child; `report` is never there, it only names the type of the answer. */
export interface Order<Report> {
  readonly order: string;
  readonly report?: Report;
}

/** What a child answers to an order of the runner. */
export type OrderAnswer = { readonly report: unknown } | { readonly failure: string };

/** In a child process: carries out the runner's orders, which come one at a time, and ends with the runner. */
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
