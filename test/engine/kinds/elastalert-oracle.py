#!/usr/bin/env python3
"""Records what ElastAlert's own rule classes find over random traffic in order: cases/elastalert-more.jsonl.

    python3 -m venv venv && venv/bin/pip install elastalert2==2.31.0     # needs Python 3.13
    venv/bin/python test/engine/kinds/elastalert-oracle.py > test/engine/kinds/cases/elastalert-more.jsonl

Each case has its options as the classes take them, and steps: events in order of time, then a run (`garbage_collect`) each minute.
`found` names the event of each match, or `@` and the seconds of the run, with the key where the rule has one. Where a spike differs on purpose
(Amended below), `amended` is what is found with those two differences and no other.
"""
import copy
import datetime
import json
import random
import sys

import elastalert.ruletypes as ruletypes
from elastalert.util import ts_to_dt

START = datetime.datetime(2026, 1, 5, 12, tzinfo=datetime.timezone.utc)
RUNS = 16


class Amended(ruletypes.SpikeRule):
    """Nothing against nothing is no spike, and a key without anything in either window is forgotten, with its first event."""

    def find_matches(self, ref, cur):
        return not (ref == 0 and cur == 0) and super().find_matches(ref, cur)

    def garbage_collect(self, ts):
        for key in list(self.cur_windows):
            placeholder = {self.ts_field: ts, 'placeholder': True}
            if key != 'all':
                placeholder[self.rules['query_key']] = key
            self.handle_event(placeholder, 0, key)
            if key != 'all' and self.ref_windows[key].count() == 0 and self.cur_windows[key].count() == 0:
                for kept in (self.cur_windows, self.ref_windows, self.first_event):
                    kept.pop(key, None)


def at(seconds):
    return (START + datetime.timedelta(seconds=seconds)).strftime('%Y-%m-%dT%H:%M:%SZ')


def row_to_event(row):
    seconds, name, host, user, process, size = row
    event = {'@timestamp': ts_to_dt(at(seconds)), '_id': name, 'network': {'bytes': size}}
    if host is not None:
        event['host'] = {'id': host}
    if user is not None:
        event['user'] = {'name': user}
    if process is not None:
        event['process'] = {'name': process}
    return event


def traffic(rng, busy):
    """Rows for each run; how much comes changes from stretch to stretch."""
    rows, number, rate = [], 0, busy
    for run in range(1, RUNS + 1):
        if rng.random() < 0.35:
            rate = rng.choice([0, 1, 2, busy, 2 * busy])
        times = sorted(rng.choice([rng.randrange(60), 10 * rng.randrange(6)]) + 60 * (run - 1) + 1 for _ in range(rng.randint(0, max(1, 2 * rate)) if rate else 0))
        step = []
        for seconds in times:
            number += 1
            step.append([seconds, 'e%d' % number, rng.choice(['h1', 'h2', 'h3', None]) if rng.random() < 0.9 else 'h1',
                         rng.choice(['root', 'alice', 'www-data', None]), rng.choice(['sh', 'ls', 'nc', 'curl', None]), rng.randrange(500)])
        rows.append(step)
    return rows


def found_name(rule, match):
    name = match.get('_id')
    if name is None:
        seconds = int((ts_to_dt(match['@timestamp']) - START).total_seconds())
        name = '@%d' % seconds
    return name


