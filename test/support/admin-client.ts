import type { JsonObject } from '#lib/mcp-protocol';
import type { TestCluster } from './cluster.js';
import type { WorkerAddress } from './roaming-client.js';

export interface AdminAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly json: JsonObject;
}

export interface AdminRequest {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A client of the admin API with the given roles. */
export class AdminClient {
  constructor(
    private readonly cluster: Pick<TestCluster, 'token'>,
    private readonly roles: string[],
    private readonly subject = 'ops',
  ) {}

  get(worker: WorkerAddress, path: string): Promise<AdminAnswer> {
    return this.send(worker, 'GET', path);
  }

  async send(
    { url }: WorkerAddress,
    verb: string,
    path: string,
    { body, headers }: AdminRequest = {},
  ): Promise<AdminAnswer> {
    const token = await this.cluster.token({ subject: this.subject, roles: this.roles });
    const sent = body === undefined ? undefined : { 'content-type': 'application/json' };
    return answerOf(
      await fetch(`${url}/admin/v1${path}`, {
        method: verb,
        headers: { authorization: `Bearer ${token}`, ...sent, ...headers },
        ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      }),
    );
  }

  /** Reads all pages of a list. */
  async all(worker: WorkerAddress, path: string, limit: number): Promise<JsonObject[]> {
    const items: JsonObject[] = [];
    let cursor: unknown;
    do {
      const query = cursor === undefined ? `?limit=${limit}` : `?limit=${limit}&cursor=${cursor as string}`;
      const { json } = await this.get(worker, path + query);
      items.push(...(json['items'] as JsonObject[]));
      cursor = json['nextCursor'];
    } while (cursor !== undefined);
    return items;
  }
}

export async function answerOf(response: Response): Promise<AdminAnswer> {
  const text = await response.text();
  const json = text === '' ? {} : (JSON.parse(text) as JsonObject);
  return { status: response.status, headers: response.headers, json };
}
