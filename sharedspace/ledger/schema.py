"""The tables of the ledger, and the steps from earlier ones."""

from __future__ import annotations

VERSION = 4
SCHEMA = """
CREATE TABLE spaces (
    fingerprint TEXT PRIMARY KEY, model TEXT NOT NULL, dimension INTEGER NOT NULL, logit_scale REAL NOT NULL,
    logit_bias REAL  -- NULL where the model has a softmax
    );
CREATE TABLE collections (
    number INTEGER PRIMARY KEY AUTOINCREMENT,  -- never given twice: Chroma's collection is named after it
    name TEXT NOT NULL UNIQUE,
    space TEXT NOT NULL REFERENCES spaces,
    revision INTEGER NOT NULL DEFAULT 0,  -- grows with every change of its images or their metadata
    anchors TEXT NOT NULL DEFAULT '[]',  -- JSON list of the texts kept on the map
    images INTEGER NOT NULL DEFAULT 0,  -- how many: to count them takes longer the more there are
    tagging INTEGER NOT NULL DEFAULT 0,  -- grows with every change of its tags
    giving INTEGER NOT NULL DEFAULT 0  -- grows with every change of the values given to its images; 0: none ever was
    );
CREATE TABLE images (id TEXT PRIMARY KEY, width INTEGER NOT NULL, height INTEGER NOT NULL);
CREATE TABLE vectors (  -- float32, little-endian: embedded once, whatever collections hold the image
    space TEXT NOT NULL REFERENCES spaces, image TEXT NOT NULL REFERENCES images, vector BLOB NOT NULL,
    PRIMARY KEY (space, image)) WITHOUT ROWID;
CREATE TABLE texts (space TEXT NOT NULL REFERENCES spaces, text TEXT NOT NULL, vector BLOB NOT NULL,
    PRIMARY KEY (space, text)) WITHOUT ROWID;
CREATE TABLE members (
    collection INTEGER NOT NULL REFERENCES collections ON DELETE CASCADE, image TEXT NOT NULL REFERENCES images,
    path TEXT NOT NULL, meta TEXT NOT NULL,
    names TEXT NOT NULL DEFAULT '[]',  -- JSON list of what else the same bytes were called
    PRIMARY KEY (collection, image)) WITHOUT ROWID;
CREATE INDEX members_by_image ON members (image);
CREATE TABLE maps (
    collection INTEGER PRIMARY KEY REFERENCES collections ON DELETE CASCADE,
    key TEXT NOT NULL, ids TEXT NOT NULL, xy BLOB NOT NULL, revision INTEGER NOT NULL, late TEXT NOT NULL,
    drawing TEXT NOT NULL DEFAULT '{}'  -- JSON of the knobs that are not at their defaults
    );
"""
# Tags outlive the removal of an image: added once more, it has them again.
MARKS = """
CREATE TABLE tags (
    collection INTEGER NOT NULL REFERENCES collections ON DELETE CASCADE, image TEXT NOT NULL REFERENCES images,
    tag TEXT NOT NULL, PRIMARY KEY (collection, image, tag)) WITHOUT ROWID;
CREATE TABLE saved (  -- queries, views, label sets and classifiers by name, their contents as JSON
    collection INTEGER NOT NULL REFERENCES collections ON DELETE CASCADE, kind TEXT NOT NULL, name TEXT NOT NULL,
    body TEXT NOT NULL, PRIMARY KEY (collection, kind, name)) WITHOUT ROWID;
CREATE TABLE removed (  -- images that were taken out and can be put back
    collection INTEGER NOT NULL REFERENCES collections ON DELETE CASCADE, image TEXT NOT NULL REFERENCES images,
    path TEXT NOT NULL, meta TEXT NOT NULL, names TEXT NOT NULL, PRIMARY KEY (collection, image)) WITHOUT ROWID;
CREATE INDEX removed_by_image ON removed (image);
"""
# Metadata that people and classifiers gave to images, apart from that of their files. It outlives a removal too.
GIVEN = """
CREATE TABLE given (
    collection INTEGER NOT NULL REFERENCES collections ON DELETE CASCADE, field TEXT NOT NULL,
    image TEXT NOT NULL REFERENCES images,
    value TEXT NOT NULL,  -- JSON of a text, a number, true or false
    PRIMARY KEY (collection, field, image)) WITHOUT ROWID;
"""
FROM_1 = """
ALTER TABLE collections ADD COLUMN images INTEGER NOT NULL DEFAULT 0;
ALTER TABLE members ADD COLUMN names TEXT NOT NULL DEFAULT '[]';
UPDATE collections SET images = (SELECT count(*) FROM members WHERE collection = number);
"""
FROM_2 = """
ALTER TABLE maps ADD COLUMN drawing TEXT NOT NULL DEFAULT '{}';
ALTER TABLE collections ADD COLUMN tagging INTEGER NOT NULL DEFAULT 0;
"""
FROM_3 = """
ALTER TABLE spaces ADD COLUMN logit_bias REAL;
ALTER TABLE collections ADD COLUMN giving INTEGER NOT NULL DEFAULT 0;
"""
# By the version that a file has, what brings it up to VERSION.
STEPS = {
    0: SCHEMA + MARKS + GIVEN,
    1: FROM_1 + FROM_2 + MARKS + FROM_3 + GIVEN,
    2: FROM_2 + MARKS + FROM_3 + GIVEN,
    3: FROM_3 + GIVEN,
}
