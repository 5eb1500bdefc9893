/** Guardrails as entries: over the admin API, in an export, in the OpenAPI document, with a check of an extension. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Module } from '@nestjs/common';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { Type } from 'class-transformer';
import { IsInt, IsString, Min, ValidateNested } from 'class-validator';
import {
  Guardrail,
  GuardrailCheck,
  PASS,
  Secret,
  type GuardrailSubject,
  type GuardrailVerdict,
} from '#lib/extension-kit';
import type { JsonObject } from '#lib/mcp-protocol';
import { startGateway, type TestGateway } from '#lib/testing/kit';
import { AdminClient } from '../support/admin-client.js';
import { DATABASE_KINDS, type DatabaseHost } from '../support/databases.js';

class DlpService {
  @Secret() @IsString() readonly secret!: string;
}
class DlpOptions {
  @IsInt() @Min(1) readonly minimum: number = 3;
  @Type(() => DlpService) @ValidateNested() readonly service!: DlpService;
}

@Guardrail('acme-dlp', { phases: ['arguments'], options: DlpOptions })
class DlpCheck extends GuardrailCheck {
  static readonly used: unknown[] = [];

  override check(_subject: GuardrailSubject, options: object): GuardrailVerdict {
    DlpCheck.used.push((options as DlpOptions).service.secret);
    return PASS;
  }
}

@Module({ providers: [DlpCheck] })
class AcmeModule {}

const ENTRY = { check: 'acme-dlp', tools: ['send_*'], options: { service: { secret: 'very-secret' } } };
const SHOWN = { ...ENTRY, options: { service: { secret: '[kept]' } } };

describe.each(DATABASE_KINDS)('the admin API for guardrails, over $name,', ({ start }) => {
  let host: DatabaseHost;
  let gateway: TestGateway;

  beforeAll(async () => {
    host = await start();
  });

  beforeEach(async () => {
    const place = await host.createDatabase();
    const env = place.kind === 'postgres' ? { ISTHMUS_DATABASE_URL: place.url } : {};
    gateway = await startGateway({ extensions: [AcmeModule], env });
  });

  afterEach(() => gateway.close());
  afterAll(() => host.stop());

  const send = (verb: string, path: string, body?: JsonObject, headers: Record<string, string> = {}) =>
    new AdminClient(gateway, ['admin']).send(gateway, verb, path, { headers, ...(body && { body }) });
  const create = (entry: JsonObject, headers?: Record<string, string>) =>
    send('POST', '/guardrails', { slug: 'dlp', entry }, headers);

  it('creates an entry once per idempotency key, replaces the version that was read, and deletes it', async () => {
    const created = await create(ENTRY, { 'idempotency-key': 'one' });
    expect(created).toMatchObject({ status: 201, json: { slug: 'dlp', usable: true, entry: SHOWN } });
    expect(created.headers.get('location')).toBe('/admin/v1/guardrails/dlp');
    expect((await create(ENTRY, { 'idempotency-key': 'one' })).json).toEqual(created.json);
    const ifMatch = { 'if-match': created.headers.get('etag') ?? '' };
    const observed = { entry: { ...SHOWN, mode: 'observe' } };
    expect(await send('PUT', '/guardrails/dlp', observed, ifMatch)).toMatchObject({ status: 200, json: observed });
    expect(await send('PUT', '/guardrails/dlp', observed, ifMatch)).toMatchObject({ status: 412 });
    expect(await send('GET', '/guardrails')).toMatchObject({ json: { items: [observed] } });
    expect(await send('DELETE', '/guardrails/dlp', undefined, { 'if-match': '*' })).toMatchObject({ status: 204 });
    const { json } = await send('GET', '/audit');
    const changes = (json['items'] as { method: string; path: string }[]).map(
      ({ method, path }) => `${method} ${path}`,
    );
    for (const change of ['POST /guardrails', 'PUT /guardrails/dlp', 'DELETE /guardrails/dlp'])
      expect(changes).toContain(change.replace(' ', ' /admin/v1'));
    expect(JSON.stringify(json)).not.toContain('very-secret');
  });

  it('refuses an unknown check with the known ones, and every fault of the options', async () => {
    expect(await create({ ...ENTRY, check: 'acme-dpl' })).toMatchObject({
      status: 422,
      json: { errors: [expect.stringMatching(/^check: .*Did you mean acme-dlp\? Known checks: .*acme-dlp/)] },
    });
    expect(await create({ ...ENTRY, options: { minimum: 0, service: {} } })).toMatchObject({
      status: 422,
      json: { errors: ['options.minimum: must be at least 1.', 'options.service.secret: is missing.'] },
    });
  });

  it('tries a draft with its own credentials, and with stored ones only while its check and options stay', async () => {
    const trial = { phase: 'arguments', value: {} };
    const own = { ...ENTRY, options: { service: { secret: 'of-the-draft' } } };
    DlpCheck.used.splice(0);
    expect(await send('POST', '/guardrails/try', { ...trial, entry: own })).toMatchObject({
      status: 200,
      json: { decision: 'passed' },
    });
    expect(await send('GET', '/guardrails')).toMatchObject({ json: { items: [] } });
    await create(ENTRY);
    const kept = { ...trial, slug: 'dlp', entry: { ...SHOWN, mode: 'off' } };
    expect(await send('POST', '/guardrails/try', kept)).toMatchObject({ status: 200 });
    expect(DlpCheck.used).toEqual(['of-the-draft', 'very-secret']);
    for (const redirected of [
      { ...kept, slug: 'another' },
      { ...kept, entry: { ...SHOWN, options: { minimum: 4, service: { secret: '[kept]' } } } },
      { ...kept, entry: { check: 'webhook', options: { url: 'https://example.com', secret: '[kept]' } } },
    ]) {
      const { status, json } = await send('POST', '/guardrails/try', redirected);
      expect(status).toBe(422);
      expect(JSON.stringify(json)).not.toContain('very-secret');
    }
    expect(DlpCheck.used).toHaveLength(2);
    const operator = new AdminClient(gateway, ['operator']);
    expect(await operator.send(gateway, 'POST', '/guardrails/try', { body: kept })).toMatchObject({ status: 403 });
  });

  it('exports and imports them', async () => {
    await create(ENTRY);
    const { json: exported } = await send('GET', '/export');
    expect(exported).toMatchObject({ entries: { guardrails: { dlp: SHOWN } } });
    await send('DELETE', '/guardrails/dlp', undefined, { 'if-match': '*' });
    expect(await send('POST', '/import', exported)).toMatchObject({ json: { created: ['guardrails.dlp'] } });
    expect(await send('GET', '/guardrails/dlp')).toMatchObject({ json: { usable: true, entry: SHOWN } });
  });

  it('lists the checks of the gateway and of extensions', async () => {
    const { json } = await send('GET', '/guardrail-checks');
    const names = (json['items'] as JsonObject[]).map(({ name }) => name);
    const own = ['approval', 'deny', 'injection', 'personal-data', 'schema', 'secrets', 'size', 'webhook'];
    expect(names).toEqual(['acme-dlp', ...own]);
  });

  it('describes the options of each check by a JSON Schema that agrees with the gateway', async () => {
    const { json } = await send('GET', '/guardrail-checks');
    const described = (json['items'] as JsonObject[]).find(({ name }) => name === 'acme-dlp');
    expect(described).toMatchObject({ phases: ['arguments'] });
    const isValid = new Ajv2020({ strict: false }).compile(described?.['options'] as JsonObject);
    expect(isValid({ minimum: 1, service: { secret: 's' } })).toBe(true);
    expect([isValid({ minimum: 0, service: { secret: 's' } }), isValid({ service: { secret: 3 } })]).toEqual([
      false,
      false,
    ]);
    const { json: document } = await send('GET', '/openapi.json');
    expect(document).toMatchObject({
      components: {
        schemas: { AcmeDlpGuardrailOptions: { properties: { service: { $ref: '#/components/schemas/DlpService' } } } },
      },
    });
  });
});
