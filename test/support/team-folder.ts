import { mkdir, readFile, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';

const PROJECT = process.cwd();
/** The repository of a team in small. */
export const TEAM_EXAMPLE = join(PROJECT, 'docs/examples/acme-gateway');

/** Links into a folder what npm would install for the gateway and for the example of a team, so that no network is needed. */
export async function linkTeamDependencies(folder: string): Promise<void> {
  const manifests = [join(PROJECT, 'package.json'), join(TEAM_EXAMPLE, 'package.json')];
  const [gateway = {}, example = {}] = await Promise.all(
    manifests.map(async (file) => JSON.parse(await readFile(file, 'utf8')) as Record<string, Record<string, string>>),
  );
  const names = new Set(
    Object.keys({ ...gateway['dependencies'], ...example['dependencies'], ...example['devDependencies'] }),
  );
  names.delete('isthmus');
  for (const name of names) {
    const link = join(folder, 'node_modules', name);
    await mkdir(dirname(link), { recursive: true });
    await symlink(join(PROJECT, 'node_modules', name), link);
  }
}
