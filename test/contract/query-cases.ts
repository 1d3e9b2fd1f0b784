// What people type and what it finds: the language reference's examples (docs/search.md), on a handful of events. Every store finds
// the same.
import type { NewEvent } from '../../event/document.ts';
import { START_MS } from './event-samples.ts';

const at = (minutes: number): string => new Date(START_MS + minutes * 60_000).toISOString();

/** What `now` stands for: an hour after the first of the events. */
export const CASES_NOW_MS: number = START_MS + 3_600_000;

/** Of a day each, and of one minute each. */
export const CASE_EVENTS: readonly NewEvent[] = [
  {
    id: 'bash',
    document: {
      '@timestamp': at(0),
      event: {
        action: 'executed',
        outcome: 'success',
        original: 'type=EXECVE a0="bash" a1="-c" a2="curl -s http://x"',
      },
      process: {
        name: 'bash',
        pid: 100,
        executable: '/usr/bin/bash',
        args: ['bash', '-c'],
        command_line: "bash -c 'curl -s http://x'",
      },
      user: { name: 'root', id: '0' },
      tags: ['exec'],
    },
  },
  {
    id: 'dash',
    document: {
      '@timestamp': at(10),
      event: { action: 'executed', outcome: 'success', original: 'type=EXECVE a0="dash"' },
      process: { name: 'dash', pid: 200, executable: '/usr/bin/dash', args: ['dash'], parent: { name: 'apache2' } },
      user: { name: 'www-data', id: '33' },
    },
  },
  {
    id: 'connect',
    document: {
      '@timestamp': at(20),
      event: { action: 'connected-to', outcome: 'failure', original: 'type=SOCKADDR saddr=0200' },
      error: { code: 'EINPROGRESS' },
      process: { name: 'curl', pid: 300 },
      destination: { ip: '10.20.30.40', port: 443 },
      network: { direction: 'egress', transport: 'tcp' },
      user: { name: 'root', id: '0' },
    },
  },
  {
    id: 'connect6',
    document: {
      '@timestamp': at(30),
      event: { action: 'connected-to', outcome: 'success' },
      process: { name: 'Curl', pid: 301 },
      destination: { ip: '2001:db8::7', port: 53 },
      network: { direction: 'egress' },
    },
  },
  {
    id: 'file',
    document: {
      '@timestamp': at(40),
      event: { action: 'opened-file' },
      file: { path: '/etc/shadow' },
      auditd: { paths: [{ name: '/etc' }, { name: '/etc/shadow' }] },
      message: 'ann opened file /etc/shadow using vim',
      user: { name: 'ann' },
    },
  },
  {
    id: 'other',
    document: {
      '@timestamp': at(50),
      message: 'Failed password for root',
      'odd field': 'a:b "c" * (d) \\',
      custom: { size: 12, flag: true, text: 'İstanbul' },
      process: { working_directory: '/etc/' },
    },
  },
  {
    id: 'yesterday',
    document: { '@timestamp': at(-1_440), process: { name: 'sshd', pid: 7 }, user: { name: 'root' } },
  },
];

/** A query, and the ids that it finds, oldest first. */
export const QUERY_CASES: readonly (readonly [query: string, found: string])[] = [
  ['*', 'yesterday bash dash connect connect6 file other'],
  ['*:*', 'yesterday bash dash connect connect6 file other'],
  ['process.name:bash', 'bash'],
  ['process.name: "bash"', 'bash'],
  ['process.name:BASH', 'bash'],
  ['process.args:-c', 'bash'],
  ['process.name:(bash or dash)', 'bash dash'],
  ['process.name:?ash', 'bash dash'],
  ['process.executable:/usr/bin/*sh', 'bash dash'],
  ['process.command_line:*curl\\ -s*', 'bash'],
  ['process.name:/[bd]ash/', 'bash dash'],
  ['process.name:/ash/', ''],
  ['file.path:/\\/etc\\/(passwd|shadow)/', 'file'],
  ['process.pid:[100 TO 300}', 'bash dash'],
  ['process.pid >= 300', 'connect connect6'],
  ['process.pid:>=300', 'connect connect6'],
  ['process.pid:[* TO 99]', 'yesterday'],
  ['destination.ip:10.0.0.0/8', 'connect'],
  ['destination.ip:"2001:db8::/32"', 'connect6'],
  ['destination.ip:2001:DB8:0:0::7', 'connect6'],
  ['destination.ip:10.20.*', 'connect'],
  ['destination.ip >= 10.0.0.0 and destination.ip <= 10.255.255.255', 'connect'],
  ['destination.port:443', 'connect'],
  ['_exists_:error.code', 'connect'],
  ['error.code:*', 'connect'],
  ['event.action:connected-to and not error.code:*', 'connect6'],
  ['event.action:connected-to -user.name:root', 'connect6'],
  ['event.action:connected-to !user.name:root', 'connect6'],
  ['+event.action:connected-to +user.name:root', 'connect'],
  ['user.name:root AND (process.name:bash OR process.name:sshd)', 'yesterday bash'],
  ['user.name:root && process.name:bash || user.name:ann', 'bash file'],
  ['user.name:root process.name:bash', 'bash'],
  ['process.*name:apache2', 'dash'],
  ['auditd.paths.name:/etc', 'file'],
  ['@timestamp:2026-11-20', 'yesterday'],
  ['@timestamp >= 2026-11-21', 'bash dash connect connect6 file other'],
  ['@timestamp:>2026-11-20', 'bash dash connect connect6 file other'],
  ['@timestamp:[now-25m TO now]', 'file other'],
  ['@timestamp < now/d', 'yesterday'],
  ['@timestamp:[now-1d/d TO now/d}', 'yesterday'],
  ['curl', 'bash'],
  ['"curl -s"', 'bash'],
  ['cu*-s', 'bash'],
  ['/a[01]="(ba|da)sh"/', 'bash dash'],
  ['message:password', 'other'],
  ['message:"failed password"', 'other'],
  ['message:/^failed.*root$/', 'other'],
  ['odd\\ field:*', 'other'],
  ['"odd field":"a:b \\"c\\" * (d) \\\\"', 'other'],
  ['odd\\ field:a\\:b*', 'other'],
  ['custom.size > 5', 'other'],
  ['custom.flag:true', 'other'],
  ['custom.text:istanbul', 'other'],
  ['_id:"ID"', ''],
  ['_id:other', 'other'],
  ['_id:OTHER', ''],
  ['_id:"other" AND NOT _id:bash', 'other'],
  ['NOT _id:other AND custom.flag:true', ''],
  ['_id:(other OR bash OR nobody)', 'bash other'],
  ['process.working_directory:"/etc/"', 'other'],
  ['process.working_directory:/ or file.path:/etc/shadow', 'file'],
  ['not user.name:*', 'connect6 other'],
  ['not (user.name:root or user.name:ann)', 'dash connect6 other'],
  ['custom.size:"12"', 'other'],
  ["user.name:'root' and destination.ip:*", 'connect'],
];
