import test from 'ava'
import * as z from 'zod'
import { parseJson, readJson } from '../../src/wire/json.ts'

test('JSON is read from text and from bytes.', t => {
  t.deepEqual(parseJson('{"a":1}'), { a: 1 })
  t.deepEqual(parseJson(Buffer.from('{"a":1}')), { a: 1 })
})

test('Text that is not JSON yields undefined.', t => {
  t.is(parseJson('{'), undefined)
  t.is(parseJson(new Uint8Array([0xff, 0xfe])), undefined)
})

test('JSON that does not fit the schema yields undefined.', t => {
  const schema = z.object({ a: z.number() })
  t.deepEqual(readJson('{"a":1}', schema), { a: 1 })
  t.is(readJson('{"a":"1"}', schema), undefined)
  t.is(readJson('', schema), undefined)
})

test('JSON nested too deeply for its schema yields undefined.', t => {
  const depth = 50_000
  t.is(readJson('['.repeat(depth) + ']'.repeat(depth), z.json()), undefined)
})
