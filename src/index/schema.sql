-- The index of one account. Times of records are milliseconds since 1970, times of inodes nanoseconds.

CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

-- A zone that is a library. `shown` is 1 once its first listing is proven.
CREATE TABLE library (
    id INTEGER PRIMARY KEY,
    zone TEXT NOT NULL UNIQUE,
    area TEXT NOT NULL,
    owner TEXT,
    zone_type TEXT,
    token TEXT,
    shown INTEGER NOT NULL DEFAULT 0,
    synced INTEGER
);

-- What a person should know of a library, or of the account (library 0).
CREATE TABLE note (
    library INTEGER NOT NULL,
    kind TEXT NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (library, kind)
) WITHOUT ROWID;

-- Of a first listing that is under way: which pages of which lists are in.
CREATE TABLE walked (
    library INTEGER NOT NULL,
    list TEXT NOT NULL,
    rank INTEGER NOT NULL,
    covered INTEGER NOT NULL,
    PRIMARY KEY (library, list, rank)
) WITHOUT ROWID;

-- Changes that wait to be applied together, as JSON. state: what they leave an asset in: 0 visible, 1 hidden, 2 trashed,
-- 3 gone.
CREATE TABLE news (
    n INTEGER PRIMARY KEY,
    library INTEGER NOT NULL,
    record TEXT NOT NULL,
    state INTEGER,
    expires INTEGER,
    change TEXT NOT NULL
);
CREATE INDEX news_record ON news (library, record);

-- Rows stay when an asset is gone, so that its inode numbers are never given to another.
CREATE TABLE asset (
    id INTEGER PRIMARY KEY,
    library INTEGER NOT NULL REFERENCES library (id),
    name TEXT NOT NULL,
    master TEXT NOT NULL,
    captured INTEGER,
    zone_offset INTEGER,
    added INTEGER,
    modified INTEGER NOT NULL,
    favourite INTEGER NOT NULL,
    hidden INTEGER NOT NULL,
    trashed INTEGER NOT NULL,
    expires INTEGER,
    subtype INTEGER NOT NULL,
    subtype_v2 INTEGER NOT NULL,
    burst TEXT,
    adjustment TEXT,
    render INTEGER NOT NULL,
    title TEXT,
    description TEXT,
    keywords TEXT,
    north REAL,
    east REAL,
    altitude REAL,
    gone INTEGER NOT NULL DEFAULT 0,
    UNIQUE (name, library)
);
CREATE INDEX asset_master ON asset (master, library);

CREATE TABLE master (
    library INTEGER NOT NULL,
    name TEXT NOT NULL,
    file_name TEXT,
    uti TEXT,
    modified INTEGER NOT NULL,
    PRIMARY KEY (library, name)
) WITHOUT ROWID;

-- Files of a record: of a master the originals, of an asset the renderings of its edit.
CREATE TABLE resource (
    library INTEGER NOT NULL,
    record TEXT NOT NULL,
    kind INTEGER NOT NULL,
    size INTEGER NOT NULL,
    checksum TEXT NOT NULL,
    uti TEXT NOT NULL,
    ready INTEGER NOT NULL,
    PRIMARY KEY (library, record, kind)
) WITHOUT ROWID;

CREATE TABLE album (
    name TEXT PRIMARY KEY,
    library INTEGER NOT NULL,
    title TEXT,
    kind INTEGER NOT NULL,
    parent TEXT,
    modified INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX album_parent ON album (parent);

-- `asset` is a record name: it may be of another library, or not known yet.
CREATE TABLE member (
    album TEXT NOT NULL,
    asset TEXT NOT NULL,
    PRIMARY KEY (album, asset)
) WITHOUT ROWID;
CREATE INDEX member_asset ON member (asset);

-- Inodes. A file's is of one asset's resource with one checksum; `place` is 0, or for copies and symlinks the directory
-- it is in. A directory's has a key that says what it is. A sidecar's is of an original, with a digest of its own bytes for a
-- checksum. Rows are never removed. kind: 0 directory, 1 file, 2 symlink, 3 sidecar.
CREATE TABLE node (
    ino INTEGER PRIMARY KEY,
    kind INTEGER NOT NULL,
    asset INTEGER,
    resource INTEGER,
    checksum TEXT,
    place INTEGER NOT NULL DEFAULT 0,
    key TEXT,
    target TEXT,
    size INTEGER NOT NULL DEFAULT 0,
    mtime INTEGER NOT NULL,
    ctime INTEGER NOT NULL,
    btime INTEGER NOT NULL,
    nlink INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX node_file ON node (asset, resource, checksum, place, kind) WHERE asset IS NOT NULL;
CREATE UNIQUE INDEX node_directory ON node (key) WHERE key IS NOT NULL;

-- `fold` is the form in which names of one directory must differ.
CREATE TABLE dentry (
    parent INTEGER NOT NULL,
    fold TEXT NOT NULL,
    name TEXT NOT NULL,
    ino INTEGER NOT NULL,
    PRIMARY KEY (parent, fold)
) WITHOUT ROWID;
CREATE INDEX dentry_ino ON dentry (ino);

-- Removals that wait for a person. state: 0 waiting, 1 rejected for good.
CREATE TABLE held (
    asset INTEGER PRIMARY KEY REFERENCES asset (id),
    removal INTEGER NOT NULL,
    expires INTEGER,
    since INTEGER NOT NULL,
    state INTEGER NOT NULL DEFAULT 0
);
