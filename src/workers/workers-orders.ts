/** Patterns of the orders between workers about the workers themselves. */
export const WorkersPattern = {
  /** The sender has joined: read the list of workers now. */
  joined: 'workers.joined',
} as const;
