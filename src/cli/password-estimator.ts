// zxcvbn with its dictionaries: how many guesses find a password. It is a megabyte, so only what needs it imports this file,
// and dynamically. The imports here are static because of the bundle, in which a CommonJS package that is imported
// dynamically has no names.

import { ZxcvbnFactory } from '@zxcvbn-ts/core'
import * as common from '@zxcvbn-ts/language-common'
import * as english from '@zxcvbn-ts/language-en'
import { newPasswordTunables } from '../../config/client.ts'

// Most surnames are among its common words, and these two lists are half of what has to be prepared.
const { 'lastnames-en': _surnames, 'wikipedia-en': _rareWords, ...words } = english.dictionary

export const passwordEstimator = new ZxcvbnFactory({
  dictionary: { ...common.dictionary, ...words },
  graphs: common.adjacencyGraphs,
  maxLength: newPasswordTunables.estimatedCharacters,
})
