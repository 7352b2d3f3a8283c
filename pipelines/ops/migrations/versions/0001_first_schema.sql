-- The first schema of ops.db. What each table is for stands with its class in pipelines/ops/models/.
-- Instants are integer microseconds since 1970 UTC, days and JSON are text, truth values are 0 and 1.

CREATE TABLE audit (
    number INTEGER NOT NULL,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject_ids TEXT NOT NULL,
    detail TEXT NOT NULL,
    previous TEXT NOT NULL,
    hash TEXT NOT NULL,
    CONSTRAINT pk_audit PRIMARY KEY (number),
    CONSTRAINT ck_audit_hash CHECK (length(hash) = 64),
    CONSTRAINT uq_audit_hash UNIQUE (hash)
) STRICT;
CREATE INDEX ix_audit_at ON audit (at);

CREATE TABLE audit_head (
    id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    hash TEXT NOT NULL,
    CONSTRAINT pk_audit_head PRIMARY KEY (id),
    CONSTRAINT ck_audit_head_only_one CHECK (id = 1)
) STRICT;

CREATE TABLE breaker (
    source TEXT NOT NULL,
    state TEXT NOT NULL,
    failures INTEGER NOT NULL,
    probes INTEGER NOT NULL,
    needs_person INTEGER NOT NULL,
    opened_at INTEGER,
    next_try_at INTEGER,
    changed_at INTEGER NOT NULL,
    CONSTRAINT pk_breaker PRIMARY KEY (source),
    CONSTRAINT ck_breaker_state CHECK (state = 'closed' OR state = 'open' OR state = 'half-open'),
    CONSTRAINT ck_breaker_needs_person CHECK (needs_person = 0 OR needs_person = 1),
    CONSTRAINT ck_breaker_failures CHECK (failures >= 0),
    CONSTRAINT ck_breaker_probes CHECK (probes >= 0),
    CONSTRAINT ck_breaker_opened_at CHECK ((state = 'closed') = (opened_at IS NULL))
) WITHOUT ROWID, STRICT;

CREATE TABLE decision (
    number INTEGER NOT NULL,
    kind TEXT NOT NULL,
    verdict TEXT NOT NULL,
    actor TEXT NOT NULL,
    role TEXT,
    reason TEXT,
    evidence TEXT,
    undoes INTEGER,
    at INTEGER NOT NULL,
    CONSTRAINT pk_decision PRIMARY KEY (number),
    CONSTRAINT ck_decision_undoes CHECK (undoes < number),
    CONSTRAINT fk_decision_undoes FOREIGN KEY(undoes) REFERENCES decision (number)
) STRICT;
CREATE INDEX ix_decision_at ON decision (at);

CREATE TABLE entity (
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    number INTEGER NOT NULL,
    CONSTRAINT pk_entity PRIMARY KEY (kind, id),
    CONSTRAINT ck_entity_kind CHECK (kind = 'person' OR kind = 'practitioner' OR kind = 'room' OR kind = 'location' OR kind = 'service' OR kind = 'calendar'),
    CONSTRAINT ck_entity_id CHECK (length(id) = 26)
) WITHOUT ROWID, STRICT;

CREATE TABLE field_base (
    resource TEXT NOT NULL,
    source TEXT NOT NULL,
    source_id TEXT NOT NULL,
    other_source TEXT NOT NULL,
    other_source_id TEXT NOT NULL,
    field TEXT NOT NULL,
    entity_id TEXT NOT NULL,
    value TEXT,
    hash TEXT NOT NULL,
    proven_at INTEGER NOT NULL,
    CONSTRAINT pk_field_base PRIMARY KEY (resource, source, source_id, other_source, other_source_id, field)
) WITHOUT ROWID, STRICT;
CREATE INDEX ix_field_base_entity ON field_base (entity_id);

