import { afterAll, describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { PROJECT } from './source-files.js';

interface Violation {
  readonly rule: { readonly name: string };
  readonly from: string;
  readonly to: string;
}

/** Runs the import rules over a project folder. */
async function violationsIn(project: string): Promise<Violation[]> {
  const cruiser = join(PROJECT, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
  const args = [cruiser, '--config', '.dependency-cruiser.mjs', '--output-type', 'json', 'src', 'libs', 'test', 'ui'];
  const text = await new Promise<string>((resolve, reject) => {
    // The exit code counts the violations; only an empty report is a failure of the tool.
    execFile(process.execPath, args, { cwd: project, maxBuffer: 256 * 1024 * 1024 }, (_, stdout, stderr) => {
      if (stdout === '') reject(new Error(stderr));
      else resolve(stdout);
    });
  });
  return (JSON.parse(text) as { summary: { violations: Violation[] } }).summary.violations;
}

const asText = ({ rule, from, to }: Violation) => `${rule.name}: ${from} → ${to}`;

describe('imports', () => {
  it('follow the rules of docs/architecture.md', async () => {
    const violations = await violationsIn(PROJECT);
    expect(violations.map(asText)).toEqual([]);
  });
});

describe('the import rules', () => {
  // realpath: the cruiser treats a temporary folder behind a link as outside the project.
  const project = mkdtempSync(join(realpathSync(tmpdir()), 'import-rules-'));
  const write = (path: string, ...lines: string[]) => {
    mkdirSync(dirname(join(project, path)), { recursive: true });
    writeFileSync(join(project, path), `${lines.join('\n')}\n`);
  };

  afterAll(() => rmSync(project, { recursive: true }));

  it('detect each kind of violation and nothing else', async () => {
    for (const file of ['.dependency-cruiser.mjs', 'tsconfig.json', 'tsconfig.depcruise.json', 'package.json']) {
      cpSync(join(PROJECT, file), join(project, file));
    }
    write('libs/mcp-protocol/index.ts', `import 'node:fs';`, 'export const pure = false;');
    write('libs/config/index.ts', `import '../../src/registry/index.js';`, `export * from './inner.js';`);
    write('libs/config/inner.ts', 'export const inner = 1;');
    write('libs/testing/fake/index.ts', 'export const fake = 1;');
    write(
      'src/gateway.module.ts',
      `import './transport/index.js';`,
      `import './upstream/dialects/modern.js';`,
      `import './upstream/testing.js';`,
    );
    write(
      'src/transport/index.ts',
      `import '../dispatch/index.js';`,
      `import { pure } from '#lib/mcp-protocol';`,
      'export { pure };',
    );
    write(
      'src/dispatch/index.ts',
      `import type { Up } from '../transport/index.js';`,
      `import type { Item } from '../registry/index.js';`,
      `import '../upstream/index.js';`,
      'export type Down = Up | Item;',
    );
    write('src/registry/index.ts', `import '../../libs/config/inner.js';`, `import '#lib/testing/fake';`);
    write('src/catalog/index.ts', `import '../registry/index.js';`, `import '../upstream/index.js';`);
    write('src/upstream/index.ts', `import './dialects/modern.js';`, `import '../gateway.module.js';`);
    write('src/upstream/testing.ts', 'export const double = 1;');
    write('src/upstream/dialects/modern.ts', 'export const modern = 1;');
    write('src/guardrails/checks/size/index.ts', `import '../deny/index.js';`, `import '#lib/config';`);
    write('src/guardrails/checks/deny/index.ts', 'export const deny = 1;');
    write('src/newcomer/index.ts', `import '../registry/index.js';`, `import './lost.js';`);
    write('src/newcomer/alone.ts', 'export const alone = 1;');
    write('ui/src/api/index.ts', `import '../session/index.js';`);
    write('ui/src/session/index.ts', 'export const session = 1;');
    write('ui/src/pages/one/Page.tsx', `import '../two/Page.js';`, `import '../../../../src/catalog/index.js';`);
    write('ui/src/pages/two/Page.tsx', 'export const two = 1;');
    write(
      'test/some.spec.ts',
      `import '../src/catalog/index.js';`,
      `import '../src/upstream/testing.js';`,
      `import '../src/upstream/dialects/modern.js';`,
    );

    const seen = (await violationsIn(project)).map(asText).toSorted();

    expect(seen.filter((text) => !text.startsWith('no-circles'))).toEqual([
      'a-page-imports-no-other-page: ui/src/pages/one/Page.tsx → ui/src/pages/two/Page.tsx',
      'arrows-of-dispatch: src/dispatch/index.ts → src/upstream/index.ts',
      'arrows-of-page-api: ui/src/api/index.ts → ui/src/session/index.ts',
      'checks-use-the-kit-alone: src/guardrails/checks/size/index.ts → libs/config/index.ts',
      'checks-use-the-kit-alone: src/guardrails/checks/size/index.ts → src/guardrails/checks/deny/index.ts',
      'every-folder-states-its-arrows: src/newcomer/index.ts → src/registry/index.ts',
      'front-doors-from-outside: src/gateway.module.ts → src/upstream/dialects/modern.ts',
      'front-doors-from-outside: test/some.spec.ts → src/upstream/dialects/modern.ts',
      'front-doors-of-libs: src/registry/index.ts → libs/config/inner.ts',
      'libs-do-not-import-src: libs/config/index.ts → src/registry/index.ts',
      'no-orphans: src/newcomer/alone.ts → src/newcomer/alone.ts',
      'nothing-imports-the-top: src/upstream/index.ts → src/gateway.module.ts',
      'resolvable: src/newcomer/index.ts → ./lost.js',
      'the-page-uses-the-api-alone: ui/src/pages/one/Page.tsx → src/catalog/index.ts',
      'the-product-needs-no-test-code: src/gateway.module.ts → src/upstream/testing.ts',
      'the-product-needs-no-test-code: src/registry/index.ts → libs/testing/fake/index.ts',
      'the-protocol-library-is-pure: libs/mcp-protocol/index.ts → fs',
      'types-of-catalog: src/catalog/index.ts → src/upstream/index.ts',
      'types-of-dispatch: src/dispatch/index.ts → src/transport/index.ts',
    ]);
    expect(seen.some((text) => text.startsWith('no-circles'))).toBe(true);
  });
});
