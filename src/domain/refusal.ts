// The one vocabulary of failure. A refusal is an expected outcome, so it is a value and never thrown;
// its code is part of the command line's contract, its message says what is wrong and what to do next.

export const refusalCodes = [
  'user-exists',
  'weak-password',
  'sign-up-closed',
  'bad-credentials',
  'disabled',
  'not-logged-in',
  'invalid-name',
  'group-exists',
  'no-such-group',
  'not-member',
  'already-member',
  'already-requested',
  'not-owner',
  'no-such-request',
  'no-such-user',
  'no-such-device',
  'no-such-file',
  'no-such-download',
  'not-running',
  'file-unreadable',
  'name-taken',
  'not-sharing',
  'no-sharers',
  'destination-exists',
  'destination-unwritable',
  'no-space',
  'library-failed',
  'no-quorum',
  'too-many',
  'unreachable',
  'untrusted',
  'usage',
  'integrity',
] as const

export type RefusalCode = (typeof refusalCodes)[number]

export interface Refusal {
  readonly ok: false
  readonly code: RefusalCode
  /** One line of plain text without control characters: what is wrong, and what to do. */
  readonly message: string
}

export type Outcome<T> = { readonly ok: true; readonly value: T } | Refusal

export const done = <T>(value: T): Outcome<T> => ({ ok: true, value })

export const refuse = (code: RefusalCode, message: string): Refusal => ({ ok: false, code, message })
