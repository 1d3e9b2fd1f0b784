// One script out of a program's modules, for Node to run from inside an executable: CommonJS, since that is what it takes there.
// Promises that nothing is left to be found on the host: whatever is neither Node's own nor bundled fails the build.
import { isBuiltin } from 'node:module';
import { build } from 'vite';

export interface Bundle {
  readonly code: string;
  /** Paths of the modules inside. */
  readonly modules: readonly string[];
}

/** Bundles `entry`, a path in the checkout; `aliases` replace packages by files of the checkout. */
export async function bundle(options: {
  readonly checkout: string;
  readonly entry: string;
  readonly aliases: Readonly<Record<string, string>>;
}): Promise<Bundle> {
  const { checkout, entry, aliases } = options;
  const built = await build({
    configFile: false,
    root: checkout,
    logLevel: 'error',
    resolve: { alias: { ...aliases } },
    ssr: { noExternal: true, target: 'node' },
    build: {
      ssr: entry,
      write: false,
      target: 'node24',
      minify: false,
      rolldownOptions: { output: { format: 'cjs', codeSplitting: false } },
    },
  });
  const outputs = (Array.isArray(built) ? built : [built]).flatMap((part) => ('output' in part ? part.output : []));
  const [chunk, ...more] = outputs;
  if (chunk?.type !== 'chunk' || more.length > 0) throw new Error(`${entry} did not become one script`);
  // A dynamic import of what is inside counts as one of the script itself.
  const strangers = [...chunk.imports, ...chunk.dynamicImports].filter(
    (name) => name !== chunk.fileName && !isBuiltin(name),
  );
  if (strangers.length > 0) throw new Error(`${entry} would look for ${strangers.join(', ')} on the host`);
  return { code: chunk.code, modules: Object.keys(chunk.modules) };
}
