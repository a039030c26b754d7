import test from 'ava'
import fc from 'fast-check'
import {
  inNaturalOrder,
  isDeviceId,
  isFileName,
  isId,
  parseFileName,
  parseId,
  showable,
} from '../../src/domain/names.ts'

test('Ids are letters, digits, "-" and "_", and start with a letter or digit.', t => {
  for (const id of ['a', 'Z', '0', 'alice', 'Alice-2_b', 'a'.repeat(64)]) t.true(isId(id), id)
  const bad = ['', 'a b', 'a.b', '*', '>', 'a*', '-a', '_a', 'a/b', 'a\n', '\na', 'é', 'a\0', 'ａ', 'a'.repeat(65)]
  for (const id of [...bad, 'a'.repeat(10_000)]) t.false(isId(id), JSON.stringify(id))
})

test('A valid id is returned unchanged; an invalid one is refused with the rule.', t => {
  t.deepEqual(parseId('user', 'alice'), { ok: true, value: 'alice' })
  const refused = parseId('group', 'a b')
  t.false(refused.ok)
  if (!refused.ok) t.is(refused.code, 'invalid-name')
  if (!refused.ok) t.regex(refused.message, /^a group name has/)
})

test('Device ids are twelve lower-case letters and digits.', t => {
  t.true(isDeviceId('0123456789ab'))
  for (const id of ['', '0123456789a', '0123456789abc', '0123456789AB', '0123456789a.', '0123456789a\n'])
    t.false(isDeviceId(id))
})

test('Every valid id is one subject token and one path component.', t => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary' }),
      text => !isId(text) || (text.split(/[.*>\s/\\]/).length === 1 && text !== ''),
    ),
  )
  t.pass()
})

const goodNames = ['a', 'film.mkv', '.hidden', '..a', 'a b', 'ß', '日本語', '\u00e9', '😀.png', '-rf', 'x'.repeat(250)]
for (const name of goodNames) test(`A file may be called ${name.slice(0, 20)}.`, t => t.true(isFileName(name)))

const badNames: Record<string, string> = {
  empty: '',
  'the folder itself': '.',
  'the folder above': '..',
  'a path': 'a/b',
  'a path on Windows': 'a\\b',
  'an absolute path': '/etc/passwd',
  'with a newline': 'a\nb',
  'with a terminal escape': 'a\u001b[2J',
  'with a C1 control': 'a\u009b2J',
  'with a zero': 'a\0',
  'with text turned around': 'a\u202egnp.exe',
  'with an Arabic letter mark': 'a\u061cb',
  'with a soft hyphen': 'a\u00adb',
  'with an invisible tag': 'a\u{e0041}',
  'with a zero-width space': 'a\u200bb',
  'with half a character': 'a\ud800',
  'in a decomposed form': 'e\u0301',
  'too long': 'x'.repeat(251),
  'too long in bytes': 'é'.repeat(126),
  'of 10,000 letters': 'x'.repeat(10_000),
}
for (const [what, name] of Object.entries(badNames))
  test(`A file name ${what} is refused.`, t => t.false(isFileName(name)))

test('A name in decomposed form is turned into its composed one.', t => {
  t.deepEqual(parseFileName('e\u0301t\u00e9'), { ok: true, value: '\u00e9t\u00e9' })
  const refused = parseFileName('../x')
  t.false(refused.ok)
  if (!refused.ok) t.is(refused.code, 'invalid-name')
})

test('Every valid file name stays in its folder and can be shown.', t => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), text => {
      if (!isFileName(text)) return true
      return (
        new URL(encodeURIComponent(text), 'file:///folder/').pathname.startsWith('/folder/') && showable(text) === text
      )
    }),
  )
  t.pass()
})

test('Characters that cannot be shown are replaced.', t => {
  t.is(showable('/a\u001b[2J/b\n\u202ec\u200d'), '/a\ufffd[2J/b\ufffd\ufffdc\ufffd')
  t.is(showable('/home/ß/日本語.png'), '/home/ß/日本語.png')
})

test('Numbers within names sort as people count.', t => {
  t.deepEqual(['b29', 'a', 'b3', 'b'].toSorted(inNaturalOrder), ['a', 'b', 'b3', 'b29'])
})
