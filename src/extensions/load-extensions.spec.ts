import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { forwardRef, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { AccessPolicy, loadedKits, type LoadedKit } from '#lib/extension-kit';
import { ExtensionsModule, loadExtensions, strategyProvider } from './index.js';

let folder: string;
const write = async (path: string, text: string): Promise<void> => {
  await mkdir(dirname(join(folder, path)), { recursive: true });
  await writeFile(join(folder, path), text);
};
/** An extension without a compiler: what the decorator records. */
const MODULE = "import 'reflect-metadata';\nclass Acme {}\nReflect.defineMetadata('providers', [], Acme);\n";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'isthmus-extensions-'));
  await write('node_modules/reflect-metadata/package.json', '{ "type": "module", "exports": "./index.js" }');
  const real = pathToFileURL(join(process.cwd(), 'node_modules/reflect-metadata/Reflect.js')).href;
  await write('node_modules/reflect-metadata/index.js', `import '${real}';\n`);
});
afterAll(() => rm(folder, { recursive: true, force: true }));
/** Other specs of the same process must not find the kits of these. */
const knownKits = loadedKits().length;
const addKit = (kit: LoadedKit) => (loadedKits() as LoadedKit[]).push(kit);
afterEach(() => void (loadedKits() as LoadedKit[]).splice(knownKits));

describe('loadExtensions', () => {
  it('loads files relative to the folder, and packages installed there', async () => {
    await write('dist/acme.mjs', `${MODULE}export default Acme;\n`);
    await write('node_modules/@acme/dlp/package.json', '{ "type": "module", "exports": { "import": "./dlp.js" } }');
    await write('node_modules/@acme/dlp/dlp.js', 'class Dlp {}\nexport default { module: Dlp, providers: [] };\n');
    const [acme, dlp] = await loadExtensions(['./dist/acme.mjs', '@acme/dlp'], folder);
    expect(acme).toHaveProperty('name', 'Acme');
    expect(dlp).toHaveProperty('module.name', 'Dlp');
  });

  it('loads a module that was compiled to CommonJS', async () => {
    await write('acme.cjs', 'class Acme {}\nexports.__esModule = true;\nexports.default = { module: Acme };\n');
    const [acme] = await loadExtensions(['./acme.cjs'], folder);
    expect(acme).toHaveProperty('module.name', 'Acme');
  });

  it.each([
    ['./missing.mjs', '', /\.\/missing\.mjs of ISTHMUS_EXTENSIONS cannot be loaded\. .*Cannot find/s],
    ['@acme/missing', '', /@acme\/missing of ISTHMUS_EXTENSIONS cannot be loaded\. .*Cannot find/s],
    ['./throws.mjs', "throw new Error('no licence');", /\.\/throws\.mjs .*cannot be loaded\. Error: no licence/],
    ['./empty.mjs', 'export const Acme = 1;', /\.\/empty\.mjs has no Nest module as its default export/],
    ['./function.mjs', 'export default class Acme {}', /\.\/function\.mjs has no Nest module as its default export/],
    [
      './foreign.mjs',
      "globalThis[Symbol.for('isthmus.extension-kits')].push({ version: '0.0.7', location: 'file:///other' });",
      /\.\/foreign\.mjs was built for extension kit 0\.0\.7 of another installation \(file:\/\/\/other\)/,
    ],
  ])('refuses %s with the reason', async (name, text, reason) => {
    if (text !== '') await write(name, text);
    await expect(loadExtensions([name], folder)).rejects.toThrow(reason);
  });

  it('refuses a package that was built for another version of the gateway', async () => {
    await write('old/package.json', '{ "type": "module", "peerDependencies": { "isthmus": "^99.0.0" } }');
    await write('old/index.js', `${MODULE}export default Acme;\n`);
    await expect(loadExtensions(['./old/index.js'], folder)).rejects.toThrow(
      /\.\/old\/index\.js was built for isthmus \^99\.0\.0 .* but this is isthmus /,
    );
  });
});

