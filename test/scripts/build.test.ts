// What the published package says it is made of: the bill of materials and the licences, of the bundles as they are built.

import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { z } from 'zod'
import { buildPage } from '../../scripts/build-page.ts'
import { buildProgram } from '../../scripts/build-program.ts'
import { licencesOf } from '../../scripts/licences.ts'
import { createSbom } from '../../scripts/sbom.ts'
import type { LockEntry, PackageLock } from '../../scripts/shipped-packages.ts'
import { tempFolder } from '../helpers/temp-folder.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const read = (name: string) => JSON.parse(readFileSync(join(root, name), 'utf8'))
const lock: PackageLock = read('package-lock.json')

/** What CycloneDX 1.6 requires of the parts that we use, and nothing beside those parts. */
const named = { 'bom-ref': z.string().min(1), name: z.string().min(1), version: z.string().max(1024) }
const purl = z.string().regex(/^pkg:npm\/(%40[\w.-]+\/)?[\w.-]+@\d+\.\d+\.\d+[\w.+-]*$/)
const spdxId = z.string().regex(/^[A-Za-z0-9.-]+$/)
const licenses = z
  .array(
    z.union([z.strictObject({ license: z.strictObject({ id: spdxId }) }), z.strictObject({ expression: z.string() })]),
  )
  .min(1)
const componentSchema = z.strictObject({
  ...named,
  type: z.literal('library'),
  purl,
  licenses,
  scope: z.enum(['required', 'optional', 'excluded']),
  hashes: z.array(z.strictObject({ alg: z.literal('SHA-512'), content: z.string().regex(/^[a-f0-9]{128}$/) })).min(1),
  properties: z.array(z.strictObject({ name: z.string(), value: z.string() })),
})
const bomSchema = z.strictObject({
  $schema: z.literal('http://cyclonedx.org/schema/bom-1.6.schema.json'),
  bomFormat: z.literal('CycloneDX'),
  specVersion: z.literal('1.6'),
  serialNumber: z.string().regex(/^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/),
  version: z.int().min(1),
  metadata: z.strictObject({
    lifecycles: z.array(z.strictObject({ phase: z.literal('build') })),
    component: z.strictObject({ ...named, type: z.literal('application'), purl, licenses }),
  }),
  components: z.array(componentSchema),
  dependencies: z.array(z.strictObject({ ref: z.string(), dependsOn: z.array(z.string()) })),
})

const isUnique = (values: readonly string[]) => new Set(values).size === values.length

