// devices, device logout: the devices that this person is logged in on, and logging one of them out from here.

import { isDeviceId } from '../../domain/names.ts'
import { formatMoment } from '../../domain/quantities.ts'
import { done, refuse } from '../../domain/refusal.ts'
import type { TrackerResult } from '../../wire/tracker-api.ts'
import { askTrackers } from '../ask.ts'
import { command } from '../command.ts'
import { renderTable } from '../render/table.ts'
import type { Result } from '../result.ts'

type ListedDevice = TrackerResult<'device.list'>[number] & {
  /** The device that asks. */
  readonly this: boolean
}

const devices = command({
  name: 'devices',
  summary: 'List the devices you are logged in on.',
  example: 'devices',
  async run(context): Promise<Result<ListedDevice[]>> {
    const answer = await askTrackers(context, 'device.list', {})
    if (!answer.ok) return answer
    const own = context.home.device()
    return done(answer.value.map(row => ({ ...row, this: row.device === own })))
  },
  render: (rows, style) =>
    renderTable<ListedDevice>(
      [
        { head: 'DEVICE', cell: ({ device }) => device },
        { head: 'NAME', cell: row => (row.this ? `${row.name} (this one)` : row.name) },
        { head: 'LOGGED IN', cell: ({ since }) => formatMoment(since) },
        { head: 'SEEN', cell: ({ online, seen }) => (online ? 'online' : formatMoment(seen)) },
      ],
      rows,
      style,
    ),
})

const logoutDevice = command({
  name: 'device logout',
  summary: 'Log out another device of yours, such as one you lost. Asks for your password.',
  example: 'device logout 0a1b2c3d4e5f',
  args: { device: "the device's id, as shoal devices lists it" },
  async run(context, { device }): Promise<Result<{ device: string }>> {
    const session = context.home.session()
    if (!session) return refuse('not-logged-in', 'you are not logged in on this device; run shoal login USER')
    if (device === session.device) return refuse('usage', 'this is the device you are using; run shoal logout')
    if (!isDeviceId(device))
      return refuse('no-such-device', 'a device id has 12 lowercase letters or digits; see shoal devices')
    const { user } = session
    const password = await context.passwords.ask(user, { isNew: false })
    if (!password.ok) return password
    const { withPassword } = await import('../with-password.ts')
    const proof = { user, password: password.value, command: `device logout ${device}` }
    return withPassword(context, proof, async ask => {
      const answer = await ask('revoke-device', { device })
      if (!answer.ok) return answer
      context.home.saveSeen(answer.value.seq, answer.value.epoch)
      return done({ device })
    })
  },
  render: ({ device }) =>
    `Logged out ${device}. If someone else may know your password, change it: shoal passwd --log-out-others`,
})

export const deviceCommands = [devices, logoutDevice]
