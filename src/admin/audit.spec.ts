import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger, type CallHandler, type ExecutionContext } from '@nestjs/common';
import { lastValueFrom, of, throwError } from 'rxjs';
import { callerOf } from '../../test/support/fake-upstream.js';
import { NotThere, RoleMissing } from './admin.errors.js';
import { Audit } from './audit.js';

const lines: string[] = [];

beforeEach(() => {
  lines.length = 0;
  for (const level of ['log', 'warn'] as const) {
    jest
      .spyOn(Logger.prototype, level)
      .mockImplementation((line: unknown) => void lines.push(`${level} ${String(line)}`));
  }
});

afterEach(() => {
  jest.restoreAllMocks();
});

const requestOf = (method: string, url = '/admin/v1/workers/abc/drain?token=secret') => {
  const request = { method, url } as Parameters<Audit['note']>[0];
  new Audit().note(request, { ...callerOf('me'), roles: ['operator'] });
  return request;
};

const handle = (request: object, answer: ReturnType<CallHandler['handle']>) => {
  const context = { switchToHttp: () => ({ getRequest: () => request }) } as unknown as ExecutionContext;
  return lastValueFrom(new Audit().intercept(context, { handle: () => answer }), { defaultValue: undefined });
};

describe('the audit log', () => {
  it('says who has changed what, and not what was only looked at', async () => {
    await handle(requestOf('POST'), of(undefined));
    await handle(requestOf('GET'), of('a list'));
    expect(lines).toEqual([
      expect.stringMatching(/^log me of .* \(operator\): POST \/admin\/v1\/workers\/abc\/drain: done$/),
    ]);
  });

  it('says what did not succeed, and why', async () => {
    const gone = throwError(() => new NotThere('The worker'));
    await expect(handle(requestOf('DELETE', '/admin/v1/sessions/a.1'), gone)).rejects.toThrow();
    const broken = throwError(() => new Error('secret of the house'));
    await expect(handle(requestOf('DELETE', '/admin/v1/sessions/a.1'), broken)).rejects.toThrow();
    expect(lines[0]).toMatch(/^warn me .*: DELETE \/admin\/v1\/sessions\/a\.1: failed, 404: /);
    expect(lines[1]).toMatch(/failed, of a defect$/);
  });

  it('says who was refused, in one line, however the path is written', () => {
    new Audit().refused(requestOf('GET'), new RoleMissing(['auditor']));
    new Audit().refused(
      { method: 'GET', url: `/admin/v1/x\n\u001b[31m${'y'.repeat(9_000)}` },
      new RoleMissing(['auditor']),
    );
    expect(lines[0]).toMatch(/^warn me .*: GET \/admin\/v1\/workers\/abc\/drain: refused, 403: /);
    expect(lines[1]).toMatch(/^warn Nobody: GET /);
    expect(lines[1]).toMatch(/^[ -~]+$/);
    expect(lines[1]!.length).toBeLessThan(1_000);
  });
});
