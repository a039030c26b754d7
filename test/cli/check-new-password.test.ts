import test from 'ava'
import { checkNewPassword } from '../../src/cli/check-new-password.ts'

const why: Record<string, string> = {
  password: 'it is one of the most used passwords',
  '12345678': 'it is one of the most used passwords',
  password123: 'it is a common password',
  'Passw0rd!': 'it is close to a common password',
  constellation: 'it is little more than a common word or two',
  'whale 77': 'it has few parts, and some are common',
  'alice2024!': 'it is little more than your user id',
  alicealice: 'it repeats a few characters',
  aaaaaaaaaaaa: 'it repeats one character',
  abcdefghijkl: 'it is a sequence, as abc and 123 are',
  'zxcvbnm,./': 'it follows a row of keys',
  '31.12.1999': 'it is little more than a date',
  correcthorse: 'it is little more than a common word or two',
}
for (const [password, weakness] of Object.entries(why))
  test(`${password} is refused: ${weakness}.`, async t => {
    const message = `this password is easy to guess: ${weakness}; use three or more unrelated words`
    t.deepEqual(await checkNewPassword('alice', password), { ok: false, code: 'weak-password', message })
  })

test('A short password is refused without an estimate.', async t => {
  t.like(await checkNewPassword('alice', '1'), { code: 'weak-password' })
})

// As people, scripts and password managers choose them.
const good = [
  'correct horse',
  'correct horse 0',
  'correct horse battery staple',
  'kH3!x9Qz',
  'coral reef fish',
  '鯨珊瑚礁潮汐砂浜',
]
for (const password of good)
  test(`${password} is good enough.`, async t => {
    t.deepEqual(await checkNewPassword('alice', password), { ok: true, value: undefined })
  })

test('A long password takes as little time as a shorter one: its beginning is judged.', async t => {
  const long = 'correct horse battery staple '.repeat(35)
  t.true((await checkNewPassword('alice', long)).ok)
  t.like(await checkNewPassword('alice', 'x'.repeat(1024)), { code: 'weak-password' })
})