CREATE TABLE holiday (
    id INTEGER NOT NULL,
    state TEXT NOT NULL,
    category TEXT NOT NULL,
    date TEXT NOT NULL,
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    number INTEGER NOT NULL,
    ended_number INTEGER,
    CONSTRAINT pk_holiday PRIMARY KEY (id),
    CONSTRAINT ck_holiday_category CHECK (category = 'public' OR category = 'catholic' OR category = 'school'),
    CONSTRAINT ck_holiday_ended_number CHECK (ended_number > number)
) STRICT;
CREATE INDEX ix_holiday_number ON holiday (number);
CREATE UNIQUE INDEX uq_holiday_standing ON holiday (state, category, date) WHERE ended_number IS NULL;

CREATE TABLE holiday_year (
    state TEXT NOT NULL,
    year INTEGER NOT NULL,
    version TEXT NOT NULL,
    school_days INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    CONSTRAINT pk_holiday_year PRIMARY KEY (state, year),
    CONSTRAINT ck_holiday_year_school_days CHECK (school_days >= 0)
) WITHOUT ROWID, STRICT;

CREATE TABLE login_attempt (
    id INTEGER NOT NULL,
    name_digest TEXT NOT NULL,
    address TEXT NOT NULL,
    at INTEGER NOT NULL,
    succeeded INTEGER NOT NULL,
    CONSTRAINT pk_login_attempt PRIMARY KEY (id),
    CONSTRAINT ck_login_attempt_succeeded CHECK (succeeded = 0 OR succeeded = 1)
) STRICT;
CREATE INDEX ix_login_attempt_address ON login_attempt (address, at);
CREATE INDEX ix_login_attempt_name ON login_attempt (name_digest, at);

CREATE TABLE ops_number (
    id INTEGER NOT NULL,
    value INTEGER NOT NULL,
    CONSTRAINT pk_ops_number PRIMARY KEY (id),
    CONSTRAINT ck_ops_number_only_one CHECK (id = 1),
    CONSTRAINT ck_ops_number_value CHECK (value >= 0)
) STRICT;

CREATE TABLE service_beat (
    service TEXT NOT NULL,
    at INTEGER NOT NULL,
    CONSTRAINT pk_service_beat PRIMARY KEY (service)
) WITHOUT ROWID, STRICT;

CREATE TABLE settings_history (
    id INTEGER NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    recorded_by TEXT NOT NULL,
    recorded_at INTEGER NOT NULL,
    number INTEGER NOT NULL,
    ended_number INTEGER,
    CONSTRAINT pk_settings_history PRIMARY KEY (id),
    CONSTRAINT ck_settings_history_ended_number CHECK (ended_number > number)
) STRICT;
CREATE INDEX ix_settings_history_number ON settings_history (number);
CREATE UNIQUE INDEX uq_settings_history_standing ON settings_history (name) WHERE ended_number IS NULL;

CREATE TABLE sync_run (
    run INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    finished_at INTEGER,
    segment TEXT,
    CONSTRAINT ck_sync_run_state CHECK (state = 'running' OR state = 'ok' OR state = 'attention' OR state = 'failed' OR state = 'abandoned'),
    CONSTRAINT ck_sync_run_finished CHECK ((state = 'running') = (finished_at IS NULL))
) STRICT;

CREATE TABLE user (
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    password_hash TEXT,
    state TEXT DEFAULT 'active' NOT NULL,
    created_at INTEGER NOT NULL,
    password_at INTEGER,
    CONSTRAINT pk_user PRIMARY KEY (id),
    CONSTRAINT ck_user_state CHECK (state = 'active' OR state = 'locked'),
    CONSTRAINT uq_user_name_key UNIQUE (name_key)
) STRICT;

