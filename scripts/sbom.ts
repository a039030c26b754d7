// The software bill of materials: every package that people get with Shoal, as CycloneDX 1.6
// (https://cyclonedx.org/docs/1.6/json/). The same lock and the same bundles give the same bytes.

import { createHash } from 'node:crypto'
import { type PackageLock, type ShippedPackage, shippedPackages } from './shipped-packages.ts'

/** `files` went into the bundles. Throws for a package without a version, a licence or a SHA-512. */
export function createSbom(lock: PackageLock, files: readonly string[]) {
  const shipped = shippedPackages(lock, files)
  const root = shipped.get('')!
  // Two paths may hold the same version of a package; it is bundled if one of them is.
  const bundledLast = [...shipped.values()].filter(each => each !== root).sort((a, b) => +a.isBundled - +b.isBundled)
  const components = [...new Map(bundledLast.map(each => [purlOf(each), componentOf(each)])).values()]
  const contents = {
    version: 1,
    metadata: {
      lifecycles: [{ phase: 'build' }],
      component: { type: 'application', ...identityOf(root), licenses: licensesOf(root) },
    },
    components: components.sort((a, b) => (a.purl < b.purl ? -1 : 1)),
    dependencies: dependenciesOf(shipped),
  }
  return {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    serialNumber: `urn:uuid:${uuidOf(JSON.stringify(contents))}`,
    ...contents,
  }
}

function componentOf(shipped: ShippedPackage) {
  const { entry, isBundled } = shipped
  return {
    type: 'library',
    ...identityOf(shipped),
    // An installation may lack what is optional: one of the Nodes suits each machine.
    scope: entry.optional && !isBundled ? 'optional' : 'required',
    licenses: licensesOf(shipped),
    hashes: [{ alg: 'SHA-512', content: sha512Of(shipped) }],
    // A name of CycloneDX's own list for npm.
    properties: [{ name: 'cdx:npm:package:bundled', value: String(isBundled) }],
  }
}

function dependenciesOf(shipped: ReadonlyMap<string, ShippedPackage>) {
  const uses = new Map<string, Set<string>>()
  for (const each of shipped.values()) {
    const known = uses.get(purlOf(each)) ?? new Set()
    for (const path of each.uses) known.add(purlOf(shipped.get(path)!))
    uses.set(purlOf(each), known)
  }
  return [...uses].map(([ref, used]) => ({ ref, dependsOn: [...used].sort() })).sort((a, b) => (a.ref < b.ref ? -1 : 1))
}

const identityOf = (shipped: ShippedPackage) => ({
  'bom-ref': purlOf(shipped),
  name: shipped.name,
  version: shipped.entry.version,
  purl: purlOf(shipped),
})

/** https://github.com/package-url/purl-spec: the @ of a scope is encoded, the slash is not. */
const purlOf = ({ name, entry }: ShippedPackage) => `pkg:npm/${name.replace('@', '%40')}@${entry.version}`

function licensesOf({ name, entry: { license } }: ShippedPackage) {
  if (license === undefined) throw new Error(`package-lock.json names no licence of ${name}`)
  return [license.includes(' ') ? { expression: license } : { license: { id: license } }]
}

function sha512Of({ name, entry: { integrity } }: ShippedPackage): string {
  const [, digest] = /^sha512-([\w+/]{86}==)$/.exec(integrity ?? '') ?? []
  if (digest === undefined) throw new Error(`package-lock.json has no SHA-512 of ${name}`)
  return Buffer.from(digest, 'base64').toString('hex')
}

/** RFC 9562, version 8: 122 bits of the contents' SHA-256. */
function uuidOf(contents: string): string {
  const bytes = createHash('sha256').update(contents).digest().subarray(0, 16)
  bytes[6] = (bytes[6]! & 0x0f) | 0x80
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
