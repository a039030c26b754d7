// A process with a channel to its parent that does nothing and never ends by itself.

process.send?.('ready')
setInterval(() => {}, 1e9)
