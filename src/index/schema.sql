-- The index of one account. Times of records are milliseconds since 1970, times of inodes nanoseconds.

CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

-- A zone that is a library. `shown` is 1 once its first listing is proven, `gone` once a person has let a library go that
-- iCloud no longer has, `listed` is when everything was last listed. `awaited` is 1 while not all of it is here that was
-- shown by an index that was damaged; `showed` is how many photos, visible and hidden, that were. The last four columns count its assets that are not gone, and are kept by triggers:
-- what every change and every look at the status asks must not cost more in a larger library.
CREATE TABLE library (
    id INTEGER PRIMARY KEY,
    zone TEXT NOT NULL UNIQUE,
    area TEXT NOT NULL,
    owner TEXT,
    zone_type TEXT,
    token TEXT,
    shown INTEGER NOT NULL DEFAULT 0,
    synced INTEGER,
    listed INTEGER,
    gone INTEGER NOT NULL DEFAULT 0,
    awaited INTEGER NOT NULL DEFAULT 0,
    showed INTEGER,
    visible INTEGER NOT NULL DEFAULT 0,
    hidden INTEGER NOT NULL DEFAULT 0,
    trashed INTEGER NOT NULL DEFAULT 0,
    unready INTEGER NOT NULL DEFAULT 0
);

-- What a person should know of a library, or of the account (library 0).
CREATE TABLE note (
    library INTEGER NOT NULL,
    kind TEXT NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (library, kind)
) WITHOUT ROWID;

-- By how many more (negative: fewer) iCloud announces of a list than there are: `list` is a view, the list of albums or an
-- album's record name. `sought` is 1 once all was asked that could show them, `accepted` is how many of them a person lets be.
CREATE TABLE discrepancy (
    library INTEGER NOT NULL,
    list TEXT NOT NULL,
    beyond INTEGER NOT NULL,
    sought INTEGER NOT NULL,
    accepted INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (library, list)
) WITHOUT ROWID;

-- Of a first listing that is under way: which pages of which lists are in.
CREATE TABLE walked (
    library INTEGER NOT NULL,
    list TEXT NOT NULL,
    rank INTEGER NOT NULL,
    covered INTEGER NOT NULL,
    PRIMARY KEY (library, list, rank)
) WITHOUT ROWID;

-- Changes that wait to be applied together, as JSON. state: what they leave a record in: 0 visible, 1 hidden, 2 trashed,
-- 3 gone, 4 vanished, 5 an album that is there.
CREATE TABLE news (
    n INTEGER PRIMARY KEY,
    library INTEGER NOT NULL,
    record TEXT NOT NULL,
    state INTEGER,
    expires INTEGER,
    change TEXT NOT NULL
);
CREATE INDEX news_record ON news (library, record);

-- Rows stay when an asset is gone, so that its inode numbers are never given to another. `unready` is 1 for one that cannot be
-- shown yet, because its original is not there.
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
    files TEXT,
    unread INTEGER NOT NULL DEFAULT 0,
    gone INTEGER NOT NULL DEFAULT 0,
    unready INTEGER NOT NULL DEFAULT 0,
    UNIQUE (name, library)
);
CREATE INDEX asset_master ON asset (master, library);
CREATE INDEX asset_unread ON asset (library) WHERE unread;
CREATE INDEX asset_unready ON asset (library) WHERE unready;
CREATE INDEX asset_burst ON asset (library, burst) WHERE burst IS NOT NULL;

CREATE TRIGGER asset_came AFTER INSERT ON asset WHEN NOT new.gone BEGIN
    UPDATE library SET
        visible = visible + (NOT new.trashed AND NOT new.hidden),
        hidden = hidden + (NOT new.trashed AND new.hidden),
        trashed = trashed + new.trashed,
        unready = unready + new.unready
    WHERE id = new.library;
END;
CREATE TRIGGER asset_changed AFTER UPDATE OF hidden, trashed, gone, unready ON asset
WHEN (old.hidden, old.trashed, old.gone, old.unready) IS NOT (new.hidden, new.trashed, new.gone, new.unready) BEGIN
    UPDATE library SET
        visible = visible + (NOT new.gone AND NOT new.trashed AND NOT new.hidden)
            - (NOT old.gone AND NOT old.trashed AND NOT old.hidden),
        hidden = hidden + (NOT new.gone AND NOT new.trashed AND new.hidden)
            - (NOT old.gone AND NOT old.trashed AND old.hidden),
        trashed = trashed + (NOT new.gone AND new.trashed) - (NOT old.gone AND old.trashed),
        unready = unready + (NOT new.gone AND new.unready) - (NOT old.gone AND old.unready)
    WHERE id = new.library;
