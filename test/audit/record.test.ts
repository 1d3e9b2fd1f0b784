import { describe, expect, it } from 'vitest';
import { FRAME_HEAD_BYTES, lineOf, parseFrame, parseLine, parsePayload } from '../../audit/record.ts';
import { recordTypeName, recordTypeNumber } from '../../audit/tables/record-type.ts';
import { SAMPLE_NAMES, sampleFrames, sampleLines } from './samples.ts';

describe('parseLine', () => {
  it('reads type, time, serial and the exact text', () => {
    expect(parseLine('type=CWD msg=audit(1795290423.932:2713787): cwd="/"')).toEqual({
      type: 1307,
      timeMs: 1_795_290_423_932,
      serial: 2_713_787,
      text: 'audit(1795290423.932:2713787): cwd="/"',
      node: undefined,
    });
  });

  it('takes a node= before type= (defect of go-libaudit: the line is rejected)', () => {
    const line = 'node=web-1.example type=CWD msg=audit(1.002:3): cwd="/"';
    expect(parseLine(line)).toMatchObject({ node: 'web-1.example', type: 1307, timeMs: 1002, serial: 3 });
    expect(lineOf(parseLine(line)!)).toBe(line);
  });

  it('takes UNKNOWN[n], and a type that it has no name for comes back as such', () => {
    expect(parseLine('type=UNKNOWN[1334] msg=audit(1.000:1): prog-id=1 op=LOAD')?.type).toBe(1334);
    expect(parseLine('type=UNKNOWN[1999] msg=audit(1.000:1): x=1')?.type).toBe(1999);
    expect(recordTypeName(1999)).toBe('UNKNOWN[1999]');
    expect(recordTypeNumber('UNKNOWN[70000]')).toBeUndefined();
  });

  it.each([
    '',
    'type=CWD',
    'type=NO_SUCH_TYPE msg=audit(1.000:1): x=1',
    'type=CWD msg=audit(1.00:1): x=1',
    'type=CWD msg=audit(:1): x=1',
    'type=CWD msg=audit(1.000:): x=1',
    'type=CWD msg=audit(1.000:4294967296): x=1',
    'type=CWD msg=audit(99999999999999999.000:1): x=1',
    'node= type=CWD msg=audit(1.000:1): x=1',
    'Nov 21 host kernel: something',
    `type=CWD msg=audit(1.000:1): ${'x'.repeat(70_000)}`,
  ])('refuses %j', (line) => {
    expect(parseLine(line)).toBeUndefined();
  });

  it.each(SAMPLE_NAMES)('gives the lines of %s back as they were', (name) => {
    for (const line of sampleLines(name)) {
      // The capture did not know the name of 2500.
      expect(lineOf(parseLine(line)!)).toBe(line.replace('type=UNKNOWN[2500]', 'type=VIRT_CONTROL'));
    }
  });
});

describe('parseFrame', () => {
  it.each(['execve_longargs', 'user_msg'])('reads the frames of %s as the log of the same capture has them', (name) => {
    const texts = sampleFrames(name).flatMap((frame) => parseFrame(frame, 0, frame.length) ?? []);
    const lines = sampleLines(name).map((line) => parseLine(line)!);
    // The log leaves the capturing tool's own registration out.
    const first = texts.findIndex((record) => record.serial === lines[0]?.serial);
    expect(texts.slice(first, first + lines.length)).toEqual(lines);
  });

  it('trusts the length that recv returned, not the header’s', () => {
    const frame = sampleFrames('user_msg').find((candidate) => candidate.readUInt16LE(4) >= 1100)!;
    expect(frame.readUInt32LE(0)).toBe(frame.length - FRAME_HEAD_BYTES);
    const moved = Buffer.concat([Buffer.alloc(7), frame, Buffer.from('rest of the buffer')]);
    expect(parseFrame(moved, 7, 7 + frame.length)).toEqual(parseFrame(frame, 0, frame.length));
    expect(parseFrame(frame, 0, frame.length)?.text.endsWith('res=1')).toBe(true);
  });

  it('leaves padding NULs out and keeps all other bytes', () => {
    const payload = Buffer.from('audit(1.000:1): \xff\x01 x\0\0\0', 'latin1');
    expect(parsePayload(1300, payload, 0, payload.length)?.text).toBe('audit(1.000:1): \xff\x01 x');
  });

  it('refuses what is no record: replies, torn headers', () => {
    expect(parseFrame(Buffer.alloc(15), 0, 15)).toBeUndefined();
    expect(parseFrame(Buffer.alloc(60), 0, 60)).toBeUndefined();
  });
});
