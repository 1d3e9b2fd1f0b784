// What stands in for the holes of an event while a template is made of it (document-template.ts): texts of the same kind as the real
// ones, so that the mapper treats them alike, and unlike anything else, so that they are found again.
import { type EventShape, HOLE, PATH_HOLES } from './event-shape.ts';

/** A stand-in for a hole: what the record says, and as which holes parts of it may come out. */
export interface StandIn {
  readonly raw: string;
  readonly told: readonly (readonly [text: string, hole: number])[];
}

const DIGITS = ['73', '84', '62', '95'];
/** Addresses of documentation networks (RFC 5737). */
const ADDRESSES: readonly (readonly [hex: string, port: string, ip: string])[] = [
  ['D657CB00714D', '54871', '203.0.113.77'],
  ['B9E9C633645B', '47593', '198.51.100.91'],
  ['EA5FC0000253', '59999', '192.0.2.83'],
  ['9A8BCB0071C2', '39563', '203.0.113.194'],
];

/** A stand-in for each hole that the event has; `variant`: 0 to 3, all different. */
export function standInsOf(shape: EventShape, variant: number): ReadonlyMap<number, StandIn> {
  const standIns = new Map<number, StandIn>();
  const has = (hole: number): boolean => (shape.holes[hole * 2] as number) >= 0;
  const digits = (hole: number): string => `${DIGITS[variant]}${String(hole).padStart(3, '0')}9917`;
  const plain = (hole: number): void => {
    if (has(hole)) standIns.set(hole, { raw: digits(hole), told: [[digits(hole), hole]] });
  };
  plain(HOLE.exit);
  for (let index = 0; index < 4; index++) plain(HOLE.argument + index);
  plain(HOLE.ppid);
  plain(HOLE.pid);
  if (has(HOLE.title)) {
    const title = `Tq${variant}Title7731`;
    const hex = hexOf(title);
    standIns.set(HOLE.titleHex, {
      raw: hex,
      told: [
        [hex, HOLE.titleHex],
        [title, HOLE.title],
      ],
    });
  }
  if (has(HOLE.socketHex)) {
    const [hex, port, ip] = ADDRESSES[variant] ?? ['', '', ''];
    standIns.set(HOLE.socketHex, {
      raw: hex,
      told: [
        [hex, HOLE.socketHex],
        [port, HOLE.port],
        [ip, HOLE.ip],
      ],
    });
  }
  for (let path = 0; path < shape.paths; path++) addPath(standIns, shape, { path, variant, digits, has });
  for (let argument = 0; argument < shape.arguments; argument++) addArgument(standIns, shape, argument, variant);
  return standIns;
}

function addPath(
  standIns: Map<number, StandIn>,
  shape: EventShape,
  of: {
    readonly path: number;
    readonly variant: number;
    readonly digits: (hole: number) => string;
    readonly has: (hole: number) => boolean;
  },
): void {
  const { path, variant, digits, has } = of;
  const at = HOLE.path + path * PATH_HOLES;
  if (has(at + 4)) {
    // Files that are the same one stay so.
    const first = firstWithSameInode(shape, path);
    standIns.set(at + 4, { raw: digits(first), told: [[digits(first), first]] });
  }
  if (!has(at)) return;
  const directory = has(at + 1) ? `/pd${variant}d${path}7731` : '';
  const extension = has(at + 3) ? `px${variant}x${path}7731` : '';
  const base = `pb${variant}b${path}7731${extension === '' ? '' : `.${extension}`}`;
  const nameEnd = shape.holes[at * 2 + 1] as number;
  const baseEnd = shape.holes[(at + 2) * 2 + 1] as number;
  const name = `${directory}/${base}${nameEnd > baseEnd ? '/' : ''}`;
  const told: (readonly [string, number])[] = [
    [name, at],
    [base, at + 2],
  ];
  if (directory !== '') told.push([directory, at + 1]);
  if (extension !== '') told.push([extension, at + 3]);
  standIns.set(at, { raw: name, told });
}

function firstWithSameInode({ holes, bytes }: EventShape, path: number): number {
  const textOf = (of: number): string => {
    const at = (HOLE.path + of * PATH_HOLES + 4) * 2;
    return bytes.toString('latin1', holes[at] as number, holes[at + 1] as number);
  };
  const own = textOf(path);
  for (let other = 0; other < path; other++) {
    const hole = HOLE.path + other * PATH_HOLES + 4;
    if ((holes[hole * 2] as number) >= 0 && textOf(other) === own) return hole;
  }
  return HOLE.path + path * PATH_HOLES + 4;
}

function addArgument(standIns: Map<number, StandIn>, shape: EventShape, argument: number, variant: number): void {
  const at = HOLE.exec + argument * 2;
  const { bytes, holes } = shape;
  const isHex = (holes[at * 2] as number) >= 0;
  const text = bytes.toString('latin1', holes[(at + 1) * 2] as number, holes[(at + 1) * 2 + 1] as number);
  // What a shell would need quoted stays so; a space only comes in hex.
  const between = /^[A-Za-z0-9_@%+=:,./-]+$/.test(text) ? '' : isHex ? ' ' : ';';
  const plain = `pa${variant}${between}a${String(argument).padStart(2, '0')}a7731`;
  const told: (readonly [string, number])[] = [[plain, at + 1]];
  if (isHex) told.push([hexOf(plain), at]);
  standIns.set(isHex ? at : at + 1, { raw: isHex ? hexOf(plain) : plain, told });
}

function hexOf(text: string): string {
  return Buffer.from(text, 'latin1').toString('hex').toUpperCase();
}
