// The agent's way in, where a broker answers late: bare sockets that speak the first words of a broker.

import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import test from 'ava'
import pino from 'pino'
import { runAgent } from '../../../src/actors/agent/run-agent.ts'
import { openHome } from '../../../src/actors/device/home.ts'
import { closed } from '../../helpers/closed.ts'
import { tempFolder } from '../../helpers/temp-folder.ts'

const info = JSON.stringify({ server_id: 'N', version: '2.15.1', proto: 1, max_payload: 1_048_576, headers: true })

test('An agent that is told to stop while a broker lets it in leaves no connection behind.', async t => {
  const home = openHome(join(tempFolder(t), 'home'))
  home.saveSession({ user: 'alice', device: home.device(), credential: 'c'.repeat(43) })
  const broker = createServer()
  t.teardown(() => broker.close())
  broker.listen(0, '127.0.0.1')
  await once(broker, 'listening')
  const servers = [`nats://127.0.0.1:${(broker.address() as AddressInfo).port}`]
  const knocks = once(broker, 'connection')
  const agent = await runAgent({ home, servers, log: pino({ level: 'silent' }) })
  const [socket] = (await knocks) as [Socket]
  socket.on('error', () => {})
  await agent.stop()
  const left = closed(socket)
  socket.on('data', said => {
    if (said.includes('PING')) socket.write('PONG\r\n')
  })
  socket.write(`INFO ${info}\r\n`)
  await left
  t.pass()
})
