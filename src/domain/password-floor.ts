// The least that a new password must be, whichever program sends it: trackers hold everyone to this. The command line asks for
// more (cli/check-new-password.ts), because estimating how soon a password is guessed takes dictionaries.

import { done, type Outcome, refuse } from './refusal.ts'
import { skeleton } from './skeleton.ts'

/**
 * In characters, as NIST SP 800-63B counts them: Unicode code points. Its revision 3 asks for 8. Revision 4 asks for 15 where
 * nothing but a password lets a person in; ADR 24 says why 8 and an estimate are enough here.
 */
export const leastPasswordLength = 8

/** Refuses with `weak-password`. A password of this user's that is in use is not for it to judge. */
export function checkPasswordFloor(user: string, password: string): Outcome<void> {
  const { length } = [...password]
  if (length < leastPasswordLength)
    return refuse(
      'weak-password',
      `this password has ${length} of at least ${leastPasswordLength} characters; use three or more unrelated words`,
    )
  if (skeleton(password) === skeleton(user))
    return refuse('weak-password', 'this password is your user id; use three or more unrelated words')
  return done(undefined)
}
