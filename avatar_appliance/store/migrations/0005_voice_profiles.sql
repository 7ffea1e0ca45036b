-- Voices of the household. The reference recordings are files beside the database. Times are UTC epoch seconds.

CREATE TABLE voice_profiles (
    seq                  INTEGER PRIMARY KEY,   -- the order in which they were made
    id                   TEXT NOT NULL UNIQUE CHECK (length(id) BETWEEN 1 AND 40),
    name                 TEXT NOT NULL,
    languages            TEXT NOT NULL CHECK (json_valid(languages)),
    tier                 TEXT NOT NULL CHECK (tier IN ('auto', 'fast', 'high-quality')),
    purpose              TEXT NOT NULL CHECK (purpose IN ('answers', 'announcements', 'night-whisper')),
    speed                REAL NOT NULL CHECK (speed > 0),
    is_default           INTEGER NOT NULL CHECK (is_default IN (0, 1)),
    consent_by           TEXT,
    consent_purpose      TEXT,
    consent_at           REAL,
    reference            TEXT NOT NULL UNIQUE,
    reference_s          REAL NOT NULL,
    transcript           TEXT NOT NULL,
    transcript_language  TEXT NOT NULL,
    transcript_source    TEXT NOT NULL CHECK (transcript_source IN ('owner', 'heard')),
    version              INTEGER NOT NULL CHECK (version > 0),
    state                TEXT NOT NULL
        CHECK (state IN ('recorded', 'checking', 'kept', 'cloning', 'ready', 'refused')),
    reason               TEXT,
    report               TEXT NOT NULL CHECK (json_valid(report)),   -- figures, remarks and the trial
    embedding            BLOB,                                       -- little-endian 32-bit floats
    embedding_model      TEXT,
    created_at           REAL NOT NULL,
    changed_at           REAL NOT NULL,
    CHECK ((consent_by IS NULL) = (consent_at IS NULL)),
    CHECK ((embedding IS NULL) = (embedding_model IS NULL))
) STRICT;

CREATE UNIQUE INDEX one_default_voice_for_each_purpose ON voice_profiles (purpose) WHERE is_default = 1;

-- The last version of each deleted voice, under a hash of its id: Home Assistant keeps sound by name and version, so a
-- new voice of the same name goes on counting.
CREATE TABLE retired_voices (
    id_hash  TEXT PRIMARY KEY NOT NULL,
    version  INTEGER NOT NULL CHECK (version > 0)
) STRICT, WITHOUT ROWID;
