import { Route, Switch } from 'wouter';
import { useQueryParameter } from '../../navigation/index.js';
import { ItemDetails } from './ItemDetails.js';
import { ItemList } from './ItemList.js';
import { toKind } from './item-kinds.js';

export function Page() {
  // The name of an item can be any URI, so it is in the query of the address.
  const [name] = useQueryParameter('name');
  return (
    <Switch>
      <Route path="/items">
        <ItemList />
      </Route>
      <Route<{ kind: string; server: string }> path="/items/:kind/:server">
        {({ kind, server }) => <ItemDetails key={name} item={{ kind: toKind(kind), server, name }} />}
      </Route>
    </Switch>
  );
}
