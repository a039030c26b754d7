// Brokers' addresses as people and brokers write them: with or without a scheme, with or without the default port.

const defaultPort = 4222

/** HOST:PORT, the same for every way to write an address. */
export function bareAddress(server: string): string {
  const address = server.replace(/^\w+:\/\//, '')
  return /:\d+$/.test(address) ? address : `${address}:${defaultPort}`
}

/** Each broker once, where it was named first, as it was named last. */
export const distinctServers = (servers: readonly string[]): string[] => [
  ...new Map(servers.map(server => [bareAddress(server), server])).values(),
]
