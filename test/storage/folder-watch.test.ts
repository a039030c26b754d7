import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { FolderWatch } from '../../src/storage/folder-watch.ts'
import { tempFolder } from '../helpers/temp-folder.ts'
import { until } from '../helpers/until.ts'

function watching(t: ExecutionContext, most = 10) {
  const root = tempFolder(t)
  const folder = join(root, 'films')
  mkdirSync(folder)
  const changed: string[] = []
  const lost: string[] = []
  const watch = new FolderWatch({
    onChange: path => void changed.push(path),
    onLost: path => void lost.push(path),
    most,
  })
  t.teardown(() => watch.close())
  return { root, folder, watch, changed, lost }
}

test('A file that is written, renamed or removed in a watched folder is told, by its path.', async t => {
  const { folder, watch, changed } = watching(t)
  const [film, other] = [join(folder, 'film'), join(folder, 'other')]
  writeFileSync(film, 'a')
  watch.keep(folder)
  for (const change of [
    () => writeFileSync(film, 'b'),
    () => renameSync(film, other),
    () => renameSync(other, film),
    () => rmSync(film),
  ]) {
    changed.length = 0
    change()
    await until('a change', () => changed.includes(film))
  }
  t.pass()
})

test('A folder that is moved or replaced is lost, once, and is watched again when it is kept again.', async t => {
  const { root, folder, watch, changed, lost } = watching(t)
  watch.keep(folder)
  await watch.look(10)
  await watch.look(10)
  t.deepEqual(lost, [])
  renameSync(folder, join(root, 'moved'))
  await watch.look(10)
  await watch.look(10)
  t.deepEqual([lost, watch.size], [[folder], 0])
  watch.keep(folder)
  t.is(watch.size, 0, 'there is none')
  mkdirSync(folder)
  watch.keep(folder)
  await watch.look(10)
  renameSync(folder, join(root, 'moved again'))
  mkdirSync(folder)
  await watch.look(10)
  t.deepEqual(lost, [folder, folder])
  watch.keep(folder)
  writeFileSync(join(folder, 'film'), 'a')
  await until('a change in the new folder', () => changed.includes(join(folder, 'film')))
})

test('Folders are looked at in turn.', async t => {
  const { root, folder, watch, lost } = watching(t)
  const folders = [folder, join(root, 'songs'), join(root, 'plays')]
  for (const each of folders) {
    mkdirSync(each, { recursive: true })
    watch.keep(each)
  }
  await watch.look(10)
  for (const each of folders) renameSync(each, `${each} moved`)
  await watch.look(1)
  t.deepEqual(lost, [folder])
  await watch.look(1)
  await watch.look(1)
  t.deepEqual(lost, folders)
})

test('No more folders are watched than allowed, and those that are not kept make room.', t => {
  const { root, folder, watch } = watching(t, 1)
  const other = join(root, 'songs')
  mkdirSync(other)
  watch.keep(folder)
  watch.keep(other)
  t.is(watch.size, 1)
  watch.endRound()
  watch.keep(other)
  t.is(watch.size, 1, 'the first was kept in the round that ended')
  watch.endRound()
  t.is(watch.size, 0)
  watch.keep(other)
  t.is(watch.size, 1)
  watch.close()
  watch.keep(folder)
  t.is(watch.size, 0)
})
