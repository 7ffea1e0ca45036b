-- Conversations, their turns, and the stages of each turn. Times are UTC epoch seconds.

CREATE TABLE conversations (
    id            TEXT PRIMARY KEY NOT NULL,   -- Home Assistant's conversation_id
    language      TEXT,
    satellite_id  TEXT,
    device_id     TEXT,
    started_at    REAL NOT NULL,
    last_turn_at  REAL NOT NULL
) STRICT;

CREATE INDEX conversations_by_time ON conversations (last_turn_at, id);

-- A summary of the stages, kept in columns so that it can be listed, filtered and searched.
CREATE TABLE turns (
    seq              INTEGER PRIMARY KEY,      -- a stable rowid for full-text search
    id               TEXT NOT NULL UNIQUE CHECK (length(id) = 32),
    conversation_id  TEXT REFERENCES conversations (id) ON DELETE CASCADE,
    satellite_id     TEXT,
    device_id        TEXT,
    started_at       REAL NOT NULL,
    ended_at         REAL,
    language         TEXT,
    speaker          TEXT,
    transcript       TEXT,
    answer           TEXT,
    status           TEXT NOT NULL CHECK (status IN ('in_progress', 'ok', 'failed', 'cancelled')),
    degraded         TEXT,
    error_code       TEXT,
    voice            TEXT
) STRICT;

CREATE INDEX turns_by_time ON turns (started_at, id);
CREATE INDEX turns_by_conversation ON turns (conversation_id, started_at, id);
CREATE INDEX turns_by_satellite ON turns (satellite_id, started_at, id);
CREATE INDEX turns_in_progress ON turns (started_at) WHERE status = 'in_progress';

-- One row per report of a data-plane server (plus its parts: listen, act). Everything the joiner needs after a
-- restart is here, so a turn can be put together, or taken apart, again.
CREATE TABLE stages (
    id               TEXT PRIMARY KEY NOT NULL,
    turn_id          TEXT NOT NULL REFERENCES turns (id) ON DELETE CASCADE,
    parent_id        TEXT REFERENCES stages (id) ON DELETE CASCADE,
    kind             TEXT NOT NULL CHECK (kind IN ('listen', 'transcribe', 'think', 'act', 'speak')),
    connection_id    TEXT NOT NULL,
    link_id          TEXT,
    started_at       REAL NOT NULL,
    first_output_at  REAL,
    ended_at         REAL,
    worker           TEXT,
    voice            TEXT,
    language         TEXT,
    speaker          TEXT,
    conversation_id  TEXT,
    satellite_id     TEXT,
    device_id        TEXT,
    text_in          TEXT,
    text_out         TEXT,
    error_code       TEXT,
    cancelled        INTEGER NOT NULL DEFAULT 0 CHECK (cancelled IN (0, 1)),
    degraded         TEXT,
    detail           TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(detail)),
    audio_file       TEXT UNIQUE,
    audio_s          REAL,
    audio_bytes      INTEGER,
    CHECK ((audio_file IS NULL) = (audio_bytes IS NULL))
) STRICT;

CREATE INDEX stages_by_turn ON stages (turn_id, started_at);
CREATE INDEX stages_by_parent ON stages (parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX stages_with_audio ON stages (started_at, id) WHERE audio_file IS NOT NULL;
