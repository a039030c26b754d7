// The peer-to-peer frames, inside TLS: `length u32 | type u8 | payload`, big endian; `length` counts type and payload.
// The fetching side opens a link for one share and asks; the serving side answers. Lengths are checked before a
// payload is awaited, so a hostile peer cannot make us hold more than one frame of its type.
//   hello     fetcher -> server  user and device of the holder of the ticket, `user/device` in UTF-8
//   bitfield  server -> fetcher  the pieces it has (domain/bitfield.ts), once, before anything else
//   have      server -> fetcher  piece u32: one more
//   request   fetcher -> server  piece u32, offset u32, length u32: one block
//   cancel    fetcher -> server  the same three: no longer wanted
//   block     server -> fetcher  piece u32, offset u32, bytes
//   refused   server -> fetcher  piece u32, offset u32: this block will not come
//   bye       either             reason in UTF-8, then the link closes
