import test from 'ava'
import { BrokerUnreachable } from '../../src/actors/client/broker-connection.ts'
import { LogUnavailable } from '../../src/actors/tracker/event-log.ts'
import { untilAvailable } from '../../src/cluster/until-available.ts'

/** Fails with each of these, then answers. */
function failing(...errors: Error[]) {
  let times = 0
  const act = async () => {
    const error = errors[times++]
    if (error) throw error
    return 'answered'
  }
  return { act, times: () => times }
}

test('Brokers that cannot answer yet are asked again.', async t => {
  const { act, times } = failing(new BrokerUnreachable('starting'), new LogUnavailable('electing'))
  t.is(await untilAvailable(act, 60_000), 'answered')
  t.is(times(), 3)
})

test('Any other failure is thrown at once.', async t => {
  const { act, times } = failing(new RangeError('broken'))
  await t.throwsAsync(untilAvailable(act, 60_000), { instanceOf: RangeError })
  t.is(times(), 1)
})

test('When the time is up, the last failure is thrown.', async t => {
  const { act } = failing(...Array.from({ length: 1_000 }, (_, time) => new LogUnavailable(`time ${time}`)))
  await t.throwsAsync(untilAvailable(act, 0), { instanceOf: LogUnavailable })
})
