import test from 'ava'
import fc from 'fast-check'
import { originOf } from '../../src/domain/origin.ts'

test('An IPv4 address is an origin, however it is written.', t => {
  t.is(originOf('10.0.0.7'), '10.0.0.7')
  t.is(originOf('::ffff:10.0.0.7'), '10.0.0.7')
  t.not(originOf('10.0.0.7'), originOf('10.0.0.8'))
})

test('IPv6 addresses that begin with the same 64 bits are one origin, however they are written.', t => {
  for (const host of [
    '2001:db8:0:7::1',
    '2001:DB8::7:0:0:0:2',
    '2001:0db8:0000:0007:1:2:3:4',
    '2001:db8:0:7::10.0.0.7',
  ])
    t.is(originOf(host), '2001:db8:0:7', host)
  t.is(originOf('2001:db8:0:8::1'), '2001:db8:0:8')
  t.is(originOf('::1'), '0:0:0:0')
  t.is(originOf('fe80::1%eth0'), 'fe80:0:0:0')
})

test('All addresses of one /64 network are one origin, and different networks are different origins.', t => {
  const group = fc.integer({ min: 0, max: 0xffff }).map(each => each.toString(16))
  const four = fc.array(group, { minLength: 4, maxLength: 4 })
  fc.assert(
    fc.property(four, four, four, four, (network, other, host, another) => {
      const at = (a: string[], b: string[]) => originOf([...a, ...b].join(':'))
      return (
        at(network, host) === at(network, another) &&
        (at(network, host) === at(other, host)) === (`${network}` === `${other}`)
      )
    }),
  )
  t.pass()
})

test('Text that is not an address is an origin of its own.', t => {
  for (const host of ['', 'localhost', '1:2', 'a::b::c']) t.is(originOf(host), host)
})