CREATE TABLE alias (
    id INTEGER NOT NULL,
    kind TEXT NOT NULL,
    entity_id TEXT NOT NULL,
    current_id TEXT NOT NULL,
    decision INTEGER,
    created_at INTEGER NOT NULL,
    number INTEGER NOT NULL,
    ended_number INTEGER,
    CONSTRAINT pk_alias PRIMARY KEY (id),
    CONSTRAINT fk_alias_kind_entity_id FOREIGN KEY(kind, entity_id) REFERENCES entity (kind, id),
    CONSTRAINT fk_alias_kind_current_id FOREIGN KEY(kind, current_id) REFERENCES entity (kind, id),
    CONSTRAINT ck_alias_ended_number CHECK (ended_number > number),
    CONSTRAINT ck_alias_not_itself CHECK (entity_id <> current_id),
    CONSTRAINT fk_alias_decision FOREIGN KEY(decision) REFERENCES decision (number)
) STRICT;
CREATE INDEX ix_alias_current ON alias (kind, current_id);
CREATE INDEX ix_alias_number ON alias (number);
CREATE UNIQUE INDEX uq_alias_standing ON alias (kind, entity_id) WHERE ended_number IS NULL;

CREATE TABLE anti_link (
    id INTEGER NOT NULL,
    kind TEXT NOT NULL,
    source_a TEXT NOT NULL,
    source_id_a TEXT NOT NULL,
    source_b TEXT NOT NULL,
    source_id_b TEXT NOT NULL,
    rule TEXT NOT NULL,
    decision INTEGER,
    created_at INTEGER NOT NULL,
    number INTEGER NOT NULL,
    ended_number INTEGER,
    CONSTRAINT pk_anti_link PRIMARY KEY (id),
    CONSTRAINT ck_anti_link_kind CHECK (kind = 'person' OR kind = 'practitioner' OR kind = 'room' OR kind = 'location' OR kind = 'service' OR kind = 'calendar'),
    CONSTRAINT ck_anti_link_ended_number CHECK (ended_number > number),
    CONSTRAINT ck_anti_link_order CHECK ((source_a, source_id_a) < (source_b, source_id_b)),
    CONSTRAINT fk_anti_link_decision FOREIGN KEY(decision) REFERENCES decision (number)
) STRICT;
CREATE INDEX ix_anti_link_number ON anti_link (number);
CREATE UNIQUE INDEX uq_anti_link_standing ON anti_link (kind, source_a, source_id_a, source_b, source_id_b) WHERE ended_number IS NULL;

CREATE TABLE consent (
    id INTEGER NOT NULL,
    entity_id TEXT NOT NULL,
    purpose TEXT NOT NULL,
    channel TEXT NOT NULL,
    source TEXT NOT NULL,
    state TEXT NOT NULL,
    recorded_by TEXT NOT NULL,
    decision INTEGER,
    given_at INTEGER,
    withdrawn_at INTEGER,
    recorded_at INTEGER NOT NULL,
    number INTEGER NOT NULL,
    ended_number INTEGER,
    CONSTRAINT pk_consent PRIMARY KEY (id),
    CONSTRAINT ck_consent_state CHECK (state = 'given' OR state = 'withdrawn'),
    CONSTRAINT ck_consent_ended_number CHECK (ended_number > number),
    CONSTRAINT ck_consent_withdrawn CHECK ((state = 'withdrawn') = (withdrawn_at IS NOT NULL)),
    CONSTRAINT fk_consent_decision FOREIGN KEY(decision) REFERENCES decision (number)
) STRICT;
CREATE INDEX ix_consent_number ON consent (number);
CREATE UNIQUE INDEX uq_consent_standing ON consent (entity_id, purpose, channel, source) WHERE ended_number IS NULL;

CREATE TABLE contact (
    id TEXT NOT NULL,
    entity_id TEXT NOT NULL,
    purpose TEXT NOT NULL,
    channel TEXT NOT NULL,
    rule TEXT,
    state TEXT NOT NULL,
    cause TEXT,
    actor TEXT NOT NULL,
    decision INTEGER,
    queued_at INTEGER NOT NULL,
    settled_at INTEGER,
    CONSTRAINT pk_contact PRIMARY KEY (id),
    CONSTRAINT ck_contact_state CHECK (state = 'queued' OR state = 'sent' OR state = 'delivered' OR state = 'failed' OR state = 'withdrawn'),
    CONSTRAINT ck_contact_settled CHECK ((state = 'queued') = (settled_at IS NULL)),
    CONSTRAINT fk_contact_decision FOREIGN KEY(decision) REFERENCES decision (number)
) STRICT;
CREATE INDEX ix_contact_entity ON contact (entity_id, queued_at);
CREATE INDEX ix_contact_queued ON contact (queued_at) WHERE state = 'queued';

