// The messages as people see them, in full for one alert, and what hostile text does to them: nothing.
import { describe, expect, it } from 'vitest';
import { emailText, SUBJECT_LENGTH_MAX } from '../../alerts/channels/email.ts';
import {
  CONTEXT_LENGTH_MAX,
  FALLBACK_LENGTH_MAX,
  HEADER_LENGTH_MAX,
  RICH_FACTS_MAX,
  slackMessage,
} from '../../alerts/channels/slack.ts';
import { terminalText } from '../../alerts/channels/terminal.ts';
import { webhookBody } from '../../alerts/channels/webhook.ts';
import {
  DESCRIPTION_LENGTH_MAX,
  FACTS_MAX,
  HEADLINE_LENGTH_MAX,
  messageOf,
  VALUE_LENGTH_MAX,
} from '../../alerts/message.ts';
import { formatUtc } from '../../alerts/text.ts';
import { FIGURES } from '../../rules/kind.ts';
import { alertWith, hostileNotification, notificationWith } from './making.ts';

describe('the terminal’s block', () => {
  it('says what, where, who, when and how to see more', () => {
    expect(terminalText(notificationWith(), false)).toBe(
      [
        '[HIGH] apache2 spawned bash on web-1',
        '  Host              web-1 (h1)',
        '  Time              2026-11-21 21:43:44.120 UTC',
        '  User              www-data',
        "  Command line      bash -c 'id; uname -a'",
        '  Detections        1; the same joins this alert until 2026-11-21 22:43:44.000 UTC',
        '  Rule              web-server-spawned-shell (Web server spawned a shell)',
        '  MITRE ATT&CK      T1505.003',
        '  Runbook           https://runbooks.example/web-shell',
        '  Why you get this  a reason',
        '  Alert             0alert',
        '  More              vedette alerts show 0alert',
        '',
        '',
      ].join('\n'),
    );
  });

  it('names who wrote the rule, its licence, and what else it may be', () => {
    const alert = alertWith({
      author: 'A. Writer, B. Writer',
      license: 'DRL-1.1',
      falsePositives: ['Backups', 'Tests'],
    });
    const text = terminalText(notificationWith({ alert }), false);
    expect(text).toContain('  Rule by           A. Writer, B. Writer; licence: DRL-1.1\n');
    expect(text).toContain('  May also be       Backups; Tests\n');
    expect(JSON.stringify(slackMessage(notificationWith({ alert })))).toContain(
      'A. Writer, B. Writer; licence: DRL-1.1',
    );
    expect(emailText(notificationWith({ alert })).text).toContain('A. Writer, B. Writer; licence: DRL-1.1');
    expect(JSON.stringify(webhookBody(notificationWith({ alert })))).toContain('DRL-1.1');
  });

  it('leaves out what the event lacks, and suggests the command that works where it is read', () => {
    const alert = alertWith({
      fields: [
        { name: 'user.effective.name', value: '-' },
        { name: 'process.ancestors.name', value: 'apache2, systemd' },
      ],
    });
    const text = terminalText(notificationWith({ alert }), false, (id) => `npx vedette alerts show ${id} --data /d`);
    expect(text).not.toContain('Effective user');
    expect(text).toContain('  Ancestors         apache2, systemd\n');
    expect(text).toContain('  More              npx vedette alerts show 0alert --data /d\n');
  });

  it('is coloured only where that was asked for', () => {
    expect(terminalText(notificationWith(), true)).toContain('\u001b[1;31m[HIGH]');
    expect(terminalText(notificationWith(), false)).not.toContain('\u001b');
  });

  it('hostile text moves no cursor and adds no line', () => {
    const calm = terminalText(notificationWith(), false).split('\n').length;
    const hostile = terminalText(hostileNotification(), false);
    expect(hostile).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
    expect(hostile.split('\n')).toHaveLength(calm);
  });
});

describe('the e-mail', () => {
  it('has a subject, a text and an HTML form', () => {
    const { subject, text, html } = emailText(notificationWith());
    expect(subject).toBe('Vedette [HIGH] apache2 spawned bash on web-1');
    expect(text).toContain("Command line:     bash -c 'id; uname -a'\n");
    expect(text).toContain('Show it: vedette alerts show 0alert');
    expect(html).toContain('<code>bash -c &#39;id; uname -a&#39;</code>');
    expect(html).toContain('<a href="https://runbooks.example/web-shell">');
  });

  it('hostile text makes no header, no tag and no link', () => {
    const { subject, html } = emailText(hostileNotification());
    expect(subject).not.toMatch(/[\r\n\u001b]/);
    expect(subject.length).toBeLessThanOrEqual(SUBJECT_LENGTH_MAX);
    expect(html).not.toMatch(/<(?!\/?(?:html|body|h2|p|table|tr|th|td|code)\b|!doctype html>)/);
    expect(html).not.toContain('href');
  });
});

