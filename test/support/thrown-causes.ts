import { HttpException } from '@nestjs/common';
import { RpcException } from '@nestjs/microservices';
import { GatewayError } from '#lib/extension-kit';

/** A value that an owner throws, and the error that its client must receive, local or forwarded. */
export interface ThrownCause {
  readonly name: string;
  readonly cause: unknown;
  readonly code: number;
  readonly message: string;
  /** `data.httpStatus` of the error. */
  readonly httpStatus: number;
  /** HTTP status of the answer on transports that do not fix it. */
  readonly status: number;
}

const STATUSES = [400, 401, 403, 404, 409, 413, 429, 500, 501, 502, 503];

function refusedWith(status: number): ThrownCause[] {
  const shared = { code: -31_004, httpStatus: status, status: 502 };
  const detail = { detail: `Reason ${status}` };
  return [
    {
      ...shared,
      name: `an HttpException of ${status} with a text`,
      cause: new HttpException(`Because of ${status}`, status),
      message: `Upstream answered HTTP ${status}: Because of ${status}`,
    },
    {
      ...shared,
      name: `an HttpException of ${status} with a body`,
      cause: new HttpException(detail, status),
      message: `Upstream answered HTTP ${status}: Reason ${status}`,
    },
  ];
}

/** Failures whose code and message must reach the client. */
export const REPORTED_CAUSES: readonly ThrownCause[] = [
  ...STATUSES.flatMap(refusedWith),
  {
    name: 'an RpcException with a code',
    cause: new RpcException({ code: -30_007, message: 'Thrown on purpose', data: { why: 7 }, httpStatus: 418 }),
    code: -30_007,
    message: 'Thrown on purpose',
    httpStatus: 418,
    status: 418,
  },
  {
    name: 'an RpcException with a text',
    cause: new RpcException('Only a text'),
    code: -32_603,
    message: 'Only a text',
    httpStatus: 500,
    status: 500,
  },
  {
    name: 'a GatewayError',
    cause: new GatewayError(-31_009, 'Not today', 403, { outcome: 'not_executed', retriable: false, httpStatus: 403 }),
    code: -31_009,
    message: 'Not today',
    httpStatus: 403,
    status: 403,
  },
];

const DEFECT = { code: -32_603, message: 'Internal error', httpStatus: 500, status: 500 };

/** Defects whose details must not reach the client. */
export const CONCEALED_CAUSES: readonly ThrownCause[] = [
  { ...DEFECT, name: 'an Error', cause: new Error('a secret of ours') },
  { ...DEFECT, name: 'a string', cause: 'a secret of ours' },
  { ...DEFECT, name: 'nothing at all', cause: undefined },
];