END;
CREATE TRIGGER asset_went AFTER DELETE ON asset WHEN NOT old.gone BEGIN
    UPDATE library SET
        visible = visible - (NOT old.trashed AND NOT old.hidden),
        hidden = hidden - (NOT old.trashed AND old.hidden),
        trashed = trashed - old.trashed,
        unready = unready - old.unready
    WHERE id = old.library;
END;

CREATE TABLE master (
    library INTEGER NOT NULL,
    name TEXT NOT NULL,
    file_name TEXT,
    uti TEXT,
    modified INTEGER NOT NULL,
    files TEXT,
    PRIMARY KEY (library, name)
) WITHOUT ROWID;

-- `doubt` is 1 if photos left it while they or it were held: its list has to be read again.
CREATE TABLE album (
    name TEXT PRIMARY KEY,
    library INTEGER NOT NULL,
    title TEXT,
    kind INTEGER NOT NULL,
    parent TEXT,
    modified INTEGER NOT NULL,
    doubt INTEGER NOT NULL DEFAULT 0
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
CREATE INDEX node_asset ON node (asset) WHERE asset IS NOT NULL;
CREATE UNIQUE INDEX node_directory ON node (key) WHERE key IS NOT NULL;

-- Every file that is shown, each once however many names it has.
CREATE TABLE total (
    files INTEGER NOT NULL,
    bytes INTEGER NOT NULL
);
INSERT INTO total VALUES (0, 0);
CREATE TRIGGER node_made AFTER INSERT ON node WHEN new.kind = 1 AND new.nlink > 0 BEGIN
    UPDATE total SET files = files + 1, bytes = bytes + new.size;
END;
CREATE TRIGGER node_came AFTER UPDATE OF nlink ON node WHEN new.kind = 1 AND old.nlink <= 0 AND new.nlink > 0 BEGIN
    UPDATE total SET files = files + 1, bytes = bytes + new.size;
END;
CREATE TRIGGER node_went AFTER UPDATE OF nlink ON node WHEN new.kind = 1 AND old.nlink > 0 AND new.nlink <= 0 BEGIN
    UPDATE total SET files = files - 1, bytes = bytes - new.size;
END;

-- `fold` is the form in which names of one directory must differ.
CREATE TABLE dentry (
    parent INTEGER NOT NULL,
    fold TEXT NOT NULL,
    name TEXT NOT NULL,
    ino INTEGER NOT NULL,
    PRIMARY KEY (parent, fold)
) WITHOUT ROWID;
CREATE INDEX dentry_ino ON dentry (ino);

-- Names that held files had in an index that was damaged; `directory` is the directory's key. Gone once they are given back.
CREATE TABLE claim (
    ino INTEGER NOT NULL,
    directory TEXT NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (ino, directory, name)
) WITHOUT ROWID;

-- Removals that wait for a person. `record` is an asset, an album or, for a whole library, its zone. removal: 0 to Recently
-- Deleted, 1 gone, 2 vanished, 3 an album, 4 the library. state: 0 waiting, 1 rejected for good.
CREATE TABLE held (
    library INTEGER NOT NULL REFERENCES library (id),
    record TEXT NOT NULL,
    removal INTEGER NOT NULL,
    expires INTEGER,
    since INTEGER NOT NULL,
    state INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (library, record)
) WITHOUT ROWID;

-- What left a library and what came back, in the order it was noticed; never changed. `library` is a zone, `details` JSON.
-- `counted` is bookkeeping: 1 for a removal that counts for the limit above which removals are held.
CREATE TABLE journal (
    id INTEGER PRIMARY KEY,
    noticed INTEGER NOT NULL,
    library TEXT NOT NULL,
    record TEXT NOT NULL,
    how TEXT NOT NULL,
    master TEXT,
    other TEXT,
    counted INTEGER NOT NULL,
    details TEXT NOT NULL
);
CREATE INDEX journal_noticed ON journal (noticed);
CREATE INDEX journal_master ON journal (master) WHERE master IS NOT NULL;
CREATE INDEX journal_counted ON journal (library, noticed) WHERE counted;
