import { describe, expect, it } from '@jest/globals';
import { isUnknownNotification, isUnknownQuestion } from './unknown-messages.js';

describe('messages of a server', () => {
  it.each([
    'notifications/message',
    'notifications/resources/updated',
    'notifications/elicitation/complete',
    'notifications/tasks/status',
  ])('are known as the notification %s', (method) => expect(isUnknownNotification(method)).toBe(false));

  it.each(['notifications/acme', 'acme/tick', 'notifications/roots/list_changed'])(
    'are unknown as the notification %s',
    (method) => expect(isUnknownNotification(method)).toBe(true),
  );

  it.each(['ping', 'roots/list', 'elicitation/create', 'sampling/createMessage', 'tasks/get'])(
    'are known as the request %s',
    (method) => expect(isUnknownQuestion(method)).toBe(false),
  );

  it('are unknown as the request of a vendor', () => expect(isUnknownQuestion('acme/confirm')).toBe(true));
});