def record(kind, index, options, rows, cls=None):
    rule = copy.deepcopy(options)
    rule.update({'name': kind, 'timestamp_field': '@timestamp', 'es_host': '', 'es_port': 0})
    if 'timeframe' in rule:
        rule['timeframe'] = datetime.timedelta(**rule['timeframe'])
    ruletypes.ChangeRule.change_map = {}
    ruletypes.ChangeRule.occurrence_time = {}
    cls = cls or {'frequency': ruletypes.FrequencyRule, 'spike': ruletypes.SpikeRule, 'flatline': ruletypes.FlatlineRule, 'any': ruletypes.AnyRule,
           'change': ruletypes.ChangeRule, 'cardinality': ruletypes.CardinalityRule, 'blacklist': ruletypes.BlacklistRule,
           'whitelist': ruletypes.WhitelistRule}[kind]
    one = cls(rule)
    steps = []
    for run, step in enumerate(rows, 1):
        if step:
            one.add_data([row_to_event(row) for row in step])
        matches, one.matches = one.matches, []
        steps.append({'events': step, 'found': [found_name(rule, match) for match in matches]})
        one.garbage_collect(ts_to_dt(at(60 * run)))
        matches, one.matches = one.matches, []
        keyed = 'query_key' in options and kind in ('flatline', 'spike')
        steps.append({'run': 60 * run, 'found': [found_name(rule, match) + (' ' + str(match.get('key', match.get(options['query_key']))) if keyed and '_id' not in match else '') for match in matches]})
    return {'id': '%s-more-%d' % (kind, index), 'type': kind, 'options': options, 'steps': steps}


def main(seed):
    rng = random.Random(seed)
    frames = [60, 90, 120, 180]
    for index in range(40):
        options = {'timeframe': {'seconds': rng.choice([60, 90, 120])}, 'spike_height': rng.choice([1.5, 2, 3]), 'spike_type': rng.choice(['up', 'down', 'both'])}
        if rng.random() < 0.5:
            options['threshold_ref'] = rng.randint(1, 3)
        if rng.random() < 0.5:
            options['threshold_cur'] = rng.randint(1, 4)
        if rng.random() < 0.4:
            options['query_key'] = rng.choice(['user.name', 'host.id'])
        rows = traffic(rng, rng.choice([1, 2]))
        case = record('spike', index, options, rows)
        amended = [name for step in record('spike', index, options, rows, Amended)['steps'] for name in step['found']]
        if amended != [name for step in case['steps'] for name in step['found']]:
            case['amended'] = amended
        print(json.dumps(case, separators=(',', ':')))
    for index in range(12):
        options = {'timeframe': {'seconds': rng.choice(frames)}, 'num_events': rng.randint(2, 6)}
        if rng.random() < 0.6:
            options['query_key'] = rng.choice(['user.name', 'host.id'])
        print(json.dumps(record('frequency', index, options, traffic(rng, 4)), separators=(',', ':')))
    for index in range(8):
        options = {'query_key': rng.choice(['user.name', 'host.id']), 'compound_compare_key': rng.choice([['process.name'], ['process.name', 'user.name']]),
                   'ignore_null': rng.random() < 0.5}
        if rng.random() < 0.5:
            options['timeframe'] = {'seconds': rng.choice(frames)}
        print(json.dumps(record('change', index, options, traffic(rng, 3)), separators=(',', ':')))
    for index in range(8):
        options = {'timeframe': {'seconds': rng.choice(frames)}, 'cardinality_field': rng.choice(['process.name', 'user.name']), 'max_cardinality': rng.randint(1, 3)}
        if rng.random() < 0.5:
            options['query_key'] = 'host.id'
        print(json.dumps(record('cardinality', index, options, traffic(rng, 4)), separators=(',', ':')))
    for index in range(6):
        options = {'compare_key': 'user.name', 'compound_compare_key': ['user.name'], 'blacklist': rng.sample(['root', 'alice', 'www-data', 'bob'], 2)}
        print(json.dumps(record('blacklist', index, options, traffic(rng, 3)), separators=(',', ':')))
        options = {'compare_key': 'process.name', 'compound_compare_key': ['process.name'], 'whitelist': rng.sample(['sh', 'ls', 'nc', 'vi'], 2), 'ignore_null': index % 2 == 0}
        print(json.dumps(record('whitelist', index, options, traffic(rng, 3)), separators=(',', ':')))
    for index in range(12):
        options = {'timeframe': {'seconds': rng.choice(frames)}, 'threshold': rng.randint(1, 4)}
        if index % 2 == 0:
            options['query_key'] = rng.choice(['user.name', 'host.id'])
        print(json.dumps(record('flatline', index, options, traffic(rng, 3)), separators=(',', ':')))


if __name__ == '__main__':
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20260105)
