// Which packages people get with Shoal: those bundled into dist/, and those that npm installs beside it. Versions and hashes
// are those of package-lock.json.

/** What package-lock.json says about one package; the key is its path, as in node_modules/a/node_modules/b. */
export interface LockEntry {
  /** Only where the folder has another name. */
  readonly name?: string
  readonly version: string
  /** Of its tarball, as in `sha512-` and Base64. Missing for what is not installed here, and for the root. */
  readonly integrity?: string
  /** An SPDX expression. */
  readonly license?: string
  /** Nothing but development needs it. */
  readonly dev?: boolean
  readonly optional?: boolean
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
}

export interface PackageLock {
  readonly packages: Readonly<Record<string, LockEntry>>
}

export interface ShippedPackage {
  readonly entry: LockEntry
  readonly name: string
  readonly isBundled: boolean
  /** The paths of the shipped packages that it asks for. */
  readonly uses: readonly string[]
}

/** The folders of the packages that these files are part of, sorted. `files` are paths that contain node_modules. */
export function packageFolders(files: readonly string[]): string[] {
  return [...new Set(files.flatMap(file => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? []))].sort()
}

/** By path, with Shoal itself at ''. `files` went into the bundles. Throws where a package is bundled that the lock lacks. */
export function shippedPackages({ packages }: PackageLock, files: readonly string[]): Map<string, ShippedPackage> {
  const bundled = new Set(packageFolders(files).map(folder => folder.slice(folder.indexOf('node_modules/'))))
  for (const path of bundled) if (!packages[path]) throw new Error(`package-lock.json has no ${path}, which is bundled`)
  const shipped = Object.entries(packages).filter(([path, { dev }]) => !dev || bundled.has(path))
  const paths = new Set(shipped.map(([path]) => path))
  return new Map(
    shipped.map(([path, entry]) => {
      const asked = { ...entry.dependencies, ...entry.optionalDependencies, ...entry.devDependencies }
      const uses = Object.keys(asked).flatMap(name => findFrom(path, name, packages) ?? [])
      const name = entry.name ?? path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)
      return [path, { entry, name, isBundled: bundled.has(path), uses: uses.filter(used => paths.has(used)) }]
    }),
  )
}

/** Node looks in the package's own node_modules, then in those of each folder above. */
function findFrom(path: string, name: string, packages: PackageLock['packages']): string | undefined {
  const found = `${path === '' ? '' : `${path}/`}node_modules/${name}`
  if (packages[found]) return found
  return path === ''
    ? undefined
    : findFrom(path.slice(0, Math.max(0, path.lastIndexOf('/node_modules/'))), name, packages)
}
