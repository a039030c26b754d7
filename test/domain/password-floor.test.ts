import test from 'ava'
import { checkPasswordFloor } from '../../src/domain/password-floor.ts'

const verdict = (user: string, password: string) => {
  const checked = checkPasswordFloor(user, password)
  return checked.ok ? 'fine' : `${checked.code}: ${checked.message}`
}

test('A password shorter than 8 characters is refused, whatever bytes its characters take.', t => {
  const tooShort = (has: number) =>
    `weak-password: this password has ${has} of at least 8 characters; use three or more unrelated words`
  t.is(verdict('alice', '1'), tooShort(1))
  t.is(verdict('alice', 'kH3!x9Q'), tooShort(7))
  t.is(verdict('alice', '😀😀😀😀'), tooShort(4))
  t.is(verdict('alice', 'kH3!x9Qz'), 'fine')
  t.is(verdict('alice', '鯨珊瑚礁潮汐砂浜'), 'fine')
})

test('The user id is no password, in whatever case and spelling.', t => {
  for (const password of ['margaret', 'Margaret', 'MARGARET', 'rnargaret'])
    t.regex(verdict('margaret', password), /^weak-password: this password is your user id; /)
  t.is(verdict('margaret', 'margaret of the deep'), 'fine')
})