describe('ExtensionsModule', () => {
  const policy = { provide: AccessPolicy, useValue: {} };

  @Module({ providers: [policy], exports: [AccessPolicy] })
  class Policies {}

  class OwnPolicy extends AccessPolicy {
    override decide = () => ({ allowed: true, reason: 'Everything is allowed.' });
    override accessScope = () => 'all' as const;
    override canUseEndpoint = () => true;
  }

  /** The policy that a gateway with these extensions uses. */
  async function policyOf(...extensions: Parameters<typeof ExtensionsModule.forRoot>[0]): Promise<unknown> {
    @Module({ providers: [OwnPolicy, strategyProvider(AccessPolicy, OwnPolicy)] })
    class Gateway {}
    const compiled = await Test.createTestingModule({
      imports: [await ExtensionsModule.forRoot(extensions), Gateway],
    }).compile();
    const found: unknown = compiled.select(Gateway).get(AccessPolicy);
    await compiled.close();
    return found;
  }

  it('uses the strategy that an extension provides and exports', async () => {
    expect(await policyOf(Policies)).toBe(policy.useValue);
    expect(await policyOf()).toBeInstanceOf(OwnPolicy);
  });

  it('uses the strategy of a module that an extension imports and exports', async () => {
    @Module({ imports: [Policies], exports: [Policies] })
    class Inner {}
    @Module({ imports: [Inner], exports: [Inner] })
    class Outer {}
    expect(await policyOf(Outer)).toBe(policy.useValue);
  });

  it('uses the strategy of a dynamic module, whether it is exported by its class or as it is', async () => {
    @Module({})
    class Configured {}
    const configured = { module: Configured, providers: [policy], exports: [AccessPolicy] };
    @Module({ imports: [configured], exports: [Configured] })
    class ByClass {}
    @Module({ imports: [configured], exports: [configured] })
    class AsItIs {}
    @Module({ imports: [Promise.resolve(configured)], exports: [Configured] })
    class Late {}
    for (const extension of [ByClass, AsItIs, Late]) expect(await policyOf(extension)).toBe(policy.useValue);
  });

  it('uses the strategy of a module that two extensions share', async () => {
    @Module({ imports: [Policies], exports: [Policies] })
    class First {}
    @Module({ imports: [forwardRef(() => Policies)], exports: [Policies] })
    class Second {}
    expect(await policyOf(First, Second)).toBe(policy.useValue);
  });

  it('refuses an extension that would be ignored because it does not export its strategy', async () => {
    @Module({ providers: [policy] })
    class Hiding {}
    await expect(ExtensionsModule.forRoot([Hiding])).rejects.toThrow(
      'The extension Hiding provides AccessPolicy without exporting it',
    );
  });

  it('refuses an extension that would be ignored because it does not export the module of its strategy', async () => {
    @Module({ imports: [Policies] })
    class Hiding {}
    await expect(ExtensionsModule.forRoot([Hiding])).rejects.toThrow(
      'The extension Hiding provides AccessPolicy in Policies without exporting it, so the gateway would ignore it. ' +
        'Export AccessPolicy from Policies, and Policies from the modules that import it.',
    );
  });

  it('refuses two modules that replace the same strategy, and names both', async () => {
    @Module({})
    class Second {}
    const second = { module: Second, providers: [policy], exports: [AccessPolicy] };
    @Module({ imports: [Policies, second], exports: [Policies, Second] })
    class Both {}
    for (const extensions of [[Policies, second], [Both]])
      await expect(ExtensionsModule.forRoot(extensions)).rejects.toThrow(
        'The modules Policies and Second of extensions replace AccessPolicy',
      );
  });

  it('refuses a strategy of another extension kit', async () => {
    const Foreign = class {
      readonly kit = '0.0.7';
    };
    Object.defineProperty(Foreign, 'name', { value: 'AccessPolicy' });
    @Module({ providers: [{ provide: Foreign, useValue: {} }], exports: [Foreign] })
    class Acme {}
    expect(await policyOf(Acme)).toBeInstanceOf(OwnPolicy);
    addKit({ version: '0.0.7', location: 'file:///other' });
    await expect(ExtensionsModule.forRoot([Acme])).rejects.toThrow(
      /The module Acme provides AccessPolicy of another extension kit.*0\.0\.7 at file:\/\/\/other/,
    );
  });
});
