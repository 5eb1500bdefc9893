import { Route, Switch } from 'wouter';
import { Permitted } from '../session/index.js';
import { EntryDetails } from './EntryDetails.js';
import { EditEntry, NewEntry } from './EntryEditing.js';
import { EntryList } from './EntryList.js';
import type { EntryKind } from './entry-kind.js';

/** The list of a collection, the page of an entry, and the forms that create and change one. */
export function EntryPages({ kind }: { readonly kind: EntryKind }) {
  const { path } = kind;
  return (
    <Switch>
      <Route path={path}>
        <EntryList kind={kind} />
      </Route>
      {/* No entry is called "-", so that every name of an entry has its page. */}
      <Route path={`${path}/-/new`}>
        <Permitted operation={`POST /${kind.collection}`}>
          <NewEntry kind={kind} />
        </Permitted>
      </Route>
      <Route<{ slug: string }> path={`${path}/:slug/edit`}>
        {({ slug }) => (
          <Permitted operation={`PUT /${kind.collection}/{slug}`}>
            <EditEntry key={slug} kind={kind} slug={slug} />
          </Permitted>
        )}
      </Route>
      <Route<{ slug: string }> path={`${path}/:slug`}>
        {({ slug }) => <EntryDetails key={slug} kind={kind} slug={slug} />}
      </Route>
    </Switch>
  );
}