test('The bill of materials and the licences cover everything that is bundled or installed.', async t => {
  const folder = tempFolder(t)
  const files = [...(await buildProgram(join(folder, 'program'))), ...(await buildPage(join(folder, 'page')))]
  const bom = bomSchema.parse(createSbom(lock, files))
  const refs = bom.components.map(each => each['bom-ref'])
  const known = new Set([...refs, bom.metadata.component['bom-ref']])
  t.true(isUnique(refs))
  t.deepEqual(bom.dependencies.map(({ ref }) => ref).sort(), [...known].sort(), 'every package says what it depends on')
  for (const { dependsOn } of bom.dependencies) t.true(isUnique(dependsOn) && dependsOn.every(ref => known.has(ref)))

  const bundled = bom.components.filter(({ properties }) => properties[0]?.value === 'true')
  const licences = licencesOf(root, files)
  for (const { name, version } of bundled) t.true(licences.includes(`${name} ${version}\n`), name)
  // esbuild names the file of each piece of code in a comment.
  const code = globSync(join(folder, 'program/*.js')).map(file => readFileSync(file, 'utf8'))
  const folders = code.flatMap(text => [...text.matchAll(/^\s*\/\/ \S*node_modules\/((?:@[^/\s]+\/)?[^/\s]+)\//gm)])
  t.true(folders.length > 20)
  for (const [, name = ''] of folders) {
    const entry = lock.packages[`node_modules/${name}`]
    t.true(
      bundled.some(each => each.name === (entry?.name ?? name) && each.version === entry?.version),
      name,
    )
  }
  for (const inPage of ['preact', 'uplot', '@fontsource-variable/inter'])
    t.true(bundled.some(({ name }) => name === inPage))
  t.regex(licences, /SIL Open Font License/)

  const { dependencies, optionalDependencies } = read('package.json')
  for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
    const component = bom.components.find(each => each.name === name)
    t.is(component?.scope, name in dependencies ? 'required' : 'optional', name)
    t.is(component?.properties[0]?.value, 'false', name)
  }
  t.false(
    refs.some(ref => /biome|typescript|playwright/.test(ref)),
    'what only development needs is not shipped',
  )
})

const sha512 = (byte: string) => `sha512-${Buffer.alloc(64, byte).toString('base64')}`
const entry = (more: Partial<LockEntry> = {}): LockEntry => ({
  version: '1.0.0',
  license: 'MIT',
  integrity: sha512('a'),
  ...more,
})

test('A package is known by its own name, its licence as SPDX writes it, and what it asks for where it lies.', t => {
  const packages = {
    '': {
      name: 'shoal',
      version: '0.1.0',
      license: 'MIT',
      dependencies: { outer: '*' },
      devDependencies: { alias: '*', tool: '*' },
    },
    'node_modules/alias': entry({ name: '@real/name', dev: true, license: '(MIT OR CC0-1.0)' }),
    'node_modules/inner': entry({ version: '2.0.0', dev: true }),
    'node_modules/outer': entry({ dependencies: { inner: '^1' }, optionalDependencies: { native: '*' } }),
    'node_modules/outer/node_modules/inner': entry({ integrity: sha512('b') }),
    'node_modules/native': entry({ optional: true }),
    'node_modules/tool': entry({ dev: true }),
  }
  const bom = createSbom({ packages }, ['../elsewhere/node_modules/alias/lib/a.js', 'src/cli/main.ts'])
  bomSchema.parse(bom)
  t.deepEqual(
    bom.components.map(({ purl, scope, properties }) => [purl, scope, properties[0]!.value]),
    [
      ['pkg:npm/%40real/name@1.0.0', 'required', 'true'],
      ['pkg:npm/inner@1.0.0', 'required', 'false'],
      ['pkg:npm/native@1.0.0', 'optional', 'false'],
      ['pkg:npm/outer@1.0.0', 'required', 'false'],
    ],
  )
  t.deepEqual(bom.components[0]!.licenses, [{ expression: '(MIT OR CC0-1.0)' }])
  t.is(bom.components[1]!.hashes[0]!.content, Buffer.alloc(64, 'b').toString('hex'))
  const uses = Object.fromEntries(bom.dependencies.map(({ ref, dependsOn }) => [ref, dependsOn]))
  t.deepEqual(uses['pkg:npm/shoal@0.1.0'], ['pkg:npm/%40real/name@1.0.0', 'pkg:npm/outer@1.0.0'])
  t.deepEqual(uses['pkg:npm/outer@1.0.0'], ['pkg:npm/inner@1.0.0', 'pkg:npm/native@1.0.0'])
})

test('A package whose origin or licence is unknown ends the build.', t => {
  const sbomOf = (more: LockEntry, files: string[] = []) =>
    createSbom({ packages: { '': { name: 'shoal', version: '0.1.0', license: 'MIT' }, 'node_modules/a': more } }, files)
  const { integrity: _, ...unhashed } = entry()
  const { license: __, ...unlicensed } = entry()
  t.throws(() => sbomOf(unhashed), { message: /no SHA-512 of a/ })
  t.throws(() => sbomOf(unlicensed), { message: /no licence of a/ })
  t.throws(() => sbomOf(entry(), ['node_modules/b/index.js']), { message: /has no node_modules\/b, which is bundled/ })

  const folder = tempFolder(t)
  const manifest = join(folder, 'node_modules/a/package.json')
  mkdirSync(dirname(manifest), { recursive: true })
  writeFileSync(manifest, '{ "name": "a", "version": "1.0.0", "license": "MIT" }')
  t.throws(() => licencesOf(folder, ['node_modules/a/index.js']), { message: /a 1\.0\.0 .+ has no licence text/ })
  writeFileSync(join(dirname(manifest), 'LICENSE-MIT.txt'), 'Permission is hereby granted\n')
  writeFileSync(join(dirname(manifest), 'NOTICE'), 'with thanks\n')
  const text = licencesOf(folder, ['node_modules/a/index.js'])
  t.is(text, 'a 1.0.0\n\nPermission is hereby granted\n\nwith thanks\n')
})

test('The lock has a hash of every package, also of those for other systems.', t => {
  const unchecked = Object.entries(lock.packages).filter(([path, { integrity }]) => path !== '' && !integrity)
  t.deepEqual(
    unchecked.map(([path]) => path),
    [],
  )
})
