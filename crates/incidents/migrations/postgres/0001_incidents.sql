-- Times are microseconds since 1970-01-01 UTC.
CREATE TABLE incidents (
    id TEXT NOT NULL PRIMARY KEY,
    service TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    title TEXT NOT NULL,
    class TEXT NOT NULL,
    recoverable BIGINT,
    state TEXT NOT NULL,
    state_by TEXT NOT NULL,
    state_since BIGINT NOT NULL,
    first_seen BIGINT NOT NULL,
    last_seen BIGINT NOT NULL,
    count BIGINT NOT NULL,
    -- How many deliveries were made for it: the order in which sinks get them.
    events BIGINT NOT NULL,
    -- Service, title and fingerprint in lower case.
    search TEXT NOT NULL
);
CREATE INDEX incidents_by_time ON incidents (last_seen);

CREATE TABLE occurrences (
    id TEXT NOT NULL PRIMARY KEY,
    incident TEXT NOT NULL REFERENCES incidents (id) ON DELETE CASCADE,
    time BIGINT NOT NULL,
    class TEXT NOT NULL,
    version TEXT NOT NULL,
    host TEXT NOT NULL,
    instance TEXT NOT NULL,
    pid BIGINT NOT NULL,
    recovery_ms BIGINT,
    -- JSON, zlib.
    what BYTEA NOT NULL
);
CREATE INDEX occurrences_of ON occurrences (incident, time);
CREATE INDEX occurrences_by_time ON occurrences (time);

CREATE TABLE changes (
    incident TEXT NOT NULL REFERENCES incidents (id) ON DELETE CASCADE,
    time BIGINT NOT NULL,
    state TEXT NOT NULL,
    by_whom TEXT NOT NULL
);
CREATE INDEX changes_of ON changes (incident, time);

CREATE TABLE deliveries (
    id TEXT NOT NULL PRIMARY KEY,
    incident TEXT NOT NULL REFERENCES incidents (id) ON DELETE CASCADE,
    sink TEXT NOT NULL,
    seq BIGINT NOT NULL,
    event TEXT NOT NULL,
    occurrence TEXT NOT NULL,
    created BIGINT NOT NULL,
    state TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    not_before BIGINT NOT NULL,
    lease_until BIGINT NOT NULL,
    lease_owner TEXT NOT NULL,
    -- What is sent, made at the first attempt, so that all attempts send the same.
    body TEXT,
    last_error TEXT NOT NULL,
    done BIGINT
);
CREATE INDEX deliveries_due ON deliveries (sink, state, not_before);
CREATE INDEX deliveries_of ON deliveries (incident, sink, seq);

CREATE TABLE tickets (
    incident TEXT NOT NULL REFERENCES incidents (id) ON DELETE CASCADE,
    sink TEXT NOT NULL,
    reference TEXT NOT NULL,
    url TEXT NOT NULL,
    PRIMARY KEY (incident, sink)
);

CREATE TABLE sinks (
    name TEXT NOT NULL PRIMARY KEY,
    paused_until BIGINT NOT NULL,
    failures BIGINT NOT NULL,
    last_error TEXT NOT NULL,
    last_ok BIGINT
);
