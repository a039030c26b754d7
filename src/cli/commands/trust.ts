// trust: names by a fingerprint the cluster whose brokers this device trusts, in place of the one before.

import { done } from '../../domain/refusal.ts'
import { command } from '../command.ts'
import type { Result } from '../result.ts'

export const trustCommand = command({
  name: 'trust',
  summary: 'Trust the brokers whose authority has this fingerprint, instead of those trusted before.',
  example: 'trust 3sUoM8v2PqjvJ1xWc0nq8l2m5TnUe7y4bGkZ9aRfDhI',
  args: { fingerprint: 'as shoal cluster fingerprint prints it on their machine' },
  async run({ home, servers, advice, display }, { fingerprint }): Promise<Result<{ fingerprint: string }>> {
    const { findAuthority } = await import('../establish-trust.ts')
    const found = await display.whileWaiting('the brokers', findAuthority(servers, fingerprint, advice.noBroker))
    if (!found.ok) return found
    home.trust.follow(found.value)
    return done({ fingerprint })
  },
  render: ({ fingerprint }) => `This device now trusts the brokers of ${fingerprint}.`,
})
