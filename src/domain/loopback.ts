// Whether a host is this machine's own loopback, which nothing leaves. By its name alone: what a name resolves to is
// somebody else's word, so any other name may be anywhere.

/** `host` without brackets. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)
