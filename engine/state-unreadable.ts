// State that this version cannot read stops the start: to go on with a part of it would decide wrongly and say nothing.

/** Thrown when a state entry is of another format or damaged; names the entry, not its content. */
export class StateUnreadable extends Error {
  constructor(key: string, cause: string) {
    super(`The engine's state entry ${key} cannot be read: ${cause}.`);
    this.name = 'StateUnreadable';
  }
}
