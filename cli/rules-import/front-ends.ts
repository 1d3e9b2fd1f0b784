// The languages that rules are imported from. Each is loaded when it is asked for.
import type { FrontEnd } from '../../rules/foreign/front-end.ts';

export interface Language {
  readonly name: string;
  /** What its files are called, lower case. */
  readonly endings: readonly string[];
  load(): Promise<FrontEnd>;
}

export const LANGUAGES: readonly Language[] = [
  {
    name: 'sigma',
    endings: ['.yml', '.yaml'],
    load: async () => (await import('../../rules/sigma/front-end.ts')).sigmaFrontEnd,
  },
  {
    name: 'elastalert',
    endings: ['.yaml', '.yml'],
    load: async () => (await import('../../rules/elastalert/front-end.ts')).elastAlertFrontEnd,
  },
  {
    name: 'eql',
    endings: ['.ndjson', '.json', '.toml', '.eql'],
    load: async () => (await import('../../rules/eql/front-end.ts')).elasticFrontEnd,
  },
];
