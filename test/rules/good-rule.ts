// A rule with which nothing is wrong: tests change one thing in it.
export const GOOD = `id: good
name: A good rule
severity: high
match: process.name in $shells
tests:
  - { name: yes it is, events: [{ process.name: bash }], alerts: 1 }
  - { name: no it is not, events: [{ process.name: ls }], alerts: 0 }
`;
