"""One libtorrent peer: libtorrent-peer.py TORRENT FOLDER PORT seed|leech. Says `whole` once it has the file."""
import sys
import time

import libtorrent

torrent, folder, port, role = sys.argv[1:]
# Only what this swarm uses, in sufficient amounts: libtorrent's defaults are for a home line and strangers.
session = libtorrent.session({
    'listen_interfaces': '0.0.0.0:' + port,
    'enable_dht': False, 'enable_lsd': False, 'enable_upnp': False, 'enable_natpmp': False,
    'enable_incoming_utp': False, 'enable_outgoing_utp': False,
    'allow_multiple_connections_per_ip': True,
    'unchoke_slots_limit': 64, 'max_out_request_queue': 2000, 'send_buffer_watermark': 4 * 1024 * 1024,
    'connection_speed': 200, 'min_reconnect_time': 1, 'peer_connect_timeout': 2,
    'aio_threads': 4, 'hashing_threads': 2,
})
params = libtorrent.add_torrent_params()
params.ti = libtorrent.torrent_info(torrent)
params.save_path = folder
params.flags &= ~(libtorrent.torrent_flags.auto_managed | libtorrent.torrent_flags.paused)
if role == 'seed':
    params.flags |= libtorrent.torrent_flags.seed_mode
handle = session.add_torrent(params)

announced = time.monotonic()
while not handle.status().is_seeding:
    if time.monotonic() - announced > 2:
        handle.force_reannounce()
        announced = time.monotonic()
    time.sleep(.02)
print('whole', flush=True)
while True:
    time.sleep(60)
