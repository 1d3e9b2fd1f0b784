// The head of a Sigma rule for tests.
export const DEFAULT_ONE = {
  title: 'A rule',
  id: '7d9d7a1c-5a0e-4d0e-9d5e-0a8d6c1b2f3e',
  level: 'low',
  status: 'test',
  logsource: { product: 'linux', category: 'process_creation' },
} as const;
