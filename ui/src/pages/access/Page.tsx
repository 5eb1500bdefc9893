import { useEffect } from 'react';
import { Route, Switch } from 'wouter';
import { EntryPages } from '../../entries/index.js';
import { navigate } from '../../navigation/index.js';
import { Permitted } from '../../session/index.js';
import { useAccessTabs } from './AccessTabs.js';
import { Explain } from './Explain.js';
import { LIMITS } from './limits.js';
import { NewToken } from './NewToken.js';
import { POLICIES } from './policies.js';
import { TEAMS } from './teams.js';
import { TokenDetails } from './TokenDetails.js';
import { TokenList } from './TokenList.js';

const KINDS = [POLICIES, TEAMS, LIMITS];

export function Page() {
  return (
    <Switch>
      <Route path="/access">
        <FirstTab />
      </Route>
      <Route path="/access/explain">
        <Permitted operation="POST /policy/explain">
          <Explain />
        </Permitted>
      </Route>
      <Route path="/access/tokens">
        <TokenList />
      </Route>
      <Route path="/access/tokens/new">
        <Permitted operation="POST /tokens">
          <NewToken />
        </Permitted>
      </Route>
      <Route<{ id: string }> path="/access/tokens/:id">{({ id }) => <TokenDetails id={id} />}</Route>
      {KINDS.map((kind) => (
        <Route key={kind.path} path={`${kind.path}/*?`}>
          <Permitted operation={`GET /${kind.collection}`}>
            <EntryPages kind={kind} />
          </Permitted>
        </Route>
      ))}
    </Switch>
  );
}

function FirstTab() {
  const [tab] = useAccessTabs();
  useEffect(() => {
    if (tab) navigate(tab.path, { replace: true });
  }, [tab]);
  return null;
}
