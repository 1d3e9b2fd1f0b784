// Where SigmaHQ's Linux rules are, if they are at hand. They are not ours to keep here: the folder's own README says where they are from.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

export const SIGMA_FOLDER: string =
  process.env['VEDETTE_SIGMA_RULES'] ?? join(import.meta.dirname, '../../../../shared/data/sigma-linux');

/** Paths in the folder, sorted; none where it is absent. */
export const SIGMA_FILES: readonly string[] = existsSync(SIGMA_FOLDER)
  ? readdirSync(SIGMA_FOLDER, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.yml'))
      .toSorted()
  : [];
