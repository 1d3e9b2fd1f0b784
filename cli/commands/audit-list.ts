// `vedette audit list`
import { join } from 'node:path';
import { ownRuleTest } from '../../collector/audit-rules/rule-ledger.ts';
import { wordsOf } from '../../collector/audit-rules/rule-loader.ts';
import { openAuditControl } from '../../collector/netlink/audit-control.ts';
import { visible } from '../../rules/diagnostic.ts';
import { type Command, printJson } from '../command.ts';
import { CONFIG_OPTIONS, loadConfig } from '../config.ts';
import { EXIT, fail } from '../failure.ts';
import { counted } from '../table.ts';

export const auditList: Command = {
  name: 'audit list',
  synopsis: '',
  description:
    'Lists the audit rules that this host’s kernel has, in its order and in auditctl’s words; those of the collector are marked. Asks the kernel and changes nothing; needs root or CAP_AUDIT_CONTROL.',
  positionals: { least: 0, most: 0 },
  options: { ...CONFIG_OPTIONS },
  examples: [
    ['vedette audit list', 'What the kernel has.'],
    ['vedette audit list --json', 'The same for programs, with the settings.'],
  ],
  async run(invocation) {
    const config = await loadConfig(invocation, []);
    if (!config.isOk) return config.failure;
    const opened = openAuditControl();
    const listed = opened.kind === 'ok' ? opened.value.listRules() : opened;
    const status = opened.kind === 'ok' ? opened.value.status() : opened;
    if (opened.kind === 'ok') opened.value.close();
    if (listed.kind === 'errno' || status.kind === 'errno') {
      const errno = listed.kind === 'errno' ? listed.errno : 0;
      const message = `the kernel does not list its audit rules (errno ${-errno})`;
      return fail('audit/no-permission', { message, remedy: 'Run it as root, outside of a container.' }).failure;
    }
    const isOwn = ownRuleTest(join(config.value.dataFolder, 'collector'));
    const rules = listed.value.map((rule) => ({ rule: wordsOf(rule), isOurs: isOwn(rule) }));
    const { enabled, failure, backlogLimit, backlogWaitTime, rateLimit, pid, lost } = status.value;
    if (invocation.isJson) {
      printJson(invocation, {
        rules,
        settings: { enabled, failure, backlogLimit, backlogWaitTime, rateLimit, pid, lost },
      });
      return EXIT.fine;
    }
    const { stdout, stderr } = invocation.context;
    for (const { rule, isOurs } of rules) stdout.write(`${isOurs ? '*' : ' '} ${visible(rule)}\n`);
    const own = rules.filter(({ isOurs }) => isOurs).length;
    stderr.write(
      `${counted(rules.length, 'audit rule')}, ${own} of them of the collector (*); auditing is ${enabled === 0 ? 'off' : 'on'}\n`,
    );
    return EXIT.fine;
  },
};