CREATE TABLE decision_subject (
    decision INTEGER NOT NULL,
    position INTEGER NOT NULL,
    subject TEXT NOT NULL,
    CONSTRAINT pk_decision_subject PRIMARY KEY (decision, position),
    CONSTRAINT fk_decision_subject_decision FOREIGN KEY(decision) REFERENCES decision (number)
) WITHOUT ROWID, STRICT;
CREATE INDEX ix_decision_subject_subject ON decision_subject (subject);

CREATE TABLE finding (
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    "key" TEXT NOT NULL,
    source TEXT,
    severity TEXT NOT NULL,
    detail TEXT NOT NULL,
    first_seen_at INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL,
    resolved_at INTEGER,
    decision INTEGER,
    times INTEGER NOT NULL,
    CONSTRAINT pk_finding PRIMARY KEY (id),
    CONSTRAINT ck_finding_severity CHECK (severity = 'info' OR severity = 'warn' OR severity = 'error'),
    CONSTRAINT ck_finding_times CHECK (times >= 1),
    CONSTRAINT ck_finding_resolved_at CHECK (resolved_at >= first_seen_at),
    CONSTRAINT fk_finding_decision FOREIGN KEY(decision) REFERENCES decision (number)
) STRICT;
CREATE INDEX ix_finding_open ON finding (kind) WHERE resolved_at IS NULL;
CREATE UNIQUE INDEX uq_finding_key ON finding (kind, "key");

CREATE TABLE link (
    id INTEGER NOT NULL,
    kind TEXT NOT NULL,
    source TEXT NOT NULL,
    source_id TEXT NOT NULL,
    entity_id TEXT NOT NULL,
    rule TEXT NOT NULL,
    decision INTEGER,
    created_at INTEGER NOT NULL,
    number INTEGER NOT NULL,
    ended_number INTEGER,
    CONSTRAINT pk_link PRIMARY KEY (id),
    CONSTRAINT fk_link_kind_entity_id FOREIGN KEY(kind, entity_id) REFERENCES entity (kind, id),
    CONSTRAINT ck_link_ended_number CHECK (ended_number > number),
    CONSTRAINT fk_link_decision FOREIGN KEY(decision) REFERENCES decision (number)
) STRICT;
CREATE INDEX ix_link_entity ON link (kind, entity_id);
CREATE INDEX ix_link_number ON link (number);
CREATE UNIQUE INDEX uq_link_standing ON link (kind, source, source_id) WHERE ended_number IS NULL;

CREATE TABLE one_time_link (
    digest TEXT NOT NULL,
    purpose TEXT NOT NULL,
    user_id TEXT,
    target TEXT,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER,
    CONSTRAINT pk_one_time_link PRIMARY KEY (digest),
    CONSTRAINT ck_one_time_link_purpose CHECK (purpose = 'sign-in' OR purpose = 'open'),
    CONSTRAINT ck_one_time_link_digest CHECK (length(digest) = 64),
    CONSTRAINT ck_one_time_link_who CHECK (purpose = 'open' OR user_id IS NOT NULL),
    CONSTRAINT ck_one_time_link_what CHECK (purpose = 'sign-in' OR target IS NOT NULL),
    CONSTRAINT ck_one_time_link_expires_at CHECK (expires_at > created_at),
    CONSTRAINT fk_one_time_link_user_id FOREIGN KEY(user_id) REFERENCES user (id)
) WITHOUT ROWID, STRICT;

