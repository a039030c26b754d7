// Which names are allowed for users, groups, devices and files. Ids become NATS subject tokens, and file names are used on
// other people's disks: anything that is not plainly safe there is refused.

import { done, type Outcome, refuse } from './refusal.ts'

/** Longest user or group id, in characters; keeps every subject far below NATS's limits. */
export const maxIdLength = 64
/** Longest file name, in UTF-8 bytes: the limit of the common file systems, less our `.part`. */
const maxFileNameBytes = 250

const idPattern = /^[A-Za-z0-9][A-Za-z0-9_-]*$/
/** Longest name of a device, in UTF-16 units: a host name has at most 64 on Linux. */
const maxDeviceNameLength = 64

const devicePattern = /^[a-z0-9]{12}$/
// Control characters, and the invisible ones (format characters) that reorder or hide text when a name is shown.
const unshowable = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u

export const isId = (text: string): boolean => text.length <= maxIdLength && idPattern.test(text)

export const isDeviceId = (text: string): boolean => devicePattern.test(text)

/** What a person reads beside a device's id: the host name of its machine. */
export const isDeviceName = (name: string): boolean =>
  name.length > 0 && name.length <= maxDeviceNameLength && !unshowable.test(name)

/** A machine's host name as a device's name; one that cannot be shown is replaced. */
export const toDeviceName = (hostName: string): string => {
  const name = showable(hostName).slice(0, maxDeviceNameLength)
  return isDeviceName(name) ? name : 'unnamed'
}

/** A user or group id as a person typed it; `what` is the word for it in the message. */
export function parseId(what: 'user' | 'group', text: string): Outcome<string> {
  if (isId(text)) return done(text)
  return refuse(
    'invalid-name',
    `a ${what === 'user' ? 'user id' : 'group name'} has 1 to ${maxIdLength} letters (a-z, A-Z), digits, "-" or "_", and starts with a letter or digit`,
  )
}

export function isFileName(name: string): boolean {
  return (
    name.length > 0 &&
    name !== '.' &&
    name !== '..' &&
    name === name.normalize('NFC') &&
    !/[/\\]/.test(name) &&
    !unshowable.test(name) &&
    new TextEncoder().encode(name).length <= maxFileNameBytes
  )
}

/** The name under which a file is shared. Brings it into Unicode's composed form first. */
export function parseFileName(text: string): Outcome<string> {
  const name = text.normalize('NFC')
  if (isFileName(name)) return done(name)
  return refuse(
    'invalid-name',
    `a shared file's name has 1 to ${maxFileNameBytes} bytes and no "/", "\\", control or invisible characters; choose one with --name`,
  )
}

/** Any text, such as a path, fit to stand in a message: what cannot be shown is replaced. */
export const showable = (text: string): string => text.replaceAll(new RegExp(unshowable, 'gu'), '\ufffd')

/** b3 before b29, as people count. */
export const inNaturalOrder = (a: string, b: string): number => a.localeCompare(b, 'en', { numeric: true })
