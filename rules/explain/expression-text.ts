// The checked tree → text again: an expression, or a part of it, as a rule's author could have written it. For messages; never read back.
import type { Expression, PipelineStep } from '../expression/syntax.ts';

/** Lists and arrays with more members are cut. */
const MEMBERS_SHOWN = 6;
/** A longer text is cut. */
const TEXT_LENGTH_MAX = 300;

/** On one line, at most 300 characters. */
export function expressionText(expression: Expression): string {
  const text = textOf(expression);
  return text.length > TEXT_LENGTH_MAX ? `${text.slice(0, TEXT_LENGTH_MAX - 1)}…` : text;
}

function textOf(expression: Expression): string {
  switch (expression.kind) {
    case 'literal':
      return JSON.stringify(expression.value);
    case 'list':
    case 'macro':
      return `$${expression.name}`;
    case 'array':
      return `[${membersText(expression.items.map(textOf))}]`;
    case 'name':
      return /^[A-Za-z_][A-Za-z0-9_]*$/.test(expression.name) ? expression.name : `\`${expression.name}\``;
    case 'path':
      return expression.steps.map(({ of, filters }) => textOf(of) + filtersText(filters)).join('.');
    case 'context':
      return '$';
    case 'root':
      return '$$';
    case 'filter':
      return textOf(expression.of) + filtersText(expression.filters);
    case 'compare':
    case 'arithmetic':
      return `${operandText(expression.left, expression)} ${expression.operator} ${operandText(expression.right, expression)}`;
    case 'in':
      return `${operandText(expression.left, expression)} in ${operandText(expression.right, expression)}`;
    case 'logic':
      return expression.operands.map((operand) => operandText(operand, expression)).join(` ${expression.operator} `);
    case 'concatenation':
      return expression.operands.map((operand) => operandText(operand, expression)).join(' & ');
    case 'negation':
      return `-${textOf(expression.of)}`;
    case 'condition': {
      const otherwise = expression.otherwise === undefined ? '' : ` : ${textOf(expression.otherwise)}`;
      return `${textOf(expression.test)} ? ${textOf(expression.then)}${otherwise}`;
    }
    case 'block':
      return `(${expression.body.map(textOf).join('; ')})`;
    case 'call':
      return `$${expression.name}(${expression.args.map(textOf).join(', ')})`;
    case 'regex':
      return `/${expression.source}/${expression.flags}`;
    case 'range':
      return `${textOf(expression.left)}..${textOf(expression.right)}`;
    case 'wildcard':
      return '*';
    case 'descendants':
      return '**';
    case 'parent':
      return '%';
    case 'variable':
    case 'function':
      return `$${expression.name}`;
    case 'bind':
      return `$${expression.name} := ${textOf(expression.value)}`;
    case 'lambda':
      return `function(${expression.parameters.map((name) => `$${name}`).join(', ')}) { ${textOf(expression.body)} }`;
    case 'tail':
    case 'invoke':
    case 'partial':
      return `${textOf(expression.procedure)}(${expression.args.map((argument) => (argument === undefined ? '?' : textOf(argument))).join(', ')})`;
    case 'apply':
      return `${textOf(expression.left)} ~> ${textOf(expression.right)}`;
    case 'keep':
      return `${textOf(expression.of)}[]`;
    case 'pipeline':
      return expression.steps.map(pipelineStepText).join('.');
    case 'object':
      return '{…}';
    case 'group':
      return `${textOf(expression.of)}{…}`;
    case 'transform':
      return '|…|';
  }
}

function pipelineStepText({ of, stages, focus, index }: PipelineStep): string {
  const step = of.kind === 'sort' ? '^(…)' : textOf(of);
  const bound = `${focus === undefined ? '' : `@$${focus}`}${index === undefined ? '' : `#$${index}`}`;
  const tests = stages.map((stage) => (stage.kind === 'filter' ? `[${textOf(stage.test)}]` : `#$${stage.name}`));
  return step + bound + tests.join('');
}

function filtersText(filters: readonly Expression[]): string {
  return filters.map((filter) => `[${textOf(filter)}]`).join('');
}

/** Blocks keep the author's parentheses; only `or` within `and` would read otherwise without them. */
function operandText(operand: Expression, within: Expression): string {
  const text = textOf(operand);
  const isLooser = operand.kind === 'logic' && (within.kind !== 'logic' || within.operator !== operand.operator);
  return isLooser ? `(${text})` : text;
}

function membersText(members: readonly string[]): string {
  const rest = members.length - MEMBERS_SHOWN;
  return rest <= 0 ? members.join(', ') : `${members.slice(0, MEMBERS_SHOWN).join(', ')}, … ${rest} more`;
}
