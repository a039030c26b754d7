// Whether a password that a person chooses is hard enough to guess, and if not, why. zxcvbn estimates how many guesses it
// takes with a list of common passwords, words, names, dates and rows of keys. It loads with the first estimate, since few
// commands need one. The password goes nowhere.

import { newPasswordTunables } from '../../config/client.ts'
import { checkPasswordFloor } from '../domain/password-floor.ts'
import { done, type Outcome, refuse } from '../domain/refusal.ts'

const fewWords = 'it is little more than a common word or two'
const fewParts = 'it has few parts, and some are common'

/** zxcvbn's warnings in our words. */
const weaknesses: Readonly<Record<string, string>> = {
  topTen: 'it is one of the most used passwords',
  topHundred: 'it is one of the most used passwords',
  common: 'it is a common password',
  similarToCommon: 'it is close to a common password',
  wordByItself: fewWords,
  namesByThemselves: 'it is little more than a name',
  commonNames: 'it is little more than a name',
  userInputs: 'it is little more than your user id',
  straightRow: 'it follows a row of keys',
  keyPattern: 'it follows neighbouring keys',
  simpleRepeat: 'it repeats one character',
  extendedRepeat: 'it repeats a few characters',
  sequences: 'it is a sequence, as abc and 123 are',
  recentYears: 'it is little more than a year',
  dates: 'it is little more than a date',
}

/** For a password that is chosen now, not for one in use. Refuses with `weak-password`, says why, and what to do. */
export async function checkNewPassword(user: string, password: string): Promise<Outcome<void>> {
  const floor = checkPasswordFloor(user, password)
  if (!floor.ok) return floor
  const { passwordEstimator } = await import('./password-estimator.ts')
  const { guesses, feedback, sequence } = passwordEstimator.check(password, [user, 'shoal'])
  if (guesses >= newPasswordTunables.leastGuesses) return done(undefined)
  const isWords = sequence.every(({ pattern }) => pattern === 'dictionary')
  const why = weaknesses[feedback.warning ?? ''] ?? (isWords ? fewWords : fewParts)
  return refuse('weak-password', `this password is easy to guess: ${why}; use three or more unrelated words`)
}