CREATE TABLE session (
    digest TEXT NOT NULL,
    user_id TEXT NOT NULL,
    opened_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,
    closed_at INTEGER,
    CONSTRAINT pk_session PRIMARY KEY (digest),
    CONSTRAINT ck_session_digest CHECK (length(digest) = 64),
    CONSTRAINT ck_session_seen_at CHECK (seen_at >= opened_at),
    CONSTRAINT fk_session_user_id FOREIGN KEY(user_id) REFERENCES user (id)
) WITHOUT ROWID, STRICT;
CREATE INDEX ix_session_user ON session (user_id);

CREATE TABLE suggestion (
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    resource TEXT NOT NULL,
    field TEXT NOT NULL,
    entity_id TEXT NOT NULL,
    origin_source TEXT NOT NULL,
    origin_source_id TEXT NOT NULL,
    target_source TEXT NOT NULL,
    target_source_id TEXT NOT NULL,
    base_hash TEXT,
    old_hash TEXT,
    new_hash TEXT,
    rule TEXT,
    state TEXT NOT NULL,
    decision INTEGER,
    created_at INTEGER NOT NULL,
    settled_at INTEGER,
    CONSTRAINT pk_suggestion PRIMARY KEY (id),
    CONSTRAINT ck_suggestion_kind CHECK (kind = 'changed' OR kind = 'conflict' OR kind = 'cleared'),
    CONSTRAINT ck_suggestion_state CHECK (state = 'open' OR state = 'later' OR state = 'accepted' OR state = 'rejected' OR state = 'superseded'),
    CONSTRAINT ck_suggestion_settled CHECK ((state IN ('open', 'later')) = (settled_at IS NULL)),
    CONSTRAINT fk_suggestion_decision FOREIGN KEY(decision) REFERENCES decision (number)
) STRICT;
CREATE INDEX ix_suggestion_entity ON suggestion (entity_id);
CREATE UNIQUE INDEX uq_suggestion_open ON suggestion (resource, target_source, target_source_id, field) WHERE state IN ('open', 'later');

CREATE TABLE sync_request (
    id INTEGER NOT NULL,
    source TEXT,
    requested_by TEXT NOT NULL,
    requested_at INTEGER NOT NULL,
    state TEXT DEFAULT 'waiting' NOT NULL,
    run INTEGER,
    claimed_at INTEGER,
    finished_at INTEGER,
    CONSTRAINT pk_sync_request PRIMARY KEY (id),
    CONSTRAINT ck_sync_request_state CHECK (state = 'waiting' OR state = 'claimed' OR state = 'done' OR state = 'failed' OR state = 'expired'),
    CONSTRAINT ck_sync_request_finished CHECK ((state IN ('done', 'failed', 'expired')) = (finished_at IS NOT NULL)),
    CONSTRAINT ck_sync_request_claimed CHECK (state IN ('waiting', 'expired') OR run IS NOT NULL),
    CONSTRAINT ck_sync_request_claimed_at CHECK ((run IS NULL) = (claimed_at IS NULL)),
    CONSTRAINT fk_sync_request_run FOREIGN KEY(run) REFERENCES sync_run (run)
) STRICT;
CREATE UNIQUE INDEX uq_sync_request_waiting_all ON sync_request (state) WHERE state = 'waiting' AND source IS NULL;
CREATE UNIQUE INDEX uq_sync_request_waiting_one ON sync_request (source) WHERE state = 'waiting' AND source IS NOT NULL;

CREATE TABLE source_position (
    source TEXT NOT NULL,
    resource TEXT NOT NULL,
    run INTEGER NOT NULL,
    manifest_run INTEGER NOT NULL,
    position TEXT NOT NULL,
    CONSTRAINT pk_source_position PRIMARY KEY (source, resource),
    CONSTRAINT ck_source_position_manifest_run CHECK (manifest_run <= run),
    CONSTRAINT fk_source_position_run FOREIGN KEY(run) REFERENCES sync_run (run)
) WITHOUT ROWID, STRICT;

