// What people are told of something that was thrown.

/** The error's message; what is no error says nothing of use. */
export function failureText(error: unknown): string {
  return error instanceof Error ? error.message : 'unknown failure';
}
