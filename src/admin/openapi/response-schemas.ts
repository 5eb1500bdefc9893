/** JSON Schemas of the responses of the admin API. A test validates real responses against them. */
type Schema = Readonly<Record<string, unknown>>;

const text: Schema = { type: 'string' };
const flag: Schema = { type: 'boolean' };
const count: Schema = { type: 'integer', minimum: 0 };
const instant: Schema = { type: 'string', format: 'date-time' };
const texts: Schema = { type: 'array', items: text };
const oneOf = (...values: readonly string[]): Schema => ({ type: 'string', enum: values });

/** Defines an object. A member named `name?` is optional. */
function object(members: Readonly<Record<string, Schema>>): Schema {
  const properties = Object.entries(members).map(([name, schema]) => [name.replace('?', ''), schema] as const);
  const required = Object.keys(members).filter((name) => !name.endsWith('?'));
  return { type: 'object', properties: Object.fromEntries(properties), required, additionalProperties: false };
}

const named = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` });
const listOf = (name: string, more: Readonly<Record<string, Schema>> = {}): Schema =>
  object({ items: { type: 'array', items: named(name) }, ...more });
const pageOf = (name: string): Schema => listOf(name, { 'nextCursor?': text });
/** A page of resources of several workers, with the workers that did not reply. */
const workerPageOf = (name: string): Schema => listOf(name, { silentWorkers: texts, 'nextCursor?': text });

const KNOWN_ITEM = {
  server: text,
  kind: oneOf('tools', 'prompts', 'resources', 'resourceTemplates'),
  name: text,
  approvedDigest: text,
  seenDigest: text,
  flags: texts,
  isDisabled: flag,
  'shownName?': text,
  'publicName?': text,
  'shownDescription?': text,
  status: oneOf('approved', 'changed', 'quarantined'),
  firstSeenAt: instant,
  changedAt: instant,
};

export const RESPONSE_SCHEMAS = {
  Item: object(KNOWN_ITEM),
  ItemPage: pageOf('Item'),
  DefinedItem: object({
    ...KNOWN_ITEM,
    approved: { type: 'object' },
    seen: { type: 'object' },
    differences: { type: 'array', items: object({ path: text, 'before?': {}, 'after?': {} }) },
  }),
  Entry: object({
    slug: text,
    managed: flag,
    version: count,
    createdAt: instant,
    updatedAt: instant,
    usable: flag,
    faults: texts,
    warnings: texts,
    'usedBy?': texts,
    entry: { type: ['object', 'null'] },
  }),
  EntryPage: pageOf('Entry'),
  Explanation: object({
    allowed: flag,
    reason: text,
    rules: {
      type: 'array',
      items: object({
        policy: text,
        effect: oneOf('allow', 'deny'),
        counts: { enum: [true, false, 'maybe'] },
        why: text,
      }),
    },
    gates: {
      type: 'array',
      items: object({
        gate: oneOf('server', 'token', 'endpoint', 'policy', 'item', 'trust'),
        allowed: flag,
        reason: text,
        'code?': { type: 'integer' },
      }),
    },
  }),
  AccessToken: object({
    id: text,
    title: text,
    issuer: text,
    subject: text,
    roles: texts,
    'teamRoles?': texts,
    teams: texts,
    scopes: texts,
    'servers?': texts,
    createdAt: instant,
    createdBy: text,
    expiresAt: instant,
    'lastUsedAt?': instant,
    'token?': text,
  }),
  AccessTokenPage: pageOf('AccessToken'),
  RevokedTokens: object({ revoked: texts }),
  AuditRecord: object({
    id: text,
    at: instant,
    issuer: text,
    subject: text,
    roles: texts,
    'token?': text,
    method: text,
    path: text,
    'made?': text,
    outcome: oneOf('done', 'refused', 'failed'),
    status: count,
    'reason?': text,
    'address?': text,
    'count?': count,
  }),
  AuditPage: pageOf('AuditRecord'),
  AuditLines: text,
  ParkedCall: object({
    id: text,
    worker: text,
    server: text,
    method: text,
    item: text,
    principal: text,
    begunAt: instant,
    questions: texts,
    waiting: count,
  }),
  ParkedCalls: workerPageOf('ParkedCall'),
  Session: object({
    id: text,
    worker: text,
    endpoint: text,
    revision: text,
    'client?': text,
    transport: oneOf('http', 'sse'),
    principal: text,
    lastUsedAt: instant,
    callsInFlight: count,
    isAttached: flag,
  }),
  SessionPage: workerPageOf('Session'),
  UpstreamSession: object({
    id: text,
    worker: text,
    server: text,
    era: text,
    revision: text,
    among: oneOf('all', 'principal', 'session'),
    users: count,
    'idleSince?': instant,
    'place?': text,
  }),
  UpstreamSessionPage: workerPageOf('UpstreamSession'),
  Worker: {
    type: 'object',
    properties: { id: text, startedAt: instant, warnings: texts },
    required: ['id', 'startedAt'],
  },
  Workers: workerPageOf('Worker'),
  Trial: {
    oneOf: [
      object({
        reachable: { const: true },
        era: oneOf('legacy', 'modern'),
        revision: text,
        'name?': text,
        'version?': text,
        capabilities: texts,
        'tools?': count,
        'warnings?': texts,
        tookMs: count,
      }),
      object({ reachable: { const: false }, code: { type: 'integer' }, reason: text, 'detail?': text, tookMs: count }),
    ],
  },
  WorkerHealth: object({
    worker: text,
    state: oneOf('up', 'down', 'unknown'),
    'answeredAt?': instant,
    'failedAt?': instant,
    'code?': { type: 'integer' },
    'reason?': text,
    'detail?': text,
    failures: count,
    'warnings?': texts,
  }),
  ServerHealth: workerPageOf('WorkerHealth'),
  ServerHealthSummary: object({
    server: text,
    enabled: flag,
    state: oneOf('up', 'down', 'unknown'),
    workers: { type: 'array', items: { $ref: '#/components/schemas/WorkerHealth' } },
  }),
  ServersHealth: workerPageOf('ServerHealthSummary'),
  Setting: object({ name: text, value: { type: ['string', 'null'] }, isDefault: flag }),
  Settings: listOf('Setting'),
  Export: object({
    format: { const: 1 },
    exportedAt: instant,
    entries: { type: 'object' },
    managed: { type: 'object' },
    credentials: { type: 'object', additionalProperties: text },
    items: { type: 'array', items: { $ref: '#/components/schemas/ExportedItem' } },
  }),
  Changes: object({
    created: texts,
    updated: texts,
    deleted: texts,
    unchanged: texts,
    warnings: texts,
    'items?': object({ created: count, updated: count, reset: count, unchanged: count }),
  }),
  ImportedServer: object({
    entry: { type: 'object' },
    skipped: { type: 'array', items: object({ operation: text, 'part?': text, reason: text }) },
    security: {
      type: 'array',
      items: object({ name: text, type: text, 'in?': text, 'parameter?': text, configure: text }),
    },
  }),
  OpenApiDocument: { type: 'object' },
} as const satisfies Readonly<Record<string, Schema>>;

export type ResponseSchemaName = keyof typeof RESPONSE_SCHEMAS;

/** RFC 9457. */
export const PROBLEM_SCHEMA = object({
  title: text,
  status: count,
  'detail?': text,
  'code?': { type: 'integer' },
  'reason?': text,
  'errors?': texts,
});
