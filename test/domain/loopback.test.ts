import test from 'ava'
import { isLoopback } from '../../src/domain/loopback.ts'

test('Localhost, ::1 and all of 127.0.0.0/8 are this machine.', t => {
  for (const host of ['localhost', '::1', '127.0.0.1', '127.0.0.2', '127.255.255.254']) t.true(isLoopback(host), host)
})

test('Any other host may be another machine, even if it starts or ends like one of those.', t => {
  const others = ['', '10.0.0.1', '::', '::2', '0.0.0.0', 'localhost.example.org', 'x.localhost', '127.example.org']
  const alike = ['127.0.0.1.example.org', 'a127.0.0.1', '127.0.0', '127.0.0.1.1', '127.0.0.1234', '[::1]', '127a0b0c1']
  for (const host of [...others, ...alike]) t.false(isLoopback(host), host)
})
