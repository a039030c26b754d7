import test from 'ava'
import fc from 'fast-check'
import { LineSplitter, LineTooLong } from '../../src/wire/line-splitter.ts'

test('Lines are the same however their bytes are cut into chunks; what follows the last end is held back.', t => {
  const line = fc.string({ unit: 'grapheme' }).filter(text => !text.includes('\n'))
  fc.assert(
    fc.property(fc.array(line), line, fc.array(fc.nat(40)), (lines, rest, cuts) => {
      const bytes = Buffer.from([...lines, rest].join('\n'))
      const splitter = new LineSplitter(Number.POSITIVE_INFINITY)
      const found: Uint8Array[] = []
      let at = 0
      for (const cut of [...cuts, bytes.length]) {
        found.push(...splitter.push(bytes.subarray(at, at + cut)))
        at += cut
      }
      t.deepEqual(
        found.map(each => Buffer.from(each).toString()),
        lines,
      )
    }),
  )
})

test('A line of the longest length is taken, and one byte more is refused, ended or not.', t => {
  t.is(new LineSplitter(4).push(Buffer.from('abcd\n'))[0]?.length, 4)
  for (const chunks of [['abcde'], ['abcde\n'], ['abc', 'de'], ['\nabcde']]) {
    const splitter = new LineSplitter(4)
    t.throws(
      () => {
        for (const chunk of chunks) splitter.push(Buffer.from(chunk))
      },
      { instanceOf: LineTooLong },
      chunks.join('|'),
    )
  }
})
