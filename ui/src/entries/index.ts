export { CallerFields, useAssumedCaller, type CallerChoice } from './CallerFields.js';
export { saveEntry, type EntryView } from './collection.js';
export { listOf, type EntryDetailsProps, type EntryFormProps, type EntryKind } from './entry-kind.js';
export { EntryPages } from './EntryPages.js';
export { ChoiceMember, FieldGroup, ListMember, NumberMember, SetMember, TextMember } from './fields.js';
