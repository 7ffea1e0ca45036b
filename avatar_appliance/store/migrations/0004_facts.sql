-- What people asked to be remembered about them. Times are UTC epoch seconds.

CREATE TABLE facts (
    seq              INTEGER PRIMARY KEY AUTOINCREMENT,
    id               TEXT NOT NULL UNIQUE CHECK (length(id) = 32),
    speaker          TEXT,                       -- NULL: somebody nobody recognised
    text             TEXT NOT NULL,
    words            TEXT NOT NULL,              -- the text without case, spaces and punctuation
    language         TEXT,
    learned_by       TEXT NOT NULL CHECK (learned_by IN ('phrase', 'model')),
    conversation_id  TEXT,
    -- The think stage it was said in. Its turn is looked up when it is wanted: the joiner may still move a stage.
    connection_id    TEXT NOT NULL,
    stage_started_at REAL NOT NULL,
    created_at       REAL NOT NULL
) STRICT;

-- The same words of the same person are one fact.
CREATE UNIQUE INDEX facts_by_words ON facts (coalesce(speaker, ''), words);
CREATE INDEX facts_by_speaker ON facts (speaker, created_at, seq);
CREATE INDEX facts_by_time ON facts (created_at, seq);

-- From a report's own name for its stage to the stage.
CREATE INDEX stages_by_connection ON stages (connection_id, started_at);
