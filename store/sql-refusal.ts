// Why a statement is not run: in words for the person who wrote it, with the place where that is known.

export class SqlRefused extends Error {
  readonly code: 'sql-syntax' | 'sql-refused' | 'sql-failed' | 'sql-too-much' | 'sql-timeout';
  readonly remedy: string;
  /** Where in the text, characters from 0. */
  readonly at: number | undefined;
  constructor(code: SqlRefused['code'], message: string, remedy: string, at?: number) {
    super(message);
    this.name = 'SqlRefused';
    this.code = code;
    this.remedy = remedy;
    this.at = at;
  }
}
