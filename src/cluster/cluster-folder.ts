// Where a home keeps the cluster that it holds, if it holds one. On its own, since every command line asks for it and few
// need the rest of this room.

import { join } from 'node:path'

export const clusterFolder = ({ home }: { readonly home: { readonly folder: string } }): string =>
  join(home.folder, 'cluster')
