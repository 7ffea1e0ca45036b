-- What workers were seen to take, and what the coordinator decided. Times are UTC epoch seconds.

-- One row per worker and device, as the worker is configured now: another fingerprint replaces it.
CREATE TABLE worker_measurements (
    worker       TEXT NOT NULL,
    device       TEXT NOT NULL,              -- cpu or cuda:N
    fingerprint  TEXT NOT NULL,              -- of its settings and its model's files
    rest_bytes   INTEGER NOT NULL CHECK (rest_bytes >= 0),
    peak_bytes   INTEGER NOT NULL CHECK (peak_bytes >= rest_bytes),
    start_s      REAL NOT NULL CHECK (start_s >= 0),
    samples      INTEGER NOT NULL CHECK (samples > 0),
    measured_at  REAL NOT NULL,
    PRIMARY KEY (worker, device)
) STRICT, WITHOUT ROWID;

-- Texts name workers, devices and bytes, never what anybody said.
CREATE TABLE decisions (
    seq       INTEGER PRIMARY KEY AUTOINCREMENT,  -- also the order of what happened in the same moment
    at        REAL NOT NULL,
    kind      TEXT NOT NULL,
    worker    TEXT,
    device    TEXT,
    lease_id  TEXT,
    text      TEXT NOT NULL,
    detail    TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(detail))
) STRICT;

CREATE INDEX decisions_by_time ON decisions (at);
CREATE INDEX decisions_by_worker ON decisions (worker, seq) WHERE worker IS NOT NULL;
