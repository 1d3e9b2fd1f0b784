// What properties draw, for every suite: the same at each run, so that whether a change may land depends on the change. A new draw finds
// what no run has found before, and has its own command: `npm run fuzz:properties`, which tells its seed.
import fc from 'fast-check';

const SEED = 20_261_122;

const asked = process.env['VEDETTE_SEED'];
fc.configureGlobal({ seed: asked === undefined ? SEED : Number(asked) });
