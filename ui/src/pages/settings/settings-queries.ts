import { useMutation, useQuery, type UseMutationResult, type UseQueryResult } from '@tanstack/react-query';
import { api, dataOf, queryClient, type components } from '../../api/index.js';

export type Setting = components['schemas']['Setting'];
export type Exported = components['schemas']['Export'];
export type Changes = components['schemas']['Changes'];
type ImportRequest = components['schemas']['ImportRequest'];

export function useSettings(): UseQueryResult<readonly Setting[]> {
  return useQuery({
    queryKey: ['settings'],
    queryFn: async () => (await dataOf(api.GET('/admin/v1/settings'))).items,
  });
}

const readExport = (): Promise<Exported> => dataOf(api.GET('/admin/v1/export'));

export function useExport(): UseMutationResult<Exported, Error, void> {
  return useMutation({ mutationFn: readExport });
}

export interface ImportDocument {
  readonly document: Readonly<Record<string, unknown>>;
  /** Deletes what the document does not have. */
  readonly replace: boolean;
}

/** What an import would do, beside what is stored now. */
export interface Preview extends ImportDocument {
  readonly stored: Entries;
  readonly changes: Changes;
}

export type Entries = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

export function usePreview(): UseMutationResult<Preview, Error, ImportDocument> {
  return useMutation({ mutationFn: preview });
}

async function preview(order: ImportDocument): Promise<Preview> {
  const changes = await send(order, true);
  const { entries } = await readExport();
  return { ...order, changes, stored: entries as unknown as Entries };
}

/** Somebody has changed the configuration since the preview was made. */
export class ConfigurationChanged extends Error {
  constructor(readonly current: Preview) {
    super('Somebody else has changed the configuration meanwhile. Nothing was imported. Review the changes again.');
  }
}

/** Imports what the preview has shown. @throws ConfigurationChanged if that would be something else now */
export function useImport(): UseMutationResult<Changes, Error, Preview> {
  return useMutation({
    mutationFn: async (shown) => {
      const current = await preview(shown);
      if (JSON.stringify(current) !== JSON.stringify(shown)) throw new ConfigurationChanged(current);
      return send(shown, false);
    },
    onSuccess: () => queryClient.invalidateQueries(),
  });
}

const send = ({ document, replace }: ImportDocument, dryRun: boolean): Promise<Changes> =>
  dataOf(api.POST('/admin/v1/import', { body: { ...document, replace, dryRun } as unknown as ImportRequest }));

/** The entries of a document by `section.name`. */
export const entryOf = (entries: unknown, path: string): unknown => {
  const [section = '', ...name] = path.split('.');
  const part = memberOf(entries, section);
  return memberOf(part, name.join('.'));
};

const memberOf = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[name] : undefined;
