// What the prompt tells a person unasked, over an agent that says what the test says.

import test from 'ava'
import type { AgentClient } from '../../../src/actors/client/agent-client.ts'
import { Notifications } from '../../../src/cli/shell/notifications.ts'
import type { DownloadState } from '../../../src/wire/agent-api.ts'

function startNotifications() {
  const said: string[] = []
  const tell = new Map<string, (item: unknown) => void>()
  const agent = {
    ask(method: string, _: object, { onProgress }: { onProgress: (item: unknown) => void }) {
      tell.set(method, onProgress)
      return new Promise(() => {})
    },
  } as unknown as AgentClient
  const notifications = new Notifications(line => said.push(line))
  notifications.followAgent(agent)
  const download = (state: DownloadState) =>
    tell.get('downloads.watch')?.([{ id: 1, name: 'film.bin', state, path: '/film.bin', bytes: { total: 1 } }])
  const trouble = (message: string) => tell.get('troubles.watch')?.(message)
  return { said, notifications, download, trouble }
}

test('A download that ends is announced, and so is a file that is no longer shared.', t => {
  const { said, download, trouble } = startNotifications()
  download('downloading')
  download('completed')
  trouble('film.bin is no longer shared with reef')
  t.is(said.length, 2)
})

test('An event that the running command reports itself is not announced too, unless the person stops waiting for it.', t => {
  const { said, notifications, download } = startNotifications()
  notifications.muteDownload(1)
  download('downloading')
  download('completed')
  t.deepEqual(said, [])

  const takeBack = notifications.muteDownload(1)
  download('downloading')
  takeBack()
  download('completed')
  t.is(said.length, 1)
})
