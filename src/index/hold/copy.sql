-- What is held, of the index that is attached as `source`: with its records, the albums it is in, its inodes, and the names
-- it has. Of a library that iCloud no longer has, everything.

CREATE TABLE library AS SELECT * FROM source.library WHERE NOT gone AND (shown OR awaited);
CREATE TABLE held AS SELECT * FROM source.held;
CREATE TABLE note AS SELECT * FROM source.note WHERE kind = 'gone';

-- From the few to the many: what is held is looked up, libraries are not gone through.
CREATE TABLE asset AS
    SELECT a.* FROM source.held h CROSS JOIN source.asset a ON a.name = h.record AND a.library = h.library
    WHERE h.removal <= 2 AND NOT a.gone
    UNION SELECT a.* FROM source.held h CROSS JOIN source.asset a ON a.library = h.library
    WHERE h.removal = 4 AND NOT a.gone;
CREATE TABLE master AS
    SELECT m.* FROM (SELECT DISTINCT library, master FROM asset) a
    CROSS JOIN source.master m ON m.library = a.library AND m.name = a.master;
CREATE TABLE album AS
    SELECT b.* FROM source.held h CROSS JOIN source.album b ON b.name = h.record WHERE h.removal = 3
    UNION SELECT b.* FROM source.held h CROSS JOIN source.album b ON b.library = h.library WHERE h.removal = 4;
CREATE TABLE member AS
    SELECT m.* FROM asset a CROSS JOIN source.member m ON m.asset = a.name
    UNION SELECT m.* FROM album b CROSS JOIN source.member m ON m.album = b.name;
CREATE TABLE node AS SELECT n.* FROM asset a CROSS JOIN source.node n ON n.asset = a.id;
CREATE TABLE claim AS
    SELECT d.ino, p.key AS directory, d.name FROM node n
    CROSS JOIN source.dentry d ON d.ino = n.ino CROSS JOIN source.node p ON p.ino = d.parent
    UNION SELECT ino, directory, name FROM source.claim;
