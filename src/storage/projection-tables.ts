// The tables of a tracker's projection. They can be rebuilt from the log, so a file of another version, or one that does not
// fit, is thrown away. `position` is where in the log a row comes from: it keeps rows in their order of arrival.

/** Raise it with every change of the tables, of how an event is applied, or of what a record may hold. */
export const projectionVersion = 7

/** Rows made by one record are told apart by adding their event's index to this many times the record's sequence. */
export const positionsPerRecord = 2 ** 20

export const projectionTables = `
  CREATE TABLE origin (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    stream_created TEXT NOT NULL,
    applied INTEGER NOT NULL,
    fingerprint TEXT NOT NULL,
    entry_chain TEXT NOT NULL,
    row_sum TEXT NOT NULL
  ) STRICT;
  CREATE TABLE settings (one INTEGER PRIMARY KEY CHECK (one = 1), sign_up TEXT NOT NULL) STRICT;
  INSERT INTO settings VALUES (1, 'open');
  CREATE TABLE accounts (
    user TEXT PRIMARY KEY, skeleton TEXT NOT NULL UNIQUE, password_hash TEXT NOT NULL, since INTEGER NOT NULL,
    disabled INTEGER NOT NULL, deleted INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX deleted_accounts ON accounts (user) WHERE deleted = 1;
  CREATE TABLE devices (
    user TEXT, device TEXT, credential_hash TEXT NOT NULL, name TEXT NOT NULL, since INTEGER NOT NULL,
    used INTEGER NOT NULL, position INTEGER NOT NULL, PRIMARY KEY (user, device)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE groups (
    name TEXT PRIMARY KEY, skeleton TEXT NOT NULL UNIQUE, owner TEXT NOT NULL, hidden INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE members (
    group_name TEXT, user TEXT, since INTEGER NOT NULL, position INTEGER NOT NULL, PRIMARY KEY (group_name, user)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX members_in_order ON members (group_name, position);
  CREATE INDEX members_by_user ON members (user);
  CREATE TABLE requests (
    group_name TEXT, user TEXT, since INTEGER NOT NULL, position INTEGER NOT NULL, PRIMARY KEY (group_name, user)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX requests_by_user ON requests (user);
  CREATE TABLE shares (
    group_name TEXT, file_name TEXT, id TEXT NOT NULL, size INTEGER NOT NULL, sha1 TEXT NOT NULL,
    piece_length INTEGER NOT NULL, manifest TEXT NOT NULL, position INTEGER NOT NULL, PRIMARY KEY (group_name, file_name)
  ) STRICT;
  CREATE TABLE sharers (
    group_name TEXT, file_name TEXT, user TEXT, device TEXT, position INTEGER NOT NULL,
    PRIMARY KEY (group_name, file_name, user, device)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX sharers_by_device ON sharers (user, device);
  CREATE TABLE subjects (subject TEXT PRIMARY KEY, last_seq INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE handled (id TEXT PRIMARY KEY, seq INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE INDEX handled_by_seq ON handled (seq);
  CREATE TABLE unreadable (seq INTEGER PRIMARY KEY) STRICT;
`
