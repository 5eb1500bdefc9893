import { FiltersLists, ListFilter, type ViewedItem } from 'isthmus/extension-kit';

/** Shows tools in preview to testers only. */
@FiltersLists()
export class PreviewFilter extends ListFilter {
  override hides({ kind, name, shownName = name, caller }: ViewedItem): boolean {
    const isPreview = kind === 'tools' && [name, shownName].some((each) => each.startsWith('preview_'));
    return isPreview && !caller.roles.includes('tester');
  }
}
