import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { argumentsOf, commandLineOf } from '../../audit/exec.ts';
import { recordsOf, sampleEvents } from './samples.ts';

const execve = (...texts: readonly string[]) =>
  recordsOf(texts.map((text) => `type=EXECVE msg=audit(1.000:1): ${text}`));
const argsOf = (serial: number, sample: string) => {
  const event = sampleEvents(sample).find((candidate) => candidate.serial === serial);
  return argumentsOf((event?.records ?? []).filter(({ type }) => type === 1309));
};

/** What the kernel would write (audit_log_execve_info): quoted, hex-encoded, and split over records when long. */
function kernelExecve(args: readonly Uint8Array[], splitAt: number): readonly string[] {
  const texts: string[] = [`argc=${args.length}`];
  args.forEach((arg, index) => {
    const bytes = Buffer.from(arg);
    const isOdd = bytes.some((byte) => byte < 0x21 || byte > 0x7e || byte === 0x22);
    const hex = bytes.toString('hex').toUpperCase();
    if (hex.length > splitAt) {
      texts[texts.length - 1] += ` a${index}_len=${hex.length}`;
      for (let part = 0; part * splitAt < hex.length; part++) {
        if (part > 0) texts.push('');
        texts[texts.length - 1] += ` a${index}[${part}]=${hex.slice(part * splitAt, (part + 1) * splitAt)}`;
      }
    } else {
      texts[texts.length - 1] += isOdd ? ` a${index}=${hex}` : ` a${index}="${bytes.toString('latin1')}"`;
    }
  });
  return texts;
}

describe('arguments', () => {
  it('are complete with an empty one among them (defect of go-libaudit, Auditbeat, Velociraptor)', () => {
    expect(argumentsOf(execve('argc=3 a0="sh" a1="" a2="x"'))).toEqual({
      args: ['sh', '', 'x'],
      count: 3,
      isIncomplete: false,
    });
    expect(argsOf(2_713_819, 'execve_longargs').args.slice(0, 2)).toEqual(['true', '']);
  });

  it('are complete with a split one among them (the same defect)', () => {
    expect(argsOf(2_713_815, 'execve_longargs')).toEqual({
      args: ['true', 'A'.repeat(9000)],
      count: 2,
      isIncomplete: false,
    });
    expect(argsOf(2_713_816, 'execve_longargs')).toEqual({
      args: ['true', 'short', 'B'.repeat(20_000), 'after'],
      count: 4,
      isIncomplete: false,
    });
    expect(argsOf(2_713_817, 'execve_longargs').args[1]).toBe('has space '.repeat(1200));
  });

  it('are complete when 1500 of them need several records', () => {
    const { args, count, isIncomplete } = argsOf(2_713_818, 'execve_longargs');
    expect(args).toEqual(['true', ...Array.from({ length: 1500 }, (_, index) => `n${index}`)]);
    expect({ count, isIncomplete }).toEqual({ count: 1501, isIncomplete: false });
  });

  it('may be split in the middle of a character', () => {
    expect(argumentsOf(execve('argc=1 a0_len=4 a0[0]=C3', ' a0[1]=A9'))).toEqual({
      args: ['é'],
      count: 1,
      isIncomplete: false,
    });
  });

  it('of old kernels may be split into quoted pieces', () => {
    expect(argumentsOf(execve('argc=2 a0="x" a1_len=6 a1[0]="abc"', ' a1[1]="DEF"')).args).toEqual(['x', 'abcDEF']);
  });

  it('that are not UTF-8 are kept', () => {
    expect(argumentsOf(execve('argc=2 a0="x" a1=61FF')).args).toEqual(['x', 'a%FF']);
  });

  it.each([
    ['a record in the middle is missing', ['argc=3 a0="x"', ' a2="z"'], ['x', 'z']],
    ['the last record is missing', ['argc=3 a0="x" a1="y"'], ['x', 'y']],
    ['the first record is missing', [' a1="y"'], ['y']],
    ['a piece is missing', ['argc=1 a0_len=8 a0[0]=4141', ' a0[2]=43'], ['AAC']],
    ['all pieces are missing', ['argc=1 a0_len=8'], ['']],
  ])('are flagged when %s, and the rest is there', (_, texts, args) => {
    expect(argumentsOf(execve(...texts))).toMatchObject({ args, isIncomplete: true });
  });

  it('a hostile index costs nothing', () => {
    expect(argumentsOf(execve('argc=4294967295 a9999999="x" a99999999999="y"')).args).toEqual(['x']);
  });

  it('come back as they were given to the kernel, whatever they hold', () => {
    const arg = fc.oneof(
      fc.string({ maxLength: 12 }),
      fc.constantFrom('', '"', ' ', '(null)', '3005', 'é', '\\', 'a='.repeat(20)),
    );
    fc.assert(
      fc.property(fc.array(arg, { minLength: 1, maxLength: 12 }), fc.integer({ min: 2, max: 30 }), (given, half) => {
        const args = given.map((text) => text.replaceAll('\0', ''));
        const texts = kernelExecve(
          args.map((text) => Buffer.from(text.toWellFormed())),
          half * 2,
        );
        expect(argumentsOf(execve(...texts))).toEqual({
          args: args.map((text) => text.toWellFormed()),
          count: args.length,
          isIncomplete: false,
        });
      }),
    );
  });
});

describe('commandLineOf', () => {
  it('quotes as a shell would need it', () => {
    expect(commandLineOf(['bash', '-c', 'a b', "it's", '', '$HOME', '--x=/y:z,1'])).toBe(
      `bash -c 'a b' 'it'\\''s' '' '$HOME' --x=/y:z,1`,
    );
  });
});
