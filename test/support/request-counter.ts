interface Entry {
  total: number;
  open: number;
}

/** Counts JSON-RPC requests by method and, where present, by `params.uri`. */
export class RequestCounter {
  private readonly entries = new Map<string, Entry>();

  /** Adds the requests of a body. Returns a function to call when they have ended. */
  add(body: Buffer): () => void {
    const entries = requestsIn(body).flatMap(({ method, params }) => {
      const uri = params?.uri;
      return typeof uri === 'string' ? [this.entry(method), this.entry(method, uri)] : [this.entry(method)];
    });
    for (const entry of entries) {
      entry.total += 1;
      entry.open += 1;
    }
    return () => {
      for (const entry of entries) entry.open -= 1;
    };
  }

  /** Number of requests so far. */
  count(method: string, uri?: string): number {
    return this.entry(method, uri).total;
  }

  /** Number of in-flight requests. */
  inFlight(method: string): number {
    return this.entry(method).open;
  }

  private entry(method: string, uri?: string): Entry {
    const key = uri === undefined ? method : `${method} ${uri}`;
    const known = this.entries.get(key) ?? { total: 0, open: 0 };
    this.entries.set(key, known);
    return known;
  }
}

interface Request {
  readonly method: string;
  readonly params?: { readonly uri?: unknown };
}

function requestsIn(body: Buffer): Request[] {
  try {
    const messages = [JSON.parse(body.toString()) as unknown].flat() as readonly Partial<Request>[];
    return messages.filter((message): message is Request => typeof message.method === 'string');
  } catch {
    // A body that is not JSON contains no request.
    return [];
  }
}
