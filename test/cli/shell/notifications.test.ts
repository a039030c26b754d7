// What a person at the prompt is told without asking, over an agent that says what the test says.

import test from 'ava'
import type { DeviceConnection } from '../../../src/cli/device-connection.ts'
import { createNews } from '../../../src/cli/shell/notifications.ts'
import type { DownloadState } from '../../../src/wire/agent-api.ts'

function startNews() {
  const said: string[] = []
  const tell = new Map<string, (item: unknown) => void>()
  const link = {
    session: { user: 'alice' },
    connection: { subscribe: () => ({ unsubscribe() {} }) },
    agent: {
      ask(method: string, _: object, { onProgress }: { onProgress: (item: unknown) => void }) {
        tell.set(method, onProgress)
        return new Promise(() => {})
      },
    },
  } as unknown as DeviceConnection
  const news = createNews(line => said.push(line))
  news.follow(link)
  const download = (state: DownloadState) =>
    tell.get('downloads.watch')?.([{ id: 1, name: 'film.bin', state, path: '/film.bin', bytes: { total: 1 } }])
  const trouble = (message: string) => tell.get('troubles.watch')?.(message)
  return { said, news, download, trouble }
}

test('A download that ends is news, and so is a file that is not shared any more.', t => {
  const { said, download, trouble } = startNews()
  download('downloading')
  download('completed')
  trouble('film.bin is no longer shared with reef')
  t.is(said.length, 2)
})

test('What the command that runs will say itself is no news, unless the person stops waiting for it.', t => {
  const { said, news, download } = startNews()
  news.leaveOut(1)
  download('downloading')
  download('completed')
  t.deepEqual(said, [])

  const takeBack = news.leaveOut(1)
  download('downloading')
  takeBack()
  download('completed')
  t.is(said.length, 1)
})
