import type { AuditRecord } from '../audit/index.js';

type Cell = string | number | undefined;

const COLUMNS: Readonly<Record<string, (record: AuditRecord) => Cell>> = {
  id: ({ id }) => id,
  at: ({ at }) => at.toISOString(),
  issuer: ({ issuer }) => issuer,
  subject: ({ subject }) => subject,
  roles: ({ roles }) => roles.join(' '),
  token: ({ token }) => token,
  address: ({ address }) => address,
  outcome: ({ outcome }) => outcome,
  status: ({ status }) => status,
  reason: ({ reason }) => reason,
  count: ({ count }) => count,
  method: ({ method }) => method,
  path: ({ path }) => path,
  made: ({ made }) => made,
  server: ({ call }) => call?.server,
  item: ({ call }) => call?.item,
  rpcMethod: ({ call }) => call?.rpcMethod,
  execution: ({ call }) => call?.execution,
  code: ({ call }) => call?.code,
  requestId: ({ call }) => call?.requestId,
  session: ({ call }) => call?.session,
  totalMs: ({ call }) => call?.totalMs,
  serverMs: ({ call }) => call?.serverMs,
  clientMs: ({ call }) => call?.clientMs,
  argumentsDigest: ({ call }) => call?.argumentsDigest,
  worker: ({ chain }) => chain?.worker,
  sequence: ({ chain }) => chain?.sequence,
  hash: ({ chain }) => chain?.hash,
};

/** The names of the columns (RFC 4180). */
export const CSV_HEADER = `${Object.keys(COLUMNS).join(',')}\r\n`;

export const toCsvLine = (record: AuditRecord): string =>
  `${Object.values(COLUMNS)
    .map((read) => toCell(read(record)))
    .join(',')}\r\n`;

/** Begins of texts that spreadsheet programs would run as formulas. Callers choose some of the texts. */
const FORMULA = /^[=+\-@\t\r]/;

function toCell(value: Cell = ''): string {
  if (typeof value === 'number') return String(value);
  const text = FORMULA.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
