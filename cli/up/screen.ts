// The one screen of `vedette up`: what runs, what does not and why, where everything lies, what to try next. Pure.
import { formatDiagnostic, visible } from '../../rules/diagnostic.ts';
import { quoted } from '../call.ts';
import { modeInWords } from '../collector-words.ts';
import { counted } from '../table.ts';
import type { CollectorReady, ServerReady } from './child-message.ts';

export interface Screen {
  readonly version: string;
  readonly dataFolder: string;
  readonly configFile: string | undefined;
  readonly server: ServerReady;
  readonly collector: CollectorReady;
  /** How the command is called here: `npx vedette`, or `vedette`. */
  readonly program: string;
  /** What the commands need to find this very server; '' where the defaults do. */
  readonly clientOptions: string;
  /** A rule to try, as a path that works from the current folder. */
  readonly sampleRule: string;
}

/** Broken rules that are shown in full; `vedette rules lint` shows all. */
const DIAGNOSTICS_SHOWN = 5;
const LABEL_WIDTH = 11;

export function renderScreen(screen: Screen): string {
  const { server, collector, program } = screen;
  const errors = server.diagnostics.filter(({ severity }) => severity === 'error');
  const rules = [
    `${counted(server.rulesLoaded, 'rule')} loaded${errors.length === 0 ? '' : `, ${counted(errors.length, 'error')} (below)`}`,
    ...server.ruleFolders,
  ];
  const rows: readonly (readonly [string, readonly string[]])[] = [
    ['collector', modeInWords(collector)],
    ['server', [server.url]],
    ['store', [server.store]],
    ['data', [screen.dataFolder]],
    ...(screen.configFile === undefined ? [] : [['config', [screen.configFile]] as const]),
    ['rules', rules],
    ['alerts to', [server.channels.join(', ')]],
  ];
  const hints = [
    `search 'event.action:executed' --since 1h`,
    'alerts list',
    `backtest ${quoted(screen.sampleRule)} --since 24h`,
    'hosts',
  ].map((hint) => `  ${program} ${hint}${screen.clientOptions}\n`);
  return [
    `\nVedette ${screen.version} is running. Ctrl-C stops everything and puts the kernel back as it was.\n\n`,
    ...rows.map(([label, lines]) => renderRow(label, lines)),
    ...errors.slice(0, DIAGNOSTICS_SHOWN).map((diagnostic) => `\n${formatDiagnostic(diagnostic)}\n`),
    errors.length > DIAGNOSTICS_SHOWN
      ? `\n… and ${errors.length - DIAGNOSTICS_SHOWN} more: ${program} rules lint\n`
      : '',
    '\nTry, in another terminal:\n',
    ...hints,
    '\nAlerts follow as they come.\n\n',
  ].join('');
}

function renderRow(label: string, lines: readonly string[]): string {
  return lines.map((line, index) => `  ${(index === 0 ? label : '').padEnd(LABEL_WIDTH)}${visible(line)}\n`).join('');
}