CREATE TABLE sync_run_source (
    run INTEGER NOT NULL,
    source TEXT NOT NULL,
    state TEXT NOT NULL,
    read INTEGER NOT NULL,
    new INTEGER NOT NULL,
    changed INTEGER NOT NULL,
    removed INTEGER NOT NULL,
    rejected INTEGER NOT NULL,
    unmapped INTEGER NOT NULL,
    late INTEGER NOT NULL,
    seconds REAL NOT NULL,
    cause TEXT,
    remedy TEXT,
    recorded_at INTEGER NOT NULL,
    CONSTRAINT pk_sync_run_source PRIMARY KEY (run, source),
    CONSTRAINT ck_sync_run_source_state CHECK (state = 'ok' OR state = 'away' OR state = 'refused' OR state = 'bad-answer' OR state = 'stopped'),
    CONSTRAINT ck_sync_run_source_counts CHECK (min(read, new, changed, removed, rejected, unmapped, late) >= 0 AND seconds >= 0),
    CONSTRAINT fk_sync_run_source_run FOREIGN KEY(run) REFERENCES sync_run (run)
) WITHOUT ROWID, STRICT;

CREATE TABLE user_role (
    user_id TEXT NOT NULL,
    role TEXT NOT NULL,
    CONSTRAINT pk_user_role PRIMARY KEY (user_id, role),
    CONSTRAINT ck_user_role_role CHECK (role = 'manager' OR role = 'reception' OR role = 'it' OR role = 'analyst'),
    CONSTRAINT fk_user_role_user_id FOREIGN KEY(user_id) REFERENCES user (id)
) WITHOUT ROWID, STRICT;

CREATE TABLE outbox (
    id INTEGER NOT NULL,
    idempotency_key TEXT NOT NULL,
    decision INTEGER NOT NULL,
    suggestion TEXT,
    source TEXT NOT NULL,
    resource TEXT NOT NULL,
    source_id TEXT,
    change TEXT NOT NULL,
    new_values TEXT NOT NULL,
    base_values TEXT NOT NULL,
    expected_version TEXT,
    state TEXT NOT NULL,
    dry_run INTEGER NOT NULL,
    attempts INTEGER DEFAULT 0 NOT NULL,
    next_attempt_at INTEGER,
    cause TEXT,
    receipt TEXT,
    created_at INTEGER NOT NULL,
    sent_at INTEGER,
    settled_at INTEGER,
    CONSTRAINT pk_outbox PRIMARY KEY (id),
    CONSTRAINT ck_outbox_change CHECK (change = 'create' OR change = 'update' OR change = 'cancel' OR change = 'move'),
    CONSTRAINT ck_outbox_state CHECK (state = 'accepted' OR state = 'sent' OR state = 'written' OR state = 'confirmed' OR state = 'uncertain' OR state = 'conflict' OR state = 'failed' OR state = 'dead' OR state = 'discarded'),
    CONSTRAINT ck_outbox_dry_run CHECK (dry_run = 0 OR dry_run = 1),
    CONSTRAINT ck_outbox_idempotency_key CHECK (length(idempotency_key) = 64),
    CONSTRAINT ck_outbox_attempts CHECK (attempts >= 0),
    CONSTRAINT ck_outbox_sent_before_answered CHECK (state IN ('accepted', 'discarded') OR sent_at IS NOT NULL),
    CONSTRAINT ck_outbox_target CHECK (change = 'create' OR source_id IS NOT NULL),
    CONSTRAINT uq_outbox_idempotency_key UNIQUE (idempotency_key),
    CONSTRAINT fk_outbox_decision FOREIGN KEY(decision) REFERENCES decision (number),
    CONSTRAINT fk_outbox_suggestion FOREIGN KEY(suggestion) REFERENCES suggestion (id)
) STRICT;
CREATE INDEX ix_outbox_decision ON outbox (decision);
CREATE INDEX ix_outbox_due ON outbox (source, next_attempt_at) WHERE state IN ('accepted', 'failed');

INSERT INTO ops_number (id, value) VALUES (1, 0);

-- The chain begins with nothing: number 0 and a hash of zeros stand before the first entry.
INSERT INTO audit_head (id, number, hash)
VALUES (1, 0, '0000000000000000000000000000000000000000000000000000000000000000');
