// Where a home keeps its cluster, if it has one. A separate module, because every command needs it and few need the rest.

import { join } from 'node:path'

export const clusterFolder = ({ home }: { readonly home: { readonly folder: string } }): string =>
  join(home.folder, 'cluster')