describe('the Slack message', () => {
  it('is a header, the facts as rich text and a last line', () => {
    const { text, blocks } = slackMessage(notificationWith());
    expect(text).toBe('[HIGH] apache2 spawned bash on web-1');
    expect(blocks.map(({ type }) => type)).toEqual(['header', 'rich_text', 'context']);
    expect(blocks[0]).toMatchObject({ text: { type: 'plain_text', text: '🟠 [HIGH] apache2 spawned bash on web-1' } });
    expect(blocks[1]).toMatchObject({
      elements: expect.arrayContaining([
        { type: 'rich_text_preformatted', elements: [{ type: 'text', text: "bash -c 'id; uname -a'" }] },
      ]),
    });
    expect(JSON.stringify(blocks[1])).toContain('"url":"https://runbooks.example/web-shell"');
    expect(JSON.stringify(blocks[2])).toContain('vedette alerts show 0alert');
  });

  it('hostile text is escaped or literal: no mention, no link, no formatting', () => {
    const message = slackMessage(hostileNotification());
    const [header, rich, context] = message.blocks;
    for (const parsed of [message.text, JSON.stringify(header), JSON.stringify(context)]) {
      expect(parsed).not.toMatch(/[<>]/);
      expect(parsed).toContain('&lt;!channel&gt;');
    }
    expect(textTypes(rich)).toEqual(new Set(['rich_text', 'rich_text_section', 'rich_text_preformatted', 'text']));
    expect(message).toMatchObject({ parse: 'none', link_names: false, unfurl_links: false, unfurl_media: false });
    expect(JSON.stringify(message)).not.toMatch(/mrkdwn|\\u001b/);
  });

  it('stays within Slack’s limits whatever an alert holds', () => {
    const long = '<'.repeat(100_000);
    const fields = Array.from({ length: 200 }, (_, place) => ({ name: `f${place}`, value: long }));
    const alert = alertWith({ title: long, description: long, hostName: long, fields });
    const { text, blocks } = slackMessage(notificationWith({ alert, reason: long }));
    const [header, rich, context] = blocks as unknown as [
      { text: { text: string } },
      { elements: unknown[] },
      { elements: [{ text: string }] },
    ];
    expect(text.length).toBeLessThanOrEqual(FALLBACK_LENGTH_MAX);
    expect(header.text.text.length).toBeLessThanOrEqual(HEADER_LENGTH_MAX);
    expect(header.text.text).toMatch(/(?:&lt;)+…$/);
    expect(context.elements[0].text.length).toBeLessThanOrEqual(CONTEXT_LENGTH_MAX);
    expect(rich.elements.length).toBeLessThanOrEqual(2 * RICH_FACTS_MAX + 2);
    expect(JSON.stringify(blocks).length).toBeLessThan(30_000);
  });
});

describe('the webhook’s body', () => {
  it('is versioned and holds the alert as it is', () => {
    expect(JSON.parse(webhookBody(notificationWith()))).toMatchObject({
      version: 1,
      kind: 'alert',
      id: '0notification',
      headline: '[HIGH] apache2 spawned bash on web-1',
      command: 'vedette alerts show 0alert',
      alert: { id: '0alert', severity: 'high', count: 1 },
    });
  });
});

describe('messageOf', () => {
  it('bounds the number of facts', () => {
    const fields = Array.from({ length: 500 }, (_, place) => ({ name: `f${place}`, value: 'x' }));
    expect(messageOf(notificationWith({ alert: alertWith({ fields }) })).facts).toHaveLength(FACTS_MAX);
  });

  it('bounds every text', () => {
    const long = '\u001b'.repeat(10_000);
    const fields = [{ name: 'f', value: long }];
    const message = messageOf(notificationWith({ alert: alertWith({ title: long, description: `x${long}`, fields }) }));
    expect(message.headline).toHaveLength(HEADLINE_LENGTH_MAX);
    expect(message.description).toHaveLength(DESCRIPTION_LENGTH_MAX);
    expect(message.facts.find(({ label }) => label === 'f')?.value).toHaveLength(VALUE_LENGTH_MAX);
  });

  it('calls every figure of rules on many events by a word of its own', () => {
    const fields = [...new Set(Object.values(FIGURES).flat())].map((name) => ({ name, value: '5' }));
    const { facts } = messageOf(notificationWith({ alert: alertWith({ fields }) }));
    const labels = facts.filter(({ value }) => value === '5').map(({ label }) => label);
    expect(labels).toHaveLength(fields.length);
    for (const { name } of fields) expect(labels).not.toContain(name);
    expect(new Set(facts.map(({ label }) => label.toLowerCase())).size).toBe(facts.length);
  });

  it('says nothing of suppression where there is none', () => {
    const { facts } = messageOf(notificationWith({ alert: alertWith({ suppressedUntilMs: 0 }) }));
    expect(facts.find(({ label }) => label === 'Detections')?.value).toBe('1');
  });

  it('bears times that no calendar holds', () => {
    expect(formatUtc(1e300)).toBe('1e+300 ms');
  });
});

function textTypes(value: unknown, types: Set<string> = new Set()): Set<string> {
  if (Array.isArray(value)) for (const member of value) textTypes(member, types);
  else if (typeof value === 'object' && value !== null) {
    if ('type' in value) types.add(String(value.type));
    for (const member of Object.values(value)) textTypes(member, types);
  }
  return types;
}
