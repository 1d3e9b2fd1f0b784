// Certificate authority, client certificate and key, read from files and read again when one of them was replaced: a renewed
// certificate needs no restart. What is wrong with them is told by file name and code, never by content.
import { readFileSync, statSync } from 'node:fs';
import { createSecureContext, rootCertificates } from 'node:tls';

const FILE_BYTES_MAX = 1024 * 1024;
/** The files are looked at this often, ms. */
export const TLS_LOOK_EVERY_MS = 10_000;

export interface TlsFiles {
  /** PEM of authorities to trust besides the built-in ones. */
  readonly caFile?: string;
  /** PEM of this host's certificate, with its chain. */
  readonly certFile?: string;
  readonly keyFile?: string;
}

interface TlsMaterial {
  readonly ca?: readonly string[];
  readonly cert?: string;
  readonly key?: string;
}

export interface TlsSource {
  readonly material: TlsMaterial;
  /** True when the files were replaced by others that are right; `material` is then the new one. */
  hasChanged(nowMs: number): boolean;
}

/** Throws what is wrong with the files; later, what is wrong is told to `onProblem` and the old material goes on. */
export function openTlsFiles(files: TlsFiles, nowMs: number, onProblem: (text: string) => void): TlsSource {
  let stamp = stampOf(files);
  let material = read(files);
  let lookedMs = nowMs;
  return {
    get material() {
      return material;
    },
    hasChanged(now) {
      if (now >= lookedMs && now - lookedMs < TLS_LOOK_EVERY_MS) return false;
      lookedMs = now;
      const found = stampOf(files);
      if (found === stamp) return false;
      try {
        const renewed = read(files);
        stamp = found;
        material = renewed;
        return true;
      } catch (error) {
        // A certificate without its new key yet: the next look may find both.
        onProblem((error as Error).message);
        return false;
      }
    },
  };
}

function read({ caFile, certFile, keyFile }: TlsFiles): TlsMaterial {
  const material = {
    ...(caFile === undefined ? {} : { ca: [...rootCertificates, pem(caFile)] }),
    ...(certFile === undefined ? {} : { cert: pem(certFile) }),
    ...(keyFile === undefined ? {} : { key: pem(keyFile) }),
  };
  const named = [caFile, certFile, keyFile].filter((file) => file !== undefined).join(', ');
  try {
    createSecureContext({ ...material, ...(material.ca === undefined ? {} : { ca: [...material.ca] }) });
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'no PEM';
    throw new Error(`the TLS files are not usable together (${code}): ${named}`);
  }
  return material;
}

function pem(path: string): string {
  try {
    const text = readFileSync(path, 'utf8');
    if (text.length > FILE_BYTES_MAX || !text.includes('-----BEGIN '))
      throw Object.assign(new Error(), { code: 'no PEM' });
    return text;
  } catch (error) {
    throw new Error(`${path} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`);
  }
}

function stampOf({ caFile, certFile, keyFile }: TlsFiles): string {
  return [caFile, certFile, keyFile]
    .map((file) => {
      if (file === undefined) return '';
      const stat = statSync(file, { throwIfNoEntry: false });
      return stat === undefined ? 'gone' : `${stat.ino} ${stat.size} ${stat.mtimeMs}`;
    })
    .join(',');
}
