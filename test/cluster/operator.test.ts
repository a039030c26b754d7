// The operator's way in, where brokers turn it away: bare sockets that speak the first words of a broker.

import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import test, { type ExecutionContext } from 'ava'
import { connectOperator } from '../../src/cluster/operator.ts'
import { createSecrets } from '../../src/cluster/secrets.ts'
import { tempFolder } from '../helpers/temp-folder.ts'

/** Brokers of one cluster, which tell of each other and let nobody in. */
async function brokersThatRefuse(t: ExecutionContext, count: number): Promise<string[]> {
  const addresses: string[] = []
  for (let index = 0; index < count; index += 1) {
    const broker = createServer(socket => {
      socket.on('error', () => {})
      socket.on('data', () => socket.end("-ERR 'Authorization Violation'\r\n"))
      const said = { server_id: `N${index}`, version: '2.15.1', proto: 1, max_payload: 1, headers: true }
      const info = { ...said, auth_required: true, nonce: 'bm9uY2U', connect_urls: addresses }
      socket.write(`INFO ${JSON.stringify(info)}\r\n`)
    }).listen(0, '127.0.0.1')
    await once(broker, 'listening')
    t.teardown(() => broker.close())
    addresses.push(`127.0.0.1:${(broker.address() as AddressInfo).port}`)
  }
  return addresses
}

test('Brokers that do not know these keys are asked only a few times.', async t => {
  const servers = await brokersThatRefuse(t, 3)
  await t.throwsAsync(connectOperator(servers, createSecrets(tempFolder(t))))
})
