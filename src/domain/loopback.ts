// Whether a host is this machine's loopback, whose traffic never leaves it. Decided by the text alone: what any other name
// resolves to depends on DNS, so it may be anywhere.

/** `host` without brackets. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)
