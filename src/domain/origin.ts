// The origin of a connection, as far as addresses tell people apart: an IPv4 address, or the first 64 bits of an IPv6
// address, since a site gets all addresses of such a prefix (RFC 6177). One short token per origin.

import { isIPv6 } from 'node:net'

const networkGroups = 4
const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i

/** `host` is an address as text. Any other text is its own origin. */
export function originOf(host: string): string {
  const address = host.replace(/%.*$/, '')
  if (!isIPv6(address)) return address
  const ipv4 = mapped.exec(address)?.[1]
  if (ipv4 !== undefined) return ipv4
  const [before = '', after] = address.split('::')
  const groups = (text: string) => (text === '' ? [] : text.split(':'))
  // An IPv4 address at the end stands for two groups.
  const missing = 8 - groups(before).length - groups(after ?? '').length - (address.includes('.') ? 1 : 0)
  const all = after === undefined ? groups(before) : [...groups(before), ...Array(missing).fill('0'), ...groups(after)]
  return all
    .slice(0, networkGroups)
    .map(group => Number.parseInt(group, 16).toString(16))
    .join(':')
}
